// Owns the table of transactions: matching of requests and replies, admission, and the one way from machines to transport.

import type { Clock } from '../clock.ts'
import type { SignalboxError } from '../errors.ts'
import { LIMIT_TOLD_MILLIS, type Log, Seldom } from '../log.ts'
import {
  buildAck,
  buildCancel,
  DEFAULT_PARSE_LIMITS,
  detach,
  parseMessage,
  type SipMessage,
  SipReply,
  SipRequest,
} from '../sip/index.ts'
import type { Flow, Hop, ReplyTarget, TransportLayer, TransportUser } from '../transport/index.ts'
import { type ClientEnvironment, type ClientTransaction, type ClientUser, NOBODY } from './client-transaction.ts'
import { InviteClientTransaction } from './invite-client-transaction.ts'
import { InviteServerTransaction } from './invite-server-transaction.ts'
import { serverKeyStem } from './keys.ts'
import { NonInviteClientTransaction } from './non-invite-client-transaction.ts'
import { NonInviteServerTransaction } from './non-invite-server-transaction.ts'
import type { ServerEntry, ServerEnvironment, ServerTransaction, ServerUser } from './server-transaction.ts'
import { TimerQueue } from './timer-queue.ts'
import { DEFAULT_TIMES, type TransactionTimes } from './times.ts'

export interface TransactionLimits {
  /** Requests without a final answer, in all. */
  transactions: number
  /** The same for one source address. */
  transactionsPerSource: number
  /** Answered transactions kept to absorb retransmissions; beyond it they stay only T4. */
  lingering: number
}

export const DEFAULT_TRANSACTION_LIMITS: TransactionLimits = {
  transactions: 100_000,
  transactionsPerSource: 5000,
  lingering: 5_000,
}

/** Who is told of what no machine handles by itself. */
export interface TransactionUser {
  /** A request that belongs to no transaction: the first of its kind, or one that was answered statelessly. Never ACK or CANCEL. */
  onRequest(request: SipRequest, flow: Flow): void
  /**
   * An ACK. `absorbed`: it acknowledged a failure of `match`, nothing must be done. Otherwise it goes on end to end; `match` is then set only
   * if the peer used the INVITE's branch for it.
   */
  onAck(ack: SipRequest, flow: Flow, match: ServerEntry | undefined, absorbed: boolean): void
  /** A CANCEL that has no transaction of its own yet, and what it cancels. */
  onCancel(cancel: SipRequest, flow: Flow, match: ServerEntry | undefined): void
  /** A reply to nothing that was sent from here, or long after. */
  onStrayReply(reply: SipReply, flow: Flow): void
}

export interface TransactionLayerOptions {
  clock: Clock
  transport: TransportLayer
  log: Log
  timers?: Partial<TransactionTimes>
  limits?: Partial<TransactionLimits>
}

export interface TransactionStats {
  /** Server transactions without a final answer. */
  open: number
  /** Server transactions in the table, answered ones included. */
  server: number
  client: number
  retransmissionsReceived: number
  strayReplies: number
  replyFailures: number
  refused: number
}

/** A place in the table for a request whose route waits before it has made a transaction: retransmissions and CANCEL find it. */
export class RequestHold implements ServerEntry {
  readonly key: string
  readonly flow: Flow
  /** The route's request, for whoever gets the CANCEL. */
  readonly owner: unknown
  counted = false

  constructor(key: string, flow: Flow, owner: unknown) {
    this.key = key
    this.flow = flow
    this.owner = owner
  }

  receiveRetransmission(): void {}
}

/** Something that is open work of a source. */
interface Counted {
  readonly flow: Flow
  counted: boolean
}

const PARSE_OWN = { ...DEFAULT_PARSE_LIMITS, messageBytes: 1_000_000, bodyBytes: 1_000_000, headerCount: 10_000 }

export class TransactionLayer implements TransportUser, ClientEnvironment, ServerEnvironment {
  readonly timers: TimerQueue
  readonly times: TransactionTimes
  readonly limits: TransactionLimits
  readonly transport: TransportLayer
  user: TransactionUser | undefined
  readonly #log: Log
  readonly #servers = new Map<string, ServerEntry>()
  readonly #clients = new Map<string, ClientTransaction>()
  readonly #openBySource = new Map<string, number>()
  /** The request that was read last, for which a transaction is made next, and the stem of its key. */
  #read: SipRequest | undefined
  #key = ''
  /** The same while its key is known to be nobody's. */
  #unmatched: SipRequest | undefined
  #open = 0
  #lingering = 0
  #retransmissions = 0
  #strays = 0
  #replyFailures = 0
  #refused = 0
  readonly #limitNotice = new Seldom(LIMIT_TOLD_MILLIS)

  constructor(options: TransactionLayerOptions) {
    this.timers = new TimerQueue(options.clock)
    this.times = { ...DEFAULT_TIMES, ...options.timers }
    this.limits = { ...DEFAULT_TRANSACTION_LIMITS, ...options.limits }
    this.transport = options.transport
    this.#log = options.log
  }

  /** New values for what starts from now on. */
  update(options: { timers?: Partial<TransactionTimes>; limits?: Partial<TransactionLimits> }): void {
    Object.assign(this.times, options.timers)
    Object.assign(this.limits, options.limits)
  }

  stats(): TransactionStats {
    return {
      open: this.#open,
      server: this.#servers.size,
      client: this.#clients.size,
      retransmissionsReceived: this.#retransmissions,
      strayReplies: this.#strays,
      replyFailures: this.#replyFailures,
      refused: this.#refused,
    }
  }

  /** Ends every transaction without another message. */
  close(): void {
    for (const entry of [...this.#servers.values()])
      if (!(entry instanceof RequestHold)) (entry as ServerTransaction).terminate()
    for (const client of [...this.#clients.values()]) client.terminate()
    this.#servers.clear()
    this.timers.close()
  }

  onMessage(message: SipMessage, flow: Flow): void {
    if (message instanceof SipRequest) this.#receiveRequest(message, flow)
    else if (message instanceof SipReply) this.#receiveReply(message, flow)
  }

  /** Whether one more open request from there is within the caps, multiplied by `headroom`. A refusal is counted. */
  admits(flow: Flow, headroom = 1): boolean {
    const { transactions, transactionsPerSource } = this.limits
    if (this.#open >= transactions * headroom) return this.#refuse(flow, 'transactions', '')
    const held = this.#openBySource.get(flow.remoteAddress) ?? 0
    if (held < transactionsPerSource * headroom) return true
    return this.#refuse(flow, 'transactionsPerSource', ` from ${flow.remoteAddress}`)
  }

  #refuse(flow: Flow, limit: 'transactions' | 'transactionsPerSource', whose: string): false {
    this.#refused++
    if (this.#limitNotice.isDue(this.timers.now()))
      this.#log.warn(
        { event: 'limit', limit, source: flow.remoteAddress },
        `requests${whose} are refused: limits.${limit} (${this.limits[limit]}) of them are open`,
      )
    return false
  }

  /** Makes the server transaction of a request, whose replies go to `to`. Undefined: one exists already, so this is a retransmission. */
  createServer(
    request: SipRequest,
    flow: Flow,
    user: ServerUser,
    to: ReplyTarget = this.transport.replyTarget(flow, request),
  ): ServerTransaction | undefined {
    const key = this.#keyOf(request)
    const existing = request === this.#unmatched ? undefined : this.#servers.get(key)
    if (existing !== undefined && !(existing instanceof RequestHold && existing.owner === user)) {
      existing.receiveRetransmission()
      return undefined
    }
    const transaction =
      request.method === 'INVITE'
        ? new InviteServerTransaction(this, key, flow, to, user)
        : new NonInviteServerTransaction(this, key, flow, to, user)
    this.#addServer(key, transaction)
    return transaction
  }

  /** Absorbs retransmissions of a request that has no transaction yet, until `release` or `createServer` by the same owner. */
  hold(request: SipRequest, flow: Flow, owner: unknown): RequestHold | undefined {
    const key = this.#keyOf(request)
    if (request !== this.#unmatched && this.#servers.has(key)) return undefined
    const hold = new RequestHold(key, flow, owner)
    this.#addServer(key, hold)
    return hold
  }

  #addServer(key: string, entry: ServerEntry & Counted): void {
    this.#unmatched = undefined
    this.#servers.set(key, entry)
    this.#count(entry)
  }

  release(hold: RequestHold): void {
    this.#uncount(hold)
    if (this.#servers.get(hold.key) === hold) this.#servers.delete(hold.key)
  }

  /** Sends an INVITE. `branch` is that of its top Via, cookie included. */
  startInvite(
    branch: string,
    hop: Hop,
    wire: string,
    user: ClientUser,
    fr = this.times.fr,
    frInv = this.times.frInv,
  ): InviteClientTransaction {
    const transaction = new InviteClientTransaction(this, branch, hop, wire, user, fr, frInv)
    this.#clients.set(branch, transaction)
    transaction.start()
    return transaction
  }

  /** Sends any other request but ACK. */
  startRequest(
    branch: string,
    method: string,
    hop: Hop,
    wire: string,
    user: ClientUser,
    fr = this.times.fr,
  ): NonInviteClientTransaction {
    const transaction = new NonInviteClientTransaction(this, branch, method, hop, wire, user, fr)
    this.#clients.set(clientKey(branch, method), transaction)
    transaction.start()
    return transaction
  }

  // What the machines use.

  send(transaction: ClientTransaction): void {
    this.transport.send(transaction.hop, transaction.wire, (error) => transaction.sendFailed(error))
  }

  sendAcknowledgement(hop: Hop, wire: string): void {
    this.transport.send(hop, wire, ignore)
  }

  reply(flow: Flow, to: ReplyTarget, wire: string): void {
    this.transport.reply(flow, to, wire, this.onReplyFailed)
  }

  readonly onReplyFailed = (error: SignalboxError): void => {
    // 17.2.4: the user is told, and a proxy can do nothing about it; the machine's own timers end it (RFC 6026 7.1).
    this.#replyFailures++
    this.#log.debug({ err: error.message }, 'a reply could not be sent')
  }

  startCancel(hop: Hop, invite: ClientTransaction, extraHeaders: string): void {
    const request = this.#parseOwn(invite.wire)
    if (request === undefined) return
    let wire = buildCancel(request)
    if (extraHeaders !== '') {
      const end = wire.lastIndexOf('\r\n\r\n')
      wire = wire.slice(0, end + 2) + extraHeaders + wire.slice(end + 2)
    }
    this.startRequest(invite.branch, 'CANCEL', hop, wire, NOBODY, 64 * this.times.t1)
  }

  acknowledgement(invite: ClientTransaction, reply: SipReply): string {
    const request = this.#parseOwn(invite.wire)
    return request === undefined ? '' : buildAck(request, reply)
  }

  clientEnded(transaction: ClientTransaction): void {
    this.#clients.delete(clientKey(transaction.branch, transaction.method))
  }

  serverAnswered(transaction: ServerTransaction): void {
    this.#uncount(transaction)
    this.#lingering++
  }

  serverEnded(transaction: ServerTransaction): void {
    if (transaction.counted) this.#uncount(transaction)
    else this.#lingering--
    if (this.#servers.get(transaction.key) === transaction) this.#servers.delete(transaction.key)
  }

  linger(milliseconds: number): number {
    return this.#lingering > this.limits.lingering ? Math.min(milliseconds, this.times.t4) : milliseconds
  }

  #receiveRequest(request: SipRequest, flow: Flow): void {
    const user = this.user
    const stem = serverKeyStem(request)
    if (user === undefined || stem === undefined) return
    const { method } = request
    if (method === 'ACK') {
      const match = this.#servers.get(`${stem}INVITE`)
      const absorbed = match instanceof InviteServerTransaction && match.receiveAck()
      user.onAck(request, flow, match, absorbed)
      return
    }
    const key = detach(stem + method)
    const entry = this.#servers.get(key)
    if (entry !== undefined) {
      this.#retransmissions++
      entry.receiveRetransmission()
      return
    }
    this.#read = this.#unmatched = request
    this.#key = key
    if (method === 'CANCEL') user.onCancel(request, flow, this.#servers.get(`${stem}INVITE`))
    else user.onRequest(request, flow)
  }

  #receiveReply(reply: SipReply, flow: Flow): void {
    const via = reply.topVia
    if (via === undefined) return
    // 17.1.3: branch of the top Via and method of the CSeq.
    const method = reply.cseqMethod
    const transaction = this.#clients.get(clientKey(via.branch, method))
    if (transaction !== undefined && transaction.method === method) {
      transaction.receive(reply, flow)
      return
    }
    this.#strays++
    this.user?.onStrayReply(reply, flow)
  }

  /** A text of its own, since the request goes before its transaction. */
  #keyOf(request: SipRequest): string {
    return request === this.#read ? this.#key : detach((serverKeyStem(request) ?? '') + request.method)
  }

  #parseOwn(wire: string): SipRequest | undefined {
    const parsed = parseMessage(wire, PARSE_OWN)
    if (parsed.ok && parsed.message instanceof SipRequest) return parsed.message
    this.#log.warn({}, 'a request that was sent does not parse: no ACK or CANCEL can be made of it')
    return undefined
  }

  #count(transaction: Counted): void {
    transaction.counted = true
    this.#open++
    const source = transaction.flow.remoteAddress
    this.#openBySource.set(source, (this.#openBySource.get(source) ?? 0) + 1)
  }

  #uncount(transaction: Counted): void {
    if (!transaction.counted) return
    transaction.counted = false
    this.#open--
    const source = transaction.flow.remoteAddress
    const left = (this.#openBySource.get(source) ?? 1) - 1
    if (left > 0) this.#openBySource.set(source, left)
    else this.#openBySource.delete(source)
  }
}

function ignore(): void {}

/** A CANCEL shares the branch of what it cancels (9.1). */
function clientKey(branch: string, method: string): string {
  return method === 'CANCEL' ? `${branch} CANCEL` : branch
}
