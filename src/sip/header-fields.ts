// Owns the names of header fields: small ids for the known ones, compact forms, canonical spelling.

import { matchesLower } from './scan.ts'

/** A small integer for each known header name, compact forms included; `Other` for all the rest. */
export const HeaderId = {
  Other: 0,
  Via: 1,
  From: 2,
  To: 3,
  CallId: 4,
  CSeq: 5,
  MaxForwards: 6,
  Contact: 7,
  Route: 8,
  RecordRoute: 9,
  ContentLength: 10,
  ContentType: 11,
  ContentEncoding: 12,
  ContentDisposition: 13,
  Require: 14,
  ProxyRequire: 15,
  Supported: 16,
  Unsupported: 17,
  Allow: 18,
  Accept: 19,
  UserAgent: 20,
  Server: 21,
  Expires: 22,
  Date: 23,
  Event: 24,
  AllowEvents: 25,
  SubscriptionState: 26,
  ReferTo: 27,
  ReferredBy: 28,
  Replaces: 29,
  SessionExpires: 30,
  MinSE: 31,
  Authorization: 32,
  ProxyAuthorization: 33,
  WwwAuthenticate: 34,
  ProxyAuthenticate: 35,
  Subject: 36,
  Timestamp: 37,
  Warning: 38,
  RetryAfter: 39,
  Reason: 40,
  RSeq: 41,
  RAck: 42,
  Path: 43,
  ServiceRoute: 44,
  Diversion: 45,
  HistoryInfo: 46,
  PAssertedIdentity: 47,
  PPreferredIdentity: 48,
  RemotePartyId: 49,
  Privacy: 50,
  Identity: 51,
  IdentityInfo: 52,
  AcceptContact: 53,
  RejectContact: 54,
  RequestDisposition: 55,
  MimeVersion: 56,
  Organization: 57,
  MaxBreadth: 58,
} as const

export type HeaderId = (typeof HeaderId)[keyof typeof HeaderId]

/** Canonical spelling, by id. */
const CANONICAL: readonly string[] = [
  '',
  'Via',
  'From',
  'To',
  'Call-ID',
  'CSeq',
  'Max-Forwards',
  'Contact',
  'Route',
  'Record-Route',
  'Content-Length',
  'Content-Type',
  'Content-Encoding',
  'Content-Disposition',
  'Require',
  'Proxy-Require',
  'Supported',
  'Unsupported',
  'Allow',
  'Accept',
  'User-Agent',
  'Server',
  'Expires',
  'Date',
  'Event',
  'Allow-Events',
  'Subscription-State',
  'Refer-To',
  'Referred-By',
  'Replaces',
  'Session-Expires',
  'Min-SE',
  'Authorization',
  'Proxy-Authorization',
  'WWW-Authenticate',
  'Proxy-Authenticate',
  'Subject',
  'Timestamp',
  'Warning',
  'Retry-After',
  'Reason',
  'RSeq',
  'RAck',
  'Path',
  'Service-Route',
  'Diversion',
  'History-Info',
  'P-Asserted-Identity',
  'P-Preferred-Identity',
  'Remote-Party-ID',
  'Privacy',
  'Identity',
  'Identity-Info',
  'Accept-Contact',
  'Reject-Contact',
  'Request-Disposition',
  'MIME-Version',
  'Organization',
  'Max-Breadth',
]

/** The IANA registry's compact forms. */
const COMPACT: Readonly<Record<string, HeaderId>> = {
  a: HeaderId.AcceptContact,
  b: HeaderId.ReferredBy,
  c: HeaderId.ContentType,
  d: HeaderId.RequestDisposition,
  e: HeaderId.ContentEncoding,
  f: HeaderId.From,
  i: HeaderId.CallId,
  j: HeaderId.RejectContact,
  k: HeaderId.Supported,
  l: HeaderId.ContentLength,
  m: HeaderId.Contact,
  n: HeaderId.IdentityInfo,
  o: HeaderId.Event,
  r: HeaderId.ReferTo,
  s: HeaderId.Subject,
  t: HeaderId.To,
  u: HeaderId.AllowEvents,
  v: HeaderId.Via,
  x: HeaderId.SessionExpires,
  y: HeaderId.Identity,
}

const LOWER: readonly string[] = CANONICAL.map((name) => name.toLowerCase())
const SLOTS = 512
/** Ids by hash of length, first and last letter; a slot holds the ids that share it. */
const BY_HASH: readonly (readonly HeaderId[] | undefined)[] = buildTable()

function slotOf(length: number, first: number, last: number): number {
  return (length * 37 + (first | 32) * 5 + (last | 32) * 11) & (SLOTS - 1)
}

function buildTable(): (HeaderId[] | undefined)[] {
  const table: (HeaderId[] | undefined)[] = new Array<HeaderId[] | undefined>(SLOTS).fill(undefined)
  for (let id = 1; id < LOWER.length; id++) {
    const name = LOWER[id]!
    const slot = slotOf(name.length, name.charCodeAt(0), name.charCodeAt(name.length - 1))
    const ids = table[slot] ?? []
    ids.push(id as HeaderId)
    table[slot] = ids
  }
  return table
}

/** The id of the header name that stands in `text` from `start` to `end`. */
export function headerIdAt(text: string, start: number, end: number): HeaderId {
  const length = end - start
  const first = text.charCodeAt(start)
  if (length === 1) return COMPACT_IDS[(first | 32) & 127]!
  const ids = BY_HASH[slotOf(length, first, text.charCodeAt(end - 1))]
  if (ids === undefined) return HeaderId.Other
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i]!
    const name = LOWER[id]!
    if (name.length === length && matchesLower(text, start, name)) return id
  }
  return HeaderId.Other
}

const COMPACT_IDS: readonly HeaderId[] = Array.from({ length: 128 }, (_, code) => {
  return COMPACT[String.fromCharCode(code)] ?? HeaderId.Other
})

/** The id of a header name in any case, or of its compact form. */
export function headerIdOf(name: string): HeaderId {
  return headerIdAt(name, 0, name.length)
}

/** The canonical spelling of a known header; '' for `Other`. */
export function canonicalHeaderName(id: HeaderId): string {
  return CANONICAL[id] ?? ''
}
