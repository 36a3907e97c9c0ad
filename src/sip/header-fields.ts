// Owns the names of header fields: small ids for the known ones, compact forms, canonical spelling.

import { bytesOf, wordsOf } from './bytes.ts'

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
const COMPACT_IDS: readonly HeaderId[] = Array.from({ length: 128 }, (_, code) => {
  return COMPACT[String.fromCharCode(code)] ?? HeaderId.Other
})

/** Slots of the name table; a power of two that leaves each known name a slot of its own. */
const SLOTS = 1024
/** Words of four chars that are reserved for a name; longer names are unknown. */
const NAME_ROOM = 8
/** The lower-case chars of each known name, from id * NAME_ROOM on; zeros behind them. */
const NAME_WORDS = new Int32Array(LOWER.length * NAME_ROOM)
/** Which chars of a word are of the name, all bits of them; which are letters, the bit that tells their case. */
const NAME_MASKS = new Int32Array(LOWER.length * NAME_ROOM)
const NAME_CASES = new Int32Array(LOWER.length * NAME_ROOM)
const NAME_LENGTHS = new Uint8Array(LOWER.length)
const BY_HASH = new Uint8Array(SLOTS)
const [FIRST_FACTOR, LAST_FACTOR] = fillTables()

/** Finds factors under which no two known names share a slot, so that a lookup compares one name at most. */
function fillTables(): [number, number] {
  for (let id = 1; id < LOWER.length; id++) {
    const name = LOWER[id]!
    NAME_LENGTHS[id] = name.length
    for (let i = 0; i < name.length; i++) {
      const word = id * NAME_ROOM + (i >> 2)
      const shift = (i & 3) * 8
      const code = name.charCodeAt(i)
      NAME_WORDS[word]! |= code << shift
      NAME_MASKS[word]! |= 255 << shift
      // A CR is not a hyphen.
      if (code >= 97 && code <= 122) NAME_CASES[word]! |= 32 << shift
    }
  }
  for (let first = 1; first < 512; first++) {
    for (let last = 1; last < 512; last += 2) if (fillSlots(first, last)) return [first, last]
  }
  throw new Error('no factors part the header names')
}

function fillSlots(firstFactor: number, lastFactor: number): boolean {
  BY_HASH.fill(0)
  for (let id = 1; id < LOWER.length; id++) {
    const name = LOWER[id]!
    const { length } = name
    const first = name.charCodeAt(0)
    const middle = name.charCodeAt(length >> 1)
    const slot =
      (length * 61 + first * firstFactor + middle * 17 + name.charCodeAt(length - 1) * lastFactor) & (SLOTS - 1)
    if (BY_HASH[slot] !== 0) return false
    BY_HASH[slot] = id
  }
  return true
}

/** The id of the header name that stands in `bytes` from `start` to `end`. */
export function headerIdAt(bytes: Uint8Array, start: number, end: number): HeaderId {
  const length = end - start
  if (length <= 1) return length === 1 ? COMPACT_IDS[(bytes[start]! | 32) & 127]! : HeaderId.Other
  const first = bytes[start]! | 32
  const middle = bytes[start + (length >> 1)]! | 32
  const last = bytes[end - 1]! | 32
  const id = BY_HASH[(length * 61 + first * FIRST_FACTOR + middle * 17 + last * LAST_FACTOR) & (SLOTS - 1)]! as HeaderId
  if (NAME_LENGTHS[id] !== length) return HeaderId.Other
  const words = wordsOf(bytes)
  for (let at = start, word = id * NAME_ROOM; at < end; at += 4, word++) {
    const chars = (words.getInt32(at, true) & NAME_MASKS[word]!) | NAME_CASES[word]!
    if (chars !== NAME_WORDS[word]) return HeaderId.Other
  }
  return id
}

/** Names as the RFCs spell them. */
const BY_NAME: ReadonlyMap<string, HeaderId> = new Map(CANONICAL.map((name, id) => [name, id as HeaderId]))

/** The id of a header name in any case, or of its compact form. */
export function headerIdOf(name: string): HeaderId {
  return BY_NAME.get(name) ?? headerIdAt(bytesOf(name), 0, name.length)
}

/** The canonical spelling of a known header; '' for `Other`. */
export function canonicalHeaderName(id: HeaderId): string {
  return CANONICAL[id] ?? ''
}
