// Owns what a database is to its users: statements with bound values, and rows.
import { isUtf8 } from 'node:buffer'
import { SignalboxError } from '../errors.ts'
import type { Answer } from './answer.ts'

/** Text, number, or null. Dates are texts `YYYY-MM-DD HH:MM:SS`; bytes come as a text of one character each. */
export type SqlValue = string | number | null

/** One row by column name. */
export type Row = Readonly<Record<string, SqlValue>>

export interface ResultSet {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly SqlValue[])[]
  /** Rows changed by a statement that changes. */
  readonly affected: number
}

/** A database under a URL. Failures are a SignalboxError ERR_DATABASE, thrown or rejected. */
export interface Database {
  /** The URL without its password. */
  readonly name: string
  /** Carries out one statement; `?` stands for a value. Answers at once where no server is asked. */
  query(sql: string, values?: readonly SqlValue[]): Answer<ResultSet>
  /** As {@link query}, rows by column name. */
  rows(sql: string, values?: readonly SqlValue[]): Answer<Row[]>
  /** An identifier in the quotes of this database. */
  quote(name: string): string
  close(): Answer<void>
}

/** Rows of a result by column name. */
export function namedRows(result: ResultSet): Row[] {
  const { columns } = result
  return result.rows.map((row) => Object.fromEntries(columns.map((column, i) => [column, row[i] ?? null])))
}

/** The name of a table or column as scripts and parameters give it. Throws ERR_DATABASE for anything that is none. */
export function identifier(name: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(name))
    throw new SignalboxError('ERR_DATABASE', `"${name.slice(0, 64)}" is not the name of a table or column`)
  return name
}

/** What drivers throw, as an error of ours. */
export function databaseError(name: string, error: unknown): SignalboxError {
  const reason = error instanceof Error ? error.message || (error as { code?: string }).code : String(error)
  return new SignalboxError('ERR_DATABASE', `${name}: ${reason}`, { cause: error })
}

/** Texts of ours have a character a byte; a database has characters, so that others read the same there. What is no UTF-8 stays. */
export function databaseText(text: string): string {
  if (!/[\x80-\xff]/.test(text) || /[^\0-\xff]/.test(text)) return text
  const bytes = Buffer.from(text, 'latin1')
  return isUtf8(bytes) ? bytes.toString('utf8') : text
}

/** As a driver is to be given a value of ours. */
export function databaseValue(value: SqlValue): SqlValue {
  return typeof value === 'string' ? databaseText(value) : value
}

/** Any value of a driver as one of ours. */
export function sqlValue(value: unknown): SqlValue {
  if (value === null || value === undefined) return null
  // A character a byte again.
  if (typeof value === 'string') return /[^\0-\x7f]/.test(value) ? Buffer.from(value, 'utf8').toString('latin1') : value
  if (typeof value === 'number') return value
  if (typeof value === 'boolean') return value ? 1 : 0
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  if (value instanceof Date) return dateText(value)
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.length).toString('latin1')
  return JSON.stringify(value)
}

/** Local time, as Kamailio writes it. */
export function dateText(date: Date): string {
  const two = (number: number) => String(number).padStart(2, '0')
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}
