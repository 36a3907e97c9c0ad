// Owns what services that look things up in a table have in common: a statement from columns, and a failure that is told.
import { type Answer, type Database, guarded, identifier, type Row, type SqlValue } from '../database/index.ts'
import type { ServiceHost } from './service.ts'

export interface Lookup {
  readonly database: Database
  readonly table: string
  /** Wanted columns. */
  readonly columns: readonly string[]
  /** Columns with the value that each must have. */
  readonly where: Readonly<Record<string, SqlValue>>
}

/** Rows by column name. */
export function lookUp({ database, table, columns, where }: Lookup): Answer<Row[]> {
  const quote = (name: string) => database.quote(identifier(name))
  const keys = Object.keys(where)
  const condition = keys.length === 0 ? '' : ` WHERE ${keys.map((key) => `${quote(key)} = ?`).join(' AND ')}`
  const sql = `SELECT ${columns.map(quote).join(', ')} FROM ${quote(table)}${condition}`
  return database.rows(
    sql,
    keys.map((key) => where[key]!),
  )
}

/** Answers `otherwise` where the table cannot be asked, and says why in the log. */
export function told<T>(host: ServiceHost, what: string, attempt: () => Answer<T>, otherwise: T): Answer<T> {
  return guarded(attempt, (error) => {
    host.log.error({ error: error instanceof Error ? error.message : String(error) }, `${what} could not be read`)
    return otherwise
  })
}

export const textIn = (row: Row, column: string): string => (row[column] === null ? '' : String(row[column] ?? ''))
