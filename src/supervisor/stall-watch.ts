// Owns the longest time for which a worker's event loop stood still: whatever came meanwhile waited for so long.

/** Told at each beat of a timer of the loop. Milliseconds are those of any monotonic clock. */
export class StallWatch {
  readonly #every: number
  #last: number | undefined
  longestMillis = 0

  constructor(everyMillis: number) {
    this.#every = everyMillis
  }

  /** From here on: what was before served nobody. */
  begin(now: number): void {
    this.#last = now
    this.longestMillis = 0
  }

  beat(now: number): void {
    if (this.#last === undefined) return
    this.longestMillis = Math.max(this.longestMillis, now - this.#last - this.#every)
    this.#last = now
  }

  /** As Prometheus reads it. */
  metrics(): string {
    const name = 'signalbox_event_loop_stall_max_seconds'
    const seconds = (this.longestMillis / 1000).toFixed(4)
    return `# HELP ${name} Longest time for which a worker's event loop stood still.\n# TYPE ${name} gauge\n${name} ${seconds}\n`
  }
}
