// Owns the pseudo-variables of the message itself: first line, headers, identities, body. They show it as it was received.
import {
  applyEdits,
  METHOD_BITS,
  type MessageEdit,
  type NameAddr,
  parseNameAddr,
  parseUri,
  type SipMessage,
  SipReply,
  SipRequest,
  type SipUri,
  userPart,
} from '../src/sip/index.ts'
import { BRANCH, SCRIPT, TRANSACTION } from './flags.ts'
import { definePv, definePvClass, type PvValue } from './pv.ts'
import { currentRun } from './runtime.ts'
import { made } from './text-bounds.ts'

const message = (): SipMessage => currentRun().message
const meta = (name: string, doc: string, aliases: string[] = []) => ({ name, aliases, module: 'pv', doc })
const orNull = (text: string | undefined): PvValue => (text === undefined || text === '' ? null : text)

function method(): string {
  const current = message()
  return current instanceof SipRequest ? current.method : current.cseqMethod
}
definePv(
  {
    ...meta('rm', 'Method; in a reply, that of the CSeq.'),
    number: () => METHOD_BITS.get(method()) ?? 1 << METHOD_BITS.size,
  },
  () => orNull(method()),
)
definePv({ ...meta('rs', 'Status of a reply.'), routes: ['reply'] }, () => {
  const current = message()
  return current instanceof SipReply ? `${current.status}` : null
})
definePv({ ...meta('rr', 'Reason phrase of a reply.'), routes: ['reply'] }, () => {
  const current = message()
  return current instanceof SipReply ? current.reason : null
})
definePv(meta('rv', 'SIP version.'), () => 'SIP/2.0')
definePv(meta('mt', '1 for a request, 2 for a reply.'), () => (message() instanceof SipRequest ? 1 : 2))
definePv(meta('mi', 'Running number of the message.'), () => currentRun().meta.messageNumber)
definePv(meta('mb', 'The message as received.'), () => currentRun().raw)
definePv(meta('mbu', 'The message with the changes made so far.'), () =>
  made(applyEdits(currentRun().raw, currentRun().edits)),
)
definePv(meta('ml', 'Length of the message in bytes.'), () => currentRun().raw.length)
definePv(meta('rb', 'Body.'), () => message().body)
definePv(meta('bs', 'Length of the body in bytes.'), () => message().body.length)
definePv(meta('ci', 'Call-ID.'), () => orNull(message().callId))
definePv(meta('cs', 'Number of the CSeq.'), () => {
  const current = message()
  return current.find('CSeq') < 0 ? null : `${current.cseqNumber}`
})
definePv(meta('csb', 'CSeq as written.'), () => message().header('CSeq') ?? null)
definePv(meta('ua', 'User-Agent.'), () => message().header('User-Agent') ?? null)
definePv(meta('ct', 'Contact as written.'), () => message().header('Contact') ?? null)
definePv(meta('cT', 'Content-Type.'), () => message().header('Content-Type') ?? null)
definePv(meta('cl', 'Content-Length.'), () => message().contentLength ?? 0)
for (const [letter, whose, field] of [
  ['m', 'message', TRANSACTION],
  ['b', 'branch', BRANCH],
  ['s', 'script run', SCRIPT],
] as const) {
  // A text sets nothing.
  const set = (value: PvValue) => {
    if (typeof value !== 'string') field.set((value ?? 0) | 0)
  }
  definePv(meta(`${letter}f`, `Flags of the ${whose}.`), () => field.get() >>> 0, set)
  definePv(meta(`${letter}F`, `Flags of the ${whose}, hexadecimal.`), () => hexadecimal(field.get()), set)
}
const hexadecimal = (flags: number) => (flags >>> 0).toString(16).padStart(8, '0')

/** Values of all headers of a name; a number counts from the first, a negative one from the last. */
definePvClass(
  {
    ...meta('hdr', 'Value of a header; `[n]` the nth, negative from the last, `[*]` all.'),
    inner: { name: 'header name' },
    index: true,
  },
  (inner) => {
    const constant = inner.text.trim()
    const name = constant.includes('$') ? inner.format : () => constant
    const { index } = inner
    return {
      get: () => {
        const at = index()
        if (at === undefined || at === 0) return message().header(name()) ?? null
        const values = message().headers(name())
        if (at === 'all') return values.length === 0 ? null : values.join(',')
        return values.at(at) ?? null
      },
    }
  },
)
definePvClass({ ...meta('hdrc', 'How many headers of a name there are.'), inner: { name: 'header name' } }, (inner) => {
  const name = inner.format
  return { get: () => message().headers(name().trim()).length }
})
definePvClass(
  { ...meta('hfl', 'One value of a header whose lines are comma lists.'), inner: { name: 'header name' }, index: true },
  (inner) => {
    const name = inner.format
    return {
      get: () => {
        const values = message().headerList(name().trim())
        const at = inner.index()
        if (at === 'all') return values.length === 0 ? null : values.join(',')
        return values.at(at ?? 0) ?? null
      },
    }
  },
)
definePvClass(
  { ...meta('hflc', 'How many values the comma lists of a header have.'), inner: { name: 'header name' } },
  (inner) => {
    const name = inner.format
    return { get: () => message().headerList(name().trim()).length }
  },
)
definePvClass(
  {
    ...meta('msg', 'A part of the message.'),
    inner: {
      name: 'part',
      values: ['len', 'buf', 'body', 'body_len', 'hdrs', 'hdrs_len', 'fpart', 'lpart'],
    },
  },
  (inner) => {
    const read = {
      len: () => currentRun().raw.length,
      buf: () => currentRun().raw,
      body: () => message().body,
      body_len: () => message().body.length,
      hdrs: () => currentRun().raw.slice(message().firstLineEnd, message().bodyStart - 4),
      hdrs_len: () => message().bodyStart - 4 - message().firstLineEnd,
      fpart: () => currentRun().raw.slice(0, message().bodyStart - 4),
      lpart: () => currentRun().raw.slice(message().firstLineEnd),
    }[inner.text]
    return { get: read ?? (() => null) }
  },
)

/** Replaces bytes of the message; readers see the change only after msg_apply_changes. */
function edit(start: number, end: number, text: string): void {
  currentRun().addEdit({ at: start, remove: end - start, text })
}

interface UriPlace {
  uri: SipUri
  from: number
  to: number
}

function uriPlace(address: NameAddr | undefined): UriPlace | undefined {
  const uri = address === undefined ? undefined : parseUri(address.uri)
  return uri === undefined ? undefined : { uri, from: address!.uriStart, to: address!.uriEnd }
}

const userOfPlace = (place: UriPlace | undefined) => place && userPart(place.uri)

/** A change made before to the same bytes: the next one goes on from it. */
function changedBefore(from: number, to: number): MessageEdit | undefined {
  return currentRun().edits.findLast((done) => done.at === from && done.remove === to - from)
}

function replaceUri(from: number, to: number, text: string): void {
  const before = changedBefore(from, to)
  if (before !== undefined) currentRun().edits.splice(currentRun().edits.indexOf(before), 1)
  edit(from, to, text)
}

function changeUri(address: NameAddr | undefined, change: (uri: SipUri) => void): void {
  const place = uriPlace(address)
  if (place === undefined) return
  const before = changedBefore(place.from, place.to)
  const uri = (before === undefined ? undefined : parseUri(before.text)) ?? place.uri
  change(uri)
  replaceUri(place.from, place.to, uri.toString())
}

/** `$fu $fU $fd $fn $ft` and the same of To. Assigning rewrites the header of what is sent. */
function identity(letter: 'f' | 't', header: string, address: () => NameAddr | undefined): void {
  definePv(
    meta(`${letter}u`, `URI of ${header}.`),
    () => orNull(address()?.uri),
    (value) => {
      const place = address()
      if (place !== undefined && value) replaceUri(place.uriStart, place.uriEnd, `${value}`)
    },
  )
  definePv(
    meta(`${letter}U`, `User part of ${header}.`),
    () => orNull(userOfPlace(uriPlace(address()))),
    (value) =>
      changeUri(address(), (uri) => {
        if (value) uri.user = `${value}${uri.user?.slice(userPart(uri)!.length) ?? ''}`
        else delete uri.user
      }),
  )
  definePv(
    meta(`${letter}d`, `Host of ${header}.`),
    () => orNull(uriPlace(address())?.uri.host),
    (value) =>
      changeUri(address(), (uri) => {
        if (value) uri.host = `${value}`
      }),
  )
  definePv(
    meta(`${letter}n`, `Display name of ${header}, as written.`),
    () => orNull(address()?.displayName),
    (value) => {
      const place = address()
      if (place === undefined) return
      const bracket = currentRun().raw.lastIndexOf('<', place.uriStart)
      if (bracket >= place.start) edit(place.start, bracket, value ? `${value} ` : '')
    },
  )
}
identity('f', 'From', () => message().from)
identity('t', 'To', () => message().to)
definePv(meta('ft', 'Tag of From.'), () => orNull(message().fromTag))
definePv(meta('tt', 'Tag of To.'), () => orNull(message().toTag))

/** The first address of a header, with `u` URI, `U` user, `d` host, `n` display name. */
function ofHeader(header: string): () => NameAddr | undefined {
  return () => {
    const value = message().header(header)
    return value === undefined ? undefined : parseNameAddr(value)
  }
}
const asserted = ofHeader('P-Asserted-Identity')
definePv(meta('ai', 'URI of P-Asserted-Identity.'), () => orNull(asserted()?.uri))
const preferred = ofHeader('P-Preferred-Identity')
definePv(meta('pu', 'URI of P-Preferred-Identity.'), () => orNull(preferred()?.uri))
definePv(meta('pU', 'User of P-Preferred-Identity.'), () => orNull(userOfPlace(uriPlace(preferred()))))
definePv(meta('pd', 'Host of P-Preferred-Identity.'), () => orNull(uriPlace(preferred())?.uri.host))
definePv(meta('pn', 'Display name of P-Preferred-Identity.'), () => orNull(preferred()?.displayName))
definePv(meta('re', 'URI of Remote-Party-ID.'), () => orNull(ofHeader('Remote-Party-ID')()?.uri))
definePv(meta('rt', 'URI of Refer-To.'), () => orNull(ofHeader('Refer-To')()?.uri))
const diversion = ofHeader('Diversion')
definePv(meta('di', 'URI of Diversion.'), () => orNull(diversion()?.uri))
definePv(meta('dir', 'Reason of Diversion.'), () => orNull(diversion()?.params.get('reason')))
definePv(meta('dip', 'Privacy of Diversion.'), () => orNull(diversion()?.params.get('privacy')))
definePv(meta('dic', 'Counter of Diversion.'), () => orNull(diversion()?.params.get('counter')))

/** P-Charging-Vector (RFC 3455): the parameters by their names there. */
const CHARGING: Readonly<Record<string, string>> = {
  value: 'icid-value',
  genaddr: 'icid-generated-at',
  orig: 'orig-ioi',
  term: 'term-ioi',
}
function charging(whole: string, name: string): PvValue {
  for (const part of whole.split(';')) {
    const at = part.indexOf('=')
    if (at >= 0 && part.slice(0, at).trim().toLowerCase() === name) return orNull(part.slice(at + 1).trim())
  }
  return null
}
definePvClass(
  {
    ...meta('pcv', 'P-Charging-Vector: all, or its value, genaddr, orig, term.'),
    module: 'siputils',
    inner: { name: 'part', values: ['all', ...Object.keys(CHARGING)] },
  },
  (inner) => {
    const name = CHARGING[inner.text]
    return {
      get: () => {
        const whole = message().header('P-Charging-Vector')
        // One without an icid-value charges nothing.
        if (whole === undefined || charging(whole, 'icid-value') === null) return null
        return name === undefined ? whole : charging(whole, name)
      },
    }
  },
)

/** Digest credentials, of Proxy-Authorization or Authorization. */
function credential(name: string): string | undefined {
  const current = message()
  const value = current.header('Proxy-Authorization') ?? current.header('Authorization')
  if (value === undefined || value.length > 4096) return undefined
  const found = new RegExp(`(?:^|[\\s,])${name}\\s*=\\s*(?:"([^"]*)"|([^\\s,"]*))`, 'i').exec(value)
  return found === null ? undefined : (found[1] ?? found[2])
}
const userOf = (name: string | undefined) => name?.replace(/@.*$/s, '')
definePv(meta('au', 'User of the credentials.'), () => orNull(userOf(credential('username'))))
definePv(meta('aU', 'User of the credentials, as written.'), () => orNull(credential('username')))
definePv(meta('ad', 'Domain of the user of the credentials.'), () => {
  // Kamailio 5.6.3: '' for a user without a domain.
  const user = credential('username')
  return user === undefined ? null : (user.split('@')[1] ?? '')
})
definePv(meta('ar', 'Realm of the credentials.'), () => orNull(credential('realm')))
definePv(meta('adu', 'URI of the credentials.'), () => orNull(credential('uri')))
definePv(meta('adn', 'Nonce of the credentials.'), () => orNull(credential('nonce')))
for (const [name, parameter, doc] of [
  ['aa', 'algorithm', 'Algorithm of the credentials.'],
  ['adc', 'cnonce', 'Client nonce of the credentials.'],
  ['ado', 'opaque', 'Opaque of the credentials.'],
] as const) {
  // Kamailio 5.6.3: '' for credentials that name none.
  definePv(meta(name, doc), () => (credential('username') === undefined ? null : (credential(parameter) ?? '')))
}
definePv(meta('adr', 'Response of the credentials.'), () => orNull(credential('response')))
/** The user to account for: of the credentials once they are checked, else of From. */
const accounted = (): { user: string | undefined; domain: string | undefined } => {
  const checked = currentRun().state.authorized
  if (checked !== undefined) return { user: userOf(checked.user), domain: checked.realm }
  const uri = uriPlace(message().from)?.uri
  return { user: uri?.user, domain: uri?.host }
}
definePv(meta('AU', 'User of the credentials, else of From.'), () => orNull(accounted().user))
definePv(meta('Au', 'User and domain of the credentials, else of From.'), () => {
  const { user, domain } = accounted()
  return user === undefined ? orNull(domain) : `${user}@${domain ?? ''}`
})

function expiresOf(pick: (values: readonly number[]) => number): number | null {
  const current = message()
  const header = Number.parseInt(current.header('Expires') ?? '', 10)
  const values = current
    .nameAddrs('Contact')
    .map((contact) => Number.parseInt(contact.params.get('expires') ?? '', 10))
    .map((seconds) => (Number.isNaN(seconds) ? header : seconds))
  const known = (values.length === 0 ? [header] : values).filter((seconds) => !Number.isNaN(seconds))
  return known.length === 0 ? null : pick(known)
}
definePvClass(
  { ...meta('expires', 'Lowest or highest expiry of the contacts.'), inner: { name: 'bound', values: ['min', 'max'] } },
  (inner) => ({
    get: () => expiresOf((values) => (inner.text === 'min' ? Math.min(...values) : Math.max(...values))),
  }),
)

const TRANSPORT_IDS: Readonly<Record<string, number>> = { UDP: 1, TCP: 2, TLS: 3, SCTP: 4, WS: 5, WSS: 6 }

function via(name: string, doc: string, pick: (count: number) => number): void {
  definePvClass(
    {
      ...meta(name, doc),
      inner: {
        name: 'part',
        values: ['host', 'port', 'proto', 'protoid', 'branch', 'rport', 'received', 'i'],
      },
    },
    (inner) => ({
      get: () => {
        const all = message().vias()
        const one = all[pick(all.length)]
        if (one === undefined) return null
        switch (inner.text) {
          case 'host':
            return one.host
          case 'port':
            return one.port ?? 5060
          case 'proto':
            return one.transport
          case 'protoid':
            return TRANSPORT_IDS[one.transport.toUpperCase()] ?? 0
          case 'branch':
            return orNull(one.branch)
          default:
            return orNull(one.params.get(inner.text))
        }
      },
    }),
  )
}
via('via0', 'A part of the first Via.', () => 0)
via('via1', 'A part of the second Via.', () => 1)
via('viaZ', 'A part of the last Via.', (count) => count - 1)

definePv(
  { name: 'route_uri', module: 'rr', doc: 'URI of the first Route.' },
  () => message().nameAddrs('Route')[0]?.uri ?? '',
)
definePvClass(
  {
    name: 'sdp',
    module: 'sdpops',
    doc: 'The SDP body, or a part of it.',
    inner: { name: 'part', values: ['body', 'sess_version'] },
  },
  (inner) => {
    return {
      get: () => {
        if (!/^v=0/m.test(message().body)) return null
        return inner.text === 'body' ? message().body : orNull(/^o=\S+ \S+ (\d+)/m.exec(message().body)?.[1])
      },
    }
  },
)
