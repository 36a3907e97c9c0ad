// Owns `;name=value` lists: reading one parameter without building anything, and Params, which builds only when asked.

import { bytesOf } from './bytes.ts'
import { findChar, matchesLower, paramEnd, skipLws, skipQuoted, trimEnd } from './scan.ts'

/**
 * The value of parameter `lower` (name in lower case) in the list `text[start..end)`, which begins at a `;` or at
 * white space before one; '' when it has no value, undefined when it is absent. A quoted value keeps its quotes.
 */
export function findParam(text: string, start: number, end: number, lower: string): string | undefined {
  const bytes = bytesOf(text)
  const first = lower.charCodeAt(0) | 32
  let quote = findChar(text, '"', start, end)
  for (let at = findChar(text, ';', start, end); at >= 0; at = findChar(text, ';', at + 1, end)) {
    // A semicolon within quotes parts nothing.
    while (quote >= 0 && quote < at) {
      const after = skipQuoted(bytes, quote, end)
      if (after < 0) return undefined
      if (after > at) at = findChar(text, ';', after, end)
      quote = findChar(text, '"', after, end)
      if (at < 0) return undefined
    }
    const name = skipLws(bytes, at + 1, end)
    if ((bytes[name]! | 32) !== first || name + lower.length > end || !matchesLower(bytes, name, lower)) continue
    const after = skipLws(bytes, name + lower.length, end)
    if (after === end || bytes[after] === 59) return ''
    if (bytes[after] !== 61) continue
    const valueStart = skipLws(bytes, after + 1, end)
    return text.slice(valueStart, trimEnd(bytes, valueStart, paramEnd(text, valueStart, end)))
  }
  return undefined
}

/** Parameters that others read too, so that nobody changes them. */
export type ReadParams = Pick<Params, 'get' | 'has' | 'size' | 'toString' | typeof Symbol.iterator>

/**
 * A list of parameters in the order they were written. Names are compared without case; a parameter without a value
 * has the value ''. `toString` gives the source as it was until something is changed.
 */
export class Params {
  private source: string
  private names: string[] | undefined
  private values: (string | undefined)[] = NONE
  private changed = false
  /** Times that it was searched. */
  private searches = 0

  /** `source` is the list as written, from its first `;` on. */
  constructor(source = '') {
    this.source = source
  }

  get(name: string): string | undefined {
    if (this.names === undefined && this.source === '') return undefined
    const lower = name.toLowerCase()
    if (this.names === undefined && this.searches++ < MOST_SEARCHES)
      return findParam(this.source, 0, this.source.length, lower)
    const at = this.indexOf(lower)
    return at < 0 ? undefined : (this.values[at] ?? '')
  }

  has(name: string): boolean {
    return this.get(name) !== undefined
  }

  /** Replaces the value of the parameter, or adds it at the end; '' writes the name alone. */
  set(name: string, value = ''): void {
    const names = this.list()
    const at = this.indexOf(name.toLowerCase())
    if (at < 0) {
      names.push(name)
      this.values.push(value === '' ? undefined : value)
    } else this.values[at] = value === '' ? undefined : value
    this.changed = true
  }

  /** Takes the parameter off; tells whether it was there. */
  delete(name: string): boolean {
    const names = this.list()
    const at = this.indexOf(name.toLowerCase())
    if (at < 0) return false
    names.splice(at, 1)
    this.values.splice(at, 1)
    this.changed = true
    return true
  }

  get size(): number {
    return this.list().length
  }

  /** Names in lower case with their values, in order. */
  *[Symbol.iterator](): Generator<[string, string]> {
    const names = this.list()
    for (let i = 0; i < names.length; i++) yield [names[i]!.toLowerCase(), this.values[i] ?? '']
  }

  toString(): string {
    if (!this.changed) return this.source
    let out = ''
    const names = this.list()
    for (let i = 0; i < names.length; i++) {
      const value = this.values[i]
      out += value === undefined ? `;${names[i]}` : `;${names[i]}=${value}`
    }
    this.source = out
    this.changed = false
    return out
  }

  private indexOf(lower: string): number {
    const names = this.list()
    for (let i = 0; i < names.length; i++) {
      if (names[i]!.length === lower.length && names[i]!.toLowerCase() === lower) return i
    }
    return -1
  }

  private list(): string[] {
    if (this.names !== undefined) return this.names
    const names: string[] = []
    const values: (string | undefined)[] = []
    const text = this.source
    const { length } = text
    for (let at = 0; at < length; ) {
      const end = paramEnd(text, at, length)
      const bytes = bytesOf(text)
      const name = skipLws(bytes, at, end)
      at = end + 1
      if (name === end) continue
      const equals = findChar(text, '=', name, end)
      names.push(text.slice(name, trimEnd(bytes, name, equals < 0 ? end : equals)))
      if (equals < 0) values.push(undefined)
      else {
        const value = skipLws(bytes, equals + 1, end)
        values.push(text.slice(value, trimEnd(bytes, value, end)))
      }
    }
    this.names = names
    this.values = values
    return names
  }
}

/** Who is asked more often has its names taken apart for good. */
const MOST_SEARCHES = 2
const NONE: (string | undefined)[] = []
