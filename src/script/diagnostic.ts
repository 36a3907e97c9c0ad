// Owns diagnostics: what the checker and the compilers say about a script, and how that is shown to people and tools.

export type Severity = 'error' | 'warning' | 'note'

/** A place in a script file. Lines and columns count from 1; `endColumn` is the column after the last character. */
export interface Position {
  file: string
  line: number
  column: number
  endColumn?: number
}

/** One finding about a script. `sourceLine` is the text of the line it points at (empty when the file could not be read). */
export interface Diagnostic {
  severity: Severity
  /** Stable rule name, for example `unknown-function`. */
  code: string
  message: string
  file: string
  /** Counted from 1. */
  line: number
  /** Counted from 1, in characters. */
  column: number
  /** Column after the last character of the offending text, on the same line. */
  endColumn?: number
  sourceLine: string
  /** What to do about it, in one sentence. */
  hint?: string
}

const COLOURS = { error: '\u001b[31m', warning: '\u001b[33m', note: '\u001b[36m' } as const
const BOLD = '\u001b[1m'
const RESET = '\u001b[0m'

/** Source lines longer than this are shown around the caret only. */
const SHOWN_LINE = 160

/** Control characters of a source line would disturb the terminal and the caret's column. */
function printable(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '?')
}

/** The part of the line that is shown, and the column of the caret within it (from 0). */
function shownPart(sourceLine: string, column: number): { text: string; caret: number } {
  const line = printable(sourceLine)
  if (line.length <= SHOWN_LINE) return { text: line, caret: column - 1 }
  const from = Math.max(0, Math.min(column - 1 - SHOWN_LINE / 2, line.length - SHOWN_LINE))
  const head = from > 0 ? '...' : ''
  const tail = from + SHOWN_LINE < line.length ? '...' : ''
  return { text: head + line.slice(from, from + SHOWN_LINE) + tail, caret: column - 1 - from + head.length }
}

/**
 * The diagnostic as text: `file:line:column: error: message [code]`, the source line, a caret under the offending
 * text, and a hint. No trailing newline.
 */
export function formatDiagnostic(diagnostic: Diagnostic, options: { color?: boolean } = {}): string {
  const colour = options.color ? COLOURS[diagnostic.severity] : ''
  const bold = options.color ? BOLD : ''
  const reset = options.color ? RESET : ''
  const place = `${diagnostic.file}:${diagnostic.line}:${diagnostic.column}`
  const lines = [
    `${bold}${place}: ${reset}${colour}${diagnostic.severity}:${reset} ${bold}${diagnostic.message}${reset} [${diagnostic.code}]`,
  ]
  if (diagnostic.sourceLine !== '') {
    const { text, caret } = shownPart(diagnostic.sourceLine, diagnostic.column)
    const indent = text.slice(0, caret).replace(/[^\t]/g, ' ').padEnd(Math.max(0, caret), ' ')
    const wanted = (diagnostic.endColumn ?? diagnostic.column + 1) - diagnostic.column
    const length = Math.max(1, Math.min(wanted, text.length - caret))
    lines.push(`  ${text}`, `  ${indent}${colour}${'^'.repeat(length)}${reset}`)
  }
  if (diagnostic.hint !== undefined) lines.push(`  hint: ${diagnostic.hint}`)
  return lines.join('\n')
}

/** Diagnostics in the order a reader wants: by file in order of first mention, then by place. */
export function sortDiagnostics(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const order = new Map<string, number>()
  for (const { file } of diagnostics) if (!order.has(file)) order.set(file, order.size)
  return [...diagnostics].sort(
    (a, b) => order.get(a.file)! - order.get(b.file)! || a.line - b.line || a.column - b.column,
  )
}

/** The JSON shape of `check --json`: counts, and the diagnostics as they are. */
export function diagnosticsToJson(diagnostics: readonly Diagnostic[]): string {
  const count = (severity: Severity) => diagnostics.filter((d) => d.severity === severity).length
  return JSON.stringify(
    { errors: count('error'), warnings: count('warning'), notes: count('note'), diagnostics },
    undefined,
    2,
  )
}

const SARIF_LEVELS = { error: 'error', warning: 'warning', note: 'note' } as const satisfies Record<Severity, string>

/** The diagnostics as SARIF 2.1.0, for code scanners and editors. */
export function diagnosticsToSarif(diagnostics: readonly Diagnostic[]): string {
  const rules = [...new Set(diagnostics.map(({ code }) => code))].map((id) => ({ id }))
  const results = diagnostics.map((diagnostic) => ({
    ruleId: diagnostic.code,
    level: SARIF_LEVELS[diagnostic.severity],
    message: { text: diagnostic.hint === undefined ? diagnostic.message : `${diagnostic.message}. ${diagnostic.hint}` },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: encodeURI(diagnostic.file) },
          region: {
            startLine: diagnostic.line,
            startColumn: diagnostic.column,
            endColumn: diagnostic.endColumn ?? diagnostic.column + 1,
            snippet: { text: diagnostic.sourceLine },
          },
        },
      },
    ],
  }))
  return JSON.stringify(
    {
      $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
      version: '2.1.0',
      runs: [{ tool: { driver: { name: 'signalbox', rules } }, results }],
    },
    undefined,
    2,
  )
}
