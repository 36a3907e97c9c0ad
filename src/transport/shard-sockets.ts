// Owns the sockets of a shard: UDP by its own descriptors, streams and spread datagrams by the rings of the front.
import { SignalboxError } from '../errors.ts'
import { FrontPool } from './front-pool.ts'
import {
  DATAGRAMS_AT,
  DATAGRAMS_CAPACITY,
  Kind,
  LOANED_AT,
  OUT_AT,
  RING_CAPACITY,
  type ShardLink,
  STREAMS_AT,
} from './front-rings.ts'
import { type LoanSeat, Loans } from './loans.ts'
import { type BatchSockets, optionalNativeSockets } from './native-sockets.ts'
import { NativeUdp } from './native-udp.ts'
import { monotonicMicros, RingReader, type RingRecord } from './shared-ring.ts'
import type {
  DatagramBuffers,
  DatagramSocket,
  PoolOptions,
  Sockets,
  StreamPool,
  StreamServer,
  StreamSocket,
} from './sockets.ts'
import { createLayer } from './transport-layer.ts'
import type { Listener, ListenSpec, Queued, TransportLayer, TransportOptions } from './types.ts'
import { TurnReader, WakingWriter } from './waking-rings.ts'

/** A shard's place beside the front. */
export interface ShardSeat extends ShardLink {
  /** The eventfd that wakes the front; undefined where no stream is listened on. */
  readonly frontEvent: number
  /** Who reads the UDP sockets: the shard itself where it is the only one. */
  readonly datagrams: 'read' | 'spread'
  /** Where plain connections are lent to the shard, because it is the only one. */
  readonly loans?: LoanSeat
}

const TURN = 64
/** A transport layer whose connections live in the front. The seat is asked for when it starts: a stand-by has none before. */
export function createShardTransport(options: TransportOptions, seat: () => ShardSeat): TransportLayer {
  const sockets = new ShardSockets(options, seat)
  const layer = createLayer(options, sockets)
  sockets.listeners = layer.listeners
  return layer
}

type Received = (wire: string, address: string, port: number) => void

class ShardSockets implements Sockets {
  listeners: readonly Listener[] = []
  readonly #askSeat: () => ShardSeat
  readonly #native: BatchSockets
  readonly #queued: Queued | undefined
  readonly #udp = new Map<number, { socket: NativeUdp; received: Received }>()
  #seat: ShardSeat | undefined
  #reader: TurnReader | undefined
  #pool: FrontPool | undefined
  #watch: { close(): void } | undefined
  #waited = -1
  /** Of the ring, as it was told last: it outlives those who read it. */
  #droppedBefore = 0

  constructor(options: TransportOptions, seat: () => ShardSeat) {
    const native = optionalNativeSockets()
    if (!native)
      throw new SignalboxError('ERR_NATIVE', 'shards need the sip_sockets addon; build it with npm run build:native')
    this.#native = native
    this.#askSeat = seat
    this.#queued = options.queued
  }

  async openDatagram(
    spec: ListenSpec,
    { buffers, listener }: { buffers: DatagramBuffers; listener: number },
    received: Received,
  ): Promise<DatagramSocket> {
    const queued = this.#queued
    this.#seat ??= this.#askSeat()
    const reader = this.#seat.datagrams === 'read' ? 'self' : 'another'
    const take: Received = (...datagram) => {
      this.#pool?.settle()
      received(...datagram)
    }
    const socket = new NativeUdp(this.#native, spec, { buffers, reader, ...(queued && { queued }) }, take)
    this.#udp.set(listener, { socket, received: take })
    return socket
  }

  /** The front listens. */
  async openServer(spec: ListenSpec): Promise<StreamServer> {
    return { address: spec.address, port: spec.port, close() {} }
  }

  dial(): StreamSocket {
    throw new SignalboxError('ERR_TRANSPORT', 'a shard dials through the front')
  }

  openPool(options: PoolOptions): StreamPool {
    this.#pool = new FrontPool(options, (id) => this.listeners[id])
    return this.#pool
  }

  started(): void {
    const { memory, event, frontEvent, loans } = (this.#seat ??= this.#askSeat())
    const native = this.#native
    const datagrams = new RingReader(memory, DATAGRAMS_AT, DATAGRAMS_CAPACITY)
    const loaned = new RingReader(memory, LOANED_AT, RING_CAPACITY)
    const streams = new RingReader(memory, STREAMS_AT, RING_CAPACITY)
    this.#droppedBefore = datagrams.dropped
    const reader = new TurnReader([datagrams, loaned, streams], () => this.#turn(datagrams, loaned, streams))
    this.#reader = reader
    const ring = new WakingWriter(memory, OUT_AT, frontEvent, native, RING_CAPACITY)
    this.#pool?.writeTo(ring, (out) => {
      const arrived = (): void => reader.woken()
      return loans && new Loans({ ...loans, native, memory, out, position: () => ring.position, arrived })
    })
    this.#watch = native.watchEvent(event, () => reader.woken())
    // What came while nobody served.
    reader.woken()
  }

  routeTo(address: string): string | undefined {
    return this.#native.routeTo(address)
  }

  /** Certificates are the front's. */
  updateTls(): void {}

  close(): void {
    this.#watch?.close()
    this.#reader?.close()
  }

  #turn(datagrams: RingReader, loaned: RingReader, streams: RingReader): void {
    this.#waited = -1
    for (const { socket } of this.#udp.values()) socket.beginBatch()
    this.#pool?.beginBatch()
    try {
      let taken = Math.max(datagrams.drain(TURN, this.#takeDatagram), loaned.drain(TURN, this.#takeStream))
      // What the front read of a connection comes after what was read while it was lent.
      if (loaned.isEmpty) taken = Math.max(taken, streams.drain(TURN, this.#takeStream))
      if (this.#waited >= 0) this.#queued?.(this.#waited, taken, taken === TURN, this.#dropped(datagrams))
    } finally {
      this.#pool?.endBatch()
      for (const { socket } of this.#udp.values()) socket.endBatch()
    }
  }

  /** Datagrams that found no room since the last turn. */
  #dropped({ dropped }: RingReader): number {
    const since = (dropped - this.#droppedBefore) | 0
    this.#droppedBefore = dropped
    return since
  }

  readonly #takeDatagram = (record: RingRecord): void => {
    this.#note(record)
    this.#udp.get(record.a)?.received(record.text, record.prefix, record.b)
  }

  readonly #takeStream = (record: RingRecord): void => {
    if (record.kind === Kind.message) {
      this.#note(record)
      this.#pool?.settle()
    }
    this.#pool?.take(record)
  }

  /** The first message of a turn waited longest. */
  #note({ since }: RingRecord): void {
    const waited = ((monotonicMicros() - since) | 0) / 1000
    if (this.#waited < 0) this.#waited = Math.max(0, waited)
  }
}
