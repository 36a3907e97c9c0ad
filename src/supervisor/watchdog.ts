// Owns the decision that a worker is stuck or too big, from its shared memory and what the kernel tells of it.
import { processStat } from './process-stat.ts'
import type { SlotReader } from './slot-memory.ts'

export interface WatchdogBounds {
  /** A run that has the processor for so long takes its worker with it. V8 itself stops most runs long before. */
  readonly hangMillis: number
  readonly residentBytes: number
}

export interface WatchdogOptions {
  /** Asked at each look: a reload may change them. */
  bounds(): WatchdogBounds
  /** Milliseconds on a monotonic clock. */
  now(): number
  stat?: typeof processStat
}

/** A worker that beats no more is stuck outside of any script. */
const SILENT_MILLIS = 5_000
/** A run that stands still although the process gets no processor waits for the machine, for so long at most. */
const STARVED_MILLIS = 5_000
/** While no run is under way, the size of the process is looked at once in so many looks. */
const SIZE_EVERY = 2

/** Watches one worker; ask it every 250 ms or so, and every 100 while it is busy. */
export class Watchdog {
  readonly #options: WatchdogOptions
  readonly #pid: number
  readonly #slot: SlotReader
  #sequence = 0
  #since = 0
  #cpuSince = 0
  #heartbeat = -1
  #heartbeatAt = 0
  #looks = 0

  constructor(pid: number, slot: SlotReader, options: WatchdogOptions) {
    this.#pid = pid
    this.#slot = slot
    this.#options = options
    this.#heartbeatAt = options.now()
  }

  /** A run was under way at the last look: whether it still is has to be known soon. */
  get isBusy(): boolean {
    return (this.#sequence & 1) === 1
  }

  /** Why the worker has to be killed now; undefined when it has not. */
  verdict(): string | undefined {
    const now = this.#options.now()
    const { heartbeat, sequence } = this.#slot
    if (heartbeat !== this.#heartbeat) {
      this.#heartbeat = heartbeat
      this.#heartbeatAt = now
    }
    const busy = (sequence & 1) === 1
    const stuck = busy && sequence === this.#sequence
    const { hangMillis, residentBytes } = this.#options.bounds()
    const begins = busy && !stuck
    const stat =
      stuck || begins || ++this.#looks % SIZE_EVERY === 0 ? (this.#options.stat ?? processStat)(this.#pid) : undefined
    if (stat && stat.residentBytes > residentBytes)
      return `it holds ${Math.round(stat.residentBytes / 1_048_576)} MB, more than ${Math.round(residentBytes / 1_048_576)}`
    if (!stuck) {
      this.#sequence = sequence
      this.#since = now
      this.#cpuSince = stat?.cpuMillis ?? 0
    } else {
      const wall = now - this.#since
      const cpu = (stat?.cpuMillis ?? Number.POSITIVE_INFINITY) - this.#cpuSince
      // Wall time alone would kill a worker whose only fault is a busy machine.
      if ((wall >= hangMillis && cpu >= hangMillis / 2) || wall >= STARVED_MILLIS)
        return `a run of its script has not ended for ${Math.round(wall)} ms`
    }
    if (now - this.#heartbeatAt >= SILENT_MILLIS)
      return `it has not answered for ${Math.round(now - this.#heartbeatAt)} ms`
    return undefined
  }
}
