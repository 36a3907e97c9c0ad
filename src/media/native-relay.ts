// Owns the door to the native media relay: loads the addon, knows its streams, names every failure.
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { isIP } from 'node:net'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { getSystemErrorName } from 'node:util'
import { SignalboxError } from '../errors.ts'
import type { DtlsIdentity } from './connection-settings.ts'
import { type AudioAddon, type AudioEvent, type NativeAudio, nativeAudio } from './native-audio.ts'
import {
  address,
  integer,
  nativeSettings,
  type Settings,
  SettingsWriter,
  type StreamConfig,
} from './native-settings.ts'
import { type NumberNames, StatisticsReader, type StreamStats } from './native-stats.ts'

export type { AudioEvent, RecordingKind } from './native-audio.ts'
export { SRTP_KEY_BYTES, type SrtpKey, type SrtpSuite, type StreamConfig } from './native-settings.ts'
export type { ReportStats, SourceStats, StreamStats } from './native-stats.ts'

export interface TimeoutEvent {
  type: 'timeout'
  stream: number
  /** True where the stream was held, and silentTimeoutMillis counted. */
  silent: boolean
}

/** What became of ICE or DTLS on a stream; each outcome once a configuration. */
export interface ConnectionEvent {
  type: 'connection'
  stream: number
  outcome: 'dtls-connected' | 'dtls-failed' | 'dtls-wrong-fingerprint' | 'ice-failed'
}

/** The relay's threads. Packets never enter JavaScript. Every method but openStream throws ERR_MEDIA for an unknown stream. */
export interface NativeRelay extends NativeAudio {
  /** Binds an even port for RTP and the odd one above it. Throws ERR_MEDIA_PORTS where none is free, ERR_MEDIA where the address is not ours. */
  openStream(options: { address: string; portMin: number; portMax: number; tos?: number | undefined }): {
    id: number
    rtpPort: number
    rtcpPort: number
  }
  /** What arrives on one leaves by the other. Earlier links of either end. */
  link(a: number, b: number): void
  configure(id: number, config: StreamConfig): void
  close(id: number): void
  /** What `work` asks of streams, which does not wait for anything, reaches the relay's threads at once when it is done. */
  together<T>(work: () => T): T
  stats(id: number): StreamStats
  /** Whether streams of the address share sockets; only where the process may (CAP_BPF, CAP_NET_ADMIN, CAP_NET_RAW). */
  sharesSockets(address: string): boolean
  /** Makes a certificate for DTLS. Throws ERR_NATIVE where OpenSSL refuses. */
  makeIdentity(): DtlsIdentity
  /** Stops the threads and closes every stream. Afterwards every method throws ERR_MEDIA; shutdown again does nothing. */
  shutdown(): void
}

type Handle = { readonly brand: unique symbol }
type Opened = { id: number; rtpPort: number } | { failure: 'exhausted' | 'address' | 'system'; errno: number }

interface Addon extends AudioAddon<Handle> {
  /** An event is 0 or 1, a time-out of a stream that was not or was held, or one of OUTCOMES after those. */
  create(
    threads: number,
    onEvent: (stream: number, event: number) => void,
    shared: number,
    streamsPerThread: number,
  ): Handle
  shares(handle: Handle, address: string): boolean
  open(handle: Handle, address: string, portMin: number, portMax: number, tos: number): Opened
  link(handle: Handle, a: number, b: number): boolean
  /** `numbers`: those of the settings in the order of `numberNames().settings`, no and yes as 0 and 1. */
  configure(handle: Handle, id: number, settings: Settings, numbers: Float64Array): boolean
  hold(handle: Handle, held: 0 | 1): void
  close(handle: Handle, id: number): boolean
  /** Fills `numbers` (see StatisticsReader); both learned addresses with a space between them. */
  stats(handle: Handle, id: number, numbers: Float64Array): string | null
  numberNames(): NumberNames
  makeIdentity(): { identity: unknown; fingerprints: DtlsIdentity['fingerprints'] } | null
  shutdown(handle: Handle): void
}

const OUTCOMES = ['dtls-connected', 'dtls-failed', 'dtls-wrong-fingerprint', 'ice-failed'] as const

const ADDON = fileURLToPath(new URL('../../build/Release/media_relay.node', import.meta.url))
const MAX_THREADS = 64
/** Where no number of threads is asked for: one a core, each coming into use when those before it have so many streams. */
const MOST_UNASKED = 16
const STREAMS_PER_THREAD = 2_000

function load(path: string): Addon {
  if (!existsSync(path)) {
    throw new SignalboxError(
      'ERR_NATIVE',
      `The media relay is not built (${path} is missing). Run: npm run build:native`,
    )
  }
  try {
    return createRequire(import.meta.url)(path) as Addon
  } catch (cause) {
    throw new SignalboxError(
      'ERR_NATIVE',
      `The media relay does not load: ${String(cause)}. Run: npm run build:native`,
      { cause },
    )
  }
}

/**
 * Starts the relay's threads; they do not keep the process alive.
 * `onEvent` runs in JavaScript's thread, once for each time a stream falls quiet.
 * `threads`: so many, streams spread evenly over them; by default as many as there are cores, used as they are needed.
 * `sockets`: `shared` (the default) lets streams of one address receive and send by sockets in common where the process
 * may; `own` keeps every stream to its own. `addon` is another build of the addon (tests).
 */
export function createNativeRelay(options: {
  onEvent(event: TimeoutEvent): void
  onConnection?(event: ConnectionEvent): void
  onAudio?(event: AudioEvent): void
  threads?: number
  sockets?: 'shared' | 'own'
  addon?: string
}): NativeRelay {
  const addon = load(options.addon ?? ADDON)
  const threads = integer('threads', options.threads ?? Math.min(availableParallelism(), MOST_UNASKED), 1, MAX_THREADS)
  const streamsPerThread = options.threads === undefined ? STREAMS_PER_THREAD : 1
  const names = addon.numberNames()
  const written = new SettingsWriter(names.settings)
  const statistics = new StatisticsReader(names)
  const families = new Map<number, number>()
  const clockRates = new Map<number, number>()
  const report = (stream: number, event: number): void => {
    // A report may have been under way when its stream was closed.
    if (!families.has(stream)) return
    const outcome = OUTCOMES[event - 2]
    if (outcome) options.onConnection?.({ type: 'connection', stream, outcome })
    else options.onEvent({ type: 'timeout', stream, silent: event === 1 })
  }
  let handle: Handle | undefined = addon.create(threads, report, options.sockets === 'own' ? 0 : 1, streamsPerThread)

  addon.listen(handle, (stream, isKey, event, duration, volume) => {
    if (!families.has(stream)) return
    options.onAudio?.(isKey ? { type: 'dtmf', stream, event, duration, volume } : { type: 'clip-ended', stream })
  })

  const running = (): Handle => {
    if (handle) return handle
    throw new SignalboxError('ERR_MEDIA', 'The media relay has been shut down.')
  }
  const known = (id: number): number => {
    if (families.has(id)) return id
    throw new SignalboxError('ERR_MEDIA', `There is no media stream ${id}.`)
  }

  return {
    ...nativeAudio(addon, running),

    openStream({ address: local, portMin, portMax, tos }) {
      const opened = addon.open(
        running(),
        address('address', local),
        integer('portMin', portMin, 1, 65535),
        integer('portMax', portMax, 1, 65535),
        integer('tos', tos ?? 0, 0, 255),
      )
      if ('failure' in opened) {
        if (opened.failure === 'exhausted') {
          throw new SignalboxError(
            'ERR_MEDIA_PORTS',
            `No pair of ports is free on ${local} between ${portMin} and ${portMax}.`,
          )
        }
        const reason = opened.errno > 0 ? getSystemErrorName(-opened.errno) : 'not an address'
        throw new SignalboxError('ERR_MEDIA', `A media socket on ${local} could not be opened: ${reason}.`)
      }
      families.set(opened.id, isIP(local))
      return { id: opened.id, rtpPort: opened.rtpPort, rtcpPort: opened.rtpPort + 1 }
    },

    link(a, b) {
      if (known(a) === known(b)) throw new SignalboxError('ERR_MEDIA', `Media stream ${a} cannot be linked to itself.`)
      addon.link(running(), a, b)
    },

    configure(id, config) {
      known(id)
      const settings = nativeSettings(id, families.get(id), config)
      addon.configure(running(), id, settings, written.numbers(settings))
      clockRates.set(id, settings.clockRate)
    },

    close(id) {
      addon.close(running(), known(id))
      families.delete(id)
      clockRates.delete(id)
    },

    together(work) {
      const held = running()
      addon.hold(held, 1)
      try {
        return work()
      } finally {
        addon.hold(held, 0)
      }
    },

    stats(id) {
      const addresses = addon.stats(running(), known(id), statistics.numbers)
      if (addresses === null) throw new SignalboxError('ERR_MEDIA', `There is no media stream ${id}.`)
      return statistics.read(addresses, clockRates.get(id) ?? 8000)
    },

    makeIdentity() {
      const made = addon.makeIdentity()
      if (!made) throw new SignalboxError('ERR_NATIVE', 'OpenSSL made no certificate for DTLS.')
      return { handle: made.identity, fingerprints: made.fingerprints }
    },

    sharesSockets(local) {
      return addon.shares(running(), address('address', local))
    },

    shutdown() {
      if (!handle) return
      addon.shutdown(handle)
      handle = undefined
      families.clear()
      clockRates.clear()
    },
  }
}
