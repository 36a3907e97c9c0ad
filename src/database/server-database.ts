// Owns what databases behind a server share: a pool of connections, made when it is first asked.
import {
  type Database,
  databaseError,
  databaseText,
  databaseValue,
  namedRows,
  type ResultSet,
  type SqlValue,
} from './database.ts'
import type { DatabaseAddress } from './url.ts'

export type ServerAddress = Exclude<DatabaseAddress, { driver: 'sqlite' }>

/** Connections of a pool. */
export const CONNECTIONS = 8
export const CONNECT_MILLIS = 5000

export abstract class ServerDatabase<Pool extends { end(): Promise<void> }> implements Database {
  readonly name: string
  readonly #address: ServerAddress
  #pool: Promise<Pool> | undefined

  constructor(address: ServerAddress) {
    this.name = address.name
    this.#address = address
  }

  async query(sql: string, values: readonly SqlValue[] = []): Promise<ResultSet> {
    try {
      this.#pool ??= this.connect(this.#address)
      return await this.run(await this.#pool, databaseText(sql), values.map(databaseValue))
    } catch (error) {
      throw databaseError(this.name, error)
    }
  }

  async rows(sql: string, values: readonly SqlValue[] = []) {
    return namedRows(await this.query(sql, values))
  }

  async close(): Promise<void> {
    const pool = this.#pool
    this.#pool = undefined
    await (await pool)?.end()
  }

  abstract quote(name: string): string
  /** Makes the pool; the driver is loaded here, and not before. */
  protected abstract connect(address: ServerAddress): Promise<Pool>
  /** Carries one statement out. */
  protected abstract run(pool: Pool, sql: string, values: readonly SqlValue[]): Promise<ResultSet>
}
