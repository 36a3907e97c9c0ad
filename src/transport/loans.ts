// Owns what the front has lent to this worker: connections that it reads and writes by itself (native/loans.h).
import { Kind, LOANED_AT, Returned, RING_CAPACITY } from './front-rings.ts'
import type { LoanSockets } from './native-sockets.ts'
import type { PatientWriter } from './patient-writer.ts'
import type { RingRecord } from './shared-ring.ts'

/** What makes a worker one that connections are lent to. */
export interface LoanSeat {
  /** The end of the passage that descriptors come from. */
  readonly taking: number
  /** A number that no other worker has at the time, and none soon after. */
  readonly worker: number
}

export interface LoansOptions extends LoanSeat {
  readonly native: LoanSockets
  readonly memory: ArrayBuffer
  readonly out: PatientWriter
  /** Where the next record of the ring out will lie. */
  position(): number
  /** Messages lie in the ring LOANED_AT. */
  arrived(): void
}

/** Bytes that are sent at once at most. */
const GATHERED = 1 << 18
/** Sends that are remembered until the far end is heard, as in connection.ts. */
const UNPROVEN = 32
const ROUTES = 1024

/** What is sent over a connection at once: what comes of one message, or of one turn of timers. */
interface Lent {
  readonly flow: number
  wires: string[]
  ids: number[]
  bytes: number
}

/** Where sends of the same words go, once the front has told it of the last of them. */
interface Route {
  last: number
  flow: number | undefined
}

/** Sends that came to nothing with a connection: those that never left, and those that nobody was heard of since. */
export interface LostSends {
  readonly unsent: readonly number[]
  readonly unproven: readonly number[]
}

export class Loans {
  readonly #options: LoansOptions
  readonly #handle: unknown
  readonly #lent = new Map<number, Lent>()
  #dirty: Lent[] = []
  readonly #unproven = new Map<number, number[]>()
  readonly #routes = new Map<string, Route>()
  /** Where the last record lies that was left to the front to send over a connection. */
  readonly #left = new Map<number, number>()
  #serial = 0
  #closed = false

  constructor(options: LoansOptions) {
    this.#options = options
    const { native, taking, memory, arrived } = options
    this.#handle = native.openLoans(taking, memory, LOANED_AT, RING_CAPACITY, arrived, (flow, code) => {
      const lent = this.#lent.get(flow)
      if (lent) this.#return(lent, code)
    })
  }

  /** Tells the front that this worker serves, with nothing lent. */
  attach(): void {
    const { out, worker } = this.#options
    out.tell(Kind.attached, worker, ++this.#serial, 0, '', '')
  }

  /** @returns what was to be sent over connections of a front that is no more */
  attachAnew(): number[] {
    const lost = [...this.#lent.keys()].flatMap((flow) => this.forget(flow).unsent)
    this.#unproven.clear()
    this.#left.clear()
    this.unrouted()
    this.attach()
    return lost
  }

  /** A record `lent`. */
  take({ a: flow, b: port, c: listener, prefix: from, text }: RingRecord): void {
    const { native, worker } = this.#options
    const [to, serial, position, messageBytes, bodyBytes] = text.split(' ').map(Number) as [number, ...number[]]
    // To the worker that was here before; its descriptors are gone with it.
    if (to !== worker || serial !== this.#serial) return
    const code = native.loanTake(this.#handle, flow, port, listener, from, messageBytes!, bodyBytes!)
    const lent: Lent = { flow, wires: [], ids: [], bytes: 0 }
    const left = this.#left.get(flow)
    // What was left to the front before must not be overtaken.
    const isBehind = left !== undefined && ((position! - left) | 0) < 0
    if (code !== 0 || isBehind) this.#return(lent, code === Returned.noRoom ? code : Returned.later)
    else this.#lent.set(flow, lent)
  }

  holds(flow: number): boolean {
    return this.#lent.has(flow)
  }

  /** Something came over the connection: what was sent before was received. */
  heard(flow: number): void {
    const unproven = this.#unproven.get(flow)
    if (unproven) unproven.length = 0
  }

  /** Sends with the next `flush`; false when that is for the front. */
  write(flow: number, id: number, wire: string): boolean {
    const lent = this.#lent.get(flow)
    if (!lent) return false
    // The front makes a WebSocket of it with these.
    const isOurs = wire.length <= GATHERED && !wire.startsWith('HTTP/')
    if (!isOurs) this.giveBack(flow)
    else if (lent.bytes + wire.length > GATHERED) this.#flush(lent)
    if (!this.#lent.has(flow)) return false
    if (lent.wires.length === 0) this.#dirty.push(lent)
    lent.wires.push(wire)
    lent.ids.push(id)
    lent.bytes += wire.length
    return true
  }

  /** Writes what was gathered. */
  flush(): void {
    const dirty = this.#dirty
    if (dirty.length === 0) return
    this.#dirty = []
    for (const lent of dirty) this.#flush(lent)
  }

  #flush(lent: Lent): void {
    const { flow, wires } = lent
    if (wires.length === 0 || this.#lent.get(flow) !== lent) return
    const text = wires.length === 1 ? wires[0]! : wires.join('')
    const taken = this.#options.native.loanWrite(this.#handle, flow, text)
    if (taken === text.length) {
      this.#notProven(flow, lent.ids)
      clear(lent)
    } else this.#return(lent, Returned.fine, taken)
  }

  #notProven(flow: number, ids: readonly number[]): void {
    const unproven = this.#unproven.get(flow)
    if (!unproven) this.#unproven.set(flow, ids.slice(-UNPROVEN))
    else {
      unproven.push(...ids)
      if (unproven.length > UNPROVEN) unproven.splice(0, unproven.length - UNPROVEN)
    }
  }

  giveBack(flow: number): void {
    const lent = this.#lent.get(flow)
    if (!lent) return
    this.#flush(lent)
    if (this.#lent.has(flow)) this.#return(lent, Returned.fine)
  }

  /** Nothing of ours touches the socket once the record is there. `taken` bytes of what was gathered have left. */
  #return(lent: Lent, code: number, taken = 0): void {
    const { native, out } = this.#options
    const { flow, wires, ids } = lent
    this.#lent.delete(flow)
    native.loanDrop(this.#handle, flow)
    let whole = 0
    let end = 0
    while (whole < wires.length && end + wires[whole]!.length <= taken) end += wires[whole++]!.length
    this.#notProven(flow, ids.slice(0, whole))
    const rest = wires
      .slice(whole)
      .join('')
      .slice(taken - end)
    out.tell(Kind.returned, 0, flow, code, ids.slice(whole).join(' '), rest)
    clear(lent)
  }

  /** The connection is gone. */
  forget(flow: number): LostSends {
    const lent = this.#lent.get(flow)
    const lost = { unsent: lent?.ids ?? [], unproven: this.#unproven.get(flow) ?? [] }
    this.#unproven.delete(flow)
    this.#left.delete(flow)
    if (!lent) return lost
    this.#lent.delete(flow)
    this.#options.native.loanDrop(this.#handle, flow)
    return lost
  }

  /** Where a `send` of these words goes, if that is lent. */
  routeOf(key: string): number | undefined {
    const flow = this.#routes.get(key)?.flow
    return flow !== undefined && this.#lent.has(flow) ? flow : undefined
  }

  /** The front was asked for the send of that number. */
  asked(key: string, id: number): void {
    const route = this.#routes.get(key)
    if (route) {
      route.last = id
      route.flow = undefined
      return
    }
    if (this.#routes.size >= ROUTES) this.#routes.clear()
    this.#routes.set(key, { last: id, flow: undefined })
  }

  /** The front left a reply to that flow in the ring. */
  left(flow: number): void {
    this.#left.set(flow, this.#options.position())
  }

  /** The send of that number goes over `flow`; so do those that come after it, unless one of them is with the front. */
  routed(key: string, id: number, flow: number): void {
    const route = this.#routes.get(key)
    if (route?.last === id) route.flow = flow
  }

  unrouted(): void {
    for (const route of this.#routes.values()) route.flow = undefined
  }

  /** What was gathered is written, and nothing lent any longer. */
  close(): void {
    if (this.#closed) return
    this.flush()
    this.#closed = true
    this.#options.native.closeHandle(this.#handle)
    this.#lent.clear()
    this.#options.out.tell(Kind.attached, 0, 0, 0, '', '')
  }
}

function clear(lent: Lent): void {
  lent.wires = []
  lent.ids = []
  lent.bytes = 0
}
