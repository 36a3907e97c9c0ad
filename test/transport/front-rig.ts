// Owns the rig of the front's tests: rings of shards, a front over them, shards in this process, a client.
import { connect, type Socket } from 'node:net'
import { afterEach } from 'vitest'
import { type Clock, systemClock } from '../../src/clock.ts'
import { silentLog } from '../../src/log.ts'
import { buildReply, type SipMessage, type SipRequest } from '../../src/sip/index.ts'
import { Kind, OUT_AT, RING_CAPACITY, STREAMS_AT } from '../../src/transport/front-rings.ts'
import {
  createShardTransport,
  type Flow,
  frontFlow,
  type ListenSpec,
  nativeSockets,
  openStreamFront,
  type Passage,
  SHARD_BYTES,
  type ShardLink,
  shardOf,
  type TransportLayer,
  type TransportLimits,
} from '../../src/transport/index.ts'
import { RingReader, type RingRecord } from '../../src/transport/shared-ring.ts'
import type { Queued } from '../../src/transport/types.ts'
import { WakingWriter } from '../../src/transport/waking-rings.ts'
import { noFailure, optionsRequest } from './requests.ts'

export const native = nativeSockets()
/** What is closed after each test, the last first. */
export const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

export interface Arrived {
  readonly message: SipMessage
  readonly flow: Flow
}

let lastWorker = 0

export class Shard {
  /** The number of its worker, where connections are lent to it. */
  readonly worker = ++lastWorker
  readonly layer: TransportLayer
  readonly arrived: Arrived[] = []
  /** Requests of HTTP. */
  readonly pages: Arrived[] = []
  readonly closedFlows: number[] = []
  readonly waits: number[] = []
  /** Datagrams that found no room. */
  lost = 0

  constructor(
    listen: readonly ListenSpec[],
    link: ShardLink,
    frontEvent: number,
    datagrams: 'read' | 'spread',
    passage?: Passage,
  ) {
    const http = (message: SipRequest, flow: Flow): void => void this.pages.push({ message, flow })
    const queued: Queued = (millis, _, __, dropped) => {
      this.waits.push(millis)
      this.lost += dropped
    }
    this.layer = createShardTransport({ listen, http, queued }, () => ({
      ...link,
      frontEvent,
      datagrams,
      ...(passage && { loans: { taking: passage.taking, worker: this.worker } }),
    }))
  }

  async start(): Promise<this> {
    await this.layer.start({
      onMessage: (message, flow) => void this.arrived.push({ message, flow }),
      onFlowClosed: (flow) => void this.closedFlows.push(frontFlow(flow)),
    })
    return this
  }

  async next(): Promise<Arrived> {
    await until(() => this.arrived.length > 0)
    return this.arrived.shift()!
  }
}

export async function until(done: () => boolean): Promise<void> {
  for (let n = 0; n < 1000; n++) {
    if (done()) return
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  throw new Error('it never came')
}

export const tick = (millis = 1): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis))

export function links(count: number): { shards: ShardLink[]; event: number } {
  const event = native.createEvent()
  const shards = Array.from({ length: count }, () => {
    const fd = native.createSharedMemory(SHARD_BYTES)
    const memory = native.mapSharedMemory(fd, SHARD_BYTES)
    native.close(fd)
    return { memory, event: native.createEvent() }
  })
  closing.push(() => {
    for (const fd of [event, ...shards.map((shard) => shard.event)]) native.close(fd)
  })
  return { shards, event }
}

function passageOf(): Passage {
  const [giving, taking] = native.createPassage()
  closing.push(() => {
    for (const fd of [giving, taking]) native.close(fd)
  })
  return { giving, taking }
}

export async function streams(
  count: number,
  limits: Partial<TransportLimits> = {},
  clock: Clock = systemClock,
  lane: 'plain' | 'none' | 'lent' = 'plain',
) {
  const { shards: made, event } = links(count)
  const fd = native.bind('tcp', '127.0.0.1', 0)
  const port = native.localPort(fd)
  const listen: ListenSpec[] = [{ transport: 'tcp', address: '127.0.0.1', port }]
  const passage = lane === 'lent' ? passageOf() : undefined
  const front = await openStreamFront({
    listen: listen.map((spec) => ({ ...spec, fd })),
    shards: made,
    event,
    log: silentLog,
    clock,
    tls: { profiles: {} },
    limits,
    parseLimits: {},
    lane: lane === 'none' ? 'none' : 'plain',
    ...(passage && { passage }),
  })
  const shards = await Promise.all(made.map((link) => new Shard(listen, link, event, 'read', passage).start()))
  closing.push(async () => {
    for (const { layer } of shards) await layer.close()
    front.close()
  })
  return {
    front,
    shards,
    links: made,
    event,
    port,
    restart: (index: number) => new Shard(listen, made[index]!, event, 'read', passage).start(),
    passage,
    listen,
  }
}

export async function dialled(port: number): Promise<{ socket: Socket; text(): string }> {
  const socket = connect(port, '127.0.0.1')
  let text = ''
  socket.on('data', (chunk) => (text += chunk.toString('latin1')))
  socket.on('error', () => {})
  await new Promise((resolve) => socket.once('connect', resolve))
  closing.push(() => socket.destroy())
  return { socket, text: () => text }
}

/** A front whose rings the test itself reads and writes, in place of shards. */
export async function bare(
  count: number,
  lane: Parameters<typeof streams>[3] = 'plain',
  limits: Partial<TransportLimits> = {},
  clock: Clock = systemClock,
) {
  const { front, shards, links, port, event } = await streams(count, limits, clock, lane)
  for (const { layer } of shards) await layer.close()
  const readers = links.map((link) => new RingReader(link.memory, STREAMS_AT, RING_CAPACITY))
  const writers = links.map((link) => new WakingWriter(link.memory, OUT_AT, event, native, RING_CAPACITY))
  const records: (RingRecord & { shard: number })[] = []
  const read = (): void => {
    for (const [shard, ring] of readers.entries()) ring.drain(10_000, (record) => records.push({ ...record, shard }))
  }
  const texts = (): string[] => {
    read()
    return records.filter(({ kind }) => kind === Kind.message).map(({ text }) => text)
  }
  return { front, port, records, read, texts, writers, links, event }
}

/** A client of such a front that was heard, with the number of its flow. */
export async function met(rig: Awaited<ReturnType<typeof bare>>) {
  const client = await dialled(rig.port)
  const before = rig.texts().length
  client.socket.write(optionsRequest())
  await until(() => rig.texts().length > before)
  return { ...client, flow: rig.records.findLast(({ kind }) => kind === Kind.message)!.a }
}

/** A Call-ID that belongs to a shard. */
export function callIdFor(shard: number, shards: number): string {
  for (let n = 0; ; n++) if (shardOf(`call-${n}`, shards) === shard) return `call-${n}`
}

export const ok = ({ message, flow }: Arrived, layer: TransportLayer, failed = noFailure): void =>
  layer.reply(
    flow,
    layer.replyTarget(flow, message as SipRequest),
    buildReply(message as SipRequest, 200, 'OK', { toTag: 'x' }),
    failed,
  )
