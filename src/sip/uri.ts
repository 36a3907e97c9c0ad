// Owns SIP and SIPS URIs (RFC 3261 19.1): reading, writing, comparing; tel and other schemes as far as a proxy needs them.

import { bytesOf } from './bytes.ts'
import { Params, type ReadParams } from './params.ts'
import { decodePercent, equalsIgnoreCase, findChar, isHostChar, parseDigits } from './scan.ts'

/** A URI taken apart. Escapes stay as written; fields may be changed, `toString` writes the result. */
export interface SipUri {
  /** In lower case: 'sip', 'sips', 'tel', ... */
  scheme: string
  /** For `tel` the number. */
  user?: string
  password?: string
  /** As written; an IPv6 reference keeps its brackets. '' for schemes that have no host. */
  host: string
  port?: number
  params: Params
  /** What follows the `?`, without it; '' when there is none. */
  headers: string
  /** For schemes other than sip, sips and tel: all that follows the colon. */
  opaque?: string
  toString(): string
}

/** A URI that others read too, so that nobody changes it. */
export type ReadUri = Readonly<Omit<SipUri, 'params'>> & { readonly params: ReadParams }

class ParsedUri implements SipUri {
  scheme: string
  user?: string
  password?: string
  host = ''
  port?: number
  params: Params = new Params()
  headers = ''
  opaque?: string

  constructor(scheme: string) {
    this.scheme = scheme
  }

  toString(): string {
    if (this.opaque !== undefined) return `${this.scheme}:${this.opaque}`
    let out = `${this.scheme}:`
    if (this.scheme === 'tel') out += this.user ?? ''
    else {
      if (this.user !== undefined)
        out += this.password === undefined ? `${this.user}@` : `${this.user}:${this.password}@`
      out += this.host
      if (this.port !== undefined) out += `:${this.port}`
    }
    out += this.params.toString()
    return this.headers === '' ? out : `${out}?${this.headers}`
  }
}

/** Takes a URI apart; undefined when it is none (no scheme, no host, a bad port, white space or `<>` inside). */
export function parseUri(text: string): SipUri | undefined {
  const bytes = bytesOf(text)
  const colon = schemeEnd(bytes, text.length)
  if (colon < 0 || !isUriText(bytes, colon + 1, text.length)) return undefined
  const scheme = schemeOf(text, colon)
  const uri = new ParsedUri(scheme)
  if (scheme === 'sip' || scheme === 'sips') return parseSip(text, colon + 1, uri) ? uri : undefined
  if (scheme === 'tel') {
    const semicolon = text.indexOf(';', colon)
    const end = semicolon < 0 ? text.length : semicolon
    if (end === colon + 1) return undefined
    uri.user = text.slice(colon + 1, end)
    if (semicolon >= 0) uri.params = new Params(text.slice(semicolon))
    return uri
  }
  if (colon + 1 === text.length) return undefined
  uri.opaque = text.slice(colon + 1)
  return uri
}

/**
 * The user as Kamailio knows it: of a telephone number in a SIP URI (`user=phone`) what stands before the number's own
 * parameters (RFC 3261 19.1.6), of others the whole.
 */
export function userPart(uri: ReadUri): string | undefined {
  const semicolon = uri.user?.indexOf(';') ?? -1
  return semicolon < 0 || uri.params.get('user') !== 'phone' ? uri.user : uri.user!.slice(0, semicolon)
}

/** Those that were read last: the Request-URI of a message is asked for at each step of its way. */
const RECENT = 4
const texts: string[] = Array.from({ length: RECENT }, () => '')
const uris: (ReadUri | undefined)[] = Array.from({ length: RECENT })
let last = 0

/** As {@link parseUri}, for those who only read it. */
export function readUri(text: string): ReadUri | undefined {
  for (let at = 0; at < RECENT; at++) if (texts[at] === text) return uris[at]
  const uri = parseUri(text)
  last = (last + 1) % RECENT
  texts[last] = text
  uris[last] = uri
  return uri
}

/** Whether there is nothing that no URI holds: white space and controls, quotes and `<>`. */
function isUriText(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const code = bytes[i]!
    if (code <= 32 || code === 34 || code === 60 || code === 62 || code === 127) return false
  }
  return true
}

/** The position of the colon after a well-formed scheme (RFC 3986 3.1), or -1. */
function schemeEnd(bytes: Uint8Array, end: number): number {
  for (let i = 0; i < end; i++) {
    const code = bytes[i]!
    if (code === 58) return i === 0 ? -1 : i
    const letter = (code | 32) >= 97 && (code | 32) <= 122
    const follower = (code >= 48 && code <= 57) || code === 43 || code === 45 || code === 46
    if (!letter && (i === 0 || !follower)) return -1
  }
  return -1
}

/** The scheme that ends at `colon`, in lower case. */
function schemeOf(text: string, colon: number): string {
  return text.startsWith('sip:') ? 'sip' : text.slice(0, colon).toLowerCase()
}

/** The scheme of a URI in lower case, '' when it has none. */
export function uriScheme(text: string): string {
  const colon = schemeEnd(bytesOf(text), text.length)
  return colon < 0 ? '' : schemeOf(text, colon)
}

function parseSip(text: string, start: number, uri: ParsedUri): boolean {
  let end = text.length
  // The user part may hold `;`, `?`, `/`, `:` and `,`, so the `@` is looked for first (RFC 4475 3.1.1.2, 3.1.1.9).
  const at = findChar(text, '@', start, end)
  let hostStart = start
  if (at >= 0) {
    if (at === start) return false
    const colon = findChar(text, ':', start, at)
    if (colon === start) return false
    uri.user = text.slice(start, colon < 0 ? at : colon)
    if (colon >= 0) uri.password = text.slice(colon + 1, at)
    hostStart = at + 1
  }
  const question = findChar(text, '?', hostStart, end)
  if (question >= 0) {
    uri.headers = text.slice(question + 1)
    end = question
  }
  const semicolon = findChar(text, ';', hostStart, end)
  if (semicolon >= 0) {
    uri.params = new Params(text.slice(semicolon, end))
    end = semicolon
  }
  const split = hostEnd(text, hostStart, end)
  if (split < 0) return false
  uri.host = text.slice(hostStart, split)
  if (split < end) {
    const port = parseDigits(bytesOf(text), split + 1, end, 65_535)
    if (port < 0) return false
    uri.port = port
  }
  return true
}

/**
 * Where the host of `host[:port]` ends within `[start, end)`: at `end` or at the colon before the port; -1 when the
 * host is not one. IPv6 stands in brackets (RFC 5118 4.1); what is inside them is not judged (RFC 5118 4.10).
 */
export function hostEnd(text: string, start: number, end: number): number {
  const bytes = bytesOf(text)
  if (start >= end) return -1
  let i = start
  if (bytes[start] === 91) {
    const close = findChar(text, ']', start, end)
    if (close < 0 || close === start + 1) return -1
    for (let j = start + 1; j < close; j++) if (!isIpv6Char(bytes[j]!)) return -1
    i = close + 1
    return i === end || bytes[i] === 58 ? i : -1
  }
  for (; i < end; i++) {
    const code = bytes[i]!
    if (code === 58) return i === start ? -1 : i
    if (!isHostChar(code)) return -1
  }
  return end
}

function isIpv6Char(code: number): boolean {
  const lower = code | 32
  return (code >= 48 && code <= 58) || (lower >= 97 && lower <= 102) || code === 46 || code === 37
}

/** RFC 3261 19.1.4. URIs of other schemes than sip and sips are equal when their text is, the scheme aside. */
export function uriEquals(a: SipUri, b: SipUri): boolean {
  if (a.scheme !== b.scheme) return false
  if (a.scheme !== 'sip' && a.scheme !== 'sips') return a.toString() === b.toString()
  if (!sameEscaped(a.user, b.user) || !sameEscaped(a.password, b.password)) return false
  if (!equalsIgnoreCase(a.host, b.host) || a.port !== b.port) return false
  return sameParams(a.params, b.params) && sameHeaders(a.headers, b.headers)
}

function sameEscaped(a: string | undefined, b: string | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return a === b || decodePercent(a) === decodePercent(b)
}

/** These never match their absence (RFC 3261 19.1.4; `transport` by the section's own example). */
const SIGNIFICANT = ['user', 'ttl', 'method', 'maddr', 'transport']

function sameParams(a: Params, b: Params): boolean {
  const other = new Map<string, string>()
  for (const [name, value] of b) other.set(decodePercent(name).toLowerCase(), decodePercent(value))
  const mine = new Map<string, string>()
  for (const [name, value] of a) mine.set(decodePercent(name).toLowerCase(), decodePercent(value))
  for (const name of SIGNIFICANT) if (mine.has(name) !== other.has(name)) return false
  for (const [name, value] of mine) {
    const theirs = other.get(name)
    if (theirs !== undefined && !equalsIgnoreCase(value, theirs)) return false
  }
  return true
}

function sameHeaders(a: string, b: string): boolean {
  if (a === b) return true
  const normal = (text: string) =>
    text
      .split('&')
      .map((pair) => {
        const equals = pair.indexOf('=')
        const name = equals < 0 ? pair : pair.slice(0, equals)
        return `${decodePercent(name).toLowerCase()}=${equals < 0 ? '' : decodePercent(pair.slice(equals + 1))}`
      })
      .sort()
  const mine = normal(a)
  const theirs = normal(b)
  return mine.length === theirs.length && mine.every((pair, i) => pair === theirs[i])
}

/** Takes the brackets off an IPv6 reference. */
export function bareHost(host: string): string {
  return host.charCodeAt(0) === 91 && host.charCodeAt(host.length - 1) === 93 ? host.slice(1, -1) : host
}

/** Puts an IPv6 address into brackets; other hosts come back as they are. */
export function bracketHost(host: string): string {
  return host.indexOf(':') >= 0 && host.charCodeAt(0) !== 91 ? `[${host}]` : host
}
