// Owns the INVITE client machine: RFC 3261 17.1.1 with the Accepted state of RFC 6026 7.2, Timer C and CANCEL (9.1).

import type { SignalboxError } from '../errors.ts'
import type { SipReply } from '../sip/index.ts'
import type { Flow, Hop } from '../transport/index.ts'
import { type ClientEnvironment, ClientTransaction, type ClientUser } from './client-transaction.ts'

export type InviteClientState = 'calling' | 'proceeding' | 'completed' | 'accepted' | 'terminated'

export class InviteClientTransaction extends ClientTransaction {
  state: InviteClientState = 'calling'
  #interval: number
  /** Moment of Timer B, then of Timer M. */
  #timeoutAt: number
  readonly #fr: number
  readonly #frInv: number
  #acknowledgement: string | undefined
  /** CANCEL asked for: its extra header lines. */
  #cancel: string | undefined
  #cancelSent = false

  constructor(
    environment: ClientEnvironment,
    branch: string,
    hop: Hop,
    wire: string,
    user: ClientUser,
    fr: number,
    frInv: number,
  ) {
    super(environment, branch, 'INVITE', hop, wire, user)
    this.#interval = environment.times.t1
    this.#fr = fr
    this.#frInv = frInv
    this.#timeoutAt = 0
  }

  start(): void {
    const { timers } = this.environment
    this.#timeoutAt = timers.now() + this.#fr
    // 17.1.1.2: Timer A only over unreliable transports, Timer B over all.
    timers.set(this.deadline, this.reliable ? this.#fr : Math.min(this.#interval, this.#fr))
    this.environment.send(this)
  }

  override expire(now: number): void {
    const { timers } = this.environment
    switch (this.state) {
      case 'calling':
        if (now + 0.5 >= this.#timeoutAt) {
          this.#end()
          this.user.onTimeout()
          this.release()
          return
        }
        // 17.1.1.2: Timer A doubles with each retransmission.
        this.#interval *= 2
        timers.set(this.deadline, Math.min(this.#interval, this.#timeoutAt - now))
        this.environment.send(this)
        return
      case 'proceeding':
        if (this.#cancelSent) {
          // 9.1: no final answer 64*T1 after the CANCEL: the original is considered cancelled.
          this.#end()
          this.user.onTimeout()
          this.release()
          return
        }
        // 16.8: the proxy cancels, or acts as if a 408 had come.
        this.user.onTimerC()
        return
      case 'completed': // Timer D
      case 'accepted': // Timer M
        this.terminate()
        return
      case 'terminated':
        return
    }
  }

  receive(reply: SipReply, flow: Flow): void {
    switch (this.state) {
      case 'calling':
      case 'proceeding':
        if (reply.status < 200) this.#provisional(reply, flow)
        else if (reply.status < 300) this.#accept(reply, flow)
        else this.#reject(reply, flow)
        return
      case 'accepted':
        // RFC 6026 7.2: every 2xx goes to the user, forked ones and retransmissions alike; the rest is dropped.
        if (reply.status < 200 || reply.status >= 300) return
        // Where Timer M was cut short, whoever still sends again keeps it going: he does so every T2 at least.
        this.#stayAccepted(this.#timeoutAt - this.environment.timers.now())
        this.user.onReply(reply, flow)
        return
      case 'completed':
        // 17.1.1.2: a retransmitted failure is acknowledged again and not passed up.
        if (reply.status >= 300 && this.#acknowledgement !== undefined)
          this.environment.sendAcknowledgement(this.hop, this.#acknowledgement)
        return
      case 'terminated':
        return
    }
  }

  /** Sends CANCEL now, or as soon as a provisional reply allows it (9.1). `extraHeaders` are complete lines, such as Reason. */
  cancel(extraHeaders: string): void {
    if (this.#cancel !== undefined || (this.state !== 'calling' && this.state !== 'proceeding')) return
    this.#cancel = extraHeaders
    if (this.state === 'proceeding') this.#sendCancel()
  }

  override terminate(): void {
    if (this.state === 'terminated') return
    this.#end()
    this.release()
  }

  override sendFailed(error: SignalboxError): void {
    if (this.state !== 'calling' && this.state !== 'proceeding') return
    this.#end()
    this.user.onTransportError(error)
    this.release()
  }

  #provisional(reply: SipReply, flow: Flow): void {
    const first = this.state === 'calling'
    this.state = 'proceeding'
    if (this.#cancel !== undefined && !this.#cancelSent) this.#sendCancel()
    // 16.7 (2): Timer C is reset by 101-199, and runs since the request was sent.
    else if (!this.#cancelSent && (first || reply.status > 100)) this.environment.timers.set(this.deadline, this.#frInv)
    this.user.onReply(reply, flow)
  }

  #accept(reply: SipReply, flow: Flow): void {
    this.state = 'accepted'
    this.#timeoutAt = this.environment.timers.now() + 64 * this.environment.times.t1
    this.#stayAccepted(64 * this.environment.times.t1)
    this.forgetSent()
    this.user.onReply(reply, flow)
  }

  #stayAccepted(timerM: number): void {
    this.environment.timers.set(this.deadline, this.environment.linger(Math.max(0, timerM)))
  }

  #reject(reply: SipReply, flow: Flow): void {
    this.state = 'completed'
    this.#acknowledgement = this.environment.acknowledgement(this, reply)
    this.wire = ''
    this.environment.sendAcknowledgement(this.hop, this.#acknowledgement)
    // 17.1.1.2: Timer D is zero over reliable transports.
    if (this.reliable) this.#end()
    else this.environment.timers.set(this.deadline, this.environment.times.timerD)
    this.user.onReply(reply, flow)
    this.release()
  }

  #sendCancel(): void {
    this.#cancelSent = true
    this.environment.timers.set(this.deadline, 64 * this.environment.times.t1)
    this.environment.startCancel(this.hop, this, this.#cancel ?? '')
  }

  #end(): void {
    this.state = 'terminated'
    this.environment.timers.clear(this.deadline)
    this.environment.clientEnded(this)
  }
}
