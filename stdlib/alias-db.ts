// Owns modules alias_db, speeddial and uri_db: names of users that tables turn into others.
import { parseUri } from '../src/sip/index.ts'
import type { Parameter, PvReference } from './contract.ts'
import { ANY_ROUTE, defineWaiting } from './define.ts'
import { setRequestUri } from './request-uri.ts'
import { after, currentRun, type Pending } from './runtime.ts'
import { ask } from './service.ts'
import { numberParameter } from './settings.ts'
import { MAXIMUM_BRANCHES, Target } from './transaction-state.ts'

const table: Parameter = { name: 'table', kind: 'string' }
const flags: Parameter = { name: 'flags', kind: 'string', optional: true }
const appendBranches = numberParameter('alias_db', 'append_branches', 0)

export const aliasDbLookup = defineWaiting(
  {
    name: 'aliasDbLookup',
    kamailio: 'alias_db_lookup',
    module: 'alias_db',
    parameters: [table, flags],
    routes: ['request', 'failure'],
    doc: 'Replaces an R-URI that is an alias by its user. Flags: d user part alone, u with the domain, r the other way round.',
    example: 'if (alias_db_lookup("dbaliases")) route(LOCATION);',
  },
  (name: string, how?: string) => {
    const { state } = currentRun()
    return after(
      ask<string[]>('alias_db', 'find', { table: name, uri: state.target.uri, flags: how ?? '' }),
      (uris): number => {
        const [first, ...rest] = uris
        if (first === undefined) return -1
        setRequestUri(first)
        if (appendBranches() !== 0)
          for (const uri of rest) if (state.branches.length < MAXIMUM_BRANCHES) state.branches.push(new Target(uri))
        return 1
      },
    )
  },
)

export const aliasDbFind = defineWaiting(
  {
    name: 'aliasDbFind',
    kamailio: 'alias_db_find',
    module: 'alias_db',
    parameters: [table, { name: 'uri', kind: 'string' }, { name: 'target', kind: 'pv' }, flags],
    routes: ANY_ROUTE,
    doc: 'Stores what a URI is an alias of in a variable; flags as those of alias_db_lookup().',
    example: 'alias_db_find("dbaliases", "$fu", "$avp(alias)", "r");',
  },
  (name: string, uri: string, target: PvReference, how?: string) =>
    after(ask<string[]>('alias_db', 'find', { table: name, uri, flags: how ?? '' }), ([first]): number => {
      if (first === undefined) return -1
      target.set(first)
      return 1
    }),
)

export const sdLookup = defineWaiting(
  {
    name: 'sdLookup',
    kamailio: 'sd_lookup',
    module: 'speeddial',
    parameters: [table, { name: 'owner', kind: 'string', optional: true }],
    routes: ['request'],
    doc: 'Replaces an R-URI that is a short number of the caller (or of the owner given) by what it stands for.',
    example: 'if ($rU =~ "^[0-9]{2}$") sd_lookup("speed_dial");',
  },
  (name: string, owner?: string) => {
    const { message, state } = currentRun()
    const caller = owner ?? message.from?.uri ?? ''
    const found = ask<string | null>('speeddial', 'find', { table: name, owner: caller, uri: state.target.uri })
    return after(found, (uri): number => {
      if (uri === null || parseUri(uri) === undefined) return -1
      setRequestUri(uri)
      return 1
    })
  },
)

function uriDb(name: string, kamailio: string, doc: string, example: string, parameters: readonly Parameter[] = []) {
  return { name, kamailio, module: 'uri_db', parameters, routes: ['request'] as const, doc, example }
}

/** May who authenticated call himself so? */
function checkUri(text: string | undefined): number | Pending<number> {
  const uri = parseUri(text ?? '')
  const { authorized } = currentRun().state
  if (uri?.user === undefined || authorized === undefined) return -1
  const user = authorized.user.replace(/@.*$/s, '')
  const query = { user, uriUser: uri.user, domain: uri.host }
  return after(ask<boolean | null>('uri_db', 'allowed', query), (allowed): number => {
    const right = allowed ?? (user === uri.user && authorized.realm.toLowerCase() === uri.host.toLowerCase())
    return right ? 1 : -1
  })
}

export const checkFrom = defineWaiting(
  uriDb('checkFrom', 'check_from', 'True if From names who authenticated.', 'if (!check_from()) exit;'),
  () => checkUri(currentRun().message.from?.uri),
)

export const checkTo = defineWaiting(
  uriDb('checkTo', 'check_to', 'True if To names who authenticated.', 'if (!check_to()) exit;'),
  () => checkUri(currentRun().message.to?.uri),
)

export const checkUserUri = defineWaiting(
  uriDb('checkUserUri', 'check_uri', 'True if the URI names who authenticated.', 'check_uri("$fu")', [
    { name: 'uri', kind: 'string' },
  ]),
  (uri: string) => checkUri(uri),
)

export const doesUriExist = defineWaiting(
  uriDb('doesUriExist', 'does_uri_exist', 'True if the user of the R-URI is known.', 'if (!does_uri_exist()) exit;'),
  () => {
    const uri = currentRun().target?.parsed
    if (uri?.user === undefined) return -1
    return after(ask<boolean>('uri_db', 'exists', { user: uri.user, domain: uri.host }), (there): number =>
      there ? 1 : -1,
    )
  },
)
