// Owns the way of one request to its next hops: names looked up, the wire written, forwarding without a transaction (16.11).

import { MAGIC_COOKIE, type MessageEdit, readUri, type SipRequest } from '../sip/index.ts'
import type { Flow, Hop, Listener } from '../transport/index.ts'
import { forwardRequest, previousViaEdits } from './forwarding.ts'
import { hasLooped, routingHash, textHash } from './loop-detection.ts'
import type { ProxyHost } from './proxy-host.ts'
import type { BranchSpec, RouteLanguage } from './router.ts'
import { WAY_BACK } from './routing.ts'

/** Hops of a target; none when it does not resolve. */
export type Target = readonly Hop[] | undefined

/** Whether the request may leave for `hop` by `listener`. */
type MaySend = (hop: Hop, listener: Listener) => boolean

/** Marks branches of what was forwarded without a transaction: their replies go on by Via alone. */
export const STATELESS_BRANCH = `${MAGIC_COOKIE}-s`

/** The request that is sent on. */
export interface Sent {
  readonly language: RouteLanguage
  readonly flow: Flow
  /** As it came. */
  readonly received: SipRequest
  /** What is written from: after msg_apply_changes not the one that came. */
  readonly request: SipRequest
}

export class Outgoing {
  readonly #host: ProxyHost
  readonly #sent: Sent
  #forcedRport = false
  #viaEdits: readonly MessageEdit[] | undefined
  #hash: string | undefined

  constructor(host: ProxyHost, sent: Sent) {
    this.#host = host
    this.#sent = sent
  }

  /** The request is another one from now on. */
  requestChanged(): void {
    this.#viaEdits = undefined
  }

  forceRport(): void {
    this.#forcedRport = true
    this.#viaEdits = undefined
  }

  /** This request, routed the same way, went out from here before. */
  looped(): boolean {
    if (!hasLooped(this.#sent.received, this.#routingHash(), this.#host.transactions.transport)) return false
    this.#host.counters.loops++
    return true
  }

  /** Where the targets are, in their order; a promise only when a name has to be looked up. */
  resolve(specs: readonly BranchSpec[]): Target[] | Promise<Target[]> {
    const targets = specs.map((spec) => this.#resolveOne(spec))
    return targets.some((target) => target instanceof Promise) ? Promise.all(targets) : (targets as Target[])
  }

  /** A fresh branch, and the request as it goes to `hop` under it. */
  write(spec: BranchSpec, hop: Hop, listener: Listener): { branch: string; wire: string } {
    // RFC 5393 4.2.1: a second part that tells a loop from a spiral.
    const branch = `${MAGIC_COOKIE}${this.#host.ids.branch()}.${this.#routingHash()}`
    return { branch, wire: this.#write(spec, hop, listener, branch) }
  }

  /**
   * RFC 3261 18.1.1: the same place over a stream, where the request is too long for UDP and a socket of ours can reach it so; else
   * undefined. Its length is that of what would leave by UDP.
   */
  streamHop(spec: BranchSpec, hop: Hop): Hop | undefined {
    const { limits, options, transactions } = this.#host
    if (limits.udpMtu === 0 || hop.transport !== 'udp') return undefined
    const { transport } = transactions
    const listener = transport.listenerFor(hop)
    if (listener === undefined || this.write(spec, hop, listener).wire.length <= limits.udpMtu) return undefined
    // The socket that the script wants is one of UDP.
    const { listener: _, ...place } = hop
    const over: Hop = { ...place, transport: options.udpMtuTransport }
    return transport.listenerFor(over) && over
  }

  /** Sends without a transaction, to the first hop of each target that one of our sockets can reach: 1, -7 or -478. */
  forward(specs: readonly BranchSpec[], targets: readonly Target[], maySend: MaySend): number {
    const { counters } = this.#host
    let code = -478
    specs.forEach((spec, index) => {
      const branch = `${this.#statelessBranch(index)}${this.#wayBack()}`
      for (const hop of this.hopsFrom(spec, targets[index] ?? [])) {
        if (this.#sendAlone(spec, hop, branch, maySend)) {
          code = 1
          return
        }
        if (code !== 1) code = -7
      }
    })
    if (code === 1) counters.forwarded++
    return code
  }

  /** The hops, with the socket that the script wants them to be reached from. */
  hopsFrom(spec: BranchSpec, hops: readonly Hop[]): readonly Hop[] {
    const listener =
      spec.listener === undefined ? undefined : this.#host.transactions.transport.listeners[spec.listener]
    if (listener === undefined && spec.noConnect !== true) return hops
    const wanted = { ...(listener === undefined ? {} : { listener }), ...(spec.noConnect ? { noConnect: true } : {}) }
    return hops.map((hop) => ({ ...hop, ...wanted }))
  }

  /** Without a transaction; by UDP where the stream that its length asks for cannot be had. False: no socket of ours can, or may. */
  #sendAlone(spec: BranchSpec, hop: Hop, branch: string, maySend: MaySend): boolean {
    const { counters } = this.#host
    const lost = () => {
      counters.unreachable++
    }
    const byUdp = () => {
      if (!this.#sendOver(hop, spec, branch, maySend, lost)) lost()
    }
    const over = this.streamHop(spec, hop)
    return (
      (over !== undefined && this.#sendOver(over, spec, branch, maySend, byUdp)) ||
      this.#sendOver(hop, spec, branch, maySend, lost)
    )
  }

  #sendOver(hop: Hop, spec: BranchSpec, branch: string, maySend: MaySend, failed: () => void): boolean {
    const { transport } = this.#host.transactions
    const listener = transport.listenerFor(hop)
    if (listener === undefined || !maySend(hop, listener)) return false
    transport.send(hop, this.#write(spec, hop, listener, branch), failed)
    return true
  }

  #resolveOne(spec: BranchSpec): Target | Promise<Target> {
    const uri = readUri(spec.nextHop ?? spec.uri)
    if (uri === undefined) return undefined
    try {
      const hops = this.#host.transactions.transport.resolve(uri)
      return hops instanceof Promise ? hops.catch(() => undefined) : hops
    } catch {
      return undefined
    }
  }

  #write(spec: BranchSpec, hop: Hop, listener: Listener, branch: string): string {
    const { request, flow } = this.#sent
    this.#viaEdits ??= previousViaEdits(request, flow, this.#forcedRport)
    return forwardRequest(request, flow, {
      uri: spec.uri,
      edits: spec.edits,
      viaEdits: this.#viaEdits,
      hop,
      listener,
      branch,
      via: spec.via,
      maxForwards: this.#maxForwards(),
    })
  }

  /** 16.6 step 3, for a `.ts`; in a `.cfg` the script does it. */
  #maxForwards(): number | undefined {
    if (this.#sent.language === 'cfg') return undefined
    const { maxForwards } = this.#sent.request
    return maxForwards === undefined ? this.#host.options.maxForwards : Math.max(0, maxForwards - 1)
  }

  /** 16.11: the same for every retransmission, and for the ACK and CANCEL of an INVITE. */
  #statelessBranch(index: number): string {
    const { topVia: via, raw, callId, cseqNumber } = this.#sent.received
    const name = via === undefined ? '' : raw.slice(via.start, via.end)
    const own = via?.branch.startsWith(MAGIC_COOKIE) === true ? via.branch : name
    return `${STATELESS_BRANCH}${textHash(own, via?.host ?? '', callId, `${cseqNumber} ${index}`)}`
  }

  /** 18.2.2: what leads a reply, for which nothing is kept here, to the connection of its request. */
  #wayBack(): string {
    const { flow, received } = this.#sent
    return flow.reliable && received.method !== 'ACK' ? `;${WAY_BACK}=${flow.remotePort}` : ''
  }

  #routingHash(): string {
    const { received, flow, language } = this.#sent
    this.#hash ??= routingHash(received, language === 'cfg' ? flow : undefined)
    return this.#hash
  }
}
