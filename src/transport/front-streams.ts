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
import { Kind, OUT_AT, RING_CAPACITY, type ShardLink, STREAMS_AT, TurnReader, WakingWriter } from './front-rings.ts'
import { addressFamily } from './ip-address.ts'
import { latin1Only } from './latin1.ts'
import { DEFAULT_TRANSPORT_LIMITS } from './limits.ts'
import { listenersOf } from './listen.ts'
import { nativeSockets } from './native-sockets.ts'
import { RingReader, type RingRecord } from './shared-ring.ts'
import type { PoolOptions, StreamFlow, StreamServer } from './sockets.ts'
import { StreamLane } from './stream-lane.ts'
import type { Hop, Listener, ListenSpec, ReloadableTransport, SendFailed, TransportStats } from './types.ts'

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
}

export interface StreamFront {
  /** Takes effect for what comes next; throws ERR_TLS, changing nothing, when a profile is wrong. */
  update(settings: FrontSettings): void
  /** Sends over a connection from outside any shard; false when it is gone. */
  reply(flow: number, wire: string): boolean
  /** Connections and what became of them; messages are counted by the shards. */
  stats(): TransportStats
  close(): void
}

/** Records that one shard's ring gives in one turn. */
const TURN = 256
/** What shards must learn although their ring is full at the moment. */
const OVERDUE = 20_000
const AGAIN_MILLIS = 20
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
  readonly #in: readonly ShardInput[]
  readonly #out: readonly RingReader[]
  readonly #reader: TurnReader
  readonly #watch: { close(): void }
  readonly #lane: StreamLane | undefined
  readonly #servers: StreamServer[] = []
  #closed = false
  /** Connections that a shard was given something of, by number. */
  readonly #flows = new Map<number, StreamFlow>()

  constructor(options: StreamFrontOptions) {
    this.#options = options
    const { log, shards, clock = systemClock, tls, limits, parseLimits } = options
    const native = nativeSockets()
    this.#bad = new BadRequests(this.#counters, log)
    this.#listeners = listenersOf(options.listen)
    this.#sockets = new NodeSockets({ listen: [], tls, clock, log })
    this.#in = shards.map((link) => new ShardInput(new WakingWriter(link, STREAMS_AT, link.event, native), clock))
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
      flowClosed: (flow) => this.#flowClosed(flow),
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
    const place = `${flow.transport} ${flow.remoteAddress}`
    const from = flow.peer ? `${place} ${JSON.stringify(flow.peer)}` : place
    if (!shard.message(flow.id, flow.remotePort, flow.listener.id, latin1Only(from), raw)) this.#overflow(raw, flow)
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

  #flowClosed(flow: StreamFlow): void {
    if (!this.#flows.delete(flow.id)) return
    for (const shard of this.#in) shard.tell(Kind.flowClosed, flow.id, '', '')
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
      this.#in[shard]!.tell(Kind.sendFailed, id, error.code, latin1Only(error.message))
    }
  }

  #take(record: RingRecord, shard: number): void {
    const { kind, a: id, text } = record
    const failed = this.#failed(shard, id)
    if (kind === Kind.reply) {
      const flow = this.#flows.get(record.b)
      if (flow) flow.send(text, failed)
      else failed(new SignalboxError('ERR_TRANSPORT', 'cannot send: the connection is closed'))
    } else if (kind === Kind.finish) this.#flows.get(record.b)?.finish(record.c, record.prefix)
    else if (kind === Kind.send) {
      const listener = this.#listeners[record.c >> 1]
      const hop = listener && hopOf(record, listener)
      if (hop) {
        const over = this.#pool.send(hop, listener, text, failed)
        if (over) this.#lane?.route(record, over.id)
      } else
        failed(new SignalboxError('ERR_TRANSPORT', 'cannot send: the shard asked for something that is no address'))
    }
  }
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
  }
}

/** The way into one shard. What it must learn in any case waits while its ring is full. */
class ShardInput {
  readonly #ring: WakingWriter
  readonly #clock: Clock
  #overdue: { kind: number; id: number; prefix: string; text: string }[] = []

  constructor(ring: WakingWriter, clock: Clock) {
    this.#ring = ring
    this.#clock = clock
  }

  message(flow: number, port: number, listener: number, from: string, raw: string): boolean {
    return this.#ring.push(Kind.message, flow, port, listener, from, raw)
  }

  tell(kind: number, id: number, prefix: string, text: string): void {
    if (this.#overdue.length === 0 && this.#ring.push(kind, id, 0, 0, prefix, text)) return
    if (this.#overdue.length >= OVERDUE) return
    this.#overdue.push({ kind, id, prefix, text })
    if (this.#overdue.length === 1) this.#later()
  }

  #later(): void {
    this.#clock.setTimer(AGAIN_MILLIS, () => {
      const told = this.#overdue.findIndex(
        ({ kind, id, prefix, text }) => !this.#ring.push(kind, id, 0, 0, prefix, text),
      )
      this.#overdue = told < 0 ? [] : this.#overdue.slice(told)
      if (this.#overdue.length > 0) this.#later()
    })
  }
}
