// Owns one request under way: what the routes decide about it, its branches and their outcome, and the moment it is over.

import type { SipReply, SipRequest } from '../sip/index.ts'
import { Deadline, type ServerUser } from '../transaction/index.ts'
import type { Flow } from '../transport/index.ts'
import { type Branch, type BranchSender, TIMED_OUT } from './branch.ts'
import type { Linked } from './linked-list.ts'
import { Outcomes } from './outcomes.ts'
import { Outgoing } from './outgoing.ts'
import { type Relayed, Relaying } from './relaying.ts'
import { RequestState } from './request-state.ts'
import type { BranchSpec, FailureContext, RelayError, RelaySpec, ReplySpec } from './router.ts'

/** What works on a request until it is answered; see {@link RequestState}. */
interface Work {
  readonly outgoing: Outgoing
  readonly relaying: Relaying
  readonly outcomes: Outcomes
}

export class ProxyRequest extends RequestState implements FailureContext, Linked<ProxyRequest>, Relayed, ServerUser {
  declare readonly matched: ProxyRequest | undefined
  older: ProxyRequest | undefined
  newer: ProxyRequest | undefined
  canceled = false
  #work: Work | undefined
  #running = true
  #dropped = false
  /** How long it waits for somebody to go on with it. */
  #suspension: Deadline | undefined
  #keptOpen = false
  #ended = false

  get sender(): BranchSender {
    return this.#working.relaying
  }

  get relayError(): RelayError | undefined {
    return this.#work?.relaying.error
  }

  get isDecided(): boolean {
    return this.replied || this.canceled || this.#ended
  }

  // What the routes ask for.

  newTransaction(): number {
    if (this.upstream.hasTransaction) return 1
    // After a stateless final reply there is nothing left to be done by a transaction.
    if (this.method === 'ACK' || this.#ended || this.replied) return -1
    if (this.upstream.open(this)) return 1
    this.#dropped = true
    return 0
  }

  relay(spec: RelaySpec): number | Promise<number> {
    const { method } = this
    if (this.belonging === 'transaction') {
      // The ACK of a failure has done its work in the server transaction.
      if (method === 'ACK') return 1
      if (this.replied) return -1
      this.acceptCancel()
      return 1
    }
    if (this.replied) return -1
    if (spec.stateless === true || method === 'ACK' || method === 'CANCEL')
      return this.#working.relaying.forward(spec.branches)
    const made = this.newTransaction()
    if (made !== 1) return made
    if (this.canceled || this.#dropped) return -1
    if (spec.replyAppend !== undefined) this.upstream.append = spec.replyAppend
    if (method === 'INVITE' && spec.noTrying !== true) this.trying('trying -- your call is important to us')
    this.#working.outcomes.onFailure = spec.onFailure
    const count = spec.branches.length
    if (count === 0) {
      // E_NO_DESTINATION is the answer both where nothing was left to send to and where the branch route dropped it all.
      const code = this.#working.relaying.failed(spec, -6)
      return code === -6 && (this.relayed || (spec.dropped ?? 0) === 0) ? -1 : code
    }
    if (this.language === 'cfg' && this.looped()) {
      this.#working.relaying.error = { status: 482, reason: 'Loop Detected' }
      return -1
    }
    if (this.branchCount + count > this.host.limits.branches) return this.#working.relaying.failed(spec, -1)
    return this.#working.relaying.start(spec)
  }

  reply(spec: ReplySpec): number {
    if (this.method === 'ACK' || this.replied || this.#ended) return -1
    if (this.language === 'cfg' && !this.hasTransaction && spec.mode !== 'transaction') {
      this.upstream.respondStateless(spec.status, spec.reason, spec)
      return 1
    }
    if (this.newTransaction() !== 1) return -1
    this.upstream.respond(spec.status, spec.reason, spec)
    if (spec.status >= 200)
      this.#working.outcomes.cancelOpen(this.language === 'cfg' ? `Reason: SIP;cause=${spec.status}\r\n` : '')
    return 1
  }

  cancelBranches(which: 'all' | 'others' | 'this', index: number): void {
    for (const branch of this.responses.branches) {
      if (branch.status !== 0 || (which === 'others' && branch.index === index)) continue
      if (which === 'this' && branch.index !== index) continue
      branch.cancel('')
    }
  }

  suspend(): number {
    if (this.newTransaction() !== 1 || this.replied) return -1
    const { timers, times } = this.host.transactions
    this.#suspension ??= new Deadline({ expire: () => this.#suspendedTooLong() })
    timers.set(this.#suspension, times.frInv)
    return 1
  }

  resume(): boolean {
    if (this.#suspension === undefined || this.#ended || this.#running) return false
    this.host.transactions.timers.clear(this.#suspension)
    this.#suspension = undefined
    this.#running = true
    return true
  }

  resumed(how: 'well' | 'failed'): void {
    this.routeEnded(how)
  }

  keepOpen(): number {
    if (this.newTransaction() !== 1 || this.replied) return -1
    this.#keptOpen = true
    return 1
  }

  append(branches: BranchSpec[], failure?: string): number | Promise<number> {
    if (this.#ended || this.replied) return -1
    const waited = this.resume()
    const onFailure = this.#working.outcomes.onFailure ?? failure
    const spec = { branches, ...(onFailure === undefined ? {} : { onFailure }) }
    const done = (code: number): number => {
      if (waited) this.resumed('well')
      return code
    }
    const code = this.relay(spec)
    return code instanceof Promise ? code.then(done) : done(code)
  }

  #suspendedTooLong(): void {
    if (!this.resume()) return
    this.#running = false
    if (this.relayed) this.#working.outcomes.check()
    else this.refuse(TIMED_OUT, 'Request Timeout')
    this.endIfDone()
  }

  forceRport(): void {
    this.upstream.forceRport()
    this.#working.outgoing.forceRport()
  }

  drop(): void {
    if (!this.relayed && !this.replied) this.#dropped = true
  }

  replaceRequest(request: SipRequest): number {
    if (this.relayed) return -1
    this.changed(request)
    this.#working.outgoing.requestChanged()
    return 1
  }

  // What the core asks for.

  /** Tells the caller at once that the request is being worked on, unless a reply is out already. */
  trying(reason: string): void {
    if (this.lastStatus === 0) this.upstream.respond(100, reason)
  }

  /** Final reply of the proxy itself; nothing happens when there is one already. */
  refuse(status: number, reason: string): void {
    if (!this.replied && this.newTransaction() === 1) this.upstream.respond(status, reason)
  }

  /** A branch is out that has no outcome yet, or none was sent so far. */
  get pending(): boolean {
    return this.responses.open || this.branchCount === 0
  }

  /** Answers a CANCEL with 200 and gives up what it belongs to (RFC 3261 9.2, 16.10). */
  acceptCancel(): void {
    if (this.newTransaction() !== 1) return
    this.upstream.respond(200, this.matched?.pending === true ? 'canceling' : 'ok -- no more pending branches')
    this.matched?.cancel(this.received)
  }

  /** The caller gave up. */
  cancel(request: SipRequest): void {
    if (this.canceled || this.replied) return
    this.canceled = true
    this.call.failure = 'canceled'
    this.host.counters.canceled++
    // RFC 3326: why, for those further down.
    let reasons = ''
    for (const value of request.headers('Reason')) reasons += `Reason: ${value}\r\n`
    if (this.responses.open) this.#working.outcomes.cancelOpen(reasons)
    // Nothing was sent yet, or a route is at work between two legs: 487 at once; whatever it decides comes too late.
    else this.refuse(487, 'Request Terminated')
    // Nobody waits for branches any more.
    if (this.#keptOpen && this.resume()) this.resumed('well')
  }

  /** This request, routed the same way, went out from here before. */
  looped(): boolean {
    return this.#working.outgoing.looped()
  }

  /** Absorbs retransmissions while the route waits before it has made a transaction. */
  holdOpen(): void {
    this.upstream.hold(this)
  }

  /** The request route has ended, well or not. */
  routeEnded(how: 'well' | 'failed'): void {
    this.#running = false
    if (how === 'well' && this.#keptOpen && !this.relayed && !this.replied) this.suspend()
    this.upstream.release()
    if (this.#suspension !== undefined) return
    if (this.belonging === 'transaction' || this.method === 'ACK') {
      this.endIfDone()
      return
    }
    const nothing =
      !this.relayed &&
      !this.replied &&
      !this.#working.relaying.forwarded &&
      !this.#dropped &&
      !this.#working.outcomes.isGrowing
    if (nothing && how === 'well') this.host.router.unanswered?.(this)
    if (how === 'failed') {
      if (!this.relayed) this.refuse(500, 'Server Internal Error')
    } else if (nothing && this.relayError !== undefined) this.refuse(this.relayError.status, this.relayError.reason)
    else if (nothing) {
      this.host.counters.unanswered++
      if (this.language === 'ts') this.refuse(500, 'Server Internal Error')
    }
    if (!this.relayed && !this.replied && !this.#working.outcomes.isGrowing) this.upstream.abandon()
    // Every branch may have failed while it was started.
    if (this.relayed) this.#working.outcomes.check()
    this.endIfDone()
  }

  /** The proxy closes: whatever routes and branches still do has no effect. */
  abandon(): void {
    this.#ended = true
    this.upstream.replied = true
    this.call.ended()
  }

  // What the relaying and the server transaction tell.

  branchReply(branch: Branch, reply: SipReply, flow: Flow): void {
    this.#working.outcomes.reply(branch, reply, flow)
    this.endIfDone()
  }

  branchFailed(branch: Branch, status: number): void {
    this.#working.outcomes.failed(branch, status)
    this.endIfDone()
  }

  branchReleased(): void {
    this.responses.clients--
    this.endIfDone()
  }

  relayEnded(): void {
    // A route that did not wait for its relay.
    if (this.#running || this.#working.outcomes.isFailing) return
    const { relayed, relayError: error } = this
    if (error !== undefined && !relayed) this.refuse(error.status, error.reason)
    this.#working.outcomes.check()
    this.endIfDone()
  }

  /** A reply went upstream. */
  answered(status: number, reason: string, reply: SipReply | undefined): void {
    if (this.routed) this.host.router.answered?.(this, status, reason, reply)
  }

  onServerTerminated(): void {
    this.upstream.replied = true
    this.endIfDone()
  }

  endIfDone(): void {
    if (this.#ended || this.#running || this.#work?.outcomes.isBusy === true) return
    if (this.#suspension !== undefined && !this.replied) return
    // With the final reply, the server transaction stays behind alone.
    if (this.hasTransaction && !this.replied) return
    if (this.responses.clients > 0) {
      if (this.method === 'INVITE' && this.replied && !this.responses.open) this.host.requestAnswered(this)
      return
    }
    this.#ended = true
    this.call.ended()
    this.host.requestEnded(this)
  }

  get #working(): Work {
    return (this.#work ??= this.#begin())
  }

  #begin(): Work {
    const { host, responses, upstream, call } = this
    const outgoing = new Outgoing(host, this)
    const relaying = new Relaying(host, this, { outgoing, responses, call })
    return { outgoing, relaying, outcomes: new Outcomes(host, this, { responses, relaying, upstream }) }
  }

  /** It is answered: lets go what worked on it, unless a route works on it again. */
  override rest(): void {
    if (this.#running || this.#work?.outcomes.isBusy === true) return
    super.rest()
    this.#work = undefined
  }
}
