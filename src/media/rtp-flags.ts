// Owns the flag string of rtpengine_manage, rtpengine_offer and the like, read into the keys of an NG request.
import { addressFamily } from '../sdp/index.ts'
import { dictionary, type NgDictionary } from './ng/bencode.ts'

export interface RtpFlags {
  /** Keys to add to the NG request. */
  readonly dictionary: NgDictionary
  /** Which Via's branch goes into the request: `1`, `2` or `auto`; all else is done as `auto`. */
  readonly viaBranch: string | undefined
  /** Whether a delete names the To tag too. */
  readonly toTag: boolean
  readonly warnings: readonly string[]
}

const PROFILES = ['RTP/AVP', 'RTP/SAVP', 'RTP/AVPF', 'RTP/SAVPF'] as const
const CODEC = /^codec-(strip|except|offer|mask|transcode|consume|accept|set|ignore)-(.+)$/
const PROFILE = /^(RTP\/S?AVPF?|UDP\/TLS\/RTP\/SAVPF?)$/

/** Flags without a value that the relay reads from the request's `flags` list. */
export const LISTED_FLAGS: ReadonlySet<string> = new Set([
  'trust-address',
  'SIP-source-address',
  'symmetric',
  'asymmetric',
  'unidirectional',
  'force',
  'strict-source',
  'media-handover',
  'port-latching',
  'no-port-latching',
  // Each side has keys of its own in any case.
  'recrypt',
  'strip-extmap',
  'generate-mid',
  'generate-RTCP',
  'original-sendrecv',
  'full-rtcp-attribute',
  'no-rtcp-attribute',
  'loop-protect',
  'no-redis-update',
  'fatal',
  'reset',
  'early-media',
  'symmetric-codecs',
  'asymmetric-codecs',
  'reorder-codecs',
  'single-codec',
  'always-transcode',
  'inject-DTMF',
  'all',
  'directional',
  'trickle-ICE',
  'fragment',
])

/** Keys whose value goes into the request as it is. */
export const FLAG_KEYS: ReadonlyMap<string, string> = new Map([
  ['ICE', 'ICE'],
  ['ICE-lite', 'ICE-lite'],
  ['DTLS', 'DTLS'],
  ['DTLS-reverse', 'DTLS-reverse'],
  ['DTLS-fingerprint', 'DTLS-fingerprint'],
  ['SDES', 'SDES'],
  ['TOS', 'TOS'],
  ['tos', 'TOS'],
  ['media-address', 'media-address'],
  ['address-family', 'address-family'],
  ['transport-protocol', 'transport-protocol'],
  ['call-id', 'call-id'],
  ['from-tag', 'from-tag'],
  ['metadata', 'metadata'],
  ['address', 'address'],
  ['file', 'file'],
  ['blob', 'blob'],
  ['db-id', 'db-id'],
  ['repeat-times', 'repeat-times'],
  ['start-pos', 'start-pos'],
  ['code', 'code'],
  ['duration', 'duration'],
  ['volume', 'volume'],
  ['pause', 'pause'],
  ['record-call', 'record-call'],
  ['from-interface', 'from-interface'],
  ['to-interface', 'to-interface'],
  ['delete-delay', 'delete-delay'],
  ['label', 'label'],
  ['ptime', 'ptime'],
  ['ptime-reverse', 'ptime-reverse'],
  ['generate-RTCP', 'generate-RTCP'],
  ['drop-traffic', 'drop-traffic'],
])

/** Longest flag string that is read; what follows is ignored with a warning. */
const LONGEST = 4_096

/** Strings that were read; a route has a few, and says them for every call. */
const known = new Map<string, RtpFlags>()
const MOST = 200

/**
 * Reads the string as Kamailio's rtpengine module does: words apart by spaces, unknown ones passed on with a warning. What it
 * gives is shared by all who ask for the same string.
 */
export function rtpFlags(text: string): RtpFlags {
  const before = known.get(text)
  if (before !== undefined) return before
  const flags = readFlags(text)
  if (text.length > LONGEST) return flags
  if (known.size >= MOST) known.clear()
  known.set(text, flags)
  return flags
}

function readFlags(text: string): RtpFlags {
  const warnings: string[] = []
  if (text.length > LONGEST) warnings.push(`flags beyond ${LONGEST} characters were ignored`)
  const lists = new Map<string, string[]>()
  const add = (key: string, value: string): void => void lists.set(key, [...(lists.get(key) ?? []), value])
  const result = dictionary()
  let viaBranch: string | undefined
  let toTag = false
  // Two bits as in the module: 1 secure, 2 feedback; undefined until one of the legacy words is seen.
  let profile: number | undefined
  let dtls = false
  const codec = dictionary()
  const addCodec = (key: string, name: string): void => {
    codec[key] = [...((codec[key] as string[] | undefined) ?? []), name]
  }

  for (const word of text.slice(0, LONGEST).split(/\s+/)) {
    if (word === '') continue
    const equals = word.indexOf('=')
    const key = equals < 0 ? word : word.slice(0, equals)
    const value = equals < 0 ? undefined : word.slice(equals + 1)
    if (value === undefined) {
      if (PROFILE.test(word)) result['transport-protocol'] = word
      else if (word === 'RTP') profile = (profile ?? 0) & ~1
      else if (word === 'SRTP') profile = (profile ?? 0) | 1
      else if (word === 'AVP') profile = (profile ?? 0) & ~2
      else if (word === 'AVPF') profile = (profile ?? 0) | 2
      else if (word === 'DTLS') dtls = true
      else if (word === 'internal' || word === 'external') add('direction', word)
      else if (word === 'to-tag') toTag = true
      else if (word.startsWith('replace-')) add('replace', word.slice(8))
      else if (CODEC.test(word)) addCodec(...(CODEC.exec(word)!.slice(1) as [string, string]))
      else if (word.startsWith('rtcp-mux-')) add('rtcp-mux', word.slice(9))
      else if (word.startsWith('SDES-')) add('SDES', word.slice(5))
      else if (word === 'ICE-remove' || word === 'ICE-force') result.ICE = word.slice(4)
      else {
        if (!LISTED_FLAGS.has(word)) warnings.push(`rtpengine flag ${quote(word)} is not known`)
        add('flags', word)
      }
    } else if (key === 'direction') add('direction', value)
    else if (key === 'via-branch') {
      viaBranch = value
      if (!/^(?:1|2|auto)$/.test(value)) warnings.push(`via-branch=${quote(value)} is not supported; auto is used`)
    } else if (key === 'received-from') {
      const family = addressFamily(value)
      if (family === undefined) warnings.push(`received-from=${quote(value)} is not a numeric address`)
      else result['received-from'] = [family, value]
    } else if (key === 'to-tag') {
      toTag = true
      result['to-tag'] = value
    } else if (key === 'SDES' && value !== '' && value !== 'off') add('SDES', value)
    else if (key.startsWith('codec-')) addCodec(key.slice(6), value)
    else if (FLAG_KEYS.has(key)) result[FLAG_KEYS.get(key)!] = value
    else {
      warnings.push(`rtpengine flag ${quote(word)} is not known`)
      result[key] = value
    }
  }
  if (profile !== undefined) result['transport-protocol'] = PROFILES[profile as 0 | 1 | 2 | 3]
  if (dtls) result['transport-protocol'] = `UDP/TLS/RTP/SAVP${(profile ?? 0) & 2 ? 'F' : ''}`
  if (Object.keys(codec).length > 0) result.codec = codec
  for (const [key, words] of lists) result[key] = words
  return { dictionary: result, viaBranch, toTag, warnings }
}

function quote(word: string): string {
  return JSON.stringify(word.length > 60 ? `${word.slice(0, 60)}...` : word)
}
