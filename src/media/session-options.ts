// Owns what an NG request asks for: its dictionary read into options, whatever spelling of its keys was used.
import { type AddressFamily, addressFamily } from '../sdp/index.ts'
import { type CodecOptions, readCodecs } from './codec-policy.ts'
import type { FingerprintHash } from './connection-settings.ts'
import type { IceLite } from './connection-state.ts'
import { isFingerprintHash } from './dtls-statement.ts'
import { dictionary, type NgDictionary, type NgValue } from './ng/bencode.ts'
import { FLAG_KEYS, LISTED_FLAGS, rtpFlags } from './rtp-flags.ts'
import { type AttributeOptions, readAttributes } from './sdp-attributes.ts'

export interface SdesOptions {
  readonly off: boolean
  /** Suites that must not be offered. */
  readonly no: ReadonlySet<string>
  /** Suites that alone may be offered; empty: all. */
  readonly only: ReadonlySet<string>
  /** Suites to offer first, in this order. */
  readonly order: readonly string[]
  /** Whether any of `no`, `only` and `order` was given. */
  readonly chosen: boolean
  /** Offer no suite that the other side did not offer. */
  readonly noNew: boolean
  readonly pad: boolean
  readonly lifetime: boolean
  /** Answer with the suite agreed before, where it is offered again. */
  readonly keepAgreed: boolean
  /** Answer with the first suite of the offer, whatever the other side took. */
  readonly offererFirst: boolean
}

/** What is of one message of one call alone. */
export interface SessionCall {
  readonly callId: string
  readonly fromTag: string
  readonly toTag: string
  readonly viaBranch: string
  readonly sdp: string | undefined
}

export interface SessionOptions extends SessionCall {
  /** Profile towards the receiver of the SDP; undefined: as it is. */
  readonly transportProtocol: string | undefined
  /** Logical interfaces of the sender and of the receiver of the SDP. */
  readonly direction: readonly [string | undefined, string | undefined]
  readonly replaceOrigin: boolean
  readonly replaceSessionConnection: boolean
  readonly replaceZeroAddress: boolean
  /** Keep what the party's first description said. */
  readonly replaceUsername: boolean
  readonly replaceSessionName: boolean
  /** Count the versions of o= ourselves. */
  readonly replaceVersion: boolean
  /** `optional`, `force-relay`: where a side speaks ICE its candidates go on, and the relay is one more; else as `force`. */
  readonly ice: 'remove' | 'force' | 'default' | 'optional' | 'force-relay'
  readonly iceLite: IceLite
  /** Tell the receiver of an offer that candidates may follow. */
  readonly trickle: boolean
  /** The SDP is a part of one, with further candidates (RFC 8840 9). */
  readonly fragment: boolean
  /** The role wanted for the relay in an answer; `off`: no DTLS where there is a choice. */
  readonly dtls: 'off' | 'active' | 'passive' | undefined
  /** The same for the answer to this offer. */
  readonly dtlsReverse: 'active' | 'passive' | undefined
  /** Hash of the relay's own fingerprints. */
  readonly dtlsFingerprint: FingerprintHash | undefined
  readonly rtcpMux: ReadonlySet<string>
  readonly sdes: SdesOptions
  readonly mediaAddress: string | undefined
  readonly addressFamily: AddressFamily | undefined
  /** Set when the address in the SDP is not to be trusted: the one to use in its place. */
  readonly sourceAddress: string | undefined
  readonly latching: 'learn' | 'strict' | 'off' | 'move'
  readonly tos: number | undefined
  readonly generateMid: boolean
  readonly originalDirection: boolean
  /** `generate RTCP`: RTCP of either side ends at the relay, which makes its own; undefined: as it was. */
  readonly ownReports: boolean | undefined
  /** RTP of the call goes nowhere, or goes on again. */
  readonly dropTraffic: 'start' | 'stop' | undefined
  readonly rtcpAttribute: 'port' | 'full' | 'none'
  /** Logical interface of a subscriber. */
  readonly interfaceName: string | undefined
  readonly codecs: CodecOptions
  /** Answer an offer's own codecs, whatever the other side took. */
  readonly alwaysTranscode: boolean
  /** How many codecs an answer may name, events apart. */
  readonly codecCount: 'single' | 'all'
  /** Packet time in milliseconds to tell the receiver of an offer, and of its answer. */
  readonly ptime: string | undefined
  readonly ptimeReverse: string | undefined
  readonly attributes: AttributeOptions
  /** Do not tell header extensions. */
  readonly stripExtensions: boolean
  /** Kinds of media that the receiver of an offer is not shown. */
  readonly mediaRemove: ReadonlySet<string>
  /** Mark what goes out, and leave alone what comes back with the mark. */
  readonly loopProtect: boolean
  /** A name for the party, told in queries and used to point at it. */
  readonly label: string
  /** Address of media by which a command points at a party. */
  readonly address: string
  /** Whether a command means all parties, whatever else it names. */
  readonly allParties: boolean
  /** Offer as in a first offer, whatever was agreed before. */
  readonly reset: boolean
  /** Seconds; undefined: the relay's own. */
  readonly deleteDelay: number | undefined
  /** Answer a delete that matches nothing with an error. */
  readonly fatal: boolean
  readonly warnings: readonly string[]
}

/** Folds `received from`, `received_from` and `Received-From` into one spelling. */
export function canonicalKey(key: string): string {
  return key.replace(/[ _]/g, '-').toLowerCase()
}

/** Keys that the flag string has too, and those that a request alone has. */
const KNOWN_KEYS: ReadonlySet<string> = new Set([
  ...[...FLAG_KEYS.values()].map(canonicalKey),
  'command',
  'to-tag',
  'via-branch',
  'sdp',
  'flags',
  'rtpp-flags',
  'replace',
  'direction',
  'received-from',
  'rtcp-mux',
  'supports',
  'codec',
  'sdp-attr',
  'sdp-media-remove',
  'all',
  'interface',
  'from-tags',
  'moh',
  'limit',
])

const KNOWN_FLAGS: ReadonlySet<string> = new Set([...[...LISTED_FLAGS].map(canonicalKey), 'no-rtcp-mux'])

const ICE_MODES = ['remove', 'force', 'default', 'optional', 'force-relay'] as const

/** What holds where a request says nothing of it. */
export interface SessionDefaults {
  /** Take media from where the SIP message came from, not from the address in its SDP. */
  readonly sipSource?: boolean
  /** Prefer the passive role of DTLS. */
  readonly dtlsPassive?: boolean
  /** How a far end's address is learned. */
  readonly endpointLearning?: EndpointLearning
}

/** `heuristic`: within a window the best match of the signalled address wins; `immediate`: the first packet; `off`: none is learned. */
export type EndpointLearning = 'heuristic' | 'immediate' | 'off'

/** Keys of which {@link SessionCall} and `sourceAddress` come, and nothing else does. */
export const CALL_KEYS: ReadonlySet<string> = new Set([
  'call-id',
  'from-tag',
  'to-tag',
  'via-branch',
  'sdp',
  'received-from',
])

/** From a request whose keys have one spelling. */
export function readCall(request: NgDictionary): SessionCall {
  return {
    callId: textOf(request['call-id']),
    fromTag: textOf(request['from-tag']),
    toTag: textOf(request['to-tag']),
    viaBranch: textOf(request['via-branch']),
    sdp: typeof request.sdp === 'string' ? request.sdp : undefined,
  }
}

/** Where the SIP message came from. */
export function readSource(request: NgDictionary): string | undefined {
  return wordsOf(request['received-from'])[1]
}

/** Reads a dictionary; nothing in it is an error, what is not understood is told in `warnings`. */
export function readSessionOptions(raw: NgDictionary, defaults: SessionDefaults = {}): SessionOptions {
  const warnings: string[] = []
  const request = normalise(raw, warnings)
  const text = (key: string): string => textOf(request[key])
  const words = (key: string): string[] => wordsOf(request[key]).map(canonicalKey)
  for (const key of Object.keys(request)) {
    if (!KNOWN_KEYS.has(key)) warnings.push(`key ${JSON.stringify(key.slice(0, 40))} is not supported and was ignored`)
  }
  const flags = new Set(words('flags'))
  for (const flag of flags) {
    if (!KNOWN_FLAGS.has(flag))
      warnings.push(`flag ${JSON.stringify(flag.slice(0, 40))} is not supported and was ignored`)
  }
  const replace = new Set(words('replace'))
  const ice = text('ice').toLowerCase()
  const hash = text('dtls-fingerprint').toLowerCase()
  if (hash !== '' && !isFingerprintHash(hash))
    warnings.push(`DTLS-fingerprint=${hash.slice(0, 20)} is not supported; it is left as it was`)
  const directions = [...wordsOf(request.direction), '', ''].slice(0, 2)
  const mediaAddress = text('media-address')
  if (mediaAddress !== '' && addressFamily(mediaAddress) === undefined)
    warnings.push('media-address is not a numeric address and was ignored')
  const family = text('address-family').toUpperCase()
  const tos = Number.parseInt(text('tos'), 10)
  const delay = Number.parseInt(text('delete-delay'), 10)
  return {
    ...readCall(request),
    transportProtocol: text('transport-protocol') || undefined,
    direction: [
      text('from-interface') || directions[0] || undefined,
      text('to-interface') || directions[1] || undefined,
    ],
    replaceOrigin: replace.has('origin'),
    replaceSessionConnection: replace.has('session-connection'),
    replaceZeroAddress: replace.has('zero-address'),
    replaceUsername: replace.has('username'),
    replaceSessionName: replace.has('session-name'),
    replaceVersion: replace.has('sdp-version'),
    ice: readIceMode(ice, warnings),
    iceLite: readIceLite(text('ice-lite'), warnings),
    trickle: flags.has('trickle-ice'),
    fragment: flags.has('fragment'),
    dtls: readDtlsRole('DTLS', text('dtls') || (defaults.dtlsPassive ? 'passive' : ''), warnings),
    dtlsReverse: activeOrPassive(readDtlsRole('DTLS-reverse', text('dtls-reverse'), warnings)),
    dtlsFingerprint: isFingerprintHash(hash) ? hash : undefined,
    rtcpMux: new Set(words('rtcp-mux')),
    sdes: readSdes(wordsOf(request.sdes), warnings),
    mediaAddress: addressFamily(mediaAddress) === undefined ? undefined : mediaAddress,
    addressFamily: family === 'IP4' || family === 'IP6' ? family : undefined,
    sourceAddress:
      flags.has('sip-source-address') || (defaults.sipSource && !flags.has('trust-address'))
        ? readSource(request)
        : undefined,
    latching: readLatching(flags, defaults),
    tos: tos >= 0 && tos <= 255 ? tos : undefined,
    generateMid: flags.has('generate-mid'),
    originalDirection: flags.has('original-sendrecv'),
    ownReports: readSwitch(flags.has('generate-rtcp') ? 'on' : text('generate-rtcp'), 'generate RTCP', warnings),
    dropTraffic: readDropTraffic(text('drop-traffic'), warnings),
    rtcpAttribute: flags.has('no-rtcp-attribute') ? 'none' : flags.has('full-rtcp-attribute') ? 'full' : 'port',
    interfaceName: text('interface') || undefined,
    codecs: readCodecs(request.codec, warnings),
    alwaysTranscode: flags.has('always-transcode'),
    codecCount: flags.has('single-codec') ? 'single' : 'all',
    ptime: readPtime(text('ptime')),
    ptimeReverse: readPtime(text('ptime-reverse')),
    mediaRemove: new Set(words('sdp-media-remove')),
    attributes: readAttributes(request['sdp-attr'], warnings),
    stripExtensions: flags.has('strip-extmap'),
    label: text('label').slice(0, 255),
    address: text('address'),
    allParties: text('all') !== '' || flags.has('all'),
    reset: flags.has('reset'),
    loopProtect: flags.has('loop-protect'),
    deleteDelay: delay >= 0 ? Math.min(delay, 86_400) : undefined,
    fatal: flags.has('fatal'),
    warnings,
  }
}

/** Brings the keys of a request to one spelling, and unfolds `rtpp-flags`; for readers of keys that are no session's. */
export function canonicalRequest(raw: NgDictionary): NgDictionary {
  return normalise(raw, [])
}

/** Brings keys to one spelling, and unfolds `rtpp-flags` and flags that carry a key's prefix (`replace-origin`, `SDES-no-...`). */
function normalise(raw: NgDictionary, warnings: string[]): NgDictionary {
  const result = dictionary()
  for (const [key, value] of Object.entries(raw)) result[canonicalKey(key)] = value
  const spelled = wordsOf(result.flags)
  const plain: string[] = []
  const unfolded: string[] = typeof result['rtpp-flags'] === 'string' ? [result['rtpp-flags']] : []
  for (const flag of spelled) {
    // Names of suites have underscores of their own.
    const folded = /^SDES/i.test(flag)
      ? flag.replace(/^SDES_/i, 'SDES-').replace(/ /g, '-')
      : flag.replace(/[ _]/g, '-')
    if (folded === 'strip-extmap') plain.push(flag)
    else if (/^(strip|except|offer|mask|transcode|consume|accept)-/.test(folded)) unfolded.push(`codec-${folded}`)
    else if (/^(replace|rtcp-mux|SDES|ICE|DTLS|codec)[-=]/i.test(folded)) unfolded.push(folded)
    else plain.push(flag)
  }
  if (unfolded.length === 0) return result
  const more = rtpFlags(unfolded.join(' '))
  warnings.push(...more.warnings)
  for (const [spelling, value] of Object.entries(more.dictionary)) {
    const key = canonicalKey(spelling)
    const before = key === 'flags' ? plain : result[key]
    result[key] = Array.isArray(value) ? [...wordsOf(before), ...wordsOf(value)] : merged(before, value)
  }
  if (!more.dictionary.flags) result.flags = plain
  return result
}

/** Two dictionaries of lists, one after the other; else the second value. */
function merged(before: NgValue | undefined, value: NgValue): NgValue {
  if (typeof before !== 'object' || Array.isArray(before) || typeof value !== 'object' || Array.isArray(value))
    return value
  const both = dictionary({ ...before })
  for (const [key, list] of Object.entries(value)) both[key] = [...wordsOf(before[key]), ...wordsOf(list)]
  return both
}

function readIceMode(text: string, warnings: string[]): SessionOptions['ice'] {
  const mode = ICE_MODES.find((each) => each === text.replace(/_/g, '-'))
  if (!mode && text !== '') warnings.push(`ICE=${text.slice(0, 20)} is not known and was ignored`)
  return mode ?? 'default'
}

function readIceLite(text: string, warnings: string[]): IceLite {
  const lite = text.toLowerCase()
  if (lite === '') return undefined
  if (lite === 'off' || lite === 'no' || lite === 'disable') return 'off'
  if (lite === 'forward' || lite === 'backward' || lite === 'both') return lite
  if (lite === 'offer') return 'forward'
  if (lite === 'answer') return 'backward'
  warnings.push(`ICE-lite=${lite.slice(0, 20)} is not known and was ignored`)
  return undefined
}

function readDropTraffic(text: string, warnings: string[]): SessionOptions['dropTraffic'] {
  if (text === 'start' || text === 'stop') return text
  if (text !== '') warnings.push(`drop-traffic=${text.slice(0, 20)} is neither start nor stop and was ignored`)
  return undefined
}

function readSwitch(text: string, key: string, warnings: string[]): boolean | undefined {
  if (text === 'on') return true
  if (text === 'off') return false
  if (text !== '') warnings.push(`${key}=${text.slice(0, 20)} is neither on nor off and was ignored`)
  return undefined
}

function readDtlsRole(key: string, text: string, warnings: string[]): SessionOptions['dtls'] {
  const role = text.toLowerCase()
  if (role === 'off' || role === 'no' || role === 'disable') return 'off'
  if (role === 'active' || role === 'passive') return role
  if (role !== '') warnings.push(`${key}=${role.slice(0, 20)} is not known and was ignored`)
  return undefined
}

function activeOrPassive(role: SessionOptions['dtls']): SessionOptions['dtlsReverse'] {
  return role === 'off' ? undefined : role
}

/** `media-handover` gives away what latching protects: whoever knows the port of a plain stream can take it. */
function readLatching(flags: ReadonlySet<string>, { endpointLearning }: SessionDefaults): SessionOptions['latching'] {
  if (flags.has('strict-source')) return flags.has('asymmetric') ? 'strict' : 'learn'
  if (flags.has('media-handover')) return 'move'
  return flags.has('asymmetric') || endpointLearning === 'off' ? 'off' : 'learn'
}

function readPtime(text: string): string | undefined {
  const millis = Number(text)
  return Number.isInteger(millis) && millis > 0 && millis <= 1_000 ? String(millis) : undefined
}

function textOf(value: NgValue | undefined): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : ''
}

function wordsOf(value: NgValue | undefined): string[] {
  if (typeof value === 'string') return value === '' ? [] : [value]
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : []
}

function readSdes(words: readonly string[], warnings: string[]): SdesOptions {
  const no = new Set<string>()
  const only = new Set<string>()
  const order: string[] = []
  let off = false
  let pad = false
  let lifetime = false
  let noNew = false
  let keepAgreed = false
  let offererFirst = false
  for (const word of words) {
    if (/^(off|no|disable)$/i.test(word)) off = true
    else if (/^pad$/i.test(word)) pad = true
    else if (/^lifetime$/i.test(word)) lifetime = true
    else if (/^nonew$/i.test(word)) noNew = true
    else if (/^static$/i.test(word)) keepAgreed = true
    else if (/^(prefer|offerer_pref)$/i.test(word)) offererFirst = true
    else if (word.startsWith('no-')) no.add(word.slice(3))
    else if (word.startsWith('only-')) only.add(word.slice(5))
    else if (word.startsWith('order:')) order.push(...word.slice(6).split(';'))
    else warnings.push(`SDES ${JSON.stringify(word.slice(0, 40))} is not supported and was ignored`)
  }
  const chosen = no.size + only.size + order.length > 0
  return { off, no, only, order, chosen, noNew, pad, lifetime, keepAgreed, offererFirst }
}
