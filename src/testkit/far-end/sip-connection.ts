// Owns a far end's side of one SIP connection over TCP or TLS: framing, sending, and waiting for a message.
import type { Socket } from 'node:net'
import {
  DEFAULT_PARSE_LIMITS,
  parseMessage,
  type SipMessage,
  SipReply,
  SipRequest,
  StreamFramer,
} from '../../sip/index.ts'

interface Waiter {
  readonly wanted: (message: SipMessage) => boolean
  readonly resolve: (message: SipMessage) => void
}

export class SipConnection {
  readonly socket: Socket
  readonly #framer = new StreamFramer(DEFAULT_PARSE_LIMITS)
  readonly #unread: SipMessage[] = []
  readonly #waiters: Waiter[] = []
  /** Sees every message, before those who wait for one. */
  onMessage: ((message: SipMessage) => void) | undefined
  /** Sees every message sent. */
  onSend: ((wire: string) => void) | undefined

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk) => this.#feed(chunk.toString('latin1')))
    socket.on('error', () => socket.destroy())
  }

  send(wire: string): void {
    this.onSend?.(wire)
    this.socket.write(Buffer.from(wire, 'latin1'))
  }

  /** The next request of this method, among those not yet taken. */
  async request(method: string, millis = 5000): Promise<SipRequest> {
    const wanted = (message: SipMessage) => message instanceof SipRequest && message.method === method
    return (await this.#next(wanted, `a ${method}`, millis)) as SipRequest
  }

  /** The next reply to this method with a status of at least `from`. */
  async reply(method: string, from: number, millis = 5000): Promise<SipReply> {
    const wanted = (message: SipMessage) =>
      message instanceof SipReply && message.cseqMethod === method && message.status >= from
    return (await this.#next(wanted, `a reply to ${method} of ${from} or more`, millis)) as SipReply
  }

  close(): void {
    this.socket.destroy()
  }

  #next(wanted: (message: SipMessage) => boolean, what: string, millis: number): Promise<SipMessage> {
    const index = this.#unread.findIndex(wanted)
    if (index >= 0) return Promise.resolve(this.#unread.splice(index, 1)[0]!)
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1)
        reject(new Error(`${what} did not come within ${millis} ms`))
      }, millis)
      const waiter: Waiter = {
        wanted,
        resolve: (message) => {
          clearTimeout(timer)
          resolve(message)
        },
      }
      this.#waiters.push(waiter)
    })
  }

  #feed(chunk: string): void {
    for (const item of this.#framer.push(chunk)) {
      if (item.kind !== 'message') continue
      const parsed = parseMessage(item.raw)
      if (!parsed.ok) continue
      this.onMessage?.(parsed.message)
      const index = this.#waiters.findIndex((waiter) => waiter.wanted(parsed.message))
      if (index >= 0) this.#waiters.splice(index, 1)[0]!.resolve(parsed.message)
      else if (this.#unread.push(parsed.message) > 200) this.#unread.shift()
    }
  }
}
