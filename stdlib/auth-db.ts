// Owns module auth_db: credentials checked against a table of subscribers, and the columns that come with them.
import { parseUri, SipRequest } from '../src/sip/index.ts'
import {
  alwaysAuthorized,
  credentialsFor,
  findCredentials,
  NO_CREDENTIALS,
  noteChecked,
  type Side,
  sideOf,
} from './auth.ts'
import type { BuiltinMeta, Parameter, PvReference } from './contract.ts'
import { defineWaiting } from './define.ts'
import { avpAccess } from './named-pv.ts'
import { after, currentRun, type Pending } from './runtime.ts'
import { ask } from './service.ts'
import { parameterOf } from './settings.ts'

const USER_MISMATCH = -8

const realmParameter: Parameter = { name: 'realm', kind: 'string' }
const tableParameter: Parameter = { name: 'table', kind: 'string' }

function authDb(
  name: string,
  kamailio: string,
  parameters: readonly Parameter[],
  doc: string,
  example: string,
  aliases: readonly string[] = [],
): Omit<BuiltinMeta, 'waits'> {
  return { name, kamailio, aliases, module: 'auth_db', parameters, routes: ['request'], doc, example }
}

/** `$avp(x)=column` keeps a column there, `column` in $avp(column). */
const targets = parameterOf('auth_db', 'load_credentials', variables('rpid'), (value) => variables(`${value}`))

function variables(text: string): (PvReference | undefined)[] {
  return text
    .split(/[;|,]/)
    .filter((part) => part.trim() !== '')
    .map((part) => {
      const equals = part.indexOf('=')
      return avpAccess(equals < 0 ? `$avp(${part.trim()})` : part.slice(0, equals))
    })
}

interface Checked {
  readonly code: number
  readonly values: readonly (string | number | null)[]
}

function keep(checked: Checked): void {
  const variables = targets()
  checked.values.forEach((value, i) => {
    if (value !== null) variables[i]?.set(value)
  })
}

/** A table's credentials against those of the request. */
function check(side: Side, realm: string, table: string, method?: string): number | Pending<number> {
  const { message } = currentRun()
  if (!(message instanceof SipRequest) || realm === '') return -1
  if (alwaysAuthorized(message.method)) return 1
  const found = findCredentials(side, realm)
  if (found === undefined) return NO_CREDENTIALS
  const credentials = credentialsFor(found.params, method ?? message.method)
  return after(ask<Checked>('auth_db', 'check', { table, credentials }), (checked) => {
    if (checked.code > 0) keep(checked)
    return noteChecked(checked.code, found)
  })
}

export const wwwAuthenticate = defineWaiting(
  authDb(
    'wwwAuthenticate',
    'www_authenticate',
    [realmParameter, tableParameter, { name: 'method', kind: 'string', optional: true }],
    'Checks the credentials of Authorization against a table of subscribers.',
    'if (!www_authenticate("$td", "subscriber")) { www_challenge("$td", "1"); exit; }',
    ['www_authorize'],
  ),
  (realm: string, table: string, method?: string) => check('www', realm, table, method),
)

export const proxyAuthenticate = defineWaiting(
  authDb(
    'proxyAuthenticate',
    'proxy_authenticate',
    [realmParameter, tableParameter],
    'As www_authenticate, for Proxy-Authorization.',
    'if (!proxy_authenticate("$fd", "subscriber")) { proxy_challenge("$fd", "1"); exit; }',
    ['proxy_authorize'],
  ),
  (realm: string, table: string) => check('proxy', realm, table),
)

/** Methods in which auth_check with flags 3 lets a caller be anonymous. */
const ANONYMOUS = ['INVITE', 'BYE', 'PRACK', 'UPDATE', 'MESSAGE']

/** auth_check's flag 1: the URIs that have to name the user who authenticated, of the realm. */
function namesUser(request: SipRequest, user: string, realm: string, flags: number): boolean {
  if ((flags & 1) === 0) return true
  if ((flags & 2) !== 0 && ANONYMOUS.includes(request.method)) return true
  const uris = [request.from?.uri]
  if (request.method === 'REGISTER' || request.method === 'PUBLISH') uris.push(request.to?.uri)
  if (request.method === 'PUBLISH') uris.push(request.requestUri)
  return uris.every((text) => {
    const uri = parseUri(text ?? '')
    return uri !== undefined && uri.user === user && uri.host.toLowerCase() === realm.toLowerCase()
  })
}

export const authCheck = defineWaiting(
  authDb(
    'authCheck',
    'auth_check',
    [realmParameter, tableParameter, { name: 'flags', kind: 'string' }],
    'As www_authenticate for a REGISTER and proxy_authenticate for the rest; with flag 1 From, To and R-URI have to name the user.',
    'if (!auth_check("$fd", "subscriber", "1")) { auth_challenge("$fd", "1"); exit; }',
  ),
  (realm: string, table: string, flags: string | number) => {
    const { message, state } = currentRun()
    if (!(message instanceof SipRequest)) return -1
    return after(check(sideOf(message.method), realm, table), (code) => {
      if (code < 0 || alwaysAuthorized(message.method)) return code
      const user = state.authorized?.user.replace(/@.*$/s, '') ?? ''
      if (namesUser(message, user, realm, Number(flags))) return code
      state.authorized = undefined
      return USER_MISMATCH
    })
  },
)

export const isSubscriber = defineWaiting(
  {
    ...authDb(
      'isSubscriber',
      'is_subscriber',
      [{ name: 'uri', kind: 'string' }, tableParameter, { name: 'flags', kind: 'string' }],
      'True if the user of the URI is in the table; flag 1: with the domain as well, flag 2: without.',
      'if (is_subscriber("$ru", "subscriber", "1")) route(LOCAL);',
    ),
    routes: ['request', 'reply', 'failure', 'branch'],
  },
  (text: string, table: string, flags: string | number) => {
    const uri = parseUri(text)
    if (uri?.user === undefined) return -1
    const domain = (Number(flags) & 1) !== 0 ? uri.host : ''
    return after(ask<Checked>('auth_db', 'subscriber', { table, user: uri.user, domain }), (checked) => {
      if (checked.code > 0) keep(checked)
      return checked.code
    })
  },
)
