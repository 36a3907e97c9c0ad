// Owns the moving of calls off a media relay that died: each is offered to another one, and both parties hear of it by
// re-INVITEs of ours.
import type { Clock } from '../clock.ts'
import type { MediaRelay, MediaRequest } from '../media/index.ts'
import type { ReofferReply } from '../services/index.ts'
import type { EngineLog } from './logger.ts'

/** What both parties of a call last agreed on: requests to the relay, the offer's and its answer's. */
interface Agreement {
  readonly offer: MediaRequest
  readonly answer: MediaRequest
}

export interface MediaMovesOptions {
  readonly clock: Clock
  readonly relay: MediaRelay
  readonly log: EngineLog
  /** Offers the party of a tag another session; undefined: nobody follows the call. */
  readonly reoffer: (callId: string, tag: string, sdp: string) => Promise<ReofferReply | undefined>
  readonly counted: (result: 'ok' | 'failed') => void
}

/** Calls moved at once: each is two INVITEs under way. */
const AT_ONCE = 32
/** Offers to a party that has one of its own under way (491), and milliseconds between them (RFC 3261 14.1). */
const ATTEMPTS = 4
const GLARE_MILLIS = [2_100, 4_000] as const
/** Asked of the relay with every offer and answer: the version of a session that moves goes up (RFC 3264 8). */
const VERSIONED = 'replace-SDP-version'

export class MediaMoves {
  readonly #options: MediaMovesOptions
  readonly #offers = new Map<string, MediaRequest>()
  readonly #agreed = new Map<string, Agreement>()
  #waiting: string[] = []
  #moving = 0
  #closed = false

  constructor(options: MediaMovesOptions) {
    this.#options = options
  }

  /** The request as it goes to the relay. */
  prepared(request: MediaRequest): MediaRequest {
    return { ...request, flags: `${request.flags} ${VERSIONED}` }
  }

  /** The relay carried out an offer or an answer. */
  note(operation: 'offer' | 'answer', request: MediaRequest): void {
    const { callId } = request
    if (operation === 'offer') {
      this.#offers.set(callId, request)
      return
    }
    const offer = this.#offers.get(callId)
    if (offer?.fromTag === request.fromTag) this.#agreed.set(callId, { offer, answer: request })
  }

  forget(callId: string): void {
    this.#offers.delete(callId)
    this.#agreed.delete(callId)
  }

  /** The relay that these calls were on does not answer any more. */
  lost(callIds: readonly string[]): void {
    this.#waiting.push(...callIds.filter((callId) => this.#agreed.has(callId)))
    this.#go()
  }

  close(): void {
    this.#closed = true
    this.#waiting = []
  }

  #go(): void {
    while (this.#moving < AT_ONCE && this.#waiting.length > 0) {
      const callId = this.#waiting.shift()!
      this.#moving++
      void this.#move(callId).finally(() => {
        this.#moving--
        this.#go()
      })
    }
  }

  /** Never rejects. */
  async #move(callId: string): Promise<void> {
    const agreed = this.#agreed.get(callId)
    if (!agreed) return
    const { relay, log, counted } = this.#options
    try {
      await this.#exchange(callId, agreed)
      counted('ok')
      log.info({ callId }, 'a call was moved to another media relay')
    } catch (error) {
      // It ended in the meantime: what the other relay has been told of it is nobody's.
      if (!this.#agreed.has(callId)) await relay.delete({ ...agreed.offer, flags: '' }).catch(() => undefined)
      counted('failed')
      log.warn({ callId, error: error instanceof Error ? error.message : String(error) }, 'a call was not moved')
    }
  }

  /** Who answered is offered first, as from who offered; then who offered, as from who answered. */
  async #exchange(callId: string, { offer, answer }: Agreement): Promise<void> {
    const [offerer, answerer] = [offer.fromTag, answer.toTag ?? '']
    const { viaBranch: _, ...first } = offer
    const theirs = await this.#offer({ ...first, toTag: answerer, flags: withoutBranch(offer.flags) }, answerer)
    const answered = { ...answer, sdp: theirs, flags: withoutBranch(answer.flags) }
    await this.#options.relay.answer(answered)
    const back = { ...answered, fromTag: answerer, toTag: offerer, flags: spoken(answered.flags, offer.sdp ?? '') }
    const own = await this.#offer(back, offerer)
    await this.#options.relay.answer({ ...first, fromTag: answerer, toTag: offerer, sdp: own })
    // The call may have been agreed on anew, or have ended, in the meantime.
    if (this.#agreed.get(callId)?.offer === offer)
      this.#agreed.set(callId, { offer: { ...offer, sdp: own }, answer: answered })
  }

  /** Offers a session through the relay. Resolves to the party's answer. */
  async #offer(request: MediaRequest, tag: string): Promise<string> {
    const { relay, reoffer } = this.#options
    const { sdp } = await relay.offer({ ...request, sdp: nextVersion(request.sdp ?? '') })
    for (let attempt = 1; ; attempt++) {
      const reply = this.#closed ? undefined : await reoffer(request.callId, tag, sdp)
      if (!reply) throw new Error('no dialog of it is followed (dlg_manage)')
      if (reply.sdp !== undefined) return reply.sdp
      if (reply.status !== 491 || attempt === ATTEMPTS)
        throw new Error(`${tag} answered ${reply.status} ${reply.reason} to the re-INVITE`)
      const [least, most] = GLARE_MILLIS
      await new Promise<void>((resolve) => {
        this.#options.clock.setTimer(least + Math.random() * (most - least), resolve)
      })
    }
  }
}

/** The party's description as it would say it anew. */
function nextVersion(sdp: string): string {
  return sdp.replace(
    /^(o=\S+ \S+ )(\d{1,18})(?= )/m,
    (_, before: string, version: string) => `${before}${BigInt(version) + 1n}`,
  )
}

/** The branch was of the first INVITE; by now the tags say who is meant. */
function withoutBranch(flags: string): string {
  return flags.replace(/(^|\s)via-branch=\S+/, '$1')
}

/** Flags of an answer, as those of an offer to who spoke that profile. */
function spoken(flags: string, sdp: string): string {
  const profile = /^m=\S+ \S+ ((?:UDP\/TLS\/)?RTP\/S?AVPF?) /m.exec(sdp)?.[1]
  return profile === undefined || /(?:^|\s)(?:(?:UDP\/TLS\/)?RTP\/S?AVPF?|transport-protocol=\S+)(?=\s|$)/.test(flags)
    ? flags
    : `${flags} ${profile}`
}
