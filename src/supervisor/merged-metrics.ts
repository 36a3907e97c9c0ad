// Owns the sum of several metrics texts: what each worker, the front and the supervisor say of themselves, as one.

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
