// Owns the reading of WAV files: what their audio is, and where it lies.
import { SignalboxError } from '../errors.ts'
import type { G711 } from './audio-settings.ts'

export interface WavAudio {
  /** Linear samples have 16 bits. */
  readonly format: G711 | 'L16'
  readonly data: Uint8Array
  /** 8000 a second, in one channel. */
  readonly samples: number
}

/** WAVE_FORMAT_PCM, _ALAW, _MULAW; _EXTENSIBLE has one of these in its sub-format. */
const FORMATS: ReadonlyMap<number, { readonly format: WavAudio['format']; readonly bytes: number }> = new Map([
  [1, { format: 'L16', bytes: 2 }],
  [6, { format: 'PCMA', bytes: 1 }],
  [7, { format: 'PCMU', bytes: 1 }],
])
const EXTENSIBLE = 0xfffe
const RATE = 8_000

/**
 * Takes PCM of 16 bits or G.711, 8 kHz, mono. A file that is cut short is played as far as it goes.
 * @throws SignalboxError ERR_PARSE
 */
export function readWav(bytes: Uint8Array): WavAudio {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const name = (at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4))
  if (bytes.length < 12 || name(0) !== 'RIFF' || name(8) !== 'WAVE') throw unfit('it is no WAV file')
  let kind: ReturnType<typeof FORMATS.get>
  for (let at = 12; at + 8 <= bytes.length; ) {
    const size = view.getUint32(at + 4, true)
    const begin = at + 8
    if (name(at) === 'fmt ') kind = readFormat(view, begin, Math.min(size, bytes.length - begin))
    if (name(at) === 'data') {
      if (!kind) throw unfit('its audio comes before its format')
      const length = Math.min(size, bytes.length - begin)
      const samples = Math.floor(length / kind.bytes)
      if (samples === 0) throw unfit('there is no audio in it')
      return { format: kind.format, data: bytes.subarray(begin, begin + samples * kind.bytes), samples }
    }
    // Chunks begin at even places.
    at = begin + size + (size % 2)
  }
  throw unfit('there is no audio in it')
}

function readFormat(view: DataView, at: number, size: number): ReturnType<typeof FORMATS.get> {
  if (size < 16) throw unfit('its format is cut short')
  const tag = view.getUint16(at, true)
  const kind = FORMATS.get(tag === EXTENSIBLE && size >= 26 ? view.getUint16(at + 24, true) : tag)
  const channels = view.getUint16(at + 2, true)
  const rate = view.getUint32(at + 4, true)
  const bits = view.getUint16(at + 14, true)
  if (!kind || bits !== kind.bytes * 8) throw unfit('it is neither PCM of 16 bits nor G.711')
  if (channels !== 1 || rate !== RATE)
    throw unfit(`it has ${channels} channels of ${rate} Hz; convert it: sox in.wav -r 8000 -c 1 out.wav`)
  return kind
}

function unfit(why: string): SignalboxError {
  return new SignalboxError('ERR_PARSE', why)
}
