// Owns one request under way: what the routes decide about it, its branches and their outcome, and the moment it is over.

import type { MessageEdit, SipReply, SipRequest } from '../sip/index.ts'
import type { ClientTransaction, ServerUser } from '../transaction/index.ts'
import type { Flow, Hop, Listener } from '../transport/index.ts'
import { Branch, type BranchOwner, TIMED_OUT, UNREACHABLE } from './branch.ts'
import { CallShare } from './call-share.ts'
import { challengeEdits, forwardReply, statusEdit } from './forwarding.ts'
import { Outgoing, type Target } from './outgoing.ts'
import type { ProxyHost } from './proxy-host.ts'
import { ReplySequence } from './reply-sequence.ts'
import { ResponseContext } from './response-context.ts'
import { afterRoute } from './route-end.ts'
import type {
  BranchSpec,
  FailureContext,
  RelayError,
  RelaySpec,
  ReplyOutcome,
  ReplySpec,
  RouteLanguage,
} from './router.ts'
import { Suspension } from './suspension.ts'
import { Upstream } from './upstream.ts'

/** What an ACK or a CANCEL belongs to: an INVITE transaction by its branch, a call (ACK of a 2xx), nothing that is known here. */
export type Belonging = 'nothing' | 'transaction' | 'call'

export class ProxyRequest implements FailureContext, BranchOwner, ServerUser {
  readonly id: number
  request: SipRequest
  readonly flow: Flow
  readonly language: RouteLanguage
  readonly matched: ProxyRequest | undefined
  program: unknown
  state: unknown
  relayed = false
  relayError: RelayError | undefined
  canceled = false
  winningReply: SipReply | undefined
  status = 0
  timedOut = false
  branchReplied = false
  branch = -1
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
  #replies: ReplySequence | undefined
  #running = true
  #failing = false
  /** Relays whose names are being looked up, or whose branches are being started. */
  #relaying = 0
  /** Client transactions that may still tell something. */
  #clients = 0
  #onFailure: string | undefined
  #dropped = false
  /** The branch whose outcome came last. */
  #lastDone: Branch | undefined
  #forwarded = false
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
    if (spec.stateless === true || method === 'ACK' || method === 'CANCEL') return this.#forward(spec.branches)
    const made = this.newTransaction()
    if (made !== 1) return made
    if (this.canceled || this.#dropped) return -1
    if (spec.replyAppend !== undefined) this.#upstream.append = spec.replyAppend
    if (method === 'INVITE' && spec.noTrying !== true) this.trying('trying -- your call is important to us')
    this.#onFailure = spec.onFailure
    const count = spec.branches.length
    if (count === 0) {
      // E_NO_DESTINATION is the answer both where nothing was left to send to and where the branch route dropped it all.
      const code = this.#relayFailed(spec, -6)
      return code === -6 && (this.relayed || (spec.dropped ?? 0) === 0) ? -1 : code
    }
    if (this.language === 'cfg' && this.looped()) {
      this.relayError = { status: 482, reason: 'Loop Detected' }
      return -1
    }
    if (this.branchCount + count > this.#host.limits.branches) return this.#relayFailed(spec, -1)
    const targets = this.#outgoing.resolve(spec.branches)
    // What looks at each request that leaves is a run of its own: it cannot begin within the one that relays.
    const later = this.#watched() ? Promise.resolve(targets) : targets
    return later instanceof Promise ? this.#startLater(spec, later) : this.#start(spec, later)
  }

  reply(spec: ReplySpec): number {
    if (this.#received.method === 'ACK' || this.replied || this.#ended) return -1
    if (this.language === 'cfg' && !this.hasTransaction && spec.mode !== 'transaction') {
      this.#upstream.respondStateless(spec.status, spec.reason, spec)
      return 1
    }
    if (this.newTransaction() !== 1) return -1
    this.#upstream.respond(spec.status, spec.reason, spec)
    if (spec.status >= 200) this.#cancelOpen(this.language === 'cfg' ? `Reason: SIP;cause=${spec.status}\r\n` : '')
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
    return this.#responses.anyReplied(this.#lastDone)
  }

  anyTimedOut(): boolean {
    return this.#responses.anyTimedOut
  }

  branchStatuses(): number[] {
    // As in 5.6.3: the reply that a failure route runs for is not counted yet, if it was the first of its branch.
    const uncounted = (branch: Branch) => branch === this.#lastDone && branch.reply !== undefined && !branch.rang
    return this.#responses.branches.map((branch) => (uncounted(branch) ? 0 : branch.status))
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
    const onFailure = this.#onFailure ?? failure
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
    if (this.relayed) this.#check()
    else this.refuse(TIMED_OUT, 'Request Timeout')
    this.#endIfDone()
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
    if (this.#responses.open) this.#cancelOpen(reasons)
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
    if (this.#keptOpen && !this.relayed && !this.replied) this.suspend()
    this.#upstream.release()
    if (this.#suspension !== undefined) return
    if (this.#belonging === 'transaction' || this.#received.method === 'ACK') {
      this.#endIfDone()
      return
    }
    const nothing = !this.relayed && !this.replied && !this.#forwarded && !this.#dropped && this.#relaying === 0
    if (how === 'failed') {
      if (!this.relayed) this.refuse(500, 'Server Internal Error')
    } else if (nothing && this.relayError !== undefined) this.refuse(this.relayError.status, this.relayError.reason)
    else if (nothing) {
      this.#host.counters.unanswered++
      if (this.language === 'ts') this.refuse(500, 'Server Internal Error')
    }
    if (!this.relayed && !this.replied && this.#relaying === 0) this.#upstream.abandon()
    // Every branch may have failed while it was started.
    if (this.relayed) this.#check()
    this.#endIfDone()
  }

  /** The proxy closes: whatever routes and branches still do has no effect. */
  abandon(): void {
    this.#ended = true
    this.#upstream.replied = true
    this.call.ended()
  }

  // What the branches and the server transaction tell.

  listenerFor(hop: Hop): Listener | undefined {
    return this.#host.transactions.transport.listenerFor(hop)
  }

  maySend(hop: Hop, listener: Listener): boolean {
    return !this.#watched() || this.#host.router.sending(this, { hop, listener })
  }

  #watched(): boolean {
    return this.language === 'cfg' && this.#host.router.watchesSending(this)
  }

  startClient(branch: Branch, hop: Hop, listener: Listener): ClientTransaction {
    const { transactions, counters } = this.#host
    const { branch: id, wire } = this.#outgoing.write(branch.spec, hop, listener)
    const { method } = this.#received
    this.#clients++
    counters.branches++
    this.call.branchSent(hop, branch.spec)
    return method === 'INVITE'
      ? transactions.startInvite(id, hop, wire, branch, branch.fr, branch.frInv)
      : transactions.startRequest(id, method, hop, wire, branch, branch.fr)
  }

  branchReply(branch: Branch, reply: SipReply, flow: Flow): void {
    this.#replies ??= new ReplySequence(this.#host, this, this.#takeReply, this.#endIfDone)
    this.#replies.push(branch, reply, flow)
  }

  branchFailed(branch: Branch, status: number): void {
    branch.settle(status, undefined, NO_EDITS)
    if (status === UNREACHABLE) this.#host.counters.unreachable++
    else this.#host.counters.timeouts++
    this.#branchDone(branch)
    this.#endIfDone()
  }

  branchReleased(): void {
    this.#clients--
    this.#endIfDone()
  }

  /** A reply went upstream. */
  answered(status: number, reason: string, reply: SipReply | undefined): void {
    if (this.routed) this.#host.router.answered?.(this, status, reason, reply)
  }

  onServerTerminated(): void {
    this.#upstream.replied = true
    this.#endIfDone()
  }

  // Relaying.

  #startLater(spec: RelaySpec, targets: Promise<Target[]>): Promise<number> {
    this.#relaying++
    return targets.then((resolved) => {
      this.#relaying--
      const code = this.replied || this.canceled || this.#ended ? -1 : this.#start(spec, resolved)
      // A route that did not wait for its relay.
      if (!this.#running && !this.#failing) {
        if (this.relayError !== undefined && !this.relayed) this.refuse(this.relayError.status, this.relayError.reason)
        this.#check()
        this.#endIfDone()
      }
      return code
    })
  }

  #start(spec: RelaySpec, targets: readonly Target[]): number {
    const { branches } = this.#responses
    const legStart = branches.length
    let code = -478
    // Branches that fail at once are looked at when the route is done.
    this.#relaying++
    targets.forEach((hops, index) => {
      const target = spec.branches[index]!
      if (hops === undefined || hops.length === 0) return
      const branch = new Branch(this, branches.length, target, {
        replyRoute: target.onReply ?? spec.onReply,
        fr: spec.frTimer,
        frInv: spec.frInvTimer,
      })
      branches.push(branch)
      if (branch.start(this.#outgoing.hopsFrom(target, hops))) return
      branches.pop()
      code = branch.keptBack ? KEPT_BACK : -7
    })
    this.#relaying--
    if (branches.length === legStart) return this.#relayFailed(spec, code)
    this.#responses.legStart = legStart
    this.relayed = true
    this.relayError = undefined
    this.#host.counters.relayed++
    return 1
  }

  #relayFailed(spec: RelaySpec, code: number): number {
    if (spec.noInternalReply === true) return -4
    if (code === KEPT_BACK) {
      this.relayError = { status: 477, reason: 'Unfortunately error on sending to next hop occurred (477/TM)' }
      return -1
    }
    this.relayError =
      code === -478
        ? { status: 478, reason: 'Unresolvable destination (478/TM)' }
        : { status: 500, reason: `I'm terribly sorry, server error occurred (${-code}/TM)` }
    return code
  }

  #forward(specs: readonly BranchSpec[]): number | Promise<number> {
    if (specs.length === 0) return -1
    const targets = this.#outgoing.resolve(specs)
    if (!(targets instanceof Promise) && !this.#watched()) return this.#forwardTo(specs, targets)
    this.#relaying++
    return Promise.resolve(targets).then((resolved) => {
      this.#relaying--
      const code = this.#forwardTo(specs, resolved)
      this.#endIfDone()
      return code
    })
  }

  #forwardTo(specs: readonly BranchSpec[], targets: readonly Target[]): number {
    const code = this.#outgoing.forward(specs, targets, (hop, listener) => this.maySend(hop, listener))
    if (code !== 1) return code
    this.#forwarded = true
    this.call.forwarded()
    return 1
  }

  // Outcomes of branches.

  readonly #takeReply = (branch: Branch, received: SipReply, outcome: ReplyOutcome): void => {
    const { status } = received
    const reply = outcome.message ?? received
    if (status < 200 && !outcome.drop) branch.rang = true
    // 16.7 step 2: a 100 is for this hop.
    if (status === 100) return
    if (status < 200) {
      // 16.7 step 5: every other provisional reply goes on at once.
      if (!outcome.drop && !this.replied)
        this.#upstream.pass(forwardReply(reply, outcome.edits), status, reply.reason, reply)
      return
    }
    if (outcome.drop) {
      const { timers, times } = this.#host.transactions
      branch.waitInVain(timers, times.fr)
      return
    }
    if (status < 300) {
      this.#takeSuccess(branch, reply, outcome.edits)
      return
    }
    // What Timer C has given up already.
    if (branch.status !== 0) return
    branch.settle(status, reply, outcome.edits)
    // 16.7 step 5: after a 6xx the others are cancelled.
    if (status >= 600) this.#cancelOpen(`Reason: SIP;cause=${status}\r\n`)
    this.#branchDone(branch)
  }

  /** A branch has failed: its own route may send it elsewhere before the others are looked at. */
  #branchDone(branch: Branch): void {
    this.#lastDone = branch
    const route = branch.spec.onBranchFailure
    if (route === undefined || this.replied) {
      this.#check()
      return
    }
    this.#relaying++
    const done = (): void => {
      this.#relaying--
      this.#check()
      this.#endIfDone()
    }
    const { reply, status, timedOut, rang, index, spec } = branch
    const failure = { reply, status, timedOut, branchReplied: rang, branch: index, uri: spec.uri }
    afterRoute(
      () => this.#host.router.branchFailure(this, { ...failure, nextHop: spec.nextHop }, route),
      done,
      (error) => this.#host.routeFailed('branch failure', this, error),
    )
  }

  #takeSuccess(branch: Branch, reply: SipReply, edits: readonly MessageEdit[]): void {
    branch.settle(reply.status, undefined, NO_EDITS)
    if (this.replied && this.#received.method !== 'INVITE') return
    // 16.7 step 5: a 2xx goes on at once, and for INVITE each of them, whatever went upstream before.
    this.#upstream.pass(forwardReply(reply, edits), reply.status, reply.reason, reply)
    // 16.7 step 10.
    this.#cancelOpen('Reason: SIP;cause=200;text="Call completed elsewhere"\r\n')
  }

  #cancelOpen(extraHeaders: string): void {
    for (const branch of this.#responses.branches) if (branch.status === 0) branch.cancel(extraHeaders)
  }

  /** Goes on when every branch has its outcome. */
  #check(): void {
    if (this.replied || this.#failing || this.#relaying > 0 || this.#responses.open) return
    const best = this.#responses.best()
    if (best === undefined) return
    this.winningReply = best.reply
    this.status = best.status
    this.timedOut = best.timedOut
    // What came only now is not counted yet.
    this.branchReplied = best.rang || (best !== this.#lastDone && best.reply !== undefined)
    this.branch = best.index
    const route = this.#onFailure
    this.#onFailure = undefined
    if (route === undefined) this.#sendBest(best)
    else this.#runFailure(route, best)
  }

  #runFailure(route: string, best: Branch): void {
    this.#failing = true
    const count = this.branchCount
    const done = (): void => {
      this.#failing = false
      if (this.branchCount > count) this.#check()
      // t_drop_replies has left none.
      else if (this.#responses.best() === undefined)
        this.refuse(500, "I'm terribly sorry, server error occurred (1/TM)")
      else this.#sendBest(best)
      this.#endIfDone()
    }
    afterRoute(
      () => this.#host.router.failure(this, route),
      done,
      (error) => this.#host.routeFailed('failure', this, error),
    )
  }

  #sendBest(best: Branch): void {
    if (this.replied) return
    const { reply, status } = best
    if (!this.canceled && best.timedOut) this.call.failure = 'timeout'
    if (reply === undefined) {
      // A branch that was given up on behalf of the caller.
      if (this.canceled) this.refuse(487, 'Request Terminated')
      else if (status === TIMED_OUT) this.refuse(TIMED_OUT, 'Request Timeout')
      // 16.9 counts a hop that cannot be reached as 503. It is told as such: nothing behind this proxy can serve the call.
      else this.refuse(UNREACHABLE, 'Service Unavailable')
      return
    }
    const edits = [...best.edits]
    if (status === 401 || status === 407) edits.push(...challengeEdits(reply, this.#responses.otherChallenges(best)))
    if (status === 503 && this.#host.options.translate503 === 'on') {
      // 16.7 step 6: another element's overload is not this proxy's.
      edits.push(statusEdit(reply, 500, 'Server Internal Error'))
      this.#upstream.pass(forwardReply(reply, edits), 500, 'Server Internal Error', reply)
      return
    }
    this.#upstream.pass(forwardReply(reply, edits), status, reply.reason, reply)
  }

  readonly #endIfDone = (): void => {
    if (this.#ended || this.#running || this.#failing || this.#relaying > 0 || this.#clients > 0) return
    if (this.#suspension !== undefined && !this.replied) return
    if (this.#replies?.busy === true) return
    // With the final reply, the server transaction stays behind alone.
    if (this.hasTransaction && !this.replied) return
    this.#ended = true
    this.call.ended()
    this.#host.requestEnded(this)
  }
}

/** onsend_route has let it go nowhere. */
const KEPT_BACK = -477

const NO_EDITS: readonly MessageEdit[] = []
