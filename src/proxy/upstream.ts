// Owns the way of one request's replies back: the server transaction, the proxy's own replies, and what is told to the call.

import { buildReply, type SipReply, type SipRequest } from '../sip/index.ts'
import type { RequestHold, ServerTransaction, ServerUser } from '../transaction/index.ts'
import type { Flow, ReplyRoute, ReplyTarget } from '../transport/index.ts'
import type { CallShare } from './call-share.ts'
import type { ProxyHost } from './proxy-host.ts'

/** What a reply of the proxy itself carries. */
export interface LocalReply {
  headers?: string
  body?: string
  contentType?: string
  toTag?: string
}

/** The request that is answered. */
export interface UpstreamOwner {
  readonly method: string
  /** The request as it came. */
  readonly received: SipRequest
  readonly flow: Flow
  readonly call: CallShare
  /** A reply went out. */
  answered(status: number, reason: string, reply: SipReply | undefined): void
}

const NOTHING: LocalReply = {}
const SYMMETRIC: ReplyRoute = { symmetric: true }

export class Upstream {
  /** A final reply went out, or none can any more. */
  replied = false
  lastStatus = 0
  /** Header lines of every reply that the proxy itself makes. */
  append = ''
  readonly #host: ProxyHost
  readonly #owner: UpstreamOwner
  #server: ServerTransaction | undefined
  #hold: RequestHold | undefined
  #localTag: string | undefined
  #forcedRport = false

  constructor(host: ProxyHost, owner: UpstreamOwner) {
    this.#host = host
    this.#owner = owner
  }

  get hasTransaction(): boolean {
    return this.#server !== undefined
  }

  /** Makes the server transaction. False: there is one of this request already, so it is a retransmission. */
  open(user: ServerUser): boolean {
    const { received, flow } = this.#owner
    this.#server = this.#host.transactions.createServer(received, flow, user, this.#target())
    return this.#server !== undefined
  }

  /** Ends a transaction that will get no final reply. */
  abandon(): void {
    this.#server?.terminate()
  }

  /** Absorbs retransmissions while there is no transaction. */
  hold(owner: unknown): void {
    const { method, received, flow } = this.#owner
    if (this.#server === undefined && method !== 'ACK') this.#hold = this.#host.transactions.hold(received, flow, owner)
  }

  release(): void {
    if (this.#hold !== undefined) this.#host.transactions.release(this.#hold)
    this.#hold = undefined
  }

  forceRport(): void {
    this.#forcedRport = true
    if (this.#server !== undefined) this.#server.replyTarget = this.#target()
  }

  /** A reply of this proxy's own, by the server transaction. */
  respond(status: number, reason: string, options: LocalReply = NOTHING): void {
    let toTag: string | undefined
    // 8.2.6.2: a 100 carries no tag of ours; all others of one request carry the same.
    if (status > 100) toTag = options.toTag ?? (this.#localTag ??= this.#host.ids.tag())
    if (!this.#send(this.#build(status, reason, options, toTag), status)) return
    const { call, received } = this.#owner
    call.answeredHere(status, reason, received.toTag === '' ? (toTag ?? '') : received.toTag)
    this.#owner.answered(status, reason, undefined)
  }

  /** A reply of this proxy's own that leaves nothing behind. */
  respondStateless(status: number, reason: string, options: LocalReply): void {
    const toTag = options.toTag ?? this.#host.statelessTag(this.#owner.received)
    const wire = this.#build(status, reason, options, status > 100 ? toTag : undefined)
    this.#host.transactions.reply(this.#owner.flow, this.#target(), wire)
    this.#sent(status)
    this.#owner.call.answeredHere(status, reason, toTag)
    this.#owner.answered(status, reason, undefined)
  }

  /** A reply of a branch; `status` and `reason` as they stand in `wire`. */
  pass(wire: string, status: number, reason: string, reply: SipReply): void {
    if (!this.#send(wire, status)) return
    this.#owner.call.answeredByBranch(status, reason, reply.toTag)
    this.#owner.answered(status, reason, reply)
  }

  #send(wire: string, status: number): boolean {
    if (this.#server?.respond(wire, status) !== true) {
      if (status < 200 || status >= 300 || this.#owner.method !== 'INVITE') return false
      // 16.7 step 5: a 2xx that comes after a failure went upstream still goes on; the machine of the failure does not carry it.
      this.#host.transactions.reply(this.#owner.flow, this.#server?.replyTarget ?? this.#target(), wire)
    }
    this.#sent(status)
    return true
  }

  #target(): ReplyTarget {
    const { flow, received } = this.#owner
    return this.#host.transactions.transport.replyTarget(flow, received, this.#forcedRport ? SYMMETRIC : undefined)
  }

  #sent(status: number): void {
    this.lastStatus = status
    this.#host.counters.replies++
    if (status >= 200) this.replied = true
  }

  #build(status: number, reason: string, options: LocalReply, toTag: string | undefined): string {
    const { server } = this.#host.options
    const signature = server === '' ? '' : `Server: ${server}\r\n`
    const headers = (options.headers ?? '') + this.append + signature
    const { received, flow } = this.#owner
    return buildReply(received, status, reason, {
      ...(toTag === undefined ? {} : { toTag }),
      ...(headers === '' ? {} : { headers }),
      ...(options.body === undefined || options.body === '' ? {} : { body: options.body }),
      ...(options.contentType === undefined ? {} : { contentType: options.contentType }),
      received: { address: flow.remoteAddress, port: flow.remotePort, rport: this.#forcedRport },
    })
  }
}
