// Owns module nathelper: tests for NAT, and contacts, R-URIs and session descriptions mended to where messages really come from.
import { type NameAddr, parseUri } from '../src/sip/index.ts'
import type { PvReference, RouteKind } from './contract.ts'
import { declarations } from './declaration.ts'
import { ANY_ROUTE, define } from './define.ts'
import { edit } from './message-edits.ts'
import { avpAccess } from './named-pv.ts'
import { fixSdp } from './nat-sdp.ts'
import { behindNat, isPrivate, ownContact } from './nat-tests.ts'
import { definePv } from './pv.ts'
import { setDestination, setRequestUri } from './request-uri.ts'
import { currentRun } from './runtime.ts'
import { parameterOf, textParameter } from './settings.ts'

const TALKING: readonly RouteKind[] = ['request', 'reply', 'failure', 'branch']
const TARGETED: readonly RouteKind[] = ['request', 'branch', 'event']

const nathelper = declarations('nathelper')

/** Kamailio's numbers of transports, as an alias has them. */
const TRANSPORTS = ['', 'udp', 'tcp', 'tls', 'sctp', 'ws', 'wss']

const aliasName = textParameter('nathelper', 'alias_name', 'alias')
const receivedAvp = parameterOf('nathelper', 'received_avp', undefined, (value) => avpAccess(`${value}`))

const bracketed = (address: string) => (address.includes(':') ? `[${address}]` : address)

/** Where the message came from, as a URI. */
export function sourceUri(): string {
  const { srcIp, srcPort, proto } = currentRun().meta
  return `sip:${bracketed(srcIp)}:${srcPort}${proto === 'udp' ? '' : `;transport=${proto}`}`
}

export const natUacTest = define(
  nathelper(
    'nat_uac_test',
    [{ name: 'flags', kind: 'int' }],
    'True if one of the tests finds a NAT: 1 private Contact, 2 Via differs from the source, 4 private Via, 8 private SDP, 16 other port, 32 private source, 64 WebSocket, 128 port of Contact, 256 SDP differs from the source, 512 destinations differ.',
    'if (nat_uac_test("19")) fix_nated_contact();',
    TALKING,
  ),
  (flags: number | string) => (behindNat(Number(flags)) ? 1 : -1),
)

export const isRfc1918 = define(
  nathelper(
    'is_rfc1918',
    [{ name: 'address', kind: 'string' }],
    'True if the address is private: RFC 1918 or RFC 6598.',
    'if (is_rfc1918("$si")) setflag(5);',
    ANY_ROUTE,
  ),
  (address: string) => (isPrivate(address) ? 1 : -1),
)

/** Puts the source into the Contact; Kamailio's code. */
export function fixNatedContactCode(): number {
  const run = currentRun()
  const contact = ownContact(run.message)
  const uri = contact === undefined ? undefined : parseUri(contact.uri)
  if (contact === undefined || uri === undefined || uri.host === '') return -1
  const text = contact.uri
  const from = text.indexOf('@') < 0 ? text.indexOf(':') + 1 : text.lastIndexOf('@', hostEnd(text)) + 1
  const { srcIp, srcPort } = run.meta
  edit(contact.uriStart + from, hostEnd(text) - from, `${bracketed(srcIp)}:${srcPort}`)
  return 1
}

export const fixNatedContact = define(
  nathelper('fix_nated_contact', [], 'Puts the source address and port into the Contact.', 'fix_nated_contact();', [
    'request',
    'reply',
    'branch',
  ]),
  fixNatedContactCode,
)

/** Where host and port of a URI end. */
function hostEnd(uri: string): number {
  const at = uri.indexOf('@')
  const tail = uri.slice(at < 0 ? 0 : at).search(/[;?]/)
  return tail < 0 ? uri.length : tail + (at < 0 ? 0 : at)
}

/** Adds a parameter to the URI of a contact; one without `<>` gets them, since the parameter would be the header's. */
function addToContact(contact: NameAddr, at: number, param: string): void {
  const { raw } = currentRun()
  const { uriStart, uriEnd, uri } = contact
  if (raw.charAt(uriEnd) === '>') {
    edit(uriStart + at, 0, param)
    return
  }
  edit(uriStart, uriEnd - uriStart, `<${uri.slice(0, at)}${param}${uri.slice(at)}>`)
}

function aliasParam(address: string, port: number, transport: string): string {
  return `;${aliasName()}=${address}~${port}~${Math.max(1, TRANSPORTS.indexOf(transport))}`
}

/** `;alias=...` in a URI, with what stands around it. */
function findAlias(uri: string): { before: string; value: string; after: string } | undefined {
  const parameter = `;${aliasName()}=`
  const at = uri.indexOf(parameter)
  if (at < 0) return undefined
  const value = uri.slice(at + parameter.length)
  const end = value.search(/[;?]/)
  return {
    before: uri.slice(0, at),
    value: end < 0 ? value : value.slice(0, end),
    after: end < 0 ? '' : value.slice(end),
  }
}

/** `address~port~transport` as a destination; undefined when it is none. */
function aliasTarget(value: string, written: 'without udp' | 'always'): string | undefined {
  const [, address, port, number] = /^([^~]+)~(\d{1,5})~(\d)$/.exec(value) ?? []
  const transport = number === undefined ? undefined : TRANSPORTS[Number(number)]
  if (address === undefined || !transport || Number(port) > 65_535) return undefined
  const host = address.startsWith('[') ? address : bracketed(address)
  const target = `sip:${host}:${port}${transport === 'udp' && written === 'without udp' ? '' : `;transport=${transport}`}`
  return parseUri(target) === undefined ? undefined : target
}

export const setContactAlias = define(
  nathelper(
    'set_contact_alias',
    [{ name: 'trim', kind: 'int', optional: true }],
    'Adds ;alias=address~port~transport of the source to the URI of the Contact; handle_ruri_alias() on the way back finds it.',
    'set_contact_alias();',
    ['request', 'reply', 'branch'],
  ),
  (trim?: number | string) => {
    const run = currentRun()
    const contact = ownContact(run.message)
    if (contact === undefined) return -1
    const { srcIp, srcPort, proto } = run.meta
    const param = aliasParam(bracketed(srcIp), srcPort, proto)
    const old = Number(trim ?? 0) === 0 ? undefined : findAlias(contact.uri)
    if (old === undefined) addToContact(contact, contact.uri.length, param)
    else edit(contact.uriStart, contact.uri.length, `${old.before}${old.after}${param}`)
    return 1
  },
)

export const addContactAlias = define(
  nathelper(
    'add_contact_alias',
    [
      { name: 'address', kind: 'string', optional: true },
      { name: 'port', kind: 'string', optional: true },
      { name: 'proto', kind: 'string', optional: true },
    ],
    'As set_contact_alias, of the address given, or of the source where the Contact says otherwise. 2: nothing to add.',
    'add_contact_alias("$si", "$sp", "$proto");',
    ['request', 'reply', 'branch', 'event'],
  ),
  (address?: string, port?: string | number, proto?: string) => {
    const run = currentRun()
    const contact = ownContact(run.message)
    if (contact === undefined) return run.message.find('Contact') < 0 ? 2 : -1
    const uri = parseUri(contact.uri)
    if (uri === undefined) return -1
    const at = hostEnd(contact.uri)
    if (address !== undefined && port !== undefined && proto !== undefined) {
      if (!TRANSPORTS.includes(proto.toLowerCase()) || !/^\d{1,5}$/.test(`${port}`)) return -1
      addToContact(contact, at, aliasParam(address, Number(port), proto.toLowerCase()))
      return 1
    }
    const { srcIp, srcPort, proto: transport } = run.meta
    const same = uri.host === bracketed(srcIp) && uri.port === srcPort && uri.params.get('transport') === transport
    if (same) return 2
    addToContact(contact, at, aliasParam(bracketed(srcIp), srcPort, transport))
    return 1
  },
)

export const setAliasToPv = define(
  nathelper(
    'set_alias_to_pv',
    [{ name: 'target', kind: 'pv' }],
    'Writes the alias of the Contact to a variable, as a SIP URI.',
    'set_alias_to_pv("$avp(alias)");',
    TALKING,
  ),
  (target: PvReference) => {
    const contact = ownContact(currentRun().message)
    const alias = contact === undefined ? undefined : findAlias(contact.uri)
    const uri = alias === undefined ? undefined : aliasTarget(alias.value, 'always')
    if (uri === undefined) return -1
    target.set(uri)
    return 1
  },
)

export const handleRuriAlias = define(
  nathelper(
    'handle_ruri_alias',
    [{ name: 'mode', kind: 'int', optional: true }],
    'Takes ;alias= off the R-URI and makes it the destination: the first one, with a mode other than 0 the last. 2: there is none.',
    'if ($du == "") handle_ruri_alias();',
    TARGETED,
  ),
  (mode?: number | string) => {
    const target = currentRun().target
    if (target === undefined) return -1
    let alias = findAlias(target.uri)
    if (alias === undefined) return 2
    if (Number(mode ?? 0) !== 0)
      for (let next = findAlias(alias.after); next !== undefined; next = findAlias(alias.after))
        alias = { ...next, before: `${alias.before};${aliasName()}=${alias.value}${next.before}` }
    if (!alias.value.includes('~')) return 2
    const next = aliasTarget(alias.value, 'without udp')
    if (next === undefined) return -1
    setRequestUri(alias.before + alias.after)
    setDestination(next)
    return 1
  },
)

export const fixNatedRegister = define(
  nathelper(
    'fix_nated_register',
    [],
    'Notes the source as a URI in the variable that received_avp names; save() keeps it with the contact.',
    'fix_nated_register();',
    ['request'],
  ),
  () => {
    const avp = receivedAvp()
    if (avp === undefined) return -1
    avp.set(sourceUri())
    return 1
  },
)

export const addRcvParam = define(
  nathelper(
    'add_rcv_param',
    [{ name: 'flag', kind: 'int', optional: true }],
    'Adds ;received="URI of the source" to each Contact; with 1, to its URI.',
    'add_rcv_param();',
    ['request'],
  ),
  (flag?: number | string) => {
    const { message } = currentRun()
    for (const contact of message.nameAddrs('Contact')) {
      if (contact.uri === '*') continue
      if (Number(flag ?? 0) !== 0) addToContact(contact, contact.uri.length, `;received=${sourceUri()}`)
      else edit(contact.end, 0, `;received="${sourceUri()}"`)
    }
    return 1
  },
)

export const fixNatedSdp = define(
  nathelper(
    'fix_nated_sdp',
    [
      { name: 'flags', kind: 'int' },
      { name: 'address', kind: 'string', optional: true },
    ],
    'Mends the SDP: 1 adds a=direction:active, 2 puts the source (or the address given) into c=, 4 adds a=nortpproxy:yes, 8 puts it into o=.',
    'fix_nated_sdp("3");',
    TALKING,
  ),
  (flags: number | string, address?: string) => fixSdp(Number(flags), address ?? currentRun().meta.srcIp),
)

const rr = (name: string, doc: string) => ({ name, module: 'nathelper', doc })
definePv(rr('rr_count', 'How many Record-Routes the message has.'), () => {
  return currentRun().message.nameAddrs('Record-Route').length
})
definePv(
  rr('rr_top_count', '2 where the topmost Record-Route is one of a pair, 1 where it stands alone, 0 without.'),
  () => {
    const [first, second] = currentRun().message.nameAddrs('Record-Route')
    if (first === undefined) return 0
    const pair = [first, second].every((one) => one !== undefined && parseUri(one.uri)?.params.has('r2'))
    return pair ? 2 : 1
  },
)
