// Owns databases of PostgreSQL. The only importer of pg.
import type { Socket } from 'node:net'
import type { Pool } from 'pg'
import { sqlValue } from './database.ts'
import { type Borrowed, CONNECT_MILLIS, CONNECTIONS, type ServerAddress, ServerDatabase } from './server-database.ts'

/** Types of the server whose text is what is wanted: timestamp, timestamptz, date. */
const DATES: readonly number[] = [1114, 1184, 1082]

export class PostgresDatabase extends ServerDatabase<Pool> {
  quote(name: string): string {
    return `"${name.replaceAll('"', '""')}"`
  }

  protected async borrow(pool: Pool): Promise<Borrowed> {
    const client = await pool.connect()
    // What breaks meanwhile is told by the statement.
    const silent = () => {}
    client.on('error', silent)
    return {
      socket: (client as unknown as { connection: { stream: Socket } }).connection.stream,
      async run(sql, values) {
        const result = await client.query({ text: numbered(sql), values: [...values], rowMode: 'array' })
        const columns = result.fields.map((field) => field.name)
        const rows = (result.rows as unknown[][]).map((row) => row.map(sqlValue))
        return { columns, rows, affected: columns.length === 0 ? (result.rowCount ?? 0) : 0 }
      },
      release(isBroken) {
        client.off('error', silent)
        client.release(isBroken)
      },
    }
  }

  protected async connect({ host, port, user, password, database }: ServerAddress): Promise<Pool> {
    const { default: pg } = await import('pg')
    const pool = new pg.Pool({
      host,
      user,
      password,
      database,
      ...(port === undefined ? {} : { port }),
      max: CONNECTIONS,
      connectionTimeoutMillis: CONNECT_MILLIS,
      types: {
        getTypeParser: (type: number, format?: unknown) =>
          DATES.includes(type) ? String : pg.types.getTypeParser(type, format as 'text'),
      },
    })
    // A server that goes away between two statements is reported by the next one.
    pool.on('error', () => {})
    return pool
  }
}

/** `?` outside of quotes becomes `$1`, `$2`... */
export function numbered(sql: string): string {
  let count = 0
  return sql.replace(/'(?:[^']|'')*'|"(?:[^"]|"")*"|\?/g, (found) => (found === '?' ? `$${++count}` : found))
}
