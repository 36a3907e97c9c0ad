// Owns the proof that a damaged file never makes the compiler throw: tokens of good files are deleted, doubled, swapped or changed.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { random } from '../../parity/generated/random.ts'
import { compileText } from './run-cfg.ts'

const semantics = fileURLToPath(new URL('./semantics/', import.meta.url))
const stock = '/etc/kamailio/kamailio.cfg'
const MUTANTS = Number(process.env.MUTANTS ?? 300)
const SEED = Number(process.env.MUTATION_SEED ?? 20_240_501)

const WORDS = [
  '{',
  '}',
  '(',
  ')',
  ';',
  '"',
  "'",
  '$',
  '$(',
  '#!ifdef X',
  '#!endif',
  '\n',
  '=',
  'if',
  'else',
  '[',
  ']',
  '%',
  '\\',
  'route',
  '$null',
  '5',
  '{s.len}',
  '/*',
  '\u0000',
  '\u00ff',
]

function mutate(text: string, next: () => number): string {
  const tokens = text.split(/(\s+|[A-Za-z_0-9]+|.)/).filter((part) => part !== '')
  const pick = () => Math.floor(next() * tokens.length)
  const at = pick()
  switch (Math.floor(next() * 5)) {
    case 0:
      tokens.splice(at, 1)
      break
    case 1:
      tokens.splice(at, 0, tokens[at]!)
      break
    case 2:
      tokens[at] = WORDS[Math.floor(next() * WORDS.length)]!
      break
    case 3:
      tokens.splice(at, 0, WORDS[Math.floor(next() * WORDS.length)]!)
      break
    default: {
      const other = pick()
      const kept = tokens[at]!
      tokens[at] = tokens[other]!
      tokens[other] = kept
    }
  }
  return tokens.join('')
}

describe('damaged files', () => {
  const files = readdirSync(semantics).map((name) => `${semantics}${name}/input.cfg`)
  if (existsSync(stock)) files.push(stock)
  const texts = files.map((file) => readFileSync(file, 'latin1'))

  test(`${MUTANTS} mutants of seed ${SEED} end in diagnostics with a place, or in a program`, {
    timeout: 120_000,
  }, () => {
    const next = random(SEED)
    for (let i = 0; i < MUTANTS; i++) {
      const text = mutate(texts[i % texts.length]!, next)
      const result = compileText(text)
      const internal = result.diagnostics.filter(({ code }) => code === 'internal')
      expect(internal, `mutant ${i}:\n${text}`).toEqual([])
      const lines = text.split('\n')
      for (const { line, column, sourceLine, file } of result.diagnostics) {
        if (file !== 'test.cfg') continue
        expect(line).toBeGreaterThan(0)
        expect(line).toBeLessThanOrEqual(lines.length)
        expect(lines[line - 1]!.replace(/\r$/, ''), `mutant ${i}`).toBe(sourceLine)
        expect(column).toBeGreaterThan(0)
        expect(column).toBeLessThanOrEqual(sourceLine.length + 2)
      }
      // What is accepted must be JavaScript.
      if (result.code !== undefined) expect(() => new Function(result.code!), `mutant ${i}:\n${text}`).not.toThrow()
    }
  })

  test.each([
    ['brackets', `$var(x) = ${'('.repeat(20_000)}1${')'.repeat(20_000)};`],
    ['operators', `$var(x) = ${'$var(y) - '.repeat(30_000)}1;`],
    ['blocks', `${'if (1) { '.repeat(10_000)}exit;${' }'.repeat(10_000)}`],
    ['signs', `$var(x) = ${'!'.repeat(50_000)}1;`],
    ['a string', `xlog("${'$var(a)'.repeat(50_000)}");`],
  ])('very many %s end in a diagnostic or a program', (_, body) => {
    const result = compileText(`#!KAMAILIO\nloadmodule "pv.so"\nloadmodule "xlog.so"\nrequest_route { ${body} }\n`)
    expect(result.diagnostics.filter(({ code }) => code === 'internal')).toEqual([])
  })
})
