// Owns the fuzzing of SDP: any text ends in a document or a reason, and what the relay writes parses again.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createFakeRelay } from '../../src/media/index.ts'
import { describeSession, parseCrypto, parseSdp, rawLines } from '../../src/sdp/index.ts'

const numRuns = Number(process.env.FUZZ_RUNS ?? 300)

const bytes = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
  maxLength: 60,
})

const line = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom(
      'm=audio 5004 RTP/AVP 0 8 101',
      'm=audio 5004 RTP/SAVP 0',
      'm=video 5006 RTP/AVPF 96',
      'm=image 5008 udptl t38',
      'm=audio 0 RTP/AVP 0',
      'm=message 9 TCP/MSRP *',
      'c=IN IP4 10.0.0.1',
      'c=IN IP4 0.0.0.0',
      'c=IN IP6 2001:db8::1',
      'a=sendonly',
      'a=inactive',
      'a=rtcp:5005',
      'a=rtcp-mux',
      'a=rtpmap:96 H264/90000',
      'a=ptime:20',
      'a=mid:a',
      'a=candidate:1 1 UDP 1 10.0.0.1 5004 typ host',
      'a=fingerprint:sha-256 AA',
      'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:FHoHEZk7wM6b/frTeX+fzQ/K0PtuAvfIzRqjol9K',
    ),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom('m', 'c', 'a', 'o', 'b', 'v'), bytes)
      .map(([type, value]) => `${type}=${value}`),
  },
  { weight: 1, arbitrary: bytes },
)

const description = fc
  .tuple(fc.array(line, { maxLength: 40 }), fc.constantFrom('\r\n', '\n'), fc.boolean())
  .map(
    ([lines, ending, proper]) =>
      [...(proper ? ['v=0', 'o=- 1 1 IN IP4 10.0.0.9', 's=-', 'c=IN IP4 10.0.0.2', 't=0 0'] : []), ...lines].join(
        ending,
      ) + ending,
  )

const flags = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        'SRTP',
        'RTP',
        'ICE=remove',
        'replace-origin',
        'replace-session-connection',
        'rtcp-mux-offer',
        'rtcp-mux-require',
        'rtcp-mux-demux',
        'direction=internal',
        'direction=external',
        'SDES-off',
        'SDES-only-AES_CM_128_HMAC_SHA1_32',
        'media-address=9.9.9.9',
        'address-family=IP6',
        'generate-mid',
        'asymmetric',
        'TOS=184',
      ),
      bytes,
    ),
    { maxLength: 8 },
  )
  .map((words) => words.join(' '))

describe('hostile session descriptions', { timeout: 20_000 + 10 * numRuns }, () => {
  test('any text is parsed or refused, and keeps its bytes', () => {
    fc.assert(
      fc.property(fc.oneof(description, bytes), (text) => {
        const parsed = parseSdp(text)
        if (parsed.ok) describeSession(text)
        expect(
          rawLines(text)
            .map((raw) => text.slice(raw.start, raw.end))
            .join(''),
        ).toBe(text)
        parseCrypto(text)
      }),
      { numRuns },
    )
  })

  test('offers and answers of any kind leave nothing behind, and what they give parses', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.tuple(fc.constantFrom('offer', 'answer', 'delete'), description, flags, fc.constantFrom('A', 'B', 'C')),
          { minLength: 1, maxLength: 6 },
        ),
        async (steps) => {
          const relay = createFakeRelay()
          for (const [command, sdp, words, tag] of steps) {
            const request = { callId: 'x', fromTag: tag, toTag: tag === 'A' ? 'B' : 'A', sdp, flags: words }
            try {
              const { sdp: out } = (await relay[command as 'offer' | 'answer'](request)) as { sdp?: string }
              if (out !== undefined) {
                const parsed = parseSdp(out)
                expect(parsed.ok ? '' : `${parsed.reason}: ${JSON.stringify(out)}`).toBe('')
                expect(out).not.toMatch(/a=(ice-|candidate)/)
              }
            } catch (error) {
              expect((error as { code?: string }).code, String(error)).toMatch(/^ERR_(PARSE|MEDIA|MEDIA_PORTS|LIMIT)$/)
            }
          }
          await relay.delete({ callId: 'x', fromTag: '', flags: '' }).catch(() => undefined)
          expect(relay.native.open.size).toBe(0)
        },
      ),
      { numRuns },
    )
  })
})
