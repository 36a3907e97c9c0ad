// Owns name-addr and addr-spec header values (From, To, Contact, Route, Record-Route, ...): RFC 3261 20.10 and 25.1.

import { bytesOf } from './bytes.ts'
import { findParam, Params } from './params.ts'
import { findChar, findComma, hasOpenQuote, isLws, isTokenChar, skipLws, skipQuoted, trimEnd, unfold } from './scan.ts'

/** One address of a header value, with its place in the text it was read from. */
export interface NameAddr {
  /** As written, quotes included and folds undone; '' when there is none. `unquote` gives the plain text. */
  readonly displayName: string
  /** The text of the URI, without the `<>`. `*` for `Contact: *`. */
  readonly uri: string
  readonly params: Params
  /** The whole element, white space around it and the comma after it excluded. */
  readonly start: number
  readonly end: number
  readonly uriStart: number
  readonly uriEnd: number
}

/** What stands between the first `<` and the `>` after it; undefined where there is no such pair. */
export function bracketed(value: string): string | undefined {
  const open = value.indexOf('<')
  const close = open < 0 ? -1 : value.indexOf('>', open)
  return close < 0 ? undefined : value.slice(open + 1, close)
}

class ParsedNameAddr implements NameAddr {
  readonly displayName: string
  readonly uri: string
  readonly start: number
  readonly end: number
  readonly uriStart: number
  readonly uriEnd: number
  private readonly paramText: string
  private parsedParams: Params | undefined = undefined

  constructor(text: string, start: number, end: number, nameEnd: number, uriStart: number, uriEnd: number, at: number) {
    this.displayName = nameEnd > start ? unfold(text.slice(start, nameEnd)) : ''
    this.uri = text.slice(uriStart, uriEnd)
    this.start = start
    this.end = end
    this.uriStart = uriStart
    this.uriEnd = uriEnd
    this.paramText = text.slice(at, end)
  }

  get params(): Params {
    this.parsedParams ??= new Params(unfold(this.paramText))
    return this.parsedParams
  }
}

/**
 * Reads one address from `text[start..end)`, which holds no separating comma. Lenient: a display name may be any text
 * (RFC 4475 3.1.1.6), spaces inside `<>` are left out. Undefined when a quote or `<` stays open, or there is no URI.
 */
export function parseNameAddr(text: string, start = 0, end = text.length): NameAddr | undefined {
  const bytes = bytesOf(text)
  const from = skipLws(bytes, start, end)
  const to = trimEnd(bytes, from, end)
  const open = findOpen(bytes, from, to)
  if (open === UNTERMINATED) return undefined
  if (open >= 0) {
    const close = findChar(text, '>', open, to)
    if (close < 0) return undefined
    const uriStart = skipLws(bytes, open + 1, close)
    const uriEnd = trimEnd(bytes, uriStart, close)
    if (uriStart === uriEnd) return undefined
    return new ParsedNameAddr(text, from, to, trimEnd(bytes, from, open), uriStart, uriEnd, close + 1)
  }
  // RFC 3261 20.10: without <> all parameters belong to the header, none to the URI.
  const semicolon = findChar(text, ';', from, to)
  const bare = semicolon < 0 ? to : semicolon
  const uriEnd = trimEnd(bytes, from, bare)
  if (uriEnd === from || bytes[from] === 34) return undefined
  return new ParsedNameAddr(text, from, to, from, from, uriEnd, bare)
}

/** What {@link findOpen} says of a quoted string that never closes. */
const UNTERMINATED = -2

/** The first `<` of `[at, end)` outside a quoted string; -1 when there is none. */
function findOpen(bytes: Uint8Array, at: number, end: number): number {
  for (let i = at; i < end; i++) {
    const code = bytes[i]
    if (code === 60) return i
    if (code !== 34) continue
    i = skipQuoted(bytes, i, end) - 1
    if (i < 0) return UNTERMINATED
  }
  return -1
}

/** Reads all addresses of a comma list in `text[start..end)` into `into`; elements that are none are passed over. */
export function parseNameAddrList(text: string, start: number, end: number, into: NameAddr[]): void {
  let at = start
  while (at < end) {
    const comma = findComma(text, at, end)
    const one = parseNameAddr(text, at, comma)
    if (one !== undefined) into.push(one)
    at = comma + 1
  }
}

/** The tag of the From or To value in `text[start..end)`, '' when there is none; builds nothing else. */
export function tagOf(text: string, start: number, end: number): string {
  const bytes = bytesOf(text)
  const open = findOpen(bytes, start, end)
  if (open === UNTERMINATED) return ''
  // The parameters of an addr-spec without <> are the header's (20.10).
  const params = findChar(text, open < 0 ? ';' : '>', open < 0 ? start : open, end)
  return params < 0 ? '' : (findParam(text, params, end, 'tag') ?? '')
}

/**
 * What a strict reader objects to in the From or To value `text[start..end)`; undefined when it is well-formed.
 * RFC 4475 3.1.2.6 (open quote), 3.1.2.14 (spaces within <>), 3.1.2.15 (unquoted separators in the display name).
 */
export function nameAddrFault(text: string, start: number, end: number): string | undefined {
  const bytes = bytesOf(text)
  let i = skipLws(bytes, start, end)
  const to = trimEnd(bytes, i, end)
  if (i === to) return 'is empty'
  if (bytes[i] === 34) {
    i = skipQuoted(bytes, i, to)
    if (i < 0) return 'has an unterminated quoted string'
    i = skipLws(bytes, i, to)
    if (i === to || bytes[i] !== 60) return 'has no <> after its display name'
  } else {
    const open = findChar(text, '<', i, to)
    if (open < 0) return addrSpecFault(text, i, to)
    for (; i < open; i++) {
      const code = bytes[i]!
      if (code < 128 && !isLws(code) && !isTokenChar(code)) return 'has a display name that needs quotes'
    }
  }
  const close = findChar(text, '>', i, to)
  if (close < 0) return 'has an unterminated <'
  if (close === i + 1) return 'has no URI'
  for (let j = i + 1; j < close; j++) if (bytes[j]! <= 32) return 'has white space within <>'
  const after = skipLws(bytes, close + 1, to)
  return after < to && bytes[after] !== 59 ? 'has text after its URI' : paramFault(text, after, to)
}

function addrSpecFault(text: string, start: number, end: number): string | undefined {
  const bytes = bytesOf(text)
  const semicolon = findChar(text, ';', start, end)
  const bare = semicolon < 0 ? end : semicolon
  const uriEnd = trimEnd(bytes, start, bare)
  if (uriEnd === start) return 'has no URI'
  for (let i = start; i < uriEnd; i++) {
    const code = bytes[i]!
    if (code <= 32 || code === 34 || code === 62) return 'is not an address'
  }
  return paramFault(text, bare, end)
}

/** An open quoted string among the parameters would swallow what follows it. */
function paramFault(text: string, start: number, end: number): string | undefined {
  return hasOpenQuote(text, start, end) ? 'has an unterminated quoted string' : undefined
}
