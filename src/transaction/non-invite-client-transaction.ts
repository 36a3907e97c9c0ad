// Owns the client machine of every method but INVITE: RFC 3261 17.1.2.

import type { SignalboxError } from '../errors.ts'
import type { SipReply } from '../sip/index.ts'
import type { Flow, Hop } from '../transport/index.ts'
import { type ClientEnvironment, ClientTransaction, type ClientUser } from './client-transaction.ts'

export type NonInviteClientState = 'trying' | 'proceeding' | 'completed' | 'terminated'

export class NonInviteClientTransaction extends ClientTransaction {
  state: NonInviteClientState = 'trying'
  #interval: number
  /** Moment of Timer F. */
  #timeoutAt = 0
  readonly #fr: number

  constructor(
    environment: ClientEnvironment,
    branch: string,
    method: string,
    hop: Hop,
    wire: string,
    user: ClientUser,
    fr: number,
  ) {
    super(environment, branch, method, hop, wire, user)
    this.#interval = environment.times.t1
    this.#fr = fr
  }

  start(): void {
    const { timers } = this.environment
    this.#timeoutAt = timers.now() + this.#fr
    // 17.1.2.2: Timer E only over unreliable transports, Timer F over all.
    timers.set(this.deadline, this.reliable ? this.#fr : Math.min(this.#interval, this.#fr))
    this.environment.send(this)
  }

  override expire(now: number): void {
    switch (this.state) {
      case 'trying':
      case 'proceeding':
        if (now + 0.5 >= this.#timeoutAt) {
          this.#end()
          this.user.onTimeout()
          this.release()
          return
        }
        // 17.1.2.2: E doubles up to T2 while trying, and is T2 once a provisional reply has come.
        this.#interval =
          this.state === 'proceeding'
            ? this.environment.times.t2
            : Math.min(this.#interval * 2, this.environment.times.t2)
        this.environment.timers.set(this.deadline, Math.min(this.#interval, this.#timeoutAt - now))
        this.environment.send(this)
        return
      case 'completed': // Timer K
        this.terminate()
        return
      case 'terminated':
        return
    }
  }

  receive(reply: SipReply, flow: Flow): void {
    if (this.state === 'completed' || this.state === 'terminated') return
    if (reply.status < 200) {
      this.state = 'proceeding'
      this.user.onReply(reply, flow)
      return
    }
    this.state = 'completed'
    // 17.1.2.2: Timer K absorbs retransmissions, zero over reliable transports.
    if (this.reliable) this.#end()
    else this.environment.timers.set(this.deadline, this.environment.times.t4)
    this.forgetSent()
    this.user.onReply(reply, flow)
    this.release()
  }

  override terminate(): void {
    if (this.state === 'terminated') return
    this.#end()
    this.release()
  }

  override sendFailed(error: SignalboxError): void {
    if (this.state !== 'trying' && this.state !== 'proceeding') return
    this.#end()
    this.user.onTransportError(error)
    this.release()
  }

  #end(): void {
    this.state = 'terminated'
    this.environment.timers.clear(this.deadline)
    this.environment.clientEnded(this)
  }
}
