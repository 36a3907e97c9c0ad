// Owns what a call may be given besides passing its packets on: what is played, recorded and copied, and the keys it is heard to press.
import { randomBytes } from 'node:crypto'
import type { Clock } from '../clock.ts'
import { SignalboxError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Call, Party } from './call.ts'
import { ClipLibrary } from './clip-library.ts'
import { createDtmfDestination, type DtmfDestination, type DtmfEvent } from './dtmf-log.ts'
import type { AudioEvent, NativeRelay } from './native-relay.ts'
import { dictionary, type NgDictionary } from './ng/bencode.ts'
import { audioOf } from './party-audio.ts'
import { type ClipSource, digitOf, Playback, readClipSource } from './playback.ts'
import { type RecordingOptions, Recordings } from './recordings.ts'
import type { SessionOptions } from './session-options.ts'
import { type SubscriptionContext, Subscriptions } from './subscriptions.ts'

export interface CallServicesOptions {
  /** Folders whose files may be played. */
  readonly mediaFolders: readonly string[]
  readonly recording: RecordingOptions
  /** `ADDRESS:PORT` for rtpengine's JSON about keys. */
  readonly dtmfDestination: string | undefined
  readonly onDtmf: (event: DtmfEvent) => void
  readonly clock: Clock
  readonly log: Log
}

type Command = (call: Call, request: NgDictionary, session: SessionOptions) => NgDictionary

const DONE = dictionary({ result: 'ok' })

export class CallServices {
  readonly #native: NativeRelay
  readonly #options: CallServicesOptions
  readonly #playback: Playback
  readonly #recordings: Recordings
  readonly #subscriptions: Subscriptions
  readonly #destination: DtmfDestination | undefined
  /** What those hear whom a party holds, and who hears it now. */
  readonly #holdMusic = new WeakMap<Party, ClipSource>()
  readonly #hearing = new WeakSet<Party>()
  readonly #commands: ReadonlyMap<string, Command>

  /** @throws SignalboxError ERR_CONFIG */
  constructor(native: NativeRelay, context: Omit<SubscriptionContext, 'native'>, options: CallServicesOptions) {
    this.#native = native
    this.#options = options
    const playback = new Playback(native, new ClipLibrary(native, options.mediaFolders))
    const { recording, clock, log } = options
    const recordings = new Recordings(native, recording, clock, log, () => randomBytes(8).toString('hex'))
    const subscriptions = new Subscriptions({ ...context, native })
    this.#playback = playback
    this.#recordings = recordings
    this.#subscriptions = subscriptions
    this.#destination =
      options.dtmfDestination === undefined ? undefined : createDtmfDestination(options.dtmfDestination)
    this.#commands = new Map<string, Command>([
      ['play media', (call, request, session) => playback.playMedia(call, request, session)],
      ['stop media', (call, _, session) => playback.stopMedia(call, session)],
      ['play dtmf', (call, request, session) => playback.playDtmf(call, request, session)],
      ['start recording', (call, request) => warned(recordings.start(call, textOf(request.metadata)))],
      [
        'stop recording',
        (call) => {
          recordings.stop(call)
          return DONE
        },
      ],
      [
        'pause recording',
        (call) => {
          recordings.pause(call, 'pause')
          return DONE
        },
      ],
      // rtpengine hands audio to its own recording daemon by these; here there is none.
      ['start forwarding', () => DONE],
      ['stop forwarding', () => DONE],
      ['subscribe request', (call, request, session) => subscriptions.request(call, request, session)],
      ['subscribe answer', (call, _, session) => subscriptions.answer(call, session)],
      ['unsubscribe', (call, _, session) => subscriptions.remove(call, session)],
    ])
  }

  /** What performs a command; undefined for another one. Spaces, dashes and underscores are one. */
  commandOf(command: string): Command | undefined {
    return this.#commands.get(command.replace(/[-_]/g, ' ').toLowerCase())
  }

  get recordings(): number {
    return this.#recordings.open
  }

  /** An offer or answer with such words has been taken; `sdp` is what the other side gets. */
  exchanged(
    call: Call,
    kind: 'offer' | 'answer',
    words: NgDictionary,
    { fromTag, toTag }: SessionOptions,
    sdp: string,
  ): readonly string[] {
    const warnings: string[] = []
    const record = textOf(words['record-call']).toLowerCase()
    if (/^(yes|on|1)$/.test(record)) {
      const warning = this.#recordings.start(call, textOf(words.metadata))
      if (warning !== undefined) warnings.push(warning)
    } else if (/^(no|off|0)$/.test(record)) this.#recordings.stop(call)
    this.#recordings.describe(call, kind, sdp)
    this.#subscriptions.follow(call)
    // Who the description is from: in an answer it is who the To tag names.
    const tag = kind === 'offer' ? fromTag : toTag
    const speaker = call.parties.find((party) => tag !== '' && party.tag === tag)
    const music = typeof words.moh === 'object' && !Array.isArray(words.moh) ? readClipSource(words.moh) : undefined
    if (speaker && music)
      this.#holdMusic.set(speaker, {
        ...music,
        times: words.moh && 'repeat-times' in (words.moh as NgDictionary) ? music.times : 0,
      })
    if (kind === 'answer') for (const party of call.parties) this.#holdOrResume(call, party, warnings)
    return warnings
  }

  /** The call is over: its files are finished, nobody gets copies. Its streams are still open. */
  ended(call: Call): void {
    this.#recordings.stop(call)
    this.#subscriptions.end(call)
  }

  heard(event: AudioEvent, call: Call | undefined): void {
    const party = call?.parties.find((each) => each.media.some((media) => media.stream?.id === event.stream))
    if (event.type !== 'dtmf' || !call || !party) return
    const media = party.media.find((each) => each.stream?.id === event.stream)
    const learned = this.#native.stats(event.stream).learnedRtp
    const told: DtmfEvent = {
      callId: call.id,
      tag: party.tag,
      tags: call.parties.map((each) => each.tag),
      address: learned === '' ? (media?.stated?.address ?? '') : learned.replace(/:\d+$/, '').replace(/^\[|\]$/g, ''),
      event: event.event,
      digit: digitOf(event.event),
      durationMillis: Math.round((1000 * event.duration) / (media?.stated?.clockRate ?? 8000)),
      volume: event.volume,
      timestamp: Math.floor(this.#options.clock.wallclock() / 1000),
    }
    const { callId, tag, durationMillis, volume } = told
    // The digit itself may be of a card or a code: it is told to whom it is meant for, and not to the log.
    this.#options.log.info({ callId, tag, durationMillis, volume }, 'a key was pressed')
    this.#options.log.debug({ callId, tag, digit: told.digit }, 'the key')
    this.#destination?.send(told)
    this.#options.onDtmf(told)
  }

  close(): void {
    this.#destination?.close()
  }

  /** Whoever is held by a party with music hears it until the hold ends. */
  #holdOrResume(call: Call, holder: Party, warnings: string[]): void {
    const music = this.#holdMusic.get(holder)
    const held = holder.peer
    const stated = audioOf(holder)?.media.stated
    if (!music || !held || !stated || !call.parties.includes(held)) return
    const holds = stated.direction === 'sendonly' || stated.direction === 'inactive' || stated.address === undefined
    if (holds === this.#hearing.has(held)) return
    if (!holds) {
      this.#hearing.delete(held)
      this.#playback.stop(held)
      return
    }
    try {
      this.#playback.start(held, music)
      this.#hearing.add(held)
    } catch (error) {
      if (!(error instanceof SignalboxError)) throw error
      warnings.push(`music on hold: ${error.message}`)
    }
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}

function warned(warning: string | undefined): NgDictionary {
  return dictionary({ result: 'ok', warning })
}
