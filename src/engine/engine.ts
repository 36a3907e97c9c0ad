// Owns the composition root: puts transport, transactions, proxy, script, media and log together, and takes them apart again.
import { randomBytes } from 'node:crypto'
import { type Clock, systemClock } from '../clock.ts'
import { SignalboxError } from '../errors.ts'
import { type Log, silentLog } from '../log.ts'
import type { MediaRelay } from '../media/index.ts'
import { ProxyCore } from '../proxy/index.ts'
import {
  type CompiledScript,
  compileScript,
  type Diagnostic,
  formatDiagnostic,
  loadProgram,
  type RouteProgram,
} from '../script/index.ts'
import { createIds, DEFAULT_PARSE_LIMITS, type IdSource, type ParseLimits } from '../sip/index.ts'
import { TransactionLayer } from '../transaction/index.ts'
import {
  createTransport,
  type Listener,
  type TransportLayer,
  type TransportLimits,
  type TransportOptions,
} from '../transport/index.ts'
import { logCall } from './call-log.ts'
import { type ConfigOverride, DEFAULT_LIMITS, type EngineConfig, needsRestart, reloadable } from './config.ts'
import { createCounters, type EngineCounters } from './counters.ts'
import { declareReadings } from './engine-metrics.ts'
import { HostServices } from './host-services.ts'
import { loadConfig } from './load-config.ts'
import { asEngineLog, type EngineLog } from './logger.ts'
import { MediaServices } from './media-services.ts'
import { type ReadFile, readLatin1 } from './read-file.ts'
import { noRunSlot, type RunSlot } from './run-slot.ts'
import { ScriptRouter } from './script-router.ts'
import { RunTable } from './script-run.ts'
import type { EngineStatus, EngineView } from './view.ts'

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
  /** Sessions that an engine before this one opened. */
  adoptMedia(callIds: Iterable<string>): void
}

/**
 * Puts an engine together from a file.
 * @throws SignalboxError ERR_COMPILE or ERR_CONFIG whose message holds the diagnostics with their carets
 */
export async function createEngine(options: EngineOptions): Promise<Engine> {
  const { file, readFile = readLatin1, env = process.env, defines = new Map<string, string>() } = options
  const override: ConfigOverride = options.listen?.length ? { listen: options.listen } : {}
  const tlsFiles = options.transport ? 'unread' : 'required'
  const compile = async (): Promise<{ script: CompiledScript } | { diagnostics: readonly Diagnostic[] }> => {
    const result = await compileScript(file, { defines, env, readFile })
    return result.ok ? { script: result.script } : { diagnostics: result.diagnostics }
  }
  const configOf = (script: CompiledScript, raw: unknown) =>
    loadConfig({ file, language: script.language, raw, override, readFile, tlsFiles })
  const compiled = await compile()
  if ('diagnostics' in compiled) throw refused('ERR_COMPILE', compiled.diagnostics)
  const engine = new ComposedEngine(options, async () => {
    const again = await compile()
    if ('diagnostics' in again) return { ok: false, diagnostics: again.diagnostics }
    const version = engine.version + 1
    const raw = await engine.load(again.script, version, engine.config.limits)
    const config = configOf(again.script, raw)
    if (!config.ok) {
      engine.discard(version)
      return { ok: false, diagnostics: config.diagnostics }
    }
    engine.swap(version, reloadable(engine.config, config.config))
    const restart = needsRestart(engine.config, config.config)
    if (restart.length > 0)
      engine.log.warn(
        { event: 'restart-needed', parts: restart },
        `a change of ${restart.join(' and ')} needs a restart`,
      )
    return { ok: true, diagnostics: config.diagnostics }
  })
  // The configuration of a .ts is known only once its program has been loaded, so limits are the defaults for that.
  const raw = await engine.load(compiled.script, 1, DEFAULT_LIMITS)
  const config = configOf(compiled.script, raw)
  if (!config.ok) {
    engine.discard(1)
    throw refused('ERR_CONFIG', config.diagnostics)
  }
  await engine.compose(config.config)
  engine.swap(1, config.config)
  return engine
}

/** Puts an engine together in a worker. */
export async function createPreparedEngine(options: PreparedEngineOptions): Promise<PreparedEngine> {
  const { script, version, config } = options
  const engine = new ComposedEngine({ ...options, file: script.file }, async () => {
    throw new SignalboxError('ERR_USAGE', 'a worker is reloaded by its supervisor')
  })
  await engine.load(script, version, config.limits)
  await engine.compose(config)
  engine.swap(version, config)
  return engine
}

function refused(code: 'ERR_COMPILE' | 'ERR_CONFIG', diagnostics: readonly Diagnostic[]): SignalboxError {
  return new SignalboxError(
    code,
    diagnostics
      .filter((d) => d.severity === 'error')
      .map((d) => formatDiagnostic(d))
      .join('\n'),
  )
}

interface Composition extends Omit<EngineOptions, 'defines' | 'listen' | 'readFile'> {
  readonly slot?: RunSlot
}

class ComposedEngine implements PreparedEngine {
  readonly log: EngineLog
  config!: EngineConfig
  readonly #options: Composition
  readonly #clock: Clock
  readonly #counters: EngineCounters = createCounters()
  readonly #runs = new RunTable()
  readonly #media: MediaServices
  readonly #host: HostServices
  readonly #slot: RunSlot
  readonly #reload: () => Promise<ReloadOutcome>
  /** Programs that are loaded and not in force. */
  readonly #loaded = new Map<number, RouteProgram>()
  #program: RouteProgram | undefined
  #transport!: TransportLayer
  #transactions!: TransactionLayer
  #proxy!: ProxyCore
  #draining = false
  #closed = false
  readonly #ending = new Set<Promise<void>>()

  constructor(options: Composition, reload: () => Promise<ReloadOutcome>) {
    this.#options = options
    this.#reload = reload
    this.#clock = options.clock ?? systemClock
    this.log = asEngineLog(options.log ?? silentLog)
    this.#slot = options.slot ?? noRunSlot
    const { relay } = options
    this.#media = new MediaServices({ relay, counters: this.#counters, log: this.log })
    if (relay) {
      relay.onTimeout = (callId, reason) => {
        this.log.info({ callId, reason }, 'the media relay ended a session in which nothing flowed')
        this.#media.timedOut(callId)
      }
    }
    this.#host = new HostServices({
      runs: this.#runs,
      media: this.#media,
      transport: () => this.#transport,
      slot: this.#slot,
      log: this.log,
      env: options.env ?? process.env,
    })
  }

  get version(): number {
    return this.#program?.version ?? 0
  }

  get view(): EngineView {
    return { status: () => this.#status(), listeners: this.#transport.listeners }
  }

  async load(
    script: CompiledScript,
    version: number,
    limits: { runMillis: number; isolateMegabytes: number },
  ): Promise<unknown> {
    const program = await loadProgram(script, { version, host: this.#host, limits, clock: this.#clock, log: this.log })
    this.#loaded.set(version, program)
    return program.config
  }

  /** Forgets a program that was loaded and is not wanted. */
  discard(version: number): void {
    this.#loaded.get(version)?.release()
    this.#loaded.delete(version)
  }

  swap(version: number, config: EngineConfig): void {
    const program = this.#loaded.get(version)
    if (!program) throw new SignalboxError('ERR_SCRIPT', `program ${version} is not loaded`)
    this.#loaded.delete(version)
    for (const stale of [...this.#loaded.keys()]) this.discard(stale)
    const before = this.#program
    this.#program = program
    before?.release()
    this.#apply(config)
  }

  adoptMedia(callIds: Iterable<string>): void {
    this.#media.adopt(callIds)
  }

  async compose(config: EngineConfig): Promise<void> {
    const options = this.#options
    this.config = config
    const transportOptions: TransportOptions = {
      listen: config.listen,
      clock: this.#clock,
      log: this.log,
      ...transportSettings(config),
    }
    this.#transport = (options.transport ?? createTransport)(transportOptions)
    const ids = options.ids ?? createIds((bytes) => randomBytes(bytes).toString('hex'))
    this.#transactions = new TransactionLayer({
      clock: this.#clock,
      transport: this.#transport,
      log: this.log,
      ...transactionSettings(config),
    })
    const router = new ScriptRouter({
      active: () => this.#program!,
      runs: this.#runs,
      slot: this.#slot,
      counters: this.#counters,
      log: this.log,
      requestEnded: (context) => this.#media.requestEnded(context),
      callEnded: (call) => {
        const ending: Promise<void> = logCall(call, this.#media, this.#counters, this.log).finally(() =>
          this.#ending.delete(ending),
        )
        this.#ending.add(ending)
      },
    })
    this.#proxy = new ProxyCore({
      transactions: this.#transactions,
      router,
      clock: this.#clock,
      ids,
      log: this.log,
      ...proxySettings(config),
    })
    declareReadings(this.#counters.metrics, {
      transport: () => this.#transport.stats(),
      transactions: () => this.#transactions.stats(),
      proxy: () => this.#proxy.stats(),
      runs: () => this.#runs.size,
    })
  }

  async start(): Promise<void> {
    await this.#transport.start(this.#transactions)
  }

  async reload(): Promise<ReloadOutcome> {
    const outcome = await this.#reload().catch((error: unknown): ReloadOutcome => {
      return { ok: false, diagnostics: [problem(this.#options.file, error)] }
    })
    this.#counters.reloads.add({ result: outcome.ok ? 'ok' : 'refused' })
    if (outcome.ok) this.log.info({ event: 'reload', program: this.version }, 'the new program takes new requests')
    else {
      const text = outcome.diagnostics.map((d) => formatDiagnostic(d)).join('\n')
      this.log.error(
        { event: 'reload-failed', program: this.version },
        `the new program is refused, the running one stays:\n${text}`,
      )
    }
    return outcome
  }

  async drain(seconds: number): Promise<void> {
    this.#draining = true
    const empty = this.#proxy.drain()
    if (seconds <= 0) return
    let timer: { cancel(): void } | undefined
    const late = new Promise<void>((resolve) => {
      timer = this.#clock.setTimer(seconds * 1000, resolve)
    })
    await Promise.race([empty, late])
    timer?.cancel()
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#proxy.close()
    await Promise.all(this.#ending)
    await this.#media.closeAll()
    await this.#transport.close()
    for (const version of [...this.#loaded.keys()]) this.discard(version)
    this.#program?.release()
  }

  metrics(): Promise<string> {
    return this.#counters.metrics.text()
  }

  /** Puts what a reload can change in force. */
  #apply(config: EngineConfig): void {
    this.config = { ...config, listen: this.config.listen }
    this.#transport.update(transportSettings(config))
    this.#transactions.update(transactionSettings(config))
    this.#proxy.update(proxySettings(config))
  }

  #status(): EngineStatus {
    const proxy = this.#proxy.stats()
    const transport = this.#transport.stats()
    const sum = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((a, b) => a + b, 0)
    return {
      file: this.#options.file,
      language: this.#program!.language,
      program: this.version,
      listen: this.#transport.listeners.map(shownListener),
      calls: proxy.calls,
      transactions: this.#transactions.stats().open,
      runs: this.#runs.size,
      mediaCalls: this.#media.openCalls,
      connections: transport.connections.open,
      received: sum(transport.received),
      sent: sum(transport.sent),
      draining: this.#draining,
    }
  }
}

function shownListener(listener: Listener): string {
  const host = listener.address.includes(':') ? `[${listener.address}]` : listener.address
  return `${listener.transport}:${host}:${listener.port}`
}

function transportSettings(config: EngineConfig) {
  const { limits } = config
  const parseLimits: Partial<ParseLimits> = {
    messageBytes: limits.messageBytes,
    bodyBytes: Math.min(DEFAULT_PARSE_LIMITS.bodyBytes, limits.messageBytes),
  }
  const transportLimits: Partial<TransportLimits> = {
    connections: limits.connections,
    connectionsPerSource: limits.connectionsPerSource,
  }
  return { alias: config.alias, hosts: config.hosts, tls: config.tls, limits: transportLimits, parseLimits }
}

function transactionSettings(config: EngineConfig) {
  const { transactions, transactionsPerSource } = config.limits
  return {
    timers: { fr: config.timers.fr, frInv: config.timers.frInv },
    limits: { transactions, transactionsPerSource },
  }
}

function proxySettings(config: EngineConfig) {
  return {
    limits: { calls: config.limits.transactions },
    options: { maxCallMillis: config.timers.maxCall * 1000 },
  }
}

function problem(file: string, error: unknown): Diagnostic {
  const message = error instanceof Error ? error.message : String(error)
  return { severity: 'error', code: 'load', message, file, line: 1, column: 1, sourceLine: '' }
}
