// Owns the CSeq numbers of dialogs in which requests of ours went out: those of the parties are raised, and put back in replies.
import type { ReplyContext, RequestContext } from '../proxy/index.ts'
import {
  applyEdits,
  headerValueEdit,
  type MessageEdit,
  parseMessage,
  type SipMessage,
  SipRequest,
  UNBOUNDED_PARSE_LIMITS,
} from '../sip/index.ts'

/** By how much the numbers of requests under way were raised. */
export class RaisedNumbers {
  readonly #raised = new WeakMap<RequestContext, number>()

  /** RFC 3261 12.2.1.1: the number of a request that is about to be routed, beyond those of ours that went before. */
  raise(context: RequestContext, added: number): void {
    if (added === 0) return
    const { request } = context
    const parsed = parseMessage(
      applyEdits(request.raw, [numbered(request, request.cseqNumber + added)]),
      UNBOUNDED_PARSE_LIMITS,
    )
    if (!parsed.ok || !(parsed.message instanceof SipRequest)) return
    if (context.replaceRequest(parsed.message) > 0) this.#raised.set(context, added)
  }

  /** Gives a reply of a branch the number that its request came with. */
  restore({ context, reply }: ReplyContext): readonly MessageEdit[] | undefined {
    const added = context === undefined ? undefined : this.#raised.get(context)
    return added === undefined ? undefined : [numbered(reply, reply.cseqNumber - added)]
  }
}

function numbered(message: SipMessage, number: number): MessageEdit {
  return headerValueEdit(message, message.find('CSeq'), `${number} ${message.cseqMethod}`)
}
