// Owns overload control: which share of new requests is refused, from the time that messages wait to be read, and from those that
// found no room to wait in.
// It is RFC 8033 (PIE) with the refusals of RFC 7339 6 in place of drops: no rate is configured, the delay shows what can be held.
import type { Clock } from '../clock.ts'
import { type Log, Seldom } from '../log.ts'
import { DEFAULT_PROXY_LIMITS } from './options.ts'

export interface OverloadControlOptions {
  readonly clock: Clock
  readonly log: Log
}

/** What is kept to while requests are refused: well below T1 (500 ms), nobody sends again because of it. */
const TARGET_MILLIS = 120
/** A process that is given its share of the processor in slices of 100 ms waits for each; what counts is what stays between them. */
const INTERVAL_MILLIS = 100
/** Share per second of delay beyond the target, at each interval. */
const ALPHA = 0.5
/** The same for a delay that grows. */
const BETA = 2
/** What is left when there is no delay at all. */
const DECAY = 0.9
/** The same where datagrams were lost lately: in a small buffer the wait tells nothing, and the next loss comes without a sign. */
const DECAY_AFTER_LOSS = 0.98
/** Some are taken in any case: they show when it is over. */
const MOST = 0.98
const QUIET_INTERVALS = 50
/** What waits is sent again meanwhile: refusals are remembered for twice so long at most. */
const REMEMBER_MILLIS = 2000
const REMEMBERED = 20_000
/** A pause of the process, to collect garbage or to compile, makes one batch wait or two; a queue that stands makes all wait. */
const BURST_INTERVALS = 3
/** Share of the datagrams that may be lost: a third of all calls have one of seven messages sent again then. */
const TOLERATED_LOSS = 0.05
/** Time between two lines about datagrams that were lost. */
const TELL_LOST_MILLIS = 60_000

export class OverloadControl {
  readonly #clock: Clock
  readonly #log: Log
  /** A queue that stands so long begins the refusals: more than a busy machine's pauses leave standing; senders begin to send again. */
  #queueMillis = DEFAULT_PROXY_LIMITS.queueMillis
  /** The least wait of the interval: a queue that was empty once does not stand. */
  #least = Number.POSITIVE_INFINITY
  #delay = 0
  #share = 0
  /** Refusals owed, below one. */
  #owed = 0
  #next = 0
  /** Intervals since the last refusal was due; from {@link QUIET_INTERVALS} on it takes a new beginning. */
  #quiet = QUIET_INTERVALS
  /** Intervals in a row in which messages waited too long. */
  #above = 0
  /** Call-IDs that were refused, in two generations. */
  #refusedLately = new Set<string>()
  #refusedBefore = new Set<string>()
  #forgetAt = 0
  #lostInInterval = 0
  #readInInterval = 0
  /** Intervals since more was lost than is tolerated. */
  #sinceLost = QUIET_INTERVALS
  #lostTold = 0
  readonly #lostNotice = new Seldom(TELL_LOST_MILLIS)
  /** Requests refused. */
  refused = 0
  /** Datagrams that found no room to wait in. */
  lost = 0

  constructor(options: OverloadControlOptions) {
    this.#clock = options.clock
    this.#log = options.log
  }

  /** @param queueMillis how long messages may stand unread before requests are refused; 0: none is */
  update(queueMillis: number): void {
    this.#queueMillis = queueMillis
    if (queueMillis > 0) return
    this.#share = 0
    this.#above = 0
    this.#quiet = QUIET_INTERVALS
  }

  /** Whether refusals are due, or were within the last seconds. */
  get isRefusing(): boolean {
    return this.#quiet < QUIET_INTERVALS
  }

  /** Share of new requests that is refused now, 0 to 1. */
  get share(): number {
    return this.#share
  }

  /** Seconds that messages waited in the last interval, at the least. */
  get delaySeconds(): number {
    return this.#delay
  }

  /** A batch of so many messages was read, the first of which had waited so long; so many datagrams were lost since the last time. */
  observe(waitedMillis: number, count: number, lost: number): void {
    if (waitedMillis < this.#least) this.#least = waitedMillis
    this.#readInInterval += count
    const now = this.#clock.now()
    if (lost > 0) this.#noteLost(lost, now)
    if (now < this.#next) return
    // What comes after a pause says nothing about the pause.
    const isStale = now - this.#next > 2 * INTERVAL_MILLIS
    this.#next = now + INTERVAL_MILLIS
    const least = isStale ? 0 : this.#least
    const overflows = !isStale && this.#lostInInterval > TOLERATED_LOSS * (this.#lostInInterval + this.#readInInterval)
    this.#least = Number.POSITIVE_INFINITY
    this.#lostInInterval = 0
    this.#readInInterval = 0
    if (this.#queueMillis > 0) this.#adjust(least / 1000, overflows)
    else this.#delay = least / 1000
  }

  #noteLost(lost: number, now: number): void {
    this.lost += lost
    this.#lostInInterval += lost
    if (!this.#lostNotice.isDue(now)) return
    this.#log.warn(
      { event: 'datagrams-lost', lost: this.lost - this.#lostTold },
      'datagrams were lost, because more came than could be read: a larger share of a processor helps, more workers, and in bursts net.core.rmem_max (or CAP_NET_ADMIN)',
    )
    this.#lostTold = this.lost
  }

  /**
   * Whether one more new request is taken; each refusal is counted. Copies of a request that was refused are refused too: the
   * sender has had its answer.
   */
  admits(callId: string): boolean {
    if (!this.isRefusing) return true
    if (!this.#refusedLately.has(callId) && !this.#refusedBefore.has(callId)) {
      this.#owed += this.#share
      if (this.#owed < 1) return true
      this.#owed -= 1
      this.#remember(callId)
    }
    this.refused++
    return false
  }

  #remember(callId: string): void {
    const now = this.#clock.now()
    if (now >= this.#forgetAt || this.#refusedLately.size >= REMEMBERED) {
      this.#refusedBefore = this.#refusedLately
      this.#refusedLately = new Set()
      this.#forgetAt = now + REMEMBER_MILLIS
    }
    this.#refusedLately.add(callId)
  }

  #adjust(delay: number, overflows: boolean): void {
    const target = Math.min(TARGET_MILLIS, this.#queueMillis / 2) / 1000
    const before = this.#delay
    this.#delay = delay
    // A small buffer is full long before anything has waited long in it.
    const stands = overflows ? Math.max(delay, this.#queueMillis / 1000) : delay
    this.#above = stands < this.#queueMillis / 1000 ? 0 : this.#above + 1
    if (this.#quiet >= QUIET_INTERVALS) {
      if (this.#above < BURST_INTERVALS) return
      this.#log.warn(
        { event: 'overload', waitedMillis: Math.round(delay * 1000) },
        'more comes than can be served: new requests are refused with 503, calls under way go on',
      )
      this.#quiet = 0
    }
    let share = this.#share + ALPHA * (stands - target) + BETA * (delay - before)
    if (stands < target / 2 && before < target / 2) share = Math.min(share, this.#share * DECAY)
    this.#sinceLost = overflows ? 0 : this.#sinceLost + 1
    if (this.#sinceLost < QUIET_INTERVALS) share = Math.max(share, this.#share * DECAY_AFTER_LOSS)
    this.#share = share < 0.005 ? 0 : Math.min(MOST, share)
    if (this.#share > 0) this.#quiet = 0
    else {
      this.#owed = 0
      this.#quiet++
    }
  }
}
