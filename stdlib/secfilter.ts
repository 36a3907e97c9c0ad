// Owns module secfilter: lists of who is blocked and who is let through, and a look at headers for bits of SQL.
import { type NameAddr, parseUri, type SipMessage, unquote } from '../src/sip/index.ts'
import { declarations, text } from './declaration.ts'
import { define } from './define.ts'
import { currentRun, EXIT } from './runtime.ts'
import { askNow } from './service.ts'

const MODULE = 'secfilter'
const secfilter = declarations(MODULE)

const ALLOWED = 2
const NOT_LISTED = 1
const BLOCKED = -2

type Kind = 'ua' | 'country' | 'domain' | 'ip' | 'user' | 'dst'

/** 2 let through, 1 in no list, -2 blocked. */
const listed = (kind: Kind, value: string): number => askNow<number>(MODULE, 'check', { kind, value })

export const secfCheckIp = define(
  secfilter(
    'secf_check_ip',
    [],
    'Whether the source address begins with one that is listed: 2 let through, 1 in no list, -2 blocked.',
    'secf_check_ip(); if ($? == -2) exit;',
  ),
  () => listed('ip', currentRun().meta.srcIp),
)

export const secfCheckUa = define(
  secfilter(
    'secf_check_ua',
    [],
    'Whether the User-Agent begins with one that is listed: 2, 1 or -2 as secf_check_ip.',
    'secf_check_ua(); if ($? == -2) exit;',
  ),
  () => {
    const agent = currentRun().message.header('User-Agent')
    return agent === undefined ? NOT_LISTED : listed('ua', agent)
  },
)

export const secfCheckCountry = define(
  {
    ...secfilter(
      'secf_check_country',
      [text('country')],
      'Whether a country is listed: 2, 1 or -2 as secf_check_ip.',
      'secf_check_country($gip2(src=>cc));',
    ),
    literal: true,
  },
  (country: string) => listed('country', country),
)

export const secfCheckDst = define(
  {
    ...secfilter(
      'secf_check_dst',
      [text('number')],
      'Whether a destination is listed, whole or, with dst_exact_match 0, by its beginning: -2 blocked, 1 not.',
      'secf_check_dst($rU); if ($? == -2) exit;',
    ),
    literal: true,
  },
  (number: string) => listed('dst', number),
)

/** Kamailio 5.6: what a name or a user says goes before what the domain says, and being let through before being blocked. */
function partiesListed(party: NameAddr | undefined, withName: boolean): number {
  if (party === undefined) return -1
  const uri = parseUri(party.uri)
  if (uri === undefined || uri.opaque !== undefined) return NOT_LISTED
  const name = withName && party.displayName !== '' ? listed('user', unquote(party.displayName)) : NOT_LISTED
  if (name === ALLOWED) return 4
  const user = uri.user ? listed('user', uri.user) : NOT_LISTED
  if (user === ALLOWED) return 2
  if (name === BLOCKED) return -4
  if (user === BLOCKED) return -2
  const domain = listed('domain', uri.host)
  return domain === ALLOWED ? 3 : domain === BLOCKED ? -3 : NOT_LISTED
}

const contactOf = (message: SipMessage): NameAddr | undefined => message.nameAddrs('Contact')[0]

const CODES = '4, 3, 2: display name, domain, user let through; -4, -3, -2: blocked; 1: in no list.'

export const secfCheckFromHdr = define(
  secfilter('secf_check_from_hdr', [], `Whether From is listed. ${CODES}`, 'secf_check_from_hdr();'),
  () => partiesListed(currentRun().message.from, true),
)

export const secfCheckToHdr = define(
  secfilter('secf_check_to_hdr', [], `Whether To is listed. ${CODES}`, 'secf_check_to_hdr();'),
  () => partiesListed(currentRun().message.to, true),
)

export const secfCheckContactHdr = define(
  secfilter(
    'secf_check_contact_hdr',
    [],
    `Whether user or domain of the first Contact are listed. ${CODES}`,
    'secf_check_contact_hdr();',
  ),
  () => {
    const contact = contactOf(currentRun().message)
    return contact === undefined ? NOT_LISTED : partiesListed(contact, false)
  },
)

/** What Kamailio's module looks for: a quote of either kind, two hyphens, and escapes of ', $ and `. */
const SQL = /['"]|--|%27|%24|%60/

export const secfCheckSqliHdr = define(
  {
    ...secfilter(
      'secf_check_sqli_hdr',
      [text('value')],
      'False if a value has characters of an SQL injection: quotes, two hyphens, %27, %24 or %60.',
      'if (!secf_check_sqli_hdr($ua)) exit;',
    ),
    literal: true,
  },
  (value: string) => (SQL.test(value) ? -1 : 1),
)

export const secfCheckSqliAll = define(
  secfilter(
    'secf_check_sqli_all',
    [],
    'Ends the script, without a reply, if User-Agent, From, To or Contact have characters of an SQL injection.',
    'secf_check_sqli_all();',
  ),
  () => {
    const { message } = currentRun()
    const parts = [message.header('User-Agent') ?? '']
    for (const [party, withName] of [
      [message.from, true],
      [message.to, true],
      [contactOf(message), false],
    ] as const) {
      const uri = party === undefined ? undefined : parseUri(party.uri)
      if (party === undefined || uri === undefined || uri.opaque !== undefined) continue
      parts.push(uri.user ?? '', uri.host, withName ? unquote(party.displayName) : '')
    }
    if (parts.some((part) => SQL.test(part))) throw EXIT
    return 1
  },
)
