// Owns what supervisor and front thread say to each other.
import type { LogFields } from '../log.ts'
import type { FrontSettings, ListenSpec, Passage, TransportStats } from '../transport/index.ts'
import type { ShardSeats } from './shards.ts'

/** What the thread begins with. Descriptors are those of the process, which both share. */
export interface FrontStart {
  /** All listeners; those of streams with a descriptor that is the thread's own. */
  readonly listen: readonly ListenSpec[]
  readonly seats: ShardSeats
  /** The way of descriptors to the one worker. */
  readonly passage: Passage | undefined
  readonly settings: FrontSettings
  /** Numbers of its connections are above this: none of a thread before it is taken for one of its own. */
  readonly flowsAbove: number
}

export type ToFront =
  | { type: 'update'; settings: FrontSettings }
  | { type: 'reply'; flow: number; wire: string }
  /** That worker has ended. */
  | { type: 'lost'; worker: number }
  | { type: 'stats'; id: number }
  | { type: 'close' }

export type LogCall = { level: 'debug' | 'info' | 'warn' | 'error'; fields: LogFields; message: string }

export type FromFront =
  | { type: 'ready' }
  | { type: 'failed'; code: string; message: string }
  | { type: 'log'; call: LogCall }
  | { type: 'stats'; id: number; stats: TransportStats }
