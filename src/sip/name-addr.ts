// Owns name-addr and addr-spec header values (From, To, Contact, Route, Record-Route, ...): RFC 3261 20.10 and 25.1.

import { findParam, Params } from './params.ts'
import { findComma, hasOpenQuote, isTokenChar, skipLws, skipQuoted, trimEnd, unfold } from './scan.ts'

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
  const from = skipLws(text, start, end)
  const to = trimEnd(text, from, end)
  let i = from
  while (i < to) {
    const code = text.charCodeAt(i)
    if (code === 60) {
      const close = text.indexOf('>', i)
      if (close < 0 || close >= to) return undefined
      const uriStart = skipLws(text, i + 1, close)
      const uriEnd = trimEnd(text, uriStart, close)
      if (uriStart === uriEnd) return undefined
      return new ParsedNameAddr(text, from, to, trimEnd(text, from, i), uriStart, uriEnd, close + 1)
    }
    if (code === 34) {
      i = skipQuoted(text, i, to)
      if (i < 0) return undefined
    } else i++
  }
  // RFC 3261 20.10: without <> all parameters belong to the header, none to the URI.
  const semicolon = text.indexOf(';', from)
  const bare = semicolon < 0 || semicolon > to ? to : semicolon
  const uriEnd = trimEnd(text, from, bare)
  if (uriEnd === from || text.charCodeAt(from) === 34) return undefined
  return new ParsedNameAddr(text, from, to, from, from, uriEnd, bare)
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
  let i = start
  while (i < end) {
    const code = text.charCodeAt(i)
    if (code === 60) {
      const close = text.indexOf('>', i)
      if (close < 0 || close >= end) return ''
      return findParam(text, close + 1, end, 'tag') ?? ''
    }
    if (code === 34) {
      i = skipQuoted(text, i, end)
      if (i < 0) return ''
    } else i++
  }
  const semicolon = text.indexOf(';', start)
  return semicolon < 0 || semicolon >= end ? '' : (findParam(text, semicolon, end, 'tag') ?? '')
}

/**
 * What a strict reader objects to in the From or To value `text[start..end)`; undefined when it is well-formed.
 * RFC 4475 3.1.2.6 (open quote), 3.1.2.14 (spaces within <>), 3.1.2.15 (unquoted separators in the display name).
 */
export function nameAddrFault(text: string, start: number, end: number): string | undefined {
  let i = skipLws(text, start, end)
  const to = trimEnd(text, i, end)
  if (i === to) return 'is empty'
  if (text.charCodeAt(i) === 34) {
    i = skipQuoted(text, i, to)
    if (i < 0) return 'has an unterminated quoted string'
    i = skipLws(text, i, to)
    if (text.charCodeAt(i) !== 60) return 'has no <> after its display name'
  } else {
    const open = text.indexOf('<', i)
    if (open < 0 || open >= to) return addrSpecFault(text, i, to)
    for (; i < open; i++) {
      const code = text.charCodeAt(i)
      const text8 = code >= 128
      const space = code === 32 || code === 9 || code === 13 || code === 10
      if (!text8 && !space && !isTokenChar(code)) return 'has a display name that needs quotes'
    }
  }
  const close = text.indexOf('>', i)
  if (close < 0 || close >= to) return 'has an unterminated <'
  if (close === i + 1) return 'has no URI'
  for (let j = i + 1; j < close; j++) if (text.charCodeAt(j) <= 32) return 'has white space within <>'
  const after = skipLws(text, close + 1, to)
  return after < to && text.charCodeAt(after) !== 59 ? 'has text after its URI' : paramFault(text, after, to)
}

function addrSpecFault(text: string, start: number, end: number): string | undefined {
  const semicolon = text.indexOf(';', start)
  const bare = semicolon < 0 || semicolon > end ? end : semicolon
  const uriEnd = trimEnd(text, start, bare)
  if (uriEnd === start) return 'has no URI'
  for (let i = start; i < uriEnd; i++) {
    const code = text.charCodeAt(i)
    if (code <= 32 || code === 34 || code === 62) return 'is not an address'
  }
  return paramFault(text, bare, end)
}

/** An open quoted string among the parameters would swallow what follows it. */
function paramFault(text: string, start: number, end: number): string | undefined {
  return hasOpenQuote(text, start, end) ? 'has an unterminated quoted string' : undefined
}
