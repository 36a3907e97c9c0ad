// Owns the shapes of an engine: what it is made from, and what can be asked of it.
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { MediaRelay } from '../media/index.ts'
import type { CompiledScript, Diagnostic, HostOps, RehearsedProgram } from '../script/index.ts'
import type { IdSource } from '../sip/index.ts'
import type { Store } from '../store/index.ts'
import type { TransportLayer, TransportOptions } from '../transport/index.ts'
import type { EngineConfig } from './config.ts'
import type { ReadFile } from './read-file.ts'
import type { RunSlot } from './run-slot.ts'
import type { EngineView } from './view.ts'

export interface EngineOptions {
  /** The routing script, a .ts or a .cfg. */
  readonly file: string
  readonly defines?: ReadonlyMap<string, string>
  /** Listeners in place of the file's. */
  readonly listen?: readonly string[]
  readonly clock?: Clock
  readonly log?: Log
  /** Makes the transport; sockets of the operating system by default. */
  readonly transport?: (options: TransportOptions) => TransportLayer
  /** The relay that the script's media functions drive; without one they fail with a reason. */
  readonly relay?: MediaRelay
  readonly ids?: IdSource
  /** What processes share; default: the memory of this one. */
  readonly store?: Store
  readonly readFile?: ReadFile
  /** What env() in a script, and #!defenv in a .cfg, see; default is the process's. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** What runs in a worker: program and configuration come from the supervisor, which has checked them. */
export interface PreparedEngineOptions extends Omit<EngineOptions, 'file' | 'defines' | 'listen' | 'readFile'> {
  readonly script: CompiledScript
  readonly version: number
  readonly config: EngineConfig
  readonly slot?: RunSlot
}

export interface ReloadOutcome {
  readonly ok: boolean
  readonly diagnostics: readonly Diagnostic[]
}

export interface Engine {
  readonly view: EngineView
  /** Opens the sockets. */
  start(): Promise<void>
  /** Compiles the file anew; new requests get the new program if it is good. */
  reload(): Promise<ReloadOutcome>
  /** Takes no new calls; resolves when those under way are over, or after so many seconds. */
  drain(seconds: number): Promise<void>
  /** Ends everything; calls still up lose their media. */
  close(): Promise<void>
  /** Prometheus' exposition format. */
  metrics(): Promise<string>
  /** Carries out an RPC command of a module, such as `htable.dump`. Rejects with the reason; `code` is Kamailio's. */
  command(name: string, parameters: readonly unknown[]): Promise<unknown>
}

/** What an engine leaves to the next one when it dies. */
export interface Legacy {
  /** Call-IDs with an open media session. */
  readonly mediaCalls: readonly string[]
  /** Messages on which it died: when they come again they get 500 and no route. */
  readonly fatalMessages: readonly string[]
}

/** An engine that is told which program to run by somebody else. */
export interface PreparedEngine extends Engine {
  /** Loads a program beside the running one; resolves to its configuration as the script gives it. */
  load(
    script: CompiledScript,
    version: number,
    limits: { runMillis: number; isolateMegabytes: number },
  ): Promise<unknown>
  /** Makes the loaded program the one that new requests get, and puts its configuration in force. */
  swap(version: number, config: EngineConfig): void
  /** What an engine before this one left behind. Call it before `start`. */
  takeOver(left: Legacy): void
  /** The program loaded last as a rehearsal runs it, see warm-up.ts; its `end` is called. */
  rehearsal(host: HostOps): RehearsedProgram
}
