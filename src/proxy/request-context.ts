// Owns one request under way: what the routes decide about it, its branches and their outcome, and the moment it is over.

import type { SipReply, SipRequest } from '../sip/index.ts'
import type { ServerUser } from '../transaction/index.ts'
import type { Flow } from '../transport/index.ts'
import { type Branch, TIMED_OUT } from './branch.ts'
import { CallShare } from './call-share.ts'
import { Outcomes } from './outcomes.ts'
import { Outgoing } from './outgoing.ts'
import type { ProxyHost } from './proxy-host.ts'
import { type Relayed, Relaying } from './relaying.ts'
import { ResponseContext } from './response-context.ts'
import type { BranchSpec, FailureContext, RelayError, RelaySpec, ReplySpec, RouteLanguage } from './router.ts'
import { Suspension } from './suspension.ts'
import { Upstream } from './upstream.ts'

/** What an ACK or a CANCEL belongs to: an INVITE transaction by its branch, a call (ACK of a 2xx), nothing that is known here. */
export type Belonging = 'nothing' | 'transaction' | 'call'

export class ProxyRequest implements FailureContext, Relayed, ServerUser {
  readonly id: number
  request: SipRequest
  readonly flow: Flow
  readonly language: RouteLanguage
  readonly matched: ProxyRequest | undefined
  program: unknown
  state: unknown
  canceled = false
  /** The router was given this request, so it is told of its end. */
  routed = false
  readonly call: CallShare
  /** The request as it came. */
  readonly #received: SipRequest
  readonly #belonging: Belonging
  readonly #host: ProxyHost
  readonly #upstream: Upstream
  readonly #outgoing: Outgoing
  readonly #responses = new ResponseContext()
  #running = true
  readonly #relaying: Relaying
  readonly #outcomes: Outcomes
  #dropped = false
  #suspension: Suspension | undefined
  #keptOpen = false
  #ended = false

  constructor(
    host: ProxyHost,
    id: number,
    request: SipRequest,
    flow: Flow,
    language: RouteLanguage,
    belonging: Belonging = 'nothing',
    match?: ProxyRequest,
  ) {
    this.#host = host
    this.id = id
    this.request = request
    this.#received = request
    this.flow = flow
    this.language = language
    this.matched = match
    this.#belonging = belonging
    this.call = new CallShare(host.calls, request)
    this.#upstream = new Upstream(host, request, flow, this.call, this)
    this.#outgoing = new Outgoing(host, request, flow, language)
    const { call } = this
    const [responses, upstream] = [this.#responses, this.#upstream]
    this.#relaying = new Relaying(host, this, { outgoing: this.#outgoing, responses, call, method: request.method })
    this.#outcomes = new Outcomes(host, this, { received: request, responses, relaying: this.#relaying, upstream })
  }

  get transactionMatch(): boolean {
    return this.#belonging !== 'nothing'
  }

  get hasTransaction(): boolean {
    return this.#upstream.hasTransaction
  }

  get replied(): boolean {
    return this.#upstream.replied
  }

  get relayed(): boolean {
    return this.#relaying.relayed
  }

  get relayError(): RelayError | undefined {
    return this.#relaying.error
  }

  get isDecided(): boolean {
    return this.replied || this.canceled || this.#ended
  }

  get winningReply(): SipReply | undefined {
    return this.#outcomes.winner?.reply
  }

  get status(): number {
    return this.#outcomes.winner?.status ?? 0
  }

  get timedOut(): boolean {
    return this.#outcomes.winner?.timedOut ?? false
  }

  get branchReplied(): boolean {
    return this.#outcomes.winnerReplied
  }

  get branch(): number {
    return this.#outcomes.winner?.index ?? -1
  }

  get lastStatus(): number {
    return this.#upstream.lastStatus
  }

  get branchCount(): number {
    return this.#responses.branches.length
  }

  get label(): string | undefined {
    return this.call.label
  }

  set label(label: string | undefined) {
    this.call.label = label
  }

  // What the routes ask for.

  newTransaction(): number {
    if (this.#upstream.hasTransaction) return 1
    // After a stateless final reply there is nothing left to be done by a transaction.
    if (this.#received.method === 'ACK' || this.#ended || this.replied) return -1
    if (this.#upstream.open(this)) return 1
    this.#dropped = true
    return 0
  }

  relay(spec: RelaySpec): number | Promise<number> {
    const { method } = this.#received
    if (this.#belonging === 'transaction') {
      // The ACK of a failure has done its work in the server transaction.
      if (method === 'ACK') return 1
      if (this.replied) return -1
      this.acceptCancel()
      return 1
    }
    if (this.replied) return -1
    if (spec.stateless === true || method === 'ACK' || method === 'CANCEL') return this.#relaying.forward(spec.branches)
    const made = this.newTransaction()
    if (made !== 1) return made
    if (this.canceled || this.#dropped) return -1
    if (spec.replyAppend !== undefined) this.#upstream.append = spec.replyAppend
    if (method === 'INVITE' && spec.noTrying !== true) this.trying('trying -- your call is important to us')
    this.#outcomes.onFailure = spec.onFailure
    const count = spec.branches.length
    if (count === 0) {
      // E_NO_DESTINATION is the answer both where nothing was left to send to and where the branch route dropped it all.
      const code = this.#relaying.failed(spec, -6)
      return code === -6 && (this.relayed || (spec.dropped ?? 0) === 0) ? -1 : code
    }
    if (this.language === 'cfg' && this.looped()) {
      this.#relaying.error = { status: 482, reason: 'Loop Detected' }
      return -1
    }
    if (this.branchCount + count > this.#host.limits.branches) return this.#relaying.failed(spec, -1)
    return this.#relaying.start(spec)
  }

  reply(spec: ReplySpec): number {
    if (this.#received.method === 'ACK' || this.replied || this.#ended) return -1
    if (this.language === 'cfg' && !this.hasTransaction && spec.mode !== 'transaction') {
      this.#upstream.respondStateless(spec.status, spec.reason, spec)
      return 1
    }
    if (this.newTransaction() !== 1) return -1
    this.#upstream.respond(spec.status, spec.reason, spec)
    if (spec.status >= 200)
      this.#outcomes.cancelOpen(this.language === 'cfg' ? `Reason: SIP;cause=${spec.status}\r\n` : '')
    return 1
  }

  cancelBranches(which: 'all' | 'others' | 'this', index: number): void {
    for (const branch of this.#responses.branches) {
      if (branch.status !== 0 || (which === 'others' && branch.index === index)) continue
      if (which === 'this' && branch.index !== index) continue
      branch.cancel('')
    }
  }

  anyReplied(): boolean {
    return this.#outcomes.anyReplied()
  }

  anyTimedOut(): boolean {
    return this.#responses.anyTimedOut
  }

  branchStatuses(): number[] {
    return this.#outcomes.statuses()
  }

  dropReplies(which: 'all' | 'last'): void {
    this.#responses.drop(which)
  }

  suspend(): number {
    if (this.newTransaction() !== 1 || this.replied) return -1
    const { timers, times } = this.#host.transactions
    this.#suspension ??= new Suspension(() => this.#suspendedTooLong())
    timers.set(this.#suspension, times.frInv)
    return 1
  }

  resume(): boolean {
    if (this.#suspension === undefined || this.#ended || this.#running) return false
    this.#host.transactions.timers.clear(this.#suspension)
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
    const onFailure = this.#outcomes.onFailure ?? failure
    const spec = { branches, ...(onFailure === undefined ? {} : { onFailure }) }
    const done = (code: number): number => {
      if (waited) this.resumed('well')
      return code
    }
    const code = this.relay(spec)
    return code instanceof Promise ? code.then(done) : done(code)
  }

  branchUris(): string[] {
    return this.#responses.branches.map(({ spec }) => spec.uri)
  }

  #suspendedTooLong(): void {
    if (!this.resume()) return
    this.#running = false
    if (this.relayed) this.#outcomes.check()
    else this.refuse(TIMED_OUT, 'Request Timeout')
    this.endIfDone()
  }

  forceRport(): void {
    this.#upstream.forceRport()
    this.#outgoing.forceRport()
  }

  drop(): void {
    if (!this.relayed && !this.replied) this.#dropped = true
  }

  replaceRequest(request: SipRequest): number {
    if (this.relayed) return -1
    this.request = request
    this.#outgoing.replaceSource(request)
    return 1
  }

  // What the core asks for.

  /** Tells the caller at once that the request is being worked on, unless a reply is out already. */
  trying(reason: string): void {
    if (this.lastStatus === 0) this.#upstream.respond(100, reason)
  }

  /** Final reply of the proxy itself; nothing happens when there is one already. */
  refuse(status: number, reason: string): void {
    if (!this.replied && this.newTransaction() === 1) this.#upstream.respond(status, reason)
  }

  /** A branch is out that has no outcome yet, or none was sent so far. */
  get pending(): boolean {
    return this.#responses.open || this.branchCount === 0
  }

  /** Answers a CANCEL with 200 and gives up what it belongs to (RFC 3261 9.2, 16.10). */
  acceptCancel(): void {
    if (this.newTransaction() !== 1) return
    this.#upstream.respond(200, this.matched?.pending === true ? 'canceling' : 'ok -- no more pending branches')
    this.matched?.cancel(this.#received)
  }

  /** The caller gave up. */
  cancel(request: SipRequest): void {
    if (this.canceled || this.replied) return
    this.canceled = true
    this.call.failure = 'canceled'
    this.#host.counters.canceled++
    // RFC 3326: why, for those further down.
    let reasons = ''
    for (const value of request.headers('Reason')) reasons += `Reason: ${value}\r\n`
    if (this.#responses.open) this.#outcomes.cancelOpen(reasons)
    // Nothing was sent yet, or a route is at work between two legs: 487 at once; whatever it decides comes too late.
    else this.refuse(487, 'Request Terminated')
    // Nobody waits for branches any more.
    if (this.#keptOpen && this.resume()) this.resumed('well')
  }

  /** This request, routed the same way, went out from here before. */
  looped(): boolean {
    return this.#outgoing.looped()
  }

  /** Absorbs retransmissions while the route waits before it has made a transaction. */
  holdOpen(): void {
    this.#upstream.hold(this)
  }

  /** The request route has ended, well or not. */
  routeEnded(how: 'well' | 'failed'): void {
    this.#running = false
    if (how === 'well' && this.#keptOpen && !this.relayed && !this.replied) this.suspend()
    this.#upstream.release()
    if (this.#suspension !== undefined) return
    if (this.#belonging === 'transaction' || this.#received.method === 'ACK') {
      this.endIfDone()
      return
    }
    const nothing =
      !this.relayed && !this.replied && !this.#relaying.forwarded && !this.#dropped && !this.#outcomes.isGrowing
    if (how === 'failed') {
      if (!this.relayed) this.refuse(500, 'Server Internal Error')
    } else if (nothing && this.relayError !== undefined) this.refuse(this.relayError.status, this.relayError.reason)
    else if (nothing) {
      this.#host.counters.unanswered++
      if (this.language === 'ts') this.refuse(500, 'Server Internal Error')
    }
    if (!this.relayed && !this.replied && !this.#outcomes.isGrowing) this.#upstream.abandon()
    // Every branch may have failed while it was started.
    if (this.relayed) this.#outcomes.check()
    this.endIfDone()
  }

  /** The proxy closes: whatever routes and branches still do has no effect. */
  abandon(): void {
    this.#ended = true
    this.#upstream.replied = true
    this.call.ended()
  }

  // What the relaying and the server transaction tell.

  branchReply(branch: Branch, reply: SipReply, flow: Flow): void {
    this.#outcomes.reply(branch, reply, flow)
  }

  branchFailed(branch: Branch, status: number): void {
    this.#outcomes.failed(branch, status)
    this.endIfDone()
  }

  clientReleased(): void {
    this.endIfDone()
  }

  relayEnded(): void {
    // A route that did not wait for its relay.
    if (this.#running || this.#outcomes.isFailing) return
    const { error, relayed } = this.#relaying
    if (error !== undefined && !relayed) this.refuse(error.status, error.reason)
    this.#outcomes.check()
    this.endIfDone()
  }

  /** A reply went upstream. */
  answered(status: number, reason: string, reply: SipReply | undefined): void {
    if (this.routed) this.#host.router.answered?.(this, status, reason, reply)
  }

  onServerTerminated(): void {
    this.#upstream.replied = true
    this.endIfDone()
  }

  readonly endIfDone = (): void => {
    if (
      this.#ended ||
      this.#running ||
      this.#outcomes.isFailing ||
      this.#outcomes.isGrowing ||
      this.#relaying.hasClients
    )
      return
    if (this.#suspension !== undefined && !this.replied) return
    if (this.#outcomes.isBusy) return
    // With the final reply, the server transaction stays behind alone.
    if (this.hasTransaction && !this.replied) return
    this.#ended = true
    this.call.ended()
    this.#host.requestEnded(this)
  }
}
