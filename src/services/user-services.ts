// Owns the putting together of the services about users: where they are, who they are, what they may, what they did.
import type { Databases } from '../database/index.ts'
import { createAcc } from './acc.ts'
import { createAliasDb, createSpeeddial, createUriDb } from './aliases.ts'
import { createAuth } from './auth.ts'
import { createAuthDb } from './auth-db.ts'
import { createDomain } from './domain.ts'
import { createNathelper } from './nathelper.ts'
import { createPermissions } from './permissions.ts'
import { createPresence } from './presence.ts'
import { createRegistrar } from './registrar.ts'
import type { Service, ServiceHost } from './service.ts'
import { createSqlops } from './sqlops.ts'
import { createUsrloc } from './usrloc.ts'

export function createUserServices(host: ServiceHost, databases: Databases): readonly Service[] {
  const usrloc = createUsrloc(host, databases)
  const auth = createAuth(host)
  return [
    usrloc,
    createRegistrar(host, usrloc.usrloc),
    createNathelper(host, usrloc.usrloc),
    createSqlops(host, databases),
    auth,
    createAuthDb(host, databases, auth.authentication),
    createAcc(host, databases),
    createAliasDb(host, databases),
    createSpeeddial(host, databases),
    createUriDb(host, databases),
    createDomain(host, databases),
    createPermissions(host, databases),
    ...createPresence(host),
    // Last: whoever closes before it still writes.
    { module: 'databases', close: () => databases.close() },
  ]
}
