// Owns the timers of all transactions: one heap over one clock timer, entries embedded in what they time.

import type { Clock, Timer } from '../clock.ts'

/** Something that runs out at a moment. It has one moment at a time; several timers of one thing are its own affair. */
export abstract class Deadline {
  /** When it runs out, in milliseconds of the queue's clock. Only the queue writes it. */
  due = 0
  /** Place in the heap, -1 when not waiting. Only the queue writes it. */
  place = -1

  /** Called once when the moment has come; may set itself again. */
  abstract expire(now: number): void
}

/** A binary heap of deadlines. Setting and clearing allocate nothing; the clock is asked again only for an earlier moment. */
export class TimerQueue {
  readonly #clock: Clock
  readonly #heap: Deadline[] = []
  #timer: Timer | undefined
  #armedFor = Number.POSITIVE_INFINITY
  #firing = false
  readonly #fire = (): void => this.#expireDue()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Deadlines that wait. */
  get size(): number {
    return this.#heap.length
  }

  now(): number {
    return this.#clock.now()
  }

  /** Lets `entry` run out `delay` milliseconds from now, in place of what it waited for. */
  set(entry: Deadline, delay: number): void {
    const due = this.#clock.now() + delay
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
    const at = entry.place
    if (at < 0) return
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
    this.#heap.length = 0
    this.#timer?.cancel()
    this.#timer = undefined
    this.#armedFor = Number.POSITIVE_INFINITY
  }

  #arm(): void {
    const first = this.#heap[0]
    if (first === undefined || first.due >= this.#armedFor) return
    this.#timer?.cancel()
    this.#armedFor = first.due
    this.#timer = this.#clock.setTimer(Math.max(0, first.due - this.#clock.now()), this.#fire)
  }

  #expireDue(): void {
    this.#timer = undefined
    this.#armedFor = Number.POSITIVE_INFINITY
    this.#firing = true
    try {
      for (;;) {
        const now = this.#clock.now()
        const first = this.#heap[0]
        // A timer of Node may come a fraction of a millisecond early; what is that close is due.
        if (first === undefined || first.due > now + 0.5) break
        this.clear(first)
        first.expire(now)
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
