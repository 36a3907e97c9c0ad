// Owns the front of streams: TCP and TLS connections of all shards, so that none of them ends with a worker. No operator's code runs here.
import { type Clock, systemClock } from '../clock.ts'
import { SignalboxError } from '../errors.ts'
import type { Log } from '../log.ts'
import { DEFAULT_PARSE_LIMITS, parseMessage, SipRequest, TRANSPORTS, type Transport } from '../sip/index.ts'
import { BadRequests } from './bad-request.ts'
import { callIdOf, shardOf } from './call-shard.ts'
import { ConnectionPool } from './connection-pool.ts'
import { Counters } from './counters.ts'
import { NodeSockets } from './create-transport.ts'
import { sendKey } from './front-pool.ts'
import { Kind, OUT_AT, RING_CAPACITY, type ShardLink, STREAMS_AT } from './front-rings.ts'
import { addressFamily } from './ip-address.ts'
import { latin1Only } from './latin1.ts'
import { DEFAULT_TRANSPORT_LIMITS } from './limits.ts'
import { listenersOf } from './listen.ts'
import { nativeSockets } from './native-sockets.ts'
import { PatientWriter } from './patient-writer.ts'
import { RingReader, type RingRecord } from './shared-ring.ts'
import type { PoolOptions, StreamFlow, StreamServer } from './sockets.ts'
import { StreamLane } from './stream-lane.ts'
import type { Passage } from './stream-loans.ts'
import type { FlowPeer, Hop, Listener, ListenSpec, ReloadableTransport, SendFailed, TransportStats } from './types.ts'
import { TurnReader, WakingWriter } from './waking-rings.ts'

/** What of a configuration concerns connections. */
export type FrontSettings = Pick<ReloadableTransport, 'tls' | 'limits' | 'parseLimits'>

export interface StreamFrontOptions extends FrontSettings {
  /** All listeners in their order, expanded; those of streams with the descriptor that is listened on. */
  readonly listen: readonly ListenSpec[]
  readonly shards: readonly ShardLink[]
  /** The eventfd by which shards wake the front. */
  readonly event: number
  readonly log: Log
  readonly clock?: Clock
  /** Whether plain messages may pass below JavaScript; `none` is for comparisons. Default `plain`. */
  readonly lane?: 'plain' | 'none'
  /** The way to the only shard for the descriptors of plain connections, where they are lent to it. */
  readonly passage?: Passage
}

export interface StreamFront {
  /** Takes effect for what comes next; throws ERR_TLS, changing nothing, when a profile is wrong. */
  update(settings: FrontSettings): void
  /** Sends over a connection from outside any shard; false when it is gone. */
  reply(flow: number, wire: string): boolean
  /** A worker has ended: what was lent to it is the front's. */
  lost(worker: number): void
  /** Connections and what became of them; messages are counted by the shards. */
  stats(): TransportStats
  close(): void
}

/** Records that one shard's ring gives in one turn. */
const TURN = 256
/** Messages before bytes that are not SIP are still under way in a shard. */
const FRAMING_GRACE_MILLIS = 200

/**
 * Opens the stream listeners.
 * @throws SignalboxError ERR_LISTEN or ERR_TLS
 */
export async function openStreamFront(options: StreamFrontOptions): Promise<StreamFront> {
  const front = new Front(options)
  await front.open()
  return front
}

class Front implements StreamFront {
  readonly #options: StreamFrontOptions
  readonly #listeners: readonly Listener[]
  readonly #sockets: NodeSockets
  readonly #poolOptions: PoolOptions
  readonly #pool: ConnectionPool
  readonly #counters = new Counters()
  readonly #bad: BadRequests
  readonly #in: readonly PatientWriter[]
  readonly #out: readonly RingReader[]
  readonly #reader: TurnReader
  readonly #watch: { close(): void }
  readonly #lane: StreamLane | undefined
  readonly #servers: StreamServer[] = []
  #closed = false
  /** Connections that a shard was given something of, by number. */
  readonly #flows = new Map<number, StreamFlow>()
  /** What is told of them with each message. */
  readonly #sources = new WeakMap<StreamFlow, Source>()

  constructor(options: StreamFrontOptions) {
    this.#options = options
    const { log, shards, clock = systemClock, tls, limits, parseLimits } = options
    const native = nativeSockets()
    this.#bad = new BadRequests(this.#counters, log)
    this.#listeners = listenersOf(options.listen)
    this.#sockets = new NodeSockets({ listen: [], tls, clock, log })
    this.#in = shards.map(
      (link) => new PatientWriter(new WakingWriter(link.memory, STREAMS_AT, link.event, native, RING_CAPACITY), clock),
    )
    this.#out = shards.map((link) => new RingReader(link.memory, OUT_AT, RING_CAPACITY))
    this.#reader = new TurnReader(this.#out, () => this.#turn())
    const woken = (): void => this.#reader.woken()
    if (options.lane !== 'none') {
      this.#lane = new StreamLane({
        native,
        shards,
        event: options.event,
        woken,
        opened: (flow) => this.#flows.set(flow.id, flow),
        failed: (shard, id) => this.#failed(shard, id),
        ...(options.passage && { loans: { passage: options.passage, clock, input: this.#in[0]!, out: this.#out[0]! } }),
      })
    }
    this.#watch = this.#lane ?? native.watchEvent(options.event, woken)
    this.#poolOptions = {
      sockets: this.#sockets,
      clock,
      log,
      counters: this.#counters,
      limits: { ...DEFAULT_TRANSPORT_LIMITS, ...limits },
      parseLimits: { ...DEFAULT_PARSE_LIMITS, ...parseLimits },
      tls,
      framingGraceMillis: FRAMING_GRACE_MILLIS,
      ...(this.#lane && { lane: this.#lane }),
      message: (raw, flow) => this.#received(raw, flow),
      framingError: (error, flow) => {
        const reply = this.#bad.refuseFraming(error, flow, this.#poolOptions.parseLimits)
        if (reply) this.#send(flow, reply.wire)
      },
      flowClosed: (flow, lost) => this.#flowClosed(flow, lost),
    }
    this.#pool = new ConnectionPool(this.#poolOptions)
    this.#sockets.profileChanged = (profile) => this.#pool.retire(profile)
  }

  async open(): Promise<void> {
    try {
      for (const [id, spec] of this.#options.listen.entries()) {
        if (spec.transport === 'udp') continue
        const listener = this.#listeners[id]!
        this.#servers.push(await this.#sockets.openServer(spec, (socket) => this.#pool.admit(listener, socket)))
      }
    } catch (error) {
      this.close()
      throw error
    }
    if (this.#lane?.loans) this.#in[0]!.tell(Kind.begun, 0, 0, 0, '', '')
    // What shards wrote while no front was there.
    this.#reader.woken()
  }

  update({ tls, limits, parseLimits }: FrontSettings): void {
    this.#sockets.updateTls(tls)
    this.#poolOptions.tls = tls
    this.#poolOptions.limits = { ...DEFAULT_TRANSPORT_LIMITS, ...limits }
    this.#poolOptions.parseLimits = { ...DEFAULT_PARSE_LIMITS, ...parseLimits }
    this.#lane?.forgetRoutes()
  }

  reply(flow: number, wire: string): boolean {
    const connection = this.#flows.get(flow)
    if (!connection) return false
    // A worker that died may have sent before, and not come to waking anybody.
    this.#reader.woken()
    this.#send(connection, wire)
    return true
  }

  lost(worker: number): void {
    const loans = this.#lane?.loans
    // What it wrote to the ring goes before anything of ours.
    while (loans?.isHeldBy(worker) && !this.#out[0]!.isEmpty) this.#turn()
    loans?.lost(worker)
  }

  stats(): TransportStats {
    return this.#counters.stats(this.#pool.size, this.#pool.writeBytes)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#turn()
    this.#reader.close()
    for (const server of this.#servers.splice(0)) server.close()
    this.#pool.closeAll()
    this.#watch.close()
    this.#sockets.close()
  }

  #send(flow: StreamFlow, wire: string): void {
    flow.send(wire, () => this.#counters.sendFailures++)
  }

  #received(raw: string, flow: StreamFlow): void {
    const shard = this.#in[shardOf(callIdOf(raw), this.#in.length)]!
    this.#flows.set(flow.id, flow)
    if (!shard.push(Kind.message, flow.id, flow.remotePort, flow.listener.id, this.#sourceOf(flow), raw))
      this.#overflow(raw, flow)
  }

  /** A connection becomes a WebSocket, or its peer proves who it is, between two messages. */
  #sourceOf(flow: StreamFlow): string {
    const { transport, peer, remoteAddress } = flow
    const known = this.#sources.get(flow)
    if (known?.transport === transport && known.peer === peer) return known.text
    const place = `${transport} ${remoteAddress}`
    const text = latin1Only(peer ? `${place} ${JSON.stringify(peer)}` : place)
    this.#sources.set(flow, { transport, peer, text })
    return text
  }

  /** The shard does not keep up at all: what would begin something is refused at once, nothing is sent again on a stream. */
  #overflow(raw: string, flow: StreamFlow): void {
    const parsed = parseMessage(raw, this.#poolOptions.parseLimits)
    if (!parsed.ok || !(parsed.message instanceof SipRequest) || parsed.message.method === 'ACK') return
    const reply = this.#bad.refuse(
      { reason: 'Service Unavailable', status: 503, drop: false, partial: parsed.message },
      flow,
    )
    if (reply) this.#send(flow, reply.wire)
  }

  #flowClosed(flow: StreamFlow, lost: SignalboxError | undefined): void {
    if (!this.#flows.delete(flow.id)) return
    const [code, message] = lost ? [lost.code, latin1Only(lost.message)] : ['', '']
    for (const shard of this.#in) shard.tell(Kind.flowClosed, flow.id, 0, 0, code, message)
  }

  #turn(): void {
    for (const [shard, ring] of this.#out.entries()) {
      const take = (record: RingRecord): void => this.#take(record, shard)
      // The lane stops where a record is not for it; after that one it may go on.
      for (let left = TURN, taken = 1; left > 0 && taken > 0; left -= taken)
        taken = this.#lane?.drain(shard, left) || ring.drain(1, take)
    }
  }

  #failed(shard: number, id: number): SendFailed {
    return (error) => {
      this.#counters.sendFailures++
      this.#in[shard]!.tell(Kind.sendFailed, id, 0, 0, error.code, latin1Only(error.message))
    }
  }

  #take(record: RingRecord, shard: number): void {
    const { kind, a: id, b, c, prefix, text } = record
    const failed = this.#failed(shard, id)
    const loans = this.#lane?.loans
    switch (kind) {
      case Kind.reply: {
        loans?.declined(b)
        const flow = this.#flows.get(b)
        if (flow) flow.send(text, failed)
        else failed(new SignalboxError('ERR_TRANSPORT', 'cannot send: the connection is closed'))
        break
      }
      case Kind.finish:
        this.#flows.get(b)?.finish(c, prefix)
        break
      case Kind.send:
        this.#dispatch(record, failed)
        break
      case Kind.attached:
        loans?.attached(id, b)
        break
      case Kind.returned:
        loans?.returned(record)
    }
  }

  #dispatch(record: RingRecord, failed: SendFailed): void {
    const { a: id, b, c, prefix, text } = record
    const listener = this.#listeners[c >> 2]
    const hop = listener && hopOf(record, listener)
    if (!hop) {
      failed(new SignalboxError('ERR_TRANSPORT', 'cannot send: the shard asked for something that is no address'))
      return
    }
    const loans = hop.transport === 'tcp' ? this.#lane?.loans : undefined
    const known = loans && this.#pool.known(hop, listener)
    if (known && loans.carry(known.id, id, sendKey(prefix, b, c), text)) return
    const over = this.#pool.send(hop, listener, text, failed)
    if (over) this.#lane?.route(record, over.id)
  }
}

interface Source {
  readonly transport: Transport
  readonly peer: FlowPeer | undefined
  readonly text: string
}

/** Nothing of what a shard wrote is trusted: its process runs the operator's code. */
function hopOf({ prefix, b: port, c }: RingRecord, listener: Listener): Hop | undefined {
  const [name, address = '', serverName] = prefix.split(' ')
  const transport = TRANSPORTS.find((one): one is Transport => one === name)
  if (!transport || transport === 'udp' || addressFamily(address) === 0 || port <= 0 || port > 65_535) return undefined
  return {
    transport,
    address,
    port,
    ...(serverName !== undefined && { serverName }),
    ...((c & 1) === 1 && { listener }),
    ...((c & 2) === 2 && { noConnect: true }),
  }
}
