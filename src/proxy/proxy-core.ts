// Owns the proxy: what every request meets before and after its route (RFC 3261 16), for both languages, and the calls.

import type { Clock } from '../clock.ts'
import { SignalboxError } from '../errors.ts'
import { LIMIT_TOLD_MILLIS, type Log, Seldom } from '../log.ts'
import { buildReply, type IdSource, type SipReply, type SipRequest, validateRequest } from '../sip/index.ts'
import {
  RequestHold,
  type ServerEntry,
  ServerTransaction,
  type TransactionLayer,
  type TransactionUser,
} from '../transaction/index.ts'
import type { Flow, Hop } from '../transport/index.ts'
import { CallTable } from './calls.ts'
import { forwardReply } from './forwarding.ts'
import { LinkedList } from './linked-list.ts'
import { type LocalReply, type LocalRequest, sendLocalRequest } from './local-request.ts'
import { textHash } from './loop-detection.ts'
import { DEFAULT_PROXY_LIMITS, DEFAULT_PROXY_OPTIONS, type ProxyLimits, type ProxyOptions } from './options.ts'
import { STATELESS_BRANCH } from './outgoing.ts'
import type { OverloadControl } from './overload.ts'
import type { ProxyHost, Resting } from './proxy-host.ts'
import { ProxyRequest } from './request-context.ts'
import type { Belonging } from './request-state.ts'
import type { ReplyOutcome, RequestContext, Router } from './router.ts'
import { replyHops } from './routing.ts'
import { newCounters, type ProxyCounters, type ProxyStats } from './stats.ts'

export interface ProxyCoreOptions {
  transactions: TransactionLayer
  router: Router
  clock: Clock
  ids: IdSource
  log: Log
  limits?: Partial<ProxyLimits>
  options?: Partial<ProxyOptions>
  /** Without one, only the caps refuse. */
  overload?: OverloadControl
}

export class ProxyCore implements TransactionUser, ProxyHost {
  readonly transactions: TransactionLayer
  readonly router: Router
  readonly ids: IdSource
  readonly calls: CallTable
  readonly limits: ProxyLimits
  readonly options: ProxyOptions
  readonly counters: ProxyCounters = newCounters()
  readonly #log: Log
  readonly #overload: OverloadControl | undefined
  readonly #contexts = new LinkedList<ProxyRequest>()
  readonly #tagSecret: string
  #nextId = 1
  /** Until when ACKs of stateless replies may come. */
  #statelessUntil = 0
  /**
   * The request that was answered last is the only one of these that does not rest: without one of each kind alive while nothing
   * is under way, V8 would forget the shapes of objects at its next collection, and throw away the code that it made for them.
   */
  #answeredLast: Resting | undefined
  readonly #callsNotice = new Seldom(LIMIT_TOLD_MILLIS)
  #draining = false
  #drained: (() => void)[] = []

  constructor(options: ProxyCoreOptions) {
    this.transactions = options.transactions
    this.router = options.router
    this.ids = options.ids
    this.#log = options.log
    this.#overload = options.overload
    this.limits = { ...DEFAULT_PROXY_LIMITS, ...options.limits }
    this.options = { ...DEFAULT_PROXY_OPTIONS, ...options.options }
    this.#tagSecret = options.ids.tag()
    this.#overload?.update(this.limits.queueMillis)
    const { clock, router } = options
    this.calls = new CallTable({
      timers: options.transactions.timers,
      wallclock: () => clock.wallclock(),
      limit: this.limits.calls,
      idleMillis: this.options.maxCallMillis,
      ended: (summary) => {
        router.callEnded(summary)
        this.#checkDrained()
      },
    })
    options.transactions.user = this
  }

  /** New values for what starts from now on. */
  update(settings: { limits?: Partial<ProxyLimits>; options?: Partial<ProxyOptions> }): void {
    Object.assign(this.limits, settings.limits)
    Object.assign(this.options, settings.options)
    this.calls.limit = this.limits.calls
    this.calls.idleMillis = this.options.maxCallMillis
    this.#overload?.update(this.limits.queueMillis)
  }

  stats(): ProxyStats {
    return {
      ...this.counters,
      contexts: this.#contexts.size,
      calls: this.calls.size,
      draining: this.#draining ? 1 : 0,
    }
  }

  /** Takes no new calls any more. Resolves when no call is left; those under way go on. */
  drain(): Promise<void> {
    this.#draining = true
    return new Promise((resolve) => {
      this.#drained.push(resolve)
      this.#checkDrained()
    })
  }

  /** Ends every call and every transaction, without another message. Each call is told of. */
  close(): void {
    this.#draining = true
    this.transactions.user = undefined
    this.calls.close()
    for (let context = this.#contexts.oldest; context !== undefined; context = this.#contexts.oldest) {
      context.abandon()
      this.requestEnded(context)
    }
    this.transactions.close()
  }

  /** Sends a request of our own. Resolves with its final outcome, never rejects. */
  send(request: LocalRequest): Promise<LocalReply> {
    const { userAgent } = this.options
    if (userAgent === '' || /^User-Agent:/im.test(request.headers ?? '')) return sendLocalRequest(this, request)
    return sendLocalRequest(this, { ...request, headers: `${request.headers ?? ''}User-Agent: ${userAgent}\r\n` })
  }

  /** The request under way with that Call-ID and CSeq number; a search among all of them. */
  find(callId: string, cseq: number): RequestContext | undefined {
    for (let context = this.#contexts.oldest; context !== undefined; context = context.newer) {
      if (context.method !== 'ACK' && context.isOf(callId, cseq)) return context
    }
    return undefined
  }

  // What the transaction layer tells.

  onRequest(request: SipRequest, flow: Flow): void {
    this.counters.requests++
    const language = this.router.language()
    const inDialog = request.toTag !== ''
    // Whoever has a call up may end it though the caps are reached: work is taken up to twice the caps for that.
    if (!this.transactions.admits(flow, inDialog ? 2 : 1)) {
      this.#refuse(request, flow)
      return
    }
    const invite = request.method === 'INVITE'
    if (!inDialog && ((this.#draining && invite) || this.#isTooMuch(request))) {
      this.#refuse(request, flow)
      return
    }
    if (language === 'ts' && this.#rejects(request, flow)) return
    const context = this.#context(request, flow, 'nothing')
    if (inDialog) context.call.join(this.calls.inDialog(request))
    else if (invite) {
      const call = this.calls.invite(request, flow)
      if (call === undefined) {
        this.#contexts.remove(context)
        this.#tellCalls(flow)
        this.#refuse(request, flow)
        return
      }
      context.call.begin(call)
    }
    if (language === 'ts') {
      context.newTransaction()
      // 16.2: a loop is refused by the transaction, so that its ACK is absorbed.
      if (context.looped()) {
        context.refuse(482, 'Loop Detected')
        context.routeEnded('well')
        return
      }
      // 17.2.1, without waiting for the 200 ms.
      if (invite) context.trying('Trying')
    }
    this.#run(context)
  }

  onAck(ack: SipRequest, flow: Flow, match: ServerEntry | undefined, absorbed: boolean): void {
    // The ACK of a stateless reply of ours; the tag is worked out only while one may come.
    if (this.transactions.timers.now() < this.#statelessUntil && ack.toTag === this.statelessTag(ack)) return
    if (absorbed) {
      if (this.router.language() === 'cfg') this.#run(this.#context(ack, flow, 'transaction', ownerOf(match)))
      return
    }
    if (this.router.language() === 'ts') {
      // An ACK is never answered: what cannot go on is dropped (16.3).
      if (validateRequest(ack) !== undefined || ack.maxForwards === 0) {
        this.counters.rejected++
        return
      }
    }
    this.counters.requests++
    const context = this.#context(ack, flow, this.calls.awaitsAck(ack) ? 'call' : 'nothing')
    context.call.join(this.calls.inDialog(ack))
    this.#run(context)
  }

  onCancel(cancel: SipRequest, flow: Flow, match: ServerEntry | undefined): void {
    this.counters.requests++
    const owner = ownerOf(match)
    const context = this.#context(cancel, flow, match === undefined ? 'nothing' : 'transaction', owner)
    if (context.language === 'ts' || match instanceof RequestHold) {
      // 9.2. A `.ts` never sees a CANCEL, so one that belongs to nothing is not forwarded either.
      if (match === undefined) context.refuse(481, 'Call/Transaction Does Not Exist')
      else context.acceptCancel()
      context.routeEnded('well')
      return
    }
    this.#run(context)
  }

  onStrayReply(reply: SipReply, flow: Flow): void {
    const via = reply.topVia
    // 16.7 step 3, 18.1.2: what others sent is none of our business.
    if (via === undefined || !this.transactions.transport.isLocal(via.host, via.port)) return
    // RFC 6026 7.3: a stateful proxy forwards no stray replies. A Kamailio script counts on it, as it has always been there.
    if (this.router.language() === 'ts' && !via.branch.startsWith(STATELESS_BRANCH)) return
    this.counters.strayReplies++
    let outcome: ReplyOutcome | Promise<ReplyOutcome>
    try {
      outcome = this.router.reply({ context: undefined, reply, flow, branch: -1, onReply: undefined })
    } catch (error) {
      this.#routeError('reply', error)
      return
    }
    if (outcome instanceof Promise)
      outcome.then(
        (late) => this.#forwardStray(reply, late),
        (error: unknown) => this.#routeError('reply', error),
      )
    else this.#forwardStray(reply, outcome)
  }

  // What requests under way need.

  /** Depends on what an ACK repeats of its INVITE, and on a secret, so that nobody can have an ACK absorbed here. */
  statelessTag(request: SipRequest): string {
    if (request.method !== 'ACK')
      this.#statelessUntil = this.transactions.timers.now() + 64 * this.transactions.times.t1
    return textHash(this.#tagSecret, request.callId, request.fromTag, String(request.cseqNumber))
  }

  routeFailed(where: string, context: RequestContext, error: unknown): void {
    this.#routeError(where, error, context.request.callId)
  }

  requestAnswered(context: Resting): void {
    if (context === this.#answeredLast) return
    this.#answeredLast?.rest()
    this.#answeredLast = context
  }

  requestEnded(context: ProxyRequest): void {
    if (!this.#contexts.remove(context)) return
    if (context.routed) this.router.ended(context)
    this.#checkDrained()
  }

  #context(request: SipRequest, flow: Flow, belonging: Belonging, match?: ProxyRequest): ProxyRequest {
    const language = match?.language ?? this.router.language()
    const context = new ProxyRequest(this, this.#nextId++, request, flow, language, belonging, match)
    this.#contexts.add(context)
    if (this.options.forceRport === 'on' && language === 'cfg') context.forceRport()
    return context
  }

  #run(context: ProxyRequest): void {
    let run: void | Promise<void>
    context.routed = true
    try {
      run = this.router.request(context)
    } catch (error) {
      this.routeFailed('request', context, error)
      context.routeEnded('failed')
      return
    }
    if (!(run instanceof Promise)) {
      context.routeEnded('well')
      return
    }
    context.holdOpen()
    run
      .then(
        () => context.routeEnded('well'),
        (error: unknown) => {
          this.routeFailed('request', context, error)
          context.routeEnded('failed')
        },
      )
      .catch((error: unknown) => this.routeFailed('request', context, error))
  }

  /** The checks of 16.3 that need no route. */
  #rejects(request: SipRequest, flow: Flow): boolean {
    let refusal = validateRequest(request)
    // 16.3 step 3.
    if (refusal === undefined && request.maxForwards === 0) refusal = { status: 483, reason: 'Too Many Hops' }
    if (refusal === undefined) return false
    this.counters.rejected++
    this.#statelessReply(request, flow, refusal.status, refusal.reason, refusal.headers ?? '')
    return true
  }

  /** Under overload a share of what begins something is refused; what is under way, and a call for help, never is (RFC 7339 5.10.1). */
  #isTooMuch(request: SipRequest): boolean {
    const control = this.#overload
    if (!control?.isRefusing) return false
    return !request.requestUri.startsWith('urn:service:sos') && !control.admits(request.callId)
  }

  /** Calls have the limit of transactions. */
  #tellCalls(flow: Flow): void {
    const { calls } = this.limits
    if (this.calls.size < calls || !this.#callsNotice.isDue(this.transactions.timers.now())) return
    this.#log.warn(
      { event: 'limit', limit: 'transactions', source: flow.remoteAddress },
      `calls are refused: limits.transactions (${calls}) of them are up`,
    )
  }

  #refuse(request: SipRequest, flow: Flow): void {
    this.counters.refused++
    const retry = `Retry-After: ${this.options.retryAfter}\r\n`
    this.#statelessReply(request, flow, 503, 'Service Unavailable', retry)
  }

  #statelessReply(request: SipRequest, flow: Flow, status: number, reason: string, headers: string): void {
    const wire = buildReply(request, status, reason, {
      toTag: this.statelessTag(request),
      ...(headers === '' ? {} : { headers }),
      received: { address: flow.remoteAddress, port: flow.remotePort, rport: false },
    })
    this.counters.replies++
    this.transactions.reply(flow, this.transactions.transport.replyTarget(flow, request), wire)
  }

  #forwardStray(reply: SipReply, outcome: ReplyOutcome): void {
    if (outcome.drop) return
    const { transport } = this.transactions
    const wire = forwardReply(outcome.message ?? reply, outcome.edits)
    const send = ([hop, ...others]: readonly Hop[]): void => {
      if (hop === undefined) return
      transport.send(hop, wire, () => {
        // A connection that is gone is no failure of the place behind it; other addresses are not tried.
        if (hop.noConnect === true && others.length > 0) send(others)
        else this.counters.unreachable++
      })
    }
    const hops = replyHops(reply, transport)
    if (hops instanceof Promise) hops.then(send, () => this.counters.unreachable++)
    else send(hops)
  }

  #routeError(where: string, error: unknown, callId?: string): void {
    this.counters.routeErrors++
    // What carries a code was told by the router, in the script's own lines; anything else is a fault of ours.
    const level = error instanceof SignalboxError ? 'debug' : 'error'
    this.#log[level]({ err: error, ...(callId === undefined ? {} : { callId }) }, `the ${where} route failed`)
  }

  #checkDrained(): void {
    if (!this.#draining || this.#drained.length === 0 || this.calls.size > 0) return
    const waiting = this.#drained
    this.#drained = []
    for (const resolve of waiting) resolve()
  }
}

/** The request under way that an entry of the transaction table belongs to. */
function ownerOf(entry: ServerEntry | undefined): ProxyRequest | undefined {
  if (entry instanceof ServerTransaction) return entry.user instanceof ProxyRequest ? entry.user : undefined
  if (entry instanceof RequestHold) return entry.owner instanceof ProxyRequest ? entry.owner : undefined
  return undefined
}
