// The door of the store room.
export { createMemoryStore, type MemoryStoreOptions } from './memory.ts'
export { createSqliteStore, type SqliteStoreOptions } from './sqlite.ts'
export type { Store, StoredValue } from './store.ts'
