// Owns the character-level reading that all header parsers share: white space, tokens, quoted strings, percent escapes.
// Positions are offsets into a latin1 string or its bytes (bytes.ts); `end` is exclusive; nothing here throws.

import { bytesOf } from './bytes.ts'

/** Space, tab, CR or LF: inside a header value CR and LF occur only as folds (RFC 3261 25.1, LWS). */
export function isLws(code: number): boolean {
  return code === 32 || code === 9 || code === 13 || code === 10
}

/** The first position at or after `at` that is not white space. */
export function skipLws(bytes: Uint8Array, at: number, end: number): number {
  let i = at
  while (i < end && isLws(bytes[i]!)) i++
  return i
}

/** The end of the text before `end` once trailing white space is taken off. */
export function trimEnd(bytes: Uint8Array, start: number, end: number): number {
  let i = end
  while (i > start && isLws(bytes[i - 1]!)) i--
  return i
}

/** The first place of `char` in `[at, end)`, or -1. V8 looks for a character faster than a loop does. */
export function findChar(text: string, char: string, at: number, end: number): number {
  const found = text.indexOf(char, at)
  return found < end ? found : -1
}

/** The line feed that ends the header line which goes on at `at`, or -1. One that white space follows is a fold (RFC 3261 7.3.1). */
export function lineFeedFrom(text: string, bytes: Uint8Array, at: number): number {
  let lineFeed = text.indexOf('\n', at)
  while (lineFeed >= 0 && (bytes[lineFeed + 1] === 32 || bytes[lineFeed + 1] === 9))
    lineFeed = text.indexOf('\n', lineFeed + 1)
  return lineFeed
}

const TOKEN = 1
const HOST = 2
/** What each byte may be part of: `TOKEN`, `HOST`. */
const CLASSES = classes()

function classes(): Uint8Array {
  const table = new Uint8Array(256)
  for (let code = 0; code < 128; code++) {
    const char = String.fromCharCode(code)
    if (/[A-Za-z0-9\-.!%*_+`'~]/.test(char)) table[code]! |= TOKEN
    if (/[A-Za-z0-9\-._]/.test(char)) table[code]! |= HOST
  }
  return table
}

/** RFC 3261 25.1 token: alphanumeric or one of -.!%*_+`'~ */
export function isTokenChar(code: number): boolean {
  return (CLASSES[code]! & TOKEN) !== 0
}

/** Letters, digits, hyphen, dot; the underscore of real-world names is let pass. */
export function isHostChar(code: number): boolean {
  return (CLASSES[code]! & HOST) !== 0
}

/** The end of the token that starts at `at`; `at` when there is none. */
export function tokenEnd(bytes: Uint8Array, at: number, end: number): number {
  let i = at
  while (i < end && isTokenChar(bytes[i]!)) i++
  return i
}

/** Whether the whole text is one token. */
export function isToken(text: string): boolean {
  return text.length > 0 && tokenEnd(bytesOf(text), 0, text.length) === text.length
}

/** The position after the closing quote of the quoted string that opens at `at`, or -1 when it never closes. */
export function skipQuoted(bytes: Uint8Array, at: number, end: number): number {
  for (let i = at + 1; i < end; i++) {
    const code = bytes[i]
    if (code === 92) i++
    else if (code === 34) return i + 1
  }
  return -1
}

/** Whether a quoted string opens in `[at, end)` and does not close there. */
export function hasOpenQuote(text: string, at: number, end: number): boolean {
  let quote = findChar(text, '"', at, end)
  while (quote >= 0) {
    const after = skipQuoted(bytesOf(text), quote, end)
    if (after < 0) return true
    quote = findChar(text, '"', after, end)
  }
  return false
}

/**
 * The position of the next comma that separates list elements: not inside a quoted string, not inside `<>`.
 * `end` when there is none. An unclosed quote swallows the rest.
 */
export function findComma(text: string, at: number, end: number): number {
  // Most values are alone.
  if (findChar(text, ',', at, end) < 0) return end
  const bytes = bytesOf(text)
  for (let i = at; i < end; i++) {
    const code = bytes[i]
    if (code === 44) return i
    if (code === 34) {
      const after = skipQuoted(bytes, i, end)
      if (after < 0) return end
      i = after - 1
    } else if (code === 60) {
      const close = findChar(text, '>', i, end)
      if (close < 0) return end
      i = close
    }
  }
  return end
}

/** Where the parameter, or its value, that goes on at `at` ends: at the next `;` outside a quoted string. */
export function paramEnd(text: string, at: number, end: number): number {
  let next = findChar(text, ';', at, end)
  let quote = findChar(text, '"', at, end)
  while (quote >= 0 && (next < 0 || quote < next)) {
    const after = skipQuoted(bytesOf(text), quote, end)
    if (after < 0) return end
    next = findChar(text, ';', after, end)
    quote = findChar(text, '"', after, end)
  }
  return next < 0 ? end : next
}

/** A header value on one line: each fold, with the white space around it, becomes one space (RFC 3261 7.3.1). */
export function unfold(text: string): string {
  if (text.indexOf('\n') < 0) return text
  // White space before a fold is looked for from the fold: an expression that begins with it walks long runs again and again.
  const lines = text.split(/\r?\n[ \t]+/)
  const last = lines.length - 1
  return lines.map((line, i) => (i === last ? line : withoutBlanksBehind(line))).join(' ')
}

function withoutBlanksBehind(line: string): string {
  let end = line.length
  while (end > 0 && (line.charCodeAt(end - 1) === 32 || line.charCodeAt(end - 1) === 9)) end--
  return line.slice(0, end)
}

/** ASCII case-insensitive equality. */
export function equalsIgnoreCase(a: string, b: string): boolean {
  return a === b || (a.length === b.length && a.toLowerCase() === b.toLowerCase())
}

/** Whether the bytes at `at` spell `lower` (which is in lower case), whatever their case. */
export function matchesLower(bytes: Uint8Array, at: number, lower: string): boolean {
  for (let i = 0; i < lower.length; i++) {
    const want = lower.charCodeAt(i)
    const code = bytes[at + i]!
    if (code !== want && (code < 65 || code > 90 || code + 32 !== want)) return false
  }
  return true
}

/** The digits from `start` to `end` as a number; -1 when there is none, another character, or more than `max`. */
export function parseDigits(bytes: Uint8Array, start: number, end: number, max: number): number {
  if (start >= end) return -1
  let value = 0
  for (let i = start; i < end; i++) {
    const digit = bytes[i]! - 48
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
    if (value > max) return -1
  }
  return value
}

function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48
  const lower = code | 32
  return lower >= 97 && lower <= 102 ? lower - 87 : -1
}

/** Undoes %HH once (RFC 3261 19.1.2); a `%` that starts no escape stays. */
export function decodePercent(text: string): string {
  let percent = text.indexOf('%')
  if (percent < 0) return text
  let out = ''
  let from = 0
  while (percent >= 0) {
    const high = hexDigit(text.charCodeAt(percent + 1))
    const low = hexDigit(text.charCodeAt(percent + 2))
    if (high >= 0 && low >= 0) {
      out += text.slice(from, percent) + String.fromCharCode(high * 16 + low)
      from = percent + 3
    }
    percent = text.indexOf('%', Math.max(percent + 1, from))
  }
  return out + text.slice(from)
}

/** Takes off the quotes of a quoted string and its backslashes; other text comes back as it is. */
export function unquote(text: string): string {
  if (text.length < 2 || text.charCodeAt(0) !== 34 || text.charCodeAt(text.length - 1) !== 34) return text
  const inner = text.slice(1, -1)
  return inner.indexOf('\\') < 0 ? inner : inner.replace(/\\([\s\S])/g, '$1')
}

/** Writes text as a quoted string (RFC 3261 25.1); CR and LF, which none may hold, become spaces. */
export function quote(text: string): string {
  return `"${text.replace(/[\r\n]+/g, ' ').replace(/["\\]/g, '\\$&')}"`
}

/**
 * A copy that shares no memory with the text it was cut from. For strings that outlive their message, such as the
 * Call-ID of a dialog: a slice would keep the whole message alive.
 */
export function detach(text: string): string {
  // V8 copies a short slice anyway; a join of two parts makes one flat string.
  return text.length < 13 ? text : [text.slice(0, 1), text.slice(1)].join('')
}
