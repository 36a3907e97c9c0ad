// Owns the store of one process: maps in memory, expired by the clock that is passed in.
import type { Clock } from '../clock.ts'
import { SignalboxError } from '../errors.ts'
import type { Store, StoredValue } from './store.ts'

interface Entry {
  readonly value: string
  /** On the clock's monotonic time; Infinity stays for ever. */
  readonly expires: number
}

export interface MemoryStoreOptions {
  readonly clock: Clock
  /** Most entries of one table; default 1,000,000. */
  readonly entriesPerTable?: number
}

/** Most entries of one table. */
export const MOST_ENTRIES = 1_000_000
/** A table of fewer is not looked through for what has expired. */
const FEW = 1000
/** Between two looks through a table that is full. */
const FULL_MILLIS = 1000

interface Table {
  readonly entries: Map<string, Entry>
  /** From so many entries on, those that have expired are taken out: twice what was there the last time. */
  sweepAt: number
  swept: number
}

/** Makes a store that forgets everything when the process ends. */
export function createMemoryStore(options: MemoryStoreOptions): Store {
  const { clock, entriesPerTable: limit = MOST_ENTRIES } = options
  const tables = new Map<string, Table>()

  function live(table: string, key: string): Entry | undefined {
    const entry = tables.get(table)?.entries.get(key)
    if (!entry || entry.expires > clock.now()) return entry
    drop(table, key)
    return undefined
  }

  /** A table without entries goes too: some are named after who is called. */
  function drop(table: string, key: string): void {
    const entries = tables.get(table)?.entries
    if (entries?.delete(key) && entries.size === 0) tables.delete(table)
  }

  function swept(table: string): Map<string, Entry> {
    const found = tables.get(table)
    if (found === undefined) return NONE
    const { entries } = found
    const now = clock.now()
    for (const [key, entry] of entries) if (entry.expires <= now) entries.delete(key)
    found.swept = now
    found.sweepAt = Math.min(limit, Math.max(FEW, 2 * entries.size))
    return entries
  }

  function put(table: string, key: string, entry: Entry): void {
    let found = tables.get(table)
    if (!found) {
      found = { entries: new Map(), sweepAt: Math.min(limit, FEW), swept: Number.NEGATIVE_INFINITY }
      tables.set(table, found)
    }
    const { entries } = found
    if (entries.size >= found.sweepAt && !entries.has(key)) {
      if (entries.size < limit || clock.now() - found.swept >= FULL_MILLIS) swept(table)
      if (entries.size >= limit) throw new SignalboxError('ERR_STORE', `table ${table} is full (${limit} entries)`)
    }
    entries.set(key, entry)
  }

  const after = (seconds: number | undefined): number =>
    seconds === undefined ? Number.POSITIVE_INFINITY : clock.now() + seconds * 1000

  return {
    isShared: false,
    get: (table, key) => live(table, key)?.value,
    set: (table, key, value, seconds) => put(table, key, { value, expires: after(seconds) }),
    delete(table, key) {
      const found = live(table, key) !== undefined
      drop(table, key)
      return found
    },
    update(table, key, change) {
      const before = live(table, key)
      const next: StoredValue | undefined = change(before?.value)
      if (next === undefined) drop(table, key)
      else {
        const { value, seconds } = next
        put(table, key, { value, expires: seconds === 'keep' ? (before?.expires ?? after(undefined)) : after(seconds) })
      }
      return next
    },
    remaining(table, key) {
      const entry = live(table, key)
      return entry === undefined ? undefined : (entry.expires - clock.now()) / 1000
    },
    keys: (table) => [...swept(table).keys()],
    entries: (table) => [...swept(table)].map(([key, { value }]) => [key, value]),
    size: (table) => swept(table).size,
    clear(table) {
      const { size } = swept(table)
      tables.delete(table)
      return size
    },
    // Nobody else is there.
    lease: () => true,
    async close() {
      tables.clear()
    },
  }
}

const NONE = new Map<string, Entry>()
