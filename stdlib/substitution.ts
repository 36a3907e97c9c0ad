// Owns sed-like expressions, `/regex/replacement/flags`: reading them, and finding what they change in a text.

import { PatternCache } from './pattern-cache.ts'
import { type MatchOffsets, type PosixRegex, posixRegex, RegexError } from './regex.ts'
import { currentRun, interpolateReplacement } from './runtime.ts'
import { checkLength, made } from './text-bounds.ts'

export interface Substitution {
  readonly regex: PosixRegex
  readonly parts: readonly ReplacementPart[]
  readonly all: boolean
}

export type ReplacementPart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'group'; readonly group: number }
  | { readonly kind: 'ruri' }

export interface Replacement {
  readonly at: number
  readonly remove: number
  readonly text: string
}

const cache = new PatternCache<Substitution>()

/** Reads an expression. Throws {@link RegexError} when it is none. */
export function parseSubstitution(expression: string): Substitution {
  const known = cache.get(expression)
  if (known !== undefined) return known
  const delimiter = expression[0]
  if (delimiter === undefined || delimiter === '\\')
    throw new RegexError('An expression reads /regex/replacement/flags', 0)
  const second = closingDelimiter(expression, 1, delimiter)
  const third = second < 0 ? -1 : closingDelimiter(expression, second + 1, delimiter)
  if (third < 0) throw new RegexError(`The expression needs three ${delimiter}`, expression.length)
  const flags = expression.slice(third + 1)
  for (let i = 0; i < flags.length; i++) {
    if (!'gis'.includes(flags[i]!)) throw new RegexError(`Unknown flag ${flags[i]}`, third + 1 + i)
  }
  const pattern = expression.slice(1, second).replaceAll(`\\${delimiter}`, delimiter)
  const regex = posixRegex(pattern, { ignoreCase: flags.includes('i'), newline: !flags.includes('s') })
  const parts = parseReplacement(
    expression.slice(second + 1, third).replaceAll(`\\${delimiter}`, delimiter),
    second + 1,
  )
  for (const part of parts) {
    if (part.kind === 'group' && part.group > regex.groups) {
      throw new RegexError(`There is no group ${part.group} in the pattern`, second + 1)
    }
  }
  const read = { regex, parts, all: flags.includes('g') }
  cache.set(expression, read)
  return read
}

function closingDelimiter(text: string, from: number, delimiter: string): number {
  for (let i = from; i < text.length; i++) {
    if (text[i] === '\\') i++
    else if (text[i] === delimiter) return i
  }
  return -1
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '\\': '\\' }

function parseReplacement(text: string, offset: number): ReplacementPart[] {
  const parts: ReplacementPart[] = []
  let plain = ''
  const flush = () => {
    if (plain !== '') parts.push({ kind: 'text', text: plain })
    plain = ''
  }
  for (let i = 0; i < text.length; i++) {
    if (text[i] !== '\\') {
      plain += text[i]
      continue
    }
    const next = text[++i]
    if (next === undefined) throw new RegexError('The replacement ends in a backslash', offset + i - 1)
    if (next >= '0' && next <= '9') {
      flush()
      parts.push({ kind: 'group', group: Number(next) })
    } else if (next === 'u') {
      flush()
      parts.push({ kind: 'ruri' })
    } else plain += ESCAPES[next] ?? `\\${next}`
  }
  flush()
  return parts
}

/** More matches than this in one text are left as they are. */
const MOST_REPLACEMENTS = 1000

/** What the expression changes in `text` from offset `from` on. */
export function findReplacements(substitution: Substitution, text: string, from = 0): Replacement[] {
  const found: Replacement[] = []
  let at = from
  while (at <= text.length && found.length < MOST_REPLACEMENTS) {
    const match = substitution.regex.exec(text, at)
    if (match === undefined) break
    const start = match[0]!
    const end = match[1]!
    // Kamailio gives up on a match of nothing.
    if (end === start) break
    found.push({ at: start, remove: end - start, text: fill(substitution.parts, text, match) })
    if (!substitution.all) break
    at = end
  }
  return found
}

/** The text with the changes made. */
export function substitute(substitution: Substitution, text: string): string | undefined {
  const found = findReplacements(substitution, text)
  if (found.length === 0) return undefined
  let out = ''
  let done = 0
  for (const { at, remove, text: replacement } of found) {
    out += text.slice(done, at) + replacement
    done = at + remove
    checkLength(out.length)
  }
  return made(out + text.slice(done))
}

function fill(parts: readonly ReplacementPart[], text: string, match: MatchOffsets): string {
  let out = ''
  for (const part of parts) {
    if (part.kind === 'text') out += interpolateReplacement(part.text)
    else if (part.kind === 'ruri') out += currentRun().target?.uri ?? ''
    else {
      const start = match[part.group * 2]!
      if (start >= 0) out += text.slice(start, match[part.group * 2 + 1])
    }
    checkLength(out.length)
  }
  return made(out)
}
