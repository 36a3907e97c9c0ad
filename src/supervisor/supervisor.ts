// Owns the running program as a whole: relay, sockets, programs and their reload, workers, administration, and the orderly end.
import { type AdminServer, startAdminServer } from '../admin/index.ts'
import {
  type ConfigOverride,
  createRelay,
  type EngineConfig,
  type EngineLog,
  type EngineStatus,
  type LogFormat,
  loadConfig,
  Metrics,
  needsRestart,
  readLatin1,
  reloadable,
  usesMedia,
} from '../engine/index.ts'
import { SignalboxError } from '../errors.ts'
import {
  type CompiledScript,
  compileScript,
  type Diagnostic,
  formatDiagnostic,
  loadDiagnostic,
  type ScriptWatcher,
  watchScripts,
} from '../script/index.ts'
import { type ControlAnswer, openControlSocket } from './control-socket.ts'
import { FatalMessages } from './fatal-messages.ts'
import { lastWords } from './last-words.ts'
import type { FromWorker } from './messages.ts'
import { ProgramHistory } from './program-history.ts'
import { RelayService } from './relay-service.ts'
import { createSharedStore } from './shared-store.ts'
import type { RunReading } from './slot-memory.ts'
import { bindSockets, type SocketSet } from './socket-set.ts'
import { tryProgram } from './trial.ts'
import { WorkerPool } from './worker-pool.ts'
import type { WorkerProcess } from './worker-process.ts'

const LOAD_MILLIS = 10_000
/** What is left of the 5 s in which a stopped program has to be gone, after the time for draining. */
const END_MILLIS = 4_000
/** V8's heap of a worker outside of isolates. */
const WORKER_MEGABYTES = 1024

export interface SupervisorOptions {
  readonly file: string
  readonly defines: ReadonlyMap<string, string>
  readonly override: ConfigOverride
  /** `address:port` where others may drive the relay. */
  readonly listenNg?: string
  readonly log: EngineLog
  readonly logFormat: LogFormat
  readonly control?: string
  readonly metrics?: string
  readonly drainSeconds: number
  /** Workers keep their own loudness when the command line names none: what the file asks for. */
  readonly logLevelGiven: boolean
  /** Milliseconds of processor time without an end after which a run takes its worker with it; default follows from limits.runMillis. */
  readonly hangMillis?: number
}

export class Supervisor {
  readonly #options: SupervisorOptions
  readonly #history = new ProgramHistory()
  readonly #metrics = new Metrics()
  readonly #log: EngineLog
  #sockets: SocketSet | undefined
  #relay: RelayService | undefined
  #pool: WorkerPool | undefined
  #admin: AdminServer | undefined
  #control: { close(): void } | undefined
  #watcher: ScriptWatcher | undefined
  #reloading: Promise<ReloadResult> | undefined
  #nextReload: Promise<ReloadResult> | undefined
  #stopping: Promise<void> | undefined
  #ended!: (status: number) => void
  readonly #end = new Promise<number>((resolve) => {
    this.#ended = resolve
  })
  readonly #fatal = new FatalMessages()
  readonly #store = createSharedStore()
  #closed = false
  #started = false
  #savedEarly = false
  #repliesGiven = 0
  #withdrawn = 0
  readonly #startedAt = Date.now()

  constructor(options: SupervisorOptions) {
    this.#options = options
    this.#log = options.log
  }

  /** Resolves to the exit status when everything is over. */
  get ended(): Promise<number> {
    return this.#end
  }

  /** Starts everything; rejects when something cannot, and then leaves nothing running. */
  async start(): Promise<void> {
    try {
      await this.#start()
    } catch (error) {
      await this.#close()
      // Stopped while it started: that is no error.
      if (this.#stopping) return
      const isScript = error instanceof SignalboxError && error.code.startsWith('ERR_SCRIPT')
      throw isScript ? new SignalboxError(error.code, told(error, this.#options.file)) : error
    }
  }

  async #start(): Promise<void> {
    const { file, log } = this.#options
    this.#watcher = watchScripts([file], () => void this.reload())
    const script = await this.#compile()
    this.#mayGoOn()
    const version = this.#history.nextVersion()
    const config = this.#configOf(
      script,
      await tryProgram({ version, script }, this.#log.level, this.#options.logFormat),
    )
    this.#history.accept({ version, script, config })
    this.#mayGoOn()
    const relay = await createRelay(config.media, this.#options.listenNg, log)
    this.#relay = new RelayService(relay)
    this.#relay.onTimeout = (callId, reason, stats) =>
      this.#pool?.active?.send({ type: 'media-timeout', callId, reason, ...(stats ? { stats } : {}) })
    if (!relay && usesMedia(script))
      log.warn({ file }, 'the script uses a media relay, but none is set up: its media functions will fail')
    this.#sockets = bindSockets(config)
    this.#pool = new WorkerPool({
      sockets: this.#sockets,
      history: this.#history,
      log: this.#workerLog(config),
      logFormat: this.#options.logFormat,
      memoryMegabytes: WORKER_MEGABYTES,
      storeFile: this.#store.file,
      ...(this.#options.hangMillis === undefined ? {} : { hangMillis: this.#options.hangMillis }),
      mediaCalls: () => this.#relay?.calls ?? [],
      fatalMessages: () => this.#fatal.recent(),
      message: (worker, message) => this.#fromWorker(worker, message),
      died: (run, why) => this.#workerDied(run, why),
      hopeless: (why) => {
        log.error({ why }, 'giving up')
        void this.#close().then(() => this.#ended(1))
      },
    })
    this.#mayGoOn()
    await this.#pool.start()
    this.#mayGoOn()
    this.#declareMetrics()
    if (this.#options.metrics) this.#admin = await startAdminServer(this.#options.metrics, this.#adminSource(), log)
    if (this.#options.control)
      this.#control = await openControlSocket(this.#options.control, (c) => this.#controlled(c), log)
    this.#watcher.update(script.files)
    await this.#watcher.ready
    this.#started = true
    // Saved while it started: the program that serves may be older than the file.
    if (this.#savedEarly) void this.reload()
    log.info(
      {
        event: 'ready',
        file,
        program: version,
        listen: config.listen.map((spec) => `${spec.transport}:${spec.address}:${spec.port}`),
        ...(config.media.embedded ? { media: config.media.embedded.interfaces } : {}),
        ...(this.#admin ? { metrics: `http://${this.#admin.address}:${this.#admin.port}/metrics` } : {}),
      },
      'signalbox serves',
    )
  }

  /** Throws when the program was stopped while it started. */
  #mayGoOn(): void {
    if (this.#closed) throw new SignalboxError('ERR_USAGE', 'stopped while it started')
  }

  /** The loudness of workers: the command line's, else the file's. */
  #workerLog(config: EngineConfig): EngineLog {
    if (this.#options.logLevelGiven || !config.logLevel) return this.#log
    return { ...bindLog(this.#log), level: config.logLevel }
  }

  /** Reads the script again. While one reading is under way, the next begins when it is over, for all who ask meanwhile. */
  reload(): Promise<ReloadResult> {
    if (!this.#started) {
      this.#savedEarly = true
      return Promise.resolve({ ok: false, version: 0, error: 'the program is still starting' })
    }
    if (this.#nextReload) return this.#nextReload
    const under = this.#reloading
    if (!under) return this.#beginReload()
    this.#nextReload = under.then(() => {
      this.#nextReload = undefined
      return this.#beginReload()
    })
    return this.#nextReload
  }

  #beginReload(): Promise<ReloadResult> {
    const reading = this.#reload().finally(() => {
      if (this.#reloading === reading) this.#reloading = undefined
    })
    this.#reloading = reading
    return reading
  }

  async #reload(): Promise<ReloadResult> {
    if (this.#closed) return { ok: false, version: 0, error: 'the program ends' }
    const running = this.#history.active!
    try {
      const script = await this.#compile()
      this.#watch(script.files)
      if (
        script.code === running.script.code &&
        JSON.stringify(script.settings) === JSON.stringify(running.script.settings)
      )
        return { ok: true, version: running.version, unchanged: true }
      const version = this.#history.nextVersion()
      const program = { version, script }
      const next = this.#configOf(script, await this.#tryOnStandby(program, running.config))
      const restart = needsRestart(running.config, next)
      const config = reloadable(running.config, next)
      const active = this.#pool?.active
      if (active) {
        await active.ask('load', { program, ...programLimits(config) }, LOAD_MILLIS)
        await active.ask('swap', { version, config }, LOAD_MILLIS)
      }
      this.#history.accept({ version, script, config })
      await this.#replaceSets(running.config, config)
      if (restart.length > 0)
        this.#log.warn(
          { event: 'restart-needed', parts: restart },
          `a change of ${restart.join(' and ')} needs a restart; the rest takes effect`,
        )
      this.#log.info({ event: 'reload', file: script.file, program: version }, 'the new program takes new requests')
      return { ok: true, version }
    } catch (error) {
      this.#watch(error instanceof RefusedScript ? error.files : running.script.files)
      const text = told(error, this.#options.file)
      this.#log.error(
        { event: 'reload-failed', file: this.#options.file, program: running.version },
        `the new program is refused, the running one stays:\n${text}`,
      )
      return { ok: false, version: running.version, error: text }
    }
  }

  /** Remote relays take effect on save; an embedded one needs a restart. */
  async #replaceSets(running: EngineConfig, next: EngineConfig): Promise<void> {
    if (next.media.embedded || JSON.stringify(running.media.sets) === JSON.stringify(next.media.sets)) return
    this.#relay?.replace(await createRelay(next.media, undefined, this.#log))
  }

  #watch(files: readonly string[]): void {
    if (!this.#closed) this.#watcher?.update(files)
  }

  /** The stand-by tries the program first: whatever it does there costs nobody a call. */
  async #tryOnStandby(program: { version: number; script: CompiledScript }, config: EngineConfig): Promise<unknown> {
    const standby = this.#pool?.standby
    if (!standby) return tryProgram(program, this.#log.level, this.#options.logFormat)
    try {
      const { config: raw } = await standby.ask('load', { program, ...programLimits(config) }, LOAD_MILLIS)
      const swapped = reloadable(config, this.#configOf(program.script, raw))
      // The limits of a .ts are known only now.
      await standby.ask('load', { program, ...programLimits(swapped) }, LOAD_MILLIS)
      await standby.ask('swap', { version: program.version, config: swapped }, LOAD_MILLIS)
      // True from now on, whatever becomes of the reload: on its turn it would be given the program in force.
      this.#pool?.standbyRuns(program.version)
      return raw
    } catch (error) {
      // Whatever it holds now, the next stand-by starts clean with the running program.
      this.#pool?.discardStandby('it tried a program that was refused')
      throw error
    }
  }

  /** Drains and ends; a second call ends at once. */
  stop(how: 'drain' | 'now'): void {
    if (how === 'now') {
      this.#stopping ??= Promise.resolve()
      void this.#close().then(() => this.#ended(0))
      return
    }
    this.#stopping ??= this.#drain().then(() => this.#ended(0))
  }

  async #drain(): Promise<void> {
    const seconds = this.#options.drainSeconds
    this.#log.info({ seconds }, 'draining: no new calls')
    this.#closed = true
    void this.#watcher?.close()
    this.#pool?.stopReplacing()
    const worker = this.#pool?.active
    try {
      await worker?.ask('drain', { seconds }, seconds * 1000 + END_MILLIS - 1000)
    } catch (error) {
      this.#log.warn({ error: String(error) }, 'the worker did not end by itself')
    }
    await this.#close()
    this.#log.info({}, 'ended')
  }

  async #close(): Promise<void> {
    this.#closed = true
    void this.#watcher?.close()
    this.#control?.close()
    await Promise.allSettled([this.#pool?.close(), this.#relay?.close(), this.#admin?.close()])
    this.#sockets?.close()
    this.#store.remove()
  }

  async #compile(): Promise<CompiledScript> {
    const { file, defines } = this.#options
    const result = await compileScript(file, { defines, env: process.env })
    if (!result.ok) throw refused(result.diagnostics, result.files)
    this.#warn(result.diagnostics)
    return result.script
  }

  #configOf(script: CompiledScript, raw: unknown): EngineConfig {
    const { file, language } = script
    const result = loadConfig({
      file,
      language,
      raw,
      override: this.#options.override,
      tlsFiles: 'required',
      readFile: readLatin1,
    })
    if (!result.ok) throw refused(result.diagnostics, script.files)
    this.#warn(result.diagnostics)
    if (result.config.listen.length === 0)
      throw new SignalboxError(
        'ERR_CONFIG',
        `${file} names no address to listen on; add \`listen\` to its config, or give -l udp:ADDRESS:PORT`,
      )
    return result.config
  }

  #warn(diagnostics: readonly Diagnostic[]): void {
    for (const d of diagnostics) {
      if (d.severity === 'warning') this.#log.warn({}, formatDiagnostic(d))
      else if (d.severity === 'note') this.#log.info({}, formatDiagnostic(d))
    }
  }

  #fromWorker(worker: WorkerProcess, message: FromWorker): void {
    if (message.type !== 'media') return
    const { id, command, request } = message
    if (!this.#relay) return
    this.#relay.perform(command, request).then(
      (result) => worker.send({ type: 'media-result', id, ...(result ? { result } : {}) }),
      (error: unknown) => {
        const code = error instanceof SignalboxError ? error.code : 'ERR_MEDIA'
        worker.send({
          type: 'media-result',
          id,
          error: { code, message: error instanceof Error ? error.message : String(error) },
        })
      },
    )
  }

  #workerDied(run: RunReading | undefined, why: string): void {
    this.#log.error(
      { event: 'worker-lost', why, ...(run ? { program: run.program } : {}) },
      'a worker ended and is replaced',
    )
    if (!run) return
    this.#fatal.add(run.message)
    const words = lastWords(run)
    const source = `${run.transport}:${run.remoteAddress}:${run.remotePort}`
    if (words) {
      this.#repliesGiven++
      this.#sockets?.send(run.listener, words.wire, words.address, words.port)
      this.#log.warn({ source }, 'the message it was working on is answered 500')
    } else
      this.#log.warn(
        { source },
        'the message it was working on goes without an answer: its connection is gone, or it was none to answer',
      )
    const blame = this.#history.blame(run.program)
    if (blame.verdict === 'withdrawn') {
      this.#withdrawn++
      this.#log.error(
        {
          event: 'withdrawn',
          withdrawn: run.program,
          program: blame.predecessor.version,
          file: blame.predecessor.script.file,
        },
        `PROGRAM ${run.program} IS WITHDRAWN: it took workers down twice; program ${blame.predecessor.version} takes its place until the file is mended`,
      )
    } else if (blame.verdict === 'alone')
      this.#log.error(
        { program: run.program },
        `program ${run.program} took workers down ${this.#history.kills(run.program)} times and has no predecessor`,
      )
  }

  #declareMetrics(): void {
    const m = this.#metrics
    m.gauge(
      'signalbox_program_version',
      'Version of the program that takes new requests.',
      () => this.#history.active?.version ?? 0,
    )
    m.gauge('signalbox_worker_up', '1 while a worker serves.', () => (this.#pool?.active ? 1 : 0))
    m.reading(
      'signalbox_worker_restarts_total',
      'Workers that died or were killed while they served.',
      () => this.#pool?.restarts ?? 0,
    )
    m.reading(
      'signalbox_programs_withdrawn_total',
      'Programs withdrawn because they took workers down.',
      () => this.#withdrawn,
    )
    m.reading(
      'signalbox_supervisor_replies_total',
      'Messages answered 500 in place of a dead worker.',
      () => this.#repliesGiven,
    )
    m.gauge('signalbox_media_calls', 'Calls with an open media session.', () => this.#relay?.callCount ?? 0)
    m.gauge('signalbox_start_time_seconds', 'When the program started.', () => this.#startedAt / 1000)
  }

  #adminSource() {
    return {
      metrics: async () => {
        const own = await this.#metrics.text()
        const worker = await this.#pool?.active?.ask('metrics', {}, 2_000).catch(() => undefined)
        return `${own}\n${worker?.text ?? ''}`
      },
      health: () => ({
        ok: this.#pool?.active !== undefined && !this.#stopping,
        detail: {
          program: this.#history.active?.version ?? 0,
          restarts: this.#pool?.restarts ?? 0,
          draining: this.#stopping !== undefined,
        },
      }),
    }
  }

  async #controlled(command: 'status' | 'reload' | 'stop'): Promise<ControlAnswer> {
    switch (command) {
      case 'status':
        return { ok: true, result: await this.status() }
      case 'reload': {
        const result = await this.reload()
        return result.ok ? { ok: true, result } : { ok: false, error: result.error ?? 'refused', result }
      }
      case 'stop':
        this.stop('drain')
        return { ok: true, result: { draining: this.#options.drainSeconds } }
    }
  }

  async status(): Promise<SupervisorStatus> {
    const engine = await this.#pool?.active?.ask('status', {}, 2_000).catch(() => undefined)
    return {
      file: this.#options.file,
      program: this.#history.active?.version ?? 0,
      pid: process.pid,
      uptimeSeconds: Math.round((Date.now() - this.#startedAt) / 1000),
      worker: this.#pool?.active?.pid,
      standby: this.#pool?.standby?.pid,
      restarts: this.#pool?.restarts ?? 0,
      withdrawn: this.#withdrawn,
      mediaCalls: this.#relay?.callCount ?? 0,
      engine,
    }
  }
}

export interface ReloadResult {
  readonly ok: boolean
  /** The version that takes new requests now. */
  readonly version: number
  readonly unchanged?: true
  readonly error?: string
}

export interface SupervisorStatus {
  readonly file: string
  readonly program: number
  readonly pid: number
  readonly uptimeSeconds: number
  readonly worker: number | undefined
  readonly standby: number | undefined
  readonly restarts: number
  readonly withdrawn: number
  readonly mediaCalls: number
  readonly engine: EngineStatus | undefined
}

/** A script that does not compile or whose configuration is wrong; the message holds the diagnostics with their carets. */
export class RefusedScript extends SignalboxError {
  readonly files: readonly string[]
  readonly diagnostics: readonly Diagnostic[]

  constructor(diagnostics: readonly Diagnostic[], files: readonly string[]) {
    super('ERR_COMPILE', diagnostics.map((d) => formatDiagnostic(d)).join('\n'))
    this.files = files
    this.diagnostics = diagnostics
  }
}

function programLimits({ limits: { runMillis, isolateMegabytes } }: EngineConfig) {
  return { runMillis, isolateMegabytes }
}

/** What is wrong, at its place in the script where it names one. */
function told(error: unknown, file: string): string {
  if (error instanceof RefusedScript || !(error instanceof SignalboxError))
    return error instanceof Error ? error.message : String(error)
  return formatDiagnostic(loadDiagnostic(error, file))
}

function refused(diagnostics: readonly Diagnostic[], files: readonly string[]): RefusedScript {
  return new RefusedScript(
    diagnostics.filter((d) => d.severity === 'error'),
    files,
  )
}

function bindLog(log: EngineLog): EngineLog {
  return {
    level: log.level,
    enabled: (level) => log.enabled(level),
    child: (fields) => log.child(fields),
    debug: (fields, message) => log.debug(fields, message),
    info: (fields, message) => log.info(fields, message),
    warn: (fields, message) => log.warn(fields, message),
    error: (fields, message) => log.error(fields, message),
  }
}
