// Owns a text being read: where the reading stands, and what place that is.
import type { Place } from './report.ts'
import type { SourceFile, Token } from './tokens.ts'

/** One text being read. */
export interface Frame {
  file: SourceFile
  text: string
  position: number
  line: number
  lineStart: number
  /** The name that is being replaced by this text: its tokens have the name's place. */
  anchor: Token | undefined
}

const SPACE = /[ \t\r\n]*/y

/** Moves on, counting lines. */
export function advance(frame: Frame, to: number): void {
  for (let i = frame.text.indexOf('\n', frame.position); i >= 0 && i < to; i = frame.text.indexOf('\n', i + 1)) {
    frame.line++
    frame.lineStart = i + 1
  }
  frame.position = to
}

/** Passes over white space; tells whether there was any. */
export function skipSpace(frame: Frame): boolean {
  const end = afterSpace(frame.text, frame.position)
  if (end <= frame.position) return false
  advance(frame, end)
  return true
}

export function afterSpace(text: string, from: number): number {
  SPACE.lastIndex = from
  SPACE.exec(text)
  return SPACE.lastIndex
}

/** The next `length` characters as a place; in the value of a define, the place of its name. */
export function placeIn(frame: Frame, length: number): Place {
  if (frame.anchor !== undefined) return frame.anchor
  return {
    file: frame.file,
    startOffset: frame.position,
    endOffset: frame.position + length,
    startLine: frame.line,
    startColumn: frame.position - frame.lineStart + 1,
  }
}

/** The rest of the line, continued where it ends in a backslash. */
export function restOfLine(frame: Frame, from: number): { text: string; end: number } {
  let end = from
  for (;;) {
    const newline = frame.text.indexOf('\n', end)
    const lineEnd = newline < 0 ? frame.text.length : newline
    const continued = /\\\r?$/.test(frame.text.slice(from, lineEnd)) && newline >= 0
    end = continued ? newline + 1 : lineEnd
    if (!continued) break
  }
  return {
    text: frame.text
      .slice(from, end)
      .replace(/\\\r?\n/g, '')
      .trim(),
    end,
  }
}
