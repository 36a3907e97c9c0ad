// Owns the finding of lines and sections in a message's SDP, by offsets in the message, multipart bodies included.
import type { SipMessage } from '../src/sip/index.ts'
import { bodyParts } from './body-parts.ts'

/** Bytes from `start` to before `end`. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** Where the SDP of the message stands; undefined when it has none. */
export function sdpSpan(message: SipMessage): Span | undefined {
  const { raw, bodyStart } = message
  if (bodyStart >= raw.length) return undefined
  const type = message.contentType
  const media = type === 'application/sdp' ? type : type.split(';', 1)[0]!.trim().toLowerCase()
  if (media === 'application/sdp') return { start: bodyStart, end: raw.length }
  if (!media.startsWith('multipart/')) return undefined
  for (const part of bodyParts(message)) {
    // The CRLF before a delimiter belongs to the delimiter, but the last SDP line needs one of its own: it is kept.
    if (part.type === 'application/sdp') return { start: part.content, end: part.end }
  }
  return undefined
}

/** The lines within a span, each with its line end. */
export function* bodyLines(raw: string, span: Span): Generator<Span> {
  let start = span.start
  while (start < span.end) {
    const newline = raw.indexOf('\n', start)
    const end = newline < 0 || newline >= span.end ? span.end : newline + 1
    yield { start, end }
    start = end
  }
}

/** The sections of that media, each from its `m=` line to before the next. */
export function mediaSections(raw: string, span: Span, media: string): Span[] {
  const sections: { start: number; end: number; media: string }[] = []
  for (const line of bodyLines(raw, span)) {
    if (!raw.startsWith('m=', line.start)) continue
    const last = sections.at(-1)
    if (last) last.end = line.start
    const name = /^m=(\S+)/.exec(raw.slice(line.start, line.end))?.[1] ?? ''
    sections.push({ start: line.start, end: span.end, media: name })
  }
  return sections.filter((section) => section.media === media)
}

/** One media line, `m=audio 49170 RTP/AVP 0 8`, and the section that it begins. */
export interface MediaLine {
  readonly media: string
  readonly port: string
  readonly transport: string
  readonly formats: readonly string[]
  /** Offset of the first format, or of the end of the line where there is none. */
  readonly formatsStart: number
  readonly line: Span
  readonly section: Span
}

export function mediaLines(raw: string, span: Span): MediaLine[] {
  const lines: {
    media: string
    port: string
    transport: string
    formats: string[]
    formatsStart: number
    line: Span
    section: { start: number; end: number }
  }[] = []
  for (const line of bodyLines(raw, span)) {
    const found = /^m=(\S+) (\S+) (\S+) ?([^\r\n]*)/.exec(raw.slice(line.start, line.end))
    if (found === null) continue
    const last = lines.at(-1)
    if (last) last.section.end = line.start
    const [, media = '', port = '', transport = '', list = ''] = found
    lines.push({
      media,
      port,
      transport,
      formats: list.split(/\s+/).filter((one) => one !== ''),
      formatsStart: line.start + found[0].length - list.length,
      line,
      section: { start: line.start, end: span.end },
    })
  }
  return lines
}
