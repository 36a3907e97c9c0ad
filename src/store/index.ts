// The door of the store room.
export { createMemoryStore, type MemoryStoreOptions } from './memory.ts'
export type { Store } from './store.ts'
