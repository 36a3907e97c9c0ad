// Owns what functions of tm ask about transactions and do to them: of their own run, and of others by number or Call-ID.
import type { RequestContext } from '../proxy/index.ts'
import { optionalText, text, wholeNumber, wrongArguments } from './host-arguments.ts'

/** What reaches requests that are not the run's own. */
export interface OtherRequests {
  /** The request under way with that Call-ID and CSeq number. */
  find(callId: string, cseq: number): RequestContext | undefined
  /** Goes on with a suspended request in `route[name]`; false: there is nothing to go on with. */
  continue(context: RequestContext, route: string): Promise<boolean>
}

/** More suspended requests than this are refused: each holds a transaction. */
const MOST_SUSPENDED = 10_000

export class TransactionOperations {
  readonly #others: () => OtherRequests
  /** By number; the context also knows when it is over. */
  readonly #suspended = new Map<number, RequestContext>()

  constructor(others: () => OtherRequests) {
    this.#others = others
  }

  /** The request is over. */
  forget(context: RequestContext): void {
    if (this.#suspended.size > 0) this.#suspended.delete(context.id)
  }

  /** Answers the host operation `transaction`. */
  answer(own: () => RequestContext, args: unknown): number | number[] {
    const given = (args ?? {}) as Record<string, unknown>
    switch (given.what) {
      case 'statuses':
        return own().branchStatuses()
      case 'anyReplied':
        return own().anyReplied() ? 1 : -1
      case 'anyTimedOut':
        return own().anyTimedOut() ? 1 : -1
      case 'dropReplies':
        own().dropReplies(given.which === 'last' ? 'last' : 'all')
        return 1
      case 'suspend':
        return this.#suspend(own())
      case 'continue':
        return this.#continue(wholeNumber(given.index, 'index', 0, 0x7fffffff), text(given.route, 'route', 256))
      case 'replyTo':
        return this.#replyTo(given)
      case 'cancelOf': {
        const context = this.#found(given)
        context?.cancelBranches('all', -1)
        return context === undefined ? -1 : 1
      }
      default:
        throw wrongArguments('transaction operation')
    }
  }

  #suspend(context: RequestContext): number[] {
    if (this.#suspended.size >= MOST_SUSPENDED || context.suspend() !== 1) return []
    this.#suspended.set(context.id, context)
    return [context.id, 0]
  }

  #continue(index: number, route: string): number {
    const context = this.#suspended.get(index)
    if (context === undefined) return -1
    this.#suspended.delete(index)
    // The route of the other request runs after the one that named it: one entry into the program at a time.
    setImmediate(() => void this.#others().continue(context, route))
    return 1
  }

  #replyTo(given: Record<string, unknown>): number {
    const context = this.#found(given)
    if (context === undefined) return -1
    const status = wholeNumber(given.status, 'status', 100, 699)
    const reason = optionalText(given.reason, 'reason', 1024) ?? ''
    return context.reply({
      status,
      reason: reason.replace(/[\r\n]+/g, ' '),
      headers: '',
      body: '',
      mode: 'transaction',
    })
  }

  #found(given: Record<string, unknown>): RequestContext | undefined {
    return this.#others().find(text(given.callId, 'Call-ID', 1024), wholeNumber(given.cseq, 'CSeq', 0, 0xffffffff))
  }
}
