// Owns the service of module usrloc: the contacts of registered users, their expiry, and the writing of them to a database.
import { type Answer, chain, type Databases } from '../database/index.ts'
import { Parameters } from './parameters.ts'
import type { Service, ServiceHost } from './service.ts'
import { usrlocCommands } from './usrloc-commands.ts'
import type { Contact, Matching } from './usrloc-contact.ts'
import { LocationDatabase } from './usrloc-database.ts'
import { type ContactTables, DatabaseContacts, StoredContacts, type Usrloc } from './usrloc-tables.ts'

const MATCHING: readonly Matching[] = ['contact', 'contact-callid', 'contact-path', 'callid']
const DOMAINS = 'usrloc-domains'
const LOADED = 'usrloc-loaded'
/** Kamailio's own table, there before anything has registered. */
const DEFAULT_DOMAIN = 'location'

export function createUsrloc(host: ServiceHost, databases: Databases): Service & { readonly usrloc: Usrloc } {
  let parameters = new Parameters([])
  let timer: { cancel(): void } | undefined
  let tables: ContactTables | undefined
  let stored: StoredContacts | undefined
  let location: LocationDatabase | undefined
  let serial = 0
  let closed = false
  const now = () => Math.floor(host.clock.wallclock() / 1000)
  const began = now().toString(16)
  const loading = new Map<string, Promise<void>>()

  function make(): ContactTables {
    const mode = parameters.number('db_mode', 0)
    const database =
      mode === 0
        ? undefined
        : new LocationDatabase({
            database: databases.open(parameters.text('db_url')),
            columnName: (parameter, otherwise) => parameters.text(parameter, otherwise),
            useDomain: parameters.on('use_domain'),
            times: parameters.on('expires_type') ? 'numbers' : 'dates',
          })
    location = database
    if (database !== undefined && mode === 3) return new DatabaseContacts(database, now)
    const writing = mode === 1 ? 'through' : mode === 2 ? 'back' : 'none'
    stored = new StoredContacts({ store: host.store, now, writing, database: mode === 4 ? undefined : database })
    return stored
  }

  /** What the database knows becomes known here, once for all workers. */
  function loaded(domain: string): Answer<void> {
    if (location === undefined || stored === undefined || host.store.get(LOADED, domain) !== undefined) return
    const under = loading.get(domain)
    if (under !== undefined) return under
    const into = stored
    const answer = chain(location.all(domain), (contacts) => {
      // Those that expired while nobody served them too: their rows go with them.
      into.load(domain, contacts)
      host.store.set(LOADED, domain, '1')
      loading.delete(domain)
    })
    if (answer instanceof Promise) {
      const guarded = answer.catch((error: unknown) => {
        loading.delete(domain)
        throw error
      })
      loading.set(domain, guarded)
      return guarded
    }
  }

  const usrloc: Usrloc = {
    tables(domain) {
      if (host.store.get(DOMAINS, domain) === undefined) host.store.set(DOMAINS, domain, '1')
      tables ??= make()
      const ready = tables
      return chain(loaded(domain), () => ready)
    },
    domains: () => host.store.keys(DOMAINS),
    get useDomain() {
      return parameters.on('use_domain')
    },
    get matching() {
      return MATCHING[parameters.number('matching_mode', 0)] ?? 'contact'
    },
    get natFlag() {
      const flag = parameters.number('nat_bflag', -1)
      return flag < 0 || flag > 31 ? 0 : 1 << flag
    },
    newRuid: () => `uloc-${began}-${process.pid.toString(16)}-${(++serial).toString(16)}`,
    now,
  }

  function complain(error: unknown, what: string): void {
    host.log.error({ error: error instanceof Error ? error.message : String(error) }, what)
  }

  async function sweep(): Promise<void> {
    for (const domain of usrloc.domains()) {
      const list = await usrloc.tables(domain)
      for (const contact of await list.expire(domain)) await expired(domain, contact)
      await list.flush()
    }
  }

  async function expired(domain: string, contact: Contact): Promise<void> {
    host.log.debug({ aor: contact.aor, contact: contact.address }, 'a contact has expired')
    if (!host.hasEvent('usrloc:contact-expired')) return
    await host.event({ name: 'usrloc:contact-expired', data: { domain, contact } })
  }

  function schedule(): void {
    const seconds = Math.max(1, parameters.number('timer_interval', 60))
    timer = host.clock.setTimer(seconds * 1000, () => {
      const work = host.store.lease('usrloc', seconds * 2.5) ? sweep() : Promise.resolve()
      void work
        .catch((error: unknown) => complain(error, 'contacts could not be written'))
        .then(() => {
          if (!closed) schedule()
        })
    })
  }

  return {
    module: 'usrloc',
    usrloc,
    operations: {
      /** The contact that an event route is about. */
      event: (run) => run.event ?? null,
    },
    commands: usrlocCommands(usrloc, () => location),
    configure(list) {
      parameters = new Parameters(list)
      tables = undefined
      stored = undefined
      location = undefined
    },
    async start() {
      if (parameters.number('db_mode', 0) !== 0)
        try {
          await usrloc.tables(parameters.text('preload', DEFAULT_DOMAIN))
        } catch (error) {
          complain(error, 'the registered contacts could not be read')
        }
      schedule()
    },
    async close() {
      closed = true
      timer?.cancel()
      await Promise.resolve(tables?.flush()).catch((error: unknown) => complain(error, 'contacts could not be written'))
    },
  }
}
