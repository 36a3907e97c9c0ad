// Owns the running program as a whole: what is started in which order, and the orderly end.
import { isDeepStrictEqual } from 'node:util'
import {
  type ConfigOverride,
  createRelay,
  type EngineConfig,
  type EngineLog,
  type LogFormat,
  remoteRelays,
  usesMedia,
} from '../engine/index.ts'
import { SignalboxError } from '../errors.ts'
import { type ScriptWatcher, watchScripts } from '../script/index.ts'
import { Administration, type SupervisorStatus } from './administration.ts'
import { type Front, startFront } from './front.ts'
import type { FromWorker } from './messages.ts'
import { ProgramHistory } from './program-history.ts'
import { told } from './refused-script.ts'
import { RelayService } from './relay-service.ts'
import { Reloading, type ReloadResult } from './reloading.ts'
import { ScriptSource } from './script-source.ts'
import { createShards, needsFront, type Shards } from './shards.ts'
import { createSharedStore } from './shared-store.ts'
import { bindSockets, type SocketSet } from './socket-set.ts'
import { tryProgram } from './trial.ts'
import { WorkerLosses } from './worker-losses.ts'
import { WorkerPool } from './worker-pool.ts'
import type { WorkerProcess } from './worker-process.ts'

/** What is left of the 5 s in which a stopped program has to be gone, after the time for draining. */
const END_MILLIS = 4_000
/** V8's heap of a worker outside of isolates: programs of a `.cfg` are in it. */
const WORKER_MEGABYTES = 1024

export interface SupervisorOptions {
  readonly file: string
  readonly defines: ReadonlyMap<string, string>
  readonly override: ConfigOverride
  /** Worker processes; default 1. */
  readonly workers?: number
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

/** What there is once it serves. */
interface Parts {
  readonly pool: WorkerPool
  readonly reloading: Reloading
  readonly administration: Administration
}

export class Supervisor {
  readonly #options: SupervisorOptions
  readonly #history = new ProgramHistory()
  readonly #log: EngineLog
  readonly #source: ScriptSource
  readonly #losses: WorkerLosses
  readonly #store = createSharedStore()
  #sockets: SocketSet | undefined
  #shards: Shards | undefined
  #front: Front | undefined
  #relay: RelayService | undefined
  #pool: WorkerPool | undefined
  #parts: Parts | undefined
  #watcher: ScriptWatcher | undefined
  #stopping: Promise<void> | undefined
  #ended!: (status: number) => void
  readonly #end = new Promise<number>((resolve) => {
    this.#ended = resolve
  })
  #closed = false
  #savedEarly = false

  constructor(options: SupervisorOptions) {
    const { log, file, defines, override } = options
    this.#options = options
    this.#log = log
    this.#source = new ScriptSource({ file, defines, override, log })
    this.#losses = new WorkerLosses({
      history: this.#history,
      log,
      sendDatagram: (listener, wire, address, port) => this.#sockets?.send(listener, wire, address, port),
      sendOver: (flow, wire) => this.#front?.reply(flow, wire),
    })
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
    const { file, log, logFormat } = this.#options
    this.#watcher = watchScripts([file], () => void this.reload())
    const script = await this.#source.compile()
    this.#mayGoOn()
    const version = this.#history.nextVersion()
    const config = this.#source.configOf(script, await tryProgram({ version, script }, log.level, logFormat))
    this.#history.accept({ version, script, config })
    this.#mayGoOn()
    const relay = await this.#openRelay(config)
    if (!relay.isSetUp && usesMedia(script))
      log.warn({ file }, 'the script uses a media relay, but none is set up: its media functions will fail')
    await this.#openSockets(config)
    this.#mayGoOn()
    const pool = this.#makePool(config)
    await pool.start()
    this.#mayGoOn()
    this.#parts = this.#makeParts(pool, relay)
    const { administration } = this.#parts
    await administration.open(this.#options.metrics, this.#options.control)
    this.#watcher.update(script.files)
    await this.#watcher.ready
    // Saved while it started: the program that serves may be older than the file.
    if (this.#savedEarly) void this.reload()
    log.info(
      {
        event: 'ready',
        file,
        program: version,
        listen: config.listen.map((spec) => `${spec.transport}:${spec.address}:${spec.port}`),
        ...(this.#workers > 1 ? { workers: this.#workers } : {}),
        ...(config.media.embedded ? { media: config.media.embedded.interfaces } : {}),
        ...(administration.url ? { metrics: administration.url } : {}),
      },
      'signalbox serves',
    )
  }

  get #workers(): number {
    return this.#options.workers ?? 1
  }

  /** Throws when the program was stopped while it started. */
  #mayGoOn(): void {
    if (this.#closed) throw new SignalboxError('ERR_USAGE', 'stopped while it started')
  }

  async #openRelay(config: EngineConfig): Promise<RelayService> {
    const relay = new RelayService(await createRelay(config, this.#options.listenNg, this.#log))
    this.#relay = relay
    relay.onTimeout = (callId, reason, stats) =>
      this.#pool?.workerOf(callId)?.send({ type: 'media-timeout', callId, reason, ...(stats ? { stats } : {}) })
    relay.onLost = (callIds) => {
      for (const callId of callIds) this.#pool?.workerOf(callId)?.send({ type: 'media-lost', callId })
    }
    relay.onDtmf = (event) => this.#pool?.workerOf(event.callId)?.send({ type: 'media-dtmf', event })
    return relay
  }

  async #openSockets(config: EngineConfig): Promise<void> {
    const sockets = bindSockets(config)
    this.#sockets = sockets
    if (!needsFront(config, this.#workers)) return
    this.#shards = createShards(this.#workers)
    this.#front = await startFront(config, sockets, this.#shards, this.#log)
  }

  #makePool(config: EngineConfig): WorkerPool {
    const { logFormat, hangMillis } = this.#options
    const pool = new WorkerPool({
      workers: this.#workers,
      sockets: this.#sockets!,
      shards: this.#shards,
      history: this.#history,
      log: this.#workerLog(config),
      logFormat,
      memoryMegabytes: WORKER_MEGABYTES,
      storeFile: this.#store.file,
      ...(hangMillis === undefined ? {} : { hangMillis }),
      mediaCalls: () => this.#relay?.calls ?? [],
      fatalMessages: () => this.#losses.fatalMessages(),
      message: (worker, message) => this.#fromWorker(worker, message),
      gone: (pid) => this.#front?.lost(pid),
      died: (run, why) => this.#losses.died(run, why),
      hopeless: (why) => {
        this.#log.error({ why }, 'giving up')
        void this.#close().then(() => this.#ended(1))
      },
    })
    this.#pool = pool
    return pool
  }

  #makeParts(pool: WorkerPool, relay: RelayService): Parts {
    const { file, drainSeconds, logFormat } = this.#options
    const log = this.#log
    const history = this.#history
    const reloading = new Reloading({
      file,
      source: this.#source,
      history,
      pool,
      log,
      logFormat,
      watch: (files) => {
        if (!this.#closed) this.#watcher?.update(files)
      },
      changed: async (before, after) => {
        this.#front?.update(after)
        await this.#replaceSets(before, after)
      },
    })
    const administration = new Administration({
      file,
      log,
      history,
      pool,
      losses: this.#losses,
      relay,
      connections: async () => this.#front?.stats(),
      isDraining: () => this.#stopping !== undefined,
      reload: () => this.reload(),
      stop: () => {
        this.stop('drain')
        return drainSeconds
      },
    })
    return { pool, reloading, administration }
  }

  /** The loudness of workers: the command line's, else the file's. */
  #workerLog(config: EngineConfig): EngineLog {
    if (this.#options.logLevelGiven || !config.logLevel) return this.#log
    return { ...bindLog(this.#log), level: config.logLevel }
  }

  /** Reads the script again. */
  reload(): Promise<ReloadResult> {
    if (this.#parts) return this.#parts.reloading.reload()
    this.#savedEarly = true
    return Promise.resolve({ ok: false, version: 0, error: 'the program is still starting' })
  }

  /** Remote relays take effect on save; an embedded one needs a restart. */
  async #replaceSets(running: EngineConfig, next: EngineConfig): Promise<void> {
    if (next.media.embedded || isDeepStrictEqual(remoteRelays(running), remoteRelays(next))) return
    this.#relay?.replace(await createRelay(next, undefined, this.#log))
  }

  /** What runs now. Only of a program that was started. */
  async status(): Promise<SupervisorStatus> {
    if (!this.#parts) throw new SignalboxError('ERR_USAGE', 'the program is still starting')
    return await this.#parts.administration.status()
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
    this.#parts?.reloading.close()
    this.#pool?.stopReplacing()
    const millis = seconds * 1000 + END_MILLIS - 1000
    const draining = (this.#pool?.serving ?? []).map((worker) => worker.ask('drain', { seconds }, millis))
    for (const drained of await Promise.allSettled(draining)) {
      if (drained.status === 'rejected')
        this.#log.warn({ error: String(drained.reason) }, 'a worker did not end by itself')
    }
    await this.#close()
    this.#log.info({}, 'ended')
  }

  async #close(): Promise<void> {
    this.#closed = true
    void this.#watcher?.close()
    this.#parts?.reloading.close()
    await Promise.allSettled([
      this.#pool?.close().then(() => this.#front?.close()),
      this.#relay?.close(),
      this.#parts?.administration.close(),
    ])
    if (!this.#pool) await this.#front?.close()
    this.#front = undefined
    this.#sockets?.close()
    this.#shards?.close()
    this.#shards = undefined
    this.#store.remove()
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
