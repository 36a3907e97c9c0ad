// Owns the front as the supervisor sees it: the thread that spreads datagrams, the thread that has the streams, and its replacement.
import { Worker } from 'node:worker_threads'
import { type EngineConfig, type EngineLog, transportSettings } from '../engine/index.ts'
import { SignalboxError } from '../errors.ts'
import {
  DATAGRAMS_AT,
  DATAGRAMS_CAPACITY,
  type FrontSettings,
  nativeSockets,
  type TransportStats,
} from '../transport/index.ts'
import type { FromFront, FrontStart, ToFront } from './front-messages.ts'
import { knownCode } from './relay-client.ts'
import type { Shards } from './shards.ts'
import type { SocketSet } from './socket-set.ts'

/** Connection numbers of one thread before those of the next. */
const FLOWS_A_THREAD = 1 << 25
const THREADS = 60
const AGAIN_MILLIS = 100
const STATS_MILLIS = 1000
const CLOSE_MILLIS = 500

export interface Front {
  /** New settings for what comes next. */
  update(config: EngineConfig): void
  /** Sends over a connection in place of a dead worker. */
  reply(flow: number, wire: string): void
  /** A worker has ended: the connections that it was lent are served again. */
  lost(worker: number): void
  /** What became of connections; undefined where there are none, or the thread does not answer. */
  stats(): Promise<TransportStats | undefined>
  close(): Promise<void>
}

/**
 * Starts reading. What is listened on must be bound; `shards` are read by nobody yet.
 * @throws SignalboxError ERR_LISTEN or ERR_TLS
 */
export async function startFront(
  config: EngineConfig,
  sockets: SocketSet,
  shards: Shards,
  log: EngineLog,
): Promise<Front> {
  const spread = shards.seats.datagrams === 'spread' ? spreadDatagrams(config, sockets, shards) : undefined
  const streams = config.listen.some((spec) => spec.transport !== 'udp')
    ? new StreamThread(config, sockets, shards, log)
    : undefined
  try {
    await streams?.start()
  } catch (error) {
    spread?.close()
    throw error
  }
  return {
    update: (next) => streams?.update(next),
    reply: (flow, wire) => streams?.send({ type: 'reply', flow, wire }),
    lost: (worker) => streams?.send({ type: 'lost', worker }),
    stats: async () => streams?.stats(),
    async close() {
      spread?.close()
      await streams?.close()
    },
  }
}

function spreadDatagrams(config: EngineConfig, sockets: SocketSet, shards: Shards): { close(): void } | undefined {
  const udp = config.listen.flatMap(({ transport }, listener) =>
    transport === 'udp' ? [{ fd: sockets.descriptors[listener]!, listener }] : [],
  )
  if (udp.length === 0) return undefined
  return nativeSockets().startSpread(udp, shards.links, { offset: DATAGRAMS_AT, capacity: DATAGRAMS_CAPACITY })
}

class StreamThread {
  readonly #sockets: SocketSet
  readonly #shards: Shards
  readonly #log: EngineLog
  readonly #asked = new Map<number, (stats: TransportStats | undefined) => void>()
  #settings: FrontSettings
  #thread: Worker | undefined
  #threads = 0
  #lastAsked = 0
  #closing = false

  constructor(config: EngineConfig, sockets: SocketSet, shards: Shards, log: EngineLog) {
    this.#sockets = sockets
    this.#shards = shards
    this.#log = log
    this.#settings = settingsOf(config)
  }

  start(): Promise<void> {
    const workerData: FrontStart = {
      listen: this.#sockets.streamsForFront(),
      seats: this.#shards.seats,
      passage: this.#shards.passage,
      settings: this.#settings,
      flowsAbove: (this.#threads++ % THREADS) * FLOWS_A_THREAD,
    }
    return new Promise((resolve, reject) => {
      const thread = new Worker(new URL('./front-main.ts', import.meta.url), { workerData, name: 'sip-streams' })
      this.#thread = thread
      thread.on('message', (message: FromFront) => {
        if (message.type === 'ready') resolve()
        else if (message.type === 'failed') {
          this.#closing = true
          void thread.terminate()
          reject(new SignalboxError(knownCode(message.code, 'ERR_LISTEN'), message.message))
        } else this.#received(message)
      })
      thread.on('error', (error) => {
        reject(error)
        this.#log.error({ err: error }, 'the front of TCP and TLS failed')
      })
      thread.on('exit', () => this.#ended(thread))
    })
  }

  #received(message: FromFront): void {
    if (message.type === 'log') this.#log[message.call.level](message.call.fields, message.call.message)
    else if (message.type === 'stats') {
      this.#asked.get(message.id)?.(message.stats)
      this.#asked.delete(message.id)
    }
  }

  #ended(thread: Worker): void {
    if (thread !== this.#thread || this.#closing) return
    this.#thread = undefined
    this.#log.error({ event: 'front-lost' }, 'the front of TCP and TLS ended; its connections are gone, another begins')
    setTimeout(() => {
      if (this.#closing) return
      this.start().catch((error: unknown) => this.#log.error({ err: error }, 'the front could not begin again'))
    }, AGAIN_MILLIS).unref()
  }

  update(config: EngineConfig): void {
    this.#settings = settingsOf(config)
    this.send({ type: 'update', settings: this.#settings })
  }

  send(message: ToFront): void {
    this.#thread?.postMessage(message)
  }

  stats(): Promise<TransportStats | undefined> {
    return new Promise((resolve) => {
      const id = ++this.#lastAsked
      const timer = setTimeout(() => {
        this.#asked.delete(id)
        resolve(undefined)
      }, STATS_MILLIS)
      this.#asked.set(id, (stats) => {
        clearTimeout(timer)
        resolve(stats)
      })
      this.send({ type: 'stats', id })
    })
  }

  async close(): Promise<void> {
    this.#closing = true
    const thread = this.#thread
    if (!thread) return
    // What workers sent last is still to be written.
    const gone = new Promise((resolve) => thread.once('exit', resolve))
    this.send({ type: 'close' })
    const late = setTimeout(() => void thread.terminate(), CLOSE_MILLIS)
    await gone
    clearTimeout(late)
  }
}

function settingsOf(config: EngineConfig): FrontSettings {
  const { tls, limits, parseLimits } = transportSettings(config)
  return { tls, limits, parseLimits }
}
