// Owns the SARIF 2.1.0 form of diagnostics, which code hosts read.
import { isAbsolute, relative } from 'node:path'
import { type Diagnostic, RULES } from '../script/index.ts'

/** One run of the tool, as JSON text. */
export function toSarif(diagnostics: readonly Diagnostic[]): string {
  const rules = [...new Set(diagnostics.map((d) => d.code))].sort()
  return JSON.stringify(
    {
      $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
      version: '2.1.0',
      runs: [
        {
          tool: { driver: { name: 'signalbox', rules: rules.map(ruleOf) } },
          columnKind: 'unicodeCodePoints',
          results: diagnostics.map((d) => ({
            ruleId: d.code,
            ruleIndex: rules.indexOf(d.code),
            level: d.severity,
            message: { text: d.hint ? `${d.message} (${d.hint})` : d.message },
            locations: [
              {
                physicalLocation: {
                  artifactLocation: { uri: uriOf(d.file) },
                  region: {
                    startLine: d.line,
                    startColumn: d.column,
                    ...(d.endColumn === undefined ? {} : { endColumn: d.endColumn }),
                  },
                },
              },
            ],
          })),
        },
      ],
    },
    undefined,
    2,
  )
}

function ruleOf(id: string): { id: string; shortDescription?: { text: string } } {
  const rule = Object.hasOwn(RULES, id) ? RULES[id] : undefined
  return rule === undefined ? { id } : { id, shortDescription: { text: rule.doc } }
}

/** Relative to the working directory where it is below it, so that code hosts find the file. */
function uriOf(file: string): string {
  const path = isAbsolute(file) ? relative(process.cwd(), file) : file
  return path.startsWith('..') ? `file://${file}` : path.split('/').map(encodeURIComponent).join('/')
}
