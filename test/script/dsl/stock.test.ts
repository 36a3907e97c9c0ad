// Owns what is asked of Debian's own /etc/kamailio/kamailio.cfg: it reads without a syntax error under every one of its defines.
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { compileDsl } from '../../../src/script/dsl/index.ts'

const stock = '/etc/kamailio/kamailio.cfg'
const present = existsSync(stock)
if (!present) process.stderr.write(`SKIPPED the stock file: ${stock} is not there\n`)

/** What names something that is not provided yet, as opposed to something that is not understood. */
const NOT_PROVIDED = new Set(['function-not-provided', 'unknown-variable'])

describe.skipIf(!present)('the stock file', () => {
  const text = present ? readFileSync(stock, 'latin1') : ''
  const names = [...new Set(text.match(/\bWITH_[A-Z0-9]+/g) ?? [])]

  function misunderstood(defines: readonly string[]): string[] {
    const result = compileDsl(stock, {
      defines: new Map(defines.map((name) => [name, ''])),
      env: {},
      readFile: (path) => (path === stock ? text : undefined),
    })
    return result.diagnostics
      .filter(({ severity, code }) => severity === 'error' && !NOT_PROVIDED.has(code))
      .map(({ line, message }) => `${line}: ${message}`)
  }

  test('has defines to try', () => expect(names.length).toBeGreaterThan(10))
  test.each([[''], ...names.map((name) => [name])])('alone and with %s', (name) => {
    expect(misunderstood(name === '' ? [] : [name])).toEqual([])
  })
  test('with every pair of them', () => {
    for (const one of names) for (const other of names) expect(misunderstood([one, other])).toEqual([])
  })
  test('with all of them', () => expect(misunderstood(names)).toEqual([]))
})
