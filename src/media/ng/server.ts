// Owns the UDP side of the NG protocol: requests in, replies out, retransmissions answered from a cache by cookie.
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { isIP } from 'node:net'
import { type Clock, systemClock } from '../../clock.ts'
import { SignalboxError } from '../../errors.ts'
import { type Log, silentLog } from '../../log.ts'
import { answerFrame, type NgService } from './answers.ts'
import { splitFrame } from './message.ts'

export interface NgServerOptions {
  /** `[ADDRESS:]PORT`; without an address, loopback. */
  readonly listen: string
  readonly relay: NgService
  readonly log?: Log
  readonly clock?: Clock
}

export interface NgServer {
  readonly address: string
  readonly port: number
  close(): Promise<void>
}

export interface ListenAddress {
  readonly address: string
  readonly port: number
}

/**
 * Reads `[ADDRESS:]PORT`, IPv6 in brackets. Without an address it is loopback: the protocol has no authentication.
 * @throws SignalboxError ERR_CONFIG
 */
export function parseListenNg(text: string): ListenAddress {
  const match = /^(?:(?:\[([^\]]+)\]|([^:[\]]*)):)?(\d{1,5})$/.exec(text.trim())
  const port = Number(match?.[3])
  const address = (match?.[1] ?? match?.[2]) || '127.0.0.1'
  if (!match || port < 0 || port > 65_535 || isIP(address) === 0)
    throw new SignalboxError('ERR_CONFIG', `--listen-ng=${text}: it must be ADDRESS:PORT, for example 127.0.0.1:22222`)
  return { address, port }
}

/** How long and how many replies are kept for retransmissions. */
const CACHE_MILLIS = 30_000
const CACHE_ENTRIES = 10_000

/** Replies by peer and cookie, in the order in which they were made. */
class ReplyCache {
  readonly #replies = new Map<string, { reply: string; until: number }>()
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get(key: string): string | undefined {
    const entry = this.#replies.get(key)
    return entry && entry.until > this.#clock.now() ? entry.reply : undefined
  }

  set(key: string, reply: string): void {
    const now = this.#clock.now()
    this.#replies.delete(key)
    this.#replies.set(key, { reply, until: now + CACHE_MILLIS })
    for (const [oldest, entry] of this.#replies) {
      if (entry.until > now && this.#replies.size <= CACHE_ENTRIES) break
      this.#replies.delete(oldest)
    }
  }
}

/**
 * Starts to answer requests.
 * @throws SignalboxError ERR_CONFIG, ERR_LISTEN
 */
export async function createNgServer(options: NgServerOptions): Promise<NgServer> {
  const { relay, log = silentLog, clock = systemClock } = options
  const { address, port } = parseListenNg(options.listen)
  const socket = createSocket({ type: isIP(address) === 6 ? 'udp6' : 'udp4' })
  await new Promise<void>((resolve, reject) => {
    socket.once('error', (cause) =>
      reject(new SignalboxError('ERR_LISTEN', `NG protocol on ${options.listen}: ${cause.message}`, { cause })),
    )
    socket.bind(port, address, resolve)
  })
  socket.removeAllListeners('error')
  socket.on('error', (error) => log.warn({ error: error.message }, 'the NG socket failed'))
  const cache = new ReplyCache(clock)
  socket.on('message', (bytes, peer) => {
    const datagram = bytes.toString('latin1')
    const reply = answer(datagram, `${peer.address} ${peer.port}`, relay, cache, log)
    if (reply !== undefined) send(socket, reply, peer, log)
  })
  const bound = socket.address()
  log.info({ address: bound.address, port: bound.port }, 'NG protocol is answered')
  return {
    address: bound.address,
    port: bound.port,
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  }
}

function answer(datagram: string, peer: string, relay: NgService, cache: ReplyCache, log: Log): string | undefined {
  const frame = splitFrame(datagram)
  if (!frame) {
    log.debug({ peer, bytes: datagram.length }, 'a datagram that is not NG was dropped')
    return undefined
  }
  const key = `${peer} ${frame.cookie}`
  const before = cache.get(key)
  if (before !== undefined) return before
  const reply = answerFrame(frame, relay)
  cache.set(key, reply)
  return reply
}

function send(socket: Socket, reply: string, peer: RemoteInfo, log: Log): void {
  socket.send(Buffer.from(reply, 'latin1'), peer.port, peer.address, (error) => {
    if (error) log.warn({ peer: peer.address, error: error.message }, 'an NG reply could not be sent')
  })
}
