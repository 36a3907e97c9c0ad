// Owns the tests of reading WAV files: forms that are played, and bytes that are none.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SignalboxError } from '../../src/errors.ts'
import { readWav } from '../../src/media/wav.ts'
import { toneWav } from './audio-rig.ts'

const wav = toneWav(440, 20)

test('linear audio of 8 kHz', () => {
  expect(readWav(wav)).toMatchObject({ format: 'L16', samples: 160 })
})

test('G.711, the format told in its extension, chunks before the audio', () => {
  const format = Buffer.alloc(8 + 40)
  format.write('fmt ')
  format.writeUInt32LE(40, 4)
  format.writeUInt16LE(0xfffe, 8)
  format.writeUInt16LE(1, 10)
  format.writeUInt32LE(8_000, 12)
  format.writeUInt16LE(8, 22)
  format.writeUInt16LE(6, 32)
  const odd = Buffer.from('LIST\x03\x00\x00\x00abc\x00', 'latin1')
  const data = Buffer.from('data\x04\x00\x00\x00\xd5\xd5\xd5\xd5', 'latin1')
  const file = Buffer.concat([wav.subarray(0, 12), odd, format, data])
  expect(readWav(file)).toMatchObject({ format: 'PCMA', samples: 4 })
})

test('a file that is cut short is played as far as it goes', () => {
  expect(readWav(wav.subarray(0, 144)).samples).toBe(50)
})

test('what is none is told with its reason', () => {
  expect(() => readWav(Buffer.from('no sound'))).toThrow('it is no WAV file')
  expect(() => readWav(toneWav(440, 20, { rate: 44_100 }))).toThrow(/44100 Hz; convert it: sox/)
  expect(() => readWav(toneWav(440, 20, { bits: 24 }))).toThrow('neither PCM of 16 bits nor G.711')
  expect(() => readWav(wav.subarray(0, 44))).toThrow('no audio in it')
})

test('any bytes are read or refused', () => {
  const begun = fc.tuple(fc.nat(60), fc.uint8Array({ maxLength: 200 })).map(([kept, rest]) => {
    return Buffer.concat([wav.subarray(0, kept), rest])
  })
  fc.assert(
    fc.property(begun, (bytes) => {
      try {
        const { data, samples } = readWav(bytes)
        expect(data.length).toBeGreaterThanOrEqual(samples)
      } catch (error) {
        expect(error).toBeInstanceOf(SignalboxError)
      }
    }),
    { numRuns: 500 },
  )
})
