// Owns the refusal of a script: its diagnostics, and how it is told.
import { SignalboxError } from '../errors.ts'
import { type Diagnostic, formatDiagnostic, loadDiagnostic } from '../script/index.ts'

/** A script that does not compile or whose configuration is wrong; the message holds the diagnostics with their carets. */
export class RefusedScript extends SignalboxError {
  readonly files: readonly string[]
  readonly diagnostics: readonly Diagnostic[]

  constructor(diagnostics: readonly Diagnostic[], files: readonly string[]) {
    const errors = diagnostics.filter((d) => d.severity === 'error')
    super('ERR_COMPILE', errors.map((d) => formatDiagnostic(d)).join('\n'))
    this.files = files
    this.diagnostics = errors
  }
}

/** What is wrong, at its place in the script where it names one. */
export function told(error: unknown, file: string): string {
  if (error instanceof RefusedScript || !(error instanceof SignalboxError))
    return error instanceof Error ? error.message : String(error)
  return formatDiagnostic(loadDiagnostic(error, file))
}
