// Checks that every function, variable and transformation of the vocabulary stands in a parity case, or in the list of those that cannot.
import { expect, test } from 'vitest'
import { builtins, declaredPvs, declaredTransformations } from '../../stdlib/registry.ts'
import type { ParityCase } from './case.ts'
import { CONVERSIONS } from './cases/conversions.ts'
import { EXPRESSIONS } from './cases/expressions.ts'
import { FOUND } from './cases/found.ts'
import { HEADER_CASES } from './cases/headers.ts'
import { MODULE_CASES } from './cases/modules.ts'
import { ROUTING } from './cases/routing.ts'
import { STATEMENTS } from './cases/statements.ts'
import { USERS } from './cases/users.ts'
import { TRANSFORMATIONS, VARIABLES } from './cases/variables.ts'
import { VOCABULARY } from './cases/vocabulary.ts'
import { UNCOVERED, UNCOVERED_MODULES } from './uncovered.ts'

const CASES: readonly ParityCase[] = [
  ...CONVERSIONS,
  ...EXPRESSIONS,
  ...STATEMENTS,
  ...VARIABLES,
  ...TRANSFORMATIONS,
  ...HEADER_CASES,
  ...ROUTING,
  ...USERS,
  ...MODULE_CASES,
  ...VOCABULARY,
  ...FOUND,
]
const text = CASES.map(({ route, blocks = '' }) => `${route}\n${blocks}`).join('\n')
const words = new Set(text.match(/\w+/g))
const variables = new Set([...text.matchAll(/\$\(?([A-Za-z_]\w*)/g)].map(([, name]) => name!))
const transformations = new Set([...text.matchAll(/\{([a-z]+(?:\.[a-z0-9]+)+)/g)].map(([, name]) => name!))

function missing(names: Iterable<readonly [string, string]>, seen: ReadonlySet<string>, prefix: string): string[] {
  return [...names].flatMap(([name, module]) =>
    seen.has(name) || UNCOVERED_MODULES.has(module) || UNCOVERED.has(`${prefix}${name}`)
      ? []
      : [`${prefix}${name} (${module})`],
  )
}

test('each function stands in a case', () => {
  const names = [...builtins().values()].map(({ kamailio, module }) => [kamailio, module] as const)
  expect(missing(names, words, '')).toEqual([])
})

test('each variable stands in a case', () => {
  const names = [...declaredPvs()].map(([name, { module }]) => [name, module] as const)
  expect(missing(names, variables, '$')).toEqual([])
})

test('each transformation stands in a case', () => {
  const names = [...declaredTransformations().keys()].map((name) => [name, 'pv'] as const)
  expect(missing(names, transformations, '{')).toEqual([])
})
