// Owns the interface of what shards share: registrations, hash tables, destination health.

/** A table of texts by key. Keys are latin1 texts; values are JSON texts of the user's own shape. */
export interface Store {
  /** The value, or undefined where there is none or it has expired. */
  get(table: string, key: string): string | undefined | Promise<string | undefined>
  /** Writes a value that expires `seconds` from now; without `seconds` it stays. Rejects with ERR_STORE when full. */
  set(table: string, key: string, value: string, seconds?: number): void | Promise<void>
  /** True when there was one. */
  delete(table: string, key: string): boolean | Promise<boolean>
  /** Keys that have not expired, in order of writing. */
  keys(table: string): string[] | Promise<string[]>
  close(): Promise<void>
}
