// Owns the commands that make a party hear something: clips (`play media`, `stop media`), and keys (`play DTMF`).
import { SignalboxError } from '../errors.ts'
import type { Call, Party } from './call.ts'
import type { ClipLibrary, LoadedClip } from './clip-library.ts'
import type { NativeRelay } from './native-relay.ts'
import { dictionary, type NgDictionary } from './ng/bencode.ts'
import { audioOf, eventsOf, type PartyAudio, packetMillisOf, selectedParties, speechOf } from './party-audio.ts'
import type { SessionOptions } from './session-options.ts'

/** What is to be heard, as a request says it. */
export interface ClipSource {
  readonly file: string
  /** A WAV file, one character a byte. */
  readonly blob: string
  /** 0: until it is stopped. */
  readonly times: number
  readonly startMillis: number
}

const KEYS = '0123456789*#ABCD'

export class Playback {
  readonly #native: NativeRelay
  readonly #clips: ClipLibrary
  /** Who ever heard a clip. */
  readonly #listeners = new WeakSet<Party>()

  constructor(native: NativeRelay, clips: ClipLibrary) {
    this.#native = native
    this.#clips = clips
  }

  /**
   * `play media`: the parties named hear the clip.
   * @throws SignalboxError ERR_MEDIA, in rtpengine's words
   */
  playMedia(call: Call, request: NgDictionary, session: SessionOptions): NgDictionary {
    const parties = selectedParties(call, session)
    const source = readClipSource(request)
    if (!source) {
      if (request['db-id'] !== undefined)
        throw new SignalboxError('ERR_MEDIA', 'Failed to start media playback from database: there is none')
      throw new SignalboxError('ERR_MEDIA', 'No media file specified')
    }
    let duration = 0
    for (const party of parties) duration = this.start(party, source).durationMillis
    return dictionary({ duration, result: 'ok' })
  }

  /** @throws SignalboxError ERR_MEDIA */
  stopMedia(call: Call, session: SessionOptions): NgDictionary {
    const parties = selectedParties(call, session)
    if (!parties.some((party) => this.#listeners.has(party)))
      throw new SignalboxError('ERR_MEDIA', 'Not currently playing media')
    for (const party of parties) this.stop(party)
    return dictionary({ result: 'ok' })
  }

  /** @throws SignalboxError ERR_MEDIA with what is wrong with the clip or the party */
  start(party: Party, source: ClipSource): LoadedClip {
    const from = source.file !== '' ? 'file' : 'blob'
    try {
      const audio = audioOf(party)
      const speech = audio && speechOf(audio)
      if (!speech) throw new SignalboxError('ERR_MEDIA', 'the party has no G.711')
      const clip =
        from === 'file'
          ? this.#clips.file(source.file, speech.law)
          : this.#clips.blob(Buffer.from(source.blob, 'latin1'), speech.law)
      this.#native.playClip(audio.stream.id, {
        clip: clip.clip,
        payloadType: speech.payloadType,
        packetMillis: packetMillisOf(audio),
        times: source.times,
        startMillis: source.startMillis,
      })
      clip.played()
      this.#listeners.add(party)
      return clip
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      throw new SignalboxError('ERR_MEDIA', `Failed to start media playback from ${from}: ${why}`, { cause: error })
    }
  }

  stop(party: Party): void {
    const audio = audioOf(party)
    if (audio) this.#native.stopClip(audio.stream.id)
  }

  /**
   * `play DTMF`: the parties named press a key, and whom they talk to gets it: as an event where that was agreed, else as
   * a sound.
   * @throws SignalboxError ERR_MEDIA, in rtpengine's words
   */
  playDtmf(call: Call, request: NgDictionary, session: SessionOptions): NgDictionary {
    const parties = selectedParties(call, session)
    const event = readKey(request.code)
    if (event === undefined) throw new SignalboxError('ERR_MEDIA', "Out of range 'code' specified")
    const key = {
      event,
      durationMillis: millis(request.duration, 250),
      pauseMillis: millis(request.pause, 100),
      volume: Math.min(63, Math.abs(whole(request.volume) ?? 8)),
    }
    for (const party of parties) {
      const audio = audioOf(party.peer)
      if (!audio) throw new SignalboxError('ERR_MEDIA', 'the party talks to nobody')
      this.#native.pressKey(audio.stream.id, { ...key, ...wayOf(audio) })
    }
    return dictionary({ result: 'ok' })
  }
}

function wayOf(audio: PartyAudio) {
  const events = eventsOf(audio)
  if (events) return events
  const speech = speechOf(audio)
  if (!speech) throw new SignalboxError('ERR_MEDIA', 'the party that is to get the key has neither events nor G.711')
  return { payloadType: speech.payloadType, sound: speech.law }
}

/** What of a request names a clip; undefined where nothing does. */
export function readClipSource(request: NgDictionary): ClipSource | undefined {
  const file = typeof request.file === 'string' ? request.file : ''
  const blob = typeof request.blob === 'string' ? request.blob : ''
  if (file === '' && blob === '') return undefined
  return {
    file,
    blob,
    times: Math.min(1_000_000, Math.max(1, whole(request['repeat-times']) ?? 1)),
    startMillis: Math.min(86_400_000, Math.max(0, whole(request['start-pos']) ?? 0)),
  }
}

/** RFC 4733 3.2: a digit, or the number of its event; a single digit is the same either way. */
function readKey(code: unknown): number | undefined {
  const text = String(code ?? '').toUpperCase()
  if (/^(?:1[0-5]|[0-9])$/.test(text)) return Number(text)
  return text.length === 1 && KEYS.includes(text) ? KEYS.indexOf(text) : undefined
}

/** The digit of an event, 0 to 15. */
export function digitOf(event: number): string {
  return KEYS[event] ?? ''
}

function whole(value: unknown): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  return typeof number === 'number' && Number.isInteger(number) ? number : undefined
}

function millis(value: unknown, usual: number): number {
  return Math.min(5_000, Math.max(100, whole(value) ?? usual))
}
