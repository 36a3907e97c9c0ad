// Owns the connections of the front as a shard sees them: what it asks of them, and those that are lent to it.
import { randomBytes } from 'node:crypto'
import { ERROR_CODES, type ErrorCode, SignalboxError } from '../errors.ts'
import { Kind } from './front-rings.ts'
import { latin1Only } from './latin1.ts'
import type { Loans } from './loans.ts'
import { PatientWriter } from './patient-writer.ts'
import type { RingRecord } from './shared-ring.ts'
import type { PoolOptions, StreamFlow, StreamPool } from './sockets.ts'
import type { Flow, FlowPeer, Hop, Listener, SendFailed, Transport } from './types.ts'
import type { WakingWriter } from './waking-rings.ts'
import { webFace } from './websocket-face.ts'

/** Numbers of connections are the front's: they are kept apart from those of UDP flows. */
const FRONT_FLOWS = 2 ** 32
/** Sends that may still be reported as failed; older ones have a timer of their own. */
const SENDS = 8192

/** The number by which the front knows a flow of `createShardTransport`. */
export function frontFlow(flow: Flow): number {
  return flow.id % FRONT_FLOWS
}

/** The connections of the front, as far as this shard has met them. */
export class FrontPool implements StreamPool {
  readonly #options: PoolOptions
  readonly #listener: (id: number) => Listener | undefined
  readonly #flows = new Map<number, FrontFlow>()
  readonly #sends: (SendFailed | undefined)[] = new Array(SENDS)
  #batches = 0
  /** Begins anywhere: what is reported to the worker that was here before is not taken for ours. */
  #lastSend = randomBytes(4).readInt32BE()
  #ring: WakingWriter | undefined
  #out: PatientWriter | undefined
  #loans: Loans | undefined

  constructor(options: PoolOptions, listener: (id: number) => Listener | undefined) {
    this.#options = options
    this.#listener = listener
  }

  /** `borrow` makes what is lent to the shard, where anything is. */
  writeTo(ring: WakingWriter, borrow: (out: PatientWriter) => Loans | undefined): void {
    this.#ring = ring
    this.#out = new PatientWriter(ring, this.#options.clock)
    this.#loans = borrow(this.#out)
    this.#loans?.attach()
  }

  /** Connections are counted by the front. */
  readonly size = 0
  readonly writeBytes = 0

  admit(): undefined {}
  retire(): void {}
  closeAll(): void {
    // Whoever closes may not come to the end of its turn.
    this.#loans?.close()
    this.#ring?.endBatch()
    for (const flow of this.#flows.values()) flow.isClosed = true
    this.#flows.clear()
  }

  send(hop: Hop, listener: Listener, wire: string, failed: SendFailed): void {
    const chosen = hop.listener !== undefined && hop.listener === listener ? 1 : 0
    const open = hop.noConnect === true ? 2 : 0
    const { transport, address, port, serverName } = hop
    const to = serverName === undefined ? `${transport} ${address}` : `${transport} ${address} ${serverName}`
    const place = listener.id * 4 + open + chosen
    const loans = this.#loans
    const id = this.#newSend(failed)
    if (!loans) {
      this.#ask(Kind.send, id, port, place, to, wire)
      return
    }
    const key = sendKey(to, port, place)
    const flow = loans.routeOf(key)
    if (flow !== undefined) this.#reply(id, flow, wire)
    else if (this.#ask(Kind.send, id, port, place, to, wire)) loans.asked(key, id)
  }

  reply(flow: number, wire: string, failed: SendFailed): void {
    this.#reply(this.#newSend(failed), flow, wire)
  }

  #reply(id: number, flow: number, wire: string): void {
    if (this.#loans?.write(flow, id, wire)) return
    if (this.#ask(Kind.reply, id, flow, 0, '', wire)) this.#loans?.left(flow)
  }

  finish(flow: number, code: number, reason: string): void {
    // What was sent before goes before.
    this.#loans?.giveBack(flow)
    this.#out?.push(Kind.finish, 0, flow, code, latin1Only(reason), '')
  }

  /** What is sent until `endBatch` leaves with it, and the front is woken once. */
  beginBatch(): void {
    if (this.#batches++ === 0) this.#ring?.beginBatch()
  }

  /** Called before each message: a route that does not end must not keep what was sent before it. */
  settle(): void {
    this.#loans?.flush()
  }

  endBatch(): void {
    if (--this.#batches > 0) return
    this.#loans?.flush()
    this.#ring?.endBatch()
  }

  #newSend(failed: SendFailed): number {
    if (this.#batches === 0) {
      // What one turn of the event loop sends.
      this.beginBatch()
      process.nextTick(() => this.endBatch())
    }
    const id = (this.#lastSend = (this.#lastSend + 1) | 0)
    this.#sends[id & (SENDS - 1)] = failed
    return id
  }

  /** Has the front send it; false when it could not be asked. */
  #ask(kind: number, id: number, b: number, c: number, prefix: string, wire: string): boolean {
    if (this.#out?.push(kind, id, b, c, prefix, wire)) return true
    const why = 'cannot send: more waits for the connections than they take'
    this.#fail(id, new SignalboxError('ERR_TRANSPORT', why))
    return false
  }

  #fail(id: number, error: SignalboxError): void {
    const age = (this.#lastSend - id) | 0
    if (age < 0 || age >= SENDS) return
    const failed = this.#sends[id & (SENDS - 1)]
    this.#sends[id & (SENDS - 1)] = undefined
    failed?.(error)
  }

  take(record: RingRecord): void {
    const { kind, a, b, prefix, text } = record
    const loans = this.#loans
    switch (kind) {
      case Kind.message: {
        loans?.heard(a)
        const flow = this.#flows.get(a) ?? this.#newFlow(record)
        if (flow) this.#options.message(text, flow)
        break
      }
      case Kind.flowClosed:
        this.#closed(a, prefix, text)
        break
      case Kind.sendFailed:
        this.#fail(a, errorOf(prefix, text))
        break
      case Kind.lent:
        loans?.take(record)
        break
      case Kind.recalled:
        loans?.giveBack(a)
        break
      case Kind.carry:
        loans?.routed(prefix, a, b)
        this.#reply(a, b, text)
        break
      case Kind.unrouted:
        loans?.unrouted()
        break
      case Kind.begun:
        for (const id of loans?.attachAnew() ?? []) this.#fail(id, errorOf('', ''))
    }
  }

  #closed(number: number, code: string, message: string): void {
    const lost = this.#loans?.forget(number)
    const flow = this.#flows.get(number)
    if (flow) {
      this.#flows.delete(number)
      flow.isClosed = true
      this.#options.flowClosed(flow)
    }
    if (!lost) return
    const error = errorOf(code, message)
    for (const id of lost.unsent) this.#fail(id, error)
    // Without a code the far end left in order: it had what the kernel took.
    if (code !== '') for (const id of lost.unproven) this.#fail(id, error)
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

/** What tells sends apart that may go different ways. */
export function sendKey(prefix: string, b: number, c: number): string {
  return `${b} ${c} ${prefix}`
}

function errorOf(code: string, message: string): SignalboxError {
  if (code === '') return new SignalboxError('ERR_TRANSPORT', 'cannot send: the connection is closed')
  return new SignalboxError(code in ERROR_CODES ? (code as ErrorCode) : 'ERR_TRANSPORT', message)
}
