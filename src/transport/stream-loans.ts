// Owns what a front has lent: plain connections that its only worker reads and writes by itself, until one of them wants otherwise.
import type { Clock } from '../clock.ts'
import { Kind, Returned } from './front-rings.ts'
import type { LaneSockets, NativeSockets } from './native-sockets.ts'
import type { PatientWriter } from './patient-writer.ts'
import type { RingReader, RingRecord } from './shared-ring.ts'
import type { LaneFlow } from './sockets.ts'
import type { SendFailed } from './types.ts'

/** The ends of the way that descriptors take to the worker. */
export interface Passage {
  readonly giving: number
  readonly taking: number
}

export interface StreamLoansOptions {
  readonly native: LaneSockets & Pick<NativeSockets, 'emptyPassage'>
  /** The handle of the lane. */
  readonly lane: unknown
  readonly passage: Passage
  readonly clock: Clock
  /** The way into the shard, and the ring that comes out of it. */
  readonly input: PatientWriter
  readonly out: RingReader
  failed(id: number): SendFailed
}

/** A connection is lent no more often: what is not plain all the time costs two records and a descriptor each time. */
const REST_MILLIS = 100
const LONGEST = 2 ** 31 - 1

/** What a connection has to do with loans. */
export class Loan {
  readonly flow: LaneFlow
  readonly ended: (code: number) => void
  state: 'here' | 'lent' | 'recalled' = 'here'
  /** Bytes wait with the socket. */
  held = false
  /** The worker has no room for it. */
  refused = false
  /** A loan that came to nothing has yet to be returned. */
  owed = false
  /** It has just come back: what the worker left in the kernel has yet to be read here. */
  unread = false
  notBefore = Number.NEGATIVE_INFINITY
  /** What is done as soon as it is here. */
  waiting: (() => void)[] = []

  constructor(flow: LaneFlow, ended: (code: number) => void) {
    this.flow = flow
    this.ended = ended
  }
}

/**
 * A loan is exclusive. Each `lent` is answered by one `returned`, after which the worker has no descriptor left, or is over when
 * its worker is: another one attached, or the supervisor saw it end.
 */
export class StreamLoans {
  readonly #options: StreamLoansOptions
  readonly #all = new Map<number, Loan>()
  readonly #due = new Set<Loan>()
  #holder: { readonly worker: number; readonly serial: number } | undefined
  #scheduled = false
  #resting = false
  #routed = false

  constructor(options: StreamLoansOptions) {
    this.#options = options
  }

  add(loan: Loan): void {
    this.#all.set(loan.flow.id, loan)
    this.due(loan)
  }

  remove(loan: Loan): void {
    this.#all.delete(loan.flow.id)
    this.#due.delete(loan)
    arrive(loan)
  }

  /** Something changed, so that it may be lent now. */
  due(loan: Loan): void {
    if (!this.#holder || loan.state !== 'here') return
    this.#due.add(loan)
    if (this.#scheduled) return
    this.#scheduled = true
    // Not before whoever reads the connection now has come to the end of what it read.
    setImmediate(() => {
      this.#scheduled = false
      this.#lendDue()
    })
  }

  #lendDue(): void {
    const now = this.#options.clock.now()
    for (const loan of this.#due) {
      const { flow, state, held, refused, owed, unread, notBefore } = loan
      // What keeps it here says so when it ends.
      if (state !== 'here' || held || refused || owed || unread || flow.awaited !== 0) this.#due.delete(loan)
      else if (notBefore <= now && this.#lend(loan, now)) this.#due.delete(loan)
    }
    if (this.#due.size === 0 || this.#resting) return
    this.#resting = true
    this.#options.clock.setTimer(REST_MILLIS, () => {
      this.#resting = false
      this.#lendDue()
    })
  }

  #lend(loan: Loan, now: number): boolean {
    const { native, lane, passage, input, out } = this.#options
    const { flow } = loan
    if (!this.#holder || input.isBehind || !native.laneLend(lane, flow.id, passage.giving)) return false
    loan.state = 'lent'
    loan.notBefore = now + REST_MILLIS
    const { worker, serial } = this.#holder
    const { messageBytes, bodyBytes } = flow.parseLimits
    const limits = `${Math.min(messageBytes, LONGEST)} ${Math.min(bodyBytes, LONGEST)}`
    const from = `${flow.transport} ${flow.remoteAddress}`
    const terms = `${worker} ${serial} ${out.position} ${limits}`
    input.tell(Kind.lent, flow.id, flow.remotePort, flow.listener.id, from, terms)
    return true
  }

  /** Whether it is here; where it is not it is wanted back, and `then` is called when it is. */
  own(loan: Loan, then: () => void): boolean {
    if (loan.state === 'here') return true
    loan.waiting.push(then)
    if (loan.state === 'lent') this.#options.input.tell(Kind.recalled, loan.flow.id, 0, 0, '', '')
    loan.state = 'recalled'
    return false
  }

  /**
   * The worker left something to the front to send over a connection after that was lent: it had not come to taking it, and will not
   * take it then (`terms`). A worker that is behind must not keep the connection from being written.
   */
  declined(flow: number): void {
    const loan = this.#all.get(flow)
    if (!loan || loan.state === 'here') return
    this.#takeBack(loan)
    loan.owed = true
    arrive(loan)
  }

  /** Has the worker send over a connection that it was lent, now and for sends of that key to come; false when it is not. */
  carry(flow: number, id: number, key: string, text: string): boolean {
    // What makes a WebSocket of a connection is written by the connection.
    if (this.#all.get(flow)?.state !== 'lent' || text.startsWith('HTTP/')) return false
    if (!this.#options.input.push(Kind.carry, id, flow, 0, key, text)) return false
    this.#routed = true
    return true
  }

  forgetRoutes(): void {
    if (this.#routed) this.#options.input.tell(Kind.unrouted, 0, 0, 0, '', '')
    this.#routed = false
  }

  /** A worker serves and has nothing that was lent before; 0: none does. */
  attached(worker: number, serial: number): void {
    this.#end()
    if (worker === 0) return
    this.#holder = { worker, serial }
    for (const loan of this.#all.values()) {
      loan.refused = false
      loan.notBefore = Number.NEGATIVE_INFINITY
      this.due(loan)
    }
  }

  isHeldBy(worker: number): boolean {
    return this.#holder?.worker === worker
  }

  /** The process has ended. */
  lost(worker: number): void {
    if (this.isHeldBy(worker)) this.#end()
  }

  #end(): void {
    this.#holder = undefined
    this.#routed = false
    this.#due.clear()
    const { native, passage } = this.#options
    native.emptyPassage(passage.taking)
    for (const loan of this.#all.values()) {
      this.#takeBack(loan)
      loan.owed = false
      arrive(loan)
    }
  }

  #takeBack(loan: Loan): void {
    const { state, flow } = loan
    if (state === 'here') return
    this.#options.native.laneTakeBack(this.#options.lane, flow.id)
    loan.unread = true
    // After one whole turn of the loop the socket has been read.
    setImmediate(() =>
      setImmediate(() => {
        loan.unread = false
        if (this.#all.get(flow.id) === loan) this.due(loan)
      }),
    )
  }

  returned({ b, c: code, prefix, text }: RingRecord): void {
    const loan = this.#all.get(b)
    if (!loan || (loan.state === 'here' && !loan.owed)) return
    this.#takeBack(loan)
    loan.state = 'here'
    loan.owed = false
    if (code === Returned.noRoom) loan.refused = true
    if (text !== '') {
      const failures = prefix.split(' ').map((id) => this.#options.failed(Number(id) | 0))
      loan.flow.resend(text, (error) => {
        for (const failed of failures) failed(error)
      })
    }
    arrive(loan)
    if (code > 0) loan.ended(code)
    this.due(loan)
  }
}

function arrive(loan: Loan): void {
  loan.state = 'here'
  for (const then of loan.waiting.splice(0)) then()
}
