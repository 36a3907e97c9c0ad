// Owns the fuzzing of the NG protocol: any bytes end in a reply or in silence, never in an exception.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createFakeNative } from '../../src/media/fake-native.ts'
import { createEmbeddedRelay } from '../../src/media/index.ts'
import { decodeBencode, encodeBencode, type NgValue } from '../../src/media/ng/bencode.ts'
import { decodeBody, encodeBody, splitFrame } from '../../src/media/ng/message.ts'
import { rtpFlags } from '../../src/media/rtp-flags.ts'
import { readSessionOptions } from '../../src/media/session-options.ts'

const numRuns = Number(process.env.FUZZ_RUNS ?? 300)

const latin1 = (maxLength: number) =>
  fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)), maxLength })

const { value } = fc.letrec<{ value: NgValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    latin1(20),
    fc.integer(),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(latin1(12), tie('value'), { maxKeys: 4, noNullPrototype: false }),
  ),
}))

const KEYS = [
  'command',
  'call-id',
  'call_id',
  'from-tag',
  'to tag',
  'sdp',
  'flags',
  'replace',
  'SDES',
  'ICE',
  'direction',
  'rtcp-mux',
  'TOS',
  'delete delay',
  'received-from',
  '__proto__',
  'constructor',
  'rtpp-flags',
]
const request = fc.dictionary(
  fc.constantFrom(...KEYS),
  fc.oneof(value, fc.constantFrom<NgValue>('offer', 'answer', 'delete', 'query', 'list', 'ping')),
  { maxKeys: 10 },
)

describe('hostile NG', { timeout: 20_000 + 10 * numRuns }, () => {
  test('bencode comes back as it went', () => {
    fc.assert(
      fc.property(value, (given) => {
        expect(JSON.stringify(sorted(decodeBencode(encodeBencode(given))))).toBe(JSON.stringify(sorted(given)))
      }),
      { numRuns },
    )
  })

  test('any bytes are decoded or refused with ERR_PARSE', () => {
    const mangled = fc.tuple(request, fc.nat(), latin1(3)).map(([given, at, noise]) => {
      const text = encodeBencode(given)
      const place = at % (text.length + 1)
      return text.slice(0, place) + noise + text.slice(place + 1)
    })
    fc.assert(
      fc.property(
        fc.oneof(
          latin1(80),
          mangled,
          latin1(80).map((text) => `{${text}`),
        ),
        (text) => {
          splitFrame(text)
          try {
            encodeBody(decodeBody(text), 'bencode')
          } catch (error) {
            expect(error).toMatchObject({ code: 'ERR_PARSE' })
          }
        },
      ),
      { numRuns },
    )
  })

  test('any dictionary is answered', () => {
    const relay = createEmbeddedRelay({ interfaces: ['10.0.0.5'], offerTimeout: 0, native: createFakeNative })
    fc.assert(
      fc.property(request, (given) => {
        readSessionOptions(given)
        const reply = relay.perform(given)
        expect(['ok', 'pong', 'error']).toContain(reply.result)
        expect(String(reply['error-reason'] ?? '')).not.toMatch(/undefined|not a function|Cannot read/)
      }),
      { numRuns },
    )
    expect(({} as Record<string, unknown>).command).toBeUndefined()
  })

  test('any flag string is read', () => {
    fc.assert(
      fc.property(latin1(200), (text) => {
        const { dictionary, warnings } = rtpFlags(text)
        encodeBencode(dictionary)
        expect(warnings.length).toBeLessThanOrEqual(201)
      }),
      { numRuns },
    )
  })
})

function sorted(given: NgValue): unknown {
  if (Array.isArray(given)) return given.map(sorted)
  if (typeof given !== 'object') return given
  return Object.keys(given)
    .sort()
    .map((key) => [key, sorted(given[key]!)])
}
