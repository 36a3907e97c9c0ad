// Owns the parts of a multipart body (RFC 2046 5.1), by offsets in the message.
import type { SipMessage } from '../src/sip/index.ts'

/** The headers of a part begin at `start`, its content at `content`. */
export interface BodyPart {
  /** Media type in lower case, without parameters. */
  readonly type: string
  readonly start: number
  readonly content: number
  readonly end: number
}

/** What delimits the parts; undefined where the body has none. */
export function boundaryOf(message: SipMessage): string | undefined {
  const found = /;\s*boundary\s*=\s*(?:"([^"]+)"|([^;\s]+))/i.exec(message.contentType)
  return found?.[1] ?? found?.[2]
}

/** The parts in order. What has no headers is none. */
export function* bodyParts(message: SipMessage): Generator<BodyPart> {
  const { raw, bodyStart } = message
  const boundary = boundaryOf(message)
  if (boundary === undefined) return
  const delimiter = `--${boundary}`
  // The next blank line is looked for once, not from every part before it.
  let blank = 0
  for (let at = raw.indexOf(delimiter, bodyStart); at >= 0; ) {
    const start = raw.indexOf('\n', at) + 1
    const end = raw.indexOf(delimiter, at + delimiter.length)
    if (start === 0 || end < 0) return
    if (blank < start - 2) blank = raw.indexOf('\r\n\r\n', start - 2)
    if (blank < 0) return
    if (blank < end) {
      const type = /^content-type\s*:\s*([^;\r\n]+)/im.exec(raw.slice(start, blank))?.[1] ?? 'text/plain'
      yield { type: type.trim().toLowerCase(), start, content: blank + 4, end }
    }
    at = end
  }
}
