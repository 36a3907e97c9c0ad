// The door of the database room.
export { type Answer, chain, guarded } from './answer.ts'
export type { Database, ResultSet, Row, SqlValue } from './database.ts'
export { dateText, identifier } from './database.ts'
export { type Databases, type DatabasesOptions, openDatabases } from './open.ts'
export { type DatabaseAddress, parseDatabaseUrl } from './url.ts'
