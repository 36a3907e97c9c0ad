// Owns the pure SDP room: lines, structure, addresses, base64, crypto attributes, directions.
import { describe, expect, test } from 'vitest'
import {
  addressFamily,
  decodeBase64,
  directionOf,
  encodeBase64,
  formatCrypto,
  isGroup,
  isUnspecified,
  parseCrypto,
  parseSdp,
  profileOf,
  rawLines,
  receives,
  type SdpDocument,
} from '../../src/sdp/index.ts'

function read(text: string): SdpDocument {
  const parsed = parseSdp(text)
  if (!parsed.ok) throw new Error(parsed.reason)
  return parsed.document
}

const BASE = 'v=0\r\no=- 1 2 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\n'

describe('lines', () => {
  test('end in CRLF or LF, or with the text', () => {
    const text = 'v=0\r\ns=-\na=x'
    expect(rawLines(text)).toEqual([
      { text: 'v=0', start: 0, end: 5 },
      { text: 's=-', start: 5, end: 9 },
      { text: 'a=x', start: 9, end: 12 },
    ])
  })
})

describe('structure', () => {
  test('media, formats, connection and origin are read', () => {
    const document = read(`${BASE}m=audio 5004/2 RTP/AVP 0 101\r\nc=IN IP6 2001:db8::1\r\na=ptime:20\r\n`)
    expect(document.origin).toMatchObject({ username: '-', sessionId: '1', version: '2', address: '10.0.0.1' })
    expect(document.media[0]).toMatchObject({
      kind: 'audio',
      port: 5004,
      portCount: 2,
      protocol: 'RTP/AVP',
      formats: ['0', '101'],
    })
    expect(document.media[0]?.connection).toMatchObject({ family: 'IP6', address: '2001:db8::1' })
  })

  test('what is no port is told as such', () => {
    for (const port of ['99999', 'abc', '$R-PUB-1.PORT'])
      expect(read(`${BASE}m=audio ${port} RTP/AVP 0\r\n`).media[0]?.port).toBeNaN()
  })

  test('a blank line ends the description', () => {
    expect(read(`${BASE}m=audio 1 RTP/AVP 0\r\n\r\nnot SDP at all`).media).toHaveLength(1)
  })

  test.each([
    ['', 'empty'],
    ['hello', 'line 1 is not of the form x=value'],
    ['o=- 1 1 IN IP4 1.1.1.1\r\n', 'line 1 is not v=0'],
    [`${BASE}m=audio\r\n`, 'not a media description'],
    ['v=0\r\nc=IN IP4 2001:db8::1\r\n', 'bad connection'],
    ['v=0\r\nc=somewhere\r\n', 'bad connection'],
    [`v=0\r\n${'a=x\r\n'.repeat(2_000)}`, 'more than 2000 lines'],
    [`v=0\r\n${'m=audio 1 RTP/AVP 0\r\n'.repeat(65)}`, 'more than 64 media'],
    [`v=0\r\na=${'x'.repeat(70_000)}`, 'longer than 65535 bytes'],
  ])('%j is refused', (text, reason) => {
    const parsed = parseSdp(text)
    expect(parsed.ok ? '' : parsed.reason).toContain(reason)
  })
})

describe('addresses', () => {
  test.each([
    ['10.0.0.5', 'IP4'],
    ['256.0.0.1', undefined],
    ['1.2.3', undefined],
    ['::1', 'IP6'],
    ['2001:db8::1:2', 'IP6'],
    ['1:2:3:4:5:6:7:8', 'IP6'],
    ['1:2:3:4:5:6:7', undefined],
    ['1::2::3', undefined],
    ['::ffff:10.0.0.1', 'IP6'],
    ['fe80::1%eth0', undefined],
    ['example.com', undefined],
  ])('%s is %s', (address, family) => expect(addressFamily(address)).toBe(family))

  test('groups and broadcast are not one host', () => {
    const groups = ['224.0.0.1', '239.255.255.250', '255.255.255.255', 'ff02::1', 'FF0E::5']
    expect(groups.every(isGroup)).toBe(true)
    expect(['223.255.255.255', '240.0.0.1', '10.0.0.1', 'fe80::1', '::1'].some(isGroup)).toBe(false)
  })

  test('0.0.0.0 and :: are unspecified', () => {
    expect([isUnspecified('0.0.0.0'), isUnspecified('::'), isUnspecified('10.0.0.0'), isUnspecified('::1')]).toEqual([
      true,
      true,
      false,
      false,
    ])
  })
})

describe('base64', () => {
  test('round trips every length, with and without padding', () => {
    for (let length = 0; length < 50; length++) {
      const bytes = Uint8Array.from({ length }, (_, index) => (index * 37 + length) & 0xff)
      const text = encodeBase64(bytes)
      expect(text).toBe(Buffer.from(bytes).toString('base64'))
      expect(decodeBase64(text)).toEqual(bytes)
      expect(decodeBase64(text.replace(/=+$/, ''))).toEqual(bytes)
    }
  })
  test('anything else is refused', () => {
    for (const text of ['a', 'ab!d', 'ab=d', 'é']) expect(decodeBase64(text)).toBeUndefined()
  })
})

describe('crypto attributes (RFC 4568)', () => {
  const KEY = 'FHoHEZk7wM6b/frTeX+fzQ/K0PtuAvfIzRqjol9K'

  test('tag, suite, key, lifetime and MKI are read; written back without what the relay does not repeat', () => {
    const crypto = parseCrypto(`1 AES_CM_128_HMAC_SHA1_80 inline:${KEY}|2^31|1:1`)!
    expect(crypto).toMatchObject({ tag: 1, lifetime: '2^31', mki: { value: 1, length: 1 } })
    expect(crypto.key).toHaveLength(30)
    expect(formatCrypto(crypto)).toBe(`1 AES_CM_128_HMAC_SHA1_80 inline:${KEY}|2^31|1:1`)
    expect(formatCrypto({ tag: 7, suite: crypto.suite, key: crypto.key })).toBe(
      `7 AES_CM_128_HMAC_SHA1_80 inline:${KEY}`,
    )
  })

  test('MKI without lifetime, several keys, WSH and AES-256', () => {
    expect(parseCrypto(`0 AES_CM_128_HMAC_SHA1_32 inline:${KEY}|5:4`)?.mki).toEqual({ value: 5, length: 4 })
    const other = KEY.replace('F', 'G')
    const several = `3 AES_CM_128_HMAC_SHA1_80 inline:${KEY}|1:1;inline:${other}|2^20|2:1`
    expect(parseCrypto(several)).toMatchObject({
      mki: { value: 1, length: 1 },
      further: [{ key: decodeBase64(other), lifetime: '2^20', mki: { value: 2, length: 1 } }],
    })
    expect(parseCrypto(`1 AES_CM_128_HMAC_SHA1_80 inline:${KEY}|1:1`)?.further).toBeUndefined()
    expect(parseCrypto(`3 AES_CM_128_HMAC_SHA1_80 inline:${KEY} FEC_ORDER=FEC_SRTP`)).toBeDefined()
    expect(parseCrypto(`3 AES_CM_128_HMAC_SHA1_80 inline:${KEY} WSH=64`)?.sessionParameters).toEqual(['WSH=64'])
    const long = encodeBase64(new Uint8Array(46))
    expect(parseCrypto(`1 AES_256_CM_HMAC_SHA1_80 inline:${long}`)?.key).toHaveLength(46)
  })

  test.each([
    '1 UNKNOWN_SUITE inline:abcd',
    '1 AES_CM_128_HMAC_SHA1_80 inline:short',
    `x AES_CM_128_HMAC_SHA1_80 inline:${KEY}`,
    `1 AES_CM_128_HMAC_SHA1_80 ${KEY}`,
    `1 AES_CM_128_HMAC_SHA1_80 inline:${KEY};inline:${KEY.replace('F', 'G')}`,
    `1 AES_CM_128_HMAC_SHA1_80 inline:${KEY}|1:1;inline:${KEY.replace('F', 'G')}`,
    `1 AES_CM_128_HMAC_SHA1_80 inline:${KEY}|1:1;inline:${KEY.replace('F', 'G')}|1:1`,
    `1 AES_CM_128_HMAC_SHA1_80 inline:${KEY}|1:1;inline:${KEY.replace('F', 'G')}|2:2`,
    `1 AES_CM_128_HMAC_SHA1_80 inline:${KEY}|1:1;inline:${KEY}|2:1`,
    `1 AES_CM_128_HMAC_SHA1_80 inline:${KEY}|1:1;inline:short|2:1`,
    `1 AES_CM_128_HMAC_SHA1_80 ${Array.from({ length: 9 }, (_, i) => `inline:${KEY.replace('F', 'ABCDEFGHI'[i]!)}|${i}:1`).join(';')}`,
    `1 AES_CM_128_HMAC_SHA1_80 inline:${KEY} UNENCRYPTED_SRTP`,
    `1 AES_CM_128_HMAC_SHA1_80 inline:${KEY} FEC_ORDER=SRTP_FEC`,
    `1 AES_CM_128_HMAC_SHA1_80 inline:${KEY}|1:200`,
    `1 __proto__ inline:${KEY}`,
    '',
  ])('%j is not usable', (value) => expect(parseCrypto(value)).toBeUndefined())
})

describe('offer and answer (RFC 3264)', () => {
  const directionIn = (media: string, base = BASE) => {
    const document = read(`${base}m=audio 5004 RTP/AVP 0\r\n${media}`)
    const direction = directionOf(document, document.media[0]!)
    return [direction, !receives(direction)]
  }

  test('the attribute of the media, of the session, or sendrecv', () => {
    expect(directionIn('')).toEqual(['sendrecv', false])
    expect(directionIn('a=sendonly\r\n')).toEqual(['sendonly', true])
    expect(directionIn('', `${BASE}a=inactive\r\n`)).toEqual(['inactive', true])
    expect(directionIn('a=sendrecv\r\n', `${BASE}a=inactive\r\n`)).toEqual(['sendrecv', false])
  })

  test('0.0.0.0 is hold of the old kind', () => {
    const zero = BASE.replace('c=IN IP4 10.0.0.1', 'c=IN IP4 0.0.0.0')
    expect(directionIn('', zero)).toEqual(['sendonly', true])
    expect(directionIn('a=recvonly\r\n', zero)).toEqual(['inactive', true])
  })

  test('profiles', () => {
    expect(profileOf('RTP/SAVPF')).toEqual({ rtp: true, secure: true, feedback: true, dtls: false })
    expect(profileOf('UDP/TLS/RTP/SAVP')).toEqual({ rtp: true, secure: true, feedback: false, dtls: true })
    expect(profileOf('udptl').rtp).toBe(false)
  })
})
