// Owns loop detection by branch (RFC 5393 4.2): the part of the branch that names how a request was routed, and the test for it.

import { HeaderId, type SipRequest } from '../sip/index.ts'
import type { Flow, TransportLayer } from '../transport/index.ts'

/** The headers of a request, besides its first line and its dialog, that a route may decide on. */
const ROUTING_HEADERS = [HeaderId.Route, HeaderId.ProxyRequire, HeaderId.ProxyAuthorization] as const

/**
 * Eight hexadecimal digits over everything that decides how a request is routed, method excluded (RFC 5393 4.2.1). With `flow`, where it came
 * from counts too: a Kamailio script may well tell its own requests from those of others.
 */
export function routingHash(request: SipRequest, flow: Flow | undefined): string {
  const { raw } = request
  let hash = mix(0x811c9dc5, request.requestUri)
  hash = mix(hash, request.callId)
  hash = mix(hash, request.fromTag)
  hash = mix(hash, request.toTag)
  hash = Math.imul(hash ^ request.cseqNumber, 0x01000193)
  for (const id of ROUTING_HEADERS) {
    for (let at = request.findId(id); at >= 0; at = request.findId(id, at + 1)) {
      const end = request.valueEnd(at)
      for (let i = request.valueStart(at); i < end; i++) hash = Math.imul(hash ^ raw.charCodeAt(i), 0x01000193)
      hash = Math.imul(hash ^ 0x0a, 0x01000193)
    }
  }
  if (flow !== undefined) {
    hash = mix(hash, flow.remoteAddress)
    hash = Math.imul(hash ^ flow.remotePort, 0x01000193)
  }
  return hexadecimal(hash)
}

const BYTES: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** 32 bits as eight digits. */
function hexadecimal(word: number): string {
  return BYTES[word >>> 24]! + BYTES[(word >>> 16) & 255]! + BYTES[(word >>> 8) & 255]! + BYTES[word & 255]!
}

/** Whether a Via of ours further down shows that this request, routed the same way, went out from here before. */
export function hasLooped(request: SipRequest, hash: string, transport: TransportLayer): boolean {
  const mark = `.${hash}`
  // Nearly every request ends here: the mark stands nowhere in it.
  if (!request.raw.includes(mark, request.firstLineEnd)) return false
  for (const via of request.vias()) {
    if (via.branch.endsWith(mark) && transport.isLocal(via.host, via.port)) return true
  }
  return false
}

/** Sixteen hexadecimal digits over some texts, for names that must come out the same each time. */
export function textHash(...texts: string[]): string {
  let a = 0x811c9dc5
  let b = 0x5bd1e995
  for (const text of texts) {
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i)
      a = Math.imul(a ^ code, 0x01000193)
      b = Math.imul(b ^ code, 0x85ebca6b) ^ (b >>> 13)
    }
    a = Math.imul(a ^ 0x100, 0x01000193)
    b = Math.imul(b ^ 0x100, 0x85ebca6b) ^ (b >>> 13)
  }
  return hexadecimal(a) + hexadecimal(b)
}

function mix(start: number, text: string): number {
  let hash = start
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return Math.imul(hash ^ 0x0a, 0x01000193)
}
