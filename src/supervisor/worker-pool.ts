// Owns the workers: one on each seat, one that stands by for all; the watch over them and their replacement in well under a second.
import type { EngineConfig, EngineLog, LogFormat } from '../engine/index.ts'
import { guestBundle } from '../script/index.ts'
import { nativeSockets, shardOf } from '../transport/index.ts'
import type { FromWorker } from './messages.ts'
import type { AcceptedProgram, ProgramHistory } from './program-history.ts'
import { createRelayRings, inheritedRelayRings, openSupervisorRings, RELAY_RINGS_DESCRIPTORS } from './relay-rings.ts'
import type { Shards } from './shards.ts'
import type { RunReading } from './slot-memory.ts'
import { SlotReader } from './slot-memory.ts'
import type { SocketSet } from './socket-set.ts'
import { Watchdog } from './watchdog.ts'
import { FIRST_INHERITED, WorkerProcess } from './worker-process.ts'

/** What a worker inherits: the slot, the rings of the relay, then the sockets. */
const RELAY_RINGS_FROM = FIRST_INHERITED + 1
const SOCKETS_FROM = RELAY_RINGS_FROM + RELAY_RINGS_DESCRIPTORS
/** Between two looks at the workers; shorter while one of them has a run under way. */
const LOOK_MILLIS = 250
const BUSY_LOOK_MILLIS = 100
/** Generous: the program has been tried, and on a busy machine several begin at once. */
const START_MILLIS = 60_000
const ACTIVATE_MILLIS = 5_000
/** Deaths without a run in the slot, one right after the other, after which there is no sense in trying on. */
const EARLY_DEATHS = 5
/** Before a stand-by is tried again; longer each time, up to the other. */
const AGAIN_MILLIS = 500
const AGAIN_MOST_MILLIS = 10_000

export interface WorkerPoolOptions {
  /** How many serve. */
  readonly workers: number
  readonly sockets: SocketSet
  /** Undefined where one worker reads all sockets itself. */
  readonly shards: Shards | undefined
  readonly history: ProgramHistory
  readonly log: EngineLog
  readonly logFormat: LogFormat
  readonly memoryMegabytes: number
  /** Of the store that all workers share. */
  readonly storeFile: string
  readonly hangMillis?: number
  /** Call-IDs with media that the next worker has to know, if they are of its shard. */
  mediaCalls(): string[]
  /** Messages on which workers died a short time ago. */
  fatalMessages(): string[]
  message(worker: WorkerProcess, message: FromWorker): void
  /** A process is gone, whatever it was. Called before `died`. */
  gone(pid: number): void
  /** A serving worker died; `run` is what its script was working on. Called before the next one serves. */
  died(run: RunReading | undefined, why: string): void
  /** No worker can be kept alive. */
  hopeless(why: string): void
}

/** One shard's place; empty while its worker is being replaced. */
interface Seat {
  readonly shard: number
  worker: WorkerProcess | undefined
  watchdog: Watchdog | undefined
  vacantSince: number
}

export class WorkerPool {
  readonly #options: WorkerPoolOptions
  readonly #all = new Set<WorkerProcess>()
  readonly #seats: readonly Seat[]
  #standby: WorkerProcess | undefined
  /** Settled once the stand-by has loaded its program, or will not. */
  #standbyBegun: Promise<void> = Promise.resolve()
  /** The version that the stand-by has loaded. */
  #standbyVersion = 0
  #nextLook: NodeJS.Timeout | undefined
  /** The next try to begin a stand-by. */
  #again: NodeJS.Timeout | undefined
  #closing = false
  #earlyDeaths = 0
  #replacing = false
  restarts = 0
  /** Milliseconds from the last death that was noticed to the next worker's serving. */
  lastReplacementMillis = 0

  constructor(options: WorkerPoolOptions) {
    this.#options = options
    this.#seats = Array.from({ length: options.workers }, (_, shard) => ({
      shard,
      worker: undefined,
      watchdog: undefined,
      vacantSince: 0,
    }))
  }

  /** Those that serve, in the order of their shards. */
  get serving(): readonly WorkerProcess[] {
    return this.#seats.flatMap(({ worker }) => worker ?? [])
  }

  /** Whether every shard has a worker. */
  get isWhole(): boolean {
    return this.#seats.every(({ worker }) => worker !== undefined)
  }

  /** The worker that has a call. */
  workerOf(callId: string): WorkerProcess | undefined {
    return this.#seats[shardOf(callId, this.#seats.length)]?.worker
  }

  get standby(): WorkerProcess | undefined {
    const worker = this.#standby
    // One that was killed is still here until the kernel tells of its end.
    return worker?.ready && worker.killedFor === undefined ? worker : undefined
  }

  /** The stand-by; one that is starting is waited for, at most so long. Undefined where there is none, or a place waits for it. */
  async standbyWithin(millis: number): Promise<WorkerProcess | undefined> {
    const { promise: late, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, millis)
    await Promise.race([this.#standbyBegun, late])
    clearTimeout(timer)
    return this.isWhole ? this.standby : undefined
  }

  /** Starts all workers; resolves once each shard is served. */
  async start(): Promise<void> {
    const program = this.#program()
    await Promise.all(
      this.#seats.map(async (seat) => {
        const worker = this.#spawn()
        await this.#prepare(worker, program)
        await this.#activate(worker, seat)
      }),
    )
    this.#watch()
    this.#startStandby()
  }

  /** Makes the stand-by that has tried a program the one whose successor will run it too. */
  standbyRuns(version: number): void {
    this.#standbyVersion = version
  }

  /** The stand-by misbehaved while it tried a program: end it, and start another with the active program. */
  discardStandby(why: string): void {
    this.#standby?.kill(why)
  }

  /** No replacing from here on. */
  stopReplacing(): void {
    this.#closing = true
    clearTimeout(this.#nextLook)
  }

  /** Resolves when every worker is gone. */
  async close(): Promise<void> {
    this.stopReplacing()
    await Promise.all([...this.#all].map((worker) => worker.end()))
  }

  /** A configuration with what one worker of several is given of the limits that hold for all together. */
  shareOf(config: EngineConfig): EngineConfig {
    const share = (whole: number) => Math.ceil(whole / this.#seats.length)
    const { transactions, transactionsPerSource } = config.limits
    return {
      ...config,
      listen: this.#options.sockets.listenWithFds(SOCKETS_FROM, this.#options.shards ? 'front' : 'worker'),
      limits: {
        ...config.limits,
        transactions: share(transactions),
        transactionsPerSource: share(transactionsPerSource),
      },
    }
  }

  #program(): AcceptedProgram {
    const program = this.#options.history.active
    if (!program) throw new Error('no program has been accepted')
    return program
  }

  #spawn(): WorkerProcess {
    const { sockets, shards, memoryMegabytes } = this.#options
    const native = nativeSockets()
    const held: { close(): void }[] = []
    const letGo = (): void => {
      for (const one of held.splice(0)) one.close()
    }
    try {
      const slot = sockets.createSlot()
      held.push(slot)
      const rings = createRelayRings(native)
      held.push(rings)
      const worker = new WorkerProcess({
        descriptors: [slot.fd, ...rings.descriptors, ...sockets.descriptors, ...(shards?.descriptors ?? [])],
        heapMegabytes: memoryMegabytes,
        slot: new SlotReader(slot.memory),
        rings: (heard, broken) => openSupervisorRings(native, rings.seat, heard, broken),
        message: (message) => this.#options.message(worker, message),
        exited: (gone, how) => {
          letGo()
          this.#all.delete(gone)
          this.#exited(gone, how)
        },
      })
      this.#all.add(worker)
      return worker
    } catch (error) {
      letGo()
      throw error
    }
  }

  async #prepare(worker: WorkerProcess, program: AcceptedProgram): Promise<void> {
    const { sockets, shards, log, logFormat, storeFile, workers } = this.#options
    const { version, script } = program
    await worker.ask(
      'start',
      {
        program: { version, script },
        guestBundle: await guestBundle(),
        config: this.shareOf(program.config),
        logLevel: log.level,
        logFormat,
        storeFile,
        slotFd: FIRST_INHERITED,
        relayRings: inheritedRelayRings(RELAY_RINGS_FROM),
        seats: shards?.seatsFrom(SOCKETS_FROM + sockets.descriptors.length),
        workers,
        serving: worker === this.#standby,
      },
      START_MILLIS,
    )
    worker.ready = true
  }

  async #activate(worker: WorkerProcess, seat: Seat): Promise<void> {
    const { shard } = seat
    const media = this.#options.mediaCalls().filter((callId) => shardOf(callId, this.#seats.length) === shard)
    await worker.ask('activate', { shard, media, fatal: this.#options.fatalMessages() }, ACTIVATE_MILLIS)
    seat.worker = worker
    seat.watchdog = new Watchdog(worker.pid, worker.slot!, {
      bounds: () => this.#bounds(),
      now: () => performance.now(),
    })
  }

  #bounds(): { hangMillis: number; residentBytes: number } {
    const { limits } = this.#program().config
    return {
      hangMillis: this.#options.hangMillis ?? Math.max(400, limits.runMillis + 350),
      residentBytes: (this.#options.memoryMegabytes + 4 * limits.isolateMegabytes + 256) * 1_048_576,
    }
  }

  #startStandby(): void {
    if (this.#closing || this.#standby) return
    const program = this.#program()
    let worker: WorkerProcess
    try {
      worker = this.#spawn()
    } catch (error) {
      // Calls with media may hold every descriptor that there is: who serves goes on, and some are given back.
      this.#tryStandbyAgain(String(error))
      return
    }
    this.#standby = worker
    this.#standbyVersion = program.version
    this.#standbyBegun = this.#prepare(worker, program).then(
      () => {
        this.#earlyDeaths = 0
        // Somebody's place is empty: this one was waited for.
        if (!this.isWhole && !this.#closing) void this.#replace()
      },
      (error: unknown) => {
        worker.kill(`it did not start: ${error}`)
      },
    )
  }

  /** A stand-by did not come to be. */
  #tryStandbyAgain(why: string): void {
    if (this.#closing) return
    this.#options.log.error({ event: 'worker', error: why }, 'a stand-by worker did not start; it is tried again')
    if (++this.#earlyDeaths >= EARLY_DEATHS && this.serving.length === 0) {
      this.#options.hopeless(`workers end before they are ready (${why})`)
      return
    }
    clearTimeout(this.#again)
    const millis = Math.min(AGAIN_MILLIS * this.#earlyDeaths, AGAIN_MOST_MILLIS)
    this.#again = setTimeout(() => this.#startStandby(), millis).unref()
  }

  /** Each look wakes an idle process. */
  #watch(): void {
    const busy = this.#seats.some(({ watchdog }) => watchdog?.isBusy)
    this.#nextLook = setTimeout(
      () => {
        this.#look()
        if (!this.#closing) this.#watch()
      },
      busy ? BUSY_LOOK_MILLIS : LOOK_MILLIS,
    )
  }

  #look(): void {
    for (const { worker, watchdog } of this.#seats) {
      if (!worker || worker.killedFor !== undefined) continue
      const why = watchdog?.verdict()
      if (why !== undefined) worker.kill(why)
    }
  }

  #exited(worker: WorkerProcess, how: string): void {
    this.#options.gone(worker.pid)
    const why = worker.killedFor ?? how
    if (worker === this.#standby) {
      this.#standby = undefined
      if (worker.ready) setTimeout(() => this.#startStandby(), 0).unref()
      else this.#tryStandbyAgain(why)
      return
    }
    const seat = this.#seats.find((one) => one.worker === worker)
    if (!seat) return
    seat.worker = undefined
    seat.watchdog = undefined
    seat.vacantSince = performance.now()
    if (this.#closing) return
    this.restarts++
    this.#options.died(worker.slot?.read(), why)
    void this.#replace()
  }

  /** The stand-by takes the place that has been empty longest, with the program that is the active one now. */
  async #replace(): Promise<void> {
    const next = this.#standby
    if (this.#replacing || this.#closing || !next) {
      if (!next) this.#startStandby()
      return
    }
    // Still starting, or about to be followed by another: that one takes over as soon as it is ready.
    if (!next.ready || next.killedFor !== undefined) return
    const [seat] = this.#seats.filter((one) => !one.worker).sort((a, b) => a.vacantSince - b.vacantSince)
    if (!seat) return
    this.#replacing = true
    const began = performance.now()
    const program = this.#program()
    try {
      if (this.#standbyVersion !== program.version) {
        const { version, script, config } = program
        const { runMillis, isolateMegabytes } = config.limits
        await next.ask('load', { program: { version, script }, runMillis, isolateMegabytes }, ACTIVATE_MILLIS)
        await next.ask('swap', { version, config: this.shareOf(config) }, ACTIVATE_MILLIS)
      }
      await this.#activate(next, seat)
      this.lastReplacementMillis = performance.now() - began
      this.#options.log.warn(
        { event: 'worker', pid: next.pid, shard: seat.shard, millis: Math.round(this.lastReplacementMillis) },
        'the stand-by worker serves now',
      )
      this.#standby = undefined
    } catch (error) {
      this.#options.log.error({ error: String(error) }, 'the stand-by worker could not take over')
      next.kill('it could not take over')
    } finally {
      this.#replacing = false
      this.#startStandby()
    }
  }
}
