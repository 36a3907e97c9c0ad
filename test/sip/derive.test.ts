// Owns the tests of derived messages: replies, ACK and CANCEL, against RFC 3261 and the call flows of RFC 3665.

import { describe, expect, test } from 'vitest'
import { buildAck, buildCancel, buildReply, parseMessage, SipReply, SipRequest } from '../../src/sip/index.ts'
import { benchInvite, reply, request } from './fixtures.ts'

const invite = request(
  [
    'INVITE sip:b@example.com;x=1 SIP/2.0',
    'v: SIP/2.0/UDP h;rport;branch=z9hG4bK1 , SIP/2.0/TCP i;branch=z9hG4bK0',
    'Via: SIP/2.0/UDP j',
    'Record-Route: <sip:p1;lr>',
    'Record-Route: <sip:p2;lr>',
    'Route: <sip:r1;lr>,',
    ' <sip:r2;lr>',
    'Route: <sip:r3;lr>',
    'Max-Forwards: 12',
    'f: "A" <sip:a@h>;tag=f1',
    't: <sip:b@example.com>',
    'i: c@h',
    'CSeq: 00042 INVITE',
    'Timestamp: 54',
    'Contact: <sip:a@h>',
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n'),
)

describe('reply', () => {
  test('copies what 8.2.6 says, as written', () => {
    const received = { address: '10.0.0.1', port: 5099, rport: false }
    expect(buildReply(invite, 180, '', { toTag: 'new', received })).toBe(
      [
        'SIP/2.0 180 Ringing',
        'v: SIP/2.0/UDP h;rport=5099;branch=z9hG4bK1;received=10.0.0.1 , SIP/2.0/TCP i;branch=z9hG4bK0',
        'Via: SIP/2.0/UDP j',
        'Record-Route: <sip:p1;lr>',
        'Record-Route: <sip:p2;lr>',
        'f: "A" <sip:a@h>;tag=f1',
        't: <sip:b@example.com>;tag=new',
        'i: c@h',
        'CSeq: 00042 INVITE',
        'Content-Length: 0',
        '',
        '',
      ].join('\r\n'),
    )
  })

  test('100 has Timestamp and no Record-Route', () => {
    const trying = reply(buildReply(invite, 100))
    expect(trying.header('Timestamp')).toBe('54')
    expect(trying.header('Record-Route')).toBeUndefined()
    expect([trying.status, trying.reason, trying.toTag]).toEqual([100, 'Trying', ''])
  })

  test('failure has no Record-Route; headers, body and its type', () => {
    const busy = reply(
      buildReply(invite, 486, 'Not now', { headers: 'Retry-After: 5\r\n', body: 'why', contentType: 'text/plain' }),
    )
    expect(busy.header('Record-Route')).toBeUndefined()
    expect([busy.reason, busy.header('Retry-After'), busy.body, busy.contentType]).toEqual([
      'Not now',
      '5',
      'why',
      'text/plain',
    ])
    expect(busy.contentLength).toBe(3)
  })

  test('a To tag that is there stays', () => {
    const within = request(invite.raw.replace('t: <sip:b@example.com>', 't: <sip:b@example.com>;tag=there'))
    expect(reply(buildReply(within, 200, 'OK', { toTag: 'new' })).toTag).toBe('there')
  })

  test('a folded To takes the tag at its end', () => {
    const folded = request(invite.raw.replace('t: <sip:b@example.com>', 't:\r\n <sip:b@example.com>\r\n ;x=1 '))
    expect(reply(buildReply(folded, 200, 'OK', { toTag: 'new' })).toTag).toBe('new')
  })

  test('a reason phrase cannot smuggle a header', () => {
    expect(buildReply(invite, 400, 'x\r\nEvil: 1')).toMatch(/^SIP\/2\.0 400 x Evil: 1\r\n/)
  })

  test('a malformed request is answered with what it has', () => {
    const result = parseMessage('INVITE sip:a SIP/7.0\r\nVia: SIP/2.0/UDP h;;,;,,\r\nCSeq: x\r\n\r\n')
    if (result.ok || result.partial === undefined) throw new Error('no partial request')
    expect(buildReply(result.partial, result.status, result.reason)).toBe(
      'SIP/2.0 505 Version Not Supported\r\nVia: SIP/2.0/UDP h;;,;,,\r\nCSeq: x\r\nContent-Length: 0\r\n\r\n',
    )
  })
})

describe('ACK and CANCEL', () => {
  test('ACK (17.1.1.3)', () => {
    const busy = reply(buildReply(invite, 486, '', { toTag: 't1' }))
    expect(buildAck(invite, busy)).toBe(
      [
        'ACK sip:b@example.com;x=1 SIP/2.0',
        'Via: SIP/2.0/UDP h;rport;branch=z9hG4bK1',
        'Max-Forwards: 70',
        'Route: <sip:r1;lr>,',
        ' <sip:r2;lr>',
        'Route: <sip:r3;lr>',
        'f: "A" <sip:a@h>;tag=f1',
        'i: c@h',
        't: <sip:b@example.com>;tag=t1',
        'CSeq: 42 ACK',
        'Content-Length: 0',
        '',
        '',
      ].join('\r\n'),
    )
  })

  test('CANCEL (9.1)', () => {
    const cancel = request(buildCancel(invite))
    expect(cancel.method).toBe('CANCEL')
    expect(cancel.requestUri).toBe(invite.requestUri)
    expect([cancel.callId, cancel.fromTag, cancel.toTag]).toEqual(['c@h', 'f1', ''])
    expect([cancel.cseqNumber, cancel.cseqMethod]).toEqual([42, 'CANCEL'])
    expect(cancel.vias().map((via) => via.branch)).toEqual(['z9hG4bK1'])
    expect(cancel.nameAddrs('Route').map((one) => one.uri)).toEqual(['sip:r1;lr', 'sip:r2;lr', 'sip:r3;lr'])
  })
})

test('the bench INVITE gives replies that parse', () => {
  for (const status of [100, 180, 200, 302, 404, 503, 603]) {
    const result = parseMessage(buildReply(request(benchInvite), status, '', { toTag: 'x' }))
    expect(result.ok && result.message instanceof SipReply && result.message.status === status).toBe(true)
    expect(result.ok && result.message instanceof SipRequest).toBe(false)
  }
})
