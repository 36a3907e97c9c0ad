// Owns the tests of the checks on requests.

import { describe, expect, test } from 'vitest'
import { DEFAULT_REQUEST_CHECKS, validateRequest } from '../../src/sip/index.ts'
import { benchInvite, request } from './fixtures.ts'

const base = benchInvite.slice(0, benchInvite.indexOf('Content-Type')).concat('Content-Length: 0\r\n\r\n')
const changed = (from: string | RegExp, to: string) => {
  const text = base.replace(from, to)
  if (text === base) throw new Error('nothing changed')
  return request(text)
}

test('a good request goes on', () => {
  expect(validateRequest(request(benchInvite))).toBeUndefined()
})

test.each([
  ['no Via', /Via:.*\r\n/, ''],
  ['no From', /From:.*\r\n/, ''],
  ['no To', /\r\nTo:.*/, ''],
  ['no Call-ID', /Call-ID:.*\r\n/, ''],
  ['empty Call-ID', /Call-ID:.*/, 'Call-ID:'],
  ['no CSeq', /CSeq:.*\r\n/, ''],
  ['two Call-IDs', 'Call-ID:', 'i: other\r\nCall-ID:'],
  ['two Tos', '\r\nTo:', '\r\nt: <sip:x@y>\r\nTo:'],
  ['two Max-Forwards', 'Max-Forwards:', 'Max-Forwards: 5\r\nMax-Forwards:'],
  ['CSeq of another method', 'CSeq: 101 INVITE', 'CSeq: 101 OPTIONS'],
  ['CSeq too large', 'CSeq: 101', 'CSeq: 36893488147419103232'],
  ['CSeq without method', 'CSeq: 101 INVITE', 'CSeq: 101'],
  ['CSeq with two words', 'CSeq: 101 INVITE', 'CSeq: 101 INVITE x'],
  ['Max-Forwards beyond 255', 'Max-Forwards: 70', 'Max-Forwards: 300'],
  ['Max-Forwards malformed', 'Max-Forwards: 70', 'Max-Forwards: many'],
  ['Via malformed', /Via:.*/, 'Via: SIP/2.0/UDP'],
  ['second Via malformed', /(Via:.*)/, '$1\r\nVia: x'],
  ['Via with an empty element', /(Via:.*)/, '$1,'],
  ['unquoted comma in a display name', /From:.*/, 'From: Bell, Alexander <sip:a@b>;tag=1'],
  ['open quote', /\r\nTo:.*/, '\r\nTo: "Mr. J. User <sip:j.user@example.com>'],
  ['open <', /\r\nTo:.*/, '\r\nTo: <sip:j.user@example.com'],
  ['spaces within <>', /\r\nTo:.*/, '\r\nTo: "W, T" < sip:t.w@example.org >'],
  ['text after <>', /\r\nTo:.*/, '\r\nTo: <sip:a@b> x'],
  ['open quote in a parameter', /\r\nTo:.*/, '\r\nTo: <sip:a@b>;x="y'],
  ['Request-URI in <>', 'INVITE sip:87000@127.0.0.1:5060', 'INVITE <sip:87000@127.0.0.1>'],
  ['IPv6 without brackets', 'INVITE sip:87000@127.0.0.1:5060', 'INVITE sip:2001:db8::10'],
  ['headers in the Request-URI', 'INVITE sip:87000@127.0.0.1:5060', 'INVITE sip:a@b?Route=%3Csip:c%3E'],
  ['a tab in the Request-URI', 'INVITE sip:87000@127.0.0.1:5060', 'INVITE sip:87000\t@127.0.0.1'],
])('400: %s', (_, from, to) => {
  const refusal = validateRequest(changed(from, to))
  expect(refusal?.status).toBe(400)
  expect(refusal?.reason).toMatch(/^Bad Request \(.+\)$/)
})

describe('other refusals', () => {
  test('416 for a scheme nobody serves, not for those that are', () => {
    const to = (uri: string) => changed('INVITE sip:87000@127.0.0.1:5060', `INVITE ${uri}`)
    expect(validateRequest(to('nobodyKnowsThisScheme:x'))?.status).toBe(416)
    expect(validateRequest(to('soap.beep://192.0.2.103:3002'))?.status).toBe(416)
    expect(validateRequest(to('tel:+15551234'))).toBeUndefined()
    expect(validateRequest(to('sips:a@b'))).toBeUndefined()
    expect(validateRequest(to('soap.beep://x'), { ...DEFAULT_REQUEST_CHECKS, schemes: ['soap.beep'] })).toBeUndefined()
  })

  test('501 for an unknown method whose CSeq names another; an unknown method alone goes on', () => {
    const unknown = request(base.replace(/^INVITE/, 'NEWMETHOD'))
    expect(validateRequest(unknown)?.status).toBe(501)
    expect(validateRequest(request(unknown.raw.replace('101 INVITE', '101 NEWMETHOD')))).toBeUndefined()
  })

  test('420 lists what is not supported', () => {
    const asked = changed('Max-Forwards', 'Proxy-Require: a, Known\r\nProxy-Require: b\r\nMax-Forwards')
    expect(validateRequest(asked)).toMatchObject({ status: 420, headers: 'Unsupported: a, Known, b\r\n' })
    expect(validateRequest(asked, { ...DEFAULT_REQUEST_CHECKS, options: ['known'] })?.headers).toBe(
      'Unsupported: a, b\r\n',
    )
    expect(validateRequest(asked, { ...DEFAULT_REQUEST_CHECKS, options: ['known', 'a', 'b'] })).toBeUndefined()
    const ack = request(asked.raw.replace(/^INVITE/, 'ACK').replace('101 INVITE', '101 ACK'))
    expect(validateRequest(ack)).toBeUndefined()
  })

  test('483 only where the script does not decide', () => {
    const zero = changed('Max-Forwards: 70', 'Max-Forwards: 0')
    expect(validateRequest(zero)).toBeUndefined()
    expect(validateRequest(zero, { ...DEFAULT_REQUEST_CHECKS, maxForwards: 'refuse-zero' })?.status).toBe(483)
  })

  test('what RFC 2543 clients leave out is let be missing', () => {
    expect(validateRequest(changed(/Max-Forwards:.*\r\n/, ''))).toBeUndefined()
    expect(validateRequest(changed(';tag=24117a1', ''))).toBeUndefined()
    expect(validateRequest(changed(';branch=z9hG4bK-24117-1-0', ''))).toBeUndefined()
  })
})
