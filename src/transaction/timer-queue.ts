// Owns the timers of all transactions: one heap over one clock timer, far deadlines share moments.

import type { Clock, Timer } from '../clock.ts'

/** What has a deadline. It has one moment at a time; several timers of one thing are its own affair. */
export interface Expiring {
  /** Called once when the moment has come; may set the deadline again. */
  expire(now: number): void
}

/** When something runs out. A class of its own, not a base of what it times: V8 works fast on objects of few shapes only. */
export class Deadline {
  readonly owner: Expiring
  /** When it runs out, in milliseconds of the queue's clock. Only the queue writes it. */
  due = 0
  /** Place in the heap or among those of its moment, -1 when not waiting. Only the queue writes it. */
  place = -1
  /** The moment that it shares with others. Only the queue writes it. */
  moment: Moment | undefined = undefined

  constructor(owner: Expiring) {
    this.owner = owner
  }
}

/** What is so far away runs out together with others, up to {@link MOMENT_MILLIS} later: a process woken for each would cost more than the rest of its work. */
const FAR_MILLIS = 2000
const MOMENT_MILLIS = 100

/** Deadlines that run out together, in the order in which they were set. */
class Moment implements Expiring {
  readonly deadline = new Deadline(this)
  readonly entries: (Deadline | undefined)[] = []
  #running = false

  add(entry: Deadline): void {
    entry.moment = this
    entry.place = this.entries.length
    this.entries.push(entry)
  }

  remove(entry: Deadline): void {
    const { entries } = this
    const at = entry.place
    entry.moment = undefined
    entry.place = -1
    if (this.#running) entries[at] = undefined
    else {
      const last = entries.pop()!
      if (last === entry) return
      entries[at] = last
      last.place = at
    }
  }

  expire(now: number): void {
    const { entries } = this
    this.#running = true
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i]
      if (entry === undefined) continue
      this.remove(entry)
      entry.owner.expire(now)
    }
  }
}

/** A timer of the clock that comes so much later than asked for comes after a pause in which nothing was read either. */
const LATE_MILLIS = 10
/** What was said of messages that wait holds for so long: a reader that is behind says it anew with each batch. */
const SAID_MILLIS = 500
/** Deadlines stand back behind unread messages for so long at most. */
const MOST_BEHIND_MILLIS = 4000

/**
 * A binary heap of deadlines. Setting and clearing allocate nothing; the clock is asked again only for an earlier moment.
 * What came before a deadline goes before it: while messages wait to be read, time stands where the reading is, so that a
 * process which is behind neither sends again what was answered nor gives up what goes on.
 */
export class TimerQueue {
  readonly #clock: Clock
  readonly #heap: Deadline[] = []
  /** By their number of {@link MOMENT_MILLIS}. */
  readonly #moments = new Map<number, Moment>()
  #timer: Timer | undefined
  /** The deadline that the clock was asked for, and when its timer should come: later, while time stands back. */
  #armedFor = Number.POSITIVE_INFINITY
  #comesAt = 0
  #firing = false
  /** How old the messages are that are being read, and when that was said. */
  #behind = 0
  #saidAt = 0
  #hasStoodBack = false
  readonly #fire = (): void => this.#expireDue()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Deadlines that wait. */
  get size(): number {
    let size = this.#heap.length - this.#moments.size
    for (const { entries } of this.#moments.values()) size += entries.length
    return size
  }

  now(): number {
    return this.#clock.now()
  }

  /** A batch of messages is read, the first of which waited so long; whether more wait. */
  reading(waitedMillis: number, isMore: boolean): void {
    const wasBehind = this.#behind > 0
    this.#behind = isMore ? Math.min(waitedMillis, MOST_BEHIND_MILLIS) : 0
    if (isMore) this.#saidAt = this.#clock.now()
    else if (wasBehind) this.#rearm()
  }

  /** Lets `entry` run out `delay` milliseconds from now, in place of what it waited for; a far one a little later. */
  set(entry: Deadline, delay: number): void {
    const due = this.#clock.now() + delay
    if (delay >= FAR_MILLIS) {
      this.#setFar(entry, Math.ceil(due / MOMENT_MILLIS))
      return
    }
    if (entry.moment !== undefined) entry.moment.remove(entry)
    this.#setNear(entry, due)
  }

  #setFar(entry: Deadline, number: number): void {
    let moment = this.#moments.get(number)
    if (moment === undefined) {
      moment = new Moment()
      this.#moments.set(number, moment)
      this.#setNear(moment.deadline, number * MOMENT_MILLIS)
    } else if (entry.moment === moment) return
    this.clear(entry)
    entry.due = moment.deadline.due
    moment.add(entry)
  }

  #setNear(entry: Deadline, due: number): void {
    const heap = this.#heap
    if (entry.place < 0) {
      entry.due = due
      entry.place = heap.length
      heap.push(entry)
      this.#up(entry.place)
    } else {
      const earlier = due < entry.due
      entry.due = due
      if (earlier) this.#up(entry.place)
      else this.#down(entry.place)
    }
    if (!this.#firing) this.#arm()
  }

  /** Forgets `entry`. The clock's own timer is left: it finds nothing due and arms itself anew. */
  clear(entry: Deadline): void {
    if (entry.moment !== undefined) entry.moment.remove(entry)
    else if (entry.place >= 0) this.#takeOut(entry)
  }

  #takeOut(entry: Deadline): void {
    const at = entry.place
    entry.place = -1
    const last = this.#heap.pop()!
    if (last === entry) return
    this.#heap[at] = last
    last.place = at
    this.#up(at)
    this.#down(last.place)
  }

  /** Forgets everything. */
  close(): void {
    for (const entry of this.#heap) entry.place = -1
    for (const { entries } of this.#moments.values()) {
      for (const entry of entries) {
        if (entry === undefined) continue
        entry.place = -1
        entry.moment = undefined
      }
    }
    this.#heap.length = 0
    this.#moments.clear()
    this.#disarm()
  }

  #disarm(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#armedFor = Number.POSITIVE_INFINITY
  }

  #rearm(): void {
    if (this.#firing) return
    this.#disarm()
    this.#arm()
  }

  /** How far time stands back. */
  #back(now: number): number {
    return this.#behind > 0 && now - this.#saidAt < SAID_MILLIS ? this.#behind : 0
  }

  #arm(): void {
    const first = this.#heap[0]
    if (first === undefined || first.due >= this.#armedFor) return
    this.#timer?.cancel()
    const now = this.#clock.now()
    const back = this.#back(now)
    const at = back === 0 ? first.due : Math.min(first.due + back, this.#saidAt + SAID_MILLIS)
    const delay = Math.max(0, at - now)
    this.#armedFor = first.due
    this.#comesAt = now + delay
    this.#timer = this.#clock.setTimer(delay, this.#fire)
  }

  #expireDue(): void {
    // The event loop looks at timers before sockets: what came during a pause is read first.
    if (!this.#hasStoodBack && this.#clock.now() - this.#comesAt > LATE_MILLIS) {
      this.#hasStoodBack = true
      this.#timer = this.#clock.setTimer(0, this.#fire)
      return
    }
    this.#hasStoodBack = false
    this.#timer = undefined
    this.#armedFor = Number.POSITIVE_INFINITY
    this.#firing = true
    try {
      for (;;) {
        const now = this.#clock.now()
        const reached = now - this.#back(now)
        const first = this.#heap[0]
        // A timer of Node may come a fraction of a millisecond early; what is that close is due.
        if (first === undefined || first.due > reached + 0.5) break
        this.#takeOut(first)
        if (first.owner instanceof Moment) this.#moments.delete(Math.round(first.due / MOMENT_MILLIS))
        first.owner.expire(now)
      }
    } finally {
      this.#firing = false
      this.#arm()
    }
  }

  #up(from: number): void {
    const heap = this.#heap
    const entry = heap[from]!
    let at = from
    while (at > 0) {
      const parentAt = (at - 1) >> 1
      const parent = heap[parentAt]!
      if (parent.due <= entry.due) break
      heap[at] = parent
      parent.place = at
      at = parentAt
    }
    heap[at] = entry
    entry.place = at
  }

  #down(from: number): void {
    const heap = this.#heap
    const entry = heap[from]!
    const length = heap.length
    let at = from
    for (;;) {
      let childAt = 2 * at + 1
      if (childAt >= length) break
      if (childAt + 1 < length && heap[childAt + 1]!.due < heap[childAt]!.due) childAt++
      const child = heap[childAt]!
      if (child.due >= entry.due) break
      heap[at] = child
      child.place = at
      at = childAt
    }
    heap[at] = entry
    entry.place = at
  }
}
