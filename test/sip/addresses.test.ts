// Owns the tests of name-addr values, Via values and parameter lists.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  applyEdits,
  findParam,
  Params,
  parseNameAddr,
  parseUri,
  parseVia,
  quote,
  readUri,
  unquote,
  viaReceivedEdits,
} from '../../src/sip/index.ts'
import { requestWith } from './fixtures.ts'

describe('name-addr', () => {
  test.each([
    ['"A. G. Bell" <sip:agb@bell.com> ;tag=a48s', '"A. G. Bell"', 'sip:agb@bell.com', 'a48s'],
    ['sip:+12125551212@phone2net.com;tag=887s', '', 'sip:+12125551212@phone2net.com', '887s'],
    ['Anonymous <sip:c8oqz84zk7z@privacy.org>;tag=hyh8', 'Anonymous', 'sip:c8oqz84zk7z@privacy.org', 'hyh8'],
    ['caller<sip:caller@example.com>;tag=323', 'caller', 'sip:caller@example.com', '323'],
    ['<sip:a@b;tag=no>', '', 'sip:a@b;tag=no', ''],
    ['"x<y>" <sip:a@b>;a="t;tag=no" ; TAG = yes ', '"x<y>"', 'sip:a@b', 'yes'],
    ['"esc \\" <q>" <sip:a@b>;tag=1', '"esc \\" <q>"', 'sip:a@b', '1'],
    ['*', '', '*', ''],
    ['sip:a@b \r\n ;\r\n tag = x', '', 'sip:a@b', 'x'],
  ])('%j', (text, displayName, uri, tag) => {
    const parsed = parseNameAddr(text)
    expect([parsed?.displayName, parsed?.uri, parsed?.params.get('tag') ?? '']).toEqual([displayName, uri, tag])
    expect(requestWith(`From: ${text.replaceAll('\r\n', '\r\n ')}`).fromTag).toBe(tag)
  })

  test.each(['', '"open <sip:a@b>', '<sip:a@b', '<>', '"only quoted"', ';tag=1'])('%j is none', (text) => {
    expect(parseNameAddr(text)).toBeUndefined()
  })

  test('quotes', () => {
    expect(unquote('"a \\"b\\" c"')).toBe('a "b" c')
    expect(unquote('token')).toBe('token')
    expect(unquote('"')).toBe('"')
    expect(unquote(quote('a\\"b'))).toBe('a\\"b')
    expect(quote('a\r\nb: c')).toBe('"a b: c"')
  })
})

describe('Via', () => {
  test.each([
    ['SIP/2.0/UDP 192.0.2.2;branch=390skdjuw', 'UDP', '192.0.2.2', undefined, '390skdjuw'],
    [
      'SIP  / 2.0\r\n /TCP     spindle.example.com   ;\r\n  branch  =   z9hG4bK9ikj8  ',
      'TCP',
      'spindle.example.com',
      undefined,
      'z9hG4bK9ikj8',
    ],
    ['SIP/2.0/TLS-SCTP h : 5061 ; x', 'TLS-SCTP', 'h', 5061, ''],
    [
      'SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255];branch=z9hG4bK1',
      'UDP',
      '[2001:db8::9:1]',
      undefined,
      'z9hG4bK1',
    ],
    ['SIP/2.0/UDP [::ffff:192.0.2.10]:19823;branch=b', 'UDP', '[::ffff:192.0.2.10]', 19823, 'b'],
    ['SIP/2.0/UDP a;x="b;branch=no,";BRANCH=yes', 'UDP', 'a', undefined, 'yes'],
  ])('%j', (text, transport, host, port, branch) => {
    const via = parseVia(text)
    expect([via?.transport, via?.host, via?.port, via?.branch]).toEqual([transport, host, port, branch])
    expect(via?.params.get('branch') ?? '').toBe(branch)
  })

  test.each([
    '',
    'SIP/2.0/UDP',
    'SIP/2.0 host',
    'SIP/2.0/UDP ;branch=x',
    'SIP/2.0/UDP h:0x10',
    'SIP/2.0/UDP h:70000',
    'SIP/2.0/UDP 2001:db8::1',
    'SIP/2.0/UDP [::1',
    'SIP/2.0/UDP a b',
    ';;,;,,',
    'SIP/2.0/UDP a;branch="z9hG4bK1',
    'SIP/2.0/UDP a;x="1";y="2\\"',
  ])('%j is none', (text) => {
    expect(parseVia(text)).toBeUndefined()
  })

  test('lists, and where each value stands', () => {
    const message = requestWith('v: SIP/2.0/TCP a;branch=1 , SIP/2.0/UDP b', 'Via: SIP/2.0/UDP c')
    expect(message.vias().map((via) => via.host)).toEqual(['a', 'b', 'c'])
    expect(message.vias().map((via) => message.raw.slice(via.start, via.end))).toEqual([
      'SIP/2.0/TCP a;branch=1',
      'SIP/2.0/UDP b',
      'SIP/2.0/UDP c',
    ])
    expect(message.topVia?.host).toBe('a')
  })

  test.each([
    // sent-by names the source: nothing to write (18.2.1)
    ['SIP/2.0/UDP 10.0.0.1;branch=b', '10.0.0.1', false, 'SIP/2.0/UDP 10.0.0.1;branch=b'],
    ['SIP/2.0/UDP h;branch=b', '10.0.0.1', false, 'SIP/2.0/UDP h;branch=b;received=10.0.0.1'],
    // RFC 3581 4: rport asks for both, also when sent-by is the source
    [
      'SIP/2.0/UDP 10.0.0.1;rport;branch=b',
      '10.0.0.1',
      false,
      'SIP/2.0/UDP 10.0.0.1;rport=5099;branch=b;received=10.0.0.1',
    ],
    ['SIP/2.0/UDP h;branch=b', '10.0.0.1', true, 'SIP/2.0/UDP h;branch=b;received=10.0.0.1;rport=5099'],
    // what the client wrote itself is not believed
    [
      'SIP/2.0/UDP h;received=6.6.6.6;rport=1;branch=b',
      '10.0.0.1',
      false,
      'SIP/2.0/UDP h;received=10.0.0.1;rport=5099;branch=b',
    ],
    // RFC 5118 4.5: no brackets in received
    ['SIP/2.0/UDP [::1];branch=b', '2001:db8::5', false, 'SIP/2.0/UDP [::1];branch=b;received=2001:db8::5'],
    ['SIP/2.0/UDP [2001:DB8::5];branch=b', '2001:db8::5', false, 'SIP/2.0/UDP [2001:DB8::5];branch=b'],
    ['SIP/2.0/UDP h;x=";rport";branch=b', '10.0.0.1', false, 'SIP/2.0/UDP h;x=";rport";branch=b;received=10.0.0.1'],
  ])('received and rport in %s from %s', (text, address, rport, expected) => {
    const via = parseVia(text)!
    expect(applyEdits(text, viaReceivedEdits(text, via, { address, port: 5099, rport }))).toBe(expected)
  })

  test('a received that the client forged where none is due is replaced, too', () => {
    const text = 'SIP/2.0/UDP 10.0.0.1;received=6.6.6.6;branch=b'
    const edits = viaReceivedEdits(text, parseVia(text)!, { address: '10.0.0.1', port: 5099, rport: false })
    expect(applyEdits(text, edits)).toBe('SIP/2.0/UDP 10.0.0.1;received=10.0.0.1;branch=b')
  })
})

describe('parameters', () => {
  test('reading one', () => {
    const list = '; a=1 ;B ; c = "x;y" ;d='
    const get = (name: string) => findParam(list, 0, list.length, name)
    expect([get('a'), get('b'), get('c'), get('d'), get('e')]).toEqual(['1', '', '"x;y"', '', undefined])
    const params = new Params(list)
    expect(['A', 'b', 'C', 'd', 'e'].map((name) => params.get(name))).toEqual(['1', '', '"x;y"', '', undefined])
    expect([...params]).toEqual([
      ['a', '1'],
      ['b', ''],
      ['c', '"x;y"'],
      ['d', ''],
    ])
    expect(params.size).toBe(4)
    expect(params.toString()).toBe(list)
  })

  test('a list that was taken apart says what searching it says', () => {
    const text = fc.string({ unit: fc.constantFrom(...';;;==  "aB\\.\t\r\n'), maxLength: 24 })
    fc.assert(
      fc.property(text, (list) => {
        const params = new Params(`;${list}`)
        expect(params.size).toBeLessThanOrEqual(list.length + 1)
        for (const name of ['a', 'b', 'ab', '.']) expect(params.get(name)).toBe(new Params(`;${list}`).get(name))
      }),
      { numRuns: 20_000 },
    )
  })

  test('changing', () => {
    const params = new Params(';lr;Ftag=1')
    params.set('FTAG', '2')
    params.set('r2', 'on')
    params.set('x')
    expect(params.toString()).toBe(';lr;Ftag=2;r2=on;x')
    expect(params.delete('LR')).toBe(true)
    expect(params.delete('lr')).toBe(false)
    expect(params.toString()).toBe(';Ftag=2;r2=on;x')
    expect(params.has('x')).toBe(true)
  })
})

test('a URI that is read is taken apart once while it is asked for, and never what another made of it', () => {
  const text = 'sip:alice@example.com;lr'
  const shared = readUri(text)
  expect(readUri(`${text.slice(0, 4)}${text.slice(4)}`)).toBe(shared)
  expect(readUri('sip:<bad>')).toBeUndefined()
  expect(readUri('sip:<bad>')).toBeUndefined()
  const own = parseUri(text)!
  own.user = 'mallory'
  own.params.set('lr', 'off')
  expect(readUri(text)?.toString()).toBe(text)
  for (let i = 0; i < 10; i++) expect(readUri(`sip:user-${i}@example.com`)?.user).toBe(`user-${i}`)
  expect(readUri(text)).not.toBe(shared)
  expect(readUri(text)?.toString()).toBe(text)
})
