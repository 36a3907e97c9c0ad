// Owns databases of MySQL and MariaDB: a pool of connections, made when it is first asked. The only importer of mysql2.
import type { Pool } from 'mysql2/promise'
import { type Database, databaseError, namedRows, type ResultSet, type SqlValue, sqlValue } from './database.ts'
import type { DatabaseAddress } from './url.ts'

type ServerAddress = Exclude<DatabaseAddress, { driver: 'sqlite' }>

const CONNECTIONS = 8
const CONNECT_MILLIS = 5000

export class MysqlDatabase implements Database {
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
      const [rows, fields] = await pool.query({ sql, rowsAsArray: true }, [...values])
      if (!Array.isArray(rows)) return { columns: [], rows: [], affected: rows.affectedRows }
      const columns = (fields ?? []).map((field) => field.name)
      return { columns, rows: (rows as unknown as unknown[][]).map((row) => row.map(sqlValue)), affected: 0 }
    } catch (error) {
      throw databaseError(this.name, error)
    }
  }

  async rows(sql: string, values: readonly SqlValue[] = []) {
    return namedRows(await this.query(sql, values))
  }

  quote(name: string): string {
    return `\`${name.replaceAll('`', '``')}\``
  }

  async close(): Promise<void> {
    const pool = this.#pool
    this.#pool = undefined
    await (await pool)?.end()
  }

  async #connect(): Promise<Pool> {
    const { createPool } = await import('mysql2/promise')
    const { host, port, user, password, database } = this.#address
    return createPool({
      host,
      user,
      password,
      database,
      ...(port === undefined ? {} : { port }),
      connectionLimit: CONNECTIONS,
      connectTimeout: CONNECT_MILLIS,
      dateStrings: true,
      // One statement a query, whatever a script glues together.
      multipleStatements: false,
    })
  }
}
