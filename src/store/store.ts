// Owns the interface of what worker processes share: registrations, hash tables, destination health.

/** What to write, and for how long. */
export interface StoredValue {
  readonly value: string
  /** From now; absent: it stays. `'keep'`: as long as the value before it would have stayed. */
  readonly seconds?: number | 'keep'
}

/**
 * Tables of texts by key. Every operation is one step that no other process sees half done. Keys and values are texts;
 * values are JSON of the user's own shape. Expired entries are not there, whatever is asked.
 */
export interface Store {
  /** Other processes read and write it at the same time. */
  readonly isShared: boolean
  get(table: string, key: string): string | undefined
  /** Writes a value that expires `seconds` from now; without `seconds` it stays. Throws ERR_STORE when the table is full. */
  set(table: string, key: string, value: string, seconds?: number): void
  /** True when there was one. */
  delete(table: string, key: string): boolean
  /** Reads, changes and writes one value as one step; `change` answers undefined to delete it. Gives what it answered. */
  update(
    table: string,
    key: string,
    change: (before: string | undefined) => StoredValue | undefined,
  ): StoredValue | undefined
  /** Seconds until it expires, Infinity when never; undefined when there is none. */
  remaining(table: string, key: string): number | undefined
  /** Keys in the order in which they came to be. */
  keys(table: string): string[]
  /** Keys with their values, in the order in which they came to be. */
  entries(table: string): [key: string, value: string][]
  size(table: string): number
  /** Empties a table; tells how many entries went. */
  clear(table: string): number
  /** True for the one process that holds the name: it keeps it by asking again within `seconds`. For work that one of many does. */
  lease(name: string, seconds: number): boolean
  close(): Promise<void>
}
