// Owns what supervisor and worker say to each other over their channel, as JSON. What concerns the relay goes by its rings first (relay-rings.ts).
import type { EngineConfig, EngineStatus, LogFormat, LogLevel } from '../engine/index.ts'
import type { DtmfEvent, MediaStats } from '../media/index.ts'
import type { CompiledScript, GuestBundle } from '../script/index.ts'
import type { RelayAsked, RelayRingsSeat, RelayTold } from './relay-rings.ts'
import type { ShardSeats } from './shards.ts'

/** A compiled script with the number that the supervisor gave it. */
export interface NumberedScript {
  readonly version: number
  readonly script: CompiledScript
}

/** The first message to a worker: all that it needs to stand ready. Its sockets come as inherited descriptors. */
export interface WorkerStart {
  readonly program: NumberedScript
  /** What every program begins with: made once, by the supervisor. */
  readonly guestBundle: GuestBundle
  /** Undefined: load the program and report its configuration, nothing else. */
  readonly config: EngineConfig | undefined
  readonly logLevel: LogLevel
  readonly logFormat: LogFormat
  /** File of the store that workers share; undefined: one of its own. */
  readonly storeFile: string | undefined
  /** Descriptor of the shared memory. */
  readonly slotFd: number | undefined
  /** Descriptors of the rings through which it asks the relay. */
  readonly relayRings: RelayRingsSeat | undefined
  /** Its place beside the front, whichever shard it comes to serve; undefined where there is none. */
  readonly seats: ShardSeats | undefined
  /** How many workers serve. */
  readonly workers: number
  /** Whether others serve already: then it gets ready beside them, without taking the processor from calls. */
  readonly serving: boolean
}

/** Questions of the supervisor, by name, with their answers. */
export interface WorkerRequests {
  start: { args: WorkerStart; result: { config: unknown } }
  /** Begin to serve a shard; `media` are the Call-IDs whose sessions a worker before opened, `fatal` the messages on which one died. */
  activate: { args: { shard: number; media: string[]; fatal: string[] }; result: Record<string, never> }
  /** Load a program beside the running one; its configuration comes back. */
  load: { args: { program: NumberedScript; runMillis: number; isolateMegabytes: number }; result: { config: unknown } }
  /** Make the loaded program the one that new requests get. */
  swap: { args: { version: number; config: EngineConfig }; result: Record<string, never> }
  /** Take no new calls, keep those under way for so long, then end them all and say so. */
  drain: { args: { seconds: number }; result: Record<string, never> }
  metrics: { args: Record<string, never>; result: { text: string } }
  command: { args: { name: string; parameters: readonly unknown[] }; result: { answer: unknown } }
  status: { args: Record<string, never>; result: EngineStatus }
  setLogLevel: { args: { level: LogLevel }; result: Record<string, never> }
}

export type WorkerRequestName = keyof WorkerRequests

export type ToWorker =
  | { type: 'request'; id: number; name: WorkerRequestName; args: unknown }
  | RelayTold
  | { type: 'media-timeout'; callId: string; reason: string; stats?: MediaStats }
  | { type: 'media-dtmf'; event: DtmfEvent }
  | { type: 'media-lost'; callId: string }

export type FromWorker =
  | { type: 'answer'; id: number; result?: unknown; error?: { code: string; message: string } }
  | RelayAsked
