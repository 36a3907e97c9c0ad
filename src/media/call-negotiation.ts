// Owns what is agreed on one m-line: profile, keys, rtcp-mux and direction, from what both sides said (RFC 3264 6).
import { SignalboxError } from '../errors.ts'
import { addressFamily, profileOf } from '../sdp/index.ts'
import type { MediaStatement, PartyMedia, RelayStream } from './call.ts'
import { answerCodecs, offerCodecs } from './codec-negotiation.ts'
import type { Payload } from './codec-policy.ts'
import type { AddedCandidate, PartyIce } from './connection-state.ts'
import { acceptAnswer, answerCrypto, cryptoLine, offerCrypto, type RandomKey, sameKey } from './crypto-negotiation.ts'
import { acceptDtls, answerDtls, type DtlsIdentities, offerDtls } from './dtls-negotiation.ts'
import { addedCandidate, addedLines, answerIce, iceLines, liteTowards, offerIce } from './ice-negotiation.ts'
import type { RelayedMedia } from './sdp-rewrite.ts'
import type { SessionOptions } from './session-options.ts'

interface Offered {
  readonly statement: MediaStatement
  /** The side that offers. */
  readonly own: PartyMedia
  /** The side that will get the offer; its stream is open. */
  readonly other: PartyMedia
  readonly index: number
  readonly options: SessionOptions
  readonly randomKey: RandomKey
  readonly identities: DtlsIdentities
}

/**
 * Makes an m-line of the offer for the other side; `commit` notes there what it was offered.
 * @throws SignalboxError ERR_MEDIA where the keys of one side could not be understood, or be offered to the other
 */
export function offerMedia(input: Offered): { plan: RelayedMedia; commit: () => void } {
  const { statement, own, other, index, options, randomKey, identities } = input
  const spoken = profileOf(statement.protocol)
  // Who speaks as before is told on in the profile that the listener had before, unless the flags say otherwise.
  const before = own.stated?.protocol === statement.protocol ? other.stated?.protocol : undefined
  const protocol = offeredProtocol(statement.protocol, options, before)
  const { secure, dtls: tls } = profileOf(protocol)
  if (spoken.secure && statement.crypto.length === 0 && !statement.dtls)
    throw new SignalboxError(
      'ERR_MEDIA',
      `${statement.kind} is ${statement.protocol} without a crypto line or a fingerprint that the relay understands`,
    )
  const sdes = options.sdes
  const dtls = secure && options.dtls !== 'off' ? offerDtls(other, options, identities) : undefined
  // RFC 5764 8: a profile over TLS asks for DTLS; keys in the description go with it only where flags want them.
  const tlsAlone = tls && !sdes.chosen && statement.crypto.length === 0
  const bySdes = secure && !(dtls && (tlsAlone || (other.dtls.agreed && !options.reset)))
  const offered = bySdes
    ? offerCrypto(
        sdes,
        spoken.secure ? statement.crypto : [],
        options.reset ? undefined : other.agreed?.local,
        other.keys,
        randomKey,
      )
    : []
  if (secure && offered.length === 0 && !dtls)
    throw new SignalboxError('ERR_MEDIA', `${protocol} was asked for, but the SDES flags leave no suite to offer`)
  const flags = options.rtcpMux
  const required = flags.has('require')
  // RFC 5761 5.1.1: a side that has agreed to it goes on with it unless it refuses.
  const agreed = other.mux && !options.reset
  const wished = required || agreed || flags.has('offer') || (statement.rtcpMux && !flags.has('demux'))
  const mux = spoken.rtp && wished
  const added = addedCandidate(statement, [statement.protocol, protocol], options)
  const ice = added ? undefined : offerIce(statement, other, options, randomKey)
  const mid = offeredMid(statement.mid ?? other.stated?.mid ?? other.midTold, index, options)
  const codecs = spoken.rtp
    ? offerCodecs(
        statement.payloads,
        { ...options.codecs, always: options.alwaysTranscode },
        options.ptime === undefined ? undefined : packetLength(options.ptime),
      )
    : undefined
  const plan = relayed(other.stream!, {
    ice,
    iceAdded: added,
    iceLines: ice
      ? iceLines(
          ice,
          other.stream!,
          { components: (required || agreed) && mux ? 1 : 2, trickle: options.trickle || !!other.stated?.ice?.trickle },
          options,
          randomKey,
        )
      : added
        ? addedLines(statement, added, other.stream!, (required || agreed) && mux ? 1 : 2, randomKey)
        : [],
    dtls: dtls?.lines ?? [],
    protocol,
    mux,
    rtcpShared: (required || agreed) && mux,
    rtp: spoken.rtp,
    crypto: offered.map((local) => cryptoLine(local, sdes)),
    statement,
    mid,
    ptime: undefined,
    forcedPtime: options.ptime,
    payloads: codecs && codecs.payloads !== statement.payloads ? codecs.payloads : undefined,
    options,
  })
  return {
    plan,
    commit() {
      other.protocol = protocol
      other.codecOffer = codecs
      other.midTold = mid
      other.offered = offered
      other.dtls = dtls?.next ?? { ...other.dtls, offered: false }
      own.dtls = { ...own.dtls, wanted: options.dtlsReverse ?? own.dtls.wanted }
      other.iceOffer = { own: ice, added }
      other.iceLite = liteTowards('forward', options.iceLite, other.iceLite)
      own.iceLite = liteTowards('backward', options.iceLite, own.iceLite)
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

/** The profile towards the receiver of an offer: what the flags ask for, or what it had before, where the media is RTP at all. */
export function offeredProtocol(protocol: string, { transportProtocol }: SessionOptions, before?: string): string {
  const wanted = transportProtocol ?? before
  return wanted !== undefined && profileOf(protocol).rtp && profileOf(wanted).rtp ? wanted : protocol
}

export function offeredMid(mid: string | undefined, index: number, options: SessionOptions): string | undefined {
  return mid ?? (options.generateMid ? String(index + 1) : undefined)
}

/** RFC 3551 4.2 */
const DEFAULT_PTIME = '20'

/** Milliseconds of speech in a packet, within what the relay makes. */
function packetLength(ptime: string): number {
  return Math.min(200, Math.max(10, Number(ptime)))
}

interface Answered {
  readonly statement: MediaStatement
  /** What the side that gets the answer had offered. */
  readonly offer: MediaStatement
  /** The side that answers. */
  readonly own: PartyMedia
  readonly other: PartyMedia
  readonly options: SessionOptions
  readonly randomKey: RandomKey
  readonly identities: DtlsIdentities
}

/**
 * Makes an m-line of the answer; `commit` makes what was agreed hold.
 * @throws SignalboxError ERR_MEDIA where the answer does not fit what was offered
 */
export function answerMedia(input: Answered): { plan: RelayedMedia; commit: () => void } {
  const { statement, offer, own, other, options, randomKey, identities } = input
  const asked = profileOf(own.protocol)
  const given = profileOf(statement.protocol)
  // RFC 3264 6: the profile of an answer is that of its offer. Plain RTP in answer to SRTP would be a downgrade.
  if (asked.rtp && (asked.secure !== given.secure || !given.rtp))
    throw new SignalboxError('ERR_MEDIA', `The answer to ${own.protocol} is ${statement.protocol}`)
  const theirDtls = asked.secure && own.dtls.offered && statement.dtls ? acceptDtls(own, statement.dtls) : undefined
  const theirs = asked.secure && !theirDtls ? acceptAnswer(own.offered, statement.crypto) : undefined
  // RFC 4568 7.1.3: an answer that takes none of the offered lines is a failed negotiation.
  if (asked.secure && !theirs && !theirDtls)
    throw new SignalboxError('ERR_MEDIA', 'The answer takes none of the crypto lines that were offered')
  const offerProfile = profileOf(offer.protocol)
  // A new key of theirs begins anew in both directions: ours changes with it (RFC 3711 3.3.1, roll-over counters at 0).
  const renewed =
    other.agreed !== undefined &&
    offer.crypto.length > 0 &&
    !offer.crypto.some((crypto) => sameKey(crypto.key, other.agreed!.remote.key))
  const keys = renewed ? new Map() : other.keys
  const byDtls = offerProfile.secure && offer.dtls && !(options.dtls === 'off' && offer.crypto.length > 0)
  const ourDtls = byDtls ? answerDtls(offer.dtls!, other, options, identities) : undefined
  const ours =
    offerProfile.secure && !byDtls
      ? answerCrypto(
          options.sdes,
          offer.crypto,
          { agreed: other.agreed?.local.suite, taken: theirs?.local.suite },
          keys,
          randomKey,
        )
      : undefined
  const repacked = own.codecOffer?.packetMillis !== undefined
  const packetMillis = other.ptimeAnswer ?? (repacked ? (offer.ptime ?? DEFAULT_PTIME) : undefined)
  const codecs = given.rtp
    ? answerCodecs({
        offered: offer.payloads,
        towards: own.codecOffer,
        answered: statement.payloads,
        lists: options.codecs,
        count: options.codecCount,
        packetMillis: packetMillis === undefined ? undefined : packetLength(packetMillis),
      })
    : undefined
  const ownMux = own.muxOffered && statement.rtcpMux
  const otherMux = offer.rtcpMux && own.muxAnswer !== 'reject' && (own.muxAnswer === 'accept' || ownMux)
  // Who was offered the candidates of the other side does ICE with that, whatever the flags say now.
  const offeredIce = own.iceOffer
  const added = statement.ice && offer.ice ? offeredIce?.added : undefined
  const ice = added || offeredIce?.added ? undefined : answerIce(offer, other, options, randomKey)
  const plan = relayed(other.stream!, {
    ice,
    iceAdded: added,
    iceLines: ice
      ? iceLines(ice, other.stream!, { components: otherMux ? 1 : 2, trickle: offer.ice!.trickle }, options, randomKey)
      : added
        ? addedLines(statement, added, other.stream!, otherMux ? 1 : 2, randomKey)
        : [],
    dtls: ourDtls?.lines ?? [],
    protocol: offer.protocol,
    mux: otherMux,
    rtcpShared: otherMux,
    rtp: offerProfile.rtp,
    crypto: ours ? [cryptoLine(ours.local, options.sdes)] : [],
    statement,
    mid: offer.mid ?? other.midTold,
    // rtpengine tells the offer's packet time where the answer has none.
    ptime: offer.ptime,
    forcedPtime: other.ptimeAnswer ?? (repacked ? offer.ptime : undefined),
    payloads: codecs?.payloads,
    options,
  })
  return {
    plan,
    commit() {
      own.sendable = statement.payloads
      other.sendable = codecs?.payloads ?? statement.payloads
      own.conversion = codecs?.fromAnswerer
      other.conversion = codecs?.fromOfferer
      own.agreed = theirs
      own.dtls = theirDtls ?? { ...own.dtls, agreed: undefined }
      other.dtls = ourDtls?.next ?? { ...other.dtls, agreed: undefined }
      own.ice = offeredIce?.own && { ...offeredIce.own, metWith: statement.ice?.remote }
      own.iceAdded = added
      other.ice = ice
      other.iceAdded = added
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
    ice: PartyIce | undefined
    iceAdded: AddedCandidate | undefined
    iceLines: string[]
    dtls: string[]
    protocol: string
    mux: boolean
    rtcpShared: boolean
    rtp: boolean
    crypto: string[]
    statement: MediaStatement
    mid: string | undefined
    ptime: string | undefined
    forcedPtime: string | undefined
    payloads: readonly Payload[] | undefined
    options: SessionOptions
  },
): RelayedMedia {
  const { options, statement } = part
  // As a relay among candidates it is in nobody's way: the description's own address stays.
  const stays = part.iceAdded === 'relay' && statement.address !== undefined
  const [port, rtcpPort] = stays ? [statement.port, statement.rtcpPort] : [stream.rtpPort, stream.rtcpPort]
  const address = stays ? statement.address! : (options.mediaAddress ?? stream.local.advertised)
  return {
    action: 'relay',
    family: addressFamily(address) ?? stream.local.family,
    address,
    port,
    rtcpPort: part.rtp ? (part.rtcpShared ? port : rtcpPort) : undefined,
    protocol: part.protocol,
    direction: options.originalDirection ? undefined : part.statement.direction,
    rtcpAttribute: options.rtcpAttribute,
    rtcpMux: part.mux,
    crypto: part.crypto,
    dtls: part.dtls,
    ice: part.iceLines,
    iceLite: part.ice?.lite ?? false,
    addressByIce: part.statement.ice !== undefined,
    mid: part.mid,
    ptime: part.ptime,
    forcedPtime: part.rtp ? part.forcedPtime : undefined,
    said: statement.payloads,
    payloads: part.payloads,
  }
}
