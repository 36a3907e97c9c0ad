// Owns the store that several processes share and that outlives each of them: a file of SQLite, without the cost of safety on disk.
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { Clock } from '../clock.ts'
import { SignalboxError } from '../errors.ts'
import { MOST_ENTRIES } from './memory.ts'
import type { Store } from './store.ts'

export interface SqliteStoreOptions {
  readonly clock: Clock
  /** Made when absent. Who owns it deletes it: the store is a memory that processes share, no archive. */
  readonly file: string
  /** Most entries of one table; default 1,000,000. */
  readonly entriesPerTable?: number
  /** One process at a time has it: it outlives each of them. */
  readonly oneAtATime?: boolean
}

/** An answer of the lease table. */
const LEASES = 'store:leases'
/** Entries never expire at this time. */
const NEVER = Number.MAX_SAFE_INTEGER

/** Opens the store of a file. Times are those of the wall, so that processes agree on them. Throws ERR_STORE when it cannot be opened. */
export function createSqliteStore(options: SqliteStoreOptions): Store {
  const { clock, file, entriesPerTable: limit = MOST_ENTRIES } = options
  const owner = `${process.pid}:${Math.random()}`
  const database = open(file)
  const prepare = (sql: string): StatementSync => database.prepare(sql)
  const read = prepare('SELECT value, expires FROM entry WHERE part = ? AND name = ? AND expires > ?')
  const write = prepare(
    `INSERT INTO entry (part, name, value, expires) VALUES (?, ?, ?, ?)
     ON CONFLICT (part, name) DO UPDATE SET value = excluded.value, expires = excluded.expires`,
  )
  const remove = prepare('DELETE FROM entry WHERE part = ? AND name = ?')
  const count = prepare('SELECT count(*) AS n FROM entry WHERE part = ? AND expires > ?')
  const list = prepare('SELECT name, value FROM entry WHERE part = ? AND expires > ? ORDER BY id')
  const sweep = prepare('DELETE FROM entry WHERE part = ? AND expires <= ?')
  const empty = prepare('DELETE FROM entry WHERE part = ?')
  const begin = prepare('BEGIN IMMEDIATE')
  const commit = prepare('COMMIT')
  const rollback = prepare('ROLLBACK')
  /** Entries of each table that this process has written since it counted them last. */
  const written = new Map<string, number>()

  const now = () => clock.wallclock()
  const after = (seconds: number | undefined) => (seconds === undefined ? NEVER : now() + seconds * 1000)
  const found = (table: string, key: string) =>
    read.get(table, key, now()) as { value: string; expires: number } | undefined
  const sizeOf = (table: string) => (count.get(table, now()) as { n: number }).n

  /** Counting costs as much as a table is long, so it is done once in so many writes. */
  function checkRoom(table: string): void {
    const writes = (written.get(table) ?? 0) + 1
    written.set(table, writes % 1000)
    if (writes < 1000) return
    sweep.run(table, now())
    if (sizeOf(table) >= limit) throw new SignalboxError('ERR_STORE', `table ${table} is full (${limit} entries)`)
  }

  function put(table: string, key: string, value: string, expires: number): void {
    checkRoom(table)
    write.run(table, key, value, expires)
  }

  /** Everything in `work`, or nothing, with other processes kept out. */
  function alone<T>(work: () => T): T {
    begin.run()
    try {
      const result = work()
      commit.run()
      return result
    } catch (error) {
      rollback.run()
      throw error
    }
  }

  const update: Store['update'] = (table, key, change) =>
    alone(() => {
      const before = found(table, key)
      const next = change(before?.value)
      if (next === undefined) {
        if (before !== undefined) remove.run(table, key)
      } else {
        const { value, seconds } = next
        put(table, key, value, seconds === 'keep' ? (before?.expires ?? NEVER) : after(seconds))
      }
      return next
    })

  return {
    isShared: options.oneAtATime !== true,
    get: (table, key) => found(table, key)?.value,
    set: (table, key, value, seconds) => put(table, key, value, after(seconds)),
    delete(table, key) {
      return alone(() => {
        const there = found(table, key) !== undefined
        remove.run(table, key)
        return there
      })
    },
    update,
    remaining(table, key) {
      const entry = found(table, key)
      if (entry === undefined) return undefined
      return entry.expires === NEVER ? Number.POSITIVE_INFINITY : (entry.expires - now()) / 1000
    },
    keys: (table) => list.all(table, now()).map((row) => String(row.name)),
    entries: (table) => list.all(table, now()).map((row) => [String(row.name), String(row.value)]),
    size: sizeOf,
    clear(table) {
      return alone(() => {
        const size = sizeOf(table)
        empty.run(table)
        return size
      })
    },
    lease: (name, seconds) =>
      update(LEASES, name, (holder) =>
        holder === undefined || holder === owner ? { value: owner, seconds } : { value: holder, seconds: 'keep' },
      )?.value === owner,
    async close() {
      database.close()
    },
  }
}

function open(file: string): DatabaseSync {
  try {
    const database = new DatabaseSync(file)
    database.exec(
      `PRAGMA busy_timeout = 2000;
       PRAGMA journal_mode = WAL;
       PRAGMA synchronous = OFF;
       CREATE TABLE IF NOT EXISTS entry (
         id INTEGER PRIMARY KEY, part TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, expires REAL NOT NULL,
         UNIQUE (part, name)
       );
       CREATE INDEX IF NOT EXISTS by_expiry ON entry (part, expires);`,
    )
    return database
  } catch (error) {
    throw new SignalboxError('ERR_STORE', `the store ${file} cannot be opened: ${(error as Error).message}`, {
      cause: error,
    })
  }
}
