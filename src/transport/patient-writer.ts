// Owns what must be told through a ring in any case: it waits while the ring is full, and nothing overtakes it.
import type { Clock } from '../clock.ts'
import type { WakingWriter } from './waking-rings.ts'

/** What waits at most. */
const OVERDUE = 20_000
const AGAIN_MILLIS = 20

type Told = Parameters<WakingWriter['push']>

export class PatientWriter {
  readonly #ring: WakingWriter
  readonly #clock: Clock
  #overdue: Told[] = []

  constructor(ring: WakingWriter, clock: Clock) {
    this.#ring = ring
    this.#clock = clock
  }

  /** Whether something waits. */
  get isBehind(): boolean {
    return this.#overdue.length > 0
  }

  /** False when there is no room, or something waits. */
  push(...record: Told): boolean {
    return this.#overdue.length === 0 && this.#ring.push(...record)
  }

  tell(kind: number, a: number, b: number, c: number, prefix: string, text: string): void {
    if (this.push(kind, a, b, c, prefix, text) || this.#overdue.length >= OVERDUE) return
    this.#overdue.push([kind, a, b, c, prefix, text])
    if (this.#overdue.length === 1) this.#later()
  }

  #later(): void {
    this.#clock.setTimer(AGAIN_MILLIS, () => {
      const told = this.#overdue.findIndex((record) => !this.#ring.push(...record))
      this.#overdue = told < 0 ? [] : this.#overdue.slice(told)
      if (this.#overdue.length > 0) this.#later()
    })
  }
}
