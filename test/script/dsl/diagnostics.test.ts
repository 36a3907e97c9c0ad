// Owns the folder snapshots of diagnostics: each folder has a file and what is said about it, carets included.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { formatDiagnostic } from '../../../src/script/diagnostic.ts'
import { compileDsl } from '../../../src/script/dsl/index.ts'
import { RULES } from '../../../src/script/rules.ts'

const folder = fileURLToPath(new URL('./diagnostics/', import.meta.url))
/** UPDATE_DIAGNOSTICS=1 writes what is said now; read the difference before it is committed. */
const update = process.env.UPDATE_DIAGNOSTICS === '1'

const sources = fileURLToPath(new URL('../../../src/script/dsl/', import.meta.url))
/** Rules of the language without a folder: what nobody writes by hand, and what only `convert` says. */
const WITHOUT = new Set(['internal', 'too-deep', 'too-long', 'not-converted'])

test('each rule of the language has a folder', () => {
  const code = readdirSync(sources)
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(`${sources}${name}`, 'utf8'))
    .join('\n')
  const said = readdirSync(folder)
    .map((name) => readFileSync(`${folder}${name}/expected.txt`, 'latin1'))
    .join('\n')
  const used = Object.keys(RULES).filter((rule) => code.includes(`'${rule}'`) && !WITHOUT.has(rule))
  expect(used.filter((rule) => !said.includes(`[${rule}]`))).toEqual([])
  expect(used.length).toBeGreaterThan(30)
})

describe('diagnostics', () => {
  for (const name of readdirSync(folder)) {
    test(name, () => {
      const result = compileDsl('input.cfg', {
        defines: new Map(),
        env: {},
        readFile: (path) => {
          const real = `${folder}${name}/${path}`
          return existsSync(real) ? readFileSync(real, 'latin1') : undefined
        },
      })
      const said = result.diagnostics.map((diagnostic) => formatDiagnostic(diagnostic)).join('\n')
      const text = `${said}\n${result.ok ? 'ok' : 'refused'}\n`
      const expected = `${folder}${name}/expected.txt`
      if (update || !existsSync(expected)) writeFileSync(expected, text, 'latin1')
      expect(text).toBe(readFileSync(expected, 'latin1'))
    })
  }
})
