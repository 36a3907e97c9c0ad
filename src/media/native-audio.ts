// Owns the door to what the native relay does with audio: clips, keys, recordings and copies, every argument checked.
import { SignalboxError } from '../errors.ts'
import { type Conversion, conversionForm, type G711, lawNumber, SAMPLES_PER_MILLI } from './audio-settings.ts'
import { integer } from './native-settings.ts'

/** A key that a far end released (RFC 4733), or a clip that came to its end. */
export type AudioEvent =
  | {
      readonly type: 'dtmf'
      readonly stream: number
      /** 0 to 15: 0-9, *, #, A-D. */
      readonly event: number
      /** Timestamp units of the event's clock. */
      readonly duration: number
      /** dBm0, without its sign. */
      readonly volume: number
    }
  | { readonly type: 'clip-ended'; readonly stream: number }

export interface ClipOrder {
  /** As addClip gave it. */
  readonly clip: number
  readonly payloadType: number
  readonly packetMillis: number
  /** 0: until it is stopped. */
  readonly times: number
  /** Milliseconds left out the first time. */
  readonly startMillis: number
}

export interface KeyOrder {
  /** 0 to 15. */
  readonly event: number
  /** dBm0, without its sign. */
  readonly volume: number
  readonly durationMillis: number
  /** Before the next key. */
  readonly pauseMillis: number
  readonly payloadType: number
  /** Absent: as a telephone event; else as the key's sound, in that law. */
  readonly sound?: G711 | undefined
  /** Of the audio; default 8000. */
  readonly clockRate?: number | undefined
}

export type RecordingKind = 'pcap-raw' | 'pcap-ethernet' | 'wav-mono' | 'wav-stereo'

export interface RecordedTrack {
  /** 0 or 1: the channel of a stereo file. */
  readonly track: number
  /** Payload types of what arrives that are G.711. */
  readonly payloads: Readonly<Record<G711, readonly number[]>>
}

/** Every method throws ERR_MEDIA for a stream, clip or recording that is not there. */
export interface NativeAudio {
  /** Linear audio has 16 bits, little-endian, 8000 samples a second. */
  compand(bytes: Uint8Array, from: G711 | 'L16', to: G711): Uint8Array
  /** Takes audio in a law; returns its number. */
  addClip(bytes: Uint8Array): number
  /** Whoever hears it hears it to its end. */
  dropClip(clip: number): void
  /** The far end of the stream hears the clip in place of the other side. */
  playClip(stream: number, order: ClipOrder): void
  stopClip(stream: number): void
  /** The far end of the stream gets a key, after those that wait. */
  pressKey(stream: number, order: KeyOrder): void
  /** The descriptor is the relay's from here on. `limit` in bytes. */
  openRecording(fd: number, kind: RecordingKind, limit: number): number
  /** What arrives at the stream is recorded from now on. */
  record(recording: number, stream: number, track: RecordedTrack): void
  pauseRecording(recording: number, paused: boolean): void
  leaveRecording(recording: number, stream: number): void
  /** Once no stream records into it, the file is finished. False where the disk or the limit cut it short. */
  closeRecording(recording: number): boolean
  /** Packets that no recording got because the disk was too slow. */
  recorderDrops(): number
  /** Copies of what arrives at `source` leave by `sink`, which is linked to nothing. */
  subscribe(source: number, sink: number, conversion?: Conversion | null): void
  unsubscribe(sink: number): void
}

/** The addon's own functions. */
export interface AudioAddon<Handle> {
  listen(
    handle: Handle,
    listener: (stream: number, isKey: boolean, event: number, duration: number, volume: number) => void,
  ): void
  compand(bytes: Uint8Array, from: number, to: number): Uint8Array
  addClip(handle: Handle, bytes: Uint8Array): number
  dropClip(handle: Handle, clip: number): void
  play(handle: Handle, stream: number, order: object): boolean
  stop(handle: Handle, stream: number): boolean
  press(handle: Handle, stream: number, order: object): boolean
  openRecording(handle: Handle, fd: number, kind: number, limit: number): number
  record(handle: Handle, recording: number, stream: number, track: object): boolean
  pauseRecording(handle: Handle, recording: number, paused: boolean): boolean
  leaveRecording(handle: Handle, recording: number, stream: number): void
  closeRecording(handle: Handle, recording: number): boolean
  recorderDrops(handle: Handle): number
  subscribe(handle: Handle, source: number, sink: number, conversion: object): boolean
  unsubscribe(handle: Handle, sink: number): boolean
}

const KINDS: readonly RecordingKind[] = ['pcap-raw', 'pcap-ethernet', 'wav-mono', 'wav-stereo']
const LONGEST_KEY = 8_000

function found(there: boolean): void {
  if (!there) throw new SignalboxError('ERR_MEDIA', 'There is no such media stream, clip or recording.')
}

/** `running` gives the handle, or throws. */
export function nativeAudio<Handle>(addon: AudioAddon<Handle>, running: () => Handle): NativeAudio {
  return {
    compand: (bytes, from, to) => addon.compand(bytes, from === 'L16' ? 0 : lawNumber(from), lawNumber(to)),
    addClip: (bytes) => addon.addClip(running(), bytes),
    dropClip: (clip) => addon.dropClip(running(), clip),
    playClip(stream, order) {
      const checked = {
        clip: order.clip,
        payloadType: integer('payloadType', order.payloadType, 0, 127),
        packetSamples: SAMPLES_PER_MILLI * integer('packetMillis', order.packetMillis, 10, 200),
        times: integer('times', order.times, 0, 1_000_000),
        start: SAMPLES_PER_MILLI * integer('startMillis', order.startMillis, 0, 2 ** 31),
      }
      found(addon.play(running(), stream, checked))
    },
    stopClip: (stream) => found(addon.stop(running(), stream)),
    pressKey(stream, order) {
      const checked = {
        event: integer('event', order.event, 0, 15),
        volume: integer('volume', order.volume, 0, 63),
        durationMillis: integer('durationMillis', order.durationMillis, 40, LONGEST_KEY),
        pauseMillis: integer('pauseMillis', order.pauseMillis, 20, LONGEST_KEY),
        payloadType: integer('payloadType', order.payloadType, 0, 127),
        law: order.sound === undefined ? 0 : lawNumber(order.sound),
        clockRate: integer('clockRate', order.clockRate ?? 8000, 1000, 192_000),
      }
      found(addon.press(running(), stream, checked))
    },
    openRecording: (fd, kind, limit) => addon.openRecording(running(), fd, KINDS.indexOf(kind), limit),
    record(recording, stream, { track, payloads }) {
      const checked = {
        track: integer('track', track, 0, 255),
        pcmu: Uint8Array.from(payloads.PCMU),
        pcma: Uint8Array.from(payloads.PCMA),
      }
      found(addon.record(running(), recording, stream, checked))
    },
    pauseRecording: (recording, paused) => found(addon.pauseRecording(running(), recording, paused)),
    leaveRecording: (recording, stream) => addon.leaveRecording(running(), recording, stream),
    closeRecording: (recording) => addon.closeRecording(running(), recording),
    recorderDrops: () => addon.recorderDrops(running()),
    subscribe: (source, sink, conversion) =>
      found(addon.subscribe(running(), source, sink, conversionForm(conversion))),
    unsubscribe: (sink) => found(addon.unsubscribe(running(), sink)),
  }
}
