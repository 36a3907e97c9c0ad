// Owns module sdpops, its questions: the SDP or a line of it into a variable, transports, ICE, address family.
import type { PvReference } from './contract.ts'
import { code, declarations, text, variable } from './declaration.ts'
import { define } from './define.ts'
import { edit } from './message-edits.ts'
import { currentRun, opNow } from './runtime.ts'
import { bodyLines, mediaLines, sdpSpan } from './sdp-lines.ts'

const sdpops = declarations('sdpops', ['request', 'reply', 'failure', 'branch', 'event'])

/** The text of the SDP; undefined without. */
function sdpText(): string | undefined {
  const span = sdpSpan(currentRun().message)
  return span === undefined ? undefined : currentRun().raw.slice(span.start, span.end)
}

export const sdpGet = define(
  sdpops('sdp_get', [variable('variable')], 'Puts the SDP into a variable; -2 without SDP.', 'sdp_get("$avp(sdp)");'),
  (target: PvReference) => {
    const sdp = sdpText()
    if (sdp === undefined) return -2
    target.set(sdp)
    return 1
  },
)

export const sdpGetLineStartswith = define(
  sdpops(
    'sdp_get_line_startswith',
    [variable('variable'), text('prefix')],
    'Puts the first line of the SDP that begins so into a variable.',
    'sdp_get_line_startswith("$avp(line)", "a=sendrecv");',
  ),
  (target: PvReference, prefix: string) => {
    const { message, raw } = currentRun()
    const span = sdpSpan(message)
    if (span === undefined) return -2
    for (const line of bodyLines(raw, span)) {
      if (!raw.startsWith(prefix, line.start)) continue
      target.set(raw.slice(line.start, line.end).replace(/\r?\n$/, ''))
      return 1
    }
    return -1
  },
)

export const sdpWithIce = define(
  sdpops('sdp_with_ice', [], 'True if the SDP has ICE candidates.', 'sdp_with_ice()'),
  () => code(/^a=(?:candidate|ice-ufrag|ice-pwd|ice-options)[:\s]/m.test(sdpText() ?? '')),
)

export const sdpTransport = define(
  sdpops(
    'sdp_transport',
    [variable('variable')],
    'Puts the transport of the first media line into a variable.',
    'sdp_transport("$avp(tp)");',
  ),
  (target: PvReference) => {
    const transport = /^m=\S+ \S+ (\S+)/m.exec(sdpText() ?? '')?.[1]
    if (transport === undefined) return -1
    target.set(transport)
    return 1
  },
)

export const sdpWithActiveMedia = define(
  sdpops(
    'sdp_with_active_media',
    [text('media')],
    'True if the SDP has that media, with a port and not inactive.',
    'sdp_with_active_media("audio")',
  ),
  (media: string) => {
    const { message, raw } = currentRun()
    const span = sdpSpan(message)
    if (span === undefined) return -1
    return code(
      mediaLines(raw, span).some(
        (one) =>
          one.media === media &&
          one.port !== '0' &&
          !/^a=inactive\b/m.test(raw.slice(one.section.start, one.section.end)),
      ),
    )
  },
)

export const sdpGetAddressFamily = define(
  sdpops(
    'sdp_get_address_family',
    [],
    'The address family of the first connection line as the code: 4 or 6.',
    'sdp_get_address_family();',
  ),
  () => {
    const family = /^c=IN IP([46]) /m.exec(sdpText() ?? '')?.[1]
    return family === undefined ? -1 : Number(family)
  },
)

export const sdpPrint = define(
  sdpops('sdp_print', [text('level')], 'Writes the SDP to the log.', 'sdp_print("1");'),
  (level: string) => {
    const sdp = sdpText()
    if (sdp === undefined) return -1
    const number = Number(level)
    opNow('log', { level: Number.isInteger(number) ? Math.min(3, Math.max(-5, number)) : 3, text: sdp.slice(0, 4096) })
    return 1
  },
)

export const sdpRemoveTransport = define(
  sdpops(
    'sdp_remove_transport',
    [text('transport')],
    'Removes the media of that transport from the SDP.',
    'sdp_remove_transport("RTP/AVP");',
  ),
  (transport: string) => {
    const { message, raw } = currentRun()
    const span = sdpSpan(message)
    if (span === undefined) return -1
    const found = mediaLines(raw, span).filter((one) => one.transport === transport)
    for (const one of found) edit(one.section.start, one.section.end - one.section.start, '')
    return code(found.length > 0)
  },
)
