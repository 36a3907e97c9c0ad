// Owns the tests of how diagnostics are shown: text with a caret, JSON, SARIF.
import { describe, expect, test } from 'vitest'
import {
  type Diagnostic,
  diagnosticsToJson,
  diagnosticsToSarif,
  formatDiagnostic,
  sortDiagnostics,
} from '../../src/script/diagnostic.ts'

const one: Diagnostic = {
  severity: 'error',
  code: 'unknown-function',
  message: 'Unknown function t_rely()',
  file: 'a.cfg',
  line: 3,
  column: 2,
  endColumn: 8,
  sourceLine: '\tt_rely();',
  hint: 'Did you mean t_relay?',
}

describe('as text', () => {
  test('has the line and a caret under the very text, tabs kept', () => {
    expect(formatDiagnostic(one)).toBe(
      'a.cfg:3:2: error: Unknown function t_rely() [unknown-function]\n  \tt_rely();\n  \t^^^^^^\n  hint: Did you mean t_relay?',
    )
  })
  test('shows a long line around the caret', () => {
    const text = formatDiagnostic({
      ...one,
      sourceLine: `${'x'.repeat(500)}HERE${'y'.repeat(500)}`,
      column: 501,
      endColumn: 505,
    })
    const [, line, caret] = text.split('\n')
    expect(line!.length).toBeLessThan(180)
    expect(line!.slice(caret!.indexOf('^'), caret!.lastIndexOf('^') + 1)).toBe('HERE')
  })
  test('lets no control character through', () => {
    const text = formatDiagnostic({ ...one, sourceLine: '\u001b[2J\u0000t_rely()' })
    expect(text).toContain('?[2J?t_rely()')
  })
  test('colours only when asked', () => {
    expect(formatDiagnostic(one)).not.toContain('\u001b')
    expect(formatDiagnostic(one, { color: true })).toContain('\u001b[31m')
  })
  test('has no caret where there is no line', () => {
    expect(formatDiagnostic({ ...one, sourceLine: '' }).split('\n')).toHaveLength(2)
  })
})

test('sorting keeps files together, in the order of their first mention', () => {
  const at = (file: string, line: number) => ({ ...one, file, line })
  const sorted = sortDiagnostics([at('b', 9), at('a', 1), at('b', 2)])
  expect(sorted.map(({ file, line }) => `${file}${line}`)).toEqual(['b2', 'b9', 'a1'])
})

test('JSON counts by severity', () => {
  const parsed = JSON.parse(diagnosticsToJson([one, { ...one, severity: 'warning' }]))
  expect(parsed).toMatchObject({ errors: 1, warnings: 1, notes: 0 })
  expect(parsed.diagnostics[0]).toEqual(one)
})

test('SARIF names rule, level and region', () => {
  const parsed = JSON.parse(diagnosticsToSarif([one]))
  expect(parsed.version).toBe('2.1.0')
  expect(parsed.runs[0].tool.driver.rules).toEqual([{ id: 'unknown-function' }])
  expect(parsed.runs[0].results[0]).toMatchObject({
    ruleId: 'unknown-function',
    level: 'error',
    locations: [{ physicalLocation: { region: { startLine: 3, startColumn: 2, endColumn: 8 } } }],
  })
})
