// Owns $ulc: the contacts that reg_fetch_contacts() has kept, and the one that an event route is about.
import { definePvClass, type PvValue } from './pv.ts'
import { PvSyntaxError } from './pv-format.ts'
import { currentRun } from './runtime.ts'
import { askNow } from './service.ts'

/** As the services hold it; see src/services/usrloc-contact.ts. */
interface Contact {
  readonly ruid: string
  readonly aor: string
  readonly address: string
  readonly received: string
  readonly path: string
  readonly expires: number
  readonly q: number
  readonly callId: string
  readonly cseq: number
  readonly flags: number
  readonly cflags: number
  readonly userAgent: string
  readonly socket: string
  readonly methods: number
  readonly instance: string
  readonly regId: number
  readonly lastModified: number
  readonly connection: number
}

const FIELDS: Readonly<Record<string, (contact: Contact) => PvValue>> = {
  aor: (one) => one.aor,
  addr: (one) => one.address,
  path: (one) => one.path,
  received: (one) => one.received,
  expires: (one) => one.expires,
  callid: (one) => one.callId,
  q: (one) => one.q,
  cseq: (one) => one.cseq,
  flags: (one) => one.flags,
  cflags: (one) => one.cflags,
  user_agent: (one) => one.userAgent,
  socket: (one) => orNull(one.socket),
  modified: (one) => one.lastModified,
  methods: (one) => (one.methods < 0 ? 0xffffffff : one.methods),
  ruid: (one) => one.ruid,
  reg_id: (one) => one.regId,
  instance: (one) => orNull(one.instance),
  conid: (one) => one.connection,
  server_id: () => 0,
}

const orNull = (text: string): PvValue => (text === '' ? null : text)

/** Of the process, as $var: by profile. */
const profiles = new Map<string, readonly Contact[]>()
const MOST_PROFILES = 100

/** Keeps them; Kamailio's code. */
export function fetchContacts(profile: string, contacts: readonly Contact[]): number {
  profiles.delete(profile)
  if (contacts.length === 0) return -1
  if (profiles.size >= MOST_PROFILES) throw new Error('Too many profiles of contacts.')
  profiles.set(profile, contacts)
  return 1
}

export function freeContacts(profile: string): number {
  profiles.delete(profile)
  return 1
}

/** The profile that holds the contact of event_route[usrloc:contact-expired]. */
const EXPIRED = 'exp'

function contactsOf(profile: string): readonly Contact[] {
  if (profile === EXPIRED && currentRun().kind === 'event') {
    const event = askNow<{ contact: Contact } | null>('usrloc', 'event')
    return event === null ? [] : [event.contact]
  }
  return profiles.get(profile) ?? []
}

definePvClass(
  {
    name: 'ulc',
    module: 'registrar',
    inner: { name: 'profile=>field' },
    index: true,
    doc: 'A field of a contact that reg_fetch_contacts() kept; `count` is their number.',
  },
  (inner) => {
    const [profile = '', field = ''] = inner.text.split('=>').map((part) => part.trim())
    const read = Object.hasOwn(FIELDS, field) ? FIELDS[field] : undefined
    if (read === undefined && field !== 'count' && field !== 'aorhash')
      throw new PvSyntaxError(`$ulc has no field '${field}'`, 0)
    return {
      get: () => {
        const contacts = contactsOf(profile)
        if (field === 'count') return contacts.length
        const at = inner.index()
        const contact = contacts.at(typeof at === 'number' ? at : 0)
        return contact === undefined ? null : read === undefined ? 0 : read(contact)
      },
    }
  },
)
