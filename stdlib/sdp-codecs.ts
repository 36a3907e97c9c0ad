// Owns module sdpops, its codecs: removed, kept or asked for by name or payload number, with their attributes.
import type { Parameter } from './contract.ts'
import { declarations, optional, text } from './declaration.ts'
import { define } from './define.ts'
import { edit } from './message-edits.ts'
import { currentRun } from './runtime.ts'
import { bodyLines, type MediaLine, mediaLines, sdpSpan } from './sdp-lines.ts'

const sdpops = declarations('sdpops', ['request', 'reply', 'failure', 'branch', 'event'])
const MEDIA: Parameter = optional(text('media'))

/** Payload numbers that have a name without rtpmap (RFC 3551 6). */
const STATIC: Readonly<Record<string, string>> = {
  '0': 'PCMU',
  '3': 'GSM',
  '4': 'G723',
  '5': 'DVI4',
  '6': 'DVI4',
  '7': 'LPC',
  '8': 'PCMA',
  '9': 'G722',
  '10': 'L16',
  '11': 'L16',
  '12': 'QCELP',
  '13': 'CN',
  '14': 'MPA',
  '15': 'G728',
  '16': 'DVI4',
  '17': 'DVI4',
  '18': 'G729',
  '25': 'CelB',
  '26': 'JPEG',
  '28': 'nv',
  '31': 'H261',
  '32': 'MPV',
  '33': 'MP2T',
  '34': 'H263',
}

const listOf = (list: string) =>
  list
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')

/** Names of a payload number within one media section: of its rtpmap, or the one that it has by itself. */
function nameOf(section: MediaLine, payload: string): string | undefined {
  const { raw } = currentRun()
  for (const line of bodyLines(raw, section.section)) {
    const found = /^a=rtpmap:(\S+)\s+([^/\s]+)/.exec(raw.slice(line.start, line.end))
    if (found?.[1] === payload) return found[2]
  }
  return Object.hasOwn(STATIC, payload) ? STATIC[payload] : undefined
}

function matching(section: MediaLine, wanted: readonly string[], by: 'name' | 'id'): string[] {
  if (by === 'id') return section.formats.filter((payload) => wanted.includes(payload))
  const names = wanted.map((one) => one.toLowerCase())
  return section.formats.filter((payload) => {
    const name = nameOf(section, payload)?.toLowerCase()
    return name !== undefined && names.some((one) => one === name || one.split('/')[0] === name)
  })
}

/** Takes payload numbers off a media line, with their rtpmap, fmtp and rtcp-fb lines. */
function removeFormats(section: MediaLine, payloads: readonly string[]): void {
  const { raw } = currentRun()
  // Each number by itself with the space before it, so that what other functions take off the line goes with it.
  const from = section.formatsStart
  for (const { 0: payload, index } of raw.slice(from, section.line.end).matchAll(/\S+/g))
    if (payloads.includes(payload)) edit(from + index - 1, payload.length + 1, '')
  for (const line of bodyLines(raw, section.section)) {
    const found = /^a=(?:rtpmap|fmtp|rtcp-fb):(\S+)/.exec(raw.slice(line.start, line.end))
    if (found !== null && payloads.includes(found[1]!)) edit(line.start, line.end - line.start, '')
  }
}

function change(list: string, media: string | undefined, by: 'name' | 'id', keep: 'keep' | 'remove'): number {
  const { message, raw } = currentRun()
  const span = sdpSpan(message)
  if (span === undefined) return -1
  const wanted = listOf(list)
  for (const section of mediaLines(raw, span)) {
    if (media !== undefined && media !== '' && section.media !== media) continue
    const found = matching(section, wanted, by)
    const removed = keep === 'remove' ? found : section.formats.filter((payload) => !found.includes(payload))
    if (removed.length > 0) removeFormats(section, removed)
  }
  return 1
}

function changing(kamailio: string, by: 'name' | 'id', keep: 'keep' | 'remove', doc: string) {
  const example = `${kamailio}("${by === 'name' ? 'PCMU,PCMA' : '0,8'}");`
  return define(sdpops(kamailio, [text('codecs'), MEDIA], doc, example), (list: string, media?: string) =>
    change(list, media, by, keep),
  )
}
export const sdpRemoveCodecsByName = changing(
  'sdp_remove_codecs_by_name',
  'name',
  'remove',
  'Removes codecs by name from the SDP; of one kind of media when that is given.',
)
export const sdpRemoveCodecsById = changing(
  'sdp_remove_codecs_by_id',
  'id',
  'remove',
  'Removes codecs by payload number from the SDP.',
)
export const sdpKeepCodecsByName = changing(
  'sdp_keep_codecs_by_name',
  'name',
  'keep',
  'Keeps only these codecs; a media line of which none is left stays without formats.',
)
export const sdpKeepCodecsById = changing('sdp_keep_codecs_by_id', 'id', 'keep', 'Keeps only these payload numbers.')

function asking(kamailio: string, by: 'name' | 'id', doc: string) {
  return define(
    sdpops(kamailio, [text('codecs')], doc, `${kamailio}("${by === 'name' ? 'PCMU' : '0'}")`),
    (list: string) => {
      const { message, raw } = currentRun()
      const span = sdpSpan(message)
      if (span === undefined) return -1
      const wanted = listOf(list)
      // 5.6.3 gives 2 for found.
      return mediaLines(raw, span).some((section) => matching(section, wanted, by).length > 0) ? 2 : -1
    },
  )
}
export const sdpWithCodecsByName = asking('sdp_with_codecs_by_name', 'name', 'True if the SDP has one of these codecs.')
export const sdpWithCodecsById = asking(
  'sdp_with_codecs_by_id',
  'id',
  'True if the SDP has one of these payload numbers.',
)
