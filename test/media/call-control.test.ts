// Owns what reaches the packet relay besides addresses: media withheld, fax passed through, master key identifiers; and the counters.
import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../src/clock.ts'
import { createFakeNative, type FakeNative } from '../../src/media/fake-native.ts'
import { createEmbeddedRelay } from '../../src/media/index.ts'
import type { NgDictionary, NgValue } from '../../src/media/ng/bencode.ts'

const body = (media: string) => `v=0\r\no=- 1 1 IN IP4 10.1.1.1\r\ns=-\r\nc=IN IP4 10.1.1.1\r\nt=0 0\r\n${media}`
const audio = (port: number, event = 101) =>
  body(`m=audio ${port} RTP/AVP 0 ${event}\r\na=rtpmap:${event} telephone-event/8000\r\n`)
const fax = (port: number) => body(`m=image ${port} udptl t38\r\n`)

function rig() {
  let native!: FakeNative
  const clock = new ManualClock()
  const relay = createEmbeddedRelay({
    interfaces: ['10.0.0.5', 'out/10.0.0.6'],
    offerTimeout: 0,
    clock,
    native: (callbacks) => (native = createFakeNative(callbacks)),
  })
  const ask = (command: string, keys: Record<string, NgValue> = {}) =>
    relay.perform({ command, 'call-id': 'c', 'from-tag': 'A', ...keys })
  const portOf = (reply: NgDictionary) => Number(/^m=\S+ (\d+)/m.exec(String(reply.sdp))![1])
  const configAt = (port: number) => [...native.open.values()].find((stream) => stream.rtpPort === port)!.config!
  return {
    relay,
    clock,
    ask,
    /** Sets up or changes the call; gives the configuration of both sides, as it is when asked. */
    talk(offer: string, answer: string, keys: Record<string, NgValue> = {}) {
      const toB = portOf(ask('offer', { 'to-tag': 'B', sdp: offer, ...keys }))
      const answered = ask('answer', { 'to-tag': 'B', sdp: answer })
      if (answered.result !== 'ok') throw new Error(String(answered['error-reason']))
      const toA = portOf(answered)
      return { answered, a: () => configAt(toA), b: () => configAt(toB) }
    },
    native: () => native,
  }
}

describe('media withheld', () => {
  test('of one party, of all, and given back; a re-offer keeps it', () => {
    const { ask, talk } = rig()
    let { a, b } = talk(audio(5004, 97), audio(6004))
    expect([a(), b()]).toMatchObject([
      { media: 'pass', blockDtmf: false, passthrough: false, dtmfPayloadTypes: [97, 101] },
      { media: 'pass', dtmfPayloadTypes: [101, 97] },
    ])
    expect(ask('block-media').result).toBe('ok')
    expect([a().media, b().media]).toEqual(['block', 'pass'])
    expect(ask('silence_media', { 'from-tag': 'B' }).result).toBe('ok')
    expect(ask('block DTMF', { 'from-tag': '' }).result).toBe('ok')
    ;({ a, b } = talk(audio(5004), audio(6010)))
    expect([a(), b()]).toMatchObject([
      { media: 'block', blockDtmf: true },
      { media: 'silence', blockDtmf: true, remote: { rtpPort: 6010 } },
    ])
    ask('unblock media')
    ask('unsilence media', { all: 'all' })
    ask('unblock dtmf', { 'from-tag': 'A' })
    expect([a(), b()]).toMatchObject([
      { media: 'pass', blockDtmf: false },
      { media: 'pass', blockDtmf: true },
    ])
  })

  test('before the answer it waits for it', () => {
    const { ask, talk } = rig()
    ask('offer', { sdp: audio(5004) })
    ask('block media', { 'from-tag': '' })
    const { a, b } = talk(audio(5004), audio(6004))
    expect([a().media, b().media]).toEqual(['block', 'block'])
  })
})

test('rule T63: whatever is re-offered, by either side, each side keeps its address and ports', () => {
  const { ask } = rig()
  const shown = (reply: NgDictionary) => /c=IN IP4 (\S+)[\s\S]*?m=\S+ (\d+)/.exec(String(reply.sdp))!.slice(1).join(':')
  const exchange = (offer: string, answer: string, keys: Record<string, NgValue> = {}) => [
    shown(ask('offer', { sdp: offer, 'to-tag': 'B', ...keys })),
    shown(ask('answer', { sdp: answer, 'to-tag': 'B' })),
  ]
  const [toB, toA] = exchange(audio(5004), audio(6004), { direction: ['default', 'out'] })
  const elsewhere = audio(7004).replace('10.1.1.1', '10.7.7.7')
  expect(exchange(elsewhere, audio(6004))).toEqual([toB, toA])
  expect(exchange(fax(5010), fax(6010))).toEqual([toB, toA])
  expect(exchange(audio(5004), elsewhere, { flags: ['reset'] })).toEqual([toB, toA])
  expect(
    shown(
      ask('offer', {
        'from-tag': 'B',
        'to-tag': 'A',
        sdp: audio(6004).replace('10.1.1.1', '0.0.0.0'),
        replace: ['zero-address'],
      }),
    ),
  ).toBe(toA)
  expect(shown(ask('answer', { 'from-tag': 'B', 'to-tag': 'A', sdp: elsewhere }))).toBe(toB)
})

test('fax passes through as it is, and audio after it is RTP again', () => {
  const { talk } = rig()
  const first = talk(audio(5004), audio(6004))
  expect(first.a().passthrough).toBe(false)
  const second = talk(fax(5010), fax(6010))
  expect(second.answered.warning).toBeUndefined()
  expect([second.a(), second.b()]).toMatchObject([
    { passthrough: true, srtpIn: null, srtpOut: null, dtmfPayloadTypes: [], remote: { rtpPort: 5010 } },
    { passthrough: true, remote: { rtpPort: 6010 } },
  ])
  expect(talk(audio(5004), audio(6004)).b()).toMatchObject({ passthrough: false })
})

describe('keys', () => {
  const KEY = 'FHoHEZk7wM6b/frTeX+fzQ/K0PtuAvfIzRqjol9K'
  const secure = (port: number, line: string) => body(`m=audio ${port} RTP/SAVP 0\r\na=crypto:${line}\r\n`)

  test('several keys of one line are all taken, by their identifiers', () => {
    const { talk } = rig()
    const { a } = talk(
      secure(5004, `1 AES_CM_128_HMAC_SHA1_80 inline:${KEY}|1:1;inline:${KEY.replace('F', 'G')}|2:1`),
      secure(6004, `1 AES_CM_128_HMAC_SHA1_80 inline:${KEY}`),
    )
    expect(a()).toMatchObject({ srtpIn: { mki: { value: 1 } }, srtpInFurther: [{ mki: { value: 2, length: 1 } }] })
  })

  test('rule T64: a master key identifier in an offer or an answer is expected in packets, and not sent', () => {
    const { talk } = rig()
    const { answered, a, b } = talk(
      secure(5004, `1 AES_CM_128_HMAC_SHA1_80 inline:${KEY}|2^31|1:1`),
      secure(6004, `1 AES_CM_128_HMAC_SHA1_80 inline:${KEY}|2^20|66000:4`),
    )
    expect(a().srtpIn).toMatchObject({ mki: { value: 1, length: 1 } })
    expect(b().srtpIn).toMatchObject({ mki: { value: 66_000, length: 4 } })
    expect([a().srtpOut?.mki, b().srtpOut?.mki]).toEqual([undefined, undefined])
    expect([a().srtpInFurther, b().srtpInFurther]).toEqual([[], []])
    expect(answered.sdp).toMatch(/a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:[A-Za-z0-9+/]{40}\r\n/)
  })

  const lines = (port: number, ...suites: string[]) =>
    body(
      `m=audio ${port} RTP/SAVP 0\r\n${suites.map((suite, index) => `a=crypto:${index + 1} AES_CM_128_HMAC_SHA1_${suite} inline:${KEY}\r\n`).join('')}`,
    )
  test.each([
    ['nothing: what the other side took', [], '80', '2'],
    ['no-: not that one', ['no-AES_CM_128_HMAC_SHA1_80'], '80', '1'],
    ['only-', ['only-AES_CM_128_HMAC_SHA1_32'], '80', '1'],
    ['order:', ['order:AES_CM_128_HMAC_SHA1_32;AES_CM_128_HMAC_SHA1_80'], '80', '1'],
    ["prefer: the offerer's first", ['prefer'], '80', '1'],
    ['a suite that is not offered is no wish', ['order:AEAD_AES_256_GCM;AES_CM_128_HMAC_SHA1_80'], '32', '2'],
  ])('an answer is chosen among what was offered: %s', (_, SDES, taken, expected) => {
    const { ask } = rig()
    ask('offer', { sdp: lines(5004, '32', '80') })
    const answer = body(
      `m=audio 6004 RTP/SAVP 0\r\na=crypto:${taken === '32' ? 1 : 2} AES_CM_128_HMAC_SHA1_${taken} inline:${KEY}\r\n`,
    )
    const { sdp } = ask('answer', { 'to-tag': 'B', sdp: answer, SDES })
    expect(/a=crypto:(\d)/.exec(String(sdp))![1]).toBe(expected)
  })

  test('static: a re-INVITE keeps the suite that was agreed', () => {
    const { ask } = rig()
    const exchange = (SDES: string[], ...suites: string[]) => {
      ask('offer', { 'to-tag': 'B', sdp: lines(5004, ...suites), 'transport-protocol': 'RTP/AVP' })
      return /a=crypto:\d AES_CM_128_HMAC_SHA1_(\d+)/.exec(
        String(ask('answer', { 'to-tag': 'B', sdp: audio(6004), SDES }).sdp),
      )![1]
    }
    expect(exchange([], '80')).toBe('80')
    expect(exchange(['static'], '32', '80')).toBe('80')
    expect(exchange([], '32', '80')).toBe('32')
    expect(exchange(['static'], '80')).toBe('80')
  })

  test('GCM on one side, plain on the other', () => {
    const gcm = Buffer.alloc(28, 7).toString('base64')
    const { talk } = rig()
    const { answered, a, b } = talk(secure(5004, `3 AEAD_AES_128_GCM inline:${gcm}`), audio(6004), {
      'transport-protocol': 'RTP/AVP',
    })
    expect(answered.sdp).toMatch(/a=crypto:3 AEAD_AES_128_GCM inline:[A-Za-z0-9+/]{38}\r\n/)
    expect(a()).toMatchObject({ srtpIn: { suite: 'AEAD_AES_128_GCM' }, srtpOut: { suite: 'AEAD_AES_128_GCM' } })
    expect(b()).toMatchObject({ srtpIn: null, srtpOut: null })
  })
})

test('a query tells by SSRC how speech is heard, in rtpengine units', () => {
  const { ask, talk, native } = rig()
  talk(audio(5004), audio(6004))
  const [stream] = native().open.values()
  const source = { ssrc: 0xdeadbeef, packets: 98, bytes: 1720, lost: 2, jitter: 16, jitterMillis: 2, duplicates: 0 }
  stream!.stats = { ...stream!.stats, ssrc: source.ssrc, sources: [source], roundTrips: 1, roundTripMeanMillis: 12.5 }
  const query = ask('query')
  expect(query.SSRC).toEqual({
    3735928559: {
      packets: 98,
      bytes: 1720,
      'cumulative loss': 2,
      'average MOS': { MOS: 42, 'round-trip time': 12_500, jitter: 2, 'packet loss': 2, samples: 1 },
    },
  })
  expect(JSON.stringify(query.tags)).toContain('"SSRC":3735928559')
})

test('list and statistics', async () => {
  const { ask, talk, relay, clock, native } = rig()
  talk(audio(5004), audio(6004))
  for (const stream of native().open.values()) stream.stats = { ...stream.stats, rtpPacketsIn: 10, rtpBytesIn: 1720 }
  ask('offer', { 'call-id': 'other', sdp: audio(5004) })
  expect(ask('list', { limit: '1' }).calls).toEqual(['c'])
  expect(ask('list').calls).toEqual(['c', 'other'])
  const numbers = () => ask('statistics').statistics as unknown as Record<string, Record<string, unknown>>
  expect(numbers()).toMatchObject({
    currentstatistics: { sessionstotal: 2 },
    totalstatistics: { managedsessions: 0 },
    interfaces: [
      { name: 'default', address: '10.0.0.5', ports: { used: 8, min: 30_000, max: 40_000 } },
      { name: 'out', ports: { used: 0 } },
    ],
  })
  clock.advance(2_000)
  ask('delete')
  ask('delete', { 'call-id': 'other' })
  ask('query', { 'call-id': 'gone' })
  expect(numbers()).toMatchObject({
    currentstatistics: { sessionstotal: 0 },
    totalstatistics: {
      managedsessions: 2,
      regularterminatedsessions: 2,
      relayedpackets: 20,
      relayedbytes: 3440,
      zerowaystreams: 1,
      onewaystreams: 0,
      totalcallsduration: '4.000000',
      uptime: '2',
    },
    controlstatistics: { totaloffercount: 2, totalanswercount: 1, totaldeletecount: 2, totalerrorcount: 1 },
    interfaces: [{ ports: { used: 0 } }, {}],
  })
  await relay.close()
})
