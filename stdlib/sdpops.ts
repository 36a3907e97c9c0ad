// Owns module sdpops: changes to a session description, line by line, every other byte kept.
import type { Parameter } from './contract.ts'
import { declarations } from './declaration.ts'
import { define } from './define.ts'
import { edit } from './message-edits.ts'
import { currentRun } from './runtime.ts'
import { bodyLines, mediaSections, sdpSpan } from './sdp-lines.ts'

const sdpops = declarations('sdpops', ['request', 'reply', 'failure', 'branch', 'event'])
const optionalMedia: Parameter = { name: 'media', kind: 'string', optional: true }

export const sdpRemoveLineByPrefix = define(
  sdpops(
    'sdp_remove_line_by_prefix',
    [{ name: 'prefix', kind: 'string' }, optionalMedia],
    'Removes every line of the SDP that begins so; of one kind of media when that is given. True also when no line does; false without SDP.',
    'sdp_remove_line_by_prefix("a=candidate");',
  ),
  (prefix: string, media?: string) => {
    const { message } = currentRun()
    const span = sdpSpan(message)
    if (span === undefined || prefix === '') return -1
    const sections = media === undefined || media === '' ? undefined : mediaSections(message.raw, span, media)
    for (const line of bodyLines(message.raw, span)) {
      if (!message.raw.startsWith(prefix, line.start)) continue
      if (sections && !sections.some((section) => line.start >= section.start && line.start < section.end)) continue
      edit(line.start, line.end - line.start, '')
    }
    return 1
  },
)

export const sdpWithMedia = define(
  sdpops(
    'sdp_with_media',
    [{ name: 'media', kind: 'string' }],
    'True if the SDP has a line m= of that media.',
    'sdp_with_media("video")',
  ),
  (media: string) => {
    const { message } = currentRun()
    const span = sdpSpan(message)
    return span !== undefined && mediaSections(message.raw, span, media).length > 0 ? 1 : -1
  },
)

export const sdpRemoveMedia = define(
  sdpops(
    'sdp_remove_media',
    [{ name: 'media', kind: 'string' }],
    'Removes the sections of that media from the SDP.',
    'sdp_remove_media("video");',
  ),
  (media: string) => {
    const { message } = currentRun()
    const span = sdpSpan(message)
    if (span === undefined) return -1
    const sections = mediaSections(message.raw, span, media)
    for (const section of sections) edit(section.start, section.end - section.start, '')
    return sections.length > 0 ? 1 : -1
  },
)

export const sdpWithTransport = define(
  sdpops(
    'sdp_with_transport',
    [{ name: 'transport', kind: 'string' }],
    'True if a line m= has that transport.',
    'sdp_with_transport("RTP/SAVP")',
  ),
  (transport: string) => {
    const { message } = currentRun()
    const span = sdpSpan(message)
    if (span === undefined) return -1
    for (const line of bodyLines(message.raw, span)) {
      const text = message.raw.slice(line.start, line.end)
      if (text.startsWith('m=') && text.split(' ')[2] === transport) return 1
    }
    return -1
  },
)

export const sdpWithTransportLike = define(
  sdpops(
    'sdp_with_transport_like',
    [{ name: 'part', kind: 'string' }],
    'True if a line m= has a transport with that in it.',
    'sdp_with_transport_like("SAVPF")',
  ),
  (part: string) => {
    const { message } = currentRun()
    const span = sdpSpan(message)
    if (span === undefined || part === '') return -1
    for (const line of bodyLines(message.raw, span)) {
      const text = message.raw.slice(line.start, line.end)
      if (text.startsWith('m=') && text.split(' ')[2]?.includes(part) === true) return 1
    }
    return -1
  },
)

export const sdpContent = define(sdpops('sdp_content', [], 'True if the message carries SDP.', 'sdp_content()'), () =>
  sdpSpan(currentRun().message) === undefined ? -1 : 1,
)
