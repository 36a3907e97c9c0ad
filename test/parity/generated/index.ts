// Owns the door to cases by chance: so many of one seed, of all kinds.
import type { ParityCase } from '../case.ts'
import { editCase } from './edits.ts'
import { expressionCase } from './expressions.ts'
import { programCase } from './programs.ts'
import { type Next, random } from './random.ts'
import { branchCase } from './targets.ts'
import { transformationCase } from './transformations.ts'
import { variableCase } from './variables.ts'

/** Each kind with its part of the whole. */
const KINDS: readonly (readonly [share: number, make: (next: Next) => ParityCase])[] = [
  [0.2, expressionCase],
  [0.2, editCase],
  [0.2, branchCase],
  [0.15, programCase],
  [0.13, variableCase],
  [0.12, transformationCase],
]

function one(next: Next): ParityCase {
  let kind = next()
  for (const [share, make] of KINDS) {
    if (kind < share) return make(next)
    kind -= share
  }
  return expressionCase(next)
}

/** Timers of generated cases: what a machine with other work is late by times no transaction out. */
export const PATIENCE = `modparam("tm", "fr_timer", 4000)
modparam("tm", "fr_inv_timer", 5000)
`

/** So many cases of one seed. */
export function generated(count: number, seed: number): ParityCase[] {
  const next = random(seed)
  return Array.from({ length: count }, () => ({ ...one(next), generated: true }))
}
