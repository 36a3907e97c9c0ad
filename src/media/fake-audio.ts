// Owns the audio of a native relay that opens no socket: what was asked for, kept for tests to look at.
import type { Conversion } from './audio-settings.ts'
import type { ClipOrder, KeyOrder, NativeAudio, RecordedTrack } from './native-audio.ts'

export interface FakeAudio extends NativeAudio {
  /** By clip. */
  readonly clips: ReadonlyMap<number, Uint8Array>
  /** By stream. */
  readonly playing: ReadonlyMap<number, ClipOrder>
  readonly keys: readonly { readonly stream: number; readonly order: KeyOrder }[]
  /** Streams by recording. */
  readonly recordings: ReadonlyMap<number, Map<number, RecordedTrack>>
  /** Source and conversion, by sink. */
  readonly copies: ReadonlyMap<number, { readonly source: number; readonly conversion: Conversion | null }>
}

export function createFakeAudio(): FakeAudio {
  const clips = new Map<number, Uint8Array>()
  const playing = new Map<number, ClipOrder>()
  const keys: { stream: number; order: KeyOrder }[] = []
  const recordings = new Map<number, Map<number, RecordedTrack>>()
  const copies = new Map<number, { source: number; conversion: Conversion | null }>()
  let next = 1
  return {
    clips,
    playing,
    keys,
    recordings,
    copies,
    compand: (bytes, from) => new Uint8Array(from === 'L16' ? bytes.length >> 1 : bytes.length),
    addClip(bytes) {
      clips.set(next, bytes)
      return next++
    },
    dropClip: (clip) => void clips.delete(clip),
    playClip: (stream, order) => void playing.set(stream, order),
    stopClip: (stream) => void playing.delete(stream),
    pressKey: (stream, order) => void keys.push({ stream, order }),
    openRecording() {
      recordings.set(next, new Map())
      return next++
    },
    record: (recording, stream, track) => void recordings.get(recording)?.set(stream, track),
    pauseRecording: () => undefined,
    leaveRecording: (recording, stream) => void recordings.get(recording)?.delete(stream),
    closeRecording: (recording) => recordings.delete(recording),
    recorderDrops: () => 0,
    subscribe: (source, sink, conversion = null) => void copies.set(sink, { source, conversion }),
    unsubscribe: (sink) => void copies.delete(sink),
  }
}
