// Owns the tests of texts under reading: parts and messages in turns, long ones, chars beyond a byte, other writers.
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { bytesOf, writeBytesBy } from '../../src/sip/bytes.ts'
import { parseMessage, UNBOUNDED_PARSE_LIMITS } from '../../src/sip/index.ts'

const plain = (bytes: Uint8Array) => (text: string) => {
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i)
}
const writers = {
  'a loop': plain,
  "Node's own": ({ buffer }: Uint8Array) => {
    const view = Buffer.from(buffer)
    return (text: string) => view.write(text, 'latin1')
  },
}
const read = (text: string): string =>
  Array.from(bytesOf(text).subarray(0, text.length), (code) => String.fromCharCode(code)).join('')

afterEach(() => writeBytesBy(plain))

describe.each(Object.entries(writers))('written by %s', (_, writer) => {
  test('each text is read as it is, whichever was asked for before, with a zero behind it', () => {
    writeBytesBy(writer)
    const lengths = fc.constantFrom(0, 1, 17, 255, 256, 257, 700, 5000)
    const texts = fc.tuple(lengths, fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 40 }))
    fc.assert(
      fc.property(fc.array(texts, { minLength: 1, maxLength: 8 }), (list) => {
        for (const [length, seed] of list) {
          const text = seed.repeat(length).slice(0, length)
          expect(read(text)).toBe(text)
          expect(bytesOf(text)[length]).toBe(0)
        }
      }),
      { numRuns: 200 },
    )
  })

  test('chars beyond a byte are what goes to the wire of them', () => {
    writeBytesBy(writer)
    expect(read('\u00ff\u0100\u013b!')).toBe('\u00ff\0;!')
  })

  test('a text longer than what there was room for', () => {
    writeBytesBy(writer)
    const body = 'x'.repeat(300_000)
    const parsed = parseMessage(`MESSAGE sip:a@b SIP/2.0\r\nTo: <sip:c@d>;tag=e\r\n\r\n${body}`, UNBOUNDED_PARSE_LIMITS)
    if (!parsed.ok) throw new Error(parsed.reason)
    expect(parsed.message.toTag).toBe('e')
    expect(parsed.message.body).toBe(body)
    // What was read before is read again.
    expect(read('part')).toBe('part')
    expect(parsed.message.header('To')).toBe('<sip:c@d>;tag=e')
  })
})

test('two messages of one length are told apart', () => {
  const text = (tag: string) => `OPTIONS sip:a@b SIP/2.0\r\nFrom: <sip:c@d>;tag=${tag}\r\nX: ${'y'.repeat(300)}\r\n\r\n`
  const [one, other] = ['aaa', 'bbb'].map((tag) => {
    const parsed = parseMessage(text(tag))
    if (!parsed.ok) throw new Error(parsed.reason)
    return parsed.message
  })
  expect([one!.fromTag, other!.fromTag, one!.from?.params.get('tag')]).toEqual(['aaa', 'bbb', 'aaa'])
})
