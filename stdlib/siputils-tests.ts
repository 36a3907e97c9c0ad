// Owns module siputils, its tests: first hop, numbers, tokens, what is supported, how old a Date is.
import { parseUri } from '../src/sip/index.ts'
import { code, declarations, int, optional, text } from './declaration.ts'
import { define } from './define.ts'
import { currentRun } from './runtime.ts'
import { isOwnUri } from './siputils.ts'

const siputils = declarations('siputils')

export const isFirstHop = define(
  siputils(
    'is_first_hop',
    [optional(int('mode'))],
    'True if no proxy stands between us and the sender: one Via in a request whose Routes are all ours, the first Record-Route ours in a reply.',
    'is_first_hop()',
  ),
  (_mode?: number | string) => {
    const { message, reply } = currentRun()
    if (reply !== undefined) {
      const [first] = message.nameAddrs('Record-Route')
      return code(first !== undefined && isOwnUri(first.uri))
    }
    if (message.vias().length > 1) return -1
    return code(message.nameAddrs('Route').every((route) => isOwnUri(route.uri)))
  },
)

function textTest(kamailio: string, doc: string, holds: (value: string) => boolean) {
  return define(siputils(kamailio, [text('text')], doc, `${kamailio}("$rU")`), (value: string) => code(holds(value)))
}
export const isNumeric = textTest('is_numeric', 'True if the text has digits only.', (value) => /^[0-9]+$/.test(value))
export const isAlphanum = textTest('is_alphanum', 'True if the text has letters and digits only.', (value) =>
  /^[A-Za-z0-9]+$/.test(value),
)
export const isE164 = textTest('is_e164', 'True if the text is + and 2 to 15 digits, the first not 0.', (value) =>
  /^\+[1-9][0-9]{1,14}$/.test(value),
)
export const isUriUserE164 = textTest('is_uri_user_e164', 'True if the user of the URI is such a number.', (value) =>
  /^\+[1-9][0-9]{1,14}$/.test(parseUri(value)?.user ?? ''),
)
export const isTelNumber = textTest(
  'is_tel_number',
  'True if the text is digits, with a + before them or not.',
  (value) => /^\+?[0-9]+$/.test(value),
)

export const isAlphanumex = define(
  siputils(
    'is_alphanumex',
    [text('text'), text('others')],
    'True if the text has letters, digits and the other characters given only.',
    'is_alphanumex("$rU", "._")',
  ),
  (value: string, others: string) => {
    const allowed = new Set(others)
    for (const c of value) if (!/[A-Za-z0-9]/.test(c) && !allowed.has(c)) return -1
    return code(value !== '')
  },
)

export const isUser = define(
  siputils(
    'is_user',
    [text('user')],
    'True if that is the user of the credentials, once they are checked.',
    'is_user("alice")',
    ['request', 'event'],
  ),
  (user: string) => code(currentRun().state.authorized?.user === user),
)

export const isGruu = define(
  siputils(
    'is_gruu',
    [optional(text('uri'))],
    'True if the URI, or the R-URI, has a parameter gr: 1 with a value, 2 without (RFC 5627).',
    'is_gruu()',
  ),
  (uri?: string) => {
    const parsed = parseUri(uri ?? currentRun().target?.uri ?? '')
    if (parsed === undefined || !parsed.params.has('gr')) return -1
    return parsed.params.get('gr') ? 1 : 2
  },
)

export const isSupported = define(
  siputils(
    'is_supported',
    [{ ...text('option'), constant: true }],
    'True if Supported lists the option.',
    'is_supported("path")',
  ),
  (option: string) =>
    code(
      currentRun()
        .message.headerList('Supported')
        .some((one) => one.toLowerCase() === option.toLowerCase()),
    ),
)

export const cmpUri = define(
  siputils(
    'cmp_uri',
    [text('one'), text('other')],
    'True if the URIs are equal (RFC 3261 19.1.4).',
    'cmp_uri("$ru", "sip:alice@example.com")',
  ),
  (one: string, other: string) => {
    const [a, b] = [parseUri(one), parseUri(other)]
    return code(a !== undefined && b !== undefined && sameUri(a, b))
  },
)

type Uri = NonNullable<ReturnType<typeof parseUri>>
/** Parameters that have to be equal where either URI has them. */
const COUNTED = ['user', 'ttl', 'method', 'maddr']

function sameUri(a: Uri, b: Uri): boolean {
  if (a.scheme !== b.scheme || (a.user ?? '') !== (b.user ?? '') || (a.password ?? '') !== (b.password ?? ''))
    return false
  if (a.host.toLowerCase() !== b.host.toLowerCase() || a.port !== b.port) return false
  const fold = (value: string | undefined) => value?.toLowerCase()
  if (COUNTED.some((name) => fold(a.params.get(name)) !== fold(b.params.get(name)))) return false
  return [...a.params].every(([name, value]) => !b.params.has(name) || fold(b.params.get(name)) === fold(value))
}

export const cmpAor = define(
  siputils(
    'cmp_aor',
    [text('one'), text('other')],
    'True if user, host and port of the URIs are equal.',
    'cmp_aor("$fu", "$tu")',
  ),
  (one: string, other: string) => {
    const [a, b] = [parseUri(one), parseUri(other)]
    if (a === undefined || b === undefined) return -1
    return code((a.user ?? '') === (b.user ?? '') && a.host.toLowerCase() === b.host.toLowerCase() && a.port === b.port)
  },
)

export const cmpHdrName = define(
  siputils(
    'cmp_hdr_name',
    [text('one'), text('other')],
    'True if both name the same header, compact forms included.',
    'cmp_hdr_name("f", "From")',
  ),
  (one: string, other: string) => (longName(one) === longName(other) ? 1 : -2),
)
const COMPACT: Readonly<Record<string, string>> = {
  a: 'accept-contact',
  b: 'referred-by',
  c: 'content-type',
  d: 'request-disposition',
  e: 'content-encoding',
  f: 'from',
  i: 'call-id',
  j: 'reject-contact',
  k: 'supported',
  l: 'content-length',
  m: 'contact',
  n: 'identity-info',
  o: 'event',
  r: 'refer-to',
  s: 'subject',
  t: 'to',
  u: 'allow-events',
  v: 'via',
  x: 'session-expires',
  y: 'identity',
}
function longName(name: string): string {
  const lower = name.trim().toLowerCase()
  return Object.hasOwn(COMPACT, lower) ? COMPACT[lower]! : lower
}

export const hdrDateCheck = define(
  siputils(
    'hdr_date_check',
    [int('seconds')],
    'True if the Date header is no further from now than that: -1 without one, -2 when it cannot be read, -4 when it is further away.',
    'hdr_date_check("10")',
  ),
  (seconds: number | string) => {
    const value = currentRun().message.header('Date')
    if (value === undefined) return -1
    const time = Date.parse(value)
    if (Number.isNaN(time)) return -2
    return Math.abs(Date.now() - time) <= Number(seconds) * 1000 ? 1 : -4
  },
)
