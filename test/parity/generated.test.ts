// Owns the differential run against Kamailio 5.6.3 of cases by chance: PARITY_CASES of them, from the seed PARITY_SEED (a number, or `new`).
import { test } from 'vitest'
import { describeWithPeers } from '../interop/peers.ts'
import { agree } from './compare.ts'
import { GENERATED_HEAD, generated } from './generated/index.ts'

const COUNT = Number(process.env.PARITY_CASES ?? 100)
const GIVEN = process.env.PARITY_SEED ?? '1'
const SEED = GIVEN === 'new' ? Date.now() % 1_000_000_007 : Number(GIVEN)

describeWithPeers('cases by chance, the same in Kamailio', ['kamailio'], () => {
  test(`${COUNT} cases of seed ${SEED}`, { timeout: 60_000 + COUNT * 60 }, () =>
    agree(`seed ${SEED}`, generated(COUNT, SEED), GENERATED_HEAD),
  )
})
