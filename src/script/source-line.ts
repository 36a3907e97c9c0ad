// Owns the reading of a script, and of one line of it, for a diagnostic.
import { readFileSync } from 'node:fs'

/** The text of a file; '' when it cannot be read. */
export function sourceText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

/** Line `line` (from 1) of a file; '' when it cannot be read. */
export function sourceLine(file: string, line: number): string {
  return sourceText(file).split(/\r?\n/)[line - 1] ?? ''
}
