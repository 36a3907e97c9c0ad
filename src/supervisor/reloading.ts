// Owns reloads: one at a time, tried on the stand-by, then put in force on every worker at once or not at all.
import { readFileSync } from 'node:fs'
import { type EngineConfig, type EngineLog, type LogFormat, needsRestart, reloadable } from '../engine/index.ts'
import { SignalboxError } from '../errors.ts'
import type { CompiledScript } from '../script/index.ts'
import { profileFault } from '../transport/index.ts'
import type { ProgramHistory } from './program-history.ts'
import { RefusedScript, told } from './refused-script.ts'
import type { ScriptSource } from './script-source.ts'
import { tryProgram } from './trial.ts'
import type { WorkerPool } from './worker-pool.ts'
import type { WorkerProcess } from './worker-process.ts'

const LOAD_MILLIS = 10_000

export interface ReloadResult {
  readonly ok: boolean
  /** The version that takes new requests now. */
  readonly version: number
  readonly unchanged?: true
  readonly error?: string
}

export interface ReloadingOptions {
  readonly file: string
  readonly source: ScriptSource
  readonly history: ProgramHistory
  readonly pool: WorkerPool
  readonly log: EngineLog
  readonly logFormat: LogFormat
  /** Files whose saves are to be seen from now on. */
  watch(files: readonly string[]): void
  /** A new configuration is in force. */
  changed(before: EngineConfig, after: EngineConfig): Promise<void>
}

interface Program {
  readonly version: number
  readonly script: CompiledScript
}

export class Reloading {
  readonly #options: ReloadingOptions
  #under: Promise<ReloadResult> | undefined
  #next: Promise<ReloadResult> | undefined
  #closed = false

  constructor(options: ReloadingOptions) {
    this.#options = options
  }

  /** Reads the script again. While one reading is under way, the next begins when it is over, for all who ask meanwhile. */
  reload(): Promise<ReloadResult> {
    if (this.#next) return this.#next
    const under = this.#under
    if (!under) return this.#begin()
    this.#next = under.then(() => {
      this.#next = undefined
      return this.#begin()
    })
    return this.#next
  }

  close(): void {
    this.#closed = true
  }

  #begin(): Promise<ReloadResult> {
    const reading = this.#reload().finally(() => {
      if (this.#under === reading) this.#under = undefined
    })
    this.#under = reading
    return reading
  }

  async #reload(): Promise<ReloadResult> {
    if (this.#closed) return { ok: false, version: 0, error: 'the program ends' }
    const { file, source, history, log } = this.#options
    const running = history.active!
    try {
      const script = await source.compile()
      this.#options.watch(script.files)
      if (
        script.code === running.script.code &&
        JSON.stringify(script.settings) === JSON.stringify(running.script.settings)
      ) {
        mustHaveFitCertificates(running.config)
        return { ok: true, version: running.version, unchanged: true }
      }
      const version = history.nextVersion()
      const program = { version, script }
      const next = await this.#tryOnStandby(program, running.config)
      const restart = needsRestart(running.config, next)
      const config = reloadable(running.config, next)
      await this.#putInForce(program, config)
      await this.#options.changed(running.config, config)
      if (restart.length > 0)
        log.warn(
          { event: 'restart-needed', parts: restart },
          `a change of ${restart.join(' and ')} needs a restart; the rest takes effect`,
        )
      log.info({ event: 'reload', file: script.file, program: version }, 'the new program takes new requests')
      return { ok: true, version }
    } catch (error) {
      this.#options.watch(error instanceof RefusedScript ? error.files : running.script.files)
      const text = told(error, file)
      log.error(
        { event: 'reload-failed', file, program: running.version },
        `the new program is refused, the running one stays:\n${text}`,
      )
      return { ok: false, version: running.version, error: text }
    }
  }

  /** All load before one swaps. A worker that dies on the way is replaced by one with the program that was accepted. */
  async #putInForce(program: Program, config: EngineConfig): Promise<void> {
    const { pool, history } = this.#options
    const loaded = new Set(pool.serving)
    const load = (worker: WorkerProcess) => worker.ask('load', { program, ...programLimits(config) }, LOAD_MILLIS)
    await Promise.all([...loaded].map(load))
    history.accept({ ...program, config })
    const swap = { version: program.version, config: pool.shareOf(config) }
    await Promise.all(
      pool.serving.map(async (worker) => {
        try {
          // It came to serve after the others had loaded.
          if (!loaded.has(worker)) await load(worker)
          await worker.ask('swap', swap, LOAD_MILLIS)
        } catch (error) {
          if (!worker.gone) worker.kill(`it did not take program ${program.version}: ${String(error)}`)
        }
      }),
    )
  }

  /** The stand-by tries the program first: whatever it does there costs nobody a call. Resolves to what the program configures. */
  async #tryOnStandby(program: Program, config: EngineConfig): Promise<EngineConfig> {
    const { pool, source, log, logFormat } = this.#options
    const { script, version } = program
    // A .ts would be tried in a process of its own, which starts no sooner, least of all beside the stand-by that starts.
    const standby = script.language === 'ts' ? await pool.standbyWithin(LOAD_MILLIS) : pool.standby
    if (!standby) return source.configOf(script, await tryProgram(program, log.level, logFormat))
    try {
      const limits = programLimits(config)
      const { config: raw } = await standby.ask('load', { program, ...limits }, LOAD_MILLIS)
      const next = source.configOf(script, raw)
      const swapped = reloadable(config, next)
      const wanted = programLimits(swapped)
      // A program that sets limits of its own is loaded within them.
      if (wanted.runMillis !== limits.runMillis || wanted.isolateMegabytes !== limits.isolateMegabytes)
        await standby.ask('load', { program, ...wanted }, LOAD_MILLIS)
      await standby.ask('swap', { version, config: pool.shareOf(swapped) }, LOAD_MILLIS)
      // True from now on, whatever becomes of the reload: on its turn it would be given the program in force.
      pool.standbyRuns(version)
      return next
    } catch (error) {
      // Whatever it holds now, the next stand-by starts clean with the running program.
      pool.discardStandby('it tried a program that was refused')
      throw error
    }
  }
}

/** Certificates are renewed under a script that stays as it is. */
function mustHaveFitCertificates({ tls }: EngineConfig): void {
  for (const [name, profile] of Object.entries(tls.profiles)) {
    const fault = profileFault(profile, (path) => readFileSync(path, 'utf8'))
    if (fault) throw new SignalboxError('ERR_TLS', `TLS profile '${name}' keeps its old certificates: ${fault.why}`)
  }
}

function programLimits({ limits: { runMillis, isolateMegabytes } }: EngineConfig) {
  return { runMillis, isolateMegabytes }
}
