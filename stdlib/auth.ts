// Owns module auth: challenges, credentials that are checked against a password of the script's, and their removal.
import { type DigestParams, parseDigest, parseUri, SipRequest } from '../src/sip/index.ts'
import type { BuiltinMeta, Parameter, PvReference } from './contract.ts'
import { define } from './define.ts'
import { removeHeaderLine } from './message-edits.ts'
import { sendReplyAs } from './replies.ts'
import { currentRun } from './runtime.ts'
import { askNow } from './service.ts'

/** Kamailio's codes. */
export const NO_CREDENTIALS = -5
const EXPIRED = -4
const USER_MISMATCH = -8

const realmParameter: Parameter = { name: 'realm', kind: 'string' }
const flagsParameter: Parameter = { name: 'flags', kind: 'string' }

function auth(
  name: string,
  kamailio: string,
  parameters: readonly Parameter[],
  doc: string,
  example: string,
): Omit<BuiltinMeta, 'waits'> {
  return { name, kamailio, module: 'auth', parameters, routes: ['request'], doc, example }
}

/** `www`: Authorization and 401. `proxy`: Proxy-Authorization and 407. */
export type Side = 'www' | 'proxy'

const CREDENTIALS = { www: 'Authorization', proxy: 'Proxy-Authorization' } as const

/** A REGISTER is answered by who it is for, everything else passes through. */
export function sideOf(method: string): Side {
  return method === 'REGISTER' ? 'www' : 'proxy'
}

/** The header line with credentials for the realm, and what it says. */
export function findCredentials(side: Side, realm: string): { index: number; params: DigestParams } | undefined {
  const { message } = currentRun()
  const name = CREDENTIALS[side]
  for (let at = message.find(name); at >= 0; at = message.find(name, at + 1)) {
    const params = parseDigest(message.headerValue(at))
    if (params !== undefined && params.get('realm') === realm) return { index: at, params }
  }
  return undefined
}

/** What the services check; see src/services/auth.ts. */
export function credentialsFor(params: DigestParams, method: string): Record<string, string> {
  const { message } = currentRun()
  const names = ['username', 'realm', 'nonce', 'uri', 'response', 'algorithm', 'qop', 'nc', 'cnonce']
  const credentials = Object.fromEntries(names.map((name) => [name, params.get(name) ?? '']))
  return { ...credentials, method, body: credentials.qop === 'auth-int' ? message.body : '' }
}

/** Notes the outcome of a check: who it was, or that the next challenge is for a nonce that was too old. */
export function noteChecked(code: number, found: { index: number; params: DigestParams }): number {
  const { state } = currentRun()
  if (code > 0) {
    state.authorized = { user: found.params.get('username') ?? '', realm: found.params.get('realm') ?? '' }
    state.authorizedHeader = found.index
  } else if (code === EXPIRED) state.staleNonce = true
  return code
}

/** RFC 3261 22.1: ACK and CANCEL are not challenged. */
export function alwaysAuthorized(method: string): boolean {
  return method === 'ACK' || method === 'CANCEL'
}

function pvCheck(side: Side, realm: string, password: string, flags: number, method?: string): number {
  const { message } = currentRun()
  if (!(message instanceof SipRequest) || realm === '') return -1
  if (alwaysAuthorized(message.method)) return 1
  const found = findCredentials(side, realm)
  if (found === undefined) return NO_CREDENTIALS
  const code = askNow<number>('auth', 'check', {
    credentials: credentialsFor(found.params, method ?? message.method),
    password,
    kind: (flags & 1) !== 0 ? 'ha1' : 'password',
  })
  return noteChecked(code, found)
}

const password: Parameter = { name: 'password', kind: 'string' }

export const pvWwwAuthenticate = define(
  auth(
    'pvWwwAuthenticate',
    'pv_www_authenticate',
    [realmParameter, password, flagsParameter, { name: 'method', kind: 'string', optional: true }],
    'Checks the credentials of Authorization against a password; with flag 1, against H(user:realm:password).',
    'if (!pv_www_authenticate("$td", "secret", "0")) { www_challenge("$td", "1"); exit; }',
  ),
  (realm: string, secret: string | number, flags: string | number, method?: string) =>
    pvCheck('www', realm, `${secret}`, Number(flags), method),
)

export const pvProxyAuthenticate = define(
  auth(
    'pvProxyAuthenticate',
    'pv_proxy_authenticate',
    [realmParameter, password, flagsParameter],
    'As pv_www_authenticate, for Proxy-Authorization.',
    'if (!pv_proxy_authenticate("$fd", "secret", "0")) { proxy_challenge("$fd", "1"); exit; }',
  ),
  (realm: string, secret: string | number, flags: string | number) =>
    pvCheck('proxy', realm, `${secret}`, Number(flags)),
)

/** The user part of a URI, '' when it has none. */
const userOf = (uri: string | undefined) => parseUri(uri ?? '')?.user ?? ''

export const pvAuthCheck = define(
  auth(
    'pvAuthCheck',
    'pv_auth_check',
    [realmParameter, password, flagsParameter, { name: 'checks', kind: 'string' }],
    'As the two before, by the method; with checks 1, From (in a REGISTER To) has to name the same user.',
    'if (!pv_auth_check("$fd", "$avp(password)", "0", "1")) { auth_challenge("$fd", "1"); exit; }',
  ),
  (realm: string, secret: string | number, flags: string | number, checks: string | number) => {
    const { message, state } = currentRun()
    if (!(message instanceof SipRequest)) return -1
    const code = pvCheck(sideOf(message.method), realm, `${secret}`, Number(flags))
    if (code < 0 || Number(checks) !== 1 || alwaysAuthorized(message.method)) return code
    const named = userOf(message.method === 'REGISTER' ? message.to?.uri : message.from?.uri)
    if (state.authorized?.user.replace(/@.*$/s, '') === named) return code
    state.authorized = undefined
    return USER_MISMATCH
  },
)

const QOP_AUTH = 1
const QOP_AUTH_INT = 2
const STALE = 16

function challengeValue(realm: string, flags: number): string {
  const { state } = currentRun()
  const qop = (flags & QOP_AUTH_INT) !== 0 ? 'auth-int' : (flags & QOP_AUTH) !== 0 ? 'auth' : ''
  return askNow<string>('auth', 'challenge', { realm, qop, stale: (flags & STALE) !== 0 || state.staleNonce })
}

function challenge(side: Side, realm: string, flags: number): number {
  const { message, state } = currentRun()
  if (!(message instanceof SipRequest) || alwaysAuthorized(message.method) || realm === '') return -1
  const header = side === 'www' ? 'WWW-Authenticate' : 'Proxy-Authenticate'
  state.addReplyHeaders(`${header}: ${challengeValue(realm, flags)}\r\n`)
  return side === 'www'
    ? sendReplyAs('auto', 401, 'Unauthorized')
    : sendReplyAs('auto', 407, 'Proxy Authentication Required')
}

function challenger(name: string, kamailio: string, doc: string, side: (method: string) => Side) {
  return define(
    {
      ...auth(
        name,
        kamailio,
        [realmParameter, flagsParameter],
        `${doc} Flags: 1 qop=auth, 2 qop=auth-int, 16 stale.`,
        `${kamailio}("$fd", "1");`,
      ),
      routes: ['request', 'failure'],
    },
    (realm: string, flags: string | number) =>
      challenge(side((currentRun().message as SipRequest).method), realm, Number(flags)),
  )
}

export const wwwChallenge = challenger('wwwChallenge', 'www_challenge', 'Answers 401 with a challenge.', () => 'www')
export const proxyChallenge = challenger(
  'proxyChallenge',
  'proxy_challenge',
  'Answers 407 with a challenge.',
  () => 'proxy',
)
export const authChallenge = challenger(
  'authChallenge',
  'auth_challenge',
  'Answers a REGISTER with 401 and anything else with 407, and a challenge.',
  sideOf,
)

export const authGetWwwAuthenticate = define(
  auth(
    'authGetWwwAuthenticate',
    'auth_get_www_authenticate',
    [realmParameter, flagsParameter, { name: 'target', kind: 'pv' }],
    'Makes a WWW-Authenticate header and stores it in a variable.',
    'auth_get_www_authenticate("$fd", "0", "$var(challenge)");',
  ),
  (realm: string, flags: string | number, target: PvReference) => {
    target.set(`WWW-Authenticate: ${challengeValue(realm, Number(flags))}\r\n`)
    return 1
  },
)

export const consumeCredentials = define(
  auth(
    'consumeCredentials',
    'consume_credentials',
    [],
    'Removes the credentials that were checked, so that they do not travel on.',
    'consume_credentials();',
  ),
  () => {
    const { message, state } = currentRun()
    const index = state.authorizedHeader
    if (index === undefined || index >= message.headerCount) return -1
    // msg_apply_changes may have moved the lines.
    if (!/^(?:Proxy-)?Authorization$/i.test(message.headerName(index))) return -1
    removeHeaderLine(message, index)
    return 1
  },
)

export const hasCredentials = define(
  auth(
    'hasCredentials',
    'has_credentials',
    [realmParameter],
    'True if the request has credentials for the realm.',
    'if (has_credentials("example.com")) consume_credentials();',
  ),
  (realm: string) => {
    const sides: readonly Side[] = ['proxy', 'www']
    return sides.some((side) => findCredentials(side, realm) !== undefined) ? 1 : -1
  },
)
