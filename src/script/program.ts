// Owns a compiled routing script: immutable, numbered, counted, and what its runs are given and give back.
import type { RouteKind, RunMeta, RunOutcome } from '../../stdlib/contract.ts'
import type { SipMessage } from '../sip/index.ts'
import type { RawSourceMap } from './dsl/index.ts'

export type { RouteKind, RunExit, RunListener, RunMeta, RunOutcome } from '../../stdlib/contract.ts'

export type RouteLanguage = 'ts' | 'cfg'

/** One run to be made. */
export interface RunInput {
  /** Unique among the runs under way; host operations carry it. */
  readonly runId: number
  readonly kind: RouteKind
  /** Name of the block; '' is request_route or reply_route. */
  readonly name: string
  readonly raw: string
  /** The same, parsed: a program that runs beside the engine takes it as it is. */
  readonly message?: SipMessage
  readonly meta: RunMeta
}

/** What a compiler hands over: code that calls `__signalbox.define(...)` once. */
export interface CompiledScript {
  readonly file: string
  readonly language: RouteLanguage
  readonly code: string
  readonly sourceMap: RawSourceMap | undefined
  /** Every file whose change is a change of this program, the main one first; absolute. */
  readonly files: readonly string[]
  /** CfgSettings of a `.cfg`; of a `.ts` it is known only once the program has been loaded. */
  readonly settings: unknown
}

/** A program in use. The store makes them; a transaction retains the one it began with and releases it at its end. */
export interface RouteProgram {
  readonly version: number
  readonly file: string
  readonly language: RouteLanguage
  readonly files: readonly string[]
  /** The `config` export of a `.ts`, unchecked; CfgSettings of a `.cfg`. */
  readonly config: unknown
  has(kind: RouteKind, name?: string): boolean
  /** Makes a run. Throws, or rejects with, a SignalboxError: ERR_SCRIPT, ERR_SCRIPT_TIMEOUT or ERR_SCRIPT_MEMORY. */
  run(input: RunInput): RunOutcome | Promise<RunOutcome>
  /** The transaction is over: its guest state goes with the next entry. */
  releaseTransaction(transactionId: number): void
  retain(): void
  release(): void
}
