// Owns databases of SQLite: a file, opened when it is first asked, whose statements answer at once.
import { existsSync } from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { SignalboxError } from '../errors.ts'
import {
  type Database,
  databaseError,
  databaseText,
  databaseValue,
  namedRows,
  type ResultSet,
  type SqlValue,
  sqlValue,
} from './database.ts'

/** Statements kept ready. */
const MOST_STATEMENTS = 200

export interface SqliteOptions {
  readonly file: string
  readonly name: string
  /** Statements that make tables in a file of our own; without them a file that is not there is an error. */
  readonly schema?: string
}

export class SqliteDatabase implements Database {
  readonly name: string
  readonly #options: SqliteOptions
  #database: DatabaseSync | undefined
  readonly #statements = new Map<string, StatementSync>()

  constructor(options: SqliteOptions) {
    this.name = options.name
    this.#options = options
  }

  query(sql: string, values: readonly SqlValue[] = []): ResultSet {
    try {
      const statement = this.#statement(databaseText(sql))
      const given = values.map(databaseValue)
      const columns = statement.columns().map(({ name }) => name)
      if (columns.length === 0) return { columns, rows: [], affected: Number(statement.run(...given).changes) }
      const rows = statement.all(...given) as unknown as unknown[][]
      return { columns, rows: rows.map((row) => row.map(sqlValue)), affected: 0 }
    } catch (error) {
      throw error instanceof SignalboxError ? error : databaseError(this.name, error)
    }
  }

  rows(sql: string, values: readonly SqlValue[] = []) {
    return namedRows(this.query(sql, values))
  }

  quote(name: string): string {
    return `"${name.replaceAll('"', '""')}"`
  }

  close(): void {
    this.#statements.clear()
    this.#database?.close()
    this.#database = undefined
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      if (this.#statements.size >= MOST_STATEMENTS) this.#statements.clear()
      statement = this.#open().prepare(sql)
      statement.setReturnArrays(true)
      this.#statements.set(sql, statement)
    }
    return statement
  }

  #open(): DatabaseSync {
    if (this.#database !== undefined) return this.#database
    const { file, schema } = this.#options
    // SQLite would make an empty file of a mistyped name.
    if (schema === undefined && !existsSync(file))
      throw new SignalboxError('ERR_DATABASE', `${this.name}: there is no such file`)
    this.#database = new DatabaseSync(file)
    this.#database.exec('PRAGMA busy_timeout = 2000')
    if (schema !== undefined) this.#database.exec(schema)
    return this.#database
  }
}
