// Owns the comments of a .cfg as they stand around a token, written in TypeScript's way.
import type { Token } from './tokens.ts'

/** A line that is a comment and nothing else: its text. A directive (`#!`) is none. */
function commentLine(line: string): string | undefined {
  const text = line.trim()
  if (/^#!/.test(text) || /^!!/.test(text)) return undefined
  const found = /^(?:#+|\/\/+)(.*)$/.exec(text) ?? /^\/\*+(.*?)\*+\/$/.exec(text) ?? undefined
  return found === undefined ? undefined : `//${spaced(found[1]!)}`
}

const spaced = (text: string) => (text === '' || text.startsWith(' ') ? text.replace(/\s+$/, '') : ` ${text.trim()}`)

/** The comment lines directly above the line of the token. */
export function commentsAbove(token: Token): string[] {
  const { text } = token.file
  const lines: string[] = []
  let end = text.lastIndexOf('\n', token.startOffset - 1)
  // Something stands before it on its own line.
  if (text.slice(end + 1, token.startOffset).trim() !== '') return lines
  while (end > 0) {
    const start = text.lastIndexOf('\n', end - 1) + 1
    const line = commentLine(text.slice(start, end))
    if (line === undefined) break
    lines.unshift(line)
    end = start - 1
  }
  return lines
}

/** The comment behind a statement, on the line that it begins on. */
export function commentBehind(token: Token): string | undefined {
  const { text } = token.file
  const newline = text.indexOf('\n', token.startOffset)
  const line = text.slice(token.startOffset, newline < 0 ? text.length : newline)
  let quote = ''
  for (let i = 0; i < line.length; i++) {
    const c = line[i]!
    if (quote !== '') {
      if (c === '\\' && quote === '"') i++
      else if (c === quote) quote = ''
    } else if (c === '"' || c === "'") quote = c
    else if ((c === '#' || (c === '/' && line[i + 1] === '/')) && /[\s;{}]/.test(line[i - 1] ?? ' '))
      return commentLine(line.slice(i))
  }
  return undefined
}

/** The comment with which a file begins. */
export function commentsOnTop(text: string): string[] {
  const lines: string[] = []
  for (const line of text.split('\n')) {
    if (line.trim() === '' && lines.length === 0) continue
    if (/^#!/.test(line.trim())) continue
    const comment = commentLine(line)
    if (comment === undefined) break
    lines.push(comment)
  }
  return lines
}
