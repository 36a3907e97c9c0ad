// Owns the rows of table `location`: Kamailio's names and columns, and how a contact becomes a row and back.
import { type Answer, chain, type Database, dateText, identifier, type Row, type SqlValue } from '../database/index.ts'
import type { Contact } from './usrloc-contact.ts'

/** Columns with the names that usrloc's parameters may give them. */
const COLUMNS = {
  ruid: 'ruid',
  user: 'username',
  domain: 'domain',
  contact: 'contact',
  received: 'received',
  path: 'path',
  expires: 'expires',
  q: 'q',
  callid: 'callid',
  cseq: 'cseq',
  last_modified: 'last_modified',
  flags: 'flags',
  cflags: 'cflags',
  user_agent: 'user_agent',
  socket: 'socket',
  methods: 'methods',
  instance: 'instance',
  reg_id: 'reg_id',
  server_id: 'server_id',
  connection_id: 'connection_id',
  keepalive: 'keepalive',
  partition: 'partition',
} as const
type Column = keyof typeof COLUMNS

/** Contacts that never expire carry this date, as in Kamailio. */
const FOR_EVER = '1969-12-31 23:59:59'

export interface LocationOptions {
  readonly database: Database
  /** Names by usrloc's parameters, such as `user_column`. */
  columnName(parameter: string, otherwise: string): string
  readonly useDomain: boolean
  /** expires_type 1: times as numbers. */
  readonly times: 'dates' | 'numbers'
}

export class LocationDatabase {
  readonly #options: LocationOptions
  readonly #names: Readonly<Record<Column, string>>

  constructor(options: LocationOptions) {
    this.#options = options
    const { database } = options
    this.#names = Object.fromEntries(
      Object.entries(COLUMNS).map(([key, name]) => [
        key,
        database.quote(identifier(options.columnName(`${key}_column`, name))),
      ]),
    ) as Record<Column, string>
  }

  contactsOf(domain: string, aor: string): Answer<Contact[]> {
    const { user, domain: host } = this.#names
    const [name, of] = this.#parts(aor)
    return this.#options.useDomain
      ? this.#select(domain, `WHERE ${user} = ? AND ${host} = ?`, [name, of])
      : this.#select(domain, `WHERE ${user} = ?`, [name])
  }

  all(domain: string): Answer<Contact[]> {
    return this.#select(domain, '', [])
  }

  /** Writes a contact, new or known. */
  write(table: string, contact: Contact): Answer<void> {
    const { database } = this.#options
    const names = this.#names
    const values = this.#values(contact)
    const keys = Object.keys(values) as Column[]
    const changed = keys.filter((key) => key !== 'ruid')
    const name = database.quote(identifier(table))
    return chain(
      database.query(
        `UPDATE ${name} SET ${changed.map((key) => `${names[key]} = ?`).join(', ')} WHERE ${names.ruid} = ?`,
        [...changed.map((key) => values[key]!), contact.ruid],
      ),
      ({ affected }) => {
        if (affected > 0) return
        return chain(
          database.query(
            `INSERT INTO ${name} (${keys.map((key) => names[key]).join(', ')}) VALUES (${keys.map(() => '?').join(', ')})`,
            keys.map((key) => values[key]!),
          ),
          () => undefined,
        )
      },
    )
  }

  remove(table: string, ruid: string): Answer<void> {
    const { database } = this.#options
    return chain(
      database.query(`DELETE FROM ${database.quote(identifier(table))} WHERE ${this.#names.ruid} = ?`, [ruid]),
      () => undefined,
    )
  }

  #select(table: string, where: string, values: readonly SqlValue[]): Answer<Contact[]> {
    const { database } = this.#options
    const list = Object.entries(this.#names)
      .filter(([key]) => key !== 'partition')
      .map(([key, name]) => `${name} AS ${database.quote(key)}`)
    const sql = `SELECT ${list.join(', ')} FROM ${database.quote(identifier(table))} ${where} ORDER BY ${this.#names.q} DESC`
    return chain(database.rows(sql, values), (rows) => rows.map((row) => this.#contact(row)))
  }

  #parts(aor: string): [string, string] {
    const at = aor.lastIndexOf('@')
    return at < 0 ? [aor, ''] : [aor.slice(0, at), aor.slice(at + 1)]
  }

  #values(contact: Contact): Partial<Record<Column, SqlValue>> {
    const [user, domain] = this.#options.useDomain ? this.#parts(contact.aor) : [contact.aor, '']
    const orNull = (text: string) => (text === '' ? null : text)
    return {
      ruid: contact.ruid,
      user,
      ...(this.#options.useDomain ? { domain } : {}),
      contact: contact.address,
      received: orNull(contact.received),
      path: orNull(contact.path),
      expires: this.#time(contact.expires),
      q: contact.q < 0 ? -1 : contact.q / 1000,
      callid: contact.callId,
      cseq: contact.cseq,
      last_modified: this.#time(contact.lastModified),
      flags: contact.flags,
      cflags: contact.cflags,
      user_agent: contact.userAgent,
      socket: orNull(contact.socket),
      methods: contact.methods < 0 ? null : contact.methods,
      instance: orNull(contact.instance),
      reg_id: contact.regId,
      server_id: 0,
      // The column has 31 bits; ours have more.
      connection_id: contact.connection < 0 ? -1 : contact.connection % 2 ** 31,
    }
  }

  #time(seconds: number): SqlValue {
    if (this.#options.times === 'numbers') return seconds
    if (seconds === 0) return FOR_EVER
    return dateText(new Date(seconds * 1000))
  }

  #contact(row: Row): Contact {
    const text = (key: Column) => (row[key] === null || row[key] === undefined ? '' : String(row[key]))
    const number = (key: Column, otherwise = 0) => (row[key] === null ? otherwise : Number(row[key] ?? otherwise))
    const q = number('q', -1)
    const user = text('user')
    return {
      ruid: text('ruid'),
      aor: this.#options.useDomain ? `${user}@${text('domain')}` : user,
      address: text('contact'),
      received: text('received'),
      path: text('path'),
      expires: secondsOf(row.expires ?? null),
      q: q < 0 ? -1 : Math.round(q * 1000),
      callId: text('callid'),
      cseq: number('cseq'),
      flags: number('flags'),
      cflags: number('cflags'),
      userAgent: text('user_agent'),
      socket: text('socket'),
      methods: number('methods', -1),
      instance: text('instance'),
      regId: number('reg_id'),
      lastModified: secondsOf(row.last_modified ?? null),
      connection: number('connection_id', -1),
    }
  }
}

function secondsOf(value: SqlValue): number {
  if (typeof value === 'number') return value
  if (value === null || value === FOR_EVER) return 0
  const millis = Date.parse(value.replace(' ', 'T'))
  return Number.isFinite(millis) ? Math.max(0, Math.floor(millis / 1000)) : 0
}
