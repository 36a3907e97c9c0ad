// Owns the databases under way: one for each URL, whoever asks for it.
import { isAbsolute, join } from 'node:path'
import type { Database } from './database.ts'
import { MysqlDatabase } from './mysql.ts'
import { PostgresDatabase } from './postgres.ts'
import { OWN_SCHEMA } from './schema.ts'
import { SqliteDatabase } from './sqlite.ts'
import { parseDatabaseUrl } from './url.ts'

export interface DatabasesOptions {
  /** Where relative paths begin, and where our own file stands. */
  readonly folder: string
}

export interface Databases {
  /**
   * The database of a URL; '' is our own file beside the script, whose tables are made on demand. Nothing is opened
   * before the first statement. Throws ERR_CONFIG for a URL that is none.
   */
  open(url: string): Database
  close(): Promise<void>
}

/** Where a file names no database. */
const OWN_FILE = 'signalbox.sqlite'

export function openDatabases({ folder }: DatabasesOptions): Databases {
  const opened = new Map<string, Database>()
  const make = (url: string): Database => {
    if (url === '') {
      const file = join(folder, OWN_FILE)
      return new SqliteDatabase({ file, name: `sqlite://${file}`, schema: OWN_SCHEMA })
    }
    const address = parseDatabaseUrl(url)
    switch (address.driver) {
      case 'sqlite': {
        const file = isAbsolute(address.file) ? address.file : join(folder, address.file)
        return new SqliteDatabase({ file, name: address.name })
      }
      case 'mysql':
        return new MysqlDatabase(address)
      case 'postgres':
        return new PostgresDatabase(address)
    }
  }
  return {
    open(url) {
      let database = opened.get(url)
      if (database === undefined) opened.set(url, (database = make(url)))
      return database
    },
    async close() {
      await Promise.allSettled([...opened.values()].map((database) => database.close()))
      opened.clear()
    },
  }
}
