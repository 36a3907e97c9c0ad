// Owns the differential runs against Kamailio 5.6.3: hand-written cases, and cases by chance (PARITY_CASES, PARITY_SEED).
import { expect, test } from 'vitest'
import { describeWithPeers } from '../interop/peers.ts'
import { EXPRESSIONS } from './cases/expressions.ts'
import { HEADER_CASES } from './cases/headers.ts'
import { MODULE_CASES, MODULES_HEAD, writeLists } from './cases/modules.ts'
import { ROUTING } from './cases/routing.ts'
import { STATEMENTS } from './cases/statements.ts'
import { USERS } from './cases/users.ts'
import { TRANSFORMATIONS, VARIABLES } from './cases/variables.ts'
import { VOCABULARY } from './cases/vocabulary.ts'
import { compareAll } from './compare.ts'
import { generated } from './generated.ts'

/** With PARITY_CASES everything runs; without, a part that does not keep the other tests waiting. */
const WHOLE = process.env.PARITY_CASES !== undefined
const COUNT = Number(process.env.PARITY_CASES ?? 100)
const SEED = Number(process.env.PARITY_SEED ?? 1)
const WRITTEN = [
  ...EXPRESSIONS,
  ...STATEMENTS,
  ...VARIABLES,
  ...TRANSFORMATIONS,
  ...HEADER_CASES,
  ...ROUTING,
  ...USERS,
  ...VOCABULARY,
]

describeWithPeers('the same file and messages as Kamailio', ['kamailio'], () => {
  async function agree(title: string, cases: Parameters<typeof compareAll>[0], more = ''): Promise<void> {
    const verdict = await compareAll(cases, more)
    const listed = [...verdict.listed.values()].reduce((sum, count) => sum + count, 0)
    process.stderr.write(
      `parity, ${title}: ${verdict.cases} cases, ${verdict.agreed} agree (${verdict.refusedByBoth} refused by both), ${listed} differ as listed, ${verdict.unexplained.length} without a reason\n`,
    )
    expect(verdict.unexplained.join('\n\n')).toBe('')
  }

  test('cases written by hand', { timeout: 300_000 }, () =>
    agree('written', WHOLE ? WRITTEN : WRITTEN.filter((_, i) => i % 4 === 0)),
  )

  test('cases of modules that need the world', { timeout: 120_000 }, () => {
    writeLists()
    return agree('modules', MODULE_CASES, MODULES_HEAD)
  })

  test(`${COUNT} cases of seed ${SEED}`, { timeout: 60_000 + COUNT * 60 }, () =>
    agree(`seed ${SEED}`, generated(COUNT, SEED)),
  )
})
