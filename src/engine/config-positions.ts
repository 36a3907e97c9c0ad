// Owns finding where a key of `export const config` stands in a TypeScript source, so that an error can show its line.

/** Line and column, both from 1. */
export interface KeyPosition {
  readonly line: number
  readonly column: number
}

const CLOSER: Readonly<Record<string, string>> = { '{': '}', '[': ']', '(': ')' }

/**
 * Positions of every key of the object literal that `config` is set to, by dotted path (`tls.profiles.default.key`).
 * Reads text, not syntax: what it cannot follow (spreads, computed keys, calls) it steps over.
 */
export function configPositions(source: string): Map<string, KeyPosition> {
  const positions = new Map<string, KeyPosition>()
  const start = /export\s+(?:const|let|var)\s+config\b[^={]*=\s*/.exec(source)
  if (!start) return positions
  let at = start.index + start[0].length
  positions.set('', positionOf(source, start.index))
  if (source[at] === '{') object('')
  return positions

  function object(path: string): void {
    at++
    for (;;) {
      skipBlank()
      const c = source[at]
      if (c === undefined) return
      if (c === '}') {
        at++
        return
      }
      const begin = at
      const key = readKey()
      skipBlank()
      if (key !== undefined && source[at] === ':') {
        const inner = path ? `${path}.${key}` : key
        positions.set(inner, positionOf(source, begin))
        at++
        skipBlank()
        value(inner)
      } else if (key !== undefined && (source[at] === ',' || source[at] === '}')) {
        positions.set(path ? `${path}.${key}` : key, positionOf(source, begin))
      } else skipValue()
      skipBlank()
      if (source[at] === ',') at++
      else if (source[at] !== '}') skipValue()
      if (source[at] === ',') at++
      if (at <= begin) return
    }
  }

  function array(path: string): void {
    at++
    for (let index = 0; ; index++) {
      skipBlank()
      const c = source[at]
      if (c === undefined) return
      if (c === ']') {
        at++
        return
      }
      const begin = at
      positions.set(`${path}.${index}`, positionOf(source, at))
      value(`${path}.${index}`)
      skipBlank()
      if (source[at] === ',') at++
      if (at <= begin) return
    }
  }

  function value(path: string): void {
    if (source[at] === '{') object(path)
    else if (source[at] === '[') array(path)
    skipValue()
  }

  function readKey(): string | undefined {
    const c = source[at]
    if (c === "'" || c === '"') {
      const begin = at
      skipString(c)
      return source.slice(begin + 1, at - 1)
    }
    const match = /^[\w$]+/.exec(source.slice(at, at + 80))
    if (!match) return undefined
    at += match[0].length
    return match[0]
  }

  /** Moves to the comma or closing bracket that ends the value under way. */
  function skipValue(): void {
    const open: string[] = []
    while (at < source.length) {
      skipBlank()
      const c = source[at]
      if (c === undefined) return
      if (c === "'" || c === '"' || c === '`') {
        skipString(c)
        continue
      }
      if (open.length === 0 && (c === ',' || c === '}' || c === ']' || c === ')')) return
      const closer = CLOSER[c]
      if (closer) open.push(closer)
      else if (c === open.at(-1)) open.pop()
      at++
    }
  }

  function skipString(quote: string): void {
    at++
    while (at < source.length && source[at] !== quote) at += source[at] === '\\' ? 2 : 1
    at++
  }

  function skipBlank(): void {
    for (;;) {
      while (/\s/.test(source[at] ?? '')) at++
      if (source.startsWith('//', at)) at = endOr(source.indexOf('\n', at))
      else if (source.startsWith('/*', at)) at = endOr(source.indexOf('*/', at)) + 2
      else return
    }
  }

  function endOr(index: number): number {
    return index < 0 ? source.length : index
  }
}

function positionOf(source: string, at: number): KeyPosition {
  let line = 1
  let lineStart = 0
  for (let i = source.indexOf('\n'); i >= 0 && i < at; i = source.indexOf('\n', i + 1)) {
    line++
    lineStart = i + 1
  }
  return { line, column: at - lineStart + 1 }
}
