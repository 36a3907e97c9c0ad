// Owns which program is in use: a new one is compiled and warmed aside, then takes new transactions; a broken one changes nothing.
import type { Clock } from '../clock.ts'
import { SignalboxError } from '../errors.ts'
import { type Log, silentLog } from '../log.ts'
import { type CompileOptions, compileScript } from './compile.ts'
import type { Diagnostic } from './diagnostic.ts'
import type { HostOps } from './host-ops.ts'
import { type LoadedProgram, loadProgram } from './loaded-program.ts'
import type { CompiledScript } from './program.ts'
import type { ProgramLimits } from './program-limits.ts'
import { sourceLine } from './source-line.ts'
import { exportPlace } from './typescript-text.ts'

export interface ProgramStoreOptions {
  readonly host: HostOps
  readonly compile?: CompileOptions
  /** Asked for each program that is loaded. */
  readonly limits?: () => ProgramLimits
  readonly clock?: Clock
  readonly log?: Log
  /** Looks at a program before it is used, its configuration above all; an error among the findings refuses it. */
  readonly accept?: (program: LoadedProgram) => readonly Diagnostic[]
}

export type StoreOutcome =
  | { readonly ok: true; readonly program: LoadedProgram; readonly diagnostics: readonly Diagnostic[] }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[]; readonly files: readonly string[] }

/** Predecessors kept for a withdrawal. */
const KEPT = 2

export class ProgramStore {
  readonly #options: ProgramStoreOptions
  readonly #log: Log
  #version = 0
  #active: LoadedProgram | undefined
  /** Older programs, newest last, each held so that it can come back. */
  #before: LoadedProgram[] = []
  #loading: Promise<unknown> = Promise.resolve()
  /** Told after each change of the active program. */
  onChange: ((program: LoadedProgram) => void) | undefined

  constructor(options: ProgramStoreOptions) {
    this.#options = options
    this.#log = options.log ?? silentLog
  }

  /** The same as {@link active}; undefined before the first and after `close`. */
  get current(): LoadedProgram | undefined {
    return this.#active
  }

  /** The program that new transactions begin with. */
  get active(): LoadedProgram {
    if (this.#active === undefined) throw new SignalboxError('ERR_COMPILE', 'No program has been loaded.')
    return this.#active
  }

  /** Compiles a file and, when it is good, makes it the active program. Calls follow one another. */
  load(file: string): Promise<StoreOutcome> {
    const next = this.#loading.then(() => this.#load(file))
    this.#loading = next.catch(() => undefined)
    return next
  }

  reload(): Promise<StoreOutcome> {
    return this.load(this.active.file)
  }

  /** Loads and warms a compiled script without using it yet. Rejects with a SignalboxError. */
  async prepare(script: CompiledScript, version = this.#version + 1): Promise<LoadedProgram> {
    this.#version = Math.max(this.#version, version)
    const { host, limits, clock } = this.#options
    const program = await loadProgram(script, {
      version,
      host,
      log: this.#log,
      ...(limits ? { limits: limits() } : {}),
      ...(clock ? { clock } : {}),
    })
    program.warm()
    return program
  }

  /** Makes a prepared program the active one; transactions under way keep theirs. */
  activate(program: LoadedProgram): void {
    if (this.#active !== undefined) this.#before.push(this.#active)
    while (this.#before.length > KEPT) this.#before.shift()!.release()
    this.#active = program
    this.onChange?.(program)
  }

  /** Takes a version out of use for its predecessor. False when it is not the active one, or nothing came before it. */
  withdraw(version: number): boolean {
    const before = this.#active?.version === version ? this.#before.pop() : undefined
    if (before === undefined) return false
    const withdrawn = this.#active!
    this.#active = before
    withdrawn.release()
    this.#log.error({ version, back: before.version, file: before.file }, 'a program was withdrawn for its predecessor')
    this.onChange?.(before)
    return true
  }

  close(): void {
    for (const program of this.#before) program.release()
    this.#before = []
    this.#active?.release()
    this.#active = undefined
  }

  async #load(file: string): Promise<StoreOutcome> {
    const compiled = await compileScript(file, this.#options.compile ?? {})
    if (!compiled.ok) return compiled
    const { files } = compiled.script
    let program: LoadedProgram
    try {
      program = await this.prepare(compiled.script)
    } catch (error) {
      if (!(error instanceof SignalboxError)) throw error
      return { ok: false, files, diagnostics: [...compiled.diagnostics, loadDiagnostic(error, file)] }
    }
    const diagnostics = [...compiled.diagnostics, ...(this.#options.accept?.(program) ?? [])]
    if (diagnostics.some((diagnostic) => diagnostic.severity === 'error')) {
      program.release()
      return { ok: false, files, diagnostics }
    }
    this.activate(program)
    return { ok: true, program, diagnostics }
  }
}

/** An error of evaluating a program, told as a diagnostic at the place that its message names. */
export function loadDiagnostic(error: SignalboxError, file: string): Diagnostic {
  const place = /^(.+?):(\d+):(\d+): ([\s\S]*)$/.exec(error.message)
  const code = error.code === 'ERR_SCRIPT' ? 'load' : error.code.toLowerCase().replace(/^err_/, '').replaceAll('_', '-')
  if (place === null) {
    const message = error.message.startsWith(`${file}: `) ? error.message.slice(file.length + 2) : error.message
    // What is wrong with an export names it.
    const blamed = /\b\w+_route\b/.exec(message)?.[0]
    return { severity: 'error', code, message, ...exportPlace(file, (name) => name === blamed) }
  }
  const line = Number(place[2])
  const where = place[1]!
  return {
    severity: 'error',
    code,
    message: place[4]!,
    file: where,
    line,
    column: Number(place[3]),
    sourceLine: sourceLine(where, line),
  }
}
