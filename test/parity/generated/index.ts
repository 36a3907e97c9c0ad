// Owns the door to cases by chance: so many of one seed, of all kinds.
import type { ParityCase } from '../case.ts'
import { editCase } from './edits.ts'
import { expressionCase } from './expressions.ts'
import { programCase } from './programs.ts'
import { type Next, random } from './random.ts'
import { tableCase } from './tables.ts'
import { branchCase } from './targets.ts'
import { transformationCase } from './transformations.ts'
import { variableCase } from './variables.ts'

/** Each kind with its part of the whole. */
const KINDS: readonly (readonly [share: number, make: (next: Next) => ParityCase])[] = [
  [0.18, expressionCase],
  [0.18, editCase],
  [0.18, branchCase],
  [0.12, programCase],
  [0.12, variableCase],
  [0.12, transformationCase],
  [0.1, tableCase],
]

function one(next: Next): ParityCase {
  let kind = next()
  for (const [share, make] of KINDS) {
    if (kind < share) return make(next)
    kind -= share
  }
  return expressionCase(next)
}

/** Below the head of their files: the tables, and timers that what a machine with other work is late by does not run out. */
export const GENERATED_HEAD = `loadmodule "htable.so"
modparam("htable", "htable", "a=>size=4;")
modparam("htable", "htable", "e=>size=4;autoexpire=100;initval=7;updateexpire=0;")
modparam("tm", "fr_timer", 4000)
modparam("tm", "fr_inv_timer", 5000)
`

/** So many cases of one seed. */
export function generated(count: number, seed: number): ParityCase[] {
  const next = random(seed)
  return Array.from({ length: count }, () => ({ ...one(next), generated: true }))
}
