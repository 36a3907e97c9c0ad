// Owns module sanity: the checks on a request that a careful proxy makes before anything else.
import { SipRequest, validateRequest } from '../src/sip/index.ts'
import { define } from './define.ts'
import { sendReplyAs } from './replies.ts'
import { currentRun, language } from './runtime.ts'
import { numberParameter } from './settings.ts'

const noReply = numberParameter('sanity', 'noreply', 0)

export const sanityCheck = define(
  {
    name: 'sanityCheck',
    kamailio: 'sanity_check',
    module: 'sanity',
    parameters: [
      { name: 'checks', kind: 'int', optional: true },
      { name: 'uriChecks', kind: 'int', optional: true },
    ],
    routes: ['request', 'reply'],
    doc: 'Checks mandatory headers, CSeq, lengths, URIs and Proxy-Require. A request that fails is answered here, and the result is false.',
    example: 'if (!sanity_check("17895", "7")) exit;',
  },
  (_checks?: number | string, _uriChecks?: number | string) => {
    const { message } = currentRun()
    if (!(message instanceof SipRequest)) return 1
    // The proxy core has made these checks before a TypeScript route runs.
    if (language() === 'ts') return 1
    const refusal = validateRequest(message)
    if (refusal === undefined) return 1
    // RFC 3261 17: an ACK is never answered.
    if (message.method === 'ACK' || noReply() !== 0) return -1
    const { state } = currentRun()
    const headers = state.replyHeaders
    state.addReplyHeaders(refusal.headers ?? '')
    sendReplyAs('stateless', refusal.status, refusal.reason)
    state.replyHeaders = headers
    return -1
  },
)
