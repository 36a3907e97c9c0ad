// Owns the way from bytes to a message: first line, index of header lines, bounds of the body. Lenient where a proxy may be; nothing is decoded.

import { bytesOf } from './bytes.ts'
import { methodAt } from './constants.ts'
import { HeaderId, headerIdAt } from './header-fields.ts'
import { DEFAULT_PARSE_LIMITS, type ParseLimits } from './limits.ts'
import { INDEX_STRIDE, SipReply, SipRequest } from './message.ts'
import { findChar, lineFeedFrom, matchesLower, parseDigits, skipLws, tokenEnd, trimEnd } from './scan.ts'

/** Bytes that are no message we take. */
export interface ParseFailure {
  readonly ok: false
  /** What is wrong, fit for a reason phrase: no bytes of the message are in it. */
  readonly reason: string
  /** What to answer: 400, 413, 414, 505 or 513. */
  readonly status: number
  /** What could be read of a request, enough to answer it. */
  readonly partial?: SipRequest
  /** No answer is possible or allowed: a reply, an ACK, or nothing that looks like SIP. */
  readonly drop: boolean
}

export type ParseResult = { readonly ok: true; readonly message: SipRequest | SipReply } | ParseFailure

interface Fault {
  readonly status: number
  readonly reason: string
}

const TRUNCATED: Fault = { status: 400, reason: 'Bad Request (no blank line after the header fields)' }
const BAD_HEADER: Fault = { status: 400, reason: 'Bad Request (header line without a name)' }
const TOO_MANY_HEADERS: Fault = { status: 513, reason: 'Message Too Large (header fields)' }
const HEADER_TOO_LONG: Fault = { status: 513, reason: 'Message Too Large (header field)' }
const TOO_MANY_VIAS: Fault = { status: 513, reason: 'Message Too Large (Via)' }
const BAD_LENGTH: Fault = { status: 400, reason: 'Bad Request (Content-Length)' }
const LENGTHS_DIFFER: Fault = { status: 400, reason: 'Bad Request (two Content-Lengths)' }
const BODY_SHORT: Fault = { status: 400, reason: 'Bad Request (Content-Length beyond the message)' }
const BODY_TOO_LARGE: Fault = { status: 413, reason: 'Request Entity Too Large' }
const BAD_REQUEST_LINE: Fault = { status: 400, reason: 'Bad Request (request line)' }
const BAD_VERSION: Fault = { status: 505, reason: 'Version Not Supported' }
const URI_TOO_LONG: Fault = { status: 414, reason: 'Request-URI Too Long' }

/** What the pass over the header lines leaves behind; `index` is reused, so that a parse allocates its result only. */
const pass = {
  index: [] as number[],
  length: 0,
  bodyStart: 0,
  /** Content-Length: -1 absent, -2 malformed, -3 two that differ. */
  declared: -1,
  /** Bare LF ends a line, or the text ends with a header line: `tidy` mends both. */
  untidy: false,
}

/**
 * Reads one message from `raw`, one char a byte. Empty lines before it are left out (RFC 3261 7.5), bare LF at the end of
 * header lines becomes CRLF, a blank line missing at the very end is added, bytes after Content-Length are discarded
 * (18.3); all else stays in `message.raw` as it came.
 */
export function parseMessage(raw: string, limits: ParseLimits = DEFAULT_PARSE_LIMITS): ParseResult {
  if (raw.length > limits.messageBytes) return dropped(513, 'Message Too Large')
  pass.untidy = false
  const first = raw.charCodeAt(0)
  const result = parseText(first === 13 || first === 10 ? withoutBlankLines(raw) : raw, limits)
  return pass.untidy ? parseText(withCrlf(withoutBlankLines(raw)), limits) : result
}

function parseText(text: string, limits: ParseLimits): ParseResult {
  const bytes = bytesOf(text)
  const lineFeed = text.indexOf('\n')
  if (lineFeed < 0) return dropped(400, 'no line end')
  if (lineFeed === 0 || bytes[lineFeed - 1] !== 13) pass.untidy = true
  const lineEnd = lineFeed - 1
  return matchesLower(bytes, 0, 'sip/')
    ? parseReply(text, bytes, lineEnd, limits)
    : parseRequest(text, bytes, lineEnd, limits)
}

function dropped(status: number, reason: string): ParseFailure {
  return { ok: false, status, reason, drop: true }
}

function withoutBlankLines(raw: string): string {
  let start = 0
  let code = raw.charCodeAt(0)
  while (code === 13 || code === 10) code = raw.charCodeAt(++start)
  return raw.slice(start)
}

/** The text with CRLF at the end of each line up to the blank one, which is added if missing; the body stays as it is. */
function withCrlf(text: string): string {
  let out = ''
  let line = 0
  for (;;) {
    const lineFeed = text.indexOf('\n', line)
    if (lineFeed < 0) return out + (line === text.length ? '\r\n' : text.slice(line))
    const end = text.charCodeAt(lineFeed - 1) === 13 && lineFeed > line ? lineFeed - 1 : lineFeed
    out += `${text.slice(line, end)}\r\n`
    if (end === line) return out + text.slice(lineFeed + 1)
    line = lineFeed + 1
  }
}

function parseReply(text: string, bytes: Uint8Array, lineEnd: number, limits: ParseLimits): ParseResult {
  const status = replyStatus(bytes, lineEnd)
  if (status < 0) return dropped(400, 'malformed status line')
  const fault = indexHeaders(text, bytes, lineEnd + 2, limits) ?? bodyFault(text, limits)
  if (fault !== undefined) return dropped(fault.status, fault.reason)
  const reason = lineEnd > 12 ? text.slice(12, lineEnd) : ''
  const index = pass.index.slice(0, pass.length)
  const reply = new SipReply(bounded(text), lineEnd + 2, pass.bodyStart, index, status, reason)
  // RFC 4475 3.1.2.5: a reply whose CSeq does not fit is discarded.
  if (reply.cseqNumber < 0 && reply.findId(HeaderId.CSeq) >= 0) return dropped(400, 'malformed CSeq in a reply')
  return { ok: true, message: reply }
}

/** "SIP/2.0 SP 3DIGIT [SP reason]": the status, or -1. RFC 4475 3.1.2.19: a longer number is not cut to fit. */
function replyStatus(bytes: Uint8Array, lineEnd: number): number {
  if (!matchesLower(bytes, 4, '2.0 ') || lineEnd < 11) return -1
  const status = parseDigits(bytes, 8, 11, 699)
  if (status < 100) return -1
  return lineEnd === 11 || bytes[11] === 32 ? status : -1
}

function parseRequest(text: string, bytes: Uint8Array, lineEnd: number, limits: ParseLimits): ParseResult {
  const methodEnd = tokenEnd(bytes, 0, text.length)
  if (methodEnd === 0 || methodEnd > lineEnd || bytes[methodEnd] !== 32)
    return dropped(400, 'neither a request nor a reply')
  const method = methodAt(text, 0, methodEnd)
  // RFC 3261 7.1: one SP between the parts, none within the URI, none at the end (RFC 4475 3.1.2.8 to 3.1.2.10).
  const versionAt = lineEnd - 7
  let uriStart = methodEnd + 1
  let uriEnd = versionAt - 1
  let lineFault: Fault | undefined
  if (
    uriEnd <= uriStart ||
    findChar(text, ' ', uriStart, lineEnd) !== uriEnd ||
    !matchesLower(bytes, versionAt, 'sip/2.0')
  ) {
    // The version is the last word of the line; without one this is no SIP.
    const lastEnd = trimEnd(bytes, uriStart, lineEnd)
    const last = text.lastIndexOf(' ', lastEnd - 1) + 1
    if (last <= methodEnd || !matchesLower(bytes, last, 'sip/')) return dropped(400, 'neither a request nor a reply')
    uriStart = skipLws(bytes, uriStart, last)
    uriEnd = trimEnd(bytes, uriStart, last)
    // RFC 3261 21.5.6, RFC 4475 3.1.2.16
    const known = lastEnd - last === 7 && matchesLower(bytes, last, 'sip/2.0')
    lineFault = known ? BAD_REQUEST_LINE : BAD_VERSION
  }
  if (uriEnd - uriStart > limits.uriBytes) lineFault ??= URI_TOO_LONG
  const requestUri = text.slice(uriStart, uriEnd)
  const headFault = indexHeaders(text, bytes, lineEnd + 2, limits)
  const fault = lineFault ?? headFault ?? bodyFault(text, limits)
  const raw = fault === undefined ? bounded(text) : text
  const index = pass.index.slice(0, pass.length)
  const request = new SipRequest(raw, lineEnd + 2, pass.bodyStart, index, method, requestUri, uriStart)
  if (fault === undefined) return { ok: true, message: request }
  // RFC 3261 17.1.1.3: an ACK is never answered; without a Via no answer finds its way.
  const drop = method === 'ACK' || request.findId(HeaderId.Via) < 0
  return { ok: false, status: fault.status, reason: fault.reason, partial: request, drop }
}

/** Fills `pass` with the header lines from `start` to the blank line. On a fault the index holds the lines before it. */
function indexHeaders(text: string, bytes: Uint8Array, start: number, limits: ParseLimits): Fault | undefined {
  const maximum = limits.headerCount * INDEX_STRIDE
  const { index } = pass
  let vias = 0
  let n = 0
  let line = start
  let fault: Fault | undefined
  pass.declared = -1
  for (;;) {
    const first = bytes[line]!
    if (first === 13 && bytes[line + 1] === 10) break
    if (first === 10) {
      pass.untidy = true
      break
    }
    let colon = line
    for (let code = first; code > 32 && code !== 58; ) code = bytes[++colon]!
    let nameEnd = colon
    const lineFeed = lineFeedFrom(text, bytes, colon)
    if (lineFeed < 0) {
      if (line === text.length) pass.untidy = true
      fault = TRUNCATED
      break
    }
    if (bytes[lineFeed - 1] !== 13) pass.untidy = true
    if (first <= 32 || first === 58) fault = BAD_HEADER
    else if (lineFeed - line > limits.headerBytes) fault = HEADER_TOO_LONG
    else if (n >= maximum) fault = TOO_MANY_HEADERS
    if (fault !== undefined) break
    if (bytes[colon] !== 58) {
      // White space before the colon (RFC 3261 7.3.1), or no colon at all.
      colon = findChar(text, ':', colon, lineFeed)
      if (colon >= 0) nameEnd = trimEnd(bytes, line, colon)
    }
    const id = colon < 0 ? HeaderId.Other : headerIdAt(bytes, line, nameEnd)
    const valueStart = skipLws(bytes, colon < 0 ? line : colon + 1, lineFeed + 1)
    const valueEnd = trimEnd(bytes, valueStart, lineFeed + 1)
    if (id === HeaderId.ContentLength) noteLength(bytes, valueStart, valueEnd)
    else if (id === HeaderId.Via) {
      vias += valueCount(text, valueStart, valueEnd)
      if (vias > limits.viaCount) {
        fault = TOO_MANY_VIAS
        break
      }
    }
    index[n] = line
    index[n + 1] = id
    index[n + 2] = valueStart
    index[n + 3] = valueEnd
    n += INDEX_STRIDE
    line = lineFeed + 1
  }
  pass.length = n
  pass.bodyStart = line + 2
  return fault
}

/** Takes note of a Content-Length. */
function noteLength(bytes: Uint8Array, start: number, end: number): void {
  const length = parseDigits(bytes, start, end, Number.MAX_SAFE_INTEGER)
  // Two lengths that differ are an attack on whoever believes the other one (RFC 4475 3.3.9).
  if (length < 0) pass.declared = -2
  else if (pass.declared === -1) pass.declared = length
  else if (pass.declared !== length) pass.declared = -3
}

/** The values on a line, for a bound: quoted commas count too. */
function valueCount(text: string, start: number, end: number): number {
  let count = 1
  for (let comma = findChar(text, ',', start, end); comma >= 0; comma = findChar(text, ',', comma + 1, end)) count++
  return count
}

function bodyFault(text: string, limits: ParseLimits): Fault | undefined {
  const { declared } = pass
  const available = text.length - pass.bodyStart
  if (declared === -1) return available > limits.bodyBytes ? BODY_TOO_LARGE : undefined
  if (declared < 0) return declared === -3 ? LENGTHS_DIFFER : BAD_LENGTH
  if (declared > limits.bodyBytes) return BODY_TOO_LARGE
  // RFC 3261 18.3: a datagram that ends before its body does is an error; what follows the body is discarded.
  return declared > available ? BODY_SHORT : undefined
}

/** The text without what follows the body. */
function bounded(text: string): string {
  const end = pass.declared < 0 ? text.length : pass.bodyStart + pass.declared
  return end < text.length ? text.slice(0, end) : text
}
