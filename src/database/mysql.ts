// Owns databases of MySQL and MariaDB. The only importer of mysql2.
import type { Pool } from 'mysql2/promise'
import { type ResultSet, type SqlValue, sqlValue } from './database.ts'
import { CONNECT_MILLIS, CONNECTIONS, type ServerAddress, ServerDatabase } from './server-database.ts'

export class MysqlDatabase extends ServerDatabase<Pool> {
  quote(name: string): string {
    return `\`${name.replaceAll('`', '``')}\``
  }

  protected async run(pool: Pool, sql: string, values: readonly SqlValue[]): Promise<ResultSet> {
    const [rows, fields] = await pool.query({ sql, rowsAsArray: true }, [...values])
    if (!Array.isArray(rows)) return { columns: [], rows: [], affected: rows.affectedRows }
    const columns = (fields ?? []).map((field) => field.name)
    return { columns, rows: (rows as unknown as unknown[][]).map((row) => row.map(sqlValue)), affected: 0 }
  }

  protected async connect({ host, port, user, password, database }: ServerAddress): Promise<Pool> {
    const { createPool } = await import('mysql2/promise')
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
