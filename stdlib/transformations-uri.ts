// Owns the {uri.*}, {nameaddr.*}, {tobody.*} and {param.*} transformations.
import { defaultPort, type NameAddr, parseNameAddr, parseUri, type SipUri } from '../src/sip/index.ts'
import type { PvValue } from './pv-format.ts'
import { defineTransformation } from './transformations.ts'

const text = (name: string) => ({ name, kind: 'string' as const })
const int = (name: string) => ({ name, kind: 'int' as const })

function uri(name: string, doc: string, read: (uri: SipUri) => PvValue): void {
  defineTransformation({ name: `uri.${name}`, parameters: [], doc }, (value) => {
    const parsed = parseUri(value)
    return parsed === undefined ? undefined : read(parsed)
  })
}

const paramText = (parsed: SipUri) => parsed.params.toString().replace(/^;/, '')
const userOf = (parsed: SipUri) => (parsed.user === undefined ? '' : `${parsed.user}@`)

uri('user', 'User part.', (parsed) => parsed.user ?? '')
uri('passwd', 'Password.', (parsed) => parsed.password ?? '')
uri('host', 'Host.', (parsed) => parsed.host)
uri('domain', 'Host.', (parsed) => parsed.host)
uri('port', 'Port as written, nothing when there is none.', (parsed) => parsed.port ?? '')
uri('params', 'Parameters.', (parsed) => (parsed.scheme === 'tel' ? '' : paramText(parsed)))
uri('headers', 'What follows the question mark.', (parsed) => parsed.headers)
uri('scheme', 'Scheme: sip, sips, tel.', (parsed) => parsed.scheme)
uri('transport', 'Value of the transport parameter.', (parsed) => parsed.params.get('transport') ?? '')
for (const name of ['ttl', 'maddr', 'method', 'lr', 'r2']) {
  uri(name, `Value of the ${name} parameter.`, (parsed) => parsed.params.get(name) ?? '')
}
uri('uparam', 'Value of the user parameter.', (parsed) => parsed.params.get('user') ?? '')
uri('saor', 'Scheme, user and host.', (parsed) => `${parsed.scheme}:${userOf(parsed)}${parsed.host}`)
uri('suri', 'Scheme, user, host, port and transport.', (parsed) => `${parsed.scheme}:${userOf(parsed)}${place(parsed)}`)
uri('duri', 'Scheme, host, port and transport: where it leads.', (parsed) => `${parsed.scheme}:${place(parsed)}`)
uri('tosocket', 'As a socket: udp:host:port.', (parsed) => {
  const transport = (parsed.params.get('transport') ?? (parsed.scheme === 'sips' ? 'tls' : 'udp')).toLowerCase()
  return `${transport}:${parsed.host}:${parsed.port ?? defaultPort(transport === 'tls' ? 'tls' : 'udp')}`
})

function place(parsed: SipUri): string {
  const transport = parsed.params.get('transport')
  const port = parsed.port === undefined ? '' : `:${parsed.port}`
  return `${parsed.host}${port}${transport === undefined ? '' : `;transport=${transport}`}`
}

defineTransformation(
  { name: 'uri.param', parameters: [text('name')], doc: 'Value of a parameter of the URI.' },
  (value, args) => {
    const parsed = parseUri(value)
    return parsed === undefined ? undefined : (parsed.params.get(args[0]!().trim()) ?? '')
  },
)

function address(name: string, doc: string, read: (address: NameAddr) => PvValue): void {
  defineTransformation({ name, parameters: [], doc }, (value) => {
    const parsed = parseNameAddr(value)
    return parsed === undefined ? undefined : read(parsed)
  })
}

/** Where the address itself ends: after the closing bracket, or after its parameters when it has none. */
function addressEnd(parsed: NameAddr): number {
  return parsed.uriStart === parsed.start && parsed.displayName === '' ? parsed.end : parsed.uriEnd + 1
}

/** A plain URI keeps what follows it: nameaddr takes it for part of the URI. */
defineTransformation({ name: 'nameaddr.uri', parameters: [], doc: 'URI of a name-addr.' }, (value) =>
  value.includes('<') ? parseNameAddr(value)?.uri : value.trim() || undefined,
)
defineTransformation(
  { name: 'nameaddr.name', parameters: [], doc: 'Display name of a name-addr, as written.' },
  (value) => {
    const bracket = value.indexOf('<')
    return bracket < 0 ? '' : value.slice(0, bracket).replace(/^[ \t]+/, '')
  },
)
defineTransformation(
  { name: 'nameaddr.len', parameters: [], doc: 'Length of the name-addr without its parameters.' },
  (value) => {
    const parsed = parseNameAddr(value)
    return parsed === undefined ? undefined : addressEnd(parsed)
  },
)
address('tobody.uri', 'URI of a To-like header.', (parsed) => parsed.uri)
address('tobody.display', 'Display name of a To-like header, as written.', (parsed) => parsed.displayName)
address('tobody.tag', 'Tag of a To-like header.', (parsed) => parsed.params.get('tag') ?? '')
address('tobody.params', 'Parameters of a To-like header.', (parsed) =>
  parsed.params.toString().replace(/^[; \t]+/, ''),
)
address('tobody.user', 'User of the URI of a To-like header.', (parsed) => parseUri(parsed.uri)?.user ?? '')
address('tobody.host', 'Host of the URI of a To-like header.', (parsed) => parseUri(parsed.uri)?.host)

const unquoted = (value: string) => (/^".*"$/s.test(value) ? value.slice(1, -1) : value)

/** `a=1;b=2` as pairs, the separator being `;` unless another is given. As in 5.6.3, a comma ends the list, and an empty parameter counts. */
export function paramsOf(value: string, separator: string): [string, string][] {
  const params: [string, string][] = []
  let start = 0
  let quoted = false
  const take = (end: number): void => {
    const part = value.slice(start, end)
    const equals = part.indexOf('=')
    const name = (equals < 0 ? part : part.slice(0, equals)).trim()
    params.push([name.toLowerCase(), equals < 0 ? '' : unquoted(part.slice(equals + 1).trim())])
    start = end + 1
  }
  for (let at = 0; at < value.length; at++) {
    const c = value[at]!
    if (quoted && c === '\\') at++
    else if (c === '"') quoted = !quoted
    else if (quoted) continue
    else if (c === ',') {
      take(at)
      return params
    } else if (c === separator) take(at)
  }
  if (value.slice(start).trim() !== '') take(value.length)
  return params
}

/** A comma ends a list always, so that it separates nothing. */
const separatorOf = (argument: (() => string) | undefined) => argument?.()[0] ?? ';'
const SEPARATOR = { name: 'separator', kind: 'string', optional: true } as const

defineTransformation(
  { name: 'param.value', parameters: [text('name'), SEPARATOR], doc: 'Value of a parameter of a list.' },
  (value, args) => {
    if (value === '') return undefined
    const name = args[0]!().trim().toLowerCase()
    // Of two of a name, 5.6.3 finds the last.
    return paramsOf(value, separatorOf(args[1])).findLast(([key]) => key === name)?.[1] ?? ''
  },
)
defineTransformation(
  { name: 'param.in', parameters: [text('name'), SEPARATOR], doc: '1 if the list has the parameter, else 0.' },
  (value, args) => {
    const name = args[0]!().trim().toLowerCase()
    return paramsOf(value, separatorOf(args[1])).some(([key]) => key === name) ? 1 : 0
  },
)
defineTransformation(
  { name: 'param.valueat', parameters: [int('index'), SEPARATOR], doc: 'Value of the parameter at index.' },
  (value, args) => paramsOf(value, separatorOf(args[1])).at(Number(args[0]!()))?.[1] ?? '',
)
defineTransformation(
  { name: 'param.name', parameters: [int('index'), SEPARATOR], doc: 'Name of the parameter at index.' },
  (value, args) => paramsOf(value, separatorOf(args[1])).at(Number(args[0]!()))?.[0] ?? '',
)
defineTransformation(
  { name: 'param.count', parameters: [SEPARATOR], cut: 'last-takes-rest', doc: 'How many parameters.' },
  (value, args) => paramsOf(value, separatorOf(args[0])).length,
)
