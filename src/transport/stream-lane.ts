// Owns the lane of plain TCP: messages that pass between sockets and rings below JavaScript (native/stream_lane.h).
import { OUT_AT, RING_CAPACITY, type ShardLink, STREAMS_AT } from './front-rings.ts'
import { latin1Only } from './latin1.ts'
import type { LaneSockets, NativeSockets } from './native-sockets.ts'
import type { RingRecord } from './shared-ring.ts'
import type { Lane, LaneFlow, LaneSeat } from './sockets.ts'
import { Loan, StreamLoans, type StreamLoansOptions } from './stream-loans.ts'
import type { SendFailed } from './types.ts'

/** Words of the report: ages of what was heard and sent, a count of sends, and a pair of words for each. */
const REPORT_WORDS = 3 + 2 * 256
const HEARD = 0
const SENT = 1
const COUNT = 2
const NAMES = 3
/** What is awaited, as native/lane_flows.h has it. */
const ALL = -1
const HEAD = -2
const LONGEST = 2 ** 31 - 1

export interface LaneOptions {
  readonly native: LaneSockets & Pick<NativeSockets, 'emptyPassage'>
  readonly shards: readonly ShardLink[]
  /** The eventfd that says that a ring `out` holds something; what the lane leaves there is told by `woken`. */
  readonly event: number
  woken(): void
  /** Messages of the flow may reach shards from now on. */
  opened(flow: LaneFlow): void
  /** What tells a shard that a send of its own failed. */
  failed(shard: number, id: number): SendFailed
  /** Where the only shard can be lent connections. */
  readonly loans?: Pick<StreamLoansOptions, 'passage' | 'clock' | 'input' | 'out'>
}

/** The lane of a front. What is not plain it leaves to the connection, and to whoever reads the rings. */
export class StreamLane implements Lane {
  readonly #options: LaneOptions
  readonly #native: LaneSockets
  readonly #handle: unknown
  readonly #report = new Int32Array(REPORT_WORDS)
  readonly #seats = new Map<number, Seat>()
  /** What is lent to the shard. */
  readonly loans: StreamLoans | undefined
  #routes = 0
  #closed = false

  constructor(options: LaneOptions) {
    const { native, shards, event, woken } = options
    this.#options = options
    this.#native = native
    this.#handle = native.openLane(
      shards.map((shard) => shard.memory),
      STREAMS_AT,
      OUT_AT,
      RING_CAPACITY,
      shards.map((shard) => shard.event),
      event,
      this.#report,
      (id, chunk) => {
        const seat = this.#seats.get(id)
        seat?.flow.data(chunk)
        if (seat) this.loans?.due(seat.loan)
        const awaited = seat?.flow.awaited ?? 'all'
        return awaited === 'head' ? HEAD : awaited === 'all' ? ALL : awaited
      },
      (id, rest) => this.#seats.get(id)?.flow.resend(rest, all(this.#names())),
      (id, code) => this.#seats.get(id)?.loan.ended(code),
      woken,
    )
    const { loans } = options
    const failed = (id: number): SendFailed => options.failed(0, id)
    this.loans = loans && new StreamLoans({ ...loans, native, lane: this.#handle, failed })
  }

  open(fd: number, flow: LaneFlow, ended: (code: number) => void): LaneSeat | undefined {
    if (this.#closed) return undefined
    const { messageBytes, bodyBytes } = flow.parseLimits
    const from = latin1Only(`${flow.transport} ${flow.remoteAddress}`)
    const taken = this.#native.laneAdd(
      this.#handle,
      fd,
      flow.id,
      flow.remotePort,
      flow.listener.id,
      from,
      Math.min(messageBytes, LONGEST),
      Math.min(bodyBytes, LONGEST),
    )
    if (!taken) return undefined
    const loan = new Loan(flow, ended)
    const seat: Seat = {
      flow,
      loan,
      hold: (held) => {
        if (!this.#seats.has(flow.id)) return
        this.#native.laneHold(this.#handle, flow.id, held)
        loan.held = held
        if (!held) this.loans?.due(loan)
      },
      own: (then) => this.loans?.own(loan, then) ?? true,
      passed: () => (this.#asked(flow.id) ? { heard: this.#report[HEARD]!, sent: this.#report[SENT]! } : undefined),
      unproven: () => (this.#asked(flow.id) ? this.#names() : []),
      close: () => this.#remove(flow.id),
    }
    this.#seats.set(flow.id, seat)
    this.loans?.add(loan)
    this.#options.opened(flow)
    return seat
  }

  #remove(id: number): void {
    const seat = this.#seats.get(id)
    if (!seat) return
    this.#seats.delete(id)
    this.#native.laneRemove(this.#handle, id)
    this.loans?.remove(seat.loan)
  }

  /** Whether the report tells of that flow now. */
  #asked(id: number): boolean {
    return this.#seats.has(id) && this.#native.laneReport(this.#handle, id)
  }

  #names(): SendFailed[] {
    const report = this.#report
    return Array.from({ length: report[COUNT]! }, (_, i) =>
      this.#options.failed(report[NAMES + 2 * i]!, report[NAMES + 2 * i + 1]!),
    )
  }

  /** Takes up to `limit` records of a shard's ring; stops at the first that is not for the lane. */
  drain(shard: number, limit: number): number {
    return this.#closed ? 0 : this.#native.laneDrain(this.#handle, shard, limit)
  }

  /** From here on records like this one go out over `flow`, until the next connection comes or goes. */
  route({ prefix, b, c }: RingRecord, flow: number): void {
    if (this.#closed || !this.#seats.has(flow)) return
    this.#routes++
    this.#native.laneRoute(this.#handle, prefix, b, c, flow)
  }

  forgetRoutes(): void {
    this.loans?.forgetRoutes()
    if (this.#routes === 0 || this.#closed) return
    this.#routes = 0
    this.#native.laneForget(this.#handle)
  }

  close(): void {
    if (this.#closed) return
    for (const id of [...this.#seats.keys()]) this.#remove(id)
    this.#closed = true
    this.#native.closeHandle(this.#handle)
  }
}

interface Seat extends LaneSeat {
  readonly flow: LaneFlow
  readonly loan: Loan
}

function all(failures: readonly SendFailed[]): SendFailed {
  return (error) => {
    for (const failed of failures) failed(error)
  }
}
