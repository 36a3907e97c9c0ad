// Owns the bound on lines that a peer or a script can cause: a flood of the same trouble must not become a flood of lines.
import type { Clock } from '../clock.ts'

/** So many lines a second are written; the rest is counted and told with the next one. */
export class LogBudget {
  readonly #clock: Clock
  readonly #perSecond: number
  #second = Number.NEGATIVE_INFINITY
  #written = 0
  #left = 0

  constructor(clock: Clock, perSecond: number) {
    this.#clock = clock
    this.#perSecond = perSecond
  }

  /** Undefined: do not write. Else how many lines were left out since the last one. */
  take(): number | undefined {
    const now = this.#clock.now()
    if (now - this.#second >= 1000) {
      this.#second = now
      this.#written = 0
    }
    if (this.#written >= this.#perSecond) {
      this.#left++
      return undefined
    }
    this.#written++
    const left = this.#left
    this.#left = 0
    return left
  }
}
