// Owns the {uri.*}, {nameaddr.*}, {tobody.*} and {param.*} transformations.
import { defaultPort, type NameAddr, parseNameAddr, parseUri, type SipUri, userPart } from '../src/sip/index.ts'
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
const userOf = (parsed: SipUri) => (parsed.user === undefined ? '' : `${userPart(parsed)}@`)

uri('user', 'User part.', (parsed) => userPart(parsed) ?? '')
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

/**
 * What stands after the address of a To-like header: parameters, and nothing else. White space behind an equals sign
 * belongs to the value that follows it, and to what comes next where none does: with two ways to read it, a value that
 * does not match would be read in all their combinations.
 */
const PARAMETERS =
  /^(?:[ \t\r\n]*;[ \t\r\n]*[^\s;=,"<>]+(?:[ \t]*=(?:[ \t]*(?:"(?:[^"\\]|\\.)*"|[^\s;,"<>]+))?)?)*[ \t\r\n]*$/s

/** The value as the body of a To: an address with a scheme that is known, and parameters. */
function toBody(value: string): NameAddr | undefined {
  const parsed = parseNameAddr(value)
  if (parsed === undefined || !/^(?:sips?|tels?|urn):/i.test(parsed.uri) || parseUri(parsed.uri) === undefined)
    return undefined
  const bare = parsed.uriStart === parsed.start && parsed.displayName === ''
  if (bare && (/[\s<>,]/.test(parsed.uri) || (parsed.params.toString().includes('?') && !parsed.params.has('tag'))))
    return undefined
  return PARAMETERS.test(parsed.params.toString()) ? parsed : undefined
}

function address(name: string, doc: string, read: (address: NameAddr) => PvValue): void {
  defineTransformation({ name, parameters: [], doc }, (value) => {
    const parsed = toBody(value)
    return parsed === undefined ? undefined : read(parsed)
  })
}

/** Where the address itself ends: after the closing bracket, or after its parameters when it has none. */
function addressEnd(parsed: NameAddr): number {
  return parsed.uriStart === parsed.start && parsed.displayName === '' ? parsed.end : parsed.uriEnd + 1
}

/** A plain URI keeps what follows it: nameaddr takes it for part of the URI. */
defineTransformation({ name: 'nameaddr.uri', parameters: [], doc: 'URI of a name-addr.' }, (value) =>
  value.includes('<') ? parseNameAddr(value)?.uri : value || undefined,
)
defineTransformation(
  { name: 'nameaddr.name', parameters: [], doc: 'Display name of a name-addr, as written.' },
  (value) => (value === '' ? undefined : (/^((?:[^"<]|"(?:[^"\\]|\\.)*")*)</s.exec(value)?.[1] ?? '')),
)
defineTransformation(
  { name: 'nameaddr.len', parameters: [], doc: 'Length of the name-addr without its parameters.' },
  (value) => {
    if (!value.includes('<')) return value.length || undefined
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
address('tobody.user', 'User of the URI of a To-like header.', (parsed) => {
  const uri = parseUri(parsed.uri)
  return (uri && userPart(uri)) ?? ''
})
address('tobody.host', 'Host of the URI of a To-like header.', (parsed) => parseUri(parsed.uri)?.host)

/**
 * `a=1;b=2` as pairs, the separator being `;` unless another is given; undefined where 5.6.3 finds no list: what stands
 * after a name or a value but a separator, or white space before the first name. A comma ends the list, an empty
 * parameter counts, one separator at the end does not.
 */
export function paramsOf(value: string, separator: string): [string, string][] | undefined {
  const list = value.endsWith(separator) ? value.slice(0, -1) : value
  if (list === '') return undefined
  const params: [string, string][] = []
  let at = 0
  const blank = () => {
    while (at < list.length && /[ \t\r\n]/.test(list[at]!)) at++
  }
  const token = () => {
    const start = at
    while (at < list.length && !/[ \t\r\n,]/.test(list[at]!) && list[at] !== separator) at++
    return list.slice(start, at)
  }
  for (;;) {
    const start = at
    while (at < list.length && !/[ \t\r\n,=]/.test(list[at]!) && list[at] !== separator) at++
    const name = list.slice(start, at)
    blank()
    let text = ''
    if (list[at] === '=') {
      at++
      blank()
      if (list[at] === '"') {
        const quoted = /^"((?:[^"\\]|\\.)*)"/s.exec(list.slice(at))
        if (quoted === null) return undefined
        at += quoted[0].length
        text = quoted[1]!
      } else {
        if (list[at] === separator) return undefined
        text = token()
      }
      blank()
    }
    params.push([name, text])
    if (at >= list.length || list[at] === ',') return params
    if (list[at] !== separator) return undefined
    at++
    blank()
    if (at >= list.length) return undefined
  }
}

/** A comma ends a list always, so that it separates nothing. */
const separatorOf = (argument: (() => string) | undefined) => argument?.()[0] ?? ';'
const SEPARATOR = { name: 'separator', kind: 'string', optional: true } as const

/** Declares a {param.*}: what it reads of the list; nothing of what is none. */
function list(
  name: string,
  argument: { readonly name: string; readonly kind: 'string' | 'int' } | undefined,
  doc: string,
  read: (params: readonly [string, string][], argument: string) => PvValue,
): void {
  const parameters = argument === undefined ? [SEPARATOR] : [argument, SEPARATOR]
  const meta = {
    name: `param.${name}`,
    parameters,
    doc,
    ...(argument === undefined && { cut: 'last-takes-rest' as const }),
  }
  defineTransformation(meta, (value, args) => {
    const params = paramsOf(value, separatorOf(args[parameters.length - 1]))
    return params === undefined ? undefined : read(params, argument === undefined ? '' : args[0]!())
  })
}

const named = (name: string) => {
  const wanted = name.trim().toLowerCase()
  return ([key]: readonly [string, string]) => key.toLowerCase() === wanted
}
// Of two of a name, 5.6.3 finds the last.
list(
  'value',
  text('name'),
  'Value of a parameter of a list.',
  (params, name) => params.findLast(named(name))?.[1] ?? '',
)
list('in', text('name'), '1 if the list has the parameter, else 0.', (params, name) =>
  params.some(named(name)) ? 1 : 0,
)
list('valueat', int('index'), 'Value of the parameter at index.', (params, at) => params.at(Number(at))?.[1] ?? '')
list('name', int('index'), 'Name of the parameter at index.', (params, at) => params.at(Number(at))?.[0] ?? '')
list('count', undefined, 'How many parameters.', (params) => params.length)
