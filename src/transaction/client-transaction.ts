// Owns what both client machines share: key, hop, wire, user, and how they reach transport and timers.

import type { SignalboxError } from '../errors.ts'
import type { SipReply } from '../sip/index.ts'
import type { Flow, Hop } from '../transport/index.ts'
import { Deadline, type Expiring, type TimerQueue } from './timer-queue.ts'
import type { TransactionTimes } from './times.ts'

/** Who started a client transaction and hears of it. */
export interface ClientUser {
  /** A reply that the machine lets through: provisionals, the first final, every 2xx of an INVITE. */
  onReply(reply: SipReply, flow: Flow): void
  /** Timer B or F: nobody answered. Counts as 408 (RFC 3261 16.9 and 16.7). */
  onTimeout(): void
  /** Timer C: it rings, and nobody picks up. The transaction is still open. */
  onTimerC(): void
  /** The request could not be sent. Counts as 503 (RFC 3261 16.9). */
  onTransportError(error: SignalboxError): void
  /** Nothing more will be told, exactly once. The machine may stay behind to absorb retransmissions, without its user. */
  onReleased(): void
}

/** What a machine needs of the layer. */
export interface ClientEnvironment {
  readonly timers: TimerQueue
  readonly times: TransactionTimes
  /** Sends to its hop; the transaction is told when that fails. */
  send(transaction: ClientTransaction): void
  /** Sends the ACK of a failure; should that be lost, the failure comes again. */
  sendAcknowledgement(hop: Hop, wire: string): void
  /** Starts the CANCEL transaction of an INVITE that was sent; its own outcome interests nobody. */
  startCancel(hop: Hop, invite: ClientTransaction, extraHeaders: string): void
  /** The ACK of a failure (17.1.1.3). */
  acknowledgement(invite: ClientTransaction, reply: SipReply): string
  clientEnded(transaction: ClientTransaction): void
  /** Milliseconds that an accepted INVITE may stay for further 2xx, given what the RFC asks for. */
  linger(milliseconds: number): number
}

/** Started by `start`, fed by `receive`, timed by the queue. */
export abstract class ClientTransaction implements Expiring {
  /** Branch parameter of the Via that was pushed, with its magic cookie. */
  readonly branch: string
  readonly method: string
  /** Where the request was sent, and as what; forgotten when it can no longer be needed. */
  hop: Hop
  wire: string
  readonly reliable: boolean
  protected user: ClientUser
  protected readonly deadline = new Deadline(this)
  protected readonly environment: ClientEnvironment

  constructor(
    environment: ClientEnvironment,
    branch: string,
    method: string,
    hop: Hop,
    wire: string,
    user: ClientUser,
  ) {
    this.environment = environment
    this.branch = branch
    this.method = method
    this.hop = hop
    this.wire = wire
    this.user = user
    this.reliable = hop.transport !== 'udp'
  }

  abstract readonly state: string
  abstract start(): void
  abstract expire(now: number): void
  abstract receive(reply: SipReply, flow: Flow): void
  /** What was sent could not be sent. */
  abstract sendFailed(error: SignalboxError): void
  /** Ends it without a word to the user but onReleased. */
  abstract terminate(): void

  /** Nothing will be sent any more. */
  protected forgetSent(): void {
    this.hop = NOWHERE
    this.wire = ''
  }

  /** Lets the user go. */
  protected release(): void {
    const { user } = this
    this.user = NOBODY
    user.onReleased()
  }
}

const NOWHERE: Hop = { transport: 'udp', address: '', port: 0 }

/** Hears nothing. */
export const NOBODY: ClientUser = {
  onReply() {},
  onTimeout() {},
  onTimerC() {},
  onTransportError() {},
  onReleased() {},
}
