// Owns the structure of a session description: its session part and its media, read from lines that keep their place.
import { type AddressFamily, addressFamily } from './address.ts'
import { DEFAULT_SDP_LIMITS, rawLines, type SdpLimits, type SdpLine } from './lines.ts'

export interface SdpConnection {
  readonly family: AddressFamily
  /** Numeric or a name, without a multicast TTL. */
  readonly address: string
  readonly line: SdpLine
}

export interface SdpOrigin {
  readonly username: string
  readonly sessionId: string
  readonly version: string
  readonly family: AddressFamily
  readonly address: string
  readonly line: SdpLine
}

/** A part of the description that attributes belong to. */
export interface SdpSection {
  /** All lines of the part; of a media section the `m=` line comes first. */
  readonly lines: readonly SdpLine[]
  readonly connection: SdpConnection | undefined
}

export interface SdpMedia extends SdpSection {
  /** `audio`, `video`, `image`, ... */
  readonly kind: string
  /** NaN where something else than a port stands there; the lines stay readable. */
  readonly port: number
  /** The number after the slash of `port/n`; 1 without it. */
  readonly portCount: number
  /** `RTP/AVP`, `RTP/SAVP`, `udptl`, ... as written. */
  readonly protocol: string
  readonly formats: readonly string[]
  /** What follows the protocol, as written. */
  readonly formatText: string
}

export interface SdpDocument {
  readonly text: string
  readonly session: SdpSection
  readonly origin: SdpOrigin | undefined
  readonly media: readonly SdpMedia[]
}

export type SdpParse =
  | { readonly ok: true; readonly document: SdpDocument }
  | { readonly ok: false; readonly reason: string }

/** Reads a session description leniently (RFC 8866 5): a blank line ends it, unknown lines and attributes stay. */
export function parseSdp(text: string, limits: SdpLimits = DEFAULT_SDP_LIMITS): SdpParse {
  if (text.length > limits.bytes) return { ok: false, reason: `longer than ${limits.bytes} bytes` }
  const session: Growing<SdpSection> = { lines: [], connection: undefined }
  const media: Growing<SdpMedia>[] = []
  let section = session
  let count = 0
  for (const raw of rawLines(text)) {
    if (raw.text === '') break
    if (++count > limits.lines) return { ok: false, reason: `more than ${limits.lines} lines` }
    if (raw.text.length < 2 || raw.text[1] !== '=')
      return { ok: false, reason: `line ${count} is not of the form x=value` }
    const type = raw.text[0]!
    const value = raw.text.slice(2)
    const line: SdpLine = { type, value, name: attributeName(type, value), start: raw.start, end: raw.end }
    if (count === 1 && !(line.type === 'v' && line.value.trim() === '0'))
      return { ok: false, reason: 'line 1 is not v=0' }
    if (line.type === 'm') {
      const head = parseMediaLine(line.value)
      if (!head) return { ok: false, reason: `line ${count} is not a media description: ${quote(line.value)}` }
      if (media.length === limits.media) return { ok: false, reason: `more than ${limits.media} media` }
      const begun = { ...head, lines: [], connection: undefined }
      media.push(begun)
      section = begun
    } else if (line.type === 'c') {
      const connection = parseConnection(line)
      if (!connection) return { ok: false, reason: `bad connection: ${quote(line.value)}` }
      section.connection ??= connection
    }
    section.lines.push(line)
  }
  if (count === 0) return { ok: false, reason: 'empty' }
  return { ok: true, document: { text, session, origin: originOf(session.lines), media } }
}

/** A section while its lines are read. */
type Growing<Section extends SdpSection> = Omit<Section, 'lines' | 'connection'> & {
  lines: SdpLine[]
  connection: SdpConnection | undefined
}

type MediaHead = Pick<SdpMedia, 'kind' | 'port' | 'portCount' | 'protocol' | 'formats' | 'formatText'>

// RFC 8866 5.14: m=<media> <port>[/<number of ports>] <proto> <fmt> ...
function parseMediaLine(value: string): MediaHead | undefined {
  const match = /^([!-~]+) +([!-.0-~]+)(?:\/(\d{1,3}))? +([!-~]+)( .*)?$/.exec(value)
  if (!match) return undefined
  const port = /^\d{1,5}$/.test(match[2]!) ? Number(match[2]) : Number.NaN
  const formatText = match[5] ?? ''
  return {
    kind: match[1]!,
    port: port > 65_535 ? Number.NaN : port,
    portCount: match[3] === undefined ? 1 : Number(match[3]),
    protocol: match[4]!,
    formats: formatText.split(' ').filter((format) => format !== ''),
    formatText,
  }
}

// RFC 8866 5.7: c=<nettype> <addrtype> <connection-address>[/ttl][/count]
function parseConnection(line: SdpLine): SdpConnection | undefined {
  const match = /^IN (IP[46]) ([^\s/]+)(?:\/\d+){0,2} *$/.exec(line.value)
  if (!match) return undefined
  const family = match[1] as AddressFamily
  const address = match[2]!
  const numeric = addressFamily(address)
  if (numeric !== undefined && numeric !== family) return undefined
  return { family, address, line }
}

// RFC 8866 5.2: o=<username> <sess-id> <sess-version> <nettype> <addrtype> <unicast-address>
function originOf(lines: readonly SdpLine[]): SdpOrigin | undefined {
  const line = lines.find((candidate) => candidate.type === 'o')
  const match = line && /^(\S+) (\S+) (\S+) IN (IP[46]) (\S+) *$/.exec(line.value)
  if (!line || !match) return undefined
  const [, username, sessionId, version, family, address] = match as unknown as string[]
  return {
    username: username!,
    sessionId: sessionId!,
    version: version!,
    family: family as AddressFamily,
    address: address!,
    line,
  }
}

function quote(value: string): string {
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}...` : value)
}

function attributeName(type: string, value: string): string {
  if (type !== 'a') return ''
  const colon = value.indexOf(':')
  return (colon < 0 ? value : value.slice(0, colon)).trim()
}

/** Value of an attribute line; '' for a property attribute. */
export function attributeValue(line: SdpLine): string {
  const colon = line.value.indexOf(':')
  return colon < 0 ? '' : line.value.slice(colon + 1)
}

/** Values of all attributes of that name in a section, in order. */
export function attributes(section: SdpSection, name: string): string[] {
  const values: string[] = []
  for (const line of section.lines) if (line.name === name) values.push(attributeValue(line))
  return values
}

export function hasAttribute(section: SdpSection, name: string): boolean {
  return section.lines.some((line) => line.name === name)
}
