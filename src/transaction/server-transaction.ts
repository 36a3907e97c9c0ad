// Owns what both server machines share: key, request, flow, the last reply, and how they reach transport and timers.

import type { SignalboxError } from '../errors.ts'
import type { SipRequest } from '../sip/index.ts'
import type { Flow } from '../transport/index.ts'
import type { TimerQueue } from './timer-queue.ts'
import { Deadline } from './timer-queue.ts'
import type { TransactionTimes } from './times.ts'

/** Who answers a server transaction; a CANCEL finds it by the transaction, as long as there is no final reply. */
export interface ServerUser {
  /** The machine ended without a final reply: whatever is passed to it from now on goes nowhere. */
  onServerTerminated(): void
}

/** Hears nothing. */
const NOBODY: ServerUser = { onServerTerminated() {} }

/** What a machine needs of the layer. */
export interface ServerEnvironment {
  readonly timers: TimerQueue
  readonly times: TransactionTimes
  reply(flow: Flow, request: SipRequest, wire: string, forcedRport: boolean): void
  /** A final reply went out: the transaction no longer counts as open work. */
  serverAnswered(transaction: ServerTransaction): void
  serverEnded(transaction: ServerTransaction): void
  /** Milliseconds that an answered transaction may stay to absorb retransmissions, given what the RFC asks for. */
  linger(milliseconds: number): number
  onReplyFailed(error: SignalboxError): void
}

/** What the table of server keys holds: a transaction, or the hold of a request whose route still waits. */
export interface ServerEntry {
  readonly key: string
  readonly request: SipRequest
  receiveRetransmission(): void
}

/** Made by the layer, answered by `respond`. */
export abstract class ServerTransaction extends Deadline implements ServerEntry {
  readonly key: string
  readonly request: SipRequest
  readonly flow: Flow
  /** Let go with the final reply. */
  user: ServerUser
  /** Status of the last reply that was sent, 0 before the first. */
  lastStatus = 0
  /** Replies go to where the request came from, though its Via has no rport. */
  forcedRport = false
  /** Counted as open: no final reply yet. Only the layer writes it. */
  counted = false
  protected lastWire = ''
  protected readonly environment: ServerEnvironment

  constructor(environment: ServerEnvironment, key: string, request: SipRequest, flow: Flow, user: ServerUser) {
    super()
    this.environment = environment
    this.key = key
    this.request = request
    this.flow = flow
    this.user = user
  }

  abstract readonly state: string
  /** Sends `wire`, a whole reply, if the machine still allows one of that status; says whether it did. */
  abstract respond(wire: string, status: number): boolean
  abstract receiveRetransmission(): void
  abstract terminate(): void

  /** A final reply is going out: the machine stays behind alone. */
  protected answered(): void {
    this.user = NOBODY
    this.environment.serverAnswered(this)
  }

  protected sendLast(): void {
    this.environment.reply(this.flow, this.request, this.lastWire, this.forcedRport)
  }
}
