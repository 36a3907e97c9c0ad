// Owns the order of a request's replies: each goes through its reply route before the next one does.

import type { SipReply } from '../sip/index.ts'
import type { Flow } from '../transport/index.ts'
import type { Branch } from './branch.ts'
import type { ProxyHost } from './proxy-host.ts'
import type { ReplyOutcome, RequestContext } from './router.ts'

/** Takes each reply after its route. */
export interface ReplyTaker {
  takeReply(branch: Branch, reply: SipReply, outcome: ReplyOutcome): void
}

/** The request that is answered. */
export interface Replied extends RequestContext {
  /** A route that had waited is done, and no reply is left. */
  endIfDone(): void
}

interface Waiting {
  branch: Branch
  reply: SipReply
  flow: Flow
}

const PASS: ReplyOutcome = { drop: false, edits: [] }

export class ReplySequence {
  readonly #host: ProxyHost
  readonly #context: Replied
  readonly #taker: ReplyTaker
  #busy = false
  #queue: Waiting[] | undefined

  constructor(host: ProxyHost, context: Replied, taker: ReplyTaker) {
    this.#host = host
    this.#context = context
    this.#taker = taker
  }

  /** A route waits, or a reply for the one before. */
  get busy(): boolean {
    return this.#busy || (this.#queue !== undefined && this.#queue.length > 0)
  }

  push(branch: Branch, reply: SipReply, flow: Flow): void {
    if (!this.#busy) {
      this.#route(branch, reply, flow)
      return
    }
    this.#queue ??= []
    this.#queue.push({ branch, reply, flow })
  }

  #route(branch: Branch, reply: SipReply, flow: Flow): void {
    let outcome: ReplyOutcome | Promise<ReplyOutcome>
    try {
      outcome = this.#host.router.reply({
        context: this.#context,
        reply,
        flow,
        branch: branch.index,
        onReply: branch.replyRoute,
      })
    } catch (error) {
      outcome = this.#failed(error)
    }
    if (!(outcome instanceof Promise)) {
      this.#taker.takeReply(branch, reply, outcome)
      return
    }
    this.#busy = true
    outcome
      .catch((error: unknown) => this.#failed(error))
      .then((late) => this.#resume(branch, reply, late))
      .catch((error: unknown) => this.#failed(error))
  }

  #resume(branch: Branch, reply: SipReply, outcome: ReplyOutcome): void {
    this.#busy = false
    this.#taker.takeReply(branch, reply, outcome)
    for (;;) {
      const next = this.#busy ? undefined : this.#queue?.shift()
      if (next === undefined) break
      this.#route(next.branch, next.reply, next.flow)
    }
    this.#context.endIfDone()
  }

  /** A reply whose route fails goes on as it came: the caller would wait for it in vain. */
  #failed(error: unknown): ReplyOutcome {
    this.#host.routeFailed('reply', this.#context, error)
    return PASS
  }
}
