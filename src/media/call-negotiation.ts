// Owns what is agreed on one m-line: profile, keys, rtcp-mux and direction, from what both sides said (RFC 3264 6).
import { SignalboxError } from '../errors.ts'
import { addressFamily, profileOf, type SdpMedia } from '../sdp/index.ts'
import type { MediaStatement, PartyMedia, RelayStream } from './call.ts'
import { keptInAnswer, keptInOffer } from './codec-policy.ts'
import { acceptAnswer, answerCrypto, cryptoLine, offerCrypto, type RandomKey, sameKey } from './crypto-negotiation.ts'
import type { RelayedMedia } from './sdp-rewrite.ts'
import type { SessionOptions } from './session-options.ts'

interface Offered {
  readonly statement: MediaStatement
  readonly media: SdpMedia
  /** The side that offers. */
  readonly own: PartyMedia
  /** The side that will get the offer; its stream is open. */
  readonly other: PartyMedia
  readonly index: number
  readonly options: SessionOptions
  readonly randomKey: RandomKey
}

/**
 * Makes an m-line of the offer for the other side; `commit` notes there what it was offered.
 * @throws SignalboxError ERR_MEDIA where the keys of one side could not be understood, or be offered to the other
 */
export function offerMedia(input: Offered): { plan: RelayedMedia; commit: () => void } {
  const { statement, media, own, other, index, options, randomKey } = input
  const spoken = profileOf(statement.protocol)
  const protocol = offeredProtocol(statement.protocol, options)
  const secure = profileOf(protocol).secure
  if (spoken.secure && statement.crypto.length === 0) {
    const keys = statement.fingerprint
      ? 'keyed by DTLS alone, which the relay does not speak'
      : 'without a crypto line that the relay understands'
    throw new SignalboxError('ERR_MEDIA', `${statement.kind} is ${statement.protocol} ${keys}`)
  }
  const sdes = options.sdes
  const offered = secure
    ? offerCrypto(
        sdes,
        spoken.secure ? statement.crypto : [],
        options.reset ? undefined : other.agreed?.local,
        other.keys,
        randomKey,
      )
    : []
  if (secure && offered.length === 0)
    throw new SignalboxError('ERR_MEDIA', `${protocol} was asked for, but the SDES flags leave no suite to offer`)
  const flags = options.rtcpMux
  const required = flags.has('require')
  // RFC 5761 5.1.1: a side that has agreed to it goes on with it unless it refuses.
  const agreed = other.mux && !options.reset
  const wished = required || agreed || flags.has('offer') || (statement.rtcpMux && !flags.has('demux'))
  const mux = spoken.rtp && wished
  const plan = relayed(other.stream!, {
    protocol,
    mux,
    rtcpShared: (required || agreed) && mux,
    rtp: spoken.rtp,
    crypto: offered.map((local) => cryptoLine(local, sdes)),
    statement,
    mid: offeredMid(statement.mid, index, options),
    ptime: undefined,
    forcedPtime: options.ptime,
    formats: spoken.rtp ? keptInOffer(media, options.codecs) : undefined,
    options,
  })
  return {
    plan,
    commit() {
      other.protocol = protocol
      other.offered = offered
      own.ptimeAnswer = options.ptimeReverse
      other.muxOffered = mux
      other.muxAnswer = flags.has('reject')
        ? 'reject'
        : flags.has('accept') || flags.has('demux')
          ? 'accept'
          : 'as-other'
    },
  }
}

/** The profile towards the receiver of an offer: what the flags ask for, where the media is RTP at all. */
export function offeredProtocol(protocol: string, { transportProtocol }: SessionOptions): string {
  const changed = transportProtocol !== undefined && profileOf(protocol).rtp && profileOf(transportProtocol).rtp
  return changed ? transportProtocol : protocol
}

export function offeredMid(mid: string | undefined, index: number, options: SessionOptions): string | undefined {
  return mid ?? (options.generateMid ? String(index + 1) : undefined)
}

interface Answered {
  readonly statement: MediaStatement
  readonly media: SdpMedia
  /** What the side that gets the answer had offered. */
  readonly offer: MediaStatement
  /** The side that answers. */
  readonly own: PartyMedia
  readonly other: PartyMedia
  readonly options: SessionOptions
  readonly randomKey: RandomKey
}

/**
 * Makes an m-line of the answer; `commit` makes what was agreed hold.
 * @throws SignalboxError ERR_MEDIA where the answer does not fit what was offered
 */
export function answerMedia(input: Answered): { plan: RelayedMedia; commit: () => void } {
  const { statement, media, offer, own, other, options, randomKey } = input
  const asked = profileOf(own.protocol)
  const given = profileOf(statement.protocol)
  // RFC 3264 6: the profile of an answer is that of its offer. Plain RTP in answer to SRTP would be a downgrade.
  if (asked.rtp && (asked.secure !== given.secure || !given.rtp))
    throw new SignalboxError('ERR_MEDIA', `The answer to ${own.protocol} is ${statement.protocol}`)
  const theirs = asked.secure ? acceptAnswer(own.offered, statement.crypto) : undefined
  // RFC 4568 7.1.3: an answer that takes none of the offered lines is a failed negotiation.
  if (asked.secure && !theirs)
    throw new SignalboxError('ERR_MEDIA', 'The answer takes none of the crypto lines that were offered')
  const offerProfile = profileOf(offer.protocol)
  // A new key of theirs begins anew in both directions: ours changes with it (RFC 3711 3.3.1, roll-over counters at 0).
  const renewed =
    other.agreed !== undefined &&
    offer.crypto.length > 0 &&
    !offer.crypto.some((crypto) => sameKey(crypto.key, other.agreed!.remote.key))
  const keys = renewed ? new Map() : other.keys
  const ours = offerProfile.secure
    ? answerCrypto(
        options.sdes,
        offer.crypto,
        { agreed: other.agreed?.local.suite, taken: theirs?.local.suite },
        keys,
        randomKey,
      )
    : undefined
  const ownMux = own.muxOffered && statement.rtcpMux
  const otherMux = offer.rtcpMux && own.muxAnswer !== 'reject' && (own.muxAnswer === 'accept' || ownMux)
  const plan = relayed(other.stream!, {
    protocol: offer.protocol,
    mux: otherMux,
    rtcpShared: otherMux,
    rtp: offerProfile.rtp,
    crypto: ours ? [cryptoLine(ours.local, options.sdes)] : [],
    statement,
    mid: offer.mid,
    // rtpengine tells the offer's packet time where the answer has none.
    ptime: offer.ptime,
    forcedPtime: other.ptimeAnswer,
    formats: given.rtp ? keptInAnswer(media, offer.codecs, options.codecs, options.codecCount) : undefined,
    options,
  })
  return {
    plan,
    commit() {
      own.agreed = theirs
      own.mux = ownMux
      other.agreed = ours
      other.mux = otherMux
      other.protocol = offer.protocol
      if (renewed) {
        other.keys.clear()
        for (const [suite, key] of keys) other.keys.set(suite, key)
      }
    },
  }
}

function relayed(
  stream: RelayStream,
  part: {
    protocol: string
    mux: boolean
    rtcpShared: boolean
    rtp: boolean
    crypto: string[]
    statement: MediaStatement
    mid: string | undefined
    ptime: string | undefined
    forcedPtime: string | undefined
    formats: readonly string[] | undefined
    options: SessionOptions
  },
): RelayedMedia {
  const { options } = part
  return {
    action: 'relay',
    family: (options.mediaAddress && addressFamily(options.mediaAddress)) || stream.local.family,
    address: options.mediaAddress ?? stream.local.advertised,
    port: stream.rtpPort,
    rtcpPort: part.rtp ? (part.rtcpShared ? stream.rtpPort : stream.rtcpPort) : undefined,
    protocol: part.protocol,
    direction: options.originalDirection ? undefined : part.statement.direction,
    rtcpAttribute: options.rtcpAttribute,
    rtcpMux: part.mux,
    crypto: part.crypto,
    mid: part.mid,
    ptime: part.ptime,
    forcedPtime: part.rtp ? part.forcedPtime : undefined,
    formats: part.formats,
  }
}
