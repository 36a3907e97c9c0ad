// Owns what databases behind a server share: a pool of connections, made when it is first asked, and the end of those that fall silent.
import type { Socket } from 'node:net'
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
/**
 * A connection on which nothing comes for so long, though a statement waits, leads nowhere: the kernel would find out after
 * a quarter of an hour, with all calls waiting.
 */
const SILENCE_MILLIS = 10_000

/** A connection out of the pool, for one statement. */
export interface Borrowed {
  readonly socket: Socket
  run(sql: string, values: readonly SqlValue[]): Promise<ResultSet>
  /** Back into the pool, or away where it is broken. */
  release(isBroken: boolean): void
}

export abstract class ServerDatabase<Pool extends { end(): Promise<void> }> implements Database {
  readonly name: string
  readonly #address: ServerAddress
  readonly #silenceMillis: number
  #pool: Promise<Pool> | undefined

  constructor(address: ServerAddress, silenceMillis = SILENCE_MILLIS) {
    this.name = address.name
    this.#address = address
    this.#silenceMillis = silenceMillis
  }

  async query(sql: string, values: readonly SqlValue[] = []): Promise<ResultSet> {
    try {
      this.#pool ??= this.connect(this.#address)
      return await this.#run(await this.borrow(await this.#pool), databaseText(sql), values.map(databaseValue))
    } catch (error) {
      throw databaseError(this.name, error)
    }
  }

  async #run(connection: Borrowed, sql: string, values: readonly SqlValue[]): Promise<ResultSet> {
    const { socket } = connection
    const isSilent = () => void socket.destroy(new Error(`no answer within ${this.#silenceMillis / 1000} s`))
    socket.setTimeout(this.#silenceMillis, isSilent)
    try {
      return await connection.run(sql, values)
    } finally {
      socket.setTimeout(0, isSilent)
      connection.release(socket.destroyed)
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
  /** A free connection. Rejects where none is free, or none can be made, within CONNECT_MILLIS. */
  protected abstract borrow(pool: Pool): Promise<Borrowed>
}
