// Owns the shape of a log, pino's own, so that every layer can log and only the engine imports pino.

export type LogFields = Record<string, unknown>

export interface Log {
  debug(fields: LogFields, message: string): void
  info(fields: LogFields, message: string): void
  warn(fields: LogFields, message: string): void
  error(fields: LogFields, message: string): void
}

/** A log that keeps nothing. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} }

/** Says when something that may happen a thousand times a second is told: whoever floods must not fill the disk. */
export class Seldom {
  readonly #millis: number
  #next = Number.NEGATIVE_INFINITY

  /** @param millis for which it is not told again */
  constructor(millis: number) {
    this.#millis = millis
  }

  /** @param now milliseconds of a monotonic clock */
  isDue(now: number): boolean {
    if (now < this.#next) return false
    this.#next = now + this.#millis
    return true
  }
}

/** How often a limit that is met is told. */
export const LIMIT_TOLD_MILLIS = 10_000
