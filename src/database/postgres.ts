// Owns databases of PostgreSQL: a pool of connections, made when it is first asked. The only importer of pg.
import type { Pool } from 'pg'
import { type Database, databaseError, namedRows, type ResultSet, type SqlValue, sqlValue } from './database.ts'
import type { DatabaseAddress } from './url.ts'

type ServerAddress = Exclude<DatabaseAddress, { driver: 'sqlite' }>

const CONNECTIONS = 8
const CONNECT_MILLIS = 5000
/** Types of the server whose text is what is wanted: timestamp, timestamptz, date. */
const DATES: readonly number[] = [1114, 1184, 1082]

export class PostgresDatabase implements Database {
  readonly name: string
  readonly #address: ServerAddress
  #pool: Promise<Pool> | undefined

  constructor(address: ServerAddress) {
    this.name = address.name
    this.#address = address
  }

  async query(sql: string, values: readonly SqlValue[] = []): Promise<ResultSet> {
    try {
      this.#pool ??= this.#connect()
      const pool = await this.#pool
      const result = await pool.query({ text: numbered(sql), values: [...values], rowMode: 'array' })
      const columns = result.fields.map((field) => field.name)
      const rows = (result.rows as unknown[][]).map((row) => row.map(sqlValue))
      return { columns, rows, affected: columns.length === 0 ? (result.rowCount ?? 0) : 0 }
    } catch (error) {
      throw databaseError(this.name, error)
    }
  }

  async rows(sql: string, values: readonly SqlValue[] = []) {
    return namedRows(await this.query(sql, values))
  }

  quote(name: string): string {
    return `"${name.replaceAll('"', '""')}"`
  }

  async close(): Promise<void> {
    const pool = this.#pool
    this.#pool = undefined
    await (await pool)?.end()
  }

  async #connect(): Promise<Pool> {
    const { default: pg } = await import('pg')
    const { host, port, user, password, database } = this.#address
    const pool = new pg.Pool({
      host,
      user,
      password,
      database,
      ...(port === undefined ? {} : { port }),
      max: CONNECTIONS,
      connectionTimeoutMillis: CONNECT_MILLIS,
      types: {
        getTypeParser: (type: number, format?: unknown) =>
          DATES.includes(type) ? String : pg.types.getTypeParser(type, format as 'text'),
      },
    })
    // A server that goes away between two statements is reported by the next one.
    pool.on('error', () => {})
    return pool
  }
}

/** `?` outside of quotes becomes `$1`, `$2`... */
export function numbered(sql: string): string {
  let count = 0
  return sql.replace(/'(?:[^']|'')*'|"(?:[^"]|"")*"|\?/g, (found) => (found === '?' ? `$${++count}` : found))
}
