// Owns module uac: From and To rewritten, challenges answered, requests of our own, registrations.
import { parseNameAddr, type SipMessage } from '../src/sip/index.ts'
import type { PvReference } from './contract.ts'
import { declarations, int, optional, text, variable } from './declaration.ts'
import { define } from './define.ts'
import { routeHooks } from './loose-route.ts'
import { edit, endOfHeaders } from './message-edits.ts'
import { bindPv, definePvClass, type PvValue } from './pv.ts'
import { parsePv } from './pv-format.ts'
import { setDestination, setRequestUri } from './request-uri.ts'
import { addRrParam } from './rr.ts'
import { currentRun } from './runtime.ts'
import { askNow } from './service.ts'
import { parameterOf, parameterValues, textParameter } from './settings.ts'
import { toBytes } from './text.ts'
import { base64, unbase64 } from './uac-restore.ts'

const MODULE = 'uac'
const uac = declarations(MODULE, ['request', 'branch'])

const restoreMode = textParameter(MODULE, 'restore_mode', 'auto')
const fromParameter = textParameter(MODULE, 'rr_from_store_param', 'vsf')
const toParameter = textParameter(MODULE, 'rr_to_store_param', 'vst')

type Side = 'From' | 'To'

/** Where the value of a From or To stands in the message, and its parts. */
function placedValue(message: SipMessage, name: Side) {
  const value = message.header(name)
  const parsed = value === undefined ? undefined : parseNameAddr(value)
  if (value === undefined || parsed === undefined) return undefined
  const start = message.raw.search(new RegExp(`^(?:${name}|${name[0]})[ \\t]*:`, 'im'))
  return { value, at: message.raw.indexOf(value, start), uri: uriText(value) }
}

function uriText(value: string): string {
  const bracket = value.indexOf('<')
  return bracket >= 0 ? value.slice(bracket + 1, value.indexOf('>', bracket)) : value.split(';', 1)[0]!.trim()
}

/** The value with another display name (undefined: as it is) and URI ('': as it is). */
function rewritten(value: string, display: string | undefined, uri: string): string {
  const bracket = value.indexOf('<')
  const close = bracket < 0 ? -1 : value.indexOf('>', bracket)
  const name = display ?? (bracket < 0 ? '' : value.slice(0, bracket).trimEnd())
  const old = uriText(value)
  const tail = bracket < 0 ? value.slice(old.length) : value.slice(close + 1)
  return `${name === '' && display === undefined ? '' : `${name} `}<${uri || old}>${tail}`
}

function replaceIn(side: Side, display: string | undefined, uri: string): number {
  const { message } = currentRun()
  const found = placedValue(message, side)
  if (found === undefined || found.at < 0) return -1
  const wanted = toBytes(uri).replace(/[\r\n<>]/g, '')
  edit(
    found.at,
    found.value.length,
    rewritten(found.value, display === undefined ? undefined : toBytes(display).replace(/[\r\n]/g, ' '), wanted),
  )
  if (wanted === '' || wanted === found.uri) return 1
  if (restoreMode() !== 'none') {
    addRrParam(`;${side === 'From' ? fromParameter() : toParameter()}=${base64(found.uri, wanted)}`)
    if (restoreMode() === 'auto') askNow(MODULE, 'replaced')
  }
  return 1
}

function replacing(kamailio: string, side: Side) {
  return define(
    {
      ...uac(
        kamailio,
        [text('uri')],
        `Replaces the URI of ${side}, or display name and URI; '' leaves a URI and takes a name away. With restore_mode auto the caller never sees it.`,
        `${kamailio}("\\"Support\\"", "sip:support@example.com");`,
      ),
      overloads: [[text('display'), text('uri')]],
    },
    (first: string, second?: string) =>
      second === undefined ? replaceIn(side, undefined, first) : replaceIn(side, first, second),
  )
}
export const uacReplaceFrom = replacing('uac_replace_from', 'From')
export const uacReplaceTo = replacing('uac_replace_to', 'To')

/** Gives one side the other of its two URIs, by what our Route carries. */
function exchange(side: Side, stored: string): number {
  const found = placedValue(currentRun().message, side)
  if (found === undefined || found.at < 0) return -1
  const uri = unbase64(found.uri, stored)
  if (!/^(?:sips?|tel):[\x21-\x7e]+$/i.test(uri) || /[<>"]/.test(uri)) return -1
  edit(found.at, found.value.length, rewritten(found.value, undefined, uri))
  return 1
}

/** The value of a parameter that this module has put into a Record-Route. */
function parameterIn(params: string, name: string): string | undefined {
  let at = params.indexOf(`${name}=`)
  while (at > 0 && params[at - 1] !== ';') at = params.indexOf(`${name}=`, at + 1)
  if (at < 0) return undefined
  return VALUE.exec(params.slice(at + name.length + 1))?.[0]
}

const VALUE = /^[A-Za-z0-9+/-]+/

function restore(params: string, which: Side, direction: 'downstream' | 'upstream'): number {
  const stored = parameterIn(params, which === 'From' ? fromParameter() : toParameter())
  if (stored === undefined) return -1
  // What the caller calls From is the callee's To.
  const side = direction === 'downstream' ? which : which === 'From' ? 'To' : 'From'
  return exchange(side, stored)
}

routeHooks.push((params, direction) => {
  if (restoreMode() !== 'auto') return
  const changed = (['From', 'To'] as const).filter((which) => restore(params, which, direction()) > 0)
  if (changed.length > 0) askNow(MODULE, 'replaced')
})

function restoring(kamailio: string, which: Side) {
  return define(
    uac(
      kamailio,
      [],
      `Puts the other URI of ${which} back, after loose_route, with restore_mode manual.`,
      `${kamailio}();`,
      ['request'],
    ),
    () => {
      const { routeParams } = currentRun().state
      return routeParams === undefined ? -1 : restore(routeParams, which, 'downstream')
    },
  )
}
export const uacRestoreFrom = restoring('uac_restore_from', 'From')
export const uacRestoreTo = restoring('uac_restore_to', 'To')

/** The variable that a parameter names. */
const avpOf = (name: string) =>
  parameterOf(MODULE, name, undefined as PvReference['get'] | undefined, (value) => {
    const { get } = bindPv(parsePv(`${value}`))
    return () => get() ?? null
  })
const userVariable = avpOf('auth_username_avp')
const passwordVariable = avpOf('auth_password_avp')
const realmVariable = avpOf('auth_realm_avp')

interface Credentials {
  readonly realm: string
  readonly user: string
  readonly password: string
}

/** What the variables say, then modparam credential: `user:realm:password`. */
function credentials(): Credentials[] {
  const read = (get: PvReference['get'] | undefined) => `${get?.() ?? ''}`
  const own = { realm: read(realmVariable()), user: read(userVariable()), password: read(passwordVariable()) }
  const listed = parameterValues(MODULE, 'credential').flatMap((value) => {
    const [user, realm, ...password] = `${value}`.split(':')
    return user === undefined || realm === undefined ? [] : [{ realm, user, password: password.join(':') }]
  })
  return own.user === '' ? listed : [own, ...listed]
}

const CHALLENGE = /^((?:WWW|Proxy)-Authenticate)[ \t]*:[ \t]*(.*)$/gim

function authenticate(mode: number): number {
  const run = currentRun()
  const { reply } = run.meta
  const request = run.request
  if (reply === undefined || request === undefined) return -1
  for (const [, header, value] of reply.matchAll(CHALLENGE)) {
    const realm = /\brealm\s*=\s*"([^"]*)"/i.exec(value!)?.[1] ?? ''
    const found = credentials().find((each) => each.realm === '' || each.realm === realm)
    if (found === undefined) continue
    const line = askNow<string | null>(MODULE, 'digest', {
      header,
      value: value!.trim(),
      user: found.user,
      password: found.password,
      method: request.method,
      uri: run.state.target.uri,
      ha1: mode & 1,
    })
    if (line === null) continue
    edit(endOfHeaders(run.message), 0, line)
    // The same R-URI is sent again.
    run.state.consumed = false
    return 1
  }
  return -1
}

export const uacAuth = define(
  uac(
    'uac_auth',
    [optional(int('mode'))],
    'Answers the challenge of the reply that failed, in the branches to come. Mode 1: the password is an HA1.',
    'if (uac_auth()) { t_relay(); }',
    ['failure'],
  ),
  (mode?: number | string) => authenticate(Number(mode ?? 0)),
)

export const uacAuthMode = define(
  uac('uac_auth_mode', [int('mode')], 'As uac_auth with a mode.', 'uac_auth_mode("1");', ['failure']),
  (mode: number | string) => authenticate(Number(mode)),
)

const FIELDS = [
  'method',
  'ruri',
  'turi',
  'furi',
  'callid',
  'hdrs',
  'body',
  'ouri',
  'sock',
  'auser',
  'apasswd',
  'cseq',
  'evroute',
  'evcode',
  'evtype',
  'cuid',
  'all',
  'ftag',
  'ttag',
  'flags',
]
/** Of the process, as in Kamailio: what is said here stays until `all` is set to null. */
const fields = new Map<string, PvValue>()

definePvClass(
  {
    name: 'uac_req',
    module: MODULE,
    inner: { name: 'field', values: FIELDS },
    writable: true,
    doc: 'A field of the request that uac_req_send sends; in event_route[uac:reply] of the one that was answered, with evcode and evtype.',
  },
  (inner) => {
    const name = inner.text.trim()
    return {
      get() {
        if (currentRun().name === 'uac:reply')
          return askNow<Record<string, PvValue> | null>(MODULE, 'event')?.[name] ?? null
        return (
          fields.get(name) ??
          (name === 'all' || name.startsWith('ev') || name === 'cseq' || name === 'flags' ? 0 : null)
        )
      },
      set(value) {
        if (name === 'all') fields.clear()
        else if (value === null || value === undefined) fields.delete(name)
        else fields.set(name, value)
      },
    }
  },
)

const anywhere = declarations(MODULE)

export const uacReqSend = define(
  anywhere(
    'uac_req_send',
    [],
    'Sends the request that $uac_req describes, in a transaction of its own.',
    '$uac_req(method) = "OPTIONS"; uac_req_send();',
  ),
  () => askNow<number>(MODULE, 'send', Object.fromEntries(fields)),
)

interface Registration {
  readonly uuid: string
  readonly user: string
  readonly domain: string
  readonly remoteUser: string
  readonly remoteDomain: string
  readonly realm: string
  readonly authUser: string
  readonly password: string
  readonly proxy: string
}

function registration(by: 'uuid' | 'user' | 'uri', value: string): Registration | null {
  return askNow<Registration | null>(MODULE, 'registration', { by, value })
}

export const uacRegLookup = define(
  anywhere(
    'uac_reg_lookup',
    [text('uuid'), variable('result')],
    'Gives the local address of a registration of ours, by the user that the registrar calls.',
    'if (uac_reg_lookup("$rU", "$ru")) { lookup("location"); }',
  ),
  (uuid: string, result: PvReference) => {
    const found = registration('uuid', uuid)
    if (found === null) return -1
    result.set(`sip:${found.user}@${found.domain}`)
    return 1
  },
)

export const uacRegLookupUri = define(
  anywhere(
    'uac_reg_lookup_uri',
    [text('uri'), variable('result')],
    'As uac_reg_lookup, by the address at the registrar.',
    'uac_reg_lookup_uri("$ru", "$ru");',
  ),
  (uri: string, result: PvReference) => {
    const found = registration('uri', uri)
    if (found === null) return -1
    result.set(`sip:${found.user}@${found.domain}`)
    return 1
  },
)

export const uacRegStatus = define(
  anywhere(
    'uac_reg_status',
    [text('uuid')],
    'True if that registration of ours is up: -1 there is none, -2 not yet, -3 disabled.',
    'uac_reg_status("trunk1")',
  ),
  (uuid: string) => askNow<number>(MODULE, 'registrationStatus', { uuid }),
)

export const uacRegRequestTo = define(
  uac(
    'uac_reg_request_to',
    [text('user'), int('mode')],
    'Sends the request to the registrar of a registration of ours: mode 0 by local user, 1 by uuid; sets the credentials for uac_auth.',
    'uac_reg_request_to("$fU", 0);',
    ['request', 'failure', 'branch'],
  ),
  (user: string, mode: number | string) => {
    const found = registration((Number(mode) & 1) === 0 ? 'user' : 'uuid', user)
    if (found === null) return -1
    setRequestUri(`sip:${currentRun().state.target.parsed?.user ?? ''}@${found.remoteDomain}`)
    if (found.proxy !== '') setDestination(found.proxy)
    const give = (name: string, value: string) => {
      const variable = parameterValues(MODULE, name).at(-1)
      if (variable !== undefined) bindPv(parsePv(`${variable}`)).set?.(value)
    }
    give('auth_realm_avp', found.realm)
    give('auth_username_avp', found.authUser)
    give('auth_password_avp', found.password)
    return 1
  },
)

function switching(kamailio: string, action: 'enable' | 'disable') {
  return define(
    anywhere(
      kamailio,
      [text('attribute'), text('value')],
      `Lets a registration of ours be ${action}d, by l_uuid or l_username.`,
      `${kamailio}("l_uuid", "trunk1");`,
    ),
    (by: string, value: string) => askNow<number>(MODULE, 'registrationSwitch', { by, value, action }),
  )
}
export const uacRegEnable = switching('uac_reg_enable', 'enable')
export const uacRegDisable = switching('uac_reg_disable', 'disable')

export const uacRegRefresh = define(
  anywhere('uac_reg_refresh', [text('uuid')], 'Registers anew at once.', 'uac_reg_refresh("trunk1");'),
  (uuid: string) => askNow<number>(MODULE, 'registrationSwitch', { by: 'l_uuid', value: uuid, action: 'enable' }),
)
