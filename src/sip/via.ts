// Owns Via values (RFC 3261 20.42): reading them, and the received and rport parameters that a server adds (18.2.1, RFC 3581 4).

import { bytesOf } from './bytes.ts'
import type { MessageEdit } from './edits.ts'
import { findParam, Params } from './params.ts'
import {
  equalsIgnoreCase,
  findChar,
  findComma,
  hasOpenQuote,
  isHostChar,
  isLws,
  isTokenChar,
  matchesLower,
  paramEnd,
  parseDigits,
  skipLws,
  tokenEnd,
  trimEnd,
  unfold,
} from './scan.ts'
import { bareHost, hostEnd } from './uri.ts'

/** One Via value, with its place in the text it was read from. */
export interface Via {
  /** As written: 'UDP', 'TCP', 'TLS-SCTP', ... */
  readonly transport: string
  /** The host of sent-by; an IPv6 reference keeps its brackets. */
  readonly host: string
  readonly port?: number
  /** '' when there is none. */
  readonly branch: string
  readonly params: Params
  /** The whole value, white space around it and the comma after it excluded. */
  readonly start: number
  readonly end: number
  /** Where the parameters begin (the end of sent-by). */
  readonly paramStart: number
}

class ParsedVia implements Via {
  readonly transport: string
  readonly host: string
  declare readonly port?: number
  readonly branch: string
  readonly start: number
  readonly end: number
  readonly paramStart: number
  private readonly text: string
  private parsedParams: Params | undefined = undefined

  constructor(text: string, transport: string, host: string, port: number, start: number, end: number, at: number) {
    this.transport = transport
    this.host = host
    if (port >= 0) this.port = port
    this.branch = findParam(text, at, end, 'branch') ?? ''
    this.start = start
    this.end = end
    this.paramStart = at
    this.text = text
  }

  get params(): Params {
    this.parsedParams ??= new Params(unfold(this.text.slice(this.paramStart, this.end)))
    return this.parsedParams
  }
}

/**
 * Reads one Via value from `text[start..end)`, which holds no separating comma. White space may stand around the slashes
 * and the colon (RFC 4475 3.1.1.1). Undefined when protocol, transport or sent-by are missing or the port is none.
 */
export function parseVia(text: string, start = 0, end = text.length): Via | undefined {
  const bytes = bytesOf(text)
  const from = skipLws(bytes, start, end)
  const to = trimEnd(bytes, from, end)
  // sent-protocol = protocol-name SLASH protocol-version SLASH transport
  const transportStart = transportAt(bytes, from, to)
  if (transportStart < 0) return undefined
  let i = tokenEnd(bytes, transportStart, to)
  if (i === transportStart || i === to || !isLws(bytes[i]!)) return undefined
  const transport = text.slice(transportStart, i)
  // sent-by = host [ COLON port ]
  const hostStart = skipLws(bytes, i, to)
  i = hostStart
  if (bytes[i] === 91) {
    i = findChar(text, ']', i, to) + 1
    if (i === 0 || hostEnd(text, hostStart, i) !== i) return undefined
  } else while (i < to && isHostChar(bytes[i]!)) i++
  if (i === hostStart) return undefined
  const hostStop = i
  i = skipLws(bytes, i, to)
  let port = -1
  if (i < to && bytes[i] === 58) {
    const portStart = skipLws(bytes, i + 1, to)
    i = portStart
    while (i < to && isDigit(bytes[i]!)) i++
    port = parseDigits(bytes, portStart, i, 65_535)
    if (port < 0) return undefined
    i = skipLws(bytes, i, to)
  }
  if (i < to && bytes[i] !== 59) return undefined
  // What is added behind an open quoted string would be part of it.
  if (hasOpenQuote(text, i, to)) return undefined
  return new ParsedVia(text, transport, text.slice(hostStart, hostStop), port, from, to, i)
}

/** Where the transport begins, behind name, version and their slashes; -1 where there is none. */
function transportAt(bytes: Uint8Array, from: number, to: number): number {
  let at = from
  for (let part = 0; part < 2; part++) {
    const end = tokenEnd(bytes, at, to)
    if (end === at) return -1
    const slash = skipLws(bytes, end, to)
    if (slash === to || bytes[slash] !== 47) return -1
    at = skipLws(bytes, slash + 1, to)
  }
  return at
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57
}

/** Reads the Via values of a comma list into `into`; tells whether each was one. */
export function parseViaList(text: string, start: number, end: number, into: Via[]): boolean {
  let whole = true
  let at = start
  while (at <= end) {
    const comma = findComma(text, at, end)
    const via = parseVia(text, at, comma)
    if (via !== undefined) into.push(via)
    else whole = false
    at = comma + 1
  }
  return whole
}

/** Where a request really came from. */
export interface ReceivedFrom {
  /** Numeric, without brackets (RFC 5118 4.5). */
  readonly address: string
  readonly port: number
  /** True when the script asks for rport although the client did not (`force_rport`). */
  readonly rport: boolean
}

/**
 * The edits that write `received` and `rport` into the topmost Via of `text`: `received` when sent-by is not that address
 * (RFC 3261 18.2.1) or rport is asked for (RFC 3581 4), replacing what a client put there itself; empty when nothing
 * is to be written.
 */
export function viaReceivedEdits(text: string, via: Via, from: ReceivedFrom): MessageEdit[] {
  const rport = findSpan(text, via, 'rport')
  const withPort = rport !== undefined || from.rport
  const received = findSpan(text, via, 'received')
  // A `received` that stands there already was written by the client: no proxy adds one to its own Via.
  if (!withPort && received === undefined && equalsIgnoreCase(bareHost(via.host), from.address)) return []
  const edits: MessageEdit[] = []
  if (rport !== undefined) {
    edits.push({ at: rport.start, remove: rport.end - rport.start, text: `;rport=${from.port}` })
  }
  const tail = rport === undefined && withPort ? `;rport=${from.port}` : ''
  if (received === undefined) edits.push({ at: via.end, remove: 0, text: `;received=${from.address}${tail}` })
  else {
    const remove = received.end - received.start
    edits.push({ at: received.start, remove, text: `;received=${from.address}${tail}` })
  }
  return edits
}

/** The span of `;name[=value]` within the Via; `lower` is in lower case. */
function findSpan(text: string, via: Via, lower: string): { start: number; end: number } | undefined {
  const bytes = bytesOf(text)
  const { end } = via
  let at = findChar(text, ';', via.paramStart, end)
  while (at >= 0 && at < end) {
    const next = paramEnd(text, at + 1, end)
    const name = skipLws(bytes, at + 1, next)
    const nameEnd = name + lower.length
    if (nameEnd <= next && matchesLower(bytes, name, lower) && (nameEnd === next || !isTokenChar(bytes[nameEnd]!)))
      return { start: at, end: trimEnd(bytes, at, next) }
    at = next
  }
  return undefined
}
