// Owns the ends of rings between threads or processes that wake each other: who writes wakes, who reads takes turns.
import { monotonicMicros, type RingReader, RingWriter } from './shared-ring.ts'

interface Events {
  signalEvent(fd: number): void
}

/** A ring's writing end that wakes its reader. */
export class WakingWriter {
  readonly #ring: RingWriter
  readonly #event: number
  readonly #events: Events
  #batch = false
  #due = false

  constructor(memory: ArrayBuffer, offset: number, event: number, events: Events, capacity: number) {
    this.#ring = new RingWriter(memory, offset, capacity)
    this.#event = event
    this.#events = events
  }

  get dropped(): number {
    return this.#ring.dropped
  }

  /** Where the next record will lie; see {@link RingReader.position}. */
  get position(): number {
    return this.#ring.position
  }

  push(kind: number, a: number, b: number, c: number, prefix: string, text: string): boolean {
    const written = this.#ring.push(kind, a, b, c, prefix, text, monotonicMicros())
    if (this.#batch) this.#due = true
    else this.#wake()
    return written
  }

  /** What is pushed from here on wakes the reader with `endBatch`: once, in place of once for each. */
  beginBatch(): void {
    this.#batch = true
  }

  endBatch(): void {
    this.#batch = false
    if (this.#due) this.#wake()
    this.#due = false
  }

  #wake(): void {
    if (this.#ring.mustWake()) this.#events.signalEvent(this.#event)
  }
}

/** Reads rings in turns of the event loop: some records a turn, so that timers and others have theirs. */
export class TurnReader {
  readonly #rings: readonly RingReader[]
  readonly #turn: () => void
  #scheduled = false
  #closed = false

  /** `turn` reads from the rings; it is called again while something is left. */
  constructor(rings: readonly RingReader[], turn: () => void) {
    this.#rings = rings
    this.#turn = turn
  }

  /** Something may have come. */
  woken(): void {
    if (this.#closed || this.#scheduled) return
    this.#turn()
    // Every ring is told, whatever the others say: a writer must find each of them asleep.
    let idle = true
    for (const ring of this.#rings) if (!ring.sleep()) idle = false
    if (idle) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.woken()
    })
  }

  close(): void {
    this.#closed = true
  }
}
