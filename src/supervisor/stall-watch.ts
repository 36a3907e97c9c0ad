// Owns the longest time for which a worker's event loop stood still: whatever came meanwhile waited for so long.
import { monitorEventLoopDelay } from 'node:perf_hooks'

/** Node keeps the time itself: a timer that wakes JavaScript takes more than twice as much of the processor. */
export class StallWatch {
  readonly #everyMillis: number
  readonly #delays: ReturnType<typeof monitorEventLoopDelay>

  constructor(everyMillis: number) {
    this.#everyMillis = everyMillis
    this.#delays = monitorEventLoopDelay({ resolution: everyMillis })
  }

  /** From here on: what was before served nobody. */
  begin(): void {
    this.#delays.enable()
  }

  get longestMillis(): number {
    // What is recorded is the time between two samples.
    return Math.max(0, this.#delays.max / 1e6 - this.#everyMillis)
  }

  /** As Prometheus reads it. */
  metrics(): string {
    const name = 'signalbox_event_loop_stall_max_seconds'
    const seconds = (this.longestMillis / 1000).toFixed(4)
    return `# HELP ${name} Longest time for which a worker's event loop stood still.\n# TYPE ${name} gauge\n${name} ${seconds}\n`
  }
}
