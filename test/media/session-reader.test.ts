// Owns the tests of remembered requests: whatever was read before, a request is read as if it were the first.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { dictionary, type NgDictionary } from '../../src/media/ng/bencode.ts'
import { ngOwn, ngRequest } from '../../src/media/ng/request.ts'
import { rtpFlags } from '../../src/media/rtp-flags.ts'
import { CALL_KEYS, canonicalRequest, readSessionOptions } from '../../src/media/session-options.ts'
import { SessionReader } from '../../src/media/session-reader.ts'

/** What a request says besides what is of one call. */
const ofAll = (request: NgDictionary): NgDictionary =>
  Object.fromEntries(Object.entries(request).filter(([key]) => !CALL_KEYS.has(key)))

const text = fc.constantFrom('a', 'b', '10.0.0.1', 'off', 'force', '')
const flag = fc.constantFrom(
  'SIP source address',
  'trust-address',
  'strict_source',
  'replace-origin',
  'SDES-no-AES_CM_128_HMAC_SHA1_32',
  'ICE=remove',
  'unheard-of',
)
const flagText = fc.constantFrom(
  'SRTP ICE=remove replace-origin',
  'SIP-source-address',
  'received-from=10.0.0.9 SIP-source-address',
  'call-id=other',
  'to-tag from-tag=x',
  'via-branch=1',
  'bogus RTP',
)
const request = fc.record(
  {
    'call-id': text,
    call_id: text,
    'from-tag': text,
    'To-Tag': text,
    'via branch': text,
    sdp: fc.oneof(text, fc.constant(3)),
    'received-from': fc.constantFrom(['IP4', '10.0.0.2'], ['IP4', '10.0.0.3'], 'IP4', []),
    'received from': fc.constant<string[]>(['IP4', '10.0.0.4']),
    flags: fc.oneof(flag, fc.array(flag, { maxLength: 3 })),
    'rtpp-flags': flagText,
    replace: fc.array(fc.constantFrom('origin', 'session connection'), { maxLength: 2 }),
    direction: fc.array(fc.constantFrom('inside', 'outside'), { maxLength: 2 }),
    ICE: text,
    'delete-delay': fc.constantFrom(0, 3),
    strange: text,
  },
  { requiredKeys: [] },
)

test.each([{}, { sipSource: true }, { sipSource: true, dtlsPassive: true }])('with %j', (defaults) => {
  fc.assert(
    fc.property(fc.array(request, { minLength: 1, maxLength: 6 }), (requests) => {
      const reader = new SessionReader(defaults)
      // Each is learned, and each is known, whatever lies between.
      for (const entries of [...requests, ...requests]) {
        const raw: NgDictionary = dictionary(entries)
        const message = canonicalRequest(raw)
        const { session, words } = reader.read(raw)
        expect(session).toEqual(readSessionOptions(message, defaults))
        expect(ofAll(words)).toEqual(ofAll(message))
      }
    }),
    { numRuns: 500 },
  )
})

test('words of a flag string that was read before, whatever else the request says', () => {
  const flags = fc.constantFrom(
    'SRTP ICE=remove replace-origin',
    'SIP-source-address',
    'call-id=other',
    'call_id=x RTP',
    'to-tag',
  )
  const asked = fc.record({
    flags: fc.oneof(flags, flagText),
    callId: text,
    fromTag: text,
    toTag: text,
    viaBranch: text,
    receivedFrom: fc.constantFrom('10.0.0.2', '::1', 'nowhere'),
    sdp: text,
    set: fc.constant(0),
  })
  const command = fc.constantFrom('offer' as const, 'answer' as const, 'delete' as const)
  fc.assert(
    fc.property(fc.array(fc.tuple(command, asked), { minLength: 1, maxLength: 8 }), (requests) => {
      const reader = new SessionReader({ sipSource: true })
      for (const [kind, one] of [...requests, ...requests]) {
        const { message } = ngRequest(kind, one)
        const flags = rtpFlags(one.flags)
        const { session, words } = reader.readOwn(kind, flags.dictionary, ngOwn(kind, one, flags), () => message)
        expect(session).toEqual(readSessionOptions(canonicalRequest(message), { sipSource: true }))
        expect(ofAll(words)).toEqual(ofAll(canonicalRequest(message)))
      }
    }),
    { numRuns: 500 },
  )
})

test('more kinds of requests than are remembered, and longer ones', () => {
  const reader = new SessionReader({})
  for (let i = 0; i < 500; i++) {
    const raw = dictionary({ 'call-id': `c${i}`, label: `l${i % 250}`, flags: i % 50 === 0 ? 'x'.repeat(9_000) : '' })
    expect(reader.read(raw).session).toEqual(readSessionOptions(raw))
  }
})
