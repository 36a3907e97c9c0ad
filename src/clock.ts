// Owns time as a parameter: production code asks a Clock, tests pass one that they move by hand.
// Imported: the global of this name is looked up by a function at each use.
import { performance } from 'node:perf_hooks'

/** A timer under way; cancelling one that has fired or was cancelled does nothing. */
export interface Timer {
  cancel(): void
}

export interface Clock {
  /** Monotonic milliseconds. */
  now(): number
  /** Milliseconds since 1970, for dates that leave the process. */
  wallclock(): number
  /** Runs `fire` once, `delay` milliseconds from now. */
  setTimer(delay: number, fire: () => void): Timer
}

/** The runtime fires at once what is to wait longer: almost 25 days. */
const LONGEST = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => performance.now(),
  wallclock: () => Date.now(),
  setTimer(delay, fire) {
    const wait = (rest: number) =>
      rest > LONGEST ? setTimeout(() => (handle = wait(rest - LONGEST)), LONGEST) : setTimeout(fire, rest)
    let handle = wait(delay)
    return { cancel: () => clearTimeout(handle) }
  },
}

interface ManualTimer extends Timer {
  readonly at: number
  readonly order: number
  readonly fire: () => void
}

/** A clock that stands still until `advance` moves it; timers fire in order of time, then of setting. */
export class ManualClock implements Clock {
  #now = 0
  #order = 0
  readonly #timers = new Set<ManualTimer>()
  readonly #epoch: number

  constructor(epoch = Date.UTC(2015, 7, 24, 12, 22, 29)) {
    this.#epoch = epoch
  }

  now(): number {
    return this.#now
  }

  wallclock(): number {
    return this.#epoch + this.#now
  }

  setTimer(delay: number, fire: () => void): Timer {
    const timer: ManualTimer = {
      at: this.#now + Math.max(0, delay),
      order: this.#order++,
      fire,
      cancel: () => {
        this.#timers.delete(timer)
      },
    }
    this.#timers.add(timer)
    return timer
  }

  /** Number of timers that have not fired. */
  get pending(): number {
    return this.#timers.size
  }

  /** Moves time on by `milliseconds`, firing what falls due, timers set on the way included. */
  advance(milliseconds: number): void {
    const until = this.#now + milliseconds
    for (;;) {
      let next: ManualTimer | undefined
      for (const timer of this.#timers) {
        if (timer.at > until) continue
        if (!next || timer.at < next.at || (timer.at === next.at && timer.order < next.order)) next = timer
      }
      if (!next) break
      this.#timers.delete(next)
      this.#now = Math.max(this.#now, next.at)
      next.fire()
    }
    this.#now = until
  }
}
