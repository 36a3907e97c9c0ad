// Owns the collection of diagnostics during one compilation: places become lines with their text, repeats are left out.
import type { Diagnostic, Severity } from '../diagnostic.ts'
import type { SourceFile } from './tokens.ts'

/** Where something is said about: a token, or a part of one. */
export interface Place {
  readonly file: SourceFile
  readonly startOffset: number
  readonly endOffset: number
  readonly startLine: number
  readonly startColumn: number
}

const MOST = 500

/** Diagnostics of one compilation. */
export class Report {
  readonly diagnostics: Diagnostic[] = []
  readonly #seen = new Set<string>()
  /** The place that was looked at last, for a failure of the compiler itself. */
  last: Place | undefined

  get failed(): boolean {
    return this.diagnostics.some((diagnostic) => diagnostic.severity === 'error')
  }

  error(code: string, message: string, place: Place, hint?: string): void {
    this.add('error', code, message, place, hint)
  }

  warning(code: string, message: string, place: Place, hint?: string): void {
    this.add('warning', code, message, place, hint)
  }

  add(severity: Severity, code: string, message: string, place: Place, hint?: string): void {
    const key = `${place.file.path}:${place.startOffset}:${code}:${message}`
    if (this.#seen.has(key) || this.diagnostics.length >= MOST) return
    this.#seen.add(key)
    const { text } = place.file
    const lineStart = text.lastIndexOf('\n', place.startOffset - 1) + 1
    const newline = text.indexOf('\n', place.startOffset)
    const lineEnd = newline < 0 ? text.length : newline
    const end = Math.min(Math.max(place.endOffset, place.startOffset + 1), Math.max(lineEnd, place.startOffset + 1))
    const diagnostic: Diagnostic = {
      severity,
      code,
      message,
      file: place.file.path,
      line: place.startLine,
      column: place.startColumn,
      endColumn: place.startColumn + (end - place.startOffset),
      sourceLine: text.slice(lineStart, lineEnd).replace(/\r$/, ''),
    }
    if (hint !== undefined) diagnostic.hint = hint
    this.diagnostics.push(diagnostic)
  }
}

/** The place of `length` characters at `offset` of a file. */
export function placeAt(file: SourceFile, offset: number, length = 1): Place {
  const before = file.text.slice(0, offset)
  const lineStart = before.lastIndexOf('\n') + 1
  let line = 1
  for (let i = before.indexOf('\n'); i >= 0; i = before.indexOf('\n', i + 1)) line++
  return {
    file,
    startOffset: offset,
    endOffset: offset + length,
    startLine: line,
    startColumn: offset - lineStart + 1,
  }
}

/** A part of a text token's content, where the content stands in the file byte for byte; else the whole token. */
export function placeInText(
  token: Place & { readonly contentOffset: number; readonly plainLength: number },
  at: number,
  end: number,
): Place {
  if (token.contentOffset < 0 || end > token.plainLength) return token
  return placeAt(token.file, token.contentOffset + at, Math.max(1, end - at))
}

/** Edit distance, for proposals; stops at `most`. */
function distance(a: string, b: string, most: number): number {
  if (Math.abs(a.length - b.length) > most) return most + 1
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i)
  let beforeLast: number[] = []
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    let best = i
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1
      let value = Math.min(previous[j]! + 1, row[j - 1]! + 1, previous[j - 1]! + cost)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        value = Math.min(value, beforeLast[j - 2]! + 1)
      }
      row.push(value)
      if (value < best) best = value
    }
    if (best > most) return most + 1
    beforeLast = previous
    previous = row
  }
  return previous[b.length]!
}

/** The known name nearest to a wrong one, if one is near. */
export function nearest(wrong: string, known: Iterable<string>): string | undefined {
  const lower = wrong.toLowerCase()
  let found: string | undefined
  let best = Math.max(1, Math.min(3, Math.floor(wrong.length / 3))) + 1
  for (const name of known) {
    const away = distance(lower, name.toLowerCase(), best - 1)
    if (away < best) {
      best = away
      found = name
    }
  }
  return found
}
