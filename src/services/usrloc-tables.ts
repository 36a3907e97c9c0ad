// Owns where contacts are kept: the store that workers share, and the database behind it (usrloc's db_mode 0 to 3).
import type { Answer } from '../database/index.ts'
import { chain, guarded } from '../database/index.ts'
import type { Store } from '../store/index.ts'
import type { Contact, Matching } from './usrloc-contact.ts'
import type { LocationDatabase } from './usrloc-database.ts'

/** What changed in one address of record. */
export interface Change {
  readonly before: readonly Contact[]
  readonly after: readonly Contact[]
}

export interface ContactTables {
  /** The contacts of an address of record that have not expired, best first. */
  read(domain: string, aor: string): Answer<readonly Contact[]>
  /** Reads, changes and writes as one step. A throw of `change` leaves everything as it was. */
  change(
    domain: string,
    aor: string,
    change: (contacts: readonly Contact[]) => readonly Contact[],
  ): Answer<readonly Contact[]>
  /** All contacts of a domain. */
  all(domain: string): Answer<readonly Contact[]>
  /** Takes away what has expired; gives what went. */
  expire(domain: string): Answer<readonly Contact[]>
  /** Writes what is not written yet. */
  flush(): Answer<void>
}

/** What registrar and nathelper use of usrloc. */
export interface Usrloc {
  /** The tables, once what a database knows of this domain is there. */
  tables(domain: string): Answer<ContactTables>
  /** Domains that were asked for. */
  domains(): readonly string[]
  readonly useDomain: boolean
  readonly matching: Matching
  /** Branch flag of contacts behind NAT, as a bit; 0 when usrloc has none. */
  readonly natFlag: number
  newRuid(): string
  /** Seconds since 1970. */
  now(): number
}

const TABLE = (domain: string) => `usrloc:${domain}`
/** Contacts whose rows are still to be written: in db_mode 2 all, in db_mode 1 those that the database refused. */
const DIRTY = 'usrloc-dirty'

export interface TablesOptions {
  readonly store: Store
  /** Seconds since 1970. */
  now(): number
  /** `none`: db_mode 0. `through`: 1, every change at once. `back`: 2, changes wait for `flush`. */
  readonly writing: 'none' | 'through' | 'back'
  readonly database: LocationDatabase | undefined
}

const parse = (text: string | undefined): Contact[] => (text === undefined ? [] : (JSON.parse(text) as Contact[]))

/** Contacts in the shared store, db_mode 0, 1 and 2. */
export class StoredContacts implements ContactTables {
  readonly #options: TablesOptions

  constructor(options: TablesOptions) {
    this.#options = options
  }

  read(domain: string, aor: string): readonly Contact[] {
    return this.#live(parse(this.#options.store.get(TABLE(domain), aor)))
  }

  change(
    domain: string,
    aor: string,
    change: (contacts: readonly Contact[]) => readonly Contact[],
  ): Answer<readonly Contact[]> {
    let before: readonly Contact[] = []
    let after: readonly Contact[] = []
    this.#options.store.update(TABLE(domain), aor, (text) => {
      before = parse(text)
      after = change(this.#live(before))
      return after.length === 0 ? undefined : { value: JSON.stringify(after) }
    })
    return chain(this.#written(domain, { before, after }), () => after)
  }

  all(domain: string): readonly Contact[] {
    return this.#options.store.entries(TABLE(domain)).flatMap(([, text]) => this.#live(parse(text)))
  }

  expire(domain: string): Answer<readonly Contact[]> {
    const gone: Contact[] = []
    const work: Answer<void>[] = []
    for (const [aor, text] of this.#options.store.entries(TABLE(domain))) {
      if (parse(text).every((contact) => this.#isLive(contact))) continue
      this.#options.store.update(TABLE(domain), aor, (now) => {
        const before = parse(now)
        const after = this.#live(before)
        gone.push(...before.filter((contact) => !after.includes(contact)))
        // A row that the database keeps waits for the flush.
        work.push(
          guarded(
            () => this.#written(domain, { before, after }),
            () => undefined,
          ),
        )
        return after.length === 0 ? undefined : { value: JSON.stringify(after) }
      })
    }
    const late = work.filter((answer) => answer instanceof Promise)
    return late.length === 0 ? gone : Promise.all(late).then(() => gone)
  }

  /** Takes over what a database knows; what is here already is newer. */
  load(domain: string, contacts: readonly Contact[]): void {
    const byAor = new Map<string, Contact[]>()
    for (const contact of contacts) byAor.set(contact.aor, [...(byAor.get(contact.aor) ?? []), contact])
    for (const [aor, list] of byAor)
      this.#options.store.update(TABLE(domain), aor, (text) => {
        const known = parse(text)
        const fresh = list.filter((one) => !known.some(({ ruid }) => ruid === one.ruid))
        return { value: JSON.stringify([...known, ...fresh]) }
      })
  }

  flush(): Answer<void> {
    const { store, database } = this.#options
    if (database === undefined) return
    const failures: unknown[] = []
    const work = store.entries(DIRTY).map(([key]) => {
      const [domain = '', aor = '', ruid = ''] = JSON.parse(key) as string[]
      store.delete(DIRTY, key)
      const write = (): Answer<void> => {
        const contact = parse(store.get(TABLE(domain), aor)).find((one) => one.ruid === ruid)
        return contact === undefined ? database.remove(domain, ruid) : database.write(domain, contact)
      }
      // One that fails keeps no other from its row, and is tried again the next time.
      return guarded(write, (error) => {
        store.set(DIRTY, key, '1')
        failures.push(error)
      })
    })
    return allDone(work, failures)
  }

  #isLive(contact: Contact): boolean {
    return contact.expires === 0 || contact.expires > this.#options.now()
  }

  #live(contacts: readonly Contact[]): readonly Contact[] {
    return contacts.filter((contact) => this.#isLive(contact))
  }

  #written(domain: string, { before, after }: Change): Answer<void> {
    const { database, writing, store } = this.#options
    if (database === undefined || writing === 'none') return
    const gone = before.filter(({ ruid }) => !after.some((contact) => contact.ruid === ruid))
    const changed = after.filter((contact) => !before.includes(contact))
    if (writing === 'back') {
      for (const { aor, ruid } of [...gone, ...changed]) store.set(DIRTY, JSON.stringify([domain, aor, ruid]), '1')
      return
    }
    const failures: unknown[] = []
    /** What the database refuses is told, and tried again by the flush. */
    const attempt = ({ aor, ruid }: Contact, write: () => Answer<void>): Answer<void> =>
      guarded(write, (error) => {
        store.set(DIRTY, JSON.stringify([domain, aor, ruid]), '1')
        failures.push(error)
      })
    const work = [
      ...gone.map((contact) => attempt(contact, () => database.remove(domain, contact.ruid))),
      ...changed.map((contact) => attempt(contact, () => database.write(domain, contact))),
    ]
    return allDone(work, failures)
  }
}

/** When all of it is done: throws the first failure. */
function allDone(work: readonly Answer<void>[], failures: readonly unknown[]): Answer<void> {
  const done = (): void => {
    if (failures.length > 0) throw failures[0]
  }
  const late = work.filter((answer) => answer instanceof Promise)
  return late.length > 0 ? Promise.all(late).then(done) : done()
}

/** Contacts that are read from the database each time, db_mode 3. */
export class DatabaseContacts implements ContactTables {
  readonly #database: LocationDatabase
  readonly #now: () => number

  constructor(database: LocationDatabase, now: () => number) {
    this.#database = database
    this.#now = now
  }

  read(domain: string, aor: string): Answer<readonly Contact[]> {
    return chain(this.#database.contactsOf(domain, aor), (contacts) => contacts.filter((one) => this.#isLive(one)))
  }

  change(
    domain: string,
    aor: string,
    change: (contacts: readonly Contact[]) => readonly Contact[],
  ): Answer<readonly Contact[]> {
    return chain(this.read(domain, aor), (before) => {
      const after = change(before)
      const work = [
        ...before
          .filter(({ ruid }) => !after.some((contact) => contact.ruid === ruid))
          .map(({ ruid }) => this.#database.remove(domain, ruid)),
        ...after.filter((one) => !before.includes(one)).map((one) => this.#database.write(domain, one)),
      ]
      const late = work.filter((answer) => answer instanceof Promise)
      return late.length === 0 ? after : Promise.all(late).then(() => after)
    })
  }

  all(domain: string): Answer<readonly Contact[]> {
    return chain(this.#database.all(domain), (contacts) => contacts.filter((one) => this.#isLive(one)))
  }

  expire(domain: string): Answer<readonly Contact[]> {
    return chain(this.#database.all(domain), (contacts) => {
      const gone = contacts.filter((one) => !this.#isLive(one))
      const work = gone.map(({ ruid }) => this.#database.remove(domain, ruid)).filter((one) => one instanceof Promise)
      return work.length === 0 ? gone : Promise.all(work).then(() => gone)
    })
  }

  flush(): void {}

  #isLive(contact: Contact): boolean {
    return contact.expires === 0 || contact.expires > this.#now()
  }
}
