// Owns the fuzz of src/sip: no input makes it throw, what it takes it writes back, and any cut of a stream gives the same items.
// FUZZ_RUNS sets the number of runs a property.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  applyEdits,
  buildAck,
  buildCancel,
  buildReply,
  correctContentLength,
  type FramedItem,
  type MessageEdit,
  parseMessage,
  parseNameAddr,
  parseUri,
  parseVia,
  receivedViaEdits,
  SipReply,
  SipRequest,
  StreamFramer,
  serializeMessage,
  uriEquals,
  validateRequest,
} from '../../src/sip/index.ts'
import { benchInvite } from '../sip/fixtures.ts'

const numRuns = Number(process.env.FUZZ_RUNS ?? 500)
const check = (property: fc.IRawProperty<unknown>) => fc.assert(property, { numRuns })

const byte = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code))
const bytes = fc.array(byte, { maxLength: 400 }).map((list) => list.join(''))
/** Bits that mean something, so that runs get past the first check. */
const bit = fc.oneof(
  { weight: 1, arbitrary: byte },
  {
    weight: 6,
    arbitrary: fc.constantFrom(
      ...['\r\n', '\n', '\r', ' ', '\t', ':', ';', ',', '"', '\\', '<', '>', '@', '=', '?', '%', '%00', '[', ']', '/'],
      ...[
        'SIP/2.0',
        'sip:',
        'INVITE',
        'ACK',
        'Via',
        'v',
        'From',
        'f',
        'To',
        't',
        'Call-ID',
        'i',
        'CSeq',
        'Content-Length',
      ],
      ...[
        'l',
        'Max-Forwards',
        'Contact',
        'Route',
        '1',
        '0',
        '70',
        '-1',
        '99999999999',
        'UDP',
        'branch',
        'tag',
        'received',
      ],
      ...['rport', 'a', 'b.c', '::1', '\r\n\r\n', 'SIP/2.0/UDP h;branch=z9hG4bK1', '<sip:a@b>;tag=1', 'Proxy-Require'],
    ),
  },
)
const soup = fc.array(bit, { maxLength: 60 }).map((list) => list.join(''))
/** A good message with some of it overwritten. */
const damaged = fc
  .array(fc.tuple(fc.nat(benchInvite.length), fc.nat(30), soup), { minLength: 1, maxLength: 4 })
  .map((hits) => {
    let text = benchInvite
    for (const [at, remove, insert] of hits) text = text.slice(0, at) + insert + text.slice(at + remove)
    return text
  })
const input = fc.oneof(
  bytes,
  soup,
  damaged,
  soup.map((text) => `INVITE sip:a@b SIP/2.0\r\n${text}\r\n\r\n`),
)

/** Reads all there is to read. */
function readAll(message: SipRequest | SipReply): void {
  for (let i = 0; i < message.headerCount; i++) {
    message.headerName(i)
    message.headerValue(i)
    message.nameAddrs(message.headerName(i))
    message.headerList(message.headerName(i))
    expect(message.headerStart(i)).toBeLessThanOrEqual(message.valueStart(i))
    expect(message.valueStart(i)).toBeLessThanOrEqual(message.valueEnd(i))
    expect(message.valueEnd(i)).toBeLessThanOrEqual(message.headerEnd(i))
  }
  void [message.body, message.callId, message.cseqNumber, message.cseqMethod, message.fromTag, message.toTag]
  void [message.from?.params.get('tag'), message.to?.params.toString(), message.topVia?.params.size]
  void [message.maxForwards, message.contentLength, message.contentType, message.vias()]
}

/** Pings that arrive in one chunk count once, so runs of them depend on the cut. */
function withoutPingRuns(items: readonly FramedItem[]): FramedItem[] {
  return items.filter((item, i) => item.kind !== 'ping' || items[i - 1]?.kind !== 'ping')
}

describe('fuzz', () => {
  test('the parser never throws, and what it takes is written back', () => {
    check(
      fc.property(input, (raw) => {
        const result = parseMessage(raw)
        const message = result.ok ? result.message : result.partial
        if (message === undefined) return
        readAll(message)
        expect(serializeMessage(message, [])).toBe(message.raw)
        if (!result.ok) {
          if (message instanceof SipRequest) buildReply(message, result.status, result.reason, { toTag: 'x' })
          return
        }
        const again = parseMessage(message.raw)
        expect(again.ok && again.message.raw).toBe(message.raw)
        expect(again.ok && again.message.headerCount).toBe(message.headerCount)
        if (message instanceof SipReply) return
        validateRequest(message)
        const answer = parseMessage(buildReply(message, 486, '', { toTag: 'x', body: 'why' }))
        expect(answer.ok || answer.reason === 'malformed CSeq in a reply' || answer.status === 513).toBe(true)
        if (validateRequest(message) !== undefined) return
        expect(answer.ok && answer.message.callId).toBe(message.callId)
        expect(parseMessage(buildCancel(message)).ok).toBe(true)
        if (answer.ok && answer.message instanceof SipReply) {
          expect(parseMessage(buildAck(message, answer.message)).ok).toBe(true)
        }
        const received = { address: '10.0.0.9', port: 9, rport: true }
        const moved = parseMessage(applyEdits(message.raw, receivedViaEdits(message, received)))
        expect(moved.ok && moved.message.topVia?.params.get('received')).toBe('10.0.0.9')
        expect(moved.ok && moved.message.topVia?.params.get('rport')).toBe('9')
        expect(moved.ok && moved.message.topVia?.branch).toBe(message.topVia?.branch)
      }),
    )
  })

  test('the small parsers never throw', () => {
    check(
      fc.property(fc.oneof(bytes, soup), (text) => {
        parseVia(text)
        parseNameAddr(text)
        correctContentLength(text)
        const uri = parseUri(text)
        if (uri === undefined) return
        const again = parseUri(uri.toString())
        expect(again?.toString()).toBe(uri.toString())
        expect(uriEquals(uri, again!)).toBe(true)
      }),
    )
  })

  test('edits: none reaches outside, the order of distinct places does not matter', () => {
    const edit = fc.record({
      at: fc.integer({ min: -3, max: 40 }),
      remove: fc.nat(12),
      text: fc.string({ maxLength: 3 }),
    })
    check(
      fc.property(
        fc.string({ maxLength: 30 }),
        fc.uniqueArray(edit, { maxLength: 8, selector: (one) => one.at }),
        (raw, list) => {
          const edits: MessageEdit[] = list
          const out = applyEdits(raw, edits)
          expect(applyEdits(raw, edits.filter((one) => one.at >= 0).toReversed())).toBe(
            applyEdits(
              raw,
              edits.filter((one) => one.at >= 0),
            ),
          )
          const added = edits.reduce((sum, one) => sum + one.text.length, 0)
          expect(out.length).toBeLessThanOrEqual(raw.length + added)
        },
      ),
    )
  })

  test('a stream cut anywhere gives the same items', () => {
    const part = fc.oneof(fc.constantFrom(benchInvite, '\r\n\r\n', 'OPTIONS sip:a@b SIP/2.0\r\nl: 3\r\n\r\nabc'), soup)
    check(
      fc.property(
        fc.array(part, { maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }),
        (parts, cuts) => {
          const stream = parts.join('')
          const whole = new StreamFramer().push(stream)
          const framer = new StreamFramer()
          const pieces: FramedItem[] = []
          for (let at = 0, i = 0; at < stream.length; i++) {
            const size = cuts[i % cuts.length]!
            pieces.push(...framer.push(stream.slice(at, at + size)))
            at += size
          }
          expect(withoutPingRuns(pieces)).toEqual(withoutPingRuns(whole))
        },
      ),
    )
  })
})
