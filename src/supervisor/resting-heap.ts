// Owns the heap of a worker that stands by: what each program that it tries leaves there is collected when it has come to rest.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Clock, Timer } from '../clock.ts'

/** Without more work for so long it is at rest: of programs saved one right after the other the last is waited for. */
const REST_MILLIS = 1000

export interface RestingHeapOptions {
  readonly clock: Clock
  /** Collects all that is no longer reachable. */
  readonly collect: () => void
}

/**
 * V8 collects while it allocates, and lets a heap grow to 2.5 times of what is alive (worker-process.ts): a process that allocates nothing
 * but 0.9 MB with each program would grow by that much a reload, fifty times, and keep the pages.
 */
export class RestingHeap {
  readonly #options: RestingHeapOptions
  #timer: Timer | undefined
  #serves = false

  constructor(options: RestingHeapOptions) {
    this.#options = options
  }

  /** Something was done that leaves garbage. */
  worked(): void {
    if (this.#serves) return
    this.#timer?.cancel()
    this.#timer = this.#options.clock.setTimer(REST_MILLIS, () => this.#options.collect())
  }

  /** From here on calls wait for each pause, and their traffic makes V8 collect by itself. */
  serves(): void {
    this.#serves = true
    this.#timer?.cancel()
  }
}

/** One full collection. The function for it is made anew each time: a flag that stayed set would give it to every isolate of a script. */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  try {
    const collect = runInNewContext('gc') as () => void
    collect()
  } finally {
    setFlagsFromString('--no-expose-gc')
  }
}
