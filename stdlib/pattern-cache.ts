// Owns what is kept of patterns and expressions that were read, for the next use: bounded by their number and by their length, which what they hold grows with.

const MOST = 500
const MOST_CHARACTERS = 50_000

/** The oldest go first. */
export class PatternCache<T> {
  readonly #kept = new Map<string, T>()
  #characters = 0

  get(pattern: string): T | undefined {
    return this.#kept.get(pattern)
  }

  /** Keeps what was made of a pattern that is not kept. */
  set(pattern: string, made: T): void {
    this.#characters += pattern.length
    this.#kept.set(pattern, made)
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= MOST && this.#characters <= MOST_CHARACTERS) break
      this.#kept.delete(oldest)
      this.#characters -= oldest.length
    }
  }
}
