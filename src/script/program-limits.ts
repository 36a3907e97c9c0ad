// Owns what a program may use: time, memory, waiting.

export interface ProgramLimits {
  /** Computing time of one entry, milliseconds. */
  readonly runMillis: number
  /** Of the isolate of a `.ts`. */
  readonly isolateMegabytes: number
  /** How long a run may wait in all, milliseconds. */
  readonly waitMillis?: number
}

export const DEFAULT_PROGRAM_LIMITS: ProgramLimits = { runMillis: 50, isolateMegabytes: 64, waitMillis: 32_000 }

/**
 * V8 is stopped by the clock on the wall, and a process that others keep from the processor must not lose calls to it:
 * a run has this many times its limit.
 */
export const WALL_FACTOR = 4

/** Evaluating a program may take this many times a run's limit: it is done once, and aside. */
export const LOAD_FACTOR = 40
