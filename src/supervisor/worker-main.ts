// Owns the worker process: an engine around which this answers the supervisor's questions and beats its heart.
import { systemClock } from '../clock.ts'
import {
  BEFORE_READY,
  BESIDE_TRAFFIC,
  createLogger,
  createPreparedEngine,
  loadOnly,
  type PreparedEngine,
  rehearse,
  UNTIL_TRAFFIC,
} from '../engine/index.ts'
import { SignalboxError } from '../errors.ts'
import { provideGuestBundle } from '../script/index.ts'
import { createSqliteStore } from '../store/index.ts'
import { createShardTransport, nativeSockets, SHARD_BYTES, type ShardSeat } from '../transport/index.ts'
import type { FromWorker, ToWorker, WorkerRequestName, WorkerRequests, WorkerStart } from './messages.ts'
import { createRelayClient } from './relay-client.ts'
import { openWorkerRings, type RelayAsked, type RelayRings } from './relay-rings.ts'
import { collectGarbage, RestingHeap } from './resting-heap.ts'
import { shardIds } from './shard-ids.ts'
import type { ShardSeats } from './shards.ts'
import { SLOT_BYTES, SlotWriter } from './slot-memory.ts'
import { StallWatch } from './stall-watch.ts'

/** A fifth of the time after which a silent worker counts as stuck; each beat wakes an idle process. */
const BEAT_MILLIS = 1000
/** Between two samples of how late the event loop is. */
const SAMPLE_MILLIS = 100

// A terminal's signals, and a service manager's, reach every process of the group: only the supervisor acts on them.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const) process.on(signal, () => {})
// Without its supervisor a worker has no relay and nobody to watch it.
process.on('disconnect', () => process.exit(0))

let engine: PreparedEngine | undefined
let slot: SlotWriter | undefined
/** It was started before any other served. */
let isFirst = false
const stalls = new StallWatch(SAMPLE_MILLIS)
const heap = new RestingHeap({ clock: systemClock, collect: collectGarbage })
/** Which of the shards this worker serves; told when it begins to. */
const place = { shard: 0 }
/** Undefined where it only tries a program. */
let rings: RelayRings<RelayAsked> | undefined
const relay = createRelayClient((message) => {
  if (!rings?.say(message)) send(message)
})

function send(message: FromWorker): void {
  process.send?.(message, () => {})
}

process.on('message', (message: ToWorker) => {
  if (relay.receive(message)) return
  if (message.type !== 'request') return
  const { id, name, args } = message
  answer(name, args).then(
    (result) => send({ type: 'answer', id, result }),
    (error: unknown) => {
      const code = error instanceof SignalboxError ? error.code : 'ERR_SCRIPT'
      send({ type: 'answer', id, error: { code, message: error instanceof Error ? error.message : String(error) } })
    },
  )
})

async function answer(name: WorkerRequestName, args: unknown): Promise<unknown> {
  switch (name) {
    case 'start':
      return begin(args as WorkerStart)
    case 'activate': {
      const { shard, media, fatal } = args as WorkerRequests['activate']['args']
      place.shard = shard
      heap.serves()
      running().takeOver({ mediaCalls: media, fatalMessages: fatal })
      await running().start()
      if (isFirst) void rehearse(running(), UNTIL_TRAFFIC, isUnused)
      beginBeats()
      return {}
    }
    case 'load': {
      const { program, runMillis, isolateMegabytes } = args as WorkerRequests['load']['args']
      return { config: await running().load(program.script, program.version, { runMillis, isolateMegabytes }) }
    }
    case 'swap': {
      const { version, config } = args as WorkerRequests['swap']['args']
      running().swap(version, config)
      heap.worked()
      return {}
    }
    case 'drain': {
      const { seconds } = args as WorkerRequests['drain']['args']
      await running().drain(seconds)
      await running().close()
      return {}
    }
    case 'metrics':
      return { text: `${await running().metrics()}\n${stalls.metrics()}` }
    case 'command': {
      const { name: command, parameters } = args as WorkerRequests['command']['args']
      return { answer: (await running().command(command, parameters)) ?? null }
    }
    case 'status':
      return running().view.status()
    default:
      throw new SignalboxError('ERR_USAGE', `a worker knows no ${String(name)}`)
  }
}

function isUnused(): boolean {
  return running().view.status().received === 0
}

function running(): PreparedEngine {
  if (!engine) throw new SignalboxError('ERR_SCRIPT', 'the worker has not been started')
  return engine
}

async function begin(options: WorkerStart): Promise<{ config: unknown }> {
  const { program, guestBundle, config, logLevel, logFormat, storeFile, slotFd, relayRings, seats, workers, serving } =
    options
  provideGuestBundle(guestBundle)
  if (!config) return { config: (await loadOnly(program.script)).config }
  const log = await createLogger({ level: logLevel, format: logFormat })
  rings = relayRings && openWorkerRings(nativeSockets(), relayRings, (message) => relay.receive(message))
  slot = slotFd === undefined ? undefined : openSlot(slotFd)
  engine = await createPreparedEngine({
    script: program.script,
    version: program.version,
    config,
    log,
    relay,
    ids: shardIds(workers, () => place.shard),
    ...(seats ? { transport: (made) => createShardTransport(made, () => seatOf(seats)) } : {}),
    ...(storeFile === undefined
      ? {}
      : { store: createSqliteStore({ clock: systemClock, file: storeFile, oneAtATime: workers === 1 }) }),
    ...(slot ? { slot } : {}),
  })
  // Beside a worker that serves it is not waited for: a call that comes before its end only takes longer to compute.
  isFirst = !serving
  if (serving) void rehearse(engine, BESIDE_TRAFFIC).then(() => heap.worked())
  else await rehearse(engine, BEFORE_READY)
  return { config: undefined }
}

function seatOf({ shards, frontEvent, datagrams, taking }: ShardSeats): ShardSeat {
  const { memory, event } = shards[place.shard]!
  return {
    memory: nativeSockets().mapSharedMemory(memory, SHARD_BYTES),
    event,
    frontEvent,
    datagrams,
    // The supervisor knows a worker by the same number.
    ...(taking !== undefined && { loans: { taking, worker: process.pid } }),
  }
}

/** Beats from now on. A stand-by does not: nobody watches it, and each waking costs what a message does. */
function beginBeats(): void {
  stalls.begin()
  setInterval(() => slot?.beat(), BEAT_MILLIS)
}

function openSlot(fd: number): SlotWriter {
  return new SlotWriter(nativeSockets().mapSharedMemory(fd, SLOT_BYTES))
}
