// Owns destinations in a database: Kamailio's table `dispatcher` and its columns.
import { type Databases, identifier } from '../database/index.ts'
import type { DestinationRow } from './dispatcher-destination.ts'
import type { Parameters } from './parameters.ts'

/** Reads them in the order of the table. Rejects with ERR_DATABASE. */
export async function rowsOfDatabase(databases: Databases, parameters: Parameters): Promise<DestinationRow[]> {
  const column = (name: string, otherwise: string) => identifier(parameters.text(name, otherwise))
  const columns = {
    set: column('setid_col', 'setid'),
    uri: column('destination_col', 'destination'),
    flags: column('flags_col', 'flags'),
    priority: column('priority_col', 'priority'),
    attributes: column('attrs_col', 'attrs'),
  }
  const table = column('table_name', 'dispatcher')
  const database = databases.open(parameters.text('db_url'))
  const rows = await database.rows(`SELECT ${Object.values(columns).join(', ')} FROM ${table}`)
  return rows.map((row) => ({
    set: Number(row[columns.set]),
    uri: `${row[columns.uri]}`,
    flags: Number(row[columns.flags] ?? 0),
    priority: Number(row[columns.priority] ?? 0),
    attributes: `${row[columns.attributes] ?? ''}`,
  }))
}
