// Owns the way from bytes to a message: first line, index of header lines, body bounds. Lenient where a proxy may be, one pass, nothing decoded.

import { HeaderId, headerIdAt } from './header-fields.ts'
import { DEFAULT_PARSE_LIMITS, type ParseLimits } from './limits.ts'
import { NAME_LENGTH_SHIFT, SipReply, SipRequest } from './message.ts'
import { isToken, matchesLower, parseDigits, trimEnd } from './scan.ts'

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

/** The index under construction; reused, so that a parse allocates its result only. */
const scratch: number[] = []
let scratchLength = 0
let bodyStart = 0
let lengthLine = -1

/**
 * Reads one message from `raw`, one char a byte. Empty lines before it are left out (RFC 3261 7.5), bare LF at the end of
 * header lines becomes CRLF, bytes after Content-Length are discarded (18.3); all else stays in `message.raw` as it came.
 */
export function parseMessage(raw: string, limits: ParseLimits = DEFAULT_PARSE_LIMITS): ParseResult {
  if (raw.length > limits.messageBytes) return dropped(513, 'Message Too Large')
  const text = tidyStart(raw)
  const lineFeed = text.indexOf('\n')
  if (lineFeed < 0) return dropped(400, 'no line end')
  const firstLineEnd = lineFeed + 1
  const lineEnd = lineFeed - 1
  const isReply = matchesLower(text, 0, 'sip/')
  if (!isReply) return parseRequest(text, lineEnd, firstLineEnd, limits)

  const status = replyStatus(text, lineEnd)
  if (status < 0) return dropped(400, 'malformed status line')
  const fault = indexHeaders(text, firstLineEnd, limits) ?? bodyFault(text, limits)
  if (fault !== undefined) return dropped(fault.status, fault.reason)
  const reason = lineEnd > 12 ? text.slice(12, lineEnd) : ''
  const reply = new SipReply(bounded(text), firstLineEnd, bodyStart, scratch.slice(0, scratchLength), status, reason)
  // RFC 4475 3.1.2.5: a reply whose CSeq does not fit is discarded.
  if (reply.cseqNumber < 0 && reply.findId(HeaderId.CSeq) >= 0) return dropped(400, 'malformed CSeq in a reply')
  return { ok: true, message: reply }
}

function dropped(status: number, reason: string): ParseFailure {
  return { ok: false, status, reason, drop: true }
}

/** Leaves out empty lines before the message; makes CRLF of bare LF in the head. */
function tidyStart(raw: string): string {
  let start = 0
  let code = raw.charCodeAt(0)
  while (code === 13 || code === 10) code = raw.charCodeAt(++start)
  const text = start === 0 ? raw : raw.slice(start)
  const lineFeed = text.indexOf('\n')
  return lineFeed >= 0 && text.charCodeAt(lineFeed - 1) !== 13 ? withCrlf(text) : text
}

/** The text with CRLF at the end of each line up to the blank one; the body stays as it is. */
function withCrlf(text: string): string {
  let out = ''
  let line = 0
  for (;;) {
    const lineFeed = text.indexOf('\n', line)
    if (lineFeed < 0) return out + text.slice(line)
    const end = text.charCodeAt(lineFeed - 1) === 13 && lineFeed > line ? lineFeed - 1 : lineFeed
    out += `${text.slice(line, end)}\r\n`
    if (end === line) return out + text.slice(lineFeed + 1)
    line = lineFeed + 1
  }
}

/** "SIP/2.0 SP 3DIGIT [SP reason]": the status, or -1. RFC 4475 3.1.2.19: a longer number is not cut to fit. */
function replyStatus(text: string, lineEnd: number): number {
  if (!matchesLower(text, 4, '2.0 ')) return -1
  const status = parseDigits(text, 8, Math.min(11, lineEnd), 699)
  if (status < 100) return -1
  return lineEnd === 11 || text.charCodeAt(11) === 32 ? status : -1
}

function parseRequest(text: string, lineEnd: number, firstLineEnd: number, limits: ParseLimits): ParseResult {
  const methodEnd = text.indexOf(' ')
  if (methodEnd <= 0 || methodEnd > lineEnd) return dropped(400, 'neither a request nor a reply')
  const method = text.slice(0, methodEnd)
  let versionEnd = lineEnd
  while (text.charCodeAt(versionEnd - 1) === 32) versionEnd--
  const versionStart = text.lastIndexOf(' ', versionEnd - 1) + 1
  if (!isToken(method) || !matchesLower(text, versionStart, 'sip/')) {
    return dropped(400, 'neither a request nor a reply')
  }
  let uriStart = methodEnd + 1
  while (text.charCodeAt(uriStart) === 32) uriStart++
  const uriEnd = Math.max(trimEnd(text, uriStart, versionStart), uriStart)
  const requestUri = text.slice(uriStart, uriEnd)

  const headFault = indexHeaders(text, firstLineEnd, limits)
  const fault =
    requestLineFault(text, methodEnd, versionStart, versionEnd, lineEnd, requestUri, limits) ??
    headFault ??
    bodyFault(text, limits)
  const raw = headFault === undefined ? bounded(text) : text
  const index = scratch.slice(0, scratchLength)
  const request = new SipRequest(raw, firstLineEnd, bodyStart, index, method, requestUri, uriStart)
  if (fault === undefined) return { ok: true, message: request }
  // RFC 3261 17.1.1.3: an ACK is never answered; without a Via no answer finds its way.
  const drop = method === 'ACK' || request.findId(HeaderId.Via) < 0
  return { ok: false, status: fault.status, reason: fault.reason, partial: request, drop }
}

function requestLineFault(
  text: string,
  methodEnd: number,
  versionStart: number,
  versionEnd: number,
  lineEnd: number,
  uri: string,
  limits: ParseLimits,
): Fault | undefined {
  // RFC 3261 21.5.6, RFC 4475 3.1.2.16
  if (!matchesLower(text, versionStart, 'sip/2.0') || versionEnd - versionStart !== 7) {
    return { status: 505, reason: 'Version Not Supported' }
  }
  if (uri.length > limits.uriBytes) return { status: 414, reason: 'Request-URI Too Long' }
  // RFC 3261 7.1: one SP between the parts, none within the URI, none at the end (RFC 4475 3.1.2.8 to 3.1.2.10).
  const exact = methodEnd + 1 + uri.length + 1 === versionStart && versionEnd === lineEnd
  if (!exact || uri === '' || hasSpace(uri)) return { status: 400, reason: 'Bad Request (request line)' }
  return undefined
}

function hasSpace(uri: string): boolean {
  for (let i = 0; i < uri.length; i++) if (uri.charCodeAt(i) <= 32) return true
  return false
}

/**
 * Fills `scratch` with the header lines from `start` to the blank line and sets `bodyStart` and `lengthLine`. On a fault
 * the index holds the lines before it.
 */
function indexHeaders(text: string, start: number, limits: ParseLimits): Fault | undefined {
  const maximum = limits.headerCount * 4
  let viaCount = 0
  let n = 0
  let line = start
  let fault: Fault | undefined
  lengthLine = -1
  for (;;) {
    const first = text.charCodeAt(line)
    if (first === 13 && text.charCodeAt(line + 1) === 10) break
    let nameEnd = line
    let code = first
    // Anything but white space and the colon is taken for a name; NaN at the end of the text ends the loop.
    while (code > 32 && code !== 58) code = text.charCodeAt(++nameEnd)
    let colon = nameEnd
    while (code === 32 || code === 9) code = text.charCodeAt(++colon)
    if (code !== 58 || nameEnd === line) {
      fault = colon >= text.length ? TRUNCATED : BAD_HEADER
      break
    }
    let lineFeed = text.indexOf('\n', colon)
    let next = text.charCodeAt(lineFeed + 1)
    // RFC 3261 7.3.1: a line that starts with white space goes on with the one before.
    while (lineFeed >= 0 && (next === 32 || next === 9)) {
      lineFeed = text.indexOf('\n', lineFeed + 1)
      next = text.charCodeAt(lineFeed + 1)
    }
    if (lineFeed < 0) {
      fault = TRUNCATED
      break
    }
    if (lineFeed - line > limits.headerBytes) {
      fault = HEADER_TOO_LONG
      break
    }
    if (n >= maximum) {
      fault = TOO_MANY_HEADERS
      break
    }
    const id = headerIdAt(text, line, nameEnd)
    let valueStart = colon + 1
    let v = text.charCodeAt(valueStart)
    while ((v === 32 || v === 9 || v === 13 || v === 10) && valueStart < lineFeed) v = text.charCodeAt(++valueStart)
    let valueEnd = lineFeed
    if (valueStart < valueEnd) {
      v = text.charCodeAt(valueEnd - 1)
      while (v === 13 || v === 32 || v === 9 || v === 10) v = text.charCodeAt(--valueEnd - 1)
    }
    scratch[n] = line
    scratch[n + 1] = id | ((nameEnd - line) << NAME_LENGTH_SHIFT)
    scratch[n + 2] = valueStart
    scratch[n + 3] = valueEnd
    if (id === HeaderId.ContentLength) {
      // Two lengths that differ are an attack on whoever believes the other one (RFC 4475 3.3.9).
      if (lengthLine < 0) lengthLine = n
      else if (!sameValue(text, lengthLine, n)) fault = LENGTHS_DIFFER
    } else if (id === HeaderId.Via) {
      viaCount++
      for (let c = text.indexOf(',', valueStart); c >= 0 && c < valueEnd; c = text.indexOf(',', c + 1)) viaCount++
      if (viaCount > limits.viaCount) fault ??= TOO_MANY_VIAS
    }
    n += 4
    line = lineFeed + 1
  }
  scratchLength = n
  bodyStart = fault === undefined || text.charCodeAt(line) === 13 ? line + 2 : text.length
  return fault
}

function sameValue(text: string, a: number, b: number): boolean {
  return text.slice(scratch[a + 2]!, scratch[a + 3]!).trim() === text.slice(scratch[b + 2]!, scratch[b + 3]!).trim()
}

/** The end of the body by Content-Length; -1 when the message has none. */
let declaredEnd = -1

function bodyFault(text: string, limits: ParseLimits): Fault | undefined {
  declaredEnd = -1
  const available = text.length - bodyStart
  if (lengthLine < 0) return available > limits.bodyBytes ? BODY_TOO_LARGE : undefined
  const length = parseDigits(text, scratch[lengthLine + 2]!, scratch[lengthLine + 3]!, Number.MAX_SAFE_INTEGER)
  if (length < 0) return BAD_LENGTH
  if (length > limits.bodyBytes) return BODY_TOO_LARGE
  // RFC 3261 18.3: a datagram that ends before its body does is an error; what follows the body is discarded.
  if (length > available) return BODY_SHORT
  declaredEnd = bodyStart + length
  return undefined
}

function bounded(text: string): string {
  return declaredEnd >= 0 && declaredEnd < text.length ? text.slice(0, declaredEnd) : text
}
