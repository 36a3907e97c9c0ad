// Owns the putting together of the services about users: where they are, who they are, what they may, what they did.
import type { Databases } from '../database/index.ts'
import { createAcc } from './acc.ts'
import { createAliasDb, createSpeeddial, createUriDb } from './aliases.ts'
import { createAuth } from './auth.ts'
import { createAuthDb } from './auth-db.ts'
import { checkAvpops, createAvpops } from './avpops.ts'
import { createDomain } from './domain.ts'
import { createMsilo } from './msilo.ts'
import { createNatTraversal } from './nat-traversal.ts'
import { createNathelper } from './nathelper.ts'
import type { ParameterCheck } from './parameter-checks.ts'
import { createPermissions } from './permissions.ts'
import { createPresence } from './presence.ts'
import { createRegistrar } from './registrar.ts'
import { checkRegistrar } from './registrar-outbound.ts'
import { createSecfilter } from './secfilter.ts'
import type { Service, ServiceHost } from './service.ts'
import { checkSqlops, createSqlops, problemOfUrl } from './sqlops.ts'
import { createTsilo } from './tsilo.ts'
import { createUserblocklists } from './userblocklist.ts'
import { createUsrloc } from './usrloc.ts'

/** A parameter that names a database. Of a driver that is not here, the functions that need it say so when they are used. */
const checkDatabase: ParameterCheck = ({ name, value }) =>
  name === 'db_url' && /^(?:sqlite3?|mysql|postgres(?:ql)?):/i.test(`${value}`) ? problemOfUrl(`${value}`) : undefined

const MODULES_OF_DATABASES = [
  'usrloc',
  'auth_db',
  'alias_db',
  'speeddial',
  'uri_db',
  'domain',
  'permissions',
  'acc',
  'msilo',
  'secfilter',
  'userblocklist',
  'userblacklist',
  'dialog',
]

/** What is wrong with one parameter, by module. */
export const USER_CHECKS: Readonly<Record<string, ParameterCheck>> = {
  ...Object.fromEntries(MODULES_OF_DATABASES.map((module) => [module, checkDatabase])),
  sqlops: checkSqlops,
  registrar: checkRegistrar,
  avpops: (parameter) => checkDatabase(parameter) ?? checkAvpops(parameter),
}

export function createUserServices(host: ServiceHost, databases: Databases): readonly Service[] {
  const usrloc = createUsrloc(host, databases)
  const auth = createAuth(host)
  const { service: registrar, lookup } = createRegistrar(host, usrloc.usrloc)
  return [
    usrloc,
    registrar,
    createTsilo(host, lookup),
    createNathelper(host, usrloc.usrloc),
    createNatTraversal(host),
    createSqlops(host, databases),
    auth,
    createAuthDb(host, databases, auth.authentication),
    createAcc(host, databases),
    createAliasDb(host, databases),
    createAvpops(host, databases),
    createSpeeddial(host, databases),
    createUriDb(host, databases),
    createDomain(host, databases),
    createPermissions(host, databases),
    createMsilo(host, databases),
    createSecfilter(host, databases),
    ...createUserblocklists(host, databases),
    ...createPresence(host),
    // Last: whoever closes before it still writes.
    { module: 'databases', close: () => databases.close() },
  ]
}
