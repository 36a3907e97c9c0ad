// Owns the text of a session description as the relay sends it on: a pure function of what came in and of a plan.
// Lines that the relay does not own keep their bytes; the order within a media section is rtpengine's.
import {
  type AddressFamily,
  addressFamily,
  DIRECTIONS,
  type Direction,
  hasAttribute,
  isDirection,
  isUnspecified,
  type SdpDocument,
  type SdpLine,
  type SdpMedia,
} from '../sdp/index.ts'
import type { Payload } from './codec-policy.ts'
import { staticRtpmap } from './static-payloads.ts'

export interface RelayedMedia {
  readonly action: 'relay'
  readonly family: AddressFamily
  readonly address: string
  readonly port: number
  /** Port for the `a=rtcp` line; undefined where the media is not RTP. */
  readonly rtcpPort: number | undefined
  readonly protocol: string
  /** Undefined: the lines that came in stay. */
  readonly direction: Direction | undefined
  readonly rtcpAttribute: 'port' | 'full' | 'none'
  readonly rtcpMux: boolean
  /** Values of `a=crypto` lines. */
  readonly crypto: readonly string[]
  /** Attributes of DTLS and of ICE, without `a=`. */
  readonly dtls: readonly string[]
  readonly ice: readonly string[]
  /** Whether this relay only answers the checks of ICE. */
  readonly iceLite: boolean
  /** Whether the address that came in stands for candidates, so that 0.0.0.0 asks for no hold. */
  readonly addressByIce: boolean
  readonly mid: string | undefined
  /** Value of `a=ptime` where the media has none. */
  readonly ptime: string | undefined
  /** Value of `a=ptime` whatever the media has. */
  readonly forcedPtime: string | undefined
  /** Payload types that came, in order; empty where the media is no RTP. */
  readonly said: readonly Payload[]
  /** Those that go on; undefined: as they came. */
  readonly payloads: readonly Payload[] | undefined
}

/** Left as it is, but for ICE: the relay carries only what goes over UDP. */
export interface UntouchedMedia {
  readonly action: 'untouched'
  readonly mid: string | undefined
}

/** Port 0. */
export interface RefusedMedia {
  readonly action: 'refused'
  readonly protocol: string
  readonly mid: string | undefined
}

/** What becomes of one m-line. */
export type MediaPlan = RelayedMedia | UntouchedMedia | RefusedMedia

export interface RewritePlan {
  readonly media: readonly MediaPlan[]
  /** The address that stands for the whole description: in `o=`, and in the session's `c=`. */
  readonly face: { readonly family: AddressFamily; readonly address: string }
  readonly replaceOrigin: boolean
  /** Lines that end the session part. */
  readonly sessionLines: readonly string[]
  readonly replaceSessionConnection: boolean
  readonly replaceZeroAddress: boolean
}

// RFC 8839 5: what ICE adds to a description.
const ICE: ReadonlySet<string> = new Set([
  'candidate',
  'remote-candidates',
  'end-of-candidates',
  'ice-ufrag',
  'ice-pwd',
  'ice-options',
  'ice-lite',
  'ice-mismatch',
  'ice-pacing',
])
const DTLS: ReadonlySet<string> = new Set(['fingerprint', 'setup', 'tls-id', 'connection'])
/** Attributes of the session part that the relay owns. BUNDLE would put two m-lines on one port (RFC 8843). */
const OWN_OF_SESSION: ReadonlySet<string> = new Set(['group', 'rtcp-mux', 'rtcp-mux-only', 'rtcp', 'crypto'])
const OWN_OF_MEDIA = ['rtcp', 'rtcp-mux', 'rtcp-mux-only', 'crypto', 'mid', 'ptime', 'bundle-only']
const OF_PAYLOAD = ['rtpmap', 'fmtp', 'rtcp-fb']
/** What becomes of an attribute of a media section that does not just go on: `own` ones are the relay's to write. */
const OF_MEDIA: ReadonlyMap<string, 'own' | 'direction' | 'payload'> = new Map([
  ...[...ICE, ...DTLS, ...OWN_OF_MEDIA].map((name) => [name, 'own'] as const),
  ...[...DIRECTIONS].map((name) => [name, 'direction'] as const),
  ...OF_PAYLOAD.map((name) => [name, 'payload'] as const),
])
/** Of one payload type; others are of all (`rtcp-fb:*`). */
const OF_ONE_PAYLOAD = /^[^:]*:\d+(?: |$)/

/** Writes the description anew. `plan.media` has one entry for each m-line. */
export function rewriteSdp(document: SdpDocument, plan: RewritePlan): string {
  const shared = document.media.some((media, index) => !media.connection && plan.media[index]?.action !== 'untouched')
  let text = ''
  for (const line of document.session.lines) {
    if (line.type === 'o' && plan.replaceOrigin && document.origin) text += originLine(document, plan.face)
    else if (line.type === 'c' && (plan.replaceSessionConnection || shared))
      text += connectionLine(document, line, plan.face, plan)
    else if (!isOwnOfSession(line, plan)) text += verbatim(document, line)
  }
  for (const line of plan.sessionLines) text += `${line}\r\n`
  for (const [index, media] of document.media.entries()) {
    const part = plan.media[index] ?? { action: 'refused', protocol: media.protocol, mid: undefined }
    if (part.action === 'relay') text += relayedSection(document, media, part, plan)
    else if (part.action === 'refused')
      text += `m=${media.kind} 0 ${part.protocol}${media.formatText}\r\n${midLine(part.mid)}`
    else text += untouchedSection(document, media, part.mid)
  }
  return text
}

function midLine(mid: string | undefined): string {
  return mid === undefined ? '' : `a=mid:${mid}\r\n`
}

function verbatim(document: SdpDocument, line: SdpLine): string {
  const text = document.text.slice(line.start, line.end)
  return text.endsWith('\r\n') ? text : `${text.replace(/\n$/, '')}\r\n`
}

function originLine(document: SdpDocument, origin: RewritePlan['face']): string {
  const { username, sessionId, version } = document.origin!
  return `o=${username} ${sessionId} ${version} IN ${origin.family} ${origin.address}\r\n`
}

function connectionLine(document: SdpDocument, line: SdpLine, media: RewritePlan['face'], plan: RewritePlan): string {
  const address = line.value.split(' ')[2] ?? ''
  // RFC 3264 8.4: 0.0.0.0 is how older peers ask for hold; it goes on unless the flags say otherwise.
  if (isUnspecified(address) && !plan.replaceZeroAddress)
    return addressFamily(address) === media.family
      ? verbatim(document, line)
      : `c=IN ${media.family} ${media.family === 'IP6' ? '::' : '0.0.0.0'}\r\n`
  return `c=IN ${media.family} ${media.address}\r\n`
}

function isOwnOfSession(line: SdpLine, plan: RewritePlan): boolean {
  const { name } = line
  if (name === '') return false
  if (isDirection(name)) return plan.media.some((media) => media.action === 'relay' && media.direction !== undefined)
  return ICE.has(name) || OWN_OF_SESSION.has(name) || DTLS.has(name)
}

function untouchedSection(document: SdpDocument, media: SdpMedia, mid: string | undefined): string {
  // The session's c= may have become the relay's, which this media does not go through.
  const connection = media.connection ? undefined : document.session.connection
  const [head, ...rest] = media.lines
  const kept = rest.filter((line) => !ICE.has(line.name))
  const added =
    (connection ? verbatim(document, connection.line) : '') + (hasAttribute(media, 'mid') ? '' : midLine(mid))
  return verbatim(document, head!) + added + kept.map((line) => verbatim(document, line)).join('')
}

function relayedSection(document: SdpDocument, media: SdpMedia, part: RelayedMedia, plan: RewritePlan): string {
  const count = media.portCount > 1 ? `/${media.portCount}` : ''
  const formatText = part.payloads?.map(({ format }) => ` ${format}`).join('') ?? media.formatText
  let text = `m=${media.kind} ${part.port}${count} ${part.protocol}${formatText}\r\n`
  const rtp = part.rtcpPort !== undefined
  for (const line of media.lines.slice(1)) {
    if (line.type === 'c') {
      text += connectionLine(document, line, part, plan)
      continue
    }
    const kind = OF_MEDIA.get(line.name)
    const goesOn =
      kind === undefined ||
      (kind === 'direction' && part.direction === undefined) ||
      (kind === 'payload' && !(rtp && OF_ONE_PAYLOAD.test(line.value)))
    if (goesOn) text += verbatim(document, line)
  }
  text += midLine(part.mid)
  if (rtp) text += payloadLines(part.payloads ?? part.said)
  if (part.direction !== undefined) text += `a=${part.direction}\r\n`
  if (part.rtcpPort !== undefined && part.rtcpAttribute !== 'none') {
    // RFC 3605 2.1
    const full = part.rtcpAttribute === 'full' ? ` IN ${part.family} ${part.address}` : ''
    text += `a=rtcp:${part.rtcpPort}${full}\r\n`
  }
  if (part.rtcpMux) text += 'a=rtcp-mux\r\n'
  for (const value of part.crypto) text += `a=crypto:${value}\r\n`
  for (const attribute of part.dtls) text += `a=${attribute}\r\n`
  const ptime = media.lines.find((line) => line.name === 'ptime')
  if (part.forcedPtime !== undefined) text += `a=ptime:${part.forcedPtime}\r\n`
  else if (ptime) text += verbatim(document, ptime)
  else if (part.ptime !== undefined) text += `a=ptime:${part.ptime}\r\n`
  for (const attribute of part.ice) text += `a=${attribute}\r\n`
  return text
}

/** rtpmap, fmtp and rtcp-fb in the order of the m-line's payloads; RFC 3551 6 tells the rtpmap of static ones without. */
function payloadLines(payloads: readonly Payload[]): string {
  let text = ''
  for (const { format, attributes } of payloads) {
    const rtpmap = attributes.find((line) => line.startsWith('rtpmap:'))
    const known = staticRtpmap(format)
    if (rtpmap !== undefined) text += `a=${rtpmap}\r\n`
    else if (known) text += `a=rtpmap:${format} ${known}\r\n`
    for (const line of attributes) if (!line.startsWith('rtpmap:')) text += `a=${line}\r\n`
  }
  return text
}
