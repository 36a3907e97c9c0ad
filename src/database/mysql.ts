// Owns databases of MySQL and MariaDB. The only importer of mysql2.
import type { Socket } from 'node:net'
import type { Pool, PoolConnection } from 'mysql2/promise'
import { sqlValue } from './database.ts'
import { type Borrowed, CONNECT_MILLIS, CONNECTIONS, type ServerAddress, ServerDatabase } from './server-database.ts'

export class MysqlDatabase extends ServerDatabase<Pool> {
  quote(name: string): string {
    return `\`${name.replaceAll('`', '``')}\``
  }

  protected async borrow(pool: Pool): Promise<Borrowed> {
    const connection = await freeOf(pool)
    return {
      socket: (connection.connection as unknown as { stream: Socket }).stream,
      async run(sql, values) {
        const [rows, fields] = await connection.query({ sql, rowsAsArray: true }, [...values])
        if (!Array.isArray(rows)) return { columns: [], rows: [], affected: rows.affectedRows }
        const columns = (fields ?? []).map((field) => field.name)
        return { columns, rows: (rows as unknown as unknown[][]).map((row) => row.map(sqlValue)), affected: 0 }
      },
      release: (isBroken) => (isBroken ? connection.destroy() : connection.release()),
    }
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

/** Its own queue knows no end of waiting. */
function freeOf(pool: Pool): Promise<PoolConnection> {
  return new Promise((resolve, reject) => {
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      reject(new Error(`no connection was free within ${CONNECT_MILLIS / 1000} s`))
    }, CONNECT_MILLIS)
    pool
      .getConnection()
      .then((connection) => (isLate ? connection.release() : resolve(connection)), reject)
      .finally(() => clearTimeout(timer))
  })
}
