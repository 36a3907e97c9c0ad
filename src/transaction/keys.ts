// Owns how a request finds its server transaction: RFC 3261 17.2.3, with and without the magic cookie.

import { MAGIC_COOKIE, type SipRequest } from '../sip/index.ts'

/**
 * The part of a server key that a request, its CANCEL and the ACK of its failure have in common. Undefined without a usable Via.
 * The CSeq number is in it too: a peer that reuses a branch for its next request is served, not taken for a retransmission.
 */
export function serverKeyStem(request: SipRequest): string | undefined {
  const via = request.topVia
  if (via === undefined) return undefined
  if (via.branch.startsWith(MAGIC_COOKIE) && via.branch.length > MAGIC_COOKIE.length) {
    // 17.2.3: branch and sent-by; the method is the caller's to add.
    return `${via.branch} ${via.host.toLowerCase()}:${via.port ?? ''} ${request.cseqNumber} `
  }
  // 17.2.3 for RFC 2543: Request-URI, From tag, Call-ID, CSeq number and the top Via as it was written. The To tag is left out, since
  // an ACK carries one that its INVITE had not; the CSeq number keeps requests of a dialog apart.
  return `2543 ${request.callId} ${request.cseqNumber} ${request.fromTag} ${request.requestUri} ${request.raw.slice(via.start, via.end)} `
}
