// Owns the messages on which workers died: their retransmissions must not take the next worker down as well.

/** RFC 3261 17.1: after 64*T1 nobody sends the same message again. */
const KEPT_MILLIS = 32_000
const KEPT = 32

/** The last few, for as long as they may be sent again. */
export class FatalMessages {
  readonly #messages: { readonly raw: string; readonly at: number }[] = []
  readonly #now: () => number

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  add(raw: string): void {
    this.#messages.push({ raw, at: this.#now() })
    if (this.#messages.length > KEPT) this.#messages.shift()
  }

  recent(): string[] {
    const since = this.#now() - KEPT_MILLIS
    return this.#messages.filter(({ at }) => at >= since).map(({ raw }) => raw)
  }
}
