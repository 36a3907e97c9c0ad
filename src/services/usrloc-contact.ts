// Owns what a registered contact is: its fields as Kamailio's table `location` has them, its order among others, which one a REGISTER means.
import { METHOD_BITS, parseUri, uriEquals } from '../sip/index.ts'

/** One binding of an address of record (RFC 3261 10). Times are seconds since 1970. */
export interface Contact {
  /** Unique among all contacts. */
  readonly ruid: string
  readonly aor: string
  /** The URI that requests are sent to. */
  readonly address: string
  /** `sip:address:port;transport=tcp` where it was seen, '' where the contact is right. */
  readonly received: string
  /** RFC 3327: Route values to send before the contact, '' without. */
  readonly path: string
  /** 0: for ever. */
  readonly expires: number
  /** -1 not given, else 0 to 1000. */
  readonly q: number
  readonly callId: string
  readonly cseq: number
  readonly flags: number
  /** Branch flags. */
  readonly cflags: number
  readonly userAgent: string
  /** `udp:10.0.0.1:5060` where it came in. */
  readonly socket: string
  /** A bit for each method that it takes, -1 for all. */
  readonly methods: number
  /** RFC 5626 `+sip.instance`, with its angle brackets and without quotes. */
  readonly instance: string
  readonly regId: number
  readonly lastModified: number
  /** The connection that it came by, -1 without. */
  readonly connection: number
}

/** Of any method that has no bit of its own. */
const OTHER_METHOD = 1 << 30

export const methodBit = (method: string): number => METHOD_BITS.get(method) ?? OTHER_METHOD

/** The bits of a comma list of methods. */
export function methodBits(list: readonly string[]): number {
  return list.reduce((bits, method) => bits | methodBit(method.trim()), 0)
}

/** `q` of a Contact as thousandths: RFC 3261 25.1 qvalue. Undefined when it is none. */
export function parseQ(text: string): number | undefined {
  const [, whole, fraction = ''] = /^([01]?)(?:\.(\d{0,3}))?$/.exec(text.trim()) ?? []
  // RFC 3261 25.1 wants a digit before the point; 5.6.3 and some phones do without.
  if (whole === undefined || whole + fraction === '') return undefined
  const q = Number(whole) * 1000 + Number(fraction.padEnd(3, '0'))
  return q > 1000 ? undefined : q
}

/** As it stands in a Contact: 0.7, 1. */
export function shownQ(q: number): string {
  return String(q / 1000)
}

/** Highest q first; equals as they stand: the one that came last before the others. */
export function inOrder(contacts: readonly Contact[]): Contact[] {
  return [...contacts].sort((a, b) => b.q - a.q)
}

/** How a REGISTER's contact finds the one it renews, usrloc's `matching_mode`. */
export type Matching = 'contact' | 'contact-callid' | 'contact-path' | 'callid'

/** The contact that is meant; with an instance (RFC 5626 6) address and Call-ID do not count. */
export function findContact(
  contacts: readonly Contact[],
  wanted: Pick<Contact, 'address' | 'callId' | 'path' | 'instance' | 'regId'>,
  matching: Matching,
): Contact | undefined {
  if (wanted.instance !== '' && wanted.regId > 0) {
    return contacts.find((one) => one.instance === wanted.instance && one.regId === wanted.regId)
  }
  return contacts.find((one) => {
    if (one.instance !== '' && one.regId > 0) return false
    if (matching === 'callid') return one.callId === wanted.callId
    if (!sameUri(one.address, wanted.address)) return false
    if (matching === 'contact-callid') return one.callId === wanted.callId
    if (matching === 'contact-path') return one.path === wanted.path
    return true
  })
}

/** RFC 3261 19.1.4, as 10.3 step 7 wants it. */
function sameUri(a: string, b: string): boolean {
  if (a === b) return true
  const [one, other] = [parseUri(a), parseUri(b)]
  return one !== undefined && other !== undefined && uriEquals(one, other)
}
