// Owns the differential runs against Kamailio 5.6.3 of hand-written cases.
import { expect, test } from 'vitest'
import { describeWithPeers } from '../interop/peers.ts'
import { CONVERSIONS } from './cases/conversions.ts'
import { EXPRESSIONS } from './cases/expressions.ts'
import { FOUND } from './cases/found.ts'
import { HEADER_CASES } from './cases/headers.ts'
import { MODULE_CASES, MODULES_HEAD, writeLists } from './cases/modules.ts'
import { ROUTING } from './cases/routing.ts'
import { STATEMENTS } from './cases/statements.ts'
import { USERS } from './cases/users.ts'
import { TRANSFORMATIONS, VARIABLES } from './cases/variables.ts'
import { VOCABULARY } from './cases/vocabulary.ts'
import { agree } from './compare.ts'
import { DIFFERENCES } from './differences.ts'

/** With PARITY_WRITTEN=all everything runs; without, a part that does not keep the other tests waiting. */
const WHOLE = process.env.PARITY_WRITTEN === 'all'
const WRITTEN = [
  ...CONVERSIONS,
  ...EXPRESSIONS,
  ...STATEMENTS,
  ...VARIABLES,
  ...TRANSFORMATIONS,
  ...HEADER_CASES,
  ...ROUTING,
  ...USERS,
  ...VOCABULARY,
  ...FOUND,
]

describeWithPeers('the same file and messages as Kamailio', ['kamailio'], () => {
  test('cases written by hand', { timeout: 300_000 }, async () => {
    const verdict = await agree('written', WHOLE ? WRITTEN : WRITTEN.filter((_, i) => i % 4 === 0))
    // A difference that is gone leaves the table.
    const gone = DIFFERENCES.filter((difference) => !verdict.listed.has(difference))
    if (WHOLE) expect(gone.map(({ titles }) => `${titles}`)).toEqual([])
  })

  test('cases of modules that need the world', { timeout: 120_000 }, async () => {
    writeLists()
    await agree('modules', MODULE_CASES, MODULES_HEAD)
  })
})
