// Owns the calls of a relay and what offers, answers and deletes do to them. All of it is synchronous.
import type { Clock, Timer } from '../clock.ts'
import { SignalboxError } from '../errors.ts'
import { type Call, isHeldMedia, type Party } from './call.ts'
import { type ExchangeContext, exchangeAnswer, exchangeOffer, isLoop } from './call-exchange.ts'
import type { CallReport } from './call-report.ts'
import type { RandomKey } from './crypto-negotiation.ts'
import type { DtlsIdentities } from './dtls-negotiation.ts'
import type { MediaInterface, MediaInterfaces } from './interfaces.ts'
import type { NativeRelay } from './native-relay.ts'
import { type Dialogue, partFrom, partiesToDelete } from './party-lookup.ts'
import type { CallEnd } from './relay-statistics.ts'
import type { SessionOptions } from './session-options.ts'
import { applyDialogue, expectChecks, muteParty } from './stream-config.ts'
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
  /** Milliseconds in which a far end's address is learned; default: the native relay's. */
  readonly learningMillis?: number | undefined
  readonly maxSessions: number
  /** TOS byte of packets sent, where a request names none. */
  readonly tos?: number | undefined
  readonly clock: Clock
  readonly randomKey: RandomKey
  /** Certificates for DTLS. */
  readonly identities: DtlsIdentities
  /** What `loop-protect` marks descriptions with. */
  readonly mark: string
  /** Called before a call is forgotten, its streams still open; `final` is what was read of it for this end. */
  readonly onEnd: (call: Call, end: CallEnd, final?: CallReport) => void
  /** Called before a call that ended by itself is forgotten. */
  readonly onTimeout: (call: Call, reason: string) => void
}

interface Entry {
  readonly call: Call
  readonly timers: Set<Timer>
}

export class CallTable {
  readonly #options: CallTableOptions
  readonly #pool: StreamPool
  readonly #entries = new Map<string, Entry>()
  /** Deletes that wait for their delay, by what they end. */
  readonly #deletions = new WeakMap<Call | Party, Timer>()

  constructor(options: CallTableOptions) {
    this.#options = options
    this.#pool = new StreamPool(options.native, options)
  }

  /** For streams that are no party's. */
  get pool(): StreamPool {
    return this.#pool
  }

  get size(): number {
    return this.#entries.size
  }

  get callIds(): string[] {
    return [...this.#entries.keys()]
  }

  /** The call that a stream belongs to. */
  callOf(streamId: number): Call | undefined {
    return this.#pool.callOf(streamId)
  }

  /** Ports in use on an interface. */
  portsOn(local: MediaInterface): number {
    return this.#pool.portsOn(local)
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
    if (isLoop(options, this.#options.mark)) return options.sdp!
    const known = this.find(options.callId)
    if (!known && this.#entries.size >= this.#options.maxSessions)
      throw new SignalboxError('ERR_LIMIT', `the relay has its ${this.#options.maxSessions} sessions`)
    const call = known ?? this.#newCall(options.callId)
    const { sdp, dialogue } = exchangeOffer(call, options, this.#context())
    expectChecks(this.#options.native, dialogue.listener)
    if (!known) this.#add(call)
    this.#signalled(call, dialogue)
    return sdp
  }

  /**
   * Takes the answer of `toTag` to the offer of `fromTag`.
   * @returns the answer for the side that offered
   * @throws SignalboxError ERR_PARSE, ERR_MEDIA, ERR_MEDIA_PORTS, ERR_LIMIT; packets then go as before
   */
  answer(options: SessionOptions): string {
    requireIdentity(options)
    if (isLoop(options, this.#options.mark)) return options.sdp!
    const call = this.find(options.callId)
    if (!call) throw new SignalboxError('ERR_MEDIA', 'Unknown call-id')
    const { sdp, dialogue, former } = exchangeAnswer(call, options, this.#context())
    const { native } = this.#options
    if (former && former !== dialogue.speaker) muteParty(native, former, dialogue.speaker)
    this.#apply(call, dialogue.speaker, dialogue.listener)
    call.answered = true
    this.#signalled(call, dialogue)
    return sdp
  }

  /** Configures the streams of who talks to whom anew, after what is withheld has changed. */
  refresh(call: Call): void {
    for (const party of call.parties) {
      const peer = party.peer
      const talking =
        peer?.peer === party && party.media.some((media) => media.stated) && peer.media.some((media) => media.stated)
      if (talking && call.parties.indexOf(party) < call.parties.indexOf(peer)) this.#apply(call, party, peer)
    }
  }

  #apply({ ownReports, dropsTraffic }: Call, a: Party, b: Party): void {
    const { native, timeout, silentTimeout, learningMillis } = this.#options
    applyDialogue(native, a, b, { timeout, silentTimeout, learningMillis, ownReports, dropsTraffic })
  }

  /** What a delete would end; empty where no party matches. */
  matching(options: SessionOptions): readonly Party[] {
    const call = this.find(options.callId)
    return call ? partiesToDelete(call, options) : []
  }

  /** Ends the whole call, or the branches named, after the delay that the request or the relay asks for. `now` is what is known of it now. */
  remove(call: Call, parties: readonly Party[], options: SessionOptions, now: CallReport): void {
    const delay = options.deleteDelay ?? this.#options.deleteDelay
    const whole = parties.length >= call.parties.length
    const branch = whole ? undefined : parties[0]!
    const end = (final?: CallReport): void => {
      if (branch) this.#dropParty(call, branch)
      else this.#destroy(call, 'deleted', final)
    }
    if (delay <= 0) end(now)
    else if (!this.#deletions.has(branch ?? call)) this.#schedule(call, delay, end, branch ?? call)
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
    for (const { call } of [...this.#entries.values()]) this.#destroy(call, 'closed')
  }

  #ageOf(native: NativeRelay, id: number, call: Call): number {
    const age = native.stats(id).lastPacketAgeMillis
    // Signalling begins the wait anew, as it does in the native relay.
    const sinceSignal = this.#options.clock.wallclock() - call.lastSignal
    return age >= 0 ? Math.min(age, sinceSignal) : sinceSignal
  }

  #newCall(id: string): Call {
    const now = this.#options.clock.wallclock()
    return {
      id,
      created: now,
      lastSignal: now,
      parties: [],
      answered: false,
      ownReports: false,
      dropsTraffic: false,
      blocking: { media: false, silence: false, dtmf: false },
    }
  }

  #context(): ExchangeContext {
    const { interfaces, tos, randomKey, identities, clock, mark } = this.#options
    return { pool: this.#pool, interfaces, tos, randomKey, identities, now: clock.wallclock(), mark }
  }

  #signalled(call: Call, { speaker, listener }: Dialogue): void {
    call.lastSignal = this.#options.clock.wallclock()
    // An offer or answer within the delay of a delete keeps the call, and the branch that it is of.
    for (const kept of [call, speaker, listener]) {
      const timer = this.#deletions.get(kept)
      if (!timer) continue
      timer.cancel()
      this.#deletions.delete(kept)
      this.#entries.get(call.id)?.timers.delete(timer)
    }
  }

  #add(call: Call): void {
    this.#entries.set(call.id, { call, timers: new Set() })
    const { offerTimeout, finalTimeout } = this.#options
    if (finalTimeout > 0) this.#schedule(call, finalTimeout, () => this.#end(call, 'final timeout'))
    const check = (): void => {
      // A call whose media are all refused has no stream to fall silent; it goes by the same clock as an unanswered one.
      const open = call.parties.some((party) => party.media.some((media) => media.stream))
      if (call.answered && open) this.#schedule(call, offerTimeout, check)
      else this.#end(call, 'offer timeout')
    }
    if (offerTimeout > 0) this.#schedule(call, offerTimeout, check)
  }

  /** @param deleted what a delete ends, that `fire` carries out */
  #schedule(call: Call, seconds: number, fire: () => void, deleted?: Call | Party): void {
    const entry = this.#entries.get(call.id)
    if (entry?.call !== call) return
    const timer = this.#options.clock.setTimer(seconds * 1000, () => {
      entry.timers.delete(timer)
      if (deleted) this.#deletions.delete(deleted)
      fire()
    })
    entry.timers.add(timer)
    if (deleted) this.#deletions.set(deleted, timer)
  }

  #end(call: Call, reason: CallEnd): void {
    this.#options.onTimeout(call, reason)
    this.#destroy(call, reason)
  }

  #dropParty(call: Call, party: Party): void {
    const index = call.parties.indexOf(party)
    if (index < 0) return
    call.parties.splice(index, 1)
    partFrom(party, call)
    for (const media of party.media) this.#pool.release(media)
    if (call.parties.length < 2) this.#destroy(call, 'deleted')
  }

  #destroy(call: Call, end: CallEnd, final?: CallReport): void {
    const entry = this.#entries.get(call.id)
    if (entry?.call !== call) return
    this.#options.onEnd(call, end, final)
    this.#entries.delete(call.id)
    for (const timer of entry.timers) timer.cancel()
    for (const party of call.parties) for (const media of party.media) this.#pool.release(media)
  }
}

function requireIdentity(options: SessionOptions): void {
  if (options.callId === '') throw new SignalboxError('ERR_PARSE', 'No call-id in message')
  if (options.fromTag === '') throw new SignalboxError('ERR_PARSE', 'No from-tag in message')
}
