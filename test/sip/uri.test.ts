// Owns the tests of URIs: RFC 3261 19.1.4's table, RFC 4475's and RFC 5118's shapes, writing back.

import { describe, expect, test } from 'vitest'
import { bareHost, bracketHost, decodePercent, parseUri, uriEquals, uriScheme } from '../../src/sip/index.ts'

const uri = (text: string) => {
  const parsed = parseUri(text)
  if (parsed === undefined) throw new Error(`not a URI: ${text}`)
  return parsed
}

describe('equality (19.1.4)', () => {
  test.each([
    ['sip:%61lice@atlanta.com;transport=TCP', 'sip:alice@AtlanTa.CoM;Transport=tcp'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com;newparam=5'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com;security=on'],
    ['sip:carol@chicago.com;newparam=5', 'sip:carol@chicago.com;security=on'],
    [
      'sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com',
      'sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com',
    ],
    [
      'sip:alice@atlanta.com?subject=project%20x&priority=urgent',
      'sip:alice@atlanta.com?priority=urgent&subject=project%20x',
    ],
    ['sip:%75se%72@example.com', 'sip:user@example.com'],
    ['SIP:user@example.com', 'sip:user@example.com'],
  ])('%s equals %s', (a, b) => {
    expect(uriEquals(uri(a), uri(b))).toBe(true)
    expect(uriEquals(uri(b), uri(a))).toBe(true)
  })

  test.each([
    ['SIP:ALICE@AtLanTa.CoM;Transport=udp', 'sip:alice@AtLanTa.CoM;Transport=UDP'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:5060'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com;transport=udp'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:6000;transport=tcp'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com?Subject=next%20meeting'],
    ['sip:bob@phone21.boxesbybob.com', 'sip:bob@192.0.2.4'],
    ['sip:carol@chicago.com;security=on', 'sip:carol@chicago.com;security=off'],
    ['sip:a@b', 'sips:a@b'],
    ['sip:a@b;maddr=1.2.3.4', 'sip:a@b'],
    ['sip:a@b;user=ip', 'sip:a@b'],
    ['sip:a:pw@b', 'sip:a@b'],
    ['tel:+1', 'tel:+2'],
  ])('%s differs from %s', (a, b) => {
    expect(uriEquals(uri(a), uri(b))).toBe(false)
    expect(uriEquals(uri(b), uri(a))).toBe(false)
  })
})

describe('parts', () => {
  test.each([
    ['sip:alice:secret@[2001:db8::10]:5070;transport=tcp;lr?a=b', 'sip', 'alice', 'secret', '[2001:db8::10]', 5070],
    ['sips:example.com', 'sips', undefined, undefined, 'example.com', undefined],
    ['sip:[2001:db8::10:5070]', 'sip', undefined, undefined, '[2001:db8::10:5070]', undefined],
    ['sip:[2001:db8:::192.0.2.1]', 'sip', undefined, undefined, '[2001:db8:::192.0.2.1]', undefined],
    [
      'sip:user;par=u%40example.net@example.com',
      'sip',
      'user;par=u%40example.net',
      undefined,
      'example.com',
      undefined,
    ],
    [
      "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com",
      'sip',
      "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*",
      "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)",
      'example.com',
      undefined,
    ],
    ['tel:+1-201-555-0123;phone-context=x', 'tel', '+1-201-555-0123', undefined, '', undefined],
    ['urn:service:sos', 'urn', undefined, undefined, '', undefined],
  ])('%s', (text, scheme, user, password, host, port) => {
    const parsed = uri(text)
    expect([parsed.scheme, parsed.user, parsed.password, parsed.host, parsed.port]).toEqual([
      scheme,
      user,
      password,
      host,
      port,
    ])
    expect(parsed.toString()).toBe(text)
  })

  test('parameters and headers', () => {
    const parsed = uri('sip:a@b;transport=TCP;lr;x=%22?Subject=s&to=t')
    expect(parsed.params.get('Transport')).toBe('TCP')
    expect(parsed.params.get('lr')).toBe('')
    expect(parsed.params.get('maddr')).toBeUndefined()
    expect(parsed.headers).toBe('Subject=s&to=t')
  })

  test('a change is written', () => {
    const parsed = uri('sip:a@b:5060;lr;x=1')
    parsed.user = 'c'
    parsed.host = 'd'
    delete parsed.port
    parsed.params.delete('X')
    parsed.params.set('transport', 'tls')
    expect(parsed.toString()).toBe('sip:c@d;lr;transport=tls')
  })

  test.each([
    'sip:',
    'sip:@host',
    'sip:user@',
    'example.com',
    '<sip:a@b>',
    'sip:a b@c',
    'sip:2001:db8::10',
    'sip:a@b:99999',
    'sip:a@b:port',
    'sip:a@b:',
    'sip:[::1',
    'sip:[]',
    'sip:[g]',
    '1sip:a@b',
    ':a@b',
    'tel:',
    'x:',
  ])('%j is none', (text) => {
    expect(parseUri(text)).toBeUndefined()
  })

  test('the scheme alone', () => {
    expect(uriScheme('nobodyKnowsThisScheme:totallyopaque')).toBe('nobodyknowsthisscheme')
    expect(uriScheme('soap.beep://192.0.2.103:3002')).toBe('soap.beep')
    expect(uriScheme('<sip:a@b>')).toBe('')
  })

  test('brackets', () => {
    expect([
      bareHost('[::1]'),
      bareHost('a.b'),
      bracketHost('::1'),
      bracketHost('[::1]'),
      bracketHost('1.2.3.4'),
    ]).toEqual(['::1', 'a.b', '[::1]', '[::1]', '1.2.3.4'])
  })
})

test('escapes are undone once', () => {
  expect(decodePercent('v%61lue%25%34%31')).toBe('value%41')
  expect(decodePercent('%zz%4')).toBe('%zz%4')
  expect(decodePercent('%%41')).toBe('%A')
  expect(decodePercent('%00x')).toBe('\0x')
})
