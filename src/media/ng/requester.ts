// Owns the client's side of one NG exchange over UDP: cookie, retransmission, and the reply of the node that was asked alone.
import { randomBytes } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { isIP } from 'node:net'
import type { Clock, Timer } from '../../clock.ts'
import type { Log } from '../../log.ts'
import type { NgDictionary } from './bencode.ts'
import { decodeBody, encodeBody, splitFrame } from './message.ts'

interface Waiting {
  readonly address: string
  readonly port: number
  readonly finish: (reply: NgDictionary | undefined) => void
}

export class NgRequester {
  readonly #clock: Clock
  readonly #log: Log
  readonly #retryMillis: number
  readonly #sockets = new Map<4 | 6, Socket>()
  readonly #waiting = new Map<string, Waiting>()
  readonly #prefix = randomBytes(6).toString('hex')
  #count = 0
  #closed = false

  constructor(clock: Clock, log: Log, retryMillis: number) {
    this.#clock = clock
    this.#log = log
    this.#retryMillis = retryMillis
  }

  /** @returns undefined where the node never answered */
  ask(address: string, port: number, message: NgDictionary, attempts: number): Promise<NgDictionary | undefined> {
    const cookie = `${this.#prefix}_${++this.#count}`
    const bytes = Buffer.from(`${cookie} ${encodeBody(message, 'bencode')}`, 'latin1')
    return new Promise((resolve) => {
      let timer: Timer | undefined
      const finish = (reply: NgDictionary | undefined): void => {
        timer?.cancel()
        this.#waiting.delete(cookie)
        resolve(reply)
      }
      this.#waiting.set(cookie, { address, port, finish })
      let left = attempts
      const transmit = (): void => {
        if (this.#closed || left-- === 0) {
          finish(undefined)
          return
        }
        this.#socketFor(address).send(bytes, port, address, () => undefined)
        timer = this.#clock.setTimer(this.#retryMillis, transmit)
      }
      transmit()
    })
  }

  /** Whatever is under way ends without a reply. */
  async close(): Promise<void> {
    this.#closed = true
    for (const { finish } of [...this.#waiting.values()]) finish(undefined)
    const sockets = [...this.#sockets.values()]
    this.#sockets.clear()
    await Promise.all(sockets.map((socket) => new Promise<void>((done) => socket.close(() => done()))))
  }

  #socketFor(address: string): Socket {
    const family = isIP(address) === 6 ? 6 : 4
    let socket = this.#sockets.get(family)
    if (socket) return socket
    socket = createSocket({ type: family === 6 ? 'udp6' : 'udp4' })
    // Whether a node is reachable is told by its silence.
    socket.on('error', (error) => this.#log.debug({ error: error.message }, 'the NG socket failed'))
    socket.on('message', (bytes, peer) => {
      const frame = splitFrame(bytes.toString('latin1'))
      const asked = frame && this.#waiting.get(frame.cookie)
      // Only the node that was asked may answer.
      if (!asked || asked.address !== peer.address || asked.port !== peer.port) return
      try {
        asked.finish(decodeBody(frame.body))
      } catch (error) {
        this.#log.warn({ node: `${peer.address} ${peer.port}`, error: String(error) }, 'an NG reply does not parse')
      }
    })
    socket.unref()
    this.#sockets.set(family, socket)
    return socket
  }
}
