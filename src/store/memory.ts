// Owns the store of one process: maps in memory, expired by the clock that is passed in.
import type { Clock } from '../clock.ts'
import { SignalboxError } from '../errors.ts'
import type { Store } from './store.ts'

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

/** Makes a store that forgets everything when the process ends. */
export function createMemoryStore(options: MemoryStoreOptions): Store {
  const limit = options.entriesPerTable ?? 1_000_000
  const tables = new Map<string, Map<string, Entry>>()

  function live(table: string, key: string): Entry | undefined {
    const entries = tables.get(table)
    const entry = entries?.get(key)
    if (!entry || entry.expires > options.clock.now()) return entry
    entries?.delete(key)
    return undefined
  }

  function sweep(entries: Map<string, Entry>): void {
    const now = options.clock.now()
    for (const [key, entry] of entries) if (entry.expires <= now) entries.delete(key)
  }

  return {
    get: (table, key) => live(table, key)?.value,
    set(table, key, value, seconds) {
      let entries = tables.get(table)
      if (!entries) tables.set(table, (entries = new Map()))
      if (!entries.has(key) && entries.size >= limit) {
        sweep(entries)
        if (entries.size >= limit) throw new SignalboxError('ERR_STORE', `table ${table} is full (${limit} entries)`)
      }
      const expires = seconds === undefined ? Number.POSITIVE_INFINITY : options.clock.now() + seconds * 1000
      entries.set(key, { value, expires })
    },
    delete(table, key) {
      const found = live(table, key) !== undefined
      tables.get(table)?.delete(key)
      return found
    },
    keys(table) {
      const entries = tables.get(table)
      if (!entries) return []
      sweep(entries)
      return [...entries.keys()]
    },
    async close() {
      tables.clear()
    },
  }
}
