// Owns matching of POSIX extended regular expressions in linear time (re2js), leftmost-longest, over bytes as characters.
import { RE2JS } from 're2js'
import { PatternCache } from './pattern-cache.ts'
import { matchesNewline, parsePosix, RegexError, requiredLiteral, toRe2 } from './posix-syntax.ts'

export { RegexError } from './posix-syntax.ts'

export interface RegexOptions {
  /** REG_ICASE. */
  readonly ignoreCase?: boolean
  /** REG_NEWLINE: line anchors, and no match of `.` and `[^...]` across lines. */
  readonly newline?: boolean
}

/** Offsets of a match: start and end, then those of each group, -1 where a group took no part. */
export type MatchOffsets = number[]

const LONGEST_PATTERN = 8192
const cache = new PatternCache<PosixRegex | RegexError>()

/** The compiled pattern, kept for the next use. Throws {@link RegexError} on a pattern that is none. */
export function posixRegex(pattern: string, options: RegexOptions = {}): PosixRegex {
  if (pattern.length > LONGEST_PATTERN) throw new RegexError('The pattern is too long', LONGEST_PATTERN)
  const key = `${options.ignoreCase ? 'i' : '-'}${options.newline ? 'n' : '-'}${pattern}`
  let found = cache.get(key)
  if (found === undefined) {
    try {
      found = new PosixRegex(pattern, options)
    } catch (error) {
      if (!(error instanceof RegexError)) throw error
      found = error
    }
    cache.set(key, found)
  }
  if (found instanceof RegexError) throw found
  return found
}

const perlCache = new PatternCache<RE2JS>()

/** A Perl pattern, with what RE2 knows of them. Throws {@link RegexError} on one that it does not. */
export function perlRegex(pattern: string): { test(text: string): boolean } {
  let found = perlCache.get(pattern)
  if (found === undefined) {
    if (pattern.length > LONGEST_PATTERN) throw new RegexError('The pattern is too long', LONGEST_PATTERN)
    try {
      found = RE2JS.compile(pattern)
    } catch (error) {
      throw new RegexError(error instanceof Error ? error.message : 'The pattern does not compile', 0)
    }
    perlCache.set(pattern, found)
  }
  return found
}

/** One compiled pattern. */
export class PosixRegex {
  readonly pattern: string
  readonly groups: number
  readonly #re2: RE2JS
  /** A text that each match contains, in lower case where case is ignored; '' when none is known. */
  readonly #literal: string
  readonly #ignoreCase: boolean
  /** Each match lies within one line, so lines without the literal need no look. */
  readonly #byLine: boolean

  constructor(pattern: string, options: RegexOptions = {}) {
    if (pattern.length > LONGEST_PATTERN) throw new RegexError('The pattern is too long', LONGEST_PATTERN)
    const syntax = { ignoreCase: options.ignoreCase === true, newline: options.newline === true }
    const node = parsePosix(pattern, syntax)
    const literal = requiredLiteral(node)
    this.pattern = pattern
    this.#ignoreCase = syntax.ignoreCase
    this.#literal = syntax.ignoreCase ? literal.toLowerCase() : literal
    this.#byLine = syntax.newline && this.#literal !== '' && !matchesNewline(node)
    try {
      this.#re2 = RE2JS.compile(toRe2(node), RE2JS.LONGEST_MATCH | (syntax.newline ? RE2JS.MULTILINE : 0))
    } catch (error) {
      throw new RegexError(error instanceof Error ? error.message : 'The pattern does not compile', 0)
    }
    this.groups = this.#re2.groupCount()
  }

  test(text: string): boolean {
    if (this.#literal === '') return this.#re2.test(text)
    if (this.#byLine) return this.exec(text) !== undefined
    return this.#searched(text).includes(this.#literal) && this.#re2.test(text)
  }

  /** The first match at or after `from`. */
  exec(text: string, from = 0): MatchOffsets | undefined {
    if (from > text.length) return undefined
    if (this.#literal === '') return this.#find(text, from, 0)
    const searched = this.#searched(text)
    if (!this.#byLine) return searched.indexOf(this.#literal, from) < 0 ? undefined : this.#find(text, from, 0)
    let position = from
    for (;;) {
      const hit = searched.indexOf(this.#literal, position)
      if (hit < 0) return undefined
      const lineStart = text.lastIndexOf('\n', hit) + 1
      const newline = text.indexOf('\n', hit)
      const lineEnd = newline < 0 ? text.length : newline
      const line = text.slice(lineStart, lineEnd)
      const match = this.#find(line, Math.max(0, from - lineStart), lineStart)
      if (match !== undefined) return match
      if (newline < 0) return undefined
      position = newline + 1
    }
  }

  #searched(text: string): string {
    return this.#ignoreCase ? text.toLowerCase() : text
  }

  #find(text: string, from: number, shift: number): MatchOffsets | undefined {
    const matcher = this.#re2.matcher(text)
    if (!matcher.find(from)) return undefined
    const offsets: number[] = []
    for (let group = 0; group <= this.groups; group++) {
      const start = matcher.start(group)
      offsets.push(start < 0 ? -1 : start + shift, start < 0 ? -1 : matcher.end(group) + shift)
    }
    return offsets
  }
}
