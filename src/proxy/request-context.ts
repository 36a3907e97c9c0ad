// Owns one request under way: its server transaction, its branches, what the routes decide about it, and the moment it is over.

import {
  buildReply,
  type IdSource,
  MAGIC_COOKIE,
  type MessageEdit,
  parseUri,
  type SipReply,
  type SipRequest,
} from '../sip/index.ts'
import type {
  ClientTransaction,
  RequestHold,
  ServerTransaction,
  ServerUser,
  TransactionLayer,
} from '../transaction/index.ts'
import type { Flow, Hop, Listener } from '../transport/index.ts'
import { Branch, type BranchOwner, TIMED_OUT, UNREACHABLE } from './branch.ts'
import { type Call, type CallTable, endpoint } from './calls.ts'
import { challengeEdits, forwardReply, forwardRequest, previousViaEdits, statusEdit } from './forwarding.ts'
import { hasLooped, routingHash, textHash } from './loop-detection.ts'
import type { ProxyLimits, ProxyOptions } from './options.ts'
import { ResponseContext } from './response-context.ts'
import type {
  BranchSpec,
  CallEndReason,
  FailureContext,
  RelayError,
  RelaySpec,
  ReplyOutcome,
  ReplySpec,
  RequestContext,
  RouteLanguage,
  Router,
} from './router.ts'
import type { ProxyCounters } from './stats.ts'

/** What a request under way needs of the proxy. */
export interface ProxyHost {
  readonly transactions: TransactionLayer
  readonly router: Router
  readonly ids: IdSource
  readonly calls: CallTable
  readonly limits: ProxyLimits
  readonly options: ProxyOptions
  readonly counters: ProxyCounters
  /** To tag of stateless replies: known again in the ACK without having kept anything. */
  statelessTag(request: SipRequest): string
  /** A route threw or rejected. */
  routeFailed(where: string, context: RequestContext, error: unknown): void
  requestEnded(context: ProxyRequest): void
}

/** What an ACK or a CANCEL belongs to: an INVITE transaction by its branch, a call (ACK of a 2xx), nothing that is known here. */
export type Belonging = 'nothing' | 'transaction' | 'call'

/** Marks branches of what was forwarded without a transaction: their replies go on by Via alone. */
export const STATELESS_BRANCH = `${MAGIC_COOKIE}-s`

export class ProxyRequest implements FailureContext, BranchOwner, ServerUser {
  readonly id: number
  /** The request as routes see it and as branches are written from: after msg_apply_changes not the one that came. */
  request: SipRequest
  readonly flow: Flow
  readonly language: RouteLanguage
  readonly matched: ProxyRequest | undefined
  program: unknown
  state: unknown
  label: string | undefined
  replied = false
  lastStatus = 0
  relayed = false
  relayError: RelayError | undefined
  canceled = false
  winningReply: SipReply | undefined
  status = 0
  timedOut = false
  branch = -1
  /** The router was given this request, so it is told of its end. */
  routed = false
  /** The call that an INVITE begins, or that a request in a dialog belongs to. */
  call: Call | undefined
  /** The request as it came: replies and the server transaction go by it. */
  readonly #received: SipRequest
  readonly #belonging: Belonging
  readonly #host: ProxyHost
  readonly #responses = new ResponseContext()
  #server: ServerTransaction | undefined
  #hold: RequestHold | undefined
  #running = true
  #failing = false
  /** Relays whose names are being looked up, or whose branches are being started. */
  #relaying = 0
  #recheck = false
  #clients = 0
  #replyBusy = false
  #replyQueue: { branch: Branch; reply: SipReply; flow: Flow }[] | undefined
  #onFailure: string | undefined
  #replyAppend = ''
  #localTag: string | undefined
  #forcedRport = false
  #viaEdits: MessageEdit[] | undefined
  #hash: string | undefined
  #dropped = false
  #recordRouted = false
  #forwarded = false
  #callSettled = false
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
  }

  get transactionMatch(): boolean {
    return this.#belonging !== 'nothing'
  }

  get hasTransaction(): boolean {
    return this.#server !== undefined
  }

  get branchCount(): number {
    return this.#responses.branches.length
  }

  // What the routes ask for.

  newTransaction(): number {
    if (this.#server !== undefined) return 1
    if (this.request.method === 'ACK' || this.#ended) return -1
    const server = this.#host.transactions.createServer(this.#received, this.flow, this)
    if (server === undefined) {
      this.#dropped = true
      return 0
    }
    server.forcedRport = this.#forcedRport
    this.#server = server
    return 1
  }

  relay(spec: RelaySpec): number | Promise<number> {
    const { method } = this.request
    if (method === 'ACK') return this.#relayAck(spec)
    if (method === 'CANCEL' && this.#belonging === 'transaction') return this.#relayCancel()
    if (spec.stateless === true || method === 'CANCEL') return this.#forward(spec.branches)
    const made = this.newTransaction()
    if (made !== 1) return made
    if (this.replied || this.canceled || this.#dropped) return -1
    if (method === 'INVITE') this.trying('trying -- your call is important to us')
    this.#onFailure = spec.onFailure
    if (spec.replyAppend !== undefined) this.#replyAppend = spec.replyAppend
    if (spec.branches.length === 0) return this.#relayFailed(spec, (spec.dropped ?? 0) > 0 ? -6 : -1)
    if (this.language === 'cfg' && this.looped()) {
      this.relayError = { status: 482, reason: 'Loop Detected' }
      return -1
    }
    if (this.branchCount + spec.branches.length > this.#host.limits.branches) return this.#relayFailed(spec, -1)
    const targets = spec.branches.map((branch) => this.#resolve(branch))
    if (!targets.some((target) => target instanceof Promise)) return this.#start(spec, targets as Target[])
    this.#relaying++
    return Promise.all(targets).then((resolved) => {
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

  reply(spec: ReplySpec): number {
    if (this.request.method === 'ACK' || this.replied || this.#ended) return -1
    const stateless = this.language === 'cfg' && this.#server === undefined && spec.mode !== 'transaction'
    if (!stateless) {
      if (this.newTransaction() !== 1) return -1
      this.#respond(spec.status, spec.reason, spec)
      if (spec.status >= 200) this.#cancelOpen('')
      return 1
    }
    const toTag = spec.toTag ?? this.#host.statelessTag(this.#received)
    const wire = this.#build(spec.status, spec.reason, spec, spec.status > 100 ? toTag : undefined)
    this.#host.transactions.reply(this.flow, this.#received, wire, this.#forcedRport)
    this.#sent(spec.status, spec.reason, undefined)
    return 1
  }

  cancelBranches(): void {
    this.#cancelOpen('')
  }

  forceRport(): void {
    this.#forcedRport = true
    this.#viaEdits = undefined
    if (this.#server !== undefined) this.#server.forcedRport = true
  }

  drop(): void {
    if (!this.relayed && !this.replied) this.#dropped = true
  }

  replaceRequest(request: SipRequest): number {
    if (this.relayed) return -1
    this.request = request
    this.#viaEdits = undefined
    return 1
  }

  // What the core asks for.

  /** Tells the caller at once that the request is being worked on, unless a reply is out already. */
  trying(reason: string): void {
    if (this.lastStatus === 0) this.#respond(100, reason)
  }

  /** Final reply of the proxy itself; nothing happens when there is one already. */
  refuse(status: number, reason: string, headers = ''): void {
    if (this.replied || this.newTransaction() !== 1) return
    this.#respond(status, reason, { headers })
  }

  /** Answers a CANCEL with 200 and gives up what it belongs to (RFC 3261 9.2, 16.10). */
  acceptCancel(): void {
    if (this.newTransaction() !== 1) return
    this.#respond(200, 'canceling')
    this.matched?.cancel(this.#received)
  }

  /** The caller gave up. */
  cancel(request: SipRequest): void {
    if (this.canceled || this.replied) return
    this.canceled = true
    this.#host.counters.canceled++
    // RFC 3326: why, for those further down.
    let reasons = ''
    for (const value of request.headers('Reason')) reasons += `Reason: ${value}\r\n`
    if (this.#responses.open) this.#cancelOpen(reasons)
    // Nothing was sent yet, or a route is at work between two legs: 487 at once; whatever it decides comes too late.
    else this.refuse(487, 'Request Terminated')
  }

  /** This request, routed the same way, went out from here before. */
  looped(): boolean {
    if (!hasLooped(this.#received, this.#routingHash(), this.#host.transactions.transport)) return false
    this.#host.counters.loops++
    return true
  }

  /** Absorbs retransmissions while the route waits before it has made a transaction. */
  holdOpen(): void {
    if (this.#server === undefined && this.request.method !== 'ACK')
      this.#hold = this.#host.transactions.hold(this.#received, this.flow, this)
  }

  /** The request route has ended, well or not. */
  routeEnded(failure: 'none' | 'error'): void {
    this.#running = false
    if (this.#hold !== undefined) this.#host.transactions.release(this.#hold)
    this.#hold = undefined
    const { method } = this.request
    const absorbed = method === 'ACK' || this.#belonging === 'transaction'
    const idle =
      !this.relayed && !this.replied && !this.#forwarded && !this.#dropped && !absorbed && this.#relaying === 0
    if (failure === 'error') {
      if (!this.relayed && !absorbed) this.refuse(500, 'Server Internal Error')
    } else if (this.relayError !== undefined && idle) this.refuse(this.relayError.status, this.relayError.reason)
    else if (idle) {
      this.#host.counters.unanswered++
      if (this.language === 'ts') this.refuse(500, 'Server Internal Error')
    }
    if (!this.relayed && !this.replied && this.#relaying === 0) this.#server?.terminate()
    if (this.#recheck || this.relayed) this.#check()
    this.#endIfDone()
  }

  // What the branches and the server transaction tell.

  listenerFor(hop: Hop): Listener | undefined {
    return this.#host.transactions.transport.listenerFor(hop)
  }

  startClient(branch: Branch, hop: Hop, listener: Listener): ClientTransaction {
    const { transactions, ids, counters } = this.#host
    const request = this.#received
    const id = `${MAGIC_COOKIE}${ids.branch()}.${this.#routingHash()}`
    const wire = this.#write(branch.spec, hop, listener, id)
    this.#clients++
    counters.branches++
    if (this.call !== undefined && request.toTag === '') {
      this.call.hops++
      if (this.call.answeredAt < 0) this.call.destination = `${hop.transport}:${endpoint(hop.address, hop.port)}`
    }
    return request.method === 'INVITE'
      ? transactions.startInvite(id, hop, wire, branch, branch.fr, branch.frInv)
      : transactions.startRequest(id, request.method, hop, wire, branch, branch.fr)
  }

  branchReply(branch: Branch, reply: SipReply, flow: Flow): void {
    if (this.#replyBusy) {
      this.#replyQueue ??= []
      this.#replyQueue.push({ branch, reply, flow })
      return
    }
    this.#routeReply(branch, reply, flow)
  }

  branchFailed(branch: Branch, status: number): void {
    branch.settle(status, undefined, NO_EDITS)
    if (status === UNREACHABLE) this.#host.counters.unreachable++
    else this.#host.counters.timeouts++
    this.#check()
  }

  branchReleased(): void {
    this.#clients--
    this.#endIfDone()
  }

  onServerTerminated(): void {
    this.replied = true
    this.#endIfDone()
  }

  // Relaying.

  #relayAck(spec: RelaySpec): number | Promise<number> {
    // The ACK of a failure has done its work in the server transaction.
    if (this.#belonging === 'transaction') return 1
    return this.#forward(spec.branches)
  }

  #relayCancel(): number {
    if (this.replied) return -1
    this.acceptCancel()
    return 1
  }

  #resolve(spec: BranchSpec): Target | Promise<Target> {
    const uri = parseUri(spec.nextHop ?? spec.uri)
    if (uri === undefined) return undefined
    try {
      const hops = this.#host.transactions.transport.resolve(uri)
      return hops instanceof Promise ? hops.catch(() => undefined) : hops
    } catch {
      return undefined
    }
  }

  #start(spec: RelaySpec, targets: readonly Target[]): number {
    const { branches } = this.#responses
    const legStart = branches.length
    let code = -478
    this.#relaying++
    for (let i = 0; i < targets.length; i++) {
      const hops = targets[i]
      const branchSpec = spec.branches[i]!
      if (hops === undefined || hops.length === 0) continue
      const branch = new Branch(this, branches.length, branchSpec, {
        replyRoute: branchSpec.onReply ?? spec.onReply,
        fr: spec.frTimer,
        frInv: spec.frInvTimer,
      })
      branches.push(branch)
      if (branch.start(this.#from(branchSpec, hops))) this.#noteRecordRoute(branchSpec)
      else {
        branches.pop()
        code = -7
      }
    }
    this.#relaying--
    if (branches.length === legStart) return this.#relayFailed(spec, code)
    this.#responses.legStart = legStart
    this.relayed = true
    this.relayError = undefined
    this.#host.counters.relayed++
    // Every branch may have failed while it started; the failure route waits until this route is done.
    if (this.#running) this.#recheck = true
    return 1
  }

  #from(spec: BranchSpec, hops: readonly Hop[]): readonly Hop[] {
    if (spec.listener === undefined) return hops
    const listener = this.#host.transactions.transport.listeners[spec.listener]
    return listener === undefined ? hops : hops.map((hop) => ({ ...hop, listener }))
  }

  #relayFailed(spec: RelaySpec, code: number): number {
    if (spec.noInternalReply === true) return -4
    this.relayError =
      code === -478
        ? { status: 478, reason: 'Unresolvable destination (478/TM)' }
        : { status: 500, reason: `I'm terribly sorry, server error occurred (${-code}/TM)` }
    return code
  }

  /** Sends without a transaction (16.11), to the first hop of each target that one of our sockets can reach. */
  #forward(specs: readonly BranchSpec[]): number | Promise<number> {
    if (specs.length === 0) return -1
    const targets = specs.map((spec) => this.#resolve(spec))
    if (!targets.some((target) => target instanceof Promise)) return this.#forwardTo(specs, targets as Target[])
    this.#relaying++
    return Promise.all(targets).then((resolved) => {
      this.#relaying--
      const code = this.#forwardTo(specs, resolved)
      this.#endIfDone()
      return code
    })
  }

  #forwardTo(specs: readonly BranchSpec[], targets: readonly Target[]): number {
    const { transport } = this.#host.transactions
    let code = -478
    for (let i = 0; i < specs.length; i++) {
      for (const hop of this.#from(specs[i]!, targets[i] ?? [])) {
        const listener = transport.listenerFor(hop)
        if (listener === undefined) {
          if (code !== 1) code = -7
          continue
        }
        transport.send(hop, this.#write(specs[i]!, hop, listener, this.#statelessBranch(i)), () => {
          this.#host.counters.unreachable++
        })
        code = 1
        break
      }
    }
    if (code !== 1) return code
    this.#forwarded = true
    this.#host.counters.forwarded++
    // Its answer passes unseen.
    if (this.#received.method === 'BYE' && this.call !== undefined)
      this.#host.calls.dialogOver(this.call, this.#received, 'bye')
    return 1
  }

  /** 16.11: the same for every retransmission, and for the ACK and CANCEL of an INVITE. */
  #statelessBranch(index: number): string {
    const via = this.#received.topVia
    const name = via === undefined ? '' : this.#received.raw.slice(via.start, via.end)
    const own = via?.branch.startsWith(MAGIC_COOKIE) === true ? via.branch : name
    return `${STATELESS_BRANCH}${textHash(own, via?.host ?? '', this.#received.callId, `${this.#received.cseqNumber} ${index}`)}`
  }

  #write(spec: BranchSpec, hop: Hop, listener: Listener, branch: string): string {
    const { request, flow } = this
    this.#viaEdits ??= previousViaEdits(request, flow, this.#forcedRport)
    // 16.6 step 3, for a `.ts`; in a `.cfg` the script does it.
    const maxForwards =
      this.language === 'ts' ? Math.max(0, (request.maxForwards ?? this.#host.options.maxForwards + 1) - 1) : undefined
    return forwardRequest(request, flow, {
      uri: spec.uri,
      edits: spec.edits,
      viaEdits: this.#viaEdits,
      hop,
      listener,
      branch,
      maxForwards,
    })
  }

  #routingHash(): string {
    this.#hash ??= routingHash(this.#received, this.language === 'cfg' ? this.flow : undefined)
    return this.#hash
  }

  #noteRecordRoute(spec: BranchSpec): void {
    this.#recordRouted ||= spec.edits.some(
      (edit) => edit.recordRoute !== undefined || /(?:^|\n)record-route[ \t]*:/i.test(edit.text),
    )
  }

  // Replies of branches.

  #routeReply(branch: Branch, reply: SipReply, flow: Flow): void {
    let outcome: ReplyOutcome | Promise<ReplyOutcome>
    try {
      outcome = this.#host.router.reply({
        context: this,
        reply,
        flow,
        branch: branch.index,
        onReply: branch.replyRoute,
      })
    } catch (error) {
      this.#host.routeFailed('reply', this, error)
      outcome = PASS
    }
    if (!(outcome instanceof Promise)) {
      this.#takeReply(branch, reply, outcome)
      return
    }
    this.#replyBusy = true
    outcome
      .catch((error: unknown) => {
        this.#host.routeFailed('reply', this, error)
        return PASS
      })
      .then((late) => {
        this.#replyBusy = false
        this.#takeReply(branch, reply, late)
        for (;;) {
          const next = this.#replyBusy ? undefined : this.#replyQueue?.shift()
          if (next === undefined) break
          this.#routeReply(next.branch, next.reply, next.flow)
        }
        this.#endIfDone()
      })
      .catch((error: unknown) => this.#host.routeFailed('reply', this, error))
  }

  #takeReply(branch: Branch, received: SipReply, outcome: ReplyOutcome): void {
    const { status } = received
    const reply = outcome.message ?? received
    // 16.7 step 2: a 100 is for this hop.
    if (status === 100) return
    if (status < 200) {
      // 16.7 step 5: every other provisional reply goes on at once.
      if (!outcome.drop && !this.replied)
        this.#upstream(forwardReply(reply, outcome.edits), status, reply.reason, reply)
      return
    }
    if (outcome.drop && branch.status === 0) {
      this.branchFailed(branch, TIMED_OUT)
      return
    }
    if (outcome.drop) return
    if (status < 300) {
      this.#takeSuccess(branch, reply, outcome.edits)
      return
    }
    // What Timer C has given up already.
    if (branch.status !== 0) return
    branch.settle(status, reply, outcome.edits)
    // 16.7 step 5: after a 6xx the others are cancelled, and no new branch helps.
    if (status >= 600) this.#cancelOpen(`Reason: SIP;cause=${status}\r\n`)
    this.#check()
  }

  #takeSuccess(branch: Branch, reply: SipReply, edits: readonly MessageEdit[]): void {
    const invite = this.request.method === 'INVITE'
    branch.settle(reply.status, undefined, NO_EDITS)
    if (this.replied && !invite) return
    // 16.7 step 5: a 2xx goes on at once, and for INVITE each of them, whatever went upstream before.
    this.#upstream(forwardReply(reply, edits), reply.status, reply.reason, reply)
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
    this.branch = best.index
    const route = this.#onFailure
    this.#onFailure = undefined
    if (route === undefined) this.#sendBest(best)
    else this.#runFailure(route, best)
  }

  #runFailure(route: string, best: Branch): void {
    this.#failing = true
    const legs = this.branchCount
    const done = (): void => {
      this.#failing = false
      if (this.branchCount > legs) this.#check()
      else this.#sendBest(best)
      this.#endIfDone()
    }
    const failed = (error: unknown): void => {
      this.#host.routeFailed('failure', this, error)
      done()
    }
    try {
      const run = this.#host.router.failure(this, route)
      if (run instanceof Promise)
        run.then(done, failed).catch((error: unknown) => this.#host.routeFailed('failure', this, error))
      else done()
    } catch (error) {
      failed(error)
    }
  }

  #sendBest(best: Branch): void {
    if (this.replied) return
    const { reply, status } = best
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
    let out = status
    let { reason } = reply
    if (status === 503 && this.#host.options.translate503 === 'on') {
      // 16.7 step 6: another element's overload is not this proxy's.
      out = 500
      reason = 'Server Internal Error'
      edits.push(statusEdit(reply, out, reason))
    }
    this.#upstream(forwardReply(reply, edits), out, reason, reply)
  }

  // Replies upstream.

  #build(status: number, reason: string, options: LocalReply, toTag: string | undefined): string {
    const headers = (options.headers ?? '') + this.#replyAppend
    return buildReply(this.#received, status, reason, {
      ...(toTag === undefined ? {} : { toTag }),
      ...(headers === '' ? {} : { headers }),
      ...(options.body === undefined || options.body === '' ? {} : { body: options.body }),
      ...(options.contentType === undefined ? {} : { contentType: options.contentType }),
      received: { address: this.flow.remoteAddress, port: this.flow.remotePort, rport: this.#forcedRport },
    })
  }

  /** A reply of this proxy's own, by the server transaction. */
  #respond(status: number, reason: string, options: LocalReply = NOTHING): void {
    let toTag: string | undefined
    // 8.2.6.2: a 100 carries no tag of ours; all others of one request carry the same.
    if (status > 100) toTag = options.toTag ?? (this.#localTag ??= this.#host.ids.tag())
    this.#upstream(this.#build(status, reason, options, toTag), status, reason, undefined)
  }

  #upstream(wire: string, status: number, reason: string, reply: SipReply | undefined): void {
    const sent = this.#server?.respond(wire, status) ?? false
    if (!sent) {
      if (status < 200 || status >= 300 || this.request.method !== 'INVITE') return
      // 16.7 step 5: a 2xx that comes after a failure went upstream still goes on; the machine of the failure does not carry it.
      this.#host.transactions.reply(this.flow, this.#received, wire, this.#forcedRport)
    }
    this.#sent(status, reason, reply)
  }

  #sent(status: number, reason: string, reply: SipReply | undefined): void {
    this.lastStatus = status
    this.#host.counters.replies++
    if (status >= 200) this.replied = true
    const { call } = this
    const request = this.#received
    if (call === undefined) return
    const { calls } = this.#host
    if (request.toTag !== '') {
      if (status < 200) return
      // 15.1.1: whatever answers a BYE, the dialog is over, unless the BYE was challenged and comes again.
      if (request.method === 'BYE' && status !== 401 && status !== 407) calls.dialogOver(call, request, 'bye')
      // 12.2.1.2
      else if (status === 481 && (request.method === 'INVITE' || request.method === 'UPDATE'))
        calls.dialogOver(call, request, 'gone')
      return
    }
    call.label = this.label
    if (status < 200) calls.rang(call, status)
    else if (status < 300) {
      calls.answered(call, reply, status, reason)
      this.#settleCall('failed')
      if (!this.#recordRouted) calls.untracked(call)
    } else {
      calls.refused(call, status, reason)
      this.#settleCall(this.canceled ? 'canceled' : this.timedOut ? 'timeout' : 'failed')
    }
  }

  #settleCall(reason: CallEndReason): void {
    if (this.call === undefined || this.#callSettled || this.#received.toTag !== '') return
    this.#callSettled = true
    this.#host.calls.settled(this.call, reason)
  }

  #endIfDone(): void {
    if (this.#ended || this.#running || this.#failing || this.#replyBusy || this.#relaying > 0 || this.#clients > 0)
      return
    // With the final reply, the server transaction stays behind alone.
    if (this.#server !== undefined && !this.replied) return
    this.#ended = true
    // What was forwarded without a transaction is out of sight.
    this.#settleCall(this.#forwarded ? 'untracked' : 'failed')
    this.#host.requestEnded(this)
  }
}

/** Hops of a target; none when it does not resolve. */
type Target = readonly Hop[] | undefined

interface LocalReply {
  headers?: string
  body?: string
  contentType?: string
  toTag?: string
}

const NOTHING: LocalReply = {}
const NO_EDITS: readonly MessageEdit[] = []
const PASS: ReplyOutcome = { drop: false, edits: [] }
