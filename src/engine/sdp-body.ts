// Owns finding the session description in a message's body, alone or as a part of a multipart body, and putting another in its place.
import type { SipMessage } from '../sip/index.ts'

export interface SdpBody {
  readonly text: string
  /** The whole body with this session description in place of the one found. */
  replace(sdp: string): string
}

/** The first session description of a message, undefined where there is none. */
export function findSdp(message: SipMessage): SdpBody | undefined {
  if (message.bodyStart >= message.raw.length) return undefined
  const type = message.contentType.toLowerCase()
  if (type.startsWith('application/sdp')) return { text: message.body, replace: (sdp) => sdp }
  return type.startsWith('multipart/') ? findPart(message.body, message.contentType) : undefined
}

/** RFC 2046 5.1: parts stand between lines of two hyphens and the boundary; the line break before belongs to the boundary. */
function findPart(body: string, contentType: string): SdpBody | undefined {
  const match = /;\s*boundary\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;]+))/i.exec(contentType)
  const boundary = match?.[1]?.replace(/\\(.)/g, '$1') ?? match?.[2]
  if (!boundary) return undefined
  const mark = `--${boundary}`
  // The next blank line is looked for once, not from every part before it.
  let nextBlank = 0
  let at = body.startsWith(mark) ? 0 : body.indexOf(`\r\n${mark}`) + 2
  while (at >= 0 && body.startsWith(mark, at)) {
    const headersFrom = body.indexOf('\r\n', at) + 2
    if (headersFrom < 2) return undefined
    const end = body.indexOf(`\r\n${mark}`, headersFrom - 2)
    if (end < 0) return undefined
    if (nextBlank >= 0 && nextBlank < headersFrom) nextBlank = body.indexOf('\r\n\r\n', headersFrom)
    const blank = body.startsWith('\r\n', headersFrom) ? headersFrom - 2 : nextBlank
    if (blank >= 0 && blank < end) {
      const headers = body.slice(headersFrom, Math.max(headersFrom, blank))
      const start = blank + 4
      if (/^content-type\s*:\s*application\/sdp\b/im.test(headers)) {
        return {
          text: body.slice(start, Math.max(start, end)),
          replace: (sdp) => body.slice(0, start) + sdp + body.slice(Math.max(start, end)),
        }
      }
    }
    at = end + 2
  }
  return undefined
}
