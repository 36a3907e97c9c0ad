// Owns the metrics (the only importer of prom-client): plain numbers on the path of a message, Prometheus' text when asked.
import { Counter, Gauge, Registry } from 'prom-client'

/** One number of a family. The owner adds to `value`; nothing else happens until somebody asks for the text. */
export interface Tally {
  value: number
}

export type Labels = Readonly<Record<string, string>>

/** A family of numbers of one name, told apart by their labels. */
export interface Family {
  /** The number with these label values; the same object for the same values. Keep it where it is used often. */
  with(labels: Labels): Tally
  /** Adds to the number with these label values. */
  add(labels: Labels, amount?: number): void
}

/** Most different label sets of one family: what comes from the wire or a script may not grow without bound. */
const LABEL_SETS = 1000

/** One number, or one for each label set. */
export type Reading = () => number | Iterable<[Labels, number]>

/** What prom-client calls, with the metric as `this`, when the text is asked for. */
function collector(read: Reading) {
  return function collect(this: { reset(): void; inc(labels: Labels, value: number): void }): void {
    this.reset()
    const reading = read()
    if (typeof reading === 'number') this.inc({}, reading)
    else for (const [set, value] of reading) this.inc(set, value)
  }
}

/** A set of families, and readings that are taken when the text is asked for. */
export class Metrics {
  readonly #registry = new Registry()

  /** Declares numbers that only grow. `labels` names the labels. */
  counter(name: string, help: string, labels: readonly string[] = []): Family {
    const tallies = new Tallies()
    new Counter({
      name,
      help,
      labelNames: [...labels],
      registers: [this.#registry],
      collect() {
        this.reset()
        for (const { labels, tally } of tallies.all()) this.inc(labels, tally.value)
      },
    })
    return tallies
  }

  /** Declares a reading, taken by `read` when the text is asked for: one number, or one for each label set. */
  gauge(name: string, help: string, read: Reading, labels: readonly string[] = []): void {
    const collect = collector(read)
    new Gauge({ name, help, labelNames: [...labels], registers: [this.#registry], collect })
  }

  /** Declares a counter that another layer keeps, read when the text is asked for. */
  reading(name: string, help: string, read: Reading, labels: readonly string[] = []): void {
    const collect = collector(read)
    new Counter({ name, help, labelNames: [...labels], registers: [this.#registry], collect })
  }

  /** Everything in Prometheus' exposition format. */
  text(): Promise<string> {
    return this.#registry.metrics()
  }
}

class Tallies implements Family {
  readonly #tallies = new Map<string, { labels: Labels; tally: Tally }>()

  with(labels: Labels): Tally {
    const key = Object.values(labels).join('\u0000')
    let entry = this.#tallies.get(key)
    if (!entry) {
      if (this.#tallies.size >= LABEL_SETS) return { value: 0 }
      entry = { labels, tally: { value: 0 } }
      this.#tallies.set(key, entry)
    }
    return entry.tally
  }

  add(labels: Labels, amount = 1): void {
    this.with(labels).value += amount
  }

  all(): Iterable<{ labels: Labels; tally: Tally }> {
    return this.#tallies.values()
  }
}
