// Owns what lookup() makes of contacts: which of them take the request, and where each of them is sent.
import type { Answer } from '../database/index.ts'
import { bracketHost, decodePercent, parseUri, userPart } from '../sip/index.ts'
import type { Listener } from '../transport/index.ts'
import type { ServiceRun } from './service.ts'
import type { Contact } from './usrloc-contact.ts'

/** One target of a request. */
export interface Found {
  readonly uri: string
  /** `$du`: where it was seen; '' where the URI is right or a Path leads there. */
  readonly received: string
  readonly path: string
  readonly q: number
  readonly cflags: number
  /** Id of the listener that it registered at. */
  readonly listener?: number
  readonly ruid: string
  readonly instance: string
  readonly regId: number
  readonly userAgent: string
}

/** lookup() for other services: `domain` and `uri`; Kamailio's code, and the contacts. */
export type Lookup = (run: ServiceRun, args: unknown) => Answer<{ code: number; contacts: Found[] }>

export interface AorRules {
  readonly useDomain: boolean
  readonly caseSensitive: boolean
  /** Taken off the front of the domain. */
  readonly realmPrefix: string
}

/** The address of record of a URI (RFC 3261 10.3 step 5), without escapes; undefined when it is none. */
export function aorOf(text: string, rules: AorRules): string | undefined {
  const uri = parseUri(text)
  if (uri === undefined || uri.opaque !== undefined) return undefined
  const user = decodePercent(userPart(uri) ?? '')
  const { realmPrefix } = rules
  const host =
    realmPrefix !== '' && uri.host.toLowerCase().startsWith(realmPrefix.toLowerCase())
      ? uri.host.slice(realmPrefix.length)
      : uri.host
  const aor = rules.useDomain ? `${user}@${host.toLowerCase()}` : user
  return rules.caseSensitive ? aor : aor.toLowerCase()
}

/** As table `location` and usrloc's commands write it. */
export function socketOf(listener: Listener): string {
  return `${listener.transport}:${bracketHost(listener.address)}:${listener.port}`
}

/** Kamailio's codes: 1 found, -1 none, -2 none that takes the method. */
export function chosen(
  contacts: readonly Contact[],
  options: { readonly filter: number | undefined; readonly listeners: readonly Listener[] },
): { code: number; contacts: Found[] } {
  if (contacts.length === 0) return { code: -1, contacts: [] }
  const { filter, listeners } = options
  const able = contacts.filter((one) => filter === undefined || one.methods < 0 || (one.methods & filter) !== 0)
  if (able.length === 0) return { code: -2, contacts: [] }
  const found = able.map((contact): Found => {
    const listener = listeners.find((one) => socketOf(one) === contact.socket)
    return {
      uri: contact.address,
      received: contact.received,
      path: contact.path,
      q: contact.q,
      cflags: contact.cflags,
      ...(listener === undefined ? {} : { listener: listener.id }),
      ruid: contact.ruid,
      instance: contact.instance,
      regId: contact.regId,
      userAgent: contact.userAgent,
    }
  })
  return { code: 1, contacts: found }
}
