// Owns the reading of one line of a script for a diagnostic.
import { readFileSync } from 'node:fs'

/** Line `line` (from 1) of a file; '' when it cannot be read. */
export function sourceLine(file: string, line: number): string {
  try {
    return readFileSync(file, 'utf8').split(/\r?\n/)[line - 1] ?? ''
  } catch {
    return ''
  }
}
