// Owns what both server machines share: key, the way of replies, the last reply, and how they reach transport and timers.

import type { SignalboxError } from '../errors.ts'
import type { Flow, ReplyTarget } from '../transport/index.ts'
import { Deadline, type Expiring, type TimerQueue } from './timer-queue.ts'
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
  reply(flow: Flow, to: ReplyTarget, wire: string): void
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
  receiveRetransmission(): void
}

/**
 * Made by the layer, answered by `respond`. Once answered it stays for half a minute, and there are thousands then: hence it
 * holds nothing of its request but its own key and where replies go.
 */
export abstract class ServerTransaction implements Expiring, ServerEntry {
  readonly key: string
  readonly flow: Flow
  replyTarget: ReplyTarget
  /** Let go with the final reply. */
  user: ServerUser
  /** Status of the last reply that was sent, 0 before the first. */
  lastStatus = 0
  /** Counted as open: no final reply yet. Only the layer writes it. */
  counted = false
  protected lastWire = ''
  protected readonly deadline = new Deadline(this)
  protected readonly environment: ServerEnvironment

  constructor(environment: ServerEnvironment, key: string, flow: Flow, replyTarget: ReplyTarget, user: ServerUser) {
    this.environment = environment
    this.key = key
    this.flow = flow
    this.replyTarget = replyTarget
    this.user = user
  }

  abstract readonly state: string
  /** Sends `wire`, a whole reply, if the machine still allows one of that status; says whether it did. */
  abstract respond(wire: string, status: number): boolean
  abstract receiveRetransmission(): void
  abstract expire(now: number): void
  abstract terminate(): void

  /** A final reply is going out: the machine stays behind alone. */
  protected answered(): void {
    this.user = NOBODY
    this.environment.serverAnswered(this)
  }

  protected sendLast(): void {
    this.environment.reply(this.flow, this.replyTarget, this.lastWire)
  }
}
