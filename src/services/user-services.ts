// Owns the putting together of the services about users: where they are, who they are, what they may, what they did.
import type { Databases } from '../database/index.ts'
import { createAuth } from './auth.ts'
import { createAuthDb } from './auth-db.ts'
import { createRegistrar } from './registrar.ts'
import type { Service, ServiceHost } from './service.ts'
import { createUsrloc } from './usrloc.ts'

export function createUserServices(host: ServiceHost, databases: Databases): readonly Service[] {
  const usrloc = createUsrloc(host, databases)
  const auth = createAuth(host)
  return [
    usrloc,
    createRegistrar(host, usrloc.usrloc),
    auth,
    createAuthDb(host, databases, auth.authentication),
    // Last: whoever closes before it still writes.
    { module: 'databases', close: () => databases.close() },
  ]
}
