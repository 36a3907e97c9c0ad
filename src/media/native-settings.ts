// Owns how a stream is configured: what may be said, every check of it, and the form in which the addon reads it.
import { BlockList, isIP } from 'node:net'
import { SignalboxError } from '../errors.ts'
import { isGroup, isUnspecified } from '../sdp/index.ts'
import { type Conversion, type ConversionForm, conversionForm } from './audio-settings.ts'
import { type ConnectionForm, connectionForm, type DtlsConfig, type IceConfig } from './connection-settings.ts'

/** SDES suites that the relay speaks (RFC 4568 6.2, RFC 6188, RFC 7714 14.2). */
export type SrtpSuite = keyof typeof SRTP_KEY_BYTES

/** Bytes of master key and salt together, by suite: what `inline:` of an SDES line decodes to. */
export const SRTP_KEY_BYTES = {
  AES_CM_128_HMAC_SHA1_80: 30,
  AES_CM_128_HMAC_SHA1_32: 30,
  AES_192_CM_HMAC_SHA1_80: 38,
  AES_192_CM_HMAC_SHA1_32: 38,
  AES_256_CM_HMAC_SHA1_80: 46,
  AES_256_CM_HMAC_SHA1_32: 46,
  AEAD_AES_128_GCM: 28,
  AEAD_AES_256_GCM: 44,
} as const

/** Master key followed by master salt (RFC 4568 6.1). */
export interface SrtpKey {
  suite: SrtpSuite
  key: Uint8Array
  /** Every packet names the key by this number, in so many bytes (1 to 128); others are refused. Absent: none does. */
  mki?: { readonly value: number; readonly length: number } | undefined
}

/** Everything about a stream; what is absent has its default, whatever was configured before. */
export interface StreamConfig {
  /** Where the far end said it receives, from SDP. Absent, or the unspecified address (a hold of RFC 2543): not known. */
  remote?: { address: string; rtpPort: number; rtcpPort: number } | undefined
  /**
   * Who may send here. `learn`: whoever does so first, better matches of the signalled address winning within
   * the learning window, nobody else afterwards; answers follow. `strict`: the signalled address and port alone. `off`: anybody,
   * answers go to the signalled address. `move`: anybody, and answers go where the last packet came from. For SRTP only packets that authenticate are learned from.
   */
  latching: 'learn' | 'strict' | 'off' | 'move'
  /** The learning window after the first packet, in milliseconds. Default 3000. */
  learningMillis?: number | undefined
  /** RTCP leaves by the RTP port, to the far end's RTP port (RFC 5761). It is understood there in any case. */
  rtcpMux?: boolean
  /** How packets that arrive here are protected; absent or null: not at all. The same key again keeps its ROC. */
  srtpIn?: SrtpKey | null
  /** Further keys of the same suite, which packets name by their identifiers (RFC 4568 6.1). */
  srtpInFurther?: readonly SrtpKey[]
  /** The far end is met by ICE: `remote` is not used, and addresses come from its checks alone. */
  ice?: IceConfig | null
  /** DTLS gives the keys (RFC 5764): srtpIn and srtpOut are absent, and no media passes before the handshake is over. */
  dtls?: DtlsConfig | null
  /** How packets that leave here are protected. */
  srtpOut?: SrtpKey | null
  /** Packets leave here. Default true. */
  send?: boolean
  /** Packets that arrive here are passed on. Default true. */
  receive?: boolean
  /**
   * The media is no RTP (T.38 over UDPTL): every datagram goes on as it came, with the same latching, limits and
   * counters. Both ends of a link have it, and no keys.
   */
  passthrough?: boolean
  /** STUN that arrives here goes on to the far end of the other side, from whomever it is. Default false. */
  passStun?: boolean
  /** RTCP that arrives here ends here, and the far end gets reports of the relay's own (RFC 3550 6.4). Default false. */
  ownReports?: boolean
  /**
   * What becomes of the media that arrives here. `block`: it is not passed on. `silence`: G.711 is passed on as silence,
   * telephone events as they are, all else is blocked. RTCP passes. Default `pass`.
   */
  media?: 'pass' | 'block' | 'silence'
  /** Payload types of what arrives here that are telephone events (RFC 4733). */
  dtmfPayloadTypes?: readonly number[]
  /** What becomes of payloads that arrive here. The same again goes on where it was. */
  conversion?: Conversion | null
  /** Telephone events that arrive here are not passed on. */
  blockDtmf?: boolean
  /** Quiet for this long: one `timeout` event. Counted from the configuration or the last good packet. 0 or absent: never. */
  timeoutMillis?: number
  /** The same in place of timeoutMillis while send or receive is off. */
  silentTimeoutMillis?: number
  /** Timestamp units a second, for the jitter. Default 8000. */
  clockRate?: number
  /** Good packets taken a second, RTP and RTCP together: what ends a loop of legs that point at each other. Default 5000. */
  packetRate?: number
}

interface KeySettings {
  suite: string
  key: Uint8Array
  mki: Uint8Array
}

/** StreamConfig as the addon reads it: all there, all checked. */
export interface Settings extends ConnectionForm, ConversionForm {
  latching: number
  address: string
  rtpPort: number
  rtcpPort: number
  rtcpMux: boolean
  send: boolean
  receive: boolean
  passthrough: boolean
  ownReports: boolean
  passStun: boolean
  media: number
  dtmfPayloadTypes: Uint8Array
  blockDtmf: boolean
  srtpIn: KeySettings
  srtpInFurther: KeySettings[]
  srtpOut: KeySettings
  timeoutMillis: number
  silentTimeoutMillis: number
  clockRate: number
  learningMillis: number
  packetRate: number
}

const LATCHING = { learn: 0, strict: 1, off: 2, move: 3 } as const
const MEDIA = { pass: 0, block: 1, silence: 2 } as const
const NO_BYTES = new Uint8Array(0)
const NO_KEY: KeySettings = { suite: '', key: NO_BYTES, mki: NO_BYTES }
const MAX_MILLIS = 2 ** 31

/** A whole number within bounds, or an error that names it. */
export function integer(what: string, value: number, low: number, high: number): number {
  if (Number.isInteger(value) && value >= low && value <= high) return value
  throw new SignalboxError('ERR_MEDIA', `${what} must be a whole number from ${low} to ${high}, not ${value}.`)
}

/** A numeric address, or an error that names it. */
export function address(what: string, value: string): string {
  if (isIP(value) !== 0 && !value.includes('%')) return value
  throw new SignalboxError('ERR_MEDIA', `${what} must be a numeric IPv4 or IPv6 address, not ${JSON.stringify(value)}.`)
}

/** IPv6 has many spellings of one address, those that hold an IPv4 address among them. */
const UNSPECIFIED = new BlockList()
UNSPECIFIED.addAddress('0.0.0.0')
UNSPECIFIED.addAddress('::', 'ipv6')
const GROUPS = new BlockList()
GROUPS.addSubnet('224.0.0.0', 4)
GROUPS.addAddress('255.255.255.255')
GROUPS.addSubnet('ff00::', 8, 'ipv6')

/** The far end's address, family checked; '' where it is not to be sent to. */
function remoteAddress(id: number, family: number | undefined, remote: StreamConfig['remote']): string {
  if (!remote) return ''
  const value = address('remote.address', remote.address)
  if (isIP(value) !== family) {
    throw new SignalboxError('ERR_MEDIA', `Media stream ${id} is of another address family than ${value}.`)
  }
  // SDP comes from strangers: a relay that sent to a group would multiply their packets.
  if (family === 6 ? GROUPS.check(value, 'ipv6') : isGroup(value))
    throw new SignalboxError('ERR_MEDIA', `Media is not sent to the group address ${value}.`)
  // RFC 3264 8.4: 0.0.0.0 says that the far end is not to be sent to; the system would take it for this machine.
  return (family === 6 ? UNSPECIFIED.check(value, 'ipv6') : isUnspecified(value)) ? '' : value
}

/** RFC 4568 6.1: the identifier as a big-endian number of so many bytes. */
function mkiBytes(what: string, mki: SrtpKey['mki']): Uint8Array {
  if (!mki) return NO_BYTES
  const bytes = new Uint8Array(integer(`${what}.mki.length`, mki.length, 1, 128))
  let rest = integer(`${what}.mki.value`, mki.value, 0, Number.MAX_SAFE_INTEGER)
  for (let i = bytes.length - 1; i >= 0; i--) {
    bytes[i] = rest % 256
    rest = Math.floor(rest / 256)
  }
  if (rest > 0)
    throw new SignalboxError('ERR_MEDIA', `${what}: an MKI of ${mki.length} bytes cannot hold ${mki.value}.`)
  return bytes
}

/** Checks the key's length; its bytes never enter a message. */
function srtpKey(what: string, key: SrtpKey | null | undefined): KeySettings {
  if (!key) return NO_KEY
  const bytes = Object.hasOwn(SRTP_KEY_BYTES, key.suite) ? SRTP_KEY_BYTES[key.suite] : undefined
  if (bytes === undefined)
    throw new SignalboxError('ERR_MEDIA', `${what}: the relay does not speak the suite ${JSON.stringify(key.suite)}.`)
  if (!(key.key instanceof Uint8Array) || key.key.length !== bytes) {
    throw new SignalboxError('ERR_MEDIA', `${what}: ${key.suite} needs ${bytes} bytes of key and salt.`)
  }
  return { suite: key.suite, key: key.key, mki: mkiBytes(what, key.mki) }
}

function furtherKeys({ srtpIn, srtpInFurther = [] }: StreamConfig): KeySettings[] {
  if (srtpInFurther.length > 0 && !srtpIn?.mki)
    throw new SignalboxError('ERR_MEDIA', 'srtpInFurther: of several keys each has an identifier.')
  integer('srtpInFurther.length', srtpInFurther.length, 0, 15)
  return srtpInFurther.map((key) => {
    integer('srtpInFurther.mki.length', key.mki?.length ?? 0, srtpIn!.mki!.length, srtpIn!.mki!.length)
    return srtpKey('srtpInFurther', key)
  })
}

/**
 * Checks what was said of stream `id`, whose own address is of `family`.
 * @throws SignalboxError ERR_MEDIA
 */
export function nativeSettings(id: number, family: number | undefined, config: StreamConfig): Settings {
  const { remote } = config
  const destination = remoteAddress(id, family, remote)
  if (!Object.hasOwn(LATCHING, config.latching)) {
    throw new SignalboxError(
      'ERR_MEDIA',
      `latching must be learn, strict, off or move, not ${JSON.stringify(config.latching)}.`,
    )
  }
  const media = config.media ?? 'pass'
  if (!Object.hasOwn(MEDIA, media))
    throw new SignalboxError('ERR_MEDIA', `media must be pass, block or silence, not ${JSON.stringify(media)}.`)
  if (config.dtls && (config.passthrough || config.srtpIn || config.srtpOut))
    throw new SignalboxError('ERR_MEDIA', 'Media keyed by DTLS is RTP, and has no other keys.')
  if (config.passStun && (config.ice || config.dtls))
    throw new SignalboxError('ERR_MEDIA', 'A stream that speaks ICE or DTLS itself passes no STUN on.')
  if (config.passthrough && config.ownReports)
    throw new SignalboxError('ERR_MEDIA', 'Media that is no RTP has no reports.')
  if (config.passthrough && (config.srtpIn || config.srtpOut))
    throw new SignalboxError('ERR_MEDIA', 'Media that is no RTP cannot have SRTP keys.')
  const clockRate = integer('clockRate', config.clockRate ?? 8000, 1, 1_000_000)
  const { ice, dtls } = connectionForm(family, config.ice, config.dtls)
  const { rules, packetSamples } = conversionForm(config.conversion)
  const dtmf = (config.dtmfPayloadTypes ?? []).map((type) => integer('dtmfPayloadTypes', type, 0, 127))
  return {
    latching: LATCHING[config.ice ? 'strict' : config.latching],
    address: config.ice ? '' : destination,
    rtpPort: remote ? integer('remote.rtpPort', remote.rtpPort, 1, 65535) : 0,
    rtcpPort: remote ? integer('remote.rtcpPort', remote.rtcpPort, 1, 65535) : 0,
    rtcpMux: config.rtcpMux ?? false,
    send: config.send ?? true,
    receive: config.receive ?? true,
    passthrough: config.passthrough ?? false,
    ownReports: config.ownReports ?? false,
    passStun: config.passStun ?? false,
    media: MEDIA[media],
    dtmfPayloadTypes: Uint8Array.from(dtmf),
    blockDtmf: config.blockDtmf ?? false,
    srtpIn: srtpKey('srtpIn', config.srtpIn),
    srtpInFurther: furtherKeys(config),
    srtpOut: srtpKey('srtpOut', config.srtpOut),
    timeoutMillis: integer('timeoutMillis', config.timeoutMillis ?? 0, 0, MAX_MILLIS),
    silentTimeoutMillis: integer('silentTimeoutMillis', config.silentTimeoutMillis ?? 0, 0, MAX_MILLIS),
    clockRate,
    learningMillis: integer('learningMillis', config.learningMillis ?? 3000, 0, 60_000),
    ice,
    dtls,
    rules,
    packetSamples,
    packetRate: integer('packetRate', config.packetRate ?? 5000, 1, 2 ** 32 - 1),
  }
}

/** Puts the numbers of settings, yes and no among them, where the addon expects each. */
export class SettingsWriter {
  readonly #names: readonly (keyof Settings)[]
  readonly #numbers: Float64Array

  constructor(names: readonly string[]) {
    this.#names = names as readonly (keyof Settings)[]
    this.#numbers = new Float64Array(names.length)
  }

  /** The array is used again for the next ones. */
  numbers(settings: Settings): Float64Array {
    const names = this.#names
    for (let n = 0; n < names.length; n++) this.#numbers[n] = Number(settings[names[n]!])
    return this.#numbers
  }
}
