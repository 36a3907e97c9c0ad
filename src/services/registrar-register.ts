// Owns the reading of a REGISTER (RFC 3261 10.2, 10.3): which bindings it asks for, and what is wrong with them.
import { type NameAddr, parseUri, type SipRequest, unquote } from '../sip/index.ts'
import { type Contact, methodBits, parseQ } from './usrloc-contact.ts'

/** A refusal with its status line, and Kamailio's words for `P-Registrar-Error`. */
export class RegisterRefused extends Error {
  readonly status: number
  readonly reason: string
  /** Further header lines, each with its CRLF. */
  readonly headers: string
  /** What save() returns. */
  readonly code: number

  constructor(status: number, reason: string, error: string, more: { headers?: string; code?: number } = {}) {
    super(error)
    this.status = status
    this.reason = reason
    this.headers = more.headers ?? ''
    this.code = more.code ?? -1
  }
}

export const badRequest = (error: string) => new RegisterRefused(400, 'Bad Request', error)

/** How long a binding may last, in seconds; 0 leaves a bound out. */
export interface ExpiryRules {
  readonly usual: number
  readonly least: number
  readonly most: number
  /** A shorter wish than the least: is made longer, or refused with 423. */
  readonly tooBrief: 'raised' | 'refused'
  /** Per cent by which lifetimes are spread, so that they do not all end together; a number in [-1, 1) does it. */
  readonly spread: (seconds: number) => number
}

/** One binding as the REGISTER asks for it. */
export interface Wanted {
  readonly address: string
  /** Seconds from now; 0 removes. */
  readonly seconds: number
  readonly q: number
  readonly instance: string
  readonly regId: number
  readonly methods: number
  /** The parameter `received`. */
  readonly received: string
}

/** What the REGISTER asks for: a list (nothing), the removal of everything, or bindings. */
export type Wish =
  | { readonly kind: 'list' }
  | { readonly kind: 'clear' }
  | { readonly kind: 'bind'; readonly list: Wanted[] }

/** Longest address of a contact that is taken. */
const ADDRESS_LENGTH = 512
/** Most contacts of one REGISTER. */
const MOST_CONTACTS = 64

/** Reads it. Throws a RegisterRefused. */
export function readRegister(request: SipRequest, rules: ExpiryRules, most: number): Wish {
  const contacts = request.nameAddrs('Contact')
  const header = request.header('Expires')
  if (contacts.length === 0) {
    if (request.find('Contact') >= 0 && (request.header('Contact') ?? '').trim() !== '')
      throw badRequest('Contact parse error')
    return { kind: 'list' }
  }
  if (contacts.some(({ uri }) => uri === '*')) {
    // 10.3 step 6: the wildcard stands alone and takes everything away.
    if (contacts.length > 1) throw badRequest('* used in contact and more than one contact')
    if (seconds(header) !== 0) throw badRequest('* used in contact and expires is not zero')
    return { kind: 'clear' }
  }
  if (contacts.length > MOST_CONTACTS)
    throw new RegisterRefused(503, 'Service Unavailable', 'Too many registered contacts', { code: -2 })
  const allowed = request.headerList('Allow')
  return { kind: 'bind', list: contacts.map((contact) => wanted(contact, header, allowed, rules, most)) }
}

function wanted(
  contact: NameAddr,
  header: string | undefined,
  allowed: readonly string[],
  rules: ExpiryRules,
  most: number,
): Wanted {
  const { params } = contact
  if (contact.uri.length > Math.min(ADDRESS_LENGTH, most)) throw badRequest('Contact/received too long')
  const uri = parseUri(contact.uri)
  if (uri === undefined || uri.opaque !== undefined) throw badRequest('Contact parse error')
  const qText = params.get('q')
  const q = qText === undefined ? -1 : parseQ(qText)
  if (q === undefined) throw badRequest('Invalid q param in contact')
  const methods = params.get('methods')
  const list = methods === undefined ? allowed : unquote(methods).split(',')
  return {
    address: contact.uri,
    seconds: lifetime(params.get('expires'), header, rules),
    q,
    instance: unquote(params.get('+sip.instance') ?? ''),
    regId: seconds(params.get('reg-id')) ?? 0,
    methods: list.length === 0 ? -1 : methodBits(list),
    received: unquote(params.get('received') ?? ''),
  }
}

/** 10.2.1.1: the parameter before the header before the default; what is malformed counts as the default (20.10: 3600). */
function lifetime(param: string | undefined, header: string | undefined, rules: ExpiryRules): number {
  const given = param ?? header
  const wish = given === undefined ? rules.usual : (seconds(given) ?? rules.usual)
  if (wish === 0) return 0
  const { least, most, tooBrief } = rules
  if (least > 0 && wish < least) {
    // 10.3 step 7: only less than an hour may be refused as too brief.
    if (tooBrief === 'refused')
      throw new RegisterRefused(423, 'Interval Too Brief', 'Expires too brief', {
        headers: `Min-Expires: ${least}\r\n`,
      })
    return least
  }
  const bounded = most > 0 ? Math.min(wish, most) : wish
  const spread = rules.spread(bounded)
  return Math.max(least, most > 0 ? Math.min(spread, most) : spread, 1)
}

function seconds(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,10}$/.test(text.trim()) ? Math.min(Number(text), 0xffffffff) : undefined
}

/** The bindings after a REGISTER (10.3 steps 6 and 7), and whether any is new. */
export interface Bindings {
  readonly contacts: readonly Contact[]
  /** Kamailio's return code of save: 1 inserted, 2 updated, 3 deleted. */
  readonly code: number
}
