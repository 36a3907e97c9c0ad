// Owns what NG's `codec` key asks for, and the names and payload types of codecs.
import type { SdpMedia } from '../sdp/index.ts'
import type { G711 } from './audio-settings.ts'
import type { NgValue } from './ng/bencode.ts'
import { staticRtpmap } from './static-payloads.ts'

export interface CodecOptions {
  /** Codecs to take out of an offer: names, `NAME/RATE`, or `all`. */
  readonly strip: readonly string[]
  /** Codecs that a strip of `all` leaves alone. */
  readonly except: readonly string[]
  /** Codecs that come back after a strip, in this order. */
  readonly offer: readonly string[]
  /** Codecs that are taken out, and understood where the other side names another one. */
  readonly mask: readonly string[]
  /** The same, and answered whatever the other side names. */
  readonly consume: readonly string[]
  /** Codecs that are answered whatever the other side names. */
  readonly accept: readonly string[]
  /** Codecs to offer though the party did not. */
  readonly transcode: readonly string[]
}

export const ALL_CODECS: CodecOptions = {
  strip: [],
  except: [],
  offer: [],
  mask: [],
  consume: [],
  accept: [],
  transcode: [],
}

/** Codecs that the relay can turn into each other, by {@link Codec.key}. */
const CONVERTIBLE: ReadonlyMap<string, G711> = new Map([
  ['pcmu/8000/1', 'PCMU'],
  ['pcma/8000/1', 'PCMA'],
])
/** Parameters of codecs that are made; G.711 has none. */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set(['set'])
const LONGEST_LIST = 64

/** Reads the `codec` dictionary. */
export function readCodecs(value: NgValue | undefined, warnings: string[]): CodecOptions {
  if (typeof value !== 'object' || Array.isArray(value)) return ALL_CODECS
  const lists: Record<keyof CodecOptions, string[]> = {
    strip: [],
    except: [],
    offer: [],
    mask: [],
    consume: [],
    accept: [],
    transcode: [],
  }
  for (const [key, given] of Object.entries(value)) {
    const word = key.toLowerCase()
    const names = (Array.isArray(given) ? given : [given])
      .filter((name): name is string => typeof name === 'string')
      .slice(0, LONGEST_LIST)
    if (Object.hasOwn(lists, word)) lists[word as keyof CodecOptions].push(...names)
    else if (!WITHOUT_EFFECT.has(word))
      warnings.push(`codec ${JSON.stringify(word.slice(0, 40))} is not known and was ignored`)
  }
  for (const name of lists.transcode)
    if (!MADE.some(({ codec }) => isNamed(codec, [name])))
      warnings.push(
        `codec transcode ${JSON.stringify(name.slice(0, 40))}: the relay makes PCMU and PCMA; it was ignored`,
      )
  return lists
}

export const TELEPHONE_EVENT = 'telephone-event/8000'

/** A codec, taken apart; letters in lower case. */
export interface Codec {
  /** `opus/48000/2`, as it was written. */
  readonly text: string
  readonly name: string
  readonly rate: string | undefined
  readonly channels: string | undefined
  /** The same for all spellings of one codec. */
  readonly key: string
  /** Undefined for what the relay cannot turn into another. */
  readonly law: G711 | undefined
  /** It accompanies speech, and is no codec of its own. */
  readonly accompanies: boolean
}

/** Codecs by what they were written as; a few are said for every call. */
const known = new Map<string, Codec>()
const MOST_KNOWN = 200
const LONGEST_KNOWN = 100
const ACCOMPANYING: readonly string[] = ['telephone-event', 'cn']

/** Takes `NAME`, `NAME/RATE` or `NAME/RATE/CHANNELS` apart. */
export function codecOf(text: string): Codec {
  const before = known.get(text)
  if (before) return before
  const [name = '', rate, channels] = text.toLowerCase().split('/')
  const key = `${name}/${rate}/${channels ?? '1'}`
  // A copy: a part of a description would keep all of it.
  const own = Buffer.from(text, 'latin1').toString('latin1')
  const accompanies = ACCOMPANYING.includes(name)
  const read = { text: own, name, rate, channels, key, law: CONVERTIBLE.get(key), accompanies }
  if (text.length > LONGEST_KNOWN) return read
  if (known.size >= MOST_KNOWN) known.clear()
  known.set(own, read)
  return read
}

/** Codecs that can be offered for a party that did not, with their static format where there is one. */
export const MADE: readonly { readonly format: string | undefined; readonly codec: Codec }[] = [
  { format: '0', codec: codecOf('PCMU/8000') },
  { format: '8', codec: codecOf('PCMA/8000') },
  { format: undefined, codec: codecOf(TELEPHONE_EVENT) },
]

/** What a payload type is that nothing tells the codec of. */
const UNKNOWN = codecOf('')

/** Whether a codec is one of `names`, each `NAME`, `NAME/RATE` or `NAME/RATE/CHANNELS`. */
export function isNamed(codec: Codec | undefined, names: readonly string[]): boolean {
  if (names.length === 0) return false
  const { name, rate, channels = '1' } = codec ?? UNKNOWN
  return names.some((each) => {
    const wanted = codecOf(each)
    return (
      name === wanted.name &&
      (wanted.rate === undefined || wanted.rate === rate) &&
      (wanted.channels === undefined || wanted.channels === channels)
    )
  })
}

export function namesAll(names: readonly string[]): boolean {
  return names.some((name) => /^(all|full)$/i.test(name))
}

/** One format of an m-line, with the lines that belong to it. */
export interface Payload {
  readonly format: string
  /** Of its rtpmap, or what RFC 3551 6 says of it; undefined where neither tells. */
  readonly codec: Codec | undefined
  /** Attributes without `a=`: rtpmap, fmtp, rtcp-fb. */
  readonly attributes: readonly string[]
}

/** Each format once, in order. */
export function readPayloads(media: SdpMedia): readonly Payload[] {
  const payloads = new Map<string, { format: string; codec: Codec | undefined; attributes: string[] }>()
  for (const format of media.formats)
    if (!payloads.has(format)) payloads.set(format, { format, codec: staticCodec(format), attributes: [] })
  // Of several rtpmaps of one format the first counts.
  const mapped = new Set<string>()
  for (const { name, value } of media.lines) {
    if (name !== 'rtpmap' && name !== 'fmtp' && name !== 'rtcp-fb') continue
    const text = value.slice(value.indexOf(':') + 1)
    const space = text.indexOf(' ')
    const format = space < 0 ? text : text.slice(0, space)
    const payload = payloads.get(format)
    if (!payload) continue
    if (name === 'rtpmap' && !mapped.has(format)) {
      mapped.add(format)
      payload.codec = space < 0 ? undefined : codecOf(text.slice(space + 1).split(' ', 1)[0]!)
    }
    if (/^\d+$/.test(format)) payload.attributes.push(value)
  }
  return [...payloads.values()]
}

function staticCodec(format: string): Codec | undefined {
  const rtpmap = staticRtpmap(format)
  return rtpmap === undefined ? undefined : codecOf(rtpmap)
}
