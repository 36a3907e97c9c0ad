// Owns the tests against the RFCs' own call flows: every message parses and is written back, and what is derived from one matches the next.

import { describe, expect, test } from 'vitest'
import {
  buildAck,
  buildCancel,
  buildReply,
  parseMessage,
  removeHeaderEdit,
  type SipMessage,
  SipRequest,
  serializeMessage,
  validateRequest,
} from '../../src/sip/index.ts'
import { reply, request, shared, sharedTable } from './fixtures.ts'

const index = sharedTable('corpora/callflows/INDEX.tsv')
const pairs = sharedTable('corpora/callflows/PROXY_PAIRS.tsv')
const flow = (id: string) => shared(`corpora/callflows/${id.split('-')[0]}/${id}.sip`) ?? ''

/** Header values without regard to folds and optional white space. */
const tight = (message: SipMessage, name: string) => message.headers(name).map((value) => value.replace(/\s+/g, ''))

const DIALOG = ['From', 'To', 'Call-ID', 'CSeq', 'Via']

describe.skipIf(index.length === 0)('messages', () => {
  test.each(index.map((row) => [row.id!, row.class!, row.content_length_check!]))('%s (%s)', (id, kind) => {
    const raw = flow(id)
    const result = parseMessage(raw)
    if (kind !== 'valid') {
      // Abridged in the RFC: the head must at least be readable.
      expect(result.ok || !result.drop || result.reason.startsWith('Bad Request (Content-Length')).toBe(true)
      return
    }
    if (!result.ok) throw new Error(result.reason)
    expect(serializeMessage(result.message, [])).toBe(raw)
    expect(result.message.topVia?.branch).toMatch(/^z9hG4bK/)
    expect(result.message.callId).not.toBe('')
    expect(result.message.from?.uri).toMatch(/^sips?:/)
    expect(result.message.fromTag).not.toBe('')
    expect(result.message.cseqNumber).toBeGreaterThan(0)
    if (result.message instanceof SipRequest) expect(validateRequest(result.message)).toBeUndefined()
  })
})

describe.skipIf(pairs.length === 0)('a proxy takes its own Via off a reply', () => {
  const replies = pairs.filter((row) => /^\d/.test(row.what!))
  test.each(replies.map((row) => [row.proxy!, row.what!, row.received!, row.must_emit!]))(
    '%s %s %s -> %s',
    (_, __, from, to) => {
      const received = reply(flow(from))
      const via = received.findId(1)
      const emitted = reply(serializeMessage(received, [removeHeaderEdit(received, via)]))
      const expected = reply(flow(to))
      // In section 3.2 the RFC's two ends of a reply disagree on `received`.
      const values = (message: SipMessage, name: string) =>
        tight(message, name).map((v) => v.replace(/;received=.*/, ''))
      for (const name of [...DIALOG, 'Contact']) expect(values(emitted, name)).toEqual(values(expected, name))
      expect([emitted.status, emitted.body]).toEqual([expected.status, expected.body])
    },
  )
})

describe.skipIf(index.length === 0)('derived messages', () => {
  test.each([
    ['rfc3665-021', 'rfc3665-022', 'rfc3665-023'],
    ['rfc3665-099', 'rfc3665-100', 'rfc3665-101'],
    ['rfc3665-131', 'rfc3665-142', 'rfc3665-143'],
    ['rfc3665-128', 'rfc3665-146', 'rfc3665-147'],
  ])('INVITE %s and its final reply %s give ACK %s', (sent, final, ack) => {
    const made = request(buildAck(request(flow(sent)), reply(flow(final))))
    const expected = request(flow(ack))
    expect(made.requestUri).toBe(expected.requestUri)
    for (const name of DIALOG) expect(tight(made, name)).toEqual(tight(expected, name))
  })

  test.each([
    ['rfc3665-128', 'rfc3665-136'],
    ['rfc3665-131', 'rfc3665-140'],
  ])('INVITE %s gives CANCEL %s', (sent, cancel) => {
    const made = request(buildCancel(request(flow(sent))))
    const expected = request(flow(cancel))
    expect(made.requestUri).toBe(expected.requestUri)
    for (const name of [...DIALOG, 'Route']) expect(tight(made, name)).toEqual(tight(expected, name))
  })

  test.each([
    ['rfc3665-024', 'rfc3665-026', '192.0.2.101'],
    ['rfc3665-102', 'rfc3665-104', '192.0.2.101'],
  ])('INVITE %s gives 100 %s', (received, trying, address) => {
    const from = request(flow(received))
    const made = reply(buildReply(from, 100, '', { received: { address, port: 5060, rport: false } }))
    const expected = reply(flow(trying))
    expect([made.status, made.reason]).toEqual([100, 'Trying'])
    for (const name of DIALOG) expect(tight(made, name)).toEqual(tight(expected, name))
  })
})

describe.skipIf(index.length === 0)('RFC 3581', () => {
  test('the request of section 6 gets received and rport', () => {
    const requests = index.filter((row) => row.id!.startsWith('rfc3581') && !row.start_line!.startsWith('SIP/2.0'))
    expect(requests.length).toBeGreaterThan(0)
    for (const row of requests) {
      const result = parseMessage(flow(row.id!))
      if (!result.ok || !(result.message instanceof SipRequest)) continue
      const via = result.message.topVia!
      if (!via.params.has('rport')) continue
      const received = { address: '192.0.2.1', port: 9988, rport: false }
      const made = reply(buildReply(result.message, 200, '', { received }))
      expect(made.topVia?.params.get('rport')).toBe('9988')
      expect(made.topVia?.params.get('received')).toBe('192.0.2.1')
    }
  })
})
