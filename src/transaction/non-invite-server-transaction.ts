// Owns the server machine of every method but INVITE and ACK: RFC 3261 17.2.2.

import { ServerTransaction } from './server-transaction.ts'

export type NonInviteServerState = 'trying' | 'proceeding' | 'completed' | 'terminated'

export class NonInviteServerTransaction extends ServerTransaction {
  state: NonInviteServerState = 'trying'

  override respond(wire: string, status: number): boolean {
    // 17.2.2: once completed, whatever else the user passes is discarded.
    if (this.state === 'completed' || this.state === 'terminated') return false
    this.lastStatus = status
    this.lastWire = wire
    if (status < 200) {
      this.state = 'proceeding'
      this.sendLast()
      return true
    }
    this.state = 'completed'
    this.answered()
    this.sendLast()
    // Timer J absorbs retransmissions, zero over reliable transports.
    if (this.flow.reliable) this.terminate()
    else this.environment.timers.set(this.deadline, this.environment.linger(64 * this.environment.times.t1))
    return true
  }

  override receiveRetransmission(): void {
    // 17.2.2: in Trying nothing was sent yet and nothing is sent now.
    if (this.state === 'proceeding' || this.state === 'completed') this.sendLast()
  }

  override expire(): void {
    this.terminate()
  }

  override terminate(): void {
    if (this.state === 'terminated') return
    this.state = 'terminated'
    this.environment.timers.clear(this.deadline)
    this.environment.serverEnded(this)
    this.user.onServerTerminated()
  }
}
