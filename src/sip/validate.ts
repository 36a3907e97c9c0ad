// Owns the checks that a proxy makes before it acts on a request: RFC 3261 16.3 and the refusals that RFC 4475 expects.

import { bytesOf } from './bytes.ts'
import { isKnownMethod, reasonPhrase } from './constants.ts'
import { HeaderId } from './header-fields.ts'
import type { SipRequest } from './message.ts'
import { nameAddrFault } from './name-addr.ts'
import { parseDigits } from './scan.ts'
import { uriScheme } from './uri.ts'
import { parseViaList, type Via } from './via.ts'

/** What to answer to a request that is refused. */
export interface Refusal {
  readonly status: number
  readonly reason: string
  /** Header lines of the answer, each with its CRLF. */
  readonly headers?: string
}

/** What a proxy understands beyond the grammar. */
export interface RequestChecks {
  /** Schemes of Request-URIs that are let pass, in lower case. */
  readonly schemes: readonly string[]
  /** Option tags of Proxy-Require that are understood, in lower case. */
  readonly options: readonly string[]
  /** Whether Max-Forwards 0 is refused here (483) or left to the script. */
  readonly maxForwards: 'refuse-zero' | 'leave'
}

export const DEFAULT_REQUEST_CHECKS: RequestChecks = {
  schemes: ['sip', 'sips', 'tel', 'urn'],
  options: [],
  maxForwards: 'leave',
}

/** Once only (RFC 4475 3.3.8). */
const SINGLE =
  bit(HeaderId.From) | bit(HeaderId.To) | bit(HeaderId.CallId) | bit(HeaderId.CSeq) | bit(HeaderId.MaxForwards)
/** In every request (RFC 3261 8.1.1); Max-Forwards is let be missing (RFC 4475 3.4.1). */
const MANDATORY: readonly HeaderId[] = [HeaderId.Via, HeaderId.From, HeaderId.To, HeaderId.CallId, HeaderId.CSeq]
const NAMES: Readonly<Record<number, string>> = {
  [HeaderId.Via]: 'Via',
  [HeaderId.From]: 'From',
  [HeaderId.To]: 'To',
  [HeaderId.CallId]: 'Call-ID',
  [HeaderId.CSeq]: 'CSeq',
  [HeaderId.MaxForwards]: 'Max-Forwards',
}

function bit(id: HeaderId): number {
  return 1 << id
}

function badRequest(what: string): Refusal {
  return { status: 400, reason: `Bad Request (${what})` }
}

/**
 * Why a proxy refuses the request at once; undefined when it goes on. An ACK with a refusal is dropped, never answered.
 * A message that `parseMessage` refused never gets here.
 */
export function validateRequest(
  request: SipRequest,
  checks: RequestChecks = DEFAULT_REQUEST_CHECKS,
): Refusal | undefined {
  return (
    headerFault(request) ??
    cseqFault(request) ??
    addressFault(request, HeaderId.From) ??
    addressFault(request, HeaderId.To) ??
    viaFault(request) ??
    uriFault(request, checks) ??
    maxForwardsFault(request, checks) ??
    proxyRequireFault(request, checks)
  )
}

function headerFault(request: SipRequest): Refusal | undefined {
  let seen = 0
  for (let i = 0; i < request.headerCount; i++) {
    const id = request.headerId(i)
    if (id === HeaderId.Other || id > 31) continue
    if ((seen & SINGLE & bit(id)) !== 0) return badRequest(`more than one ${NAMES[id]}`)
    seen |= bit(id)
  }
  // RFC 4475 3.3.1
  for (const id of MANDATORY) if ((seen & bit(id)) === 0) return badRequest(`no ${NAMES[id]}`)
  return request.callId === '' ? badRequest('empty Call-ID') : undefined
}

function cseqFault(request: SipRequest): Refusal | undefined {
  // RFC 4475 3.1.2.4
  if (request.cseqNumber < 0) return badRequest('CSeq')
  if (request.cseqMethod === request.method) return undefined
  // RFC 4475 3.1.2.17, 3.1.2.18
  if (isKnownMethod(request.method)) return badRequest('CSeq method')
  return { status: 501, reason: reasonPhrase(501) }
}

function addressFault(request: SipRequest, id: HeaderId): Refusal | undefined {
  const at = request.findId(id)
  const fault = nameAddrFault(request.raw, request.valueStart(at), request.valueEnd(at))
  return fault === undefined ? undefined : badRequest(`${NAMES[id]} ${fault}`)
}

function viaFault(request: SipRequest): Refusal | undefined {
  // RFC 4475 3.1.2.1
  if (request.topVia === undefined) return badRequest('Via')
  const vias: Via[] = []
  for (let at = request.findId(HeaderId.Via); at >= 0; at = request.findId(HeaderId.Via, at + 1)) {
    // The topmost value alone on its line has just been read.
    if (vias.length === 0 && request.topVia.end === request.valueEnd(at)) continue
    if (!parseViaList(request.raw, request.valueStart(at), request.valueEnd(at), vias)) return badRequest('Via')
  }
  return undefined
}

function uriFault(request: SipRequest, checks: RequestChecks): Refusal | undefined {
  const { uri } = request
  const scheme = uri === undefined ? uriScheme(request.requestUri) : uri.scheme
  // RFC 3261 16.3 (2), RFC 4475 3.3.2 and 3.3.3. With <> there is no scheme (RFC 4475 3.1.2.7).
  if (scheme !== '' && !checks.schemes.includes(scheme)) return { status: 416, reason: reasonPhrase(416) }
  if (uri === undefined) return badRequest('Request-URI')
  // RFC 3261 19.1.1: a Request-URI has no headers (RFC 4475 3.1.2.11).
  return uri.headers === '' && !request.requestUri.endsWith('?') ? undefined : badRequest('headers in the Request-URI')
}

function maxForwardsFault(request: SipRequest, checks: RequestChecks): Refusal | undefined {
  const at = request.findId(HeaderId.MaxForwards)
  if (at < 0) return undefined
  const hops = parseDigits(bytesOf(request.raw), request.valueStart(at), request.valueEnd(at), 255)
  if (hops < 0) return badRequest('Max-Forwards')
  // RFC 3261 16.3 (3)
  return hops === 0 && checks.maxForwards === 'refuse-zero' ? { status: 483, reason: reasonPhrase(483) } : undefined
}

function proxyRequireFault(request: SipRequest, checks: RequestChecks): Refusal | undefined {
  if (request.findId(HeaderId.ProxyRequire) < 0) return undefined
  // RFC 3261 8.2.2.3: neither ACK nor CANCEL is refused for an extension.
  if (request.method === 'ACK' || request.method === 'CANCEL') return undefined
  const unknown = request.headerList('Proxy-Require').filter((tag) => !checks.options.includes(tag.toLowerCase()))
  if (unknown.length === 0) return undefined
  // RFC 3261 16.3 (5)
  return { status: 420, reason: reasonPhrase(420), headers: `Unsupported: ${unknown.join(', ')}\r\n` }
}
