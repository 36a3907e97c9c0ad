// Owns copies of what parties say for a third one, a recorder: `subscribe request`, `subscribe answer`, `unsubscribe`.
import { SignalboxError } from '../errors.ts'
import { addressFamily, profileOf } from '../sdp/index.ts'
import type { Conversion } from './audio-settings.ts'
import { type Call, newPartyMedia, type Party, type PartyMedia, partyByTag } from './call.ts'
import { answerCodecs, type CodecOffer, offerCodecs } from './codec-negotiation.ts'
import type { Payload } from './codec-policy.ts'
import { acceptAnswer, cryptoLine, offerCrypto, type RandomKey } from './crypto-negotiation.ts'
import type { MediaInterface, MediaInterfaces } from './interfaces.ts'
import { readDocument, readStatement } from './media-statement.ts'
import type { NativeRelay } from './native-relay.ts'
import { dictionary, type NgDictionary } from './ng/bencode.ts'
import type { SessionOptions } from './session-options.ts'
import type { StreamPool } from './stream-pool.ts'

export interface SubscriptionContext {
  readonly native: NativeRelay
  readonly pool: StreamPool
  readonly interfaces: MediaInterfaces
  readonly tos: number | undefined
  readonly randomKey: RandomKey
}

/** One m-line for a subscriber. */
interface Copy {
  readonly source: PartyMedia
  readonly media: PartyMedia
  readonly offer: CodecOffer
  /** Set once it is answered. */
  flow: { readonly sourceId: number; readonly conversion: Conversion | null } | undefined
}

interface Subscriber {
  readonly tag: string
  readonly copies: Copy[]
}

const MOST_SUBSCRIBERS = 16

export class Subscriptions {
  readonly #context: SubscriptionContext
  readonly #subscribers = new WeakMap<Call, Map<string, Subscriber>>()

  constructor(context: SubscriptionContext) {
    this.#context = context
  }

  /** Subscribers of a call, for its report. */
  of(call: Call): readonly string[] {
    return [...(this.#subscribers.get(call)?.keys() ?? [])]
  }

  /**
   * Offers what the parties named say. Nothing is sent before the answer.
   * @throws SignalboxError ERR_MEDIA, ERR_MEDIA_PORTS, ERR_LIMIT
   */
  request(call: Call, request: NgDictionary, session: SessionOptions): NgDictionary {
    const parties = named(call, request, session)
    const tag = session.toTag || Buffer.from(this.#context.randomKey(16)).toString('hex')
    const all = this.#subscribers.get(call) ?? new Map<string, Subscriber>()
    if (partyByTag(call, tag)) throw new SignalboxError('ERR_MEDIA', 'The to-tag is that of a party of the call')
    if (all.size >= MOST_SUBSCRIBERS && !all.has(tag))
      throw new SignalboxError('ERR_LIMIT', `a call has no more than ${MOST_SUBSCRIBERS} subscribers`)
    this.#drop(all, tag)
    const subscriber: Subscriber = { tag, copies: [] }
    let sections = ''
    try {
      for (const party of parties)
        for (const source of party.media)
          if (source.stream && source.stated && profileOf(source.stated.protocol).rtp)
            sections += this.#offer(call, party, source, subscriber, session)
      if (sections === '') throw new SignalboxError('ERR_MEDIA', 'No monologues matched')
    } catch (error) {
      for (const copy of subscriber.copies) this.#context.pool.release(copy.media)
      throw error
    }
    all.set(tag, subscriber)
    this.#subscribers.set(call, all)
    return dictionary({
      sdp: headOf(parties, subscriber.copies[0]!.media.stream!.local) + sections,
      ...(parties.length === 1 ? { 'from-tag': parties[0]!.tag } : {}),
      'from-tags': parties.map((party) => party.tag),
      'to-tag': tag,
      result: 'ok',
    })
  }

  /**
   * Takes the subscriber's answer: from now on it is sent what the parties say, by the keys that it gave.
   * @throws SignalboxError ERR_MEDIA, ERR_PARSE
   */
  answer(call: Call, session: SessionOptions): NgDictionary {
    if (session.toTag === '') throw new SignalboxError('ERR_MEDIA', 'No to-tag in message')
    const document = readDocument(session)
    const subscriber = this.#subscribers.get(call)?.get(session.toTag)
    if (!subscriber) throw new SignalboxError('ERR_MEDIA', 'To-tag not found')
    if (document.media.length < subscriber.copies.length)
      throw new SignalboxError('ERR_MEDIA', 'Failed to process subscription answer: it has too few media')
    const statements = subscriber.copies.map((_, index) => readStatement(document, document.media[index]!, session))
    const { native } = this.#context
    for (const [index, copy] of subscriber.copies.entries()) {
      const { media, source, offer } = copy
      const statement = statements[index]!
      const secure = profileOf(media.protocol).secure
      const keyed = secure ? acceptAnswer(media.offered, statement.crypto) : undefined
      if (secure && !keyed)
        throw new SignalboxError('ERR_MEDIA', 'The answer takes none of the crypto lines that were offered')
      if (!source.stream || !media.stream) continue
      if (statement.port === 0 || statement.address === undefined) {
        native.unsubscribe(media.stream.id)
        copy.flow = undefined
        continue
      }
      if (addressFamily(statement.address) !== addressFamily(media.stream.local.address))
        throw new SignalboxError('ERR_MEDIA', 'The answer is of another address family than the offer')
      const { fromOfferer } = answerCodecs({
        offered: heardAs(source),
        towards: offer,
        answered: statement.payloads,
        lists: session.codecs,
        count: session.codecCount,
        packetMillis: undefined,
      })
      native.configure(media.stream.id, {
        remote: { address: statement.address, rtpPort: statement.port, rtcpPort: statement.rtcpPort },
        // It only listens: nothing that it sends changes where its copy goes.
        latching: 'strict',
        receive: false,
        rtcpMux: statement.rtcpMux,
        srtpOut: keyed ? { suite: keyed.local.suite, key: keyed.local.key } : null,
        srtpIn: keyed ? { suite: keyed.remote.suite, key: keyed.remote.key, mki: keyed.remote.mki } : null,
      })
      copy.flow = { sourceId: source.stream.id, conversion: fromOfferer ?? null }
      native.subscribe(source.stream.id, media.stream.id, copy.flow.conversion)
    }
    return dictionary({ result: 'ok' })
  }

  /** @throws SignalboxError ERR_MEDIA */
  remove(call: Call, session: SessionOptions): NgDictionary {
    if (session.toTag === '') throw new SignalboxError('ERR_MEDIA', 'No to-tag in message')
    this.#drop(this.#subscribers.get(call), session.toTag)
    return dictionary({ result: 'ok' })
  }

  /** A party may have got another stream since. */
  follow(call: Call): void {
    for (const { copies } of this.#subscribers.get(call)?.values() ?? []) {
      for (const copy of copies) {
        const { source, media, flow } = copy
        if (!flow || !source.stream || !media.stream || flow.sourceId === source.stream.id) continue
        copy.flow = { ...flow, sourceId: source.stream.id }
        this.#context.native.subscribe(source.stream.id, media.stream.id, flow.conversion)
      }
    }
  }

  /** The call is over. */
  end(call: Call): void {
    const all = this.#subscribers.get(call)
    for (const tag of [...(all?.keys() ?? [])]) this.#drop(all, tag)
  }

  #drop(all: Map<string, Subscriber> | undefined, tag: string): void {
    for (const copy of all?.get(tag)?.copies ?? []) this.#context.pool.release(copy.media)
    all?.delete(tag)
  }

  /** Opens a stream for one m-line, and writes its section. */
  #offer(call: Call, party: Party, source: PartyMedia, subscriber: Subscriber, session: SessionOptions): string {
    const { pool, interfaces, tos, randomKey } = this.#context
    const stated = source.stated!
    const family = session.addressFamily ?? source.stream!.local.family
    const name = session.direction[1] ?? session.interfaceName ?? party.interfaceName
    const media = newPartyMedia()
    media.stream = pool.open(call, interfaces.pick(name, family), session.tos ?? tos)
    media.protocol = session.transportProtocol ?? stated.protocol
    const offer = offerCodecs(heardAs(source), { ...session.codecs, always: session.alwaysTranscode }, undefined)
    subscriber.copies.push({ source, media, offer, flow: undefined })
    if (profileOf(media.protocol).secure)
      media.offered = offerCrypto(session.sdes, [], undefined, media.keys, randomKey)
    const { local, rtpPort, rtcpPort } = media.stream
    const formats = offer.payloads.map(({ format }) => ` ${format}`).join('')
    const lines = [
      `m=${stated.kind} ${rtpPort} ${media.protocol}${formats}`,
      ...(local === subscriber.copies[0]!.media.stream!.local ? [] : [`c=IN ${local.family} ${local.advertised}`]),
      ...offer.payloads.flatMap(describe),
      'a=sendonly',
      `a=rtcp:${rtcpPort}`,
      ...media.offered.map((line) => `a=crypto:${cryptoLine(line, session.sdes)}`),
    ]
    return `${lines.join('\r\n')}\r\n`
  }
}

/** Of one party it is that of its own description; of several it is the relay's. */
function headOf(parties: readonly Party[], { family, advertised }: MediaInterface): string {
  const own = `o=- ${parties[0]!.created} ${parties[0]!.created} IN ${family} ${advertised}\r\ns=-\r\n`
  const heading = (parties.length === 1 && parties[0]!.heading) || own
  return `v=0\r\n${heading}c=IN ${family} ${advertised}\r\nt=0 0\r\n`
}

/** What a party says is in the numbers that it was told, which are the ones its own description has. */
function heardAs(source: PartyMedia): readonly Payload[] {
  return source.sendable.length > 0 ? source.sendable : (source.stated?.payloads ?? [])
}

function describe({ format, codec, attributes }: Payload): string[] {
  const rtpmap = attributes.find((line) => line.startsWith('rtpmap:'))
  const first = rtpmap ?? (codec === undefined ? undefined : `rtpmap:${format} ${codec.text}`)
  return [...(first === undefined ? [] : [first]), ...attributes.filter((line) => line !== rtpmap)].map(
    (line) => `a=${line}`,
  )
}

/** @throws SignalboxError ERR_MEDIA, in rtpengine's words */
function named(call: Call, request: NgDictionary, session: SessionOptions): readonly Party[] {
  if (session.allParties) return call.parties
  const listed = Array.isArray(request['from-tags'])
    ? request['from-tags'].filter((tag) => typeof tag === 'string')
    : []
  const tags = session.fromTag === '' ? listed : [session.fromTag, ...listed]
  const byLabel = session.label === '' ? undefined : call.parties.find((party) => party.label === session.label)
  if (byLabel) return [byLabel]
  if (tags.length === 0) throw new SignalboxError('ERR_MEDIA', 'No monologues matched')
  return tags.map((tag) => {
    const party = partyByTag(call, tag)
    if (party) return party
    throw new SignalboxError('ERR_MEDIA', 'From-tag given, but no such tag exists')
  })
}
