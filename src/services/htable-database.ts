// Owns hash tables in a database: which columns mean what, read at the start and by command, written at the end.
import { type Database, identifier } from '../database/index.ts'
import type { CellValue, TableDefinition } from './htable-definition.ts'
import type { HashTable } from './htable-table.ts'
import type { Parameters } from './parameters.ts'

export interface DatabaseCell {
  readonly key: string
  readonly value: CellValue
  /** Left to it, where the table says so. */
  readonly seconds?: number
}

interface Columns {
  readonly name: string
  readonly keyType: string
  readonly valueType: string
  readonly value: string
  readonly expires: string
}

function columnsOf(parameters: Parameters): Columns {
  return {
    name: parameters.text('key_name_column', 'key_name'),
    keyType: parameters.text('key_type_column', 'key_type'),
    valueType: parameters.text('value_type_column', 'value_type'),
    value: parameters.text('key_value_column', 'key_value'),
    expires: parameters.text('expires_column', 'expires'),
  }
}

/** Reads the rows of a table. A row of key type 1 belongs to an array: `key[0]`, `key[1]` and so on. */
export async function cellsFromDatabase(
  database: Database,
  definition: TableDefinition,
  parameters: Parameters,
): Promise<DatabaseCell[]> {
  const table = identifier(definition.databaseTable)
  const suffix = parameters.text('array_size_suffix', '::size')
  if (definition.columns.length > 1) {
    const names = definition.columns.map(identifier)
    const rows = await database.rows(`SELECT ${names.join(', ')} FROM ${table}`)
    return rows.map((row) => ({
      key: `${row[names[0]!]}`,
      value: names
        .slice(1)
        .map((each) => row[each] ?? '')
        .join(','),
    }))
  }
  const columns = columnsOf(parameters)
  const timed = parameters.on('db_expires')
  const names = [columns.name, columns.keyType, columns.valueType, columns.value, ...(timed ? [columns.expires] : [])]
  const rows = await database.rows(
    `SELECT ${names.map(identifier).join(', ')} FROM ${table} ORDER BY ${identifier(columns.name)}`,
  )
  const cells: DatabaseCell[] = []
  const sizes = new Map<string, number>()
  const now = Date.now() / 1000
  for (const row of rows) {
    const name = `${row[columns.name]}`
    const value = Number(row[columns.valueType]) === 1 ? Number(row[columns.value]) : `${row[columns.value] ?? ''}`
    const until = timed ? Number(row[columns.expires] ?? 0) : 0
    if (until > 0 && until <= now) continue
    let key = name
    if (Number(row[columns.keyType]) === 1) {
      const index = sizes.get(name) ?? 0
      sizes.set(name, index + 1)
      key = `${name}[${index}]`
    }
    cells.push({ key, value, ...(until > 0 ? { seconds: until - now } : {}) })
  }
  for (const [name, size] of sizes) cells.push({ key: `${name}${suffix}`, value: size })
  return cells
}

/** Writes a table back in place of what the database had. */
export async function storeCells(database: Database, table: HashTable, parameters: Parameters): Promise<void> {
  const columns = columnsOf(parameters)
  const into = identifier(table.definition.databaseTable)
  const timed = parameters.on('db_expires')
  const names = [columns.name, columns.keyType, columns.valueType, columns.value, ...(timed ? [columns.expires] : [])]
  const sql = `INSERT INTO ${into} (${names.map(identifier).join(', ')}) VALUES (${names.map(() => '?').join(', ')})`
  await database.query(`DELETE FROM ${into}`, [])
  const now = Date.now() / 1000
  for (const [key, value] of table.entries()) {
    const left = table.remaining(key)
    const until = left === 0 ? 0 : Math.round(now + left)
    await database.query(sql, [key, 0, typeof value === 'number' ? 1 : 0, `${value}`, ...(timed ? [until] : [])])
  }
}
