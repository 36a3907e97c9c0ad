// Owns `;name=value` lists: reading one parameter without building anything, and Params, which builds only when asked.

import { matchesLower, skipLws, skipQuoted, trimEnd } from './scan.ts'

/**
 * The value of parameter `lower` (name in lower case) in the list `text[start..end)`, which begins at a `;` or at
 * white space before one; '' when it has no value, undefined when it is absent. A quoted value keeps its quotes.
 */
export function findParam(text: string, start: number, end: number, lower: string): string | undefined {
  const first = lower.charCodeAt(0)
  let quote = text.indexOf('"', start)
  let at = text.indexOf(';', start)
  while (at >= 0 && at < end) {
    // A semicolon within quotes parts nothing.
    while (quote >= 0 && quote < at) {
      const after = skipQuoted(text, quote, end)
      if (after < 0) return undefined
      if (after > at) at = text.indexOf(';', after)
      quote = text.indexOf('"', after)
      if (at < 0 || at >= end) return undefined
    }
    const name = skipLws(text, at + 1, end)
    if (
      (text.charCodeAt(name) | 32) === (first | 32) &&
      name + lower.length <= end &&
      matchesLower(text, name, lower)
    ) {
      const i = skipLws(text, name + lower.length, end)
      const next = i < end ? text.charCodeAt(i) : 59
      if (next === 61) {
        const valueStart = skipLws(text, i + 1, end)
        return text.slice(valueStart, trimEnd(text, valueStart, paramValueEnd(text, valueStart, end)))
      }
      if (next === 59) return ''
    }
    at = text.indexOf(';', at + 1)
  }
  return undefined
}

/** Where the parameter value that starts at `at` ends: at the next `;` outside a quoted string. */
export function paramValueEnd(text: string, at: number, end: number): number {
  let i = at
  while (i < end) {
    const code = text.charCodeAt(i)
    if (code === 59) return i
    if (code === 34) {
      const after = skipQuoted(text, i, end)
      if (after < 0) return end
      i = after
    } else i++
  }
  return end
}

/**
 * A list of parameters in the order they were written. Names are compared without case; a parameter without a value
 * has the value ''. `toString` gives the source as it was until something is changed.
 */
export class Params {
  private source: string
  private names: string[] | undefined
  private values: (string | undefined)[] = NONE
  private changed = false

  /** `source` is the list as written, from its first `;` on. */
  constructor(source = '') {
    this.source = source
  }

  get(name: string): string | undefined {
    const lower = name.toLowerCase()
    if (this.names === undefined) return findParam(this.source, 0, this.source.length, lower)
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
    const end = text.length
    let i = 0
    while (i < end) {
      i = skipLws(text, i, end)
      if (text.charCodeAt(i) === 59) {
        i++
        continue
      }
      if (i >= end) break
      const nameStart = i
      while (i < end && text.charCodeAt(i) !== 61 && text.charCodeAt(i) !== 59) i++
      names.push(text.slice(nameStart, trimEnd(text, nameStart, i)))
      if (i < end && text.charCodeAt(i) === 61) {
        const valueStart = skipLws(text, i + 1, end)
        i = paramValueEnd(text, valueStart, end)
        values.push(text.slice(valueStart, trimEnd(text, valueStart, i)))
      } else values.push(undefined)
    }
    this.names = names
    this.values = values
    return names
  }
}

const NONE: (string | undefined)[] = []
