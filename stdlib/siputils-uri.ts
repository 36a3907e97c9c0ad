// Owns module siputils, its URIs: parameters, tel numbers, contacts encoded into parameters, answers to OPTIONS.
import { bracketHost, parseUri } from '../src/sip/index.ts'
import type { PvReference, RouteKind } from './contract.ts'
import { code, declarations, format, optional, text, variable } from './declaration.ts'
import { ANY_ROUTE, define } from './define.ts'
import { edit } from './message-edits.ts'
import { sendReplyAs } from './replies.ts'
import { cutUri, joinUri, runTarget, setRequestUri, withoutParam } from './request-uri.ts'
import { currentRun } from './runtime.ts'
import { textParameter } from './settings.ts'
import { base64Decode, base64Encode, unpadded } from './string-codecs.ts'

const WITH_TARGET: readonly RouteKind[] = ['request', 'failure', 'branch', 'event']
const siputils = declarations('siputils', WITH_TARGET)

export const uriParam = define(
  siputils(
    'uri_param',
    [format('name'), optional(format('value'))],
    'True if the R-URI has the parameter, with that value when one is given.',
    'uri_param("user", "phone")',
  ),
  (name: string, value?: string) => {
    const params = currentRun().target?.parsed?.params
    if (params?.has(name) !== true) return -1
    return code((params.get(name) ?? '') === (value ?? ''))
  },
)

export const uriParamAny = define(
  siputils(
    'uri_param_any',
    [format('name')],
    'True if the R-URI has the parameter, whatever its value.',
    'uri_param_any("transport")',
  ),
  (name: string) => code(currentRun().target?.parsed?.params.has(name) === true),
)

export const getUriParam = define(
  siputils(
    'get_uri_param',
    [format('name'), variable('variable')],
    'Puts the value of a parameter of the R-URI into a variable.',
    'get_uri_param("transport", "$var(t)")',
    ['request', 'event'],
  ),
  (name: string, target: PvReference) => {
    const value = currentRun().target?.parsed?.params.get(name)
    if (value === undefined) return -1
    target.set(value)
    return 1
  },
)

export const addUriParam = define(
  siputils('add_uri_param', [format('param')], 'Adds a parameter to the R-URI.', 'add_uri_param("nat=yes");', [
    'request',
    'event',
  ]),
  (param: string) => {
    const seams = cutUri(runTarget().uri)
    if (seams === undefined) return -1
    if (param === '') return 1
    const headers = seams.tail.indexOf('?')
    const params = headers < 0 ? seams.tail : seams.tail.slice(0, headers)
    seams.tail = `${params};${param}${headers < 0 ? '' : seams.tail.slice(headers)}`
    setRequestUri(joinUri(seams))
    return 1
  },
)

function removeParam(name: string): boolean {
  const seams = cutUri(runTarget().uri)
  if (seams === undefined) return false
  const tail = withoutParam(seams.tail, name.toLowerCase())
  if (tail === seams.tail) return false
  setRequestUri(joinUri({ ...seams, tail }))
  return true
}

export const uriParamRm = define(
  siputils('uri_param_rm', [format('name')], 'Removes a parameter of the R-URI.', 'uri_param_rm("ob");'),
  (name: string) => {
    removeParam(name)
    return 1
  },
)

/** A part of a URI in a variable replaced. */
function changed(kamailio: string, doc: string, part: 'userinfo' | 'hostport') {
  return define(
    siputils(kamailio, [variable('uri'), text('value')], doc, `${kamailio}("$var(uri)", "new");`, ANY_ROUTE),
    (target: PvReference, value: string) => {
      const seams = cutUri(`${target.get() ?? ''}`)
      if (seams === undefined) return -1
      if (part === 'userinfo') seams.userinfo = value === '' ? undefined : value
      else seams.hostport = value
      target.set(joinUri(seams))
      return 1
    },
  )
}
export const setUriUser = changed('set_uri_user', 'Sets the user part of a URI in a variable.', 'userinfo')
export const setUriHost = changed('set_uri_host', 'Sets the host of a URI in a variable.', 'hostport')

export const tel2sip = define(
  siputils(
    'tel2sip',
    [text('uri'), text('host'), variable('variable')],
    'Puts a tel URI as a SIP URI of that host into a variable; 2 for any other URI, the variable staying as it was.',
    'tel2sip("$fu", "example.com", "$var(uri)");',
    ['request', 'reply', 'failure', 'branch', 'event'],
  ),
  (uri: string, host: string, target: PvReference) => {
    if (!/^tel:/i.test(uri)) return 2
    const semicolon = uri.indexOf(';')
    const number = uri.slice(4, semicolon < 0 ? uri.length : semicolon).replace(/[-.() ]/g, '')
    target.set(`sip:${number}${semicolon < 0 ? '' : uri.slice(semicolon)}@${host};user=phone`)
    return 1
  },
)

function eachContact(change: (uri: string) => string | undefined): number {
  const { message } = currentRun()
  let done = -1
  for (const contact of message.nameAddrs('Contact')) {
    const uri = contact.uri === '*' ? undefined : change(contact.uri)
    if (uri === undefined) continue
    edit(contact.uriStart, contact.uriEnd - contact.uriStart, uri)
    done = 1
  }
  return done
}

const CONTACTS: readonly RouteKind[] = ['request', 'reply', 'failure', 'branch']
export const contactParamEncode = define(
  siputils(
    'contact_param_encode',
    [format('param'), format('socket')],
    'Writes our socket into the Contacts, their own URIs, base64, into a parameter of it.',
    'contact_param_encode("x", "sip:10.0.0.5:5060");',
    ['request', 'reply'],
  ),
  (param: string, socket: string) => eachContact((uri) => `${socket};${param}=${unpadded(base64Encode(uri))}`),
)

/** What contact_param_encode put into the parameter. */
function decoded(uri: string, param: string): string | undefined {
  const value = parseUri(uri)?.params.get(param.toLowerCase())
  const original = value === undefined ? undefined : base64Decode(value.replace(/-/g, '+').replace(/_/g, '/'))
  return original === undefined || parseUri(original) === undefined ? undefined : original
}
export const contactParamDecode = define(
  siputils('contact_param_decode', [format('param')], 'contact_param_encode undone.', 'contact_param_decode("x");', [
    'request',
    'reply',
  ]),
  (param: string) => eachContact((uri) => decoded(uri, param)),
)
export const contactParamDecodeRuri = define(
  siputils(
    'contact_param_decode_ruri',
    [format('param')],
    'contact_param_encode undone in the R-URI.',
    'contact_param_decode_ruri("x");',
    ['request', 'event'],
  ),
  (param: string) => {
    const original = decoded(runTarget().uri, param)
    if (original === undefined) return -1
    setRequestUri(original)
    return 1
  },
)
export const contactParamRm = define(
  siputils(
    'contact_param_rm',
    [format('param')],
    'Removes a parameter from the URIs of the Contacts.',
    'contact_param_rm("ob");',
    ['request', 'reply'],
  ),
  (param: string) =>
    eachContact((uri) => {
      const seams = cutUri(uri)
      const tail = seams === undefined ? undefined : withoutParam(seams.tail, param.toLowerCase())
      return seams === undefined || tail === undefined || tail === seams.tail ? undefined : joinUri({ ...seams, tail })
    }),
)

const SEPARATOR = textParameter('siputils', 'contact_flds_separator', '*')
export const encodeContact = define(
  siputils(
    'encode_contact',
    [format('prefix'), format('host')],
    'Writes the Contacts as URIs of that host whose user holds what they were.',
    'encode_contact("enc", "10.0.0.5");',
    ['request', 'reply'],
  ),
  (prefix: string, host: string) => {
    const c = SEPARATOR()[0] ?? '*'
    return eachContact((uri) => {
      const parsed = parseUri(uri)
      if (parsed === undefined) return undefined
      const fields = [
        prefix,
        parsed.user ?? '',
        parsed.password ?? '',
        parsed.host,
        `${parsed.port ?? ''}`,
        parsed.params.get('transport') ?? '',
      ]
      return `sip:${fields.join(c)}@${host}`
    })
  },
)
function decodedContact(uri: string): string | undefined {
  const parsed = parseUri(uri)
  const fields = (parsed?.user ?? '').split(SEPARATOR()[0] ?? '*')
  if (fields.length !== 6) return undefined
  const [, user, password, host, port, transport] = fields as [string, string, string, string, string, string]
  const userinfo = user === '' ? '' : `${user}${password === '' ? '' : `:${password}`}@`
  return `sip:${userinfo}${host}${port === '' ? '' : `:${port}`}${transport === '' ? '' : `;transport=${transport}`}`
}
export const decodeContact = define(
  siputils('decode_contact', [], 'encode_contact undone in the R-URI.', 'decode_contact();', ['request', 'event']),
  () => {
    const uri = decodedContact(runTarget().uri)
    if (uri === undefined) return -1
    setRequestUri(uri)
    return 1
  },
)
export const decodeContactHeader = define(
  siputils('decode_contact_header', [], 'encode_contact undone in the Contacts.', 'decode_contact_header();', [
    'request',
    'reply',
    'failure',
  ]),
  () => eachContact(decodedContact),
)

/** P-Charging-Vector (RFC 3455). */
export const sipPChargingVector = define(
  siputils(
    'sip_p_charging_vector',
    [format('mode')],
    'Removes (r) or makes (g) P-Charging-Vector; f makes it in place of one that is there.',
    'sip_p_charging_vector("g");',
    CONTACTS,
  ),
  (mode: string) => {
    const { message, meta, raw } = currentRun()
    const at = message.find('P-Charging-Vector')
    if (mode !== 'r' && mode !== 'g' && mode !== 'f') return -1
    if (mode === 'g' && at >= 0) return 1
    if (at >= 0) edit(message.headerStart(at), message.headerEnd(at) - message.headerStart(at), '')
    if (mode === 'r') return code(at >= 0)
    let id = 0
    for (const c of `${message.callId}${meta.messageNumber}`) id = (Math.imul(id, 31) + c.charCodeAt(0)) >>> 0
    const line = `P-Charging-Vector: icid-value=${id.toString(16).toUpperCase().padStart(8, '0')}${raw.length.toString(16)};icid-generated-at=${bracketHost(meta.dstIp)}\r\n`
    edit(message.headerEnd(message.headerCount - 1), 0, line)
    return 1
  },
)

const ACCEPT = textParameter('siputils', 'options_accept', '*/*')
const ENCODING = textParameter('siputils', 'options_accept_encoding')
const LANGUAGE = textParameter('siputils', 'options_accept_language', 'en')
const SUPPORTED = textParameter('siputils', 'options_support')

export const optionsReply = define(
  siputils(
    'options_reply',
    [],
    'Answers OPTIONS to us with what is accepted (RFC 3261 11): 200 unless the R-URI has a user.',
    'if (is_method("OPTIONS")) options_reply();',
    ['request'],
  ),
  () => {
    const { state, message } = currentRun()
    if (message.cseqMethod !== 'OPTIONS' || state.target.parsed?.user) return -1
    const before = state.replyHeaders
    state.addReplyHeaders(
      `Accept: ${ACCEPT()}\r\nAccept-Encoding: ${ENCODING()}\r\nAccept-Language: ${LANGUAGE()}\r\nSupported: ${SUPPORTED()}\r\n`,
    )
    const sent = sendReplyAs('auto', 200, 'OK')
    state.replyHeaders = before
    return sent
  },
)
