// Owns the telling apart of code and text in TypeScript: comments, strings, templates and regular expressions blanked out; where a file exports what.
import type { Diagnostic } from './diagnostic.ts'
import { sourceLine, sourceText } from './source-line.ts'

const EXPORTED = /\bexport\s+(default\b|(?:async\s+)?(?:function\s*\*?|const|let|var|class)\s+([\w$]+))/g

/** Where a file exports a name that is wanted; its beginning where it exports none, or cannot be read. */
export function exportPlace(
  file: string,
  wanted: (name: string) => boolean,
): Pick<Diagnostic, 'file' | 'line' | 'column' | 'endColumn' | 'sourceLine'> {
  const source = sourceText(file)
  for (const match of blankText(source).matchAll(EXPORTED)) {
    const name = match[2] ?? 'default'
    if (!wanted(name)) continue
    const at = match.index + match[0].length - name.length
    const before = source.slice(0, at).split(/\r?\n/)
    const column = before.at(-1)!.length + 1
    const line = before.length
    return { file, line, column, endColumn: column + name.length, sourceLine: sourceLine(file, line) }
  }
  return { file, line: 1, column: 1, sourceLine: sourceLine(file, 1) }
}

/** After these a slash begins a regular expression, not a division. */
const BEFORE_REGEX = /(?:^|[=(,[{};:!&|?+\-*%<>~^]|\b(?:return|typeof|case|in|of|await|yield|void|delete|do|else))\s*$/

/** The source with every character of text and comments as a space; lines and offsets stay. Code within `${}` stays. */
export function blankText(source: string): string {
  let out = ''
  let at = 0
  /** Depth of braces at which each open template goes on. */
  const templates: number[] = []
  let depth = 0
  const blank = (end: number) => {
    out += source.slice(at, end).replace(/[^\n]/g, ' ')
    at = end
  }
  while (at < source.length) {
    const char = source[at]!
    const pair = source.slice(at, at + 2)
    if (pair === '//') blank(lineEnd(source, at))
    else if (pair === '/*') blank(after(source, source.indexOf('*/', at + 2), 2))
    else if (char === '"' || char === "'") blank(stringEnd(source, at))
    else if (char === '`') {
      const end = templateEnd(source, at + 1)
      blank(end)
      if (source[end - 1] === '{') templates.push(depth++)
    } else if (char === '/' && BEFORE_REGEX.test(out.slice(-40))) blank(regexEnd(source, at))
    else if (char === '}' && templates.at(-1) === depth - 1) {
      templates.pop()
      depth--
      const end = templateEnd(source, at + 1)
      blank(end)
      if (source[end - 1] === '{') templates.push(depth++)
    } else {
      if (char === '{') depth++
      else if (char === '}') depth--
      out += char
      at++
    }
  }
  return out
}

function after(source: string, found: number, length: number): number {
  return found < 0 ? source.length : found + length
}

function lineEnd(source: string, at: number): number {
  return after(source, source.indexOf('\n', at), 0)
}

function stringEnd(source: string, at: number): number {
  for (let i = at + 1; i < source.length; i++) {
    if (source[i] === '\\') i++
    else if (source[i] === source[at]) return i + 1
    else if (source[i] === '\n') return i
  }
  return source.length
}

/** The offset after the closing backquote, or after the brace of `${`. */
function templateEnd(source: string, at: number): number {
  for (let i = at; i < source.length; i++) {
    if (source[i] === '\\') i++
    else if (source[i] === '`') return i + 1
    else if (source[i] === '$' && source[i + 1] === '{') return i + 2
  }
  return source.length
}

function regexEnd(source: string, at: number): number {
  let inClass = false
  for (let i = at + 1; i < source.length; i++) {
    const char = source[i]
    if (char === '\\') i++
    else if (char === '[') inClass = true
    else if (char === ']') inClass = false
    else if (char === '/' && !inClass) return i + 1
    else if (char === '\n') return i
  }
  return source.length
}
