// Owns what NG's `codec` key asks for, and the names and payload types of codecs.
import { attributeValue, type SdpMedia } from '../sdp/index.ts'
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

/** Codecs that the relay can turn into each other; a key of `codecKey`. */
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
    if (!isConvertible(name) && !isNamed(TELEPHONE_EVENT, [name]))
      warnings.push(
        `codec transcode ${JSON.stringify(name.slice(0, 40))}: the relay makes PCMU and PCMA; it was ignored`,
      )
  return lists
}

function isConvertible(name: string): boolean {
  return ['PCMU/8000', 'PCMA/8000'].some((codec) => isNamed(codec, [name]))
}

/** Which law a codec is; undefined for what the relay cannot turn into another. */
export function lawOf(codec: string | undefined): G711 | undefined {
  return codec === undefined ? undefined : CONVERTIBLE.get(codecKey(codec))
}

export const TELEPHONE_EVENT = 'telephone-event/8000'

/** Names that were taken apart; a few are said for every call. */
const known = new Map<string, CodecName>()
const MOST_KNOWN = 200
const LONGEST_KNOWN = 100

interface CodecName {
  readonly name: string
  readonly rate: string | undefined
  readonly channels: string | undefined
  /** The same for all spellings of one codec. */
  readonly key: string
}

function nameOf(codec: string): CodecName {
  const before = known.get(codec)
  if (before) return before
  const [name = '', rate, channels] = codec.toLowerCase().split('/')
  const read = { name, rate, channels, key: `${name}/${rate}/${channels ?? '1'}` }
  if (codec.length > LONGEST_KNOWN) return read
  if (known.size >= MOST_KNOWN) known.clear()
  // A copy: a part of a description would keep all of it.
  known.set(Buffer.from(codec, 'latin1').toString('latin1'), read)
  return read
}

/** Whether a codec is one of `names`, each `NAME`, `NAME/RATE` or `NAME/RATE/CHANNELS`. */
export function isNamed(codec: string | undefined, names: readonly string[]): boolean {
  if (names.length === 0) return false
  const { name, rate, channels = '1' } = nameOf(codec ?? '')
  return names.some((each) => {
    const wanted = nameOf(each)
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

/** What accompanies speech, and is no codec of its own. */
const ACCOMPANYING = ['telephone-event', 'CN']

export function isAccompanying(codec: string | undefined): boolean {
  return isNamed(codec, ACCOMPANYING)
}

/** Two payload types with the same key are the same codec. */
export function codecKey(codec: string): string {
  return nameOf(codec).key
}

/** One format of an m-line, with the lines that belong to it. */
export interface Payload {
  readonly format: string
  /** `opus/48000/2`: its rtpmap, or what RFC 3551 6 says of it; undefined where neither tells. */
  readonly codec: string | undefined
  /** Attributes without `a=`: rtpmap, fmtp, rtcp-fb. */
  readonly attributes: readonly string[]
}

/** Each format once, in order. */
export function readPayloads(media: SdpMedia): readonly Payload[] {
  const attributes = new Map<string, string[]>()
  // Of several rtpmaps of one format the first counts.
  const codecs = new Map<string, string | undefined>()
  for (const line of media.lines) {
    const { name } = line
    if (name !== 'rtpmap' && name !== 'fmtp' && name !== 'rtcp-fb') continue
    const value = attributeValue(line)
    if (name === 'rtpmap') {
      const [mapped = '', codec] = value.split(' ')
      if (!codecs.has(mapped)) codecs.set(mapped, codec)
    }
    const format = /^\d+(?= |$)/.exec(value)?.[0]
    if (format === undefined) continue
    const lines = attributes.get(format) ?? []
    lines.push(line.value)
    attributes.set(format, lines)
  }
  return [...new Set(media.formats)].map((format) => ({
    format,
    codec: codecs.has(format) ? codecs.get(format) : staticRtpmap(format),
    attributes: attributes.get(format) ?? [],
  }))
}
