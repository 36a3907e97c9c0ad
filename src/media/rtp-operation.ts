// Owns the decision table of rtpengine_manage: which operation a message calls for, by its kind, method and body.
import type { MediaCommand } from './relay.ts'

/** What `rtpengine_manage` looks at. */
export interface RtpSituation {
  /** Route kind that called. */
  readonly kind: 'request' | 'reply' | 'failure' | 'branch'
  /** Method of the request, or of the CSeq of a reply. */
  readonly method: string
  /** Status of the reply; 0 for a request. */
  readonly status: number
  readonly hasSdp: boolean
  /**
   * Whether the request of this transaction carried SDP: its replies then answer, else they offer (late offer).
   * True where there is no transaction to tell.
   */
  readonly requestHadSdp: boolean
  /**
   * Whether the request is within a dialog (has a To tag); default false. What fails there fails alone: a refused or
   * cancelled re-INVITE leaves the session as it was (RFC 3261 14.1), where Kamailio's module deletes it.
   */
  readonly inDialog?: boolean
}

export type RtpOperation = Extract<MediaCommand, 'offer' | 'answer' | 'delete'> | 'none'

/** The operation that `rtpengine_manage` performs (rtpengine module's manual, 4.4 `rtpengine_manage`). */
export function decideRtpOperation(situation: RtpSituation): RtpOperation {
  const { kind, method, hasSdp, inDialog = false } = situation
  if (kind === 'reply') return decideForReply(situation)
  // A failure route of an INVITE ends the session; the next attempt offers anew.
  if (kind === 'failure') return method === 'INVITE' && !inDialog ? 'delete' : 'none'
  switch (method) {
    case 'INVITE':
    case 'UPDATE':
      return hasSdp ? 'offer' : 'none'
    case 'ACK': // RFC 3264 4: the answer to an offer that came in the 200
    case 'PRACK': // RFC 3262 5: the answer to an offer that came in a reliable provisional reply
      return hasSdp ? 'answer' : 'none'
    case 'BYE':
      return 'delete'
    case 'CANCEL':
      return inDialog ? 'none' : 'delete'
    default:
      return 'none'
  }
}

function decideForReply({ method, status, hasSdp, requestHadSdp, inDialog = false }: RtpSituation): RtpOperation {
  if (method === 'INVITE') {
    if (status >= 300) return inDialog ? 'none' : 'delete'
    if (!hasSdp || status <= 100) return 'none'
    return requestHadSdp ? 'answer' : 'offer'
  }
  // RFC 3311 5.1, RFC 3262 5: the answer comes in the 2xx; a refused UPDATE leaves the session as it was.
  if (method === 'UPDATE' || method === 'PRACK') return hasSdp && status >= 200 && status < 300 ? 'answer' : 'none'
  return 'none'
}
