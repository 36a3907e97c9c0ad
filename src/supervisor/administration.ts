// Owns what administration may ask of the running program: metrics, health, status, and the commands of the control socket.
import { type AdminServer, startAdminServer } from '../admin/index.ts'
import { type EngineLog, type EngineStatus, Metrics } from '../engine/index.ts'
import type { TransportStats } from '../transport/index.ts'
import { carriersOf, oneAnswer, wantsAll } from './command-answers.ts'
import { type ControlAnswer, type ControlQuestion, openControlSocket } from './control-socket.ts'
import { mergeMetrics, WorkerMetrics } from './merged-metrics.ts'
import type { ProgramHistory } from './program-history.ts'
import type { RelayService } from './relay-service.ts'
import type { ReloadResult } from './reloading.ts'
import type { WorkerLosses } from './worker-losses.ts'
import type { WorkerPool } from './worker-pool.ts'

const ANSWER_MILLIS = 2_000
/** A table may be long, and its database far away; `ctl` waits for a minute. */
const COMMAND_MILLIS = 50_000

export interface SupervisorStatus {
  readonly file: string
  readonly program: number
  readonly pid: number
  readonly uptimeSeconds: number
  /** The worker of the first shard; undefined while it is being replaced. */
  readonly worker: number | undefined
  /** All that serve, in the order of their shards. */
  readonly workers: readonly number[]
  readonly standby: number | undefined
  readonly restarts: number
  readonly withdrawn: number
  readonly mediaCalls: number
  /** All workers together. */
  readonly engine: EngineStatus | undefined
}

export interface AdministrationParts {
  readonly file: string
  readonly log: EngineLog
  readonly history: ProgramHistory
  readonly pool: WorkerPool
  readonly losses: WorkerLosses
  readonly relay: RelayService
  connections(): Promise<TransportStats | undefined>
  /** Set once the program is about to end. */
  isDraining(): boolean
  reload(): Promise<ReloadResult>
  /** Drains and ends; tells after how many seconds at most. */
  stop(): number
}

export class Administration {
  readonly #parts: AdministrationParts
  readonly #metrics = new Metrics()
  readonly #workers = new WorkerMetrics()
  readonly #startedAt = Date.now()
  /** The front's figures as they were last asked for. */
  #connections: TransportStats | undefined
  #server: AdminServer | undefined
  #control: { close(): void } | undefined

  constructor(parts: AdministrationParts) {
    this.#parts = parts
    this.#declare()
  }

  /** Opens what was asked for. `metrics` is `address:port`, `control` the path of a Unix socket. */
  async open(metrics: string | undefined, control: string | undefined): Promise<void> {
    const { log } = this.#parts
    if (metrics) this.#server = await startAdminServer(metrics, this.#source(), log)
    if (control) this.#control = await openControlSocket(control, (question) => this.#controlled(question), log)
  }

  /** Where the metrics are, for the log. */
  get url(): string | undefined {
    return this.#server && `http://${this.#server.address}:${this.#server.port}/metrics`
  }

  async close(): Promise<void> {
    this.#control?.close()
    await this.#server?.close()
  }

  async status(): Promise<SupervisorStatus> {
    const { file, history, pool, losses, relay } = this.#parts
    const asked = pool.serving.map((worker) => worker.ask('status', {}, ANSWER_MILLIS).catch(() => undefined))
    const engines = (await Promise.all(asked)).filter((one) => one !== undefined)
    const connections = await this.#parts.connections()
    return {
      file,
      program: history.active?.version ?? 0,
      pid: process.pid,
      uptimeSeconds: Math.round((Date.now() - this.#startedAt) / 1000),
      worker: pool.serving[0]?.pid,
      workers: pool.serving.map((worker) => worker.pid),
      standby: pool.standby?.pid,
      restarts: pool.restarts,
      withdrawn: losses.withdrawn,
      mediaCalls: relay.callCount,
      engine: together(engines, connections?.connections.open ?? 0),
    }
  }

  #source() {
    const { history, pool, isDraining } = this.#parts
    return {
      metrics: async () => {
        const connections = this.#parts.connections()
        const asked = pool.serving.map(async (worker) => {
          const answer = await worker.ask('metrics', {}, ANSWER_MILLIS).catch(() => undefined)
          this.#workers.told(worker, answer?.text)
        })
        await Promise.all(asked)
        this.#connections = (await connections) ?? this.#connections
        return mergeMetrics([await this.#metrics.text(), ...this.#workers.texts()])
      },
      health: () => ({
        ok: pool.isWhole && !isDraining(),
        detail: { program: history.active?.version ?? 0, restarts: pool.restarts, draining: isDraining() },
      }),
    }
  }

  async #controlled({ command, method, params }: ControlQuestion): Promise<ControlAnswer> {
    switch (command) {
      case 'rpc':
        return await this.#commanded(method ?? '', params ?? [])
      case 'status':
        return { ok: true, result: await this.status() }
      case 'reload': {
        const result = await this.#parts.reload()
        return result.ok ? { ok: true, result } : { ok: false, error: result.error ?? 'refused', result }
      }
      case 'stop':
        return { ok: true, result: { draining: this.#parts.stop() } }
    }
  }

  /** Every worker carries it out, each has its own calls; what acts on what they share, one. */
  async #commanded(name: string, parameters: readonly unknown[]): Promise<ControlAnswer> {
    const workers = carriersOf(name, this.#parts.pool.serving)
    const asked = workers.map((worker) => worker.ask('command', { name, parameters }, COMMAND_MILLIS))
    const settled = await Promise.allSettled(asked)
    const answers = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value.answer] : []))
    const refused = settled.find((one) => one.status === 'rejected')
    if (answers.length > 0 && !(refused && wantsAll(name))) return { ok: true, result: oneAnswer(name, answers) }
    if (refused === undefined) return { ok: false, error: 'no worker serves at the moment' }
    return { ok: false, error: refused.reason instanceof Error ? refused.reason.message : String(refused.reason) }
  }

  #declare(): void {
    const m = this.#metrics
    const { history, pool, losses, relay } = this.#parts
    m.gauge(
      'signalbox_program_version',
      'Version of the program that takes new requests.',
      () => history.active?.version ?? 0,
    )
    m.gauge('signalbox_worker_up', 'Workers that serve.', () => pool.serving.length)
    m.reading(
      'signalbox_worker_restarts_total',
      'Workers that died or were killed while they served.',
      () => pool.restarts,
    )
    m.reading(
      'signalbox_programs_withdrawn_total',
      'Programs withdrawn because they took workers down.',
      () => losses.withdrawn,
    )
    m.reading(
      'signalbox_supervisor_replies_total',
      'Messages answered 500 in place of a dead worker.',
      () => losses.replies,
    )
    m.gauge('signalbox_media_calls', 'Calls with an open media session.', () => relay.callCount)
    m.gauge('signalbox_start_time_seconds', 'When the program started.', () => this.#startedAt / 1000)
    // The workers declare the same families for connections of their own; the sum is shown.
    const connections = () => this.#connections?.connections
    m.gauge('signalbox_connections', 'Open connections.', () => connections()?.open ?? 0)
    m.reading('signalbox_connections_accepted_total', 'Connections accepted.', () => connections()?.accepted ?? 0)
    m.reading('signalbox_connections_dialled_total', 'Connections dialled.', () => connections()?.dialled ?? 0)
    m.reading(
      'signalbox_connections_closed_total',
      'Connections that we closed or refused, by reason.',
      () => Object.entries(this.#connections?.closed ?? {}).map(([reason, count]) => [{ reason }, count]),
      ['reason'],
    )
  }
}

/** One engine out of several: what they have in common is the first one's, what they count is added up. */
function together(engines: readonly EngineStatus[], connections: number): EngineStatus | undefined {
  const [first] = engines
  if (!first) return undefined
  const sum = (pick: (one: EngineStatus) => number) => engines.reduce((total, one) => total + pick(one), 0)
  return {
    ...first,
    calls: sum((one) => one.calls),
    transactions: sum((one) => one.transactions),
    runs: sum((one) => one.runs),
    mediaCalls: sum((one) => one.mediaCalls),
    connections: sum((one) => one.connections) + connections,
    received: sum((one) => one.received),
    sent: sum((one) => one.sent),
  }
}
