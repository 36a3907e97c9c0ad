// Owns the sending of a request to its branches: the client transactions that carry it, and what kept it from leaving.

import type { ClientTransaction } from '../transaction/index.ts'
import type { Hop, Listener } from '../transport/index.ts'
import { Branch, type BranchOwner, type BranchSender } from './branch.ts'
import type { CallShare } from './call-share.ts'
import type { Outgoing, Target } from './outgoing.ts'
import type { ProxyHost } from './proxy-host.ts'
import type { ResponseContext } from './response-context.ts'
import type { BranchSpec, RelayError, RelaySpec, RequestContext } from './router.ts'

/** The request that is sent on. */
export interface Relayed extends RequestContext, BranchOwner {
  /** A final reply went upstream, the caller gave up, or all is over: nothing more is sent. */
  readonly isDecided: boolean
  /** Names were looked up, and what waited for them has been sent or has failed. */
  relayEnded(): void
}

export class Relaying implements BranchSender {
  /** It left without a transaction. */
  forwarded = false
  /** Why the last relay came to nothing. */
  error: RelayError | undefined
  readonly #host: ProxyHost
  readonly #request: Relayed
  readonly #outgoing: Outgoing
  readonly #responses: ResponseContext
  readonly #call: CallShare
  /** Relays whose names are being looked up, or whose branches are being started. */
  #busy = 0

  constructor(
    host: ProxyHost,
    request: Relayed,
    parts: { outgoing: Outgoing; responses: ResponseContext; call: CallShare },
  ) {
    this.#host = host
    this.#request = request
    this.#outgoing = parts.outgoing
    this.#responses = parts.responses
    this.#call = parts.call
  }

  /** A relay has begun that has not come to its end. */
  get isBusy(): boolean {
    return this.#busy > 0
  }

  /** Sends through client transactions; 1, or the code of the failure. */
  start(spec: RelaySpec): number | Promise<number> {
    const targets = this.#outgoing.resolve(spec.branches)
    // What looks at each request that leaves is a run of its own: it cannot begin within the one that relays.
    const later = this.#isWatched() ? Promise.resolve(targets) : targets
    if (!(later instanceof Promise)) return this.#start(spec, later)
    return this.#later(later, (resolved) => (this.#request.isDecided ? -1 : this.#start(spec, resolved)))
  }

  /** Sends without a transaction; 1, or the code of the failure. */
  forward(specs: readonly BranchSpec[]): number | Promise<number> {
    if (specs.length === 0) return -1
    const targets = this.#outgoing.resolve(specs)
    if (!(targets instanceof Promise) && !this.#isWatched()) return this.#forwardTo(specs, targets)
    return this.#later(Promise.resolve(targets), (resolved) => this.#forwardTo(specs, resolved))
  }

  /** A relay came to nothing: remembers what the caller is to be told. Returns the code. */
  failed(spec: RelaySpec, code: number): number {
    if (spec.noInternalReply === true) return -4
    if (code === KEPT_BACK) {
      this.error = { status: 477, reason: 'Unfortunately error on sending to next hop occurred (477/TM)' }
      return -1
    }
    this.error =
      code === -478
        ? { status: 478, reason: 'Unresolvable destination (478/TM)' }
        : { status: 500, reason: `I'm terribly sorry, server error occurred (${-code}/TM)` }
    return code
  }

  // What the branches ask for.

  listenerFor(hop: Hop): Listener | undefined {
    return this.#host.transactions.transport.listenerFor(hop)
  }

  streamHop(branch: Branch, hop: Hop): Hop | undefined {
    return this.#outgoing.streamHop(branch.spec, hop)
  }

  maySend(hop: Hop, listener: Listener): boolean {
    return !this.#isWatched() || this.#host.router.sending(this.#request, { hop, listener })
  }

  startClient(branch: Branch, hop: Hop, listener: Listener): ClientTransaction {
    const { transactions, counters } = this.#host
    const { branch: id, wire } = this.#outgoing.write(branch.spec, hop, listener)
    this.#responses.clients++
    counters.branches++
    this.#call.branchSent(hop, branch.spec)
    const { method } = this.#request
    return method === 'INVITE'
      ? transactions.startInvite(id, hop, wire, branch, branch.fr, branch.frInv)
      : transactions.startRequest(id, method, hop, wire, branch, branch.fr)
  }

  #isWatched(): boolean {
    return this.#request.language === 'cfg' && this.#host.router.watchesSending(this.#request)
  }

  #later(targets: Promise<Target[]>, send: (resolved: Target[]) => number): Promise<number> {
    this.#busy++
    return targets.then((resolved) => {
      this.#busy--
      const code = send(resolved)
      this.#request.relayEnded()
      return code
    })
  }

  #start(spec: RelaySpec, targets: readonly Target[]): number {
    const { branches } = this.#responses
    const legStart = branches.length
    let code = -478
    // Branches that fail at once are looked at when the route is done.
    this.#busy++
    targets.forEach((hops, index) => {
      const target = spec.branches[index]!
      if (hops === undefined || hops.length === 0) return
      const branch = new Branch(this.#request, branches.length, target, {
        replyRoute: target.onReply ?? spec.onReply,
        fr: spec.frTimer,
        frInv: spec.frInvTimer,
      })
      branches.push(branch)
      if (branch.start(this.#outgoing.hopsFrom(target, hops))) return
      branches.pop()
      code = branch.keptBack ? KEPT_BACK : -7
    })
    this.#busy--
    if (branches.length === legStart) return this.failed(spec, code)
    this.#responses.legStart = legStart
    this.error = undefined
    this.#host.counters.relayed++
    return 1
  }

  #forwardTo(specs: readonly BranchSpec[], targets: readonly Target[]): number {
    const code = this.#outgoing.forward(specs, targets, (hop, listener) => this.maySend(hop, listener))
    if (code !== 1) return code
    this.forwarded = true
    this.#call.forwarded()
    return 1
  }
}

/** onsend_route has let it go nowhere. */
const KEPT_BACK = -477
