// Owns what one offer or answer does to a call: parties, ports and keys chosen, the SDP written, all of it kept or none.
import { SignalboxError } from '../errors.ts'
import { type AddressFamily, addressFamily, type SdpDocument } from '../sdp/index.ts'
import { type Call, type HiddenMedia, type MediaStatement, newPartyMedia, type Party, type PartyMedia } from './call.ts'
import { answerMedia, offeredMid, offeredProtocol, offerMedia } from './call-negotiation.ts'
import { NO_DTLS } from './connection-state.ts'
import type { RandomKey } from './crypto-negotiation.ts'
import type { DtlsIdentities } from './dtls-negotiation.ts'
import { mediaToHide, withHidden, withoutHidden } from './hidden-media.ts'
import type { MediaInterfaces } from './interfaces.ts'
import { isRelayed, readDocument, readStatement } from './media-statement.ts'
import { type Dialogue, type NewParty, pairForAnswer, pairForOffer } from './party-lookup.ts'
import { changeAttributes, withoutExtensions } from './sdp-attributes.ts'
import { type MediaPlan, type RewritePlan, rewriteSdp } from './sdp-rewrite.ts'
import type { SessionOptions } from './session-options.ts'
import { nameSession } from './session-origin.ts'
import { StreamChanges, type StreamPool } from './stream-pool.ts'

export interface ExchangeContext {
  readonly pool: StreamPool
  readonly interfaces: MediaInterfaces
  /** TOS byte where the request names none. */
  readonly tos: number | undefined
  readonly randomKey: RandomKey
  readonly identities: DtlsIdentities
  /** Milliseconds since 1970. */
  readonly now: number
  /** What `loop-protect` marks descriptions with. */
  readonly mark: string
}

export interface Exchanged {
  /** For the other side. */
  readonly sdp: string
  readonly dialogue: Dialogue
  /** Who the listener talked to before. */
  readonly former: Party | undefined
}

/** rtpengine's name, so that either sees its own. */
const LOOP_ATTRIBUTE = 'rtpengine'

/** Whether a description has been through this relay with `loop-protect`, and asks for it again. */
export function isLoop({ loopProtect, sdp = '' }: SessionOptions, mark: string): boolean {
  return loopProtect && sdp.includes(`\na=${LOOP_ATTRIBUTE}:${mark}`)
}

/** Branches of one call; beyond it, another To tag is refused. */
const MAX_PARTIES = 64

/**
 * Takes an offer. What it says changes no packet until it is answered.
 * @throws SignalboxError ERR_PARSE, ERR_MEDIA, ERR_MEDIA_PORTS, ERR_LIMIT; the call is then as it was
 */
export function exchangeOffer(call: Call, options: SessionOptions, context: ExchangeContext): Exchanged {
  const given = read(options)
  return attempt(call, context, (changes, make) => {
    const dialogue = pairForOffer(call, options, make)
    const { speaker, listener } = dialogue
    const { document, statements } = whole(given, speaker, options)
    const hidden = mediaToHide(document, listener, options)
    const parts = statements.map((statement, index): Part => {
      const media = document.media[index]!
      const mid = offeredMid(statement.mid, index, options)
      if (!isRelayed(media) && !hidden.has(index)) return { plan: { action: 'untouched', mid } }
      if (media.port === 0 || hidden.has(index))
        return { plan: { action: 'refused', mid, protocol: offeredProtocol(media.protocol, options) } }
      const [from, to] = options.direction
      const family = familyOf(document, index, options)
      const own = mediaAt(speaker, index)
      const other = mediaAt(listener, index)
      const wanted = options.addressFamily ?? other.stream?.local.family ?? family
      ensureStream(changes, { call, media: own, party: speaker, named: from, family }, options, context)
      ensureStream(changes, { call, media: other, party: listener, named: to, family: wanted }, options, context)
      return offerMedia({ ...context, statement, own, other, index, options })
    })
    const { sdp, name } = written(document, parts, dialogue, hidden, options, context)
    for (const [index, statement] of statements.entries()) mediaAt(speaker, index).pending = statement
    for (const media of speaker.media.slice(statements.length)) media.pending = undefined
    for (const part of parts) part.commit?.()
    name()
    const former = listener.peer
    call.ownReports = options.ownReports ?? call.ownReports
    speaker.peer = listener
    listener.peer ??= speaker
    return { sdp, dialogue, former }
  })
}

/**
 * Takes an answer: what both sides said holds from now on.
 * @throws SignalboxError ERR_PARSE, ERR_MEDIA, ERR_MEDIA_PORTS, ERR_LIMIT; the call is then as it was
 */
export function exchangeAnswer(call: Call, options: SessionOptions, context: ExchangeContext): Exchanged {
  const given = read(options)
  return attempt(call, context, (changes, make) => {
    const dialogue = pairForAnswer(call, options, make)
    if (!dialogue) throw new SignalboxError('ERR_MEDIA', 'No offer to answer: the from-tag is not known')
    const { speaker, listener } = dialogue
    const { document, statements } = whole(given, speaker, options)
    const offers = listener.media.map((media) => media.pending ?? media.stated)
    if (statements.length > offers.length)
      throw new SignalboxError('ERR_MEDIA', `The answer has ${statements.length} media, the offer ${offers.length}`)
    const parts = statements.map((statement, index): Part => {
      const media = document.media[index]!
      const offer = offers[index]
      if (!isRelayed(media)) return { plan: { action: 'untouched', mid: offer?.mid } }
      const own = mediaAt(speaker, index)
      const other = mediaAt(listener, index)
      if (!offer || offer.port === 0 || media.port === 0 || !own.stream || !other.stream)
        return { plan: { action: 'refused', mid: offer?.mid, protocol: offer?.protocol ?? media.protocol } }
      const [from, to] = options.direction
      const families = [own.stream.local.family, options.addressFamily ?? other.stream.local.family] as const
      ensureStream(changes, { call, media: own, party: speaker, named: from, family: families[0] }, options, context)
      ensureStream(changes, { call, media: other, party: listener, named: to, family: families[1] }, options, context)
      return answerMedia({ ...context, statement, offer, own, other, options })
    })
    const { sdp, name } = written(document, parts, dialogue, listener.hidden, options, context)
    for (const index of listener.media.keys()) {
      const own = mediaAt(speaker, index)
      const other = mediaAt(listener, index)
      state(own, statements[index])
      state(other, offers[index])
      const part = parts[index]
      if (part?.commit) part.commit()
      else {
        close(own, context.pool)
        // Another branch of a fork may take what this one refuses, at the port that faces the offerer.
        const wanted = call.parties.some(
          (party) => party !== speaker && party.peer === listener && party.media[index]?.stream,
        )
        if (!wanted) close(other, context.pool)
      }
    }
    name()
    const former = listener.peer
    call.ownReports = options.ownReports ?? call.ownReports
    listener.peer = speaker
    speaker.peer = listener
    return { sdp, dialogue, former }
  })
}

interface Said {
  readonly document: SdpDocument
  readonly statements: readonly MediaStatement[]
}

function read(options: SessionOptions): Said {
  const document = readDocument(options)
  return { document, statements: document.media.map((media) => readStatement(document, media, options)) }
}

/** What a party said, with the m-lines that it was not shown. */
function whole(given: Said, { hidden }: Party, options: SessionOptions): Said {
  return hidden.size === 0 ? given : read({ ...options, sdp: withHidden(options.sdp!, hidden) })
}

interface Part {
  readonly plan: MediaPlan
  /** Makes what was agreed hold; absent where the media is not relayed. */
  readonly commit?: () => void
}

/** Runs an exchange; if it throws, parties, tags and streams are those of before. */
function attempt(
  call: Call,
  context: ExchangeContext,
  exchange: (changes: StreamChanges, make: NewParty) => Exchanged,
): Exchanged {
  const changes = new StreamChanges(context.pool)
  const parties = [...call.parties]
  const tags = parties.map((party) => party.tag)
  try {
    const exchanged = exchange(changes, (tag, viaBranch, interfaceName) => {
      if (call.parties.length >= MAX_PARTIES)
        throw new SignalboxError('ERR_LIMIT', `a call has no more than ${MAX_PARTIES} branches`)
      const party: Party = {
        tag,
        viaBranch,
        interfaceName,
        created: context.now,
        media: [],
        peer: undefined,
        hidden: new Map(),
        label: '',
        blocking: { ...call.blocking },
        origin: undefined,
        heading: '',
      }
      call.parties.push(party)
      return party
    })
    changes.keep()
    return exchanged
  } catch (error) {
    changes.undo()
    for (const party of call.parties)
      if (!parties.includes(party)) for (const media of party.media) context.pool.release(media)
    call.parties.splice(0, call.parties.length, ...parties)
    for (const [index, party] of parties.entries()) party.tag = tags[index]!
    throw error
  }
}

/** Opens a stream where the media has none, or where the flags name an interface that it is not on. */
function ensureStream(
  changes: StreamChanges,
  want: { call: Call; media: PartyMedia; party: Party; named: string | undefined; family: AddressFamily },
  options: SessionOptions,
  { interfaces, tos }: ExchangeContext,
): void {
  const { call, media, party, named, family } = want
  const moves = named !== undefined && interfaces.has(named)
  const name = moves ? named : party.interfaceName
  const other = media.stream && interfaces.pick(name, family) !== media.stream.local
  if (media.stream && !(other && (moves || family !== media.stream.local.family))) return
  changes.open(call, media, interfaces.pick(name, family), options.tos ?? tos)
  changes.onKeep(() => {
    party.interfaceName = name
  })
}

/** The description for the other side; `name` remembers what it called the session. */
function written(
  document: SdpDocument,
  parts: readonly Part[],
  { speaker, listener }: Dialogue,
  hidden: HiddenMedia,
  options: SessionOptions,
  { interfaces, mark }: ExchangeContext,
): { sdp: string; name: () => void } {
  // Where all media are refused, the description still shows no address of the other side.
  const family = options.addressFamily ?? familyOf(document, 0, options)
  const local = interfaces.pick(options.direction[1] ?? listener.interfaceName, family)
  const address = options.mediaAddress ?? local.advertised
  const plan = planOf(parts, options, { family: addressFamily(address) ?? local.family, address }, mark)
  const { sdp, memory } = nameSession(rewriteSdp(document, plan), document, speaker.origin, options)
  return {
    sdp: withoutHidden(withoutExtensions(changeAttributes(sdp, options.attributes), options), hidden),
    name() {
      speaker.origin = memory
      speaker.heading = document.session.lines
        .filter((line) => line.type === 'o' || line.type === 's')
        .map((line) => `${line.type}=${line.value}\r\n`)
        .join('')
      listener.hidden = hidden
      if (options.label !== '') speaker.label = options.label
    },
  }
}

function planOf(
  parts: readonly Part[],
  options: SessionOptions,
  fallback: RewritePlan['face'],
  mark: string,
): RewritePlan {
  const media = parts.map((part) => part.plan)
  const first = media.find((plan) => plan.action === 'relay')
  const face = first ?? fallback
  return {
    media,
    face,
    replaceOrigin: options.replaceOrigin,
    sessionLines: [
      ...(options.loopProtect ? [`a=${LOOP_ATTRIBUTE}:${mark}`] : []),
      // RFC 8839 5.3: of the session, and with it of all its media.
      ...(media.some((part) => part.action === 'relay' && part.iceLite) ? ['a=ice-lite'] : []),
    ],
    replaceSessionConnection: options.replaceSessionConnection,
    replaceZeroAddress:
      options.replaceZeroAddress ||
      options.sourceAddress !== undefined ||
      options.mediaAddress !== undefined ||
      media.some((part) => part.action === 'relay' && part.addressByIce),
  }
}

function state(media: PartyMedia, statement: MediaStatement | undefined): void {
  media.stated = statement
  media.pending = undefined
}

function close(media: PartyMedia, pool: StreamPool): void {
  pool.release(media)
  media.agreed = undefined
  media.dtls = NO_DTLS
  media.ice = undefined
  media.iceAdded = undefined
  media.iceOffer = undefined
}

function mediaAt(party: Party, index: number): PartyMedia {
  while (party.media.length <= index) party.media.push(newPartyMedia())
  return party.media[index]!
}

/** The family in which the speaker's media will come. */
function familyOf(document: SdpDocument, index: number, { sourceAddress }: SessionOptions): AddressFamily {
  if (sourceAddress !== undefined) return addressFamily(sourceAddress) ?? 'IP4'
  const connection = document.media[index]?.connection ?? document.session.connection
  return (connection && addressFamily(connection.address)) ?? 'IP4'
}
