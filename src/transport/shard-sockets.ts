// Owns the sockets of a shard: UDP by its own descriptors, streams and spread datagrams by the rings of the front.
import { randomBytes } from 'node:crypto'
import { ERROR_CODES, type ErrorCode, SignalboxError } from '../errors.ts'
import {
  DATAGRAMS_AT,
  Kind,
  OUT_AT,
  RING_CAPACITY,
  type ShardLink,
  STREAMS_AT,
  TurnReader,
  WakingWriter,
} from './front-rings.ts'
import { latin1Only } from './latin1.ts'
import { type BatchSockets, optionalNativeSockets } from './native-sockets.ts'
import { NativeUdp } from './native-udp.ts'
import { monotonicMicros, RingReader, type RingRecord } from './shared-ring.ts'
import type {
  DatagramSocket,
  PoolOptions,
  Sockets,
  StreamFlow,
  StreamPool,
  StreamServer,
  StreamSocket,
} from './sockets.ts'
import { createLayer } from './transport-layer.ts'
import type {
  Flow,
  FlowPeer,
  Hop,
  Listener,
  ListenSpec,
  Queued,
  SendFailed,
  Transport,
  TransportLayer,
  TransportOptions,
} from './types.ts'
import { webFace } from './websocket-face.ts'

/** A shard's place beside the front. */
export interface ShardSeat extends ShardLink {
  /** The eventfd that wakes the front; undefined where no stream is listened on. */
  readonly frontEvent: number
  /** Who reads the UDP sockets: the shard itself where it is the only one. */
  readonly datagrams: 'read' | 'spread'
}

/** Numbers of connections are the front's: they are kept apart from those of UDP flows. */
const FRONT_FLOWS = 2 ** 32
const TURN = 64
/** Sends that may still be reported as failed; older ones have a timer of their own. */
const SENDS = 8192

/** The number by which the front knows a flow of {@link createShardTransport}. */
export function frontFlow(flow: Flow): number {
  return flow.id % FRONT_FLOWS
}

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
    { bufferBytes, listener }: { bufferBytes: number; listener: number },
    received: Received,
  ): Promise<DatagramSocket> {
    const queued = this.#queued
    this.#seat ??= this.#askSeat()
    const reader = this.#seat.datagrams === 'read' ? 'self' : 'another'
    const socket = new NativeUdp(this.#native, spec, { bufferBytes, reader, ...(queued && { queued }) }, received)
    this.#udp.set(listener, { socket, received })
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
    const { memory, event, frontEvent } = (this.#seat ??= this.#askSeat())
    const native = this.#native
    this.#pool?.writeTo(new WakingWriter({ memory, event }, OUT_AT, frontEvent, native))
    const datagrams = new RingReader(memory, DATAGRAMS_AT, RING_CAPACITY)
    const streams = new RingReader(memory, STREAMS_AT, RING_CAPACITY)
    const reader = new TurnReader([datagrams, streams], () => this.#turn(datagrams, streams))
    this.#reader = reader
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

  #turn(datagrams: RingReader, streams: RingReader): void {
    this.#waited = -1
    for (const { socket } of this.#udp.values()) socket.beginBatch()
    this.#pool?.beginBatch()
    try {
      const taken = Math.max(datagrams.drain(TURN, this.#takeDatagram), streams.drain(TURN, this.#takeStream))
      if (this.#waited >= 0) this.#queued?.(this.#waited, taken === TURN)
    } finally {
      this.#pool?.endBatch()
      for (const { socket } of this.#udp.values()) socket.endBatch()
    }
  }

  readonly #takeDatagram = (record: RingRecord): void => {
    this.#note(record)
    this.#udp.get(record.a)?.received(record.text, record.prefix, record.b)
  }

  readonly #takeStream = (record: RingRecord): void => {
    if (record.kind === Kind.message) this.#note(record)
    this.#pool?.take(record)
  }

  /** The first message of a turn waited longest. */
  #note({ since }: RingRecord): void {
    const waited = ((monotonicMicros() - since) | 0) / 1000
    if (this.#waited < 0) this.#waited = Math.max(0, waited)
  }
}

/** The connections of the front, as far as this shard has met them. */
class FrontPool implements StreamPool {
  readonly #options: PoolOptions
  readonly #listener: (id: number) => Listener | undefined
  readonly #flows = new Map<number, FrontFlow>()
  readonly #sends: (SendFailed | undefined)[] = new Array(SENDS)
  #batches = 0
  /** Begins anywhere: what is reported to the worker that was here before is not taken for ours. */
  #lastSend = randomBytes(4).readInt32BE()
  #out: WakingWriter | undefined

  constructor(options: PoolOptions, listener: (id: number) => Listener | undefined) {
    this.#options = options
    this.#listener = listener
  }

  writeTo(out: WakingWriter): void {
    this.#out = out
  }

  /** Connections are counted by the front. */
  readonly size = 0
  readonly writeBytes = 0

  admit(): undefined {}
  retire(): void {}
  closeAll(): void {
    // Whoever closes may not come to the end of its turn.
    this.#out?.endBatch()
    for (const flow of this.#flows.values()) flow.isClosed = true
    this.#flows.clear()
  }

  send(hop: Hop, listener: Listener, wire: string, failed: SendFailed): void {
    const chosen = hop.listener !== undefined && hop.listener === listener ? 1 : 0
    const { transport, address, port, serverName } = hop
    const to = serverName === undefined ? `${transport} ${address}` : `${transport} ${address} ${serverName}`
    this.#push(Kind.send, port, listener.id * 2 + chosen, to, wire, failed)
  }

  reply(flow: number, wire: string, failed: SendFailed): void {
    this.#push(Kind.reply, flow, 0, '', wire, failed)
  }

  finish(flow: number, code: number, reason: string): void {
    this.#out?.push(Kind.finish, 0, flow, code, latin1Only(reason), '')
  }

  /** The front is woken once for what is sent until `endBatch`. */
  beginBatch(): void {
    if (this.#batches++ === 0) this.#out?.beginBatch()
  }

  endBatch(): void {
    if (--this.#batches === 0) this.#out?.endBatch()
  }

  #push(kind: number, b: number, c: number, prefix: string, wire: string, failed: SendFailed): void {
    if (this.#batches === 0) {
      // What one turn of the event loop sends.
      this.beginBatch()
      process.nextTick(() => this.endBatch())
    }
    const id = (this.#lastSend = (this.#lastSend + 1) | 0)
    this.#sends[id & (SENDS - 1)] = failed
    if (this.#out?.push(kind, id, b, c, prefix, wire)) return
    this.#sends[id & (SENDS - 1)] = undefined
    failed(new SignalboxError('ERR_TRANSPORT', 'cannot send: more waits for the connections than they take'))
  }

  take(record: RingRecord): void {
    const { kind, a, prefix, text } = record
    if (kind === Kind.message) {
      const flow = this.#flows.get(a) ?? this.#newFlow(record)
      if (flow) this.#options.message(text, flow)
    } else if (kind === Kind.flowClosed) {
      const flow = this.#flows.get(a)
      if (!flow) return
      this.#flows.delete(a)
      flow.isClosed = true
      this.#options.flowClosed(flow)
    } else if (kind === Kind.sendFailed) {
      if (((this.#lastSend - a) | 0) < 0 || ((this.#lastSend - a) | 0) >= SENDS) return
      const failed = this.#sends[a & (SENDS - 1)]
      this.#sends[a & (SENDS - 1)] = undefined
      const code = prefix in ERROR_CODES ? (prefix as ErrorCode) : 'ERR_TRANSPORT'
      failed?.(new SignalboxError(code, text))
    }
  }

  #newFlow({ a, b, c, prefix }: RingRecord): FrontFlow | undefined {
    const listener = this.#listener(c)
    if (!listener) return undefined
    const [, transport, address = '', proved] = /^(\S+) (\S+)(?: (.*))?$/.exec(prefix) ?? []
    const peer = proved === undefined ? undefined : (JSON.parse(proved) as FlowPeer)
    const own = transport === 'ws' || transport === 'wss' ? webFace(listener) : listener
    const flow = new FrontFlow(this, a, own, address, b, peer)
    this.#flows.set(a, flow)
    return flow
  }
}

class FrontFlow implements StreamFlow {
  readonly id: number
  listener: Listener
  readonly remoteAddress: string
  readonly remotePort: number
  readonly reliable = true
  readonly peer?: FlowPeer
  isClosed = false
  readonly #pool: FrontPool

  constructor(
    pool: FrontPool,
    number: number,
    listener: Listener,
    remoteAddress: string,
    remotePort: number,
    peer: FlowPeer | undefined,
  ) {
    this.#pool = pool
    this.id = FRONT_FLOWS + number
    this.listener = listener
    this.remoteAddress = remoteAddress
    this.remotePort = remotePort
    if (peer) this.peer = peer
  }

  get transport(): Transport {
    return this.listener.transport
  }

  send(wire: string, failed: SendFailed): void {
    this.#pool.reply(frontFlow(this), wire, failed)
    // The front makes a WebSocket of it as it sends this.
    if (wire.startsWith('HTTP/1.1 101 ')) this.listener = webFace(this.listener)
  }

  finish(code: number, reason: string): void {
    this.#pool.finish(frontFlow(this), code, reason)
  }
}
