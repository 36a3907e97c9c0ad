// Owns what a REGISTER does to the bindings of an address of record (RFC 3261 10.3), and the reply to it.
import type { SipRequest } from '../sip/index.ts'
import { type Bindings, badRequest, RegisterRefused, type Wanted } from './registrar-register.ts'
import { type Contact, findContact, type Matching, shownQ } from './usrloc-contact.ts'

/** What all bindings of one REGISTER have in common. */
export interface Registration {
  readonly aor: string
  readonly request: SipRequest
  readonly now: number
  readonly received: string
  readonly path: string
  readonly cflags: number
  readonly userAgent: string
  readonly socket: string
  readonly matching: Matching
  /** Most contacts of the address; 0: any number. */
  readonly most: number
  /** save's flag 4: whatever is not in this REGISTER goes. */
  readonly keeps: 'all' | 'this one alone'
  readonly connection: number
  newRuid(): string
}

/** 10.3 step 6: everything goes, unless a later REGISTER of the same user agent was here already. */
export function cleared(before: readonly Contact[], registration: Registration): Bindings {
  for (const contact of before) isRepeated(contact, registration)
  return { contacts: [], code: 3 }
}

/** 10.3 step 7. Throws a RegisterRefused, and then nothing has changed. */
export function bound(before: readonly Contact[], wanted: readonly Wanted[], registration: Registration): Bindings {
  let contacts = [...before]
  let inserted = 0
  let code = 1
  const kept: string[] = []
  // As in 5.6.3 the last of a REGISTER comes first; what the first REGISTER says of one address twice holds as said first.
  const isFirst = before.length === 0
  const given = isFirst ? wanted.filter(({ seconds }) => seconds > 0) : wanted
  const once = isFirst
    ? given.filter((one, i) => given.findIndex(({ address }) => address === one.address) === i)
    : given
  for (const wish of once.toReversed()) {
    // Beside what was there already one is the one; a first REGISTER keeps all of its own.
    if (registration.keeps === 'this one alone' && !isFirst && kept.length > 0) break
    const { callId } = registration.request
    const known = findContact(contacts, { ...wish, callId, path: registration.path }, registration.matching)
    if (known !== undefined && isRepeated(known, registration)) {
      kept.push(known.ruid)
      continue
    }
    if (wish.seconds === 0) {
      if (known === undefined) continue
      contacts = contacts.filter((one) => one !== known)
      code = 3
      continue
    }
    const contact = contactOf(wish, registration, known)
    kept.push(contact.ruid)
    if (known === undefined) {
      // The newest stands behind those of its q; what is renewed stays where it is.
      const lower = contacts.findIndex(({ q }) => q < contact.q)
      contacts.splice(lower < 0 ? contacts.length : lower, 0, contact)
      inserted++
      code = 1
    } else {
      contacts[contacts.indexOf(known)] = contact
      code = 2
    }
  }
  if (registration.keeps === 'this one alone' && !isFirst && kept.length > 0)
    contacts = contacts.filter(({ ruid }) => ruid === kept[0])
  if (registration.most > 0 && contacts.length > registration.most && inserted > 0)
    throw new RegisterRefused(503, 'Service Unavailable', 'Too many registered contacts', { code: -2 })
  return { contacts, code }
}

/**
 * 10.3 step 7: an older REGISTER of the same call must not undo a newer one, which is refused. The same number is a
 * retransmission (true): everything stays as it is.
 */
function isRepeated(contact: Contact, { request }: Registration): boolean {
  if (contact.callId !== request.callId) return false
  if (request.cseqNumber < contact.cseq) throw badRequest('Invalid CSeq number')
  return request.cseqNumber === contact.cseq
}

function contactOf(wish: Wanted, registration: Registration, known: Contact | undefined): Contact {
  const { request, now } = registration
  return {
    ruid: known?.ruid ?? registration.newRuid(),
    aor: registration.aor,
    address: wish.address,
    received: registration.received || wish.received,
    path: registration.path,
    expires: now + wish.seconds,
    q: wish.q,
    callId: request.callId,
    cseq: request.cseqNumber,
    flags: 0,
    cflags: registration.cflags,
    userAgent: registration.userAgent,
    socket: registration.socket,
    methods: wish.methods,
    instance: wish.instance,
    regId: wish.regId,
    lastModified: now,
    connection: registration.connection,
  }
}

/** What a reply says of GRUUs (RFC 5627 5.1); undefined: nothing. */
export interface GruuHosts {
  /** The address of record as `user@host`. */
  readonly address: string
  readonly host: string
}

/** 10.3 step 8: every current binding, with the seconds that it has left. '' when there is none. */
export function contactHeader(contacts: readonly Contact[], now: number, gruu: GruuHosts | undefined): string {
  if (contacts.length === 0) return ''
  const values = contacts.map((contact) => {
    const left = contact.expires === 0 ? 0 : Math.max(0, contact.expires - now)
    const parts = [`<${contact.address}>`]
    if (contact.q >= 0) parts.push(`q=${shownQ(contact.q)}`)
    parts.push(`expires=${left}`)
    if (contact.received !== '') parts.push(`received="${contact.received}"`)
    if (contact.instance !== '') {
      if (gruu !== undefined) {
        const name = contact.instance.replace(/^<|>$/g, '')
        parts.push(`pub-gruu="sip:${gruu.address};gr=${name}"`, `temp-gruu="sip:${contact.ruid}@${gruu.host};gr"`)
      }
      parts.push(`+sip.instance="${contact.instance}"`)
      if (contact.regId > 0) parts.push(`reg-id=${contact.regId}`)
    }
    return parts.join(';')
  })
  return `Contact: ${values.join(', ')}\r\n`
}
