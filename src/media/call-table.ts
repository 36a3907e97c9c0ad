// Owns the calls of a relay and what offers, answers and deletes do to them. All of it is synchronous.
import type { Clock, Timer } from '../clock.ts'
import { SignalboxError } from '../errors.ts'
import { type AddressFamily, addressFamily, type SdpDocument } from '../sdp/index.ts'
import { type Call, type MediaStatement, newPartyMedia, type Party, type PartyMedia } from './call.ts'
import { answerMedia, offerMedia } from './call-negotiation.ts'
import type { RandomKey } from './crypto-negotiation.ts'
import type { MediaInterfaces } from './interfaces.ts'
import { isRelayed, readDocument, readStatement } from './media-statement.ts'
import type { NativeRelay } from './native-relay.ts'
import { pairForAnswer, pairForOffer, partiesToDelete } from './party-lookup.ts'
import { type MediaPlan, type RewritePlan, rewriteSdp } from './sdp-rewrite.ts'
import type { SessionOptions } from './session-options.ts'
import { applyDialogue, muteParty } from './stream-config.ts'
import { StreamPool } from './stream-pool.ts'

export interface CallTableOptions {
  readonly native: NativeRelay
  readonly interfaces: MediaInterfaces
  readonly portMin: number
  readonly portMax: number
  /** Seconds without media before a call ends; of held media `silentTimeout`. */
  readonly timeout: number
  readonly silentTimeout: number
  /** Seconds that an offer may go unanswered. */
  readonly offerTimeout: number
  /** Seconds that any call may last; 0: no limit. */
  readonly finalTimeout: number
  /** Seconds between a delete and the end of the media. */
  readonly deleteDelay: number
  readonly maxSessions: number
  /** TOS byte of packets sent, where a request names none. */
  readonly tos?: number | undefined
  readonly clock: Clock
  readonly randomKey: RandomKey
  /** Called before a call that ended by itself is forgotten. */
  readonly onTimeout: (call: Call, reason: string) => void
}

/** Branches of one call; beyond it, another To tag is refused. */
const MAX_PARTIES = 64

interface Entry {
  readonly call: Call
  readonly timers: Set<Timer>
}

export class CallTable {
  readonly #options: CallTableOptions
  readonly #pool: StreamPool
  readonly #entries = new Map<string, Entry>()

  constructor(options: CallTableOptions) {
    this.#options = options
    this.#pool = new StreamPool(options.native, options)
  }

  get size(): number {
    return this.#entries.size
  }

  get callIds(): string[] {
    return [...this.#entries.keys()]
  }

  /** Streams that are open now. */
  get streams(): number {
    return this.#pool.size
  }

  find(callId: string): Call | undefined {
    return this.#entries.get(callId)?.call
  }

  /**
   * Takes an offer of `fromTag`.
   * @returns the offer for the other side
   * @throws SignalboxError ERR_PARSE, ERR_MEDIA, ERR_MEDIA_PORTS, ERR_LIMIT; the call is then as it was
   */
  offer(options: SessionOptions): string {
    requireIdentity(options)
    const document = readDocument(options)
    const statements = document.media.map((media) => readStatement(document, media, options))
    const known = this.#entries.get(options.callId)
    if (!known && this.#entries.size >= this.#options.maxSessions)
      throw new SignalboxError('ERR_LIMIT', `the relay has its ${this.#options.maxSessions} sessions`)
    const call = known?.call ?? this.#newCall(options.callId)
    const opened: PartyMedia[] = []
    const before = [...call.parties]
    const tags = before.map((party) => party.tag)
    try {
      const { speaker, listener } = pairForOffer(call, options, (...names) => this.#newParty(call, ...names))
      const plans = statements.map((statement, index): MediaPlan => {
        const media = document.media[index]!
        if (!isRelayed(media)) return { action: 'untouched' }
        if (media.port === 0) return { action: 'refused' }
        const own = mediaAt(speaker, index)
        const other = mediaAt(listener, index)
        const family = familyOf(document, index)
        this.#ensureStream(call, own, speaker.interfaceName, family, options, opened)
        const wanted = options.addressFamily ?? other.stream?.local.family ?? family
        this.#ensureStream(call, other, listener.interfaceName, wanted, options, opened)
        return offerMedia({ statement, other, index, options, randomKey: this.#options.randomKey })
      })
      const text = rewriteSdp(document, this.#plan(plans, options))
      // Nothing below throws: what the offer says holds from here on, but changes no packet until it is answered.
      for (const [index, statement] of statements.entries()) mediaAt(speaker, index).pending = statement
      for (const media of speaker.media.slice(statements.length)) media.pending = undefined
      speaker.peer = listener
      listener.peer ??= speaker
      if (!known) this.#add(call)
      call.lastSignal = this.#options.clock.wallclock()
      this.#revive(call)
      return text
    } catch (error) {
      for (const media of opened) this.#pool.release(media)
      call.parties.splice(0, call.parties.length, ...before)
      for (const [index, party] of before.entries()) party.tag = tags[index]!
      throw error
    }
  }

  /**
   * Takes the answer of `toTag` to the offer of `fromTag`.
   * @returns the answer for the side that offered
   * @throws SignalboxError ERR_PARSE, ERR_MEDIA, ERR_MEDIA_PORTS, ERR_LIMIT; packets then go as before
   */
  answer(options: SessionOptions): string {
    requireIdentity(options)
    const call = this.find(options.callId)
    if (!call) throw new SignalboxError('ERR_MEDIA', 'Unknown call-id')
    const document = readDocument(options)
    const statements = document.media.map((media) => readStatement(document, media, options))
    const pair = pairForAnswer(call, options, (...names) => this.#newParty(call, ...names))
    if (!pair) throw new SignalboxError('ERR_MEDIA', 'No offer to answer: the from-tag is not known')
    const { speaker, listener } = pair
    const offered = listener.media.map((media) => media.pending ?? media.stated)
    if (statements.length > offered.length)
      throw new SignalboxError('ERR_MEDIA', `The answer has ${statements.length} media, the offer ${offered.length}`)
    const results = statements.map((statement, index) => {
      const media = document.media[index]!
      if (!isRelayed(media)) return { plan: { action: 'untouched' } satisfies MediaPlan }
      const offer = offered[index]
      const own = mediaAt(speaker, index)
      const other = mediaAt(listener, index)
      if (!offer || offer.port === 0 || media.port === 0 || !own.stream || !other.stream)
        return { plan: { action: 'refused' } satisfies MediaPlan }
      return answerMedia({ statement, offer, own, other, options, randomKey: this.#options.randomKey })
    })
    const text = rewriteSdp(
      document,
      this.#plan(
        results.map((result) => result.plan),
        options,
      ),
    )
    for (const [index, result] of results.entries()) {
      const own = mediaAt(speaker, index)
      const other = mediaAt(listener, index)
      this.#state(own, statements[index])
      this.#state(other, offered[index])
      if ('commit' in result) result.commit()
      else this.#releaseBoth(own, other)
    }
    for (let index = results.length; index < listener.media.length; index++)
      this.#releaseBoth(mediaAt(speaker, index), mediaAt(listener, index))
    const former = listener.peer
    listener.peer = speaker
    speaker.peer = listener
    if (former && former !== speaker) muteParty(this.#options.native, former, speaker)
    applyDialogue(this.#options.native, speaker, listener, this.#options)
    call.answered = true
    call.lastSignal = this.#options.clock.wallclock()
    this.#revive(call)
    return text
  }

  /** What a delete would end; empty where no party matches. */
  matching(options: SessionOptions): readonly Party[] {
    const call = this.find(options.callId)
    return call ? partiesToDelete(call, options) : []
  }

  /** Ends the whole call, or the branches named, after the delay that the request or the relay asks for. */
  remove(call: Call, parties: readonly Party[], options: SessionOptions): void {
    const delay = options.deleteDelay ?? this.#options.deleteDelay
    const whole = parties.length >= call.parties.length
    const end = (): void => {
      if (whole) this.#destroy(call)
      else for (const party of parties) this.#dropParty(call, party)
    }
    if (delay <= 0) end()
    else this.#schedule(call, delay, end, 'delete')
  }

  /** Called for a stream that fell silent: the call ends when no stream of it lives. */
  streamTimedOut(streamId: number): void {
    const call = this.#pool.callOf(streamId)
    if (!call) return
    const { native, timeout, silentTimeout } = this.#options
    let silent = true
    for (const party of call.parties) {
      for (const media of party.media) {
        if (!media.stream || !media.stated) continue
        const limit = isHeldMedia(media.stated) ? silentTimeout : timeout
        if (limit === timeout) silent = false
        const age = media.stream.id === streamId ? Number.POSITIVE_INFINITY : this.#ageOf(native, media.stream.id, call)
        if (limit === 0 || age < limit * 1000) return
      }
    }
    this.#end(call, silent ? 'silent timeout' : 'media timeout')
  }

  close(): void {
    for (const { call } of [...this.#entries.values()]) this.#destroy(call)
  }

  #ageOf(native: NativeRelay, id: number, call: Call): number {
    const age = native.stats(id).lastPacketAgeMillis
    // Signalling begins the wait anew, as it does in the native relay.
    const sinceSignal = this.#options.clock.wallclock() - call.lastSignal
    return age >= 0 ? Math.min(age, sinceSignal) : sinceSignal
  }

  #newCall(id: string): Call {
    const now = this.#options.clock.wallclock()
    return { id, created: now, lastSignal: now, parties: [], answered: false }
  }

  #newParty(call: Call, tag: string, viaBranch: string, interfaceName: string | undefined): Party {
    if (call.parties.length >= MAX_PARTIES)
      throw new SignalboxError('ERR_LIMIT', `a call has no more than ${MAX_PARTIES} branches`)
    const party: Party = {
      tag,
      viaBranch,
      interfaceName,
      created: this.#options.clock.wallclock(),
      media: [],
      peer: undefined,
    }
    call.parties.push(party)
    return party
  }

  #ensureStream(
    call: Call,
    media: PartyMedia,
    interfaceName: string | undefined,
    family: AddressFamily,
    options: SessionOptions,
    opened: PartyMedia[],
  ): void {
    if (media.stream) return
    const local = this.#options.interfaces.pick(interfaceName, family)
    media.stream = this.#pool.open(call, local, options.tos ?? this.#options.tos)
    opened.push(media)
  }

  #plan(media: readonly MediaPlan[], options: SessionOptions): RewritePlan {
    const first = media.find((plan) => plan.action === 'relay')
    return {
      media,
      origin: options.replaceOrigin && first ? { family: first.family, address: first.address } : undefined,
      replaceSessionConnection: options.replaceSessionConnection,
      replaceZeroAddress: options.replaceZeroAddress,
    }
  }

  #state(media: PartyMedia, statement: MediaStatement | undefined): void {
    media.stated = statement
    media.pending = undefined
  }

  #releaseBoth(own: PartyMedia, other: PartyMedia): void {
    for (const media of [own, other]) {
      this.#pool.release(media)
      media.agreed = undefined
    }
  }

  #add(call: Call): void {
    this.#entries.set(call.id, { call, timers: new Set() })
    const { offerTimeout, finalTimeout } = this.#options
    if (finalTimeout > 0) this.#schedule(call, finalTimeout, () => this.#end(call, 'final timeout'), 'life')
    const check = (): void => {
      // A call whose media are all refused has no stream to fall silent; it goes by the same clock as an unanswered one.
      const open = call.parties.some((party) => party.media.some((media) => media.stream))
      if (call.answered && open) this.#schedule(call, offerTimeout, check, 'life')
      else this.#end(call, 'offer timeout')
    }
    if (offerTimeout > 0) this.#schedule(call, offerTimeout, check, 'life')
  }

  readonly #deletions = new WeakMap<Call, Timer>()

  #schedule(call: Call, seconds: number, fire: () => void, kind: 'delete' | 'life'): void {
    const entry = this.#entries.get(call.id)
    if (entry?.call !== call) return
    if (kind === 'delete' && this.#deletions.has(call)) return
    const timer = this.#options.clock.setTimer(seconds * 1000, () => {
      entry.timers.delete(timer)
      if (kind === 'delete') this.#deletions.delete(call)
      fire()
    })
    entry.timers.add(timer)
    if (kind === 'delete') this.#deletions.set(call, timer)
  }

  /** An offer or answer within the delay of a delete keeps the call. */
  #revive(call: Call): void {
    const timer = this.#deletions.get(call)
    if (!timer) return
    timer.cancel()
    this.#deletions.delete(call)
    this.#entries.get(call.id)?.timers.delete(timer)
  }

  #end(call: Call, reason: string): void {
    this.#options.onTimeout(call, reason)
    this.#destroy(call)
  }

  #dropParty(call: Call, party: Party): void {
    const index = call.parties.indexOf(party)
    if (index < 0) return
    call.parties.splice(index, 1)
    for (const media of party.media) this.#pool.release(media)
    if (call.parties.length < 2) this.#destroy(call)
  }

  #destroy(call: Call): void {
    const entry = this.#entries.get(call.id)
    if (entry?.call !== call) return
    this.#entries.delete(call.id)
    for (const timer of entry.timers) timer.cancel()
    for (const party of call.parties) for (const media of party.media) this.#pool.release(media)
  }
}

function requireIdentity(options: SessionOptions): void {
  if (options.callId === '') throw new SignalboxError('ERR_PARSE', 'No call-id in message')
  if (options.fromTag === '') throw new SignalboxError('ERR_PARSE', 'No from-tag in message')
}

function mediaAt(party: Party, index: number): PartyMedia {
  while (party.media.length <= index) party.media.push(newPartyMedia())
  return party.media[index]!
}

function familyOf(document: SdpDocument, index: number): AddressFamily {
  const connection = document.media[index]?.connection ?? document.session.connection
  return (connection && addressFamily(connection.address)) ?? 'IP4'
}

function isHeldMedia(statement: MediaStatement): boolean {
  return statement.direction !== 'sendrecv' || statement.address === undefined
}
