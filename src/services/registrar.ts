// Owns the service of module registrar: save, lookup, registered, unregister, and what they answer to the script.
import { type Answer, chain, guarded } from '../database/index.ts'
import { decodePercent, parseNameAddr, parseUri, SipRequest } from '../sip/index.ts'
import { fieldsOf, Parameters, textOf, wholeOf } from './parameters.ts'
import { aorOf, chosen, type Found, type Lookup, socketOf } from './registrar-lookup.ts'
import { outboundOf } from './registrar-outbound.ts'
import { type ExpiryRules, RegisterRefused, readRegister } from './registrar-register.ts'
import { bound, cleared, contactHeader, type Registration } from './registrar-save.ts'
import type { Service, ServiceHost, ServiceRun } from './service.ts'
import { type Contact, methodBit } from './usrloc-contact.ts'
import type { Usrloc } from './usrloc-tables.ts'

/** What save() tells the script: its code, and the reply that belongs to it. */
interface Saved {
  readonly code: number
  readonly status: number
  readonly reason: string
  readonly headers: string
}

/** save's flags. */
const ONE_CONTACT = 0x04
const EXACT_EXPIRES = 0x08

export function createRegistrar(host: ServiceHost, usrloc: Usrloc): { service: Service; lookup: Lookup } {
  let parameters = new Parameters([])
  const random = () => (Number.parseInt(host.ids.tag().slice(0, 6), 36) || 0) / 36 ** 6

  const aor = (uri: string) =>
    aorOf(uri, {
      useDomain: usrloc.useDomain,
      caseSensitive: parameters.on('case_sensitive', 1),
      realmPrefix: parameters.text('realm_prefix'),
    })

  function expiry(flags: number): ExpiryRules {
    const usual = parameters.number('default_expires', 3600)
    const most = parameters.number('max_expires', 0)
    const range = (flags & EXACT_EXPIRES) === 0 ? parameters.number('expires_range', 0) : 0
    return {
      usual: most > 0 ? Math.min(usual, most) : usual,
      least: parameters.number('min_expires', 60),
      most,
      tooBrief: parameters.on('min_expires_mode') ? 'refused' : 'raised',
      spread: (seconds) => (range <= 0 ? seconds : Math.round(seconds * (1 + ((random() * 2 - 1) * range) / 100))),
    }
  }

  /** RFC 3327 5.3: the Path of a REGISTER, as one header value; refused where we are told to be strict. */
  function pathOf(request: SipRequest): { path: string; headers: string; indicated: boolean } {
    const values = request.headers('Path')
    if (values.length === 0 || !parameters.on('use_path')) return { path: '', headers: '', indicated: false }
    const mode = parameters.number('path_mode', 2)
    const indicated = request.headerList('Supported').some((tag) => tag.toLowerCase() === 'path')
    if (mode === 2 && !indicated)
      throw new RegisterRefused(420, 'Bad Extension', 'No support for found Path indicated', {
        headers: 'Unsupported: path\r\n',
      })
    const path = values.join(', ')
    if (request.nameAddrs('Path').length === 0) throw new RegisterRefused(400, 'Bad Request', 'Path parse error')
    const told = mode !== 0 && indicated
    return { path, headers: told ? `Path: ${path}\r\n` : '', indicated }
  }

  function refusal(error: unknown, contacts: string): Saved {
    if (error instanceof RegisterRefused) {
      const retry = parameters.number('retry_after', 0)
      const later = error.status === 503 && retry > 0 ? `Retry-After: ${retry}\r\n` : ''
      const { status, reason, code } = error
      return {
        code,
        status,
        reason,
        headers: `${contacts}${later}${error.headers}P-Registrar-Error: ${error.message}\r\n`,
      }
    }
    host.log.error({ error: error instanceof Error ? error.message : String(error) }, 'a registration failed')
    return { code: -1, status: 500, reason: 'Server Internal Error', headers: '' }
  }

  function save(run: ServiceRun, args: unknown): Answer<Saved> {
    const request = run.context?.request ?? run.message
    const message = run.message instanceof SipRequest ? run.message : request
    if (!(message instanceof SipRequest)) return refusal(new Error('there is no REGISTER here'), '')
    const given = fieldsOf(args)
    const domain = textOf(given.domain, 64) || 'location'
    const flags = wholeOf(given.flags)
    let contactsThen = ''
    return guarded(
      (): Answer<Saved> => {
        const address = aor(textOf(given.uri) || message.to?.uri || '')
        if (address === undefined) throw new RegisterRefused(400, 'Bad Request', 'Failed to extract AOR')
        const outbound = outboundOf(message, parameters)
        const wish = outbound.kept(readRegister(message, expiry(flags), parameters.number('contact_max_size', 512)))
        const now = usrloc.now()
        const path = pathOf(message)
        const gruu =
          parameters.on('gruu_enabled', 1) && message.headerList('Supported').includes('gruu')
            ? { address: gruuAddress(message), host: parseUri(message.to?.uri ?? '')?.host ?? '' }
            : undefined
        const registration: Registration = {
          aor: address,
          request: message,
          now,
          received: receivedOf(textOf(given.received, 512), path.path),
          path: path.path,
          cflags: wholeOf(given.branchFlags),
          userAgent: (message.header('User-Agent') ?? 'n/a').slice(0, 255),
          socket: socketOf(run.flow.listener),
          matching: usrloc.matching,
          most: parameters.number('max_contacts', 0),
          keeps: (flags & ONE_CONTACT) !== 0 ? 'this one alone' : 'all',
          connection: run.flow.reliable ? run.flow.id : -1,
          newRuid: usrloc.newRuid,
        }
        let code = 4
        const answer = (contacts: readonly Contact[]): Saved => ({
          code,
          status: 200,
          reason: 'OK',
          headers: contactHeader(contacts, now, gruu) + path.headers + outbound.headers,
        })
        return chain(usrloc.tables(domain), (tables) => {
          if (wish.kind === 'list') return chain(tables.read(domain, address), answer)
          const changed = tables.change(domain, address, (before) => {
            contactsThen = contactHeader(before, now, undefined)
            const { contacts, code: done } =
              wish.kind === 'clear' ? cleared(before, registration) : bound(before, wish.list, registration)
            code = done
            return contacts
          })
          return chain(changed, answer)
        })
      },
      (error) => refusal(error, error instanceof RegisterRefused ? contactsThen : ''),
    )
  }

  /** path_use_received: where the first proxy saw the caller, in its own Path (parameter `received`). */
  function receivedOf(received: string, path: string): string {
    if (path === '' || !parameters.on('path_use_received')) return received
    const first = parseNameAddr(path.split(',')[0] ?? '')
    const noted = first === undefined ? undefined : parseUri(first.uri)?.params.get('received')
    return noted === undefined || noted === '' ? received : decodePercent(noted)
  }

  function lookup(run: ServiceRun, args: unknown): Answer<{ code: number; contacts: Found[] }> {
    const given = fieldsOf(args)
    const domain = textOf(given.domain, 64) || 'location'
    return guarded(
      () => {
        const uri = parseUri(textOf(given.uri))
        const address = aor(textOf(given.uri))
        if (address === undefined || uri === undefined) return { code: -3, contacts: [] }
        const request = run.message instanceof SipRequest ? run.message : undefined
        const filter =
          parameters.on('method_filtering') && request !== undefined && request.toTag === ''
            ? methodBit(request.method)
            : undefined
        return chain(usrloc.tables(domain), (tables) => {
          // RFC 5627 5.4: a temporary GRUU names one contact by itself.
          const gr = uri.params.get('gr')
          const ruid = gr === '' && uri.user?.startsWith('uloc-') ? uri.user : undefined
          const list = ruid === undefined ? tables.read(domain, address) : tables.all(domain)
          return chain(list, (contacts) =>
            chosen(
              contacts.filter(
                (one) =>
                  (ruid === undefined || one.ruid === ruid) && (!gr || one.instance.replace(/^<|>$/g, '') === gr),
              ),
              { filter, listeners: host.listeners() },
            ),
          )
        })
      },
      (error) => {
        host.log.error({ error: error instanceof Error ? error.message : String(error) }, 'a lookup failed')
        return { code: -3, contacts: [] }
      },
    )
  }

  /** Contacts of an address, for registered() and reg_fetch_contacts(). */
  function contactsOf(_run: ServiceRun, args: unknown): Answer<{ contacts: readonly Contact[] } | null> {
    const given = fieldsOf(args)
    const domain = textOf(given.domain, 64) || 'location'
    return guarded(
      () => {
        const address = aor(textOf(given.uri))
        if (address === undefined) return null
        return chain(usrloc.tables(domain), (tables) =>
          chain(tables.read(domain, address), (contacts) => ({
            contacts,
          })),
        )
      },
      () => null,
    )
  }

  function unregister(_run: ServiceRun, args: unknown): Answer<number> {
    const given = fieldsOf(args)
    const domain = textOf(given.domain, 64) || 'location'
    const ruid = textOf(given.ruid, 128)
    return guarded(
      () => {
        const address = aor(textOf(given.uri))
        if (address === undefined) return -1
        let code = -3
        return chain(usrloc.tables(domain), (tables) =>
          chain(
            tables.change(domain, address, (contacts) => {
              const left = ruid === '' ? [] : contacts.filter((one) => one.ruid !== ruid)
              if (left.length < contacts.length) code = 1
              return left
            }),
            () => code,
          ),
        )
      },
      () => -2,
    )
  }

  const service: Service = {
    module: 'registrar',
    operations: { save, lookup, contacts: contactsOf, unregister },
    configure(list) {
      parameters = new Parameters(list)
    },
  }
  return { service, lookup }
}

function gruuAddress(message: SipRequest): string {
  const uri = parseUri(message.to?.uri ?? '')
  return uri === undefined ? '' : uri.user === undefined ? uri.host : `${uri.user}@${uri.host}`
}
