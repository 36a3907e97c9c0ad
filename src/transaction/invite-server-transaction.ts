// Owns the INVITE server machine: RFC 3261 17.2.1 with the Accepted state of RFC 6026 7.1.

import { ServerTransaction } from './server-transaction.ts'

export type InviteServerState = 'proceeding' | 'completed' | 'confirmed' | 'accepted' | 'terminated'

export class InviteServerTransaction extends ServerTransaction {
  state: InviteServerState = 'proceeding'
  #interval = 0
  /** Moment of Timer H. */
  #timeoutAt = 0

  override respond(wire: string, status: number): boolean {
    if (this.state === 'accepted') {
      // RFC 6026 7.1: the user may pass any number of further 2xx.
      if (status < 200 || status >= 300) return false
      this.lastStatus = status
      this.environment.reply(this.flow, this.replyTarget, wire)
      return true
    }
    if (this.state !== 'proceeding') return false
    this.lastStatus = status
    this.lastWire = wire
    if (status >= 200) this.#final(status)
    this.sendLast()
    // An accepted INVITE is never answered again by the machine.
    if (status >= 200 && status < 300) this.lastWire = ''
    return true
  }

  override receiveRetransmission(): void {
    // 17.2.1: the last provisional or failure again. RFC 6026 7.1: in Accepted the user retransmits, the machine absorbs.
    if ((this.state === 'proceeding' && this.lastStatus > 0) || this.state === 'completed') this.sendLast()
  }

  /** An ACK with this transaction's branch. True when it acknowledges a failure, and so ends here. */
  receiveAck(): boolean {
    switch (this.state) {
      case 'completed': {
        this.state = 'confirmed'
        // 17.2.1: Timer I absorbs further ACKs, zero over reliable transports.
        if (this.flow.reliable) this.terminate()
        else this.environment.timers.set(this.deadline, this.environment.linger(this.environment.times.t4))
        return true
      }
      case 'accepted':
        // An ACK to a 2xx under the INVITE's own branch: peers of RFC 2543 do so.
        return false
      default:
        return true
    }
  }

  override expire(now: number): void {
    if (this.state !== 'completed' || now + 0.5 >= this.#timeoutAt) {
      this.terminate() // Timers H, I, L
      return
    }
    // 17.2.1: Timer G doubles up to T2.
    this.#interval = Math.min(this.#interval * 2, this.environment.times.t2)
    this.environment.timers.set(this.deadline, Math.min(this.#interval, this.#timeoutAt - now))
    this.sendLast()
  }

  override terminate(): void {
    if (this.state === 'terminated') return
    this.state = 'terminated'
    this.environment.timers.clear(this.deadline)
    this.environment.serverEnded(this)
    this.user.onServerTerminated()
  }

  #final(status: number): void {
    const { times, timers } = this.environment
    this.answered()
    if (status < 300) {
      this.state = 'accepted'
      // Timer L: the same over all transports.
      timers.set(this.deadline, this.environment.linger(64 * times.t1))
      return
    }
    this.state = 'completed'
    // Timer H over all transports, Timer G over unreliable ones.
    const timeout = this.environment.linger(64 * times.t1)
    this.#timeoutAt = timers.now() + timeout
    this.#interval = times.t1
    timers.set(this.deadline, this.flow.reliable ? timeout : Math.min(this.#interval, timeout))
  }
}
