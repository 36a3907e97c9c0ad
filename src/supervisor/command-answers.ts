// Owns what RPC commands are to several workers: which one of them carries out alone, and how the answers of all become one.

/** What acts on the world or on what all share: each worker more would do it once more. */
const ALONE: ReadonlySet<string> = new Set([
  'dlg.bridge_dlg',
  'htable.reload',
  'htable.store',
  'mqueue.fetch',
  'presence.refreshWatchers',
  'ul.add',
  'ul.flush',
])

/** Each worker counts its own. */
const SUMMED: ReadonlySet<string> = new Set([
  'cnt.get',
  'cnt.grp_get_all',
  'msilo.counts',
  'stats.fetch',
  'stats.get_statistics',
])

/** Rows that are of all workers: what names a row, and the figure of which who knows most has the greatest. */
const SHARED: ReadonlyMap<string, readonly [name: string, figure: string]> = new Map([
  ['pike.top', ['ip_addr', 'leaf_hits_curr']],
  ['pl.list', ['name', 'counter']],
])

/** The workers that carry a command out. */
export function carriersOf<T>(command: string, workers: readonly T[]): readonly T[] {
  return ALONE.has(command) ? workers.slice(0, 1) : workers
}

/** Whether it has failed when one worker failed, which goes on with other tables than the rest; else one that has what is asked for will do. */
export function wantsAll(command: string): boolean {
  return /reload/i.test(command)
}

/** One answer out of those of several workers, of which there is one at least. */
export function oneAnswer(command: string, answers: readonly unknown[]): unknown {
  if (answers.length > 1 && SUMMED.has(command)) return answers.reduce(sum)
  const columns = SHARED.get(command)
  if (answers.length > 1 && columns !== undefined) return shared(answers, ...columns)
  return command.startsWith('dlg.') ? merged(answers) : answers[0]
}

/** Lists one after the other, numbers added: what workers tell of the calls that each of them has. */
function merged(answers: readonly unknown[]): unknown {
  if (answers.every(Array.isArray)) return answers.flat()
  if (!answers.every(isRecord)) return answers[0]
  const sums: Record<string, unknown> = {}
  for (const answer of answers)
    for (const [name, value] of Object.entries(answer))
      sums[name] = typeof value === 'number' && typeof sums[name] === 'number' ? sums[name] + value : value
  return sums
}

/** One row for each name. */
function shared(answers: readonly unknown[], name: string, figure: string): unknown {
  const rows = new Map<unknown, Record<string, unknown>>()
  for (const row of answers.flatMap((answer) => (isRecord(answer) ? answer.list : answer))) {
    if (!isRecord(row)) continue
    const known = rows.get(row[name])
    if (known === undefined || Number(row[figure]) > Number(known[figure])) rows.set(row[name], row)
  }
  const list = [...rows.values()]
  return isRecord(answers[0]) ? { ...answers[0], list, number_of_rows: list.length } : list
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Adds figures: numbers, texts of numbers, `name = number` line by line, and records of them. */
function sum(a: unknown, b: unknown): unknown {
  if (typeof a === 'number' && typeof b === 'number') return a + b
  if (typeof a === 'string' && typeof b === 'string' && a !== '' && b !== '' && !Number.isNaN(Number(a) + Number(b)))
    return `${Number(a) + Number(b)}`
  if (Array.isArray(a) && Array.isArray(b))
    return Object.entries(sum(figures(a), figures(b)) as Record<string, number>).map(
      ([name, value]) => `${name} = ${value}`,
    )
  if (!isRecord(a) || !isRecord(b)) return a
  const both: Record<string, unknown> = { ...a }
  for (const [name, value] of Object.entries(b)) both[name] = Object.hasOwn(both, name) ? sum(both[name], value) : value
  return both
}

/** `name = number` line by line, as a record. */
function figures(lines: readonly unknown[]): Record<string, number> {
  return Object.fromEntries(
    lines.map((line) => {
      const text = `${line}`
      const at = text.lastIndexOf(' = ')
      return [text.slice(0, at), Number(text.slice(at + 3))]
    }),
  )
}
