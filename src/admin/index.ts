// The door of the administrative room.
export { type AdminServer, type AdminSource, parseAdminAddress, startAdminServer } from './http.ts'
