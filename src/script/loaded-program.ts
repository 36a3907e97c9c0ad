// Owns a program in use: what it lives in and the replacement of that, runs under way, limits, and what happens when it ends badly.
import { type HostOperation, kindNumber, ROUTE_KINDS, type RunEnd } from '../../stdlib/contract.ts'
import { type Clock, systemClock, type Timer } from '../clock.ts'
import { SignalboxError } from '../errors.ts'
import { type Log, silentLog } from '../log.ts'
import { DRY_META, DRY_REQUEST, dryAnswer } from './dry-run.ts'
import type { CfgSettings } from './dsl/index.ts'
import { type GuestBundle, guestBundle } from './guest-bundle.ts'
import type { HostOps } from './host-ops.ts'
import { ScriptIsolate } from './isolate.ts'
import type { CompiledScript, RouteKind, RouteLanguage, RouteProgram, RunInput, RunOutcome } from './program.ts'
import { ProgramErrors } from './program-errors.ts'
import type { HomeOptions, ProgramHome } from './program-home.ts'
import { DEFAULT_PROGRAM_LIMITS, LOAD_FACTOR, type ProgramLimits, WALL_FACTOR } from './program-limits.ts'
import { ProgramRealm } from './realm.ts'
import { RehearsedProgram } from './rehearsed-program.ts'
import { PROGRAM_FILE, ScriptPositions } from './script-position.ts'

export interface LoadOptions {
  readonly version: number
  readonly host: HostOps
  readonly limits?: ProgramLimits
  readonly clock?: Clock
  readonly log?: Log
}

const NONE: readonly number[] = []

interface WaitingRun {
  readonly input: RunInput
  readonly resolve: (outcome: RunOutcome) => void
  readonly reject: (error: SignalboxError) => void
  readonly timer: Timer
  /** Host operations under way. */
  operations: number
}

/** Compiles nothing, checks nothing: evaluates a compiled script, a `.ts` in an isolate of its own. Rejects with ERR_SCRIPT and its kin. */
export async function loadProgram(script: CompiledScript, options: LoadOptions): Promise<LoadedProgram> {
  return new LoadedProgram(script, options, await guestBundle())
}

export class LoadedProgram implements RouteProgram {
  readonly version: number
  readonly file: string
  readonly language: RouteLanguage
  readonly files: readonly string[]
  readonly config: unknown
  readonly #script: CompiledScript
  readonly #bundle: GuestBundle
  #host: HostOps
  readonly #limits: ProgramLimits
  readonly #clock: Clock
  readonly #log: Log
  readonly #errors: ProgramErrors
  /** By the number of their kind. */
  readonly #names: readonly (readonly string[])[]
  readonly #waiting = new Map<number, WaitingRun>()
  /** Runs that ended within the entry that began them. */
  readonly #ended = new Map<number, RunEnd>()
  #home: ProgramHome
  /** A dry run is under way: nothing may reach the host. */
  #dry = false
  #entered = 0
  #asked = 0
  #released: number[] = []
  #uses = 1
  #restarts = 0

  constructor(script: CompiledScript, options: LoadOptions, bundle: GuestBundle) {
    this.version = options.version
    this.file = script.file
    this.language = script.language
    this.files = script.files
    this.#script = script
    this.#bundle = bundle
    this.#host = options.host
    this.#limits = options.limits ?? DEFAULT_PROGRAM_LIMITS
    this.#clock = options.clock ?? systemClock
    this.#log = options.log ?? silentLog
    this.#errors = new ProgramErrors(script.file, new ScriptPositions(script.file, script.sourceMap), this.#limits)
    this.#home = this.#start()
    const { names, config } = this.#describe()
    this.#names = ROUTE_KINDS.map((kind) => names[kind] ?? [])
    this.config = script.language === 'cfg' ? script.settings : config
  }

  has(kind: RouteKind, name = ''): boolean {
    return this.#names[kindNumber(kind)]!.includes(name)
  }

  /** Names of the blocks of a kind, '' for the unnamed one. */
  blocks(kind: RouteKind): readonly string[] {
    return this.#names[kindNumber(kind)]!
  }

  /** Isolates lost to their memory limit; a `.cfg` has none to lose. */
  get restarts(): number {
    return this.#restarts
  }

  get waiting(): number {
    return this.#waiting.size
  }

  heapBytes(): number {
    return this.#home.heapBytes()
  }

  run(input: RunInput): RunOutcome | Promise<RunOutcome> {
    const { runId } = input
    if (this.#home.disposed) this.#replaceHome()
    const released = this.#released.length === 0 ? NONE : this.#takeReleased()
    const asked = this.#asked
    this.#entered = runId
    let end: RunEnd | undefined
    try {
      end = this.#home.enter(input, released, this.#entryMillis())
    } catch (error) {
      this.#ended.delete(runId)
      throw this.#failed(error, input)
    } finally {
      this.#entered = 0
    }
    if (end === undefined) {
      end = this.#ended.get(runId)
      if (end === undefined) return this.#wait(input, this.#asked - asked)
      this.#ended.delete(runId)
    }
    return this.#errors.outcome(end)
  }

  /** Runs the request route once over a trivial call that reaches nobody, so that its code is compiled before traffic comes. */
  warm(): void {
    if (!this.has('request')) return
    this.#dry = true
    try {
      const outcome = this.run({ runId: 0, kind: 'request', name: '', raw: DRY_REQUEST, meta: DRY_META })
      if (outcome instanceof Promise) outcome.catch(() => undefined)
    } catch (error) {
      // What a trivial call provokes is no reason to refuse the program.
      this.#log.debug({ file: this.file, error: String(error) }, 'the dry run of a script failed')
    } finally {
      this.#dry = false
    }
  }

  /** Makes a run of the library's warming route, with `host` in place of the world: nothing of the program runs. See rehearsed-program.ts. */
  runWarming(input: RunInput, host: HostOps): RunOutcome | Promise<RunOutcome> {
    const world = this.#host
    this.#host = host
    try {
      return this.run(input)
    } finally {
      this.#host = world
    }
  }

  /** This program for a rehearsal of calls that `host` answers, held until that ends. */
  rehearsal(host: HostOps): RehearsedProgram {
    return new RehearsedProgram(this, host)
  }

  releaseTransaction(transactionId: number): void {
    this.#released.push(transactionId)
  }

  retain(): void {
    this.#uses++
  }

  release(): void {
    if (--this.#uses > 0) return
    for (const [runId, run] of [...this.#waiting]) {
      this.#forget(runId)
      run.reject(new SignalboxError('ERR_SCRIPT', `The program ${this.file} was discarded while a run waited.`))
    }
    this.#home.dispose()
  }

  /** A `.cfg` bounds its own loops and recursion (tick), which spares the watchdog thread of each entry. */
  #entryMillis(): number {
    return this.language === 'cfg' ? 0 : this.#limits.runMillis * WALL_FACTOR
  }

  #start(): ProgramHome {
    const { runMillis, isolateMegabytes } = this.#limits
    const { language } = this
    const modparams = language === 'cfg' ? ((this.#script.settings as CfgSettings | undefined)?.modparams ?? []) : []
    const options: HomeOptions = {
      bundle: this.#bundle,
      megabytes: isolateMegabytes,
      code: this.#script.code,
      codeFile: PROGRAM_FILE,
      settings: { language, runMillis: runMillis * WALL_FACTOR, modparams },
      loadMillis: runMillis * LOAD_FACTOR,
      call: (runId, opId, name, args) => this.#call(runId, opId, name, args),
      finished: (runId, end) => this.#finished(runId, end),
    }
    try {
      return language === 'cfg' ? new ProgramRealm(options) : new ScriptIsolate(options)
    } catch (error) {
      throw this.#errors.of(error, undefined)
    }
  }

  #describe(): { names: Record<string, string[]>; config: unknown } {
    try {
      return JSON.parse(this.#home.described(this.#limits.runMillis * LOAD_FACTOR))
    } catch (error) {
      throw this.#errors.of(error, undefined)
    }
  }

  #takeReleased(): readonly number[] {
    const released = this.#released
    this.#released = []
    return released
  }

  /** An operation of the program's. */
  #call(runId: number, opId: number, name: HostOperation, args: unknown): unknown {
    if (this.#dry) return dryAnswer(name)
    const answer = this.#host.call(runId, name, args as never) as unknown
    if (!(answer instanceof Promise)) return answer ?? null
    this.#asked++
    const home = this.#home
    const waiting = this.#waiting.get(runId)
    if (waiting) waiting.operations++
    answer.then(
      (value) => this.#resume(home, runId, opId, value ?? null, undefined),
      (error) => this.#resume(home, runId, opId, 0, error instanceof Error ? error.message : String(error)),
    )
    return undefined
  }

  #resume(home: ProgramHome, runId: number, opId: number, answer: unknown, error: string | undefined): void {
    const run = this.#waiting.get(runId)
    // The run is over, or went with its home.
    if (run === undefined || home !== this.#home || home.disposed) return
    run.operations--
    try {
      home.resume(opId, answer, error, this.#entryMillis())
    } catch (failure) {
      this.#forget(runId)
      run.reject(this.#failed(failure, run.input))
      return
    }
    this.#checkSettles(runId)
  }

  /** A run that waits while nothing is asked of the host, by it or any other, would wait for ever. */
  #checkSettles(runId: number): void {
    const run = this.#waiting.get(runId)
    if (run === undefined) return
    for (const other of this.#waiting.values()) if (other.operations > 0) return
    this.#forget(runId)
    run.reject(
      new SignalboxError(
        'ERR_SCRIPT',
        `${this.#errors.place(run.input)}: the route waits for a promise that nothing settles`,
      ),
    )
  }

  #wait(input: RunInput, operations: number): Promise<RunOutcome> {
    return new Promise((resolve, reject) => {
      const millis = this.#limits.waitMillis ?? DEFAULT_PROGRAM_LIMITS.waitMillis!
      const timer = this.#clock.setTimer(millis, () => {
        this.#forget(input.runId)
        this.#abandon(input.runId)
        reject(
          new SignalboxError(
            'ERR_SCRIPT_TIMEOUT',
            `${this.#errors.place(input)}: the route waited longer than ${millis} ms`,
          ),
        )
      })
      this.#waiting.set(input.runId, { input, resolve, reject, timer, operations })
      this.#checkSettles(input.runId)
    })
  }

  #finished(runId: number, end: RunEnd): void {
    const run = this.#waiting.get(runId)
    if (run === undefined) {
      if (runId === this.#entered) this.#ended.set(runId, end)
      return
    }
    this.#forget(runId)
    try {
      run.resolve(this.#errors.outcome(end))
    } catch (error) {
      run.reject(error as SignalboxError)
    }
  }

  #forget(runId: number): void {
    this.#waiting.get(runId)?.timer.cancel()
    this.#waiting.delete(runId)
  }

  #abandon(runId: number): void {
    try {
      if (!this.#home.disposed) this.#home.abandon(runId)
    } catch (error) {
      this.#log.warn({ error: String(error) }, 'a run could not be taken back')
    }
  }

  /** An entry that V8 ended. After a loss of the isolate, what waits in it is lost too and the next run begins in a new one. */
  #failed(error: unknown, input: RunInput): SignalboxError {
    const told = this.#errors.of(error, input)
    if (this.#home.disposed) this.#replaceHome()
    else this.#abandon(input.runId)
    return told
  }

  #replaceHome(): void {
    this.#restarts++
    this.#home.dispose()
    const lost = [...this.#waiting]
    for (const [runId, run] of lost) {
      this.#forget(runId)
      run.reject(
        new SignalboxError(
          'ERR_SCRIPT_MEMORY',
          `${this.#errors.place(run.input)}: lost with an isolate that outgrew its memory`,
        ),
      )
    }
    this.#log.error(
      { file: this.file, version: this.version, lost: lost.length },
      'a script outgrew its memory; a new isolate takes over',
    )
    this.#home = this.#start()
  }
}
