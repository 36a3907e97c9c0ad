// Owns what is counted in intervals that all workers share: each tells the store in portions, and learns there what the others told.
import type { ServiceHost } from './service.ts'

/** One thing that is counted. */
export interface Counted {
  /** In this interval, by all workers as far as they have told it. */
  counter: number
  /** Of those, what this worker has not told yet. */
  untold: number
}

interface Told {
  readonly interval: number
  readonly counter: number
}

/**
 * A limit that each worker kept alone would be as many times as wide as there are workers. A portion is a fraction of the limit: what
 * passes too much is less than a portion of each other worker, and a message that is counted rarely asks the store.
 */
export class SharedCounts {
  readonly #host: ServiceHost
  readonly #table: string
  #began = 0
  #millis = 1000

  /** `table`: where in the store, a name of its own. */
  constructor(host: ServiceHost, table: string) {
    this.#host = host
    this.#table = table
  }

  /** Intervals have this length from now on, and begin where those of the first worker do. Milliseconds until the next one. */
  begin(millis: number): number {
    const { clock, store } = this.#host
    const began = store.update(this.#table, BEGAN, (before) => ({ value: before ?? `${clock.wallclock()}` }))
    this.#began = Number(began?.value)
    this.#millis = millis
    const left = millis - (Math.max(0, clock.wallclock() - this.#began) % millis)
    // The clock of timers may be a little ahead of that of the wall: an interval that is all but over is not begun.
    return left < millis / 10 ? left + millis : left
  }

  /** Counts one more. `portion`: how many are counted before they are told. */
  add(name: string, counted: Counted, portion: number): void {
    counted.counter++
    if (!this.#host.store.isShared || ++counted.untold < portion) return
    const interval = Math.floor((this.#host.clock.wallclock() - this.#began) / this.#millis)
    const seconds = (2 * this.#millis) / 1000
    this.#host.store.update(this.#table, `=${name}`, (before) => {
      const told = before === undefined ? undefined : (JSON.parse(before) as Told)
      counted.counter = counted.untold + (told?.interval === interval ? told.counter : 0)
      return { value: JSON.stringify({ interval, counter: counted.counter } satisfies Told), seconds }
    })
    counted.untold = 0
  }
}

/** No name of what is counted: those begin with `=`. */
const BEGAN = 'began'
