// Owns the composition root: puts transport, transactions, proxy, script, media and log together, and takes them apart again.
import { dirname, resolve } from 'node:path'
import { type Clock, systemClock } from '../clock.ts'
import { SignalboxError } from '../errors.ts'
import { silentLog } from '../log.ts'
import { OverloadControl, ProxyCore } from '../proxy/index.ts'
import {
  type CompiledScript,
  type Diagnostic,
  formatDiagnostic,
  type HostOps,
  type LoadedProgram,
  ProgramStore,
  type RehearsedProgram,
} from '../script/index.ts'
import { createServices, ServiceTable } from '../services/index.ts'
import { createIds } from '../sip/index.ts'
import { createMemoryStore, type Store } from '../store/index.ts'
import { TransactionLayer } from '../transaction/index.ts'
import { createTransport, type TransportLayer } from '../transport/index.ts'
import { logCall } from './call-log.ts'
import { DEFAULT_LIMITS, type EngineConfig, needsRestart, reloadable } from './config.ts'
import { createCounters, type EngineCounters } from './counters.ts'
import { Edge } from './edge.ts'
import { declareReadings } from './engine-metrics.ts'
import { hostNamesOf } from './host-names.ts'
import { HostServices } from './host-services.ts'
import { loadConfig } from './load-config.ts'
import { asEngineLog, type EngineLog } from './logger.ts'
import { MediaServices } from './media-services.ts'
import { movesCalls } from './media-setup.ts'
import { randomHex } from './random-hex.ts'
import { readLatin1 } from './read-file.ts'
import { noRunSlot, type RunSlot } from './run-slot.ts'
import { ScriptRouter } from './script-router.ts'
import { RunTable } from './script-run.ts'
import { serviceHost } from './service-host.ts'
import { proxySettings, transactionSettings, transportSettings } from './settings.ts'
import { type OtherRequests, TransactionOperations } from './transaction-operations.ts'
import type { Engine, EngineOptions, Legacy, PreparedEngine, PreparedEngineOptions, ReloadOutcome } from './types.ts'
import { type EngineStatus, type EngineView, shownListener } from './view.ts'

/**
 * Puts an engine together from a file.
 * @throws SignalboxError ERR_COMPILE or ERR_CONFIG whose message holds the diagnostics with their carets
 */
export async function createEngine(options: EngineOptions): Promise<Engine> {
  const engine = new ComposedEngine(options)
  const outcome = await engine.loadFile()
  if (outcome.ok) return engine
  await engine.close()
  const errors = outcome.diagnostics.filter((d) => d.severity === 'error')
  const code = errors.every((d) => d.code === 'config') ? 'ERR_CONFIG' : 'ERR_COMPILE'
  throw new SignalboxError(code, errors.map((d) => formatDiagnostic(d)).join('\n'))
}

/** Puts an engine together in a worker. */
export async function createPreparedEngine(options: PreparedEngineOptions): Promise<PreparedEngine> {
  const { script, version, config } = options
  const engine = new ComposedEngine({ ...options, file: script.file })
  await engine.load(script, version, config.limits)
  engine.swap(version, config)
  return engine
}

/** RFC 3261 17.1: after 64*T1 nobody sends the same message again. */
const FATAL_MILLIS = 32_000

interface Composition extends EngineOptions {
  readonly slot?: RunSlot
}

class ComposedEngine implements PreparedEngine {
  readonly #log: EngineLog
  readonly #options: Composition
  readonly #clock: Clock
  readonly #counters: EngineCounters = createCounters()
  readonly #runs = new RunTable()
  readonly #media: MediaServices
  readonly #slot: RunSlot
  readonly #programs: ProgramStore
  /** Programs that are loaded and not in force, by version. */
  readonly #prepared = new Map<number, LoadedProgram>()
  /** Call lines that wait for the final counters of their media. */
  readonly #ending = new Set<Promise<void>>()
  readonly #fatal = new Set<string>()
  /** Of the next program to be prepared. */
  #programLimits: { runMillis: number; isolateMegabytes: number } = DEFAULT_LIMITS
  /** What the file said when it was last read. */
  #read: EngineConfig | undefined
  #config: EngineConfig | undefined
  #transport!: TransportLayer
  #transactions!: TransactionLayer
  #services!: ServiceTable
  #requests: OtherRequests | undefined
  /** Names of our addresses, where auto_aliases asks for them. */
  #ownNames: readonly string[] = []
  readonly #suspended = new TransactionOperations(() => this.#requests!)
  #store: Store | undefined
  #proxy: ProxyCore | undefined
  #draining = false
  #closed = false

  constructor(options: Composition) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#log = asEngineLog(options.log ?? silentLog)
    this.#slot = options.slot ?? noRunSlot
    const { relay, env = process.env, defines, readFile } = options
    this.#media = new MediaServices({
      clock: this.#clock,
      relay,
      counters: this.#counters,
      log: this.#log,
      moving: () => this.#config !== undefined && movesCalls(this.#config),
      reoffer: (callId, tag, sdp) => this.#services.reoffer(callId, tag, sdp),
    })
    if (relay) {
      relay.onLost = (callIds) => this.#media.lost(callIds)
      relay.onTimeout = (callId, reason, stats) => {
        this.#log.info({ callId, reason }, 'the media relay ended a session in which nothing flowed')
        this.#media.timedOut(callId, stats)
        this.#services.mediaTimedOut(callId, reason)
      }
    }
    const host = new HostServices({
      runs: this.#runs,
      services: () => this.#services,
      media: this.#media,
      transport: () => this.#transport,
      slot: this.#slot,
      log: this.#log,
      env,
      transactions: this.#suspended,
    })
    this.#programs = new ProgramStore({
      host,
      compile: { env, ...(defines ? { defines } : {}), ...(readFile ? { readFile } : {}) },
      limits: () => this.#programLimits,
      clock: this.#clock,
      log: this.#log,
      accept: (program) => this.#readConfig(program),
    })
  }

  get view(): EngineView {
    return { status: () => this.#status(), listeners: this.#transport.listeners }
  }

  /** Compiles the file, loads it, and puts program and configuration in force. */
  async loadFile(): Promise<ReloadOutcome> {
    // The configuration of a .ts is known only once its program has been loaded: limits are those of the program before.
    const { ok, diagnostics } = await this.#programs.load(this.#options.file)
    const read = this.#read
    this.#read = undefined
    if (!ok || !read) return { ok: false, diagnostics }
    const restart = this.#config ? needsRestart(this.#config, read) : []
    if (restart.length > 0)
      this.#log.warn(
        { event: 'restart-needed', parts: restart },
        `a change of ${restart.join(' and ')} needs a restart`,
      )
    this.#apply(read)
    return { ok: true, diagnostics }
  }

  async load(
    script: CompiledScript,
    version: number,
    limits: { runMillis: number; isolateMegabytes: number },
  ): Promise<unknown> {
    const { runMillis, isolateMegabytes } = limits
    this.#programLimits = { runMillis, isolateMegabytes }
    const program = await this.#programs.prepare(script, version)
    this.#prepared.get(version)?.release()
    this.#prepared.set(version, program)
    return program.config
  }

  swap(version: number, config: EngineConfig): void {
    const program = this.#prepared.get(version)
    if (!program) throw new SignalboxError('ERR_SCRIPT', `program ${version} is not loaded`)
    this.#prepared.delete(version)
    this.#discardPrepared()
    this.#programs.activate(program)
    this.#apply(config)
  }

  rehearsal(host: HostOps): RehearsedProgram {
    return (this.#newest() ?? this.#programs.active).rehearsal(host)
  }

  #newest(): LoadedProgram | undefined {
    return [...this.#prepared.values()].at(-1)
  }

  takeOver(left: Legacy): void {
    this.#media.adopt(left.mediaCalls)
    for (const raw of left.fatalMessages) this.#fatal.add(raw)
    if (this.#fatal.size > 0) this.#clock.setTimer(FATAL_MILLIS, () => this.#fatal.clear())
  }

  /** Puts a configuration in force: all of it the first time, later what a reload can change. */
  #apply(config: EngineConfig): void {
    const before = this.#config
    this.#config = before ? reloadable(before, config) : config
    this.#programLimits = this.#config.limits
    if (!before || !this.#proxy) {
      this.#proxy = this.#compose(this.#config)
      return
    }
    this.#transport.update(this.#transportSettings())
    this.#transactions.update(transactionSettings(this.#config))
    this.#proxy.update(proxySettings(this.#config))
    this.#services.configure(this.#config.modules, this.#config.loaded)
  }

  #compose(config: EngineConfig): ProxyCore {
    const options = this.#options
    const [clock, log] = [this.#clock, this.#log]
    const overload = new OverloadControl({ clock, log })
    const sockets = (options.transport ?? createTransport)({
      listen: config.listen,
      queued: (waitedMillis, count, isMore, dropped) => {
        overload.observe(waitedMillis, count, dropped)
        transactions.timers.reading(waitedMillis, isMore)
      },
      http: (request, flow) => this.#services.httpRequest(request, flow),
      clock,
      log,
      ...transportSettings(config),
    })
    const transport = new Edge({ transport: sockets, services: () => this.#services, log })
    const transactions = new TransactionLayer({ clock, transport, log, ...transactionSettings(config) })
    const router = new ScriptRouter({
      clock,
      active: () => this.#programs.active,
      fatal: this.#fatal,
      runs: this.#runs,
      slot: this.#slot,
      counters: this.#counters,
      log,
      replyEdits: (context) => this.#services.replyEdits(context),
      requestBegan: (context) => this.#services.requestBegan(context),
      requestAnswered: (context, status, reason, reply) =>
        this.#services.requestAnswered(context, status, reason, reply),
      requestEnded: (context) => {
        this.#media.requestEnded(context)
        this.#services.requestEnded(context)
        this.#suspended.forget(context)
      },
      callEnded: (call) => {
        this.#services.callEnded(call)
        const ending: Promise<void> = logCall(call, this.#media, this.#counters, log).finally(() =>
          this.#ending.delete(ending),
        )
        this.#ending.add(ending)
      },
    })
    const ids = options.ids ?? createIds(randomHex)
    const proxy = new ProxyCore({ transactions, router, clock, ids, log, overload, ...proxySettings(config) })
    declareReadings(this.#counters.metrics, {
      transport: () => transport.stats(),
      transactions: () => transactions.stats(),
      proxy: () => proxy.stats(),
      runs: () => this.#runs.size,
      overload: () => overload,
    })
    const folder = dirname(resolve(options.file))
    this.#store ??= options.store ?? createMemoryStore({ clock })
    const store = this.#store
    const host = serviceHost({
      clock,
      log,
      ids,
      folder,
      store,
      transport,
      proxy,
      router,
      programs: this.#programs,
      command: (name, parameters) => this.command(name, parameters),
    })
    if (this.#options.relay)
      this.#options.relay.onDtmf = (event) => void host.event({ name: 'rtpengine:dtmf-event', data: event })
    this.#services = new ServiceTable(createServices(host))
    this.#services.configure(config.modules, config.loaded)
    this.#requests = {
      find: (callId, cseq) => proxy.find(callId, cseq),
      continue: (one, route) => router.continue(one, route),
    }
    this.#transport = transport
    this.#transactions = transactions
    return proxy
  }

  #readConfig(program: LoadedProgram): readonly Diagnostic[] {
    const { file, listen, readFile = readLatin1, transport } = this.#options
    const result = loadConfig({
      file,
      language: program.language,
      raw: program.config,
      override: listen?.length ? { listen } : {},
      readFile,
      tlsFiles: transport ? 'unread' : 'required',
    })
    this.#read = result.ok ? result.config : undefined
    return result.diagnostics
  }

  #discardPrepared(): void {
    for (const program of this.#prepared.values()) program.release()
    this.#prepared.clear()
  }

  async start(): Promise<void> {
    // A message that waits in a socket must find the tables filled.
    await this.#services.start()
    await this.#transport.start(this.#transactions)
    if (this.#config?.autoAliases === true && this.#options.transport === undefined) void this.#nameOurselves()
  }

  /** auto_aliases: nobody waits for the names. */
  async #nameOurselves(): Promise<void> {
    this.#ownNames = await hostNamesOf(this.#transport.listeners.map(({ address }) => address))
    if (this.#ownNames.length > 0) this.#transport.update(this.#transportSettings())
  }

  #transportSettings(): ReturnType<typeof transportSettings> {
    const settings = transportSettings(this.#config!)
    return { ...settings, alias: [...settings.alias, ...this.#ownNames] }
  }

  async reload(): Promise<ReloadOutcome> {
    const outcome = await this.loadFile()
    this.#counters.reloads.add({ result: outcome.ok ? 'ok' : 'refused' })
    if (outcome.ok)
      this.#log.info({ event: 'reload', program: this.#programs.active.version }, 'the new program takes new requests')
    else {
      const text = outcome.diagnostics.map((d) => formatDiagnostic(d)).join('\n')
      this.#log.error(
        { event: 'reload-failed', program: this.#programs.active.version },
        `the new program is refused, the running one stays:\n${text}`,
      )
    }
    return outcome
  }

  async drain(seconds: number): Promise<void> {
    this.#draining = true
    const empty = this.#proxy?.drain()
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
    this.#proxy?.close()
    await Promise.all(this.#ending)
    if (this.#proxy) await this.#services.close()
    await this.#store?.close()
    await this.#media.closeAll()
    if (this.#proxy) await this.#transport.close()
    this.#discardPrepared()
    this.#programs.close()
  }

  metrics(): Promise<string> {
    return this.#counters.metrics.text()
  }

  async command(name: string, parameters: readonly unknown[]): Promise<unknown> {
    return await this.#services.carryOut(name, parameters)
  }

  #status(): EngineStatus {
    const proxy = this.#proxy!.stats()
    const transport = this.#transport.stats()
    const sum = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((a, b) => a + b, 0)
    return {
      file: this.#options.file,
      language: this.#programs.active.language,
      program: this.#programs.active.version,
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
