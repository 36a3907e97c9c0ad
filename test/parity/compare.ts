// Owns the verdict over many cases: which agree, which differ for a reason that is in the table, which for none.
import { expect } from 'vitest'
import { type Compared, Died, explain, runBatch } from './batch.ts'
import type { ParityCase } from './case.ts'
import { DIFFERENCES, type Difference, GENERATED_DIFFERENCES, type GeneratedDifference } from './differences.ts'

/** Cases of one file: a start costs seconds, and a file with too many of them costs more than it saves. */
const BATCH = 1000

/** PARITY_LISTED=1 shows the differences of the table as well, for whoever doubts that they are what the table says. */
const SHOW_LISTED = process.env.PARITY_LISTED === '1'

export interface Verdict {
  readonly cases: number
  readonly agreed: number
  readonly refusedByBoth: number
  readonly listed: ReadonlyMap<Difference | GeneratedDifference, number>
  /** What differs without a reason, as a person reads it. */
  readonly unexplained: readonly string[]
}

function reasonOf(compared: Compared): Difference | GeneratedDifference | undefined {
  const { parity } = compared
  if (parity.generated === true) {
    const [kamailio, signalbox] = [JSON.stringify(compared.kamailio), JSON.stringify(compared.signalbox)]
    const text = `${parity.route} ${parity.blocks ?? ''}`
    return GENERATED_DIFFERENCES.find((difference) => difference.applies(text, kamailio, signalbox))
  }
  return DIFFERENCES.find((difference) => difference.titles.test(parity.title))
}

/**
 * Runs a batch; where 5.6.3 crashes in it, its halves, each in a process of its own. A case that makes it crash alone is
 * no case: the generators are told.
 */
async function survived(cases: readonly ParityCase[], prefix: string, more: string): Promise<Compared[]> {
  try {
    return await runBatch(cases, { prefix, more })
  } catch (error) {
    if (!(error instanceof Died && error.crashed) || cases.length === 1) throw error
    process.stderr.write(`kamailio crashed in a batch of ${cases.length} cases: its halves are run\n`)
    const middle = cases.length >> 1
    return [
      ...(await survived(cases.slice(0, middle), `${prefix}a`, more)),
      ...(await survived(cases.slice(middle), `${prefix}b`, more)),
    ]
  }
}

/** Runs all cases. */
export async function compareAll(cases: readonly ParityCase[], more = ''): Promise<Verdict> {
  const listed = new Map<Difference | GeneratedDifference, number>()
  const unexplained: string[] = []
  let [agreed, refusedByBoth] = [0, 0]
  for (let from = 0; from < cases.length; from += BATCH) {
    for (const compared of await survived(cases.slice(from, from + BATCH), `c${from}n`, more)) {
      if (compared.agrees) {
        agreed++
        if (compared.reasons !== '') refusedByBoth++
        continue
      }
      const reason = reasonOf(compared)
      if (reason === undefined) unexplained.push(explain(compared))
      else listed.set(reason, (listed.get(reason) ?? 0) + 1)
      if (reason !== undefined && SHOW_LISTED) process.stderr.write(`${reason.reason}\n${explain(compared)}\n\n`)
    }
  }
  return { cases: cases.length, agreed, refusedByBoth, listed, unexplained }
}

/** Fails where a case differs without a reason; says what came of all of them. */
export async function agree(title: string, cases: readonly ParityCase[], more = ''): Promise<Verdict> {
  const verdict = await compareAll(cases, more)
  const listed = [...verdict.listed.values()].reduce((sum, count) => sum + count, 0)
  process.stderr.write(
    `parity, ${title}: ${verdict.cases} cases, ${verdict.agreed} agree (${verdict.refusedByBoth} refused by both), ${listed} differ as listed, ${verdict.unexplained.length} without a reason\n`,
  )
  expect(verdict.unexplained.join('\n\n')).toBe('')
  return verdict
}
