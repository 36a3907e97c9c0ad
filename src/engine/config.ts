// Owns the configuration that the engine runs on: its shape, its defaults, and which of its parts a reload can change.
import { DEFAULT_PROXY_LIMITS } from '../proxy/index.ts'
import type { CfgSettings, Diagnostic } from '../script/index.ts'
import type { ModuleParameter } from '../services/index.ts'
import type { ListenSpec, TlsOptions } from '../transport/index.ts'
import type { LogLevel } from './logger.ts'

/** What calls may hear, where they are recorded, who is told of keys. */
export interface AudioConfig {
  /** Files in these folders and below may be played; default none. */
  readonly mediaFolders?: readonly string[]
  readonly recordingDir?: string
  /** `pcap`, `wav`, `wav-stereo`, or several parted by commas. */
  readonly recordingMethod?: string
  /** `raw` or `eth`, of pcap. */
  readonly recordingFormat?: string
  /** `ADDRESS:PORT` */
  readonly dtmfLogDest?: string
}

/** Where the embedded relay takes its addresses and ports; times in seconds. */
export interface EmbeddedMediaConfig extends AudioConfig {
  /** `[NAME/]ADDRESS[!ADVERTISED]`; the first is the default. */
  readonly interfaces: readonly string[]
  readonly portMin: number
  readonly portMax: number
  readonly timeout: number
  readonly silentTimeout: number
}

export interface MediaConfig {
  /** Present where the relay runs in this program; it then answers for every set. */
  readonly embedded?: EmbeddedMediaConfig
  /** Remote relays by number of their set: `udp:host:port`, with `=weight` where one is given. */
  readonly sets: Readonly<Record<string, readonly string[]>>
}

export interface TimerConfig {
  /** Milliseconds. */
  readonly fr: number
  /** Milliseconds. */
  readonly frInv: number
  /** Seconds. */
  readonly maxCall: number
}

export interface LimitConfig {
  readonly runMillis: number
  /** Of a `.ts`: a `.cfg` runs in the worker's own heap. */
  readonly isolateMegabytes: number
  readonly messageBytes: number
  readonly transactions: number
  readonly transactionsPerSource: number
  readonly connections: number
  readonly connectionsPerSource: number
  /** How long messages may wait unread before new requests are refused; 0: none is. */
  readonly queueMillis: number
  /** Bytes beyond which a request leaves by a stream in place of UDP; 0: none does. */
  readonly udpMtu: number
  /** How long a connection may be idle; the transport's default where absent. */
  readonly idleMillis?: number
  readonly connectMillis?: number
}

export interface EngineConfig {
  /** One entry a socket. */
  readonly listen: readonly ListenSpec[]
  readonly alias: readonly string[]
  readonly hosts: Readonly<Record<string, readonly string[]>>
  readonly tls: TlsOptions
  readonly media: MediaConfig
  readonly timers: TimerConfig
  readonly limits: LimitConfig
  /** What the modules are told: `modparam` of a .cfg, `modules` of a .ts. */
  readonly modules: readonly ModuleParameter[]
  /** The modules that the file loads, or names. */
  readonly loaded: readonly string[]
  /** Loudness that the file asks for. */
  readonly logLevel?: LogLevel
  /** Server of replies that are made here, User-Agent of requests; absent leaves the header out. */
  readonly serverHeader?: string
  readonly userAgent?: string
  /** Names of our addresses become aliases (auto_aliases). */
  readonly autoAliases?: true
  /** Every request is answered where it came from (the core parameter force_rport). */
  readonly forceRport?: true
  /** By what a request leaves that is longer than limits.udpMtu; TCP where absent (udp_mtu_try_proto). */
  readonly udpMtuTransport?: 'tls'
}

/** What the command line says, which wins over the file. */
export interface ConfigOverride {
  readonly listen?: readonly string[]
  readonly interfaces?: readonly string[]
  readonly portMin?: number
  readonly portMax?: number
  readonly timeout?: number
  readonly silentTimeout?: number
  readonly audio?: AudioConfig
  readonly limits?: Partial<LimitConfig>
  /** One of the relay's options was given: the relay runs here, if only on the interfaces that the file names. */
  readonly embedded?: true
}

/** Where a configuration comes from. */
export interface ConfigSource {
  readonly file: string
  readonly language: 'ts' | 'cfg'
  /** The `config` export of a .ts, or the CfgSettings of a .cfg. */
  readonly raw: unknown
  readonly override?: ConfigOverride
  /**
   * TLS files that cannot be read: `required` an error, `wanted` a warning (check, on a machine that has not got them),
   * `unread` not looked at (an engine on a network that exists in memory only).
   */
  readonly tlsFiles: 'required' | 'wanted' | 'unread'
  /** Text of a file as latin1, undefined where it cannot be read. */
  readFile(path: string): string | undefined
}

export type ConfigResult =
  | { readonly ok: true; readonly config: EngineConfig; readonly diagnostics: readonly Diagnostic[] }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] }

export const DEFAULT_MEDIA_PORTS = { portMin: 30_000, portMax: 40_000 } as const
export const DEFAULT_MEDIA_TIMES = { timeout: 60, silentTimeout: 3600 } as const
export const DEFAULT_TIMERS: TimerConfig = { fr: 30_000, frInv: 120_000, maxCall: 43_200 }
export const DEFAULT_LIMITS: LimitConfig = {
  runMillis: 50,
  isolateMegabytes: 64,
  messageBytes: 65_535,
  transactions: 100_000,
  transactionsPerSource: 5_000,
  connections: 4_096,
  connectionsPerSource: 64,
  queueMillis: DEFAULT_PROXY_LIMITS.queueMillis,
  udpMtu: DEFAULT_PROXY_LIMITS.udpMtu,
}

/** Parts of `next` that cannot take effect while the engine runs, in the words of the file; empty when all can. */
export function needsRestart(running: EngineConfig, next: EngineConfig): string[] {
  const parts: string[] = []
  const bare = (specs: readonly ListenSpec[]) => JSON.stringify(specs.map(({ fd: _fd, ...spec }) => spec))
  if (bare(running.listen) !== bare(next.listen)) parts.push('listen')
  if (JSON.stringify(running.media.embedded) !== JSON.stringify(next.media.embedded))
    parts.push('media interfaces and ports')
  return parts
}

/** `next`, but with what only a restart can change kept as it runs. */
export function reloadable(running: EngineConfig, next: EngineConfig): EngineConfig {
  const { embedded: _embedded, ...sets } = next.media
  const media = running.media.embedded ? { ...sets, embedded: running.media.embedded } : sets
  return { ...next, listen: running.listen, media }
}

/** Whether `raw` has the shape of what a .cfg sets. */
export function isCfgSettings(raw: unknown): raw is CfgSettings {
  return typeof raw === 'object' && raw !== null && 'modparams' in raw && 'core' in raw
}
