// Owns the order of a request's replies: each goes through its reply route before the next one does.

import type { SipReply } from '../sip/index.ts'
import type { Flow } from '../transport/index.ts'
import type { Branch } from './branch.ts'
import type { ProxyHost } from './proxy-host.ts'
import type { ReplyOutcome, RequestContext } from './router.ts'

/** Takes a reply after its route. */
export type TakeReply = (branch: Branch, reply: SipReply, outcome: ReplyOutcome) => void

interface Waiting {
  branch: Branch
  reply: SipReply
  flow: Flow
}

const PASS: ReplyOutcome = { drop: false, edits: [] }

export class ReplySequence {
  readonly #host: ProxyHost
  readonly #context: RequestContext
  readonly #take: TakeReply
  /** Called when a route that had waited is done and no reply is left. */
  readonly #idle: () => void
  #busy = false
  #queue: Waiting[] | undefined

  constructor(host: ProxyHost, context: RequestContext, take: TakeReply, idle: () => void) {
    this.#host = host
    this.#context = context
    this.#take = take
    this.#idle = idle
  }

  /** A route waits. */
  get busy(): boolean {
    return this.#busy
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
      this.#take(branch, reply, outcome)
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
    this.#take(branch, reply, outcome)
    for (;;) {
      const next = this.#busy ? undefined : this.#queue?.shift()
      if (next === undefined) break
      this.#route(next.branch, next.reply, next.flow)
    }
    if (!this.#busy) this.#idle()
  }

  /** A reply whose route fails goes on as it came: the caller would wait for it in vain. */
  #failed(error: unknown): ReplyOutcome {
    this.#host.routeFailed('reply', this.#context, error)
    return PASS
  }
}
