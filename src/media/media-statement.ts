// Owns the reading of one party's SDP: addresses, ports, direction, keys of each m-line, checked before anything changes.
import { SignalboxError } from '../errors.ts'
import {
  addressFamily,
  attributes,
  directionOf,
  directionSaid,
  hasAttribute,
  isGroup,
  isUnspecified,
  mediaAddress,
  parseCrypto,
  parseSdp,
  profileOf,
  type SdpDocument,
  type SdpMedia,
} from '../sdp/index.ts'
import type { MediaStatement } from './call.ts'
import { type Payload, readPayloads } from './codec-policy.ts'
import { readDtls } from './dtls-statement.ts'
import { readIce } from './ice-statement.ts'
import type { SessionOptions } from './session-options.ts'

/** @throws SignalboxError ERR_PARSE with rtpengine's words in front */
export function readDocument(options: SessionOptions): SdpDocument {
  if (options.sdp === undefined || options.sdp === '') throw new SignalboxError('ERR_PARSE', 'No SDP body in message')
  const parsed = parseSdp(options.sdp)
  if (!parsed.ok) throw new SignalboxError('ERR_PARSE', `Failed to parse SDP: ${parsed.reason}`)
  if (parsed.document.media.length === 0)
    throw new SignalboxError('ERR_PARSE', 'Failed to parse SDP: there is no media in it')
  const broken = parsed.document.media.find((media) => Number.isNaN(media.port))
  if (broken) throw new SignalboxError('ERR_PARSE', `Failed to parse SDP: bad port of ${broken.kind}`)
  return parsed.document
}

/** Whether the relay carries this media at all: anything over UDP. */
export function isRelayed(media: SdpMedia): boolean {
  return !/^TCP(\/|$)/i.test(media.protocol)
}

/** @throws SignalboxError ERR_PARSE where the relay could not know what to do with the media */
export function readStatement(document: SdpDocument, media: SdpMedia, options: SessionOptions): MediaStatement {
  const profile = profileOf(media.protocol)
  const written = mediaAddress(document, media)
  if (written === undefined) throw new SignalboxError('ERR_PARSE', 'Incomplete SDP specification: media without c=')
  const address = options.sourceAddress ?? written
  if (addressFamily(address) === undefined)
    throw new SignalboxError(
      'ERR_PARSE',
      `Failed to parse SDP: ${JSON.stringify(address.slice(0, 60))} is not a numeric address`,
    )
  // A relay that sent to a group would multiply a stranger's packets.
  if (isGroup(address)) throw new SignalboxError('ERR_MEDIA', `media to ${address} is refused: it is not one host`)
  if (profile.rtp && media.port !== 0 && !media.formats.some((format) => /^\d{1,3}$/.test(format)))
    throw new SignalboxError('ERR_PARSE', 'Incomplete SDP specification: RTP without a payload type')
  const ice = profile.rtp ? readIce(document, media) : undefined
  const payloads = readPayloads(media)
  const crypto = attributes(media, 'crypto')
    .map(parseCrypto)
    .filter((attribute) => attribute !== undefined)
  return {
    kind: media.kind,
    port: media.port,
    rtcpPort: readRtcpPort(media),
    address: isUnspecified(address) ? undefined : address,
    protocol: media.protocol,
    // RFC 8838 5: with ICE, 0.0.0.0 says that candidates are yet to come, and nothing of hold. An address that is not
    // believed says nothing either.
    direction: (ice || options.sourceAddress !== undefined ? directionSaid : directionOf)(document, media),
    rtcpMux: hasAttribute(media, 'rtcp-mux'),
    crypto,
    dtls: profile.secure ? readDtls(document, media) : undefined,
    ice,
    mid: attributes(media, 'mid')[0],
    ptime: attributes(media, 'ptime').find((value) => /^\d{1,4}$/.test(value)),
    clockRate: readClockRate(payloads),
    payloads: profile.rtp ? payloads : [],
    eventPayloads: profile.rtp ? readEventPayloads(payloads) : [],
    latching: options.latching,
  }
}

// RFC 3605 2.1: a=rtcp:<port> [...]; RFC 3550 11: else the next higher port.
function readRtcpPort(media: SdpMedia): number {
  const port = Number(/^(\d{1,5})( |$)/.exec(attributes(media, 'rtcp')[0] ?? '')?.[1])
  return port > 0 && port <= 65_535 ? port : Math.min(media.port + 1, 65_535)
}

function readEventPayloads(payloads: readonly Payload[]): number[] {
  return payloads
    .filter(({ codec }) => codec?.name === 'telephone-event' && codec.rate !== undefined)
    .map(({ format }) => Number(format))
    .filter((payload) => payload <= 127)
}

function readClockRate(payloads: readonly Payload[]): number {
  const rate = Number(payloads[0]?.codec?.rate)
  return Number.isInteger(rate) && rate > 0 && rate <= 1_000_000 ? rate : 8000
}
