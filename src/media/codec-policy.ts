// Owns which codecs of a session description go on: what NG's `codec` key strips, keeps and brings back, and what an answer may name.
import { attributeName, attributeValue, type SdpMedia } from '../sdp/index.ts'
import type { NgValue } from './ng/bencode.ts'
import { staticRtpmap } from './static-payloads.ts'

export interface CodecOptions {
  /** Codecs to take out of an offer: names, `NAME/RATE`, or `all`. */
  readonly strip: readonly string[]
  /** Codecs that a strip of `all` leaves alone. */
  readonly except: readonly string[]
  /** Codecs that come back after a strip, in this order. */
  readonly offer: readonly string[]
}

export const ALL_CODECS: CodecOptions = { strip: [], except: [], offer: [] }

/** What `codec` may hold that needs transcoding, which the relay does not do. */
const TRANSCODING: ReadonlySet<string> = new Set(['transcode', 'consume', 'accept', 'set', 'ignore'])
const LONGEST_LIST = 64

/** Reads the `codec` dictionary. `mask` is `strip` as long as nothing is transcoded. */
export function readCodecs(value: NgValue | undefined, warnings: string[]): CodecOptions {
  if (typeof value !== 'object' || Array.isArray(value)) return ALL_CODECS
  const lists: Record<keyof CodecOptions, string[]> = { strip: [], except: [], offer: [] }
  for (const [key, given] of Object.entries(value)) {
    const word = key.toLowerCase()
    const names = (Array.isArray(given) ? given : [given])
      .filter((name): name is string => typeof name === 'string')
      .slice(0, LONGEST_LIST)
    if (word === 'strip' || word === 'mask') lists.strip.push(...names)
    else if (word === 'except' || word === 'offer') lists[word].push(...names)
    else {
      const why = TRANSCODING.has(word) ? 'needs transcoding' : 'is not known'
      warnings.push(`codec ${JSON.stringify(word.slice(0, 40))} ${why} and was ignored`)
    }
  }
  return lists
}

/** `opus/48000/2`: the rtpmap of a payload type, or what RFC 3551 6 says of it; undefined where neither tells. */
export function codecOf(media: SdpMedia, payload: string): string | undefined {
  for (const line of media.lines) {
    if (attributeName(line) !== 'rtpmap') continue
    const [format, codec] = attributeValue(line).split(' ')
    if (format === payload) return codec
  }
  return staticRtpmap(payload)
}

function isNamed(codec: string | undefined, names: readonly string[]): boolean {
  const [name, rate, channels = '1'] = (codec ?? '').toLowerCase().split('/')
  return names.some((wanted) => {
    const [wantedName, wantedRate, wantedChannels] = wanted.toLowerCase().split('/')
    return (
      name === wantedName &&
      (wantedRate === undefined || wantedRate === rate) &&
      (wantedChannels === undefined || wantedChannels === channels)
    )
  })
}

function namesAll(names: readonly string[]): boolean {
  return names.some((name) => /^(all|full)$/i.test(name))
}

/** What accompanies speech, and is no codec of its own. */
const ACCOMPANYING = ['telephone-event', 'CN']

/** The payload types of an offer that go on, in order; undefined where all do. */
export function keptInOffer(media: SdpMedia, { strip, except, offer }: CodecOptions): readonly string[] | undefined {
  if (strip.length === 0) return undefined
  const codec = (payload: string): string | undefined => codecOf(media, payload)
  const goes = (payload: string): boolean =>
    namesAll(strip) ? !isNamed(codec(payload), except) : isNamed(codec(payload), strip)
  const kept = media.formats.filter((payload) => !goes(payload))
  for (const name of offer) {
    const again = media.formats.filter((payload) => !kept.includes(payload) && isNamed(codec(payload), [name]))
    const speech = kept.findLastIndex((payload) => !isNamed(codec(payload), ACCOMPANYING))
    kept.splice(speech + 1, 0, ...again)
  }
  return someOf(kept, media)
}

/** An m-line without a format is none (RFC 8866 5.14): where nothing would be left, all stays. */
function someOf(kept: readonly string[], media: SdpMedia): readonly string[] | undefined {
  return kept.length === 0 || kept.join() === media.formats.join() ? undefined : kept
}

/**
 * The payload types of an answer that go on; undefined where all do.
 * @param offered codecs that the receiver of the answer had offered, as `codecOf` gives them
 */
export function keptInAnswer(
  media: SdpMedia,
  offered: ReadonlySet<string>,
  codecs: CodecOptions,
  count: 'single' | 'all',
): readonly string[] | undefined {
  // RFC 3264 6.1: an answer may name what was not offered; who offered has no use for it.
  const common = media.formats.filter((payload) => {
    const codec = codecOf(media, payload)
    return codec === undefined || offered.size === 0 || offered.has(codecKey(codec))
  })
  const wanted = keptInOffer(media, codecs) ?? common
  const both = wanted.filter((payload) => common.includes(payload))
  let kept = both.length > 0 ? both : common
  if (count === 'single') {
    const first = kept.find((payload) => !isNamed(codecOf(media, payload), ACCOMPANYING))
    kept = kept.filter((payload) => payload === first || isNamed(codecOf(media, payload), ACCOMPANYING))
  }
  return someOf(kept, media)
}

/** Two payload types with the same key are the same codec. */
export function codecKey(codec: string): string {
  const [name, rate, channels = '1'] = codec.toLowerCase().split('/')
  return `${name}/${rate}/${channels}`
}

/** Keys of all codecs of a media whose names are known. */
export function codecKeys(media: SdpMedia): ReadonlySet<string> {
  return new Set(
    media.formats
      .map((payload) => codecOf(media, payload))
      .filter((codec) => codec !== undefined)
      .map(codecKey),
  )
}
