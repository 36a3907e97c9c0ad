// Owns the sum of several metrics texts: what each worker, the front and the supervisor say of themselves, as one,
// and what workers counted that are gone.

interface FamilyText {
  readonly head: string[]
  /** Name and labels, to the sum. */
  readonly samples: Map<string, number>
}

/** Of these the greatest counts, not the sum. */
const GREATEST = /_max_|_version|_start_time_/

/** Adds up samples of one name with the same labels. Text is Prometheus' exposition format, without time stamps. */
export function mergeMetrics(texts: readonly string[]): string {
  const families = new Map<string, FamilyText>()
  for (const text of texts) {
    let family: FamilyText | undefined
    for (const line of text.split('\n')) {
      if (line.startsWith('# ')) {
        const name = line.split(' ', 3)[2]!
        const known = families.get(name)
        if (!known) families.set(name, (family = { head: [line], samples: new Map() }))
        else {
          family = known
          if (!known.head.includes(line)) known.head.push(line)
        }
      } else if (line !== '' && family) addSample(family, line)
    }
  }
  const blocks = [...families.values()].map(({ head, samples }) =>
    [...head, ...[...samples].map(([name, value]) => `${name} ${value}`)].join('\n'),
  )
  return `${blocks.join('\n\n')}\n`
}

function addSample(family: FamilyText, line: string): void {
  const blank = line.lastIndexOf(' ')
  const name = line.slice(0, blank)
  const value = Number(line.slice(blank + 1))
  if (Number.isNaN(value)) return
  const before = family.samples.get(name)
  if (before === undefined) family.samples.set(name, value)
  else family.samples.set(name, GREATEST.test(name) ? Math.max(before, value) : before + value)
}

/** Who tells of itself. */
interface Teller {
  readonly gone: boolean
}

/** What workers told last, so that no counter falls when one dies or answers late: Prometheus would take that for a new start. */
export class WorkerMetrics {
  readonly #last = new Map<Teller, string>()
  /** Counters of those that are gone. */
  #past = ''

  /** `text` undefined: the worker did not answer. What comes after its end was told too late. */
  told(worker: Teller, text: string | undefined): void {
    if (text !== undefined && !worker.gone) this.#last.set(worker, text)
  }

  /** What all told last, those that are gone as they were when they were last asked. */
  texts(): readonly string[] {
    for (const [worker, text] of this.#last) {
      if (!worker.gone) continue
      this.#last.delete(worker)
      this.#past = mergeMetrics([this.#past, countersOf(text)])
    }
    return [this.#past, ...this.#last.values()]
  }
}

/** Only the families of counters: what a gauge shows ends with its process. */
function countersOf(text: string): string {
  const counters = new Set(Array.from(text.matchAll(/^# TYPE (\S+) counter$/gm), ([, name]) => name))
  return text
    .split('\n')
    .filter((line) => counters.has(line.startsWith('# ') ? line.split(' ', 3)[2] : /^[^{ ]*/.exec(line)![0]))
    .join('\n')
}
