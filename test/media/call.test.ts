// Owns what offers and answers do to a call, on the relay of tests: the Office 365 call, hold, forks, keys, ports, ends.
import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../src/clock.ts'
import { createFakeNative, type FakeNative } from '../../src/media/fake-native.ts'
import { createEmbeddedRelay, createFakeRelay, type FakeRelay, type FakeStream } from '../../src/media/index.ts'
import { CALL_MANAGER_OFFER, OFFICE_ANSWER, OFFICE_KEY, TO_MANAGER, TO_OFFICE } from './o365.ts'

const lines = (sdp: string) => sdp.split('\r\n')
const portOf = (sdp: string) => Number(/^m=\S+ (\d+)/m.exec(sdp)?.[1])
const keyOf = (sdp: string) => /inline:(\S+)/.exec(sdp)?.[1]
const streamAt = (relay: FakeRelay, port: number): FakeStream =>
  [...relay.native.open.values()].find((stream) => stream.rtpPort === port)!

async function office(relay: FakeRelay) {
  const call = { callId: 'c81d7600', fromTag: '94213' }
  const offer = await relay.offer({ ...call, sdp: CALL_MANAGER_OFFER, flags: TO_OFFICE })
  const answer = await relay.answer({ ...call, toTag: 'ee195713eb', sdp: OFFICE_ANSWER, flags: TO_MANAGER })
  return { call, offer: offer.sdp, answer: answer.sdp, outside: portOf(offer.sdp), inside: portOf(answer.sdp) }
}

describe('the Office 365 call', () => {
  test('the offer is the one that Office 365 takes (rules U03, U04, U05, U07)', async () => {
    const { offer } = await office(createFakeRelay())
    const port = portOf(offer)
    expect(lines(offer)).toEqual([
      'v=0',
      'o=CiscoSystemsCCM-SIP 94213 1 IN IP4 10.0.2.52',
      's=SIP Call',
      'c=IN IP4 25.25.25.5',
      't=0 0',
      `m=audio ${port} RTP/SAVP 0 101`,
      'a=rtpmap:0 PCMU/8000',
      'a=rtpmap:101 telephone-event/8000',
      'a=fmtp:101 0-15',
      'a=sendrecv',
      `a=rtcp:${port + 1}`,
      'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB',
      'a=ptime:20',
      '',
    ])
  })

  test('the answer is plain RTP at the inner address', async () => {
    const { answer } = await office(createFakeRelay())
    expect(answer).toContain('c=IN IP4 10.0.0.5\r\nb=CT')
    expect(answer).toContain('RTP/AVP 0 101\r\nc=IN IP4 10.0.0.5\r\na=label:main-audio\r\n')
    expect(answer).not.toMatch(/crypto|c=IN IP4 207/)
  })

  test('the streams are linked, SRTP outside and RTP inside', async () => {
    const relay = createFakeRelay()
    const { outside, inside } = await office(relay)
    const [out, into] = [streamAt(relay, outside), streamAt(relay, inside)]
    expect([out.peer, into.peer]).toEqual([into.id, out.id])
    expect(out.config).toMatchObject({
      remote: { address: '207.46.198.124', rtpPort: 54532, rtcpPort: 54533 },
      latching: 'learn',
    })
    expect(Buffer.from(out.config!.srtpIn!.key).toString('base64')).toBe(OFFICE_KEY)
    expect(out.config!.srtpOut!.key).toEqual(new Uint8Array(30).fill(1))
    expect(into.config).toMatchObject({ remote: { address: '10.0.0.6', rtpPort: 24580 }, srtpIn: null, srtpOut: null })
    expect(into.config).toMatchObject({
      send: true,
      receive: true,
      timeoutMillis: 60_000,
      silentTimeoutMillis: 3_600_000,
    })
  })

  test('hold and retrieve by the callee keep ports, interfaces and keys (rule T63)', async () => {
    const relay = createFakeRelay()
    const { call, offer, outside, inside } = await office(relay)
    const back = { callId: call.callId, fromTag: 'ee195713eb', toTag: call.fromTag }
    const held = await relay.offer({ ...back, sdp: OFFICE_ANSWER.replace('sendrecv', 'inactive'), flags: TO_MANAGER })
    expect(portOf(held.sdp)).toBe(inside)
    expect(held.sdp).toContain('a=inactive')
    expect(held.sdp).toContain('RTP/AVP')
    const yes = await relay.answer({ ...back, sdp: `${CALL_MANAGER_OFFER}a=inactive\r\n`, flags: TO_OFFICE })
    expect([portOf(yes.sdp), keyOf(yes.sdp)]).toEqual([outside, keyOf(offer)])
    expect(yes.sdp).toContain('c=IN IP4 25.25.25.5')
    expect([streamAt(relay, outside).config?.send, streamAt(relay, inside).config?.send]).toEqual([false, false])
    await relay.offer({ ...back, sdp: OFFICE_ANSWER, flags: TO_MANAGER })
    const resumed = await relay.answer({ ...back, sdp: CALL_MANAGER_OFFER, flags: TO_OFFICE })
    expect(keyOf(resumed.sdp)).toBe(keyOf(offer))
    expect([streamAt(relay, outside).config?.send, streamAt(relay, inside).config?.send]).toEqual([true, true])
    expect(relay.native.open.size).toBe(2)
  })

  test('hold by the caller with 0.0.0.0: nothing is sent to it', async () => {
    const relay = createFakeRelay()
    const { call, outside, inside } = await office(relay)
    const request = { ...call, toTag: 'ee195713eb' }
    const zero = CALL_MANAGER_OFFER.replace('c=IN IP4 10.0.0.6', 'c=IN IP4 0.0.0.0')
    const offer = await relay.offer({ ...request, sdp: zero, flags: TO_OFFICE })
    expect(offer.sdp).toContain('a=sendonly')
    expect(portOf(offer.sdp)).toBe(outside)
    await relay.answer({ ...request, sdp: OFFICE_ANSWER.replace('sendrecv', 'recvonly'), flags: TO_MANAGER })
    expect(streamAt(relay, inside).config).toMatchObject({ send: false })
    expect(streamAt(relay, inside).config!.remote).toBeUndefined()
    expect(streamAt(relay, outside).config).toMatchObject({ send: true })
  })

  test('a refused re-INVITE changes no packet', async () => {
    const relay = createFakeRelay()
    const { call, inside } = await office(relay)
    const before = structuredClone(streamAt(relay, inside).config)
    await relay.offer({
      ...call,
      toTag: 'ee195713eb',
      sdp: CALL_MANAGER_OFFER.replace('10.0.0.6', '10.0.0.7'),
      flags: TO_OFFICE,
    })
    expect(streamAt(relay, inside).config).toEqual(before)
  })

  test('a new key of theirs in an offer renews ours, the same key goes on (rule T65)', async () => {
    const relay = createFakeRelay()
    const { call, offer, outside } = await office(relay)
    const back = { callId: call.callId, fromTag: 'ee195713eb', toTag: call.fromTag }
    const other = OFFICE_ANSWER.replace(OFFICE_KEY, 'Rt5s9b1WdrBKIoygx4q3Tx8Zog/+Qt1/UTEmxr9x')
    await relay.offer({ ...back, sdp: other, flags: TO_MANAGER })
    const renewed = await relay.answer({ ...back, sdp: CALL_MANAGER_OFFER, flags: TO_OFFICE })
    expect(keyOf(renewed.sdp)).not.toBe(keyOf(offer))
    const { srtpIn, srtpOut } = streamAt(relay, outside).config!
    expect(Buffer.from(srtpIn!.key).toString('base64')).toBe('Rt5s9b1WdrBKIoygx4q3Tx8Zog/+Qt1/UTEmxr9x')
    expect(Buffer.from(srtpOut!.key).toString('base64')).toBe(keyOf(renewed.sdp))
    const again = await relay.offer({ ...call, toTag: 'ee195713eb', sdp: CALL_MANAGER_OFFER, flags: TO_OFFICE })
    expect(keyOf(again.sdp)).toBe(keyOf(renewed.sdp))
  })

  test.each([
    [
      'plain RTP',
      OFFICE_ANSWER.replace('RTP/SAVP', 'RTP/AVP').replace(/a=crypto.*\r\n/, ''),
      /answer to RTP\/SAVP is RTP\/AVP/,
    ],
    ['no crypto line', OFFICE_ANSWER.replace(/a=crypto.*\r\n/, ''), /none of the crypto lines/],
    ['a suite that was not offered', OFFICE_ANSWER.replace('SHA1_80', 'SHA1_32'), /none of the crypto lines/],
    ['more media than offered', `${OFFICE_ANSWER}m=video 1 RTP/AVP 31\r\n`, /answer has 2 media, the offer 1/],
  ])('an answer with %s is refused, and a right one still taken', async (_, sdp, reason) => {
    const relay = createFakeRelay()
    const call = { callId: 'c', fromTag: 'A' }
    await relay.offer({ ...call, sdp: CALL_MANAGER_OFFER, flags: TO_OFFICE })
    await expect(relay.answer({ ...call, toTag: 'B', sdp, flags: TO_MANAGER })).rejects.toThrow(reason)
    expect([...relay.native.open.values()].map((stream) => stream.config)).toEqual([undefined, undefined])
    await relay.answer({ ...call, toTag: 'B', sdp: OFFICE_ANSWER, flags: TO_MANAGER })
  })

  test('an answer under another tag of ours is taken by its suite; MKI and lifetime are read (rule T64)', async () => {
    const relay = createFakeRelay()
    const call = { callId: 'c', fromTag: 'A' }
    await relay.offer({ ...call, sdp: CALL_MANAGER_OFFER, flags: TO_OFFICE })
    const sdp = OFFICE_ANSWER.replace('crypto:1', 'crypto:0').replace(OFFICE_KEY, `${OFFICE_KEY}|2^31|1:1`)
    await relay.answer({ ...call, toTag: 'B', sdp, flags: TO_MANAGER })
  })

  test('a late offer in the 200, its answer in the ACK', async () => {
    const relay = createFakeRelay()
    const call = { callId: 'late', fromTag: 'A', toTag: 'B' }
    const offer = await relay.offer({ ...call, message: 'reply', sdp: OFFICE_ANSWER, flags: TO_MANAGER })
    expect(offer.sdp).toContain('c=IN IP4 10.0.0.5')
    const answer = await relay.answer({ ...call, message: 'request', sdp: CALL_MANAGER_OFFER, flags: TO_OFFICE })
    expect(answer.sdp).toMatch(/c=IN IP4 25\.25\.25\.5.*RTP\/SAVP.*crypto:1 /s)
    await relay.delete({ ...call, flags: '' })
    expect(relay.native.open.size).toBe(0)
  })
})

describe('addresses that are refused', () => {
  test.each(['224.0.0.1', '255.255.255.255', 'example.com'])('%s', async (address) => {
    const relay = createFakeRelay()
    const sdp = CALL_MANAGER_OFFER.replace('c=IN IP4 10.0.0.6', `c=IN IP4 ${address}`)
    await expect(relay.offer({ callId: 'c', fromTag: 'A', sdp, flags: '' })).rejects.toMatchObject({
      code: expect.stringMatching(/^ERR_(MEDIA|PARSE)$/),
    })
    expect(relay.native.open.size).toBe(0)
  })
})

describe('suites offered', () => {
  const offered = async (flags: string, sdp = CALL_MANAGER_OFFER) => {
    const { sdp: offer } = await createFakeRelay().offer({ callId: 'c', fromTag: 'A', sdp, flags })
    return [...offer.matchAll(/a=crypto:(\d+) (\S+)/g)].map(
      (match) => `${match[1]} ${match[2]!.replace('AES_CM_128_HMAC_SHA1', '')}`,
    )
  }
  test('all by default, some where the flags name suites', async () => {
    expect(await offered('SRTP')).toHaveLength(8)
    expect(await offered('SRTP SDES-only-AES_CM_128_HMAC_SHA1_32')).toEqual(['1 _32'])
    expect(await offered('SRTP SDES-no-AES_CM_128_HMAC_SHA1_80')).toEqual([
      '1 AEAD_AES_256_GCM',
      '2 AEAD_AES_128_GCM',
      '3 AES_256_CM_HMAC_SHA1_80',
      '4 AES_256_CM_HMAC_SHA1_32',
      '5 AES_192_CM_HMAC_SHA1_80',
      '6 AES_192_CM_HMAC_SHA1_32',
      '7 _32',
    ])
    expect((await offered('SRTP SDES-order:AES_CM_128_HMAC_SHA1_80;AES_CM_128_HMAC_SHA1_32')).slice(0, 2)).toEqual([
      '1 _80',
      '2 _32',
    ])
  })
  test('what the other side offered keeps its tags', async () => {
    const sdp = OFFICE_ANSWER.replace('crypto:1', 'crypto:7')
    expect((await offered('', sdp)).slice(0, 2)).toEqual(['7 _80', '8 AEAD_AES_256_GCM'])
    expect(await offered('SDES-nonew', sdp)).toEqual(['7 _80'])
  })
  test('no suite left is an error', async () => {
    await expect(offered('SRTP DTLS=off SDES-only-NULL_HMAC_SHA1_80')).rejects.toMatchObject({ code: 'ERR_MEDIA' })
    await expect(offered('SRTP DTLS=off SDES-off')).rejects.toMatchObject({ code: 'ERR_MEDIA' })
  })
  test('a fingerprint that cannot be checked is none; DTLS=off leaves it out beside a crypto line (rule T64)', async () => {
    const lines = 'a=setup:actpass\r\na=fingerprint:sha-256 AA:BB\r\n'
    const alone = OFFICE_ANSWER.replace(/a=crypto.*\r\n/, lines)
    await expect(offered('', alone)).rejects.toThrow(/fingerprint/)
    await expect(offered('RTP', alone)).rejects.toThrow(/fingerprint/)
    const both = OFFICE_ANSWER.replace('RTP/SAVP', 'UDP/TLS/RTP/SAVP') + lines
    const { sdp } = await createFakeRelay().offer({ callId: 'c', fromTag: 'A', sdp: both, flags: 'RTP/SAVP DTLS=off' })
    expect(sdp).toContain(' RTP/SAVP 0 101')
    expect(sdp).not.toMatch(/fingerprint|setup/)
  })
})

describe('forks', () => {
  const call = { callId: 'f', fromTag: 'A' }
  const from = (port: number) =>
    `v=0\r\no=- 1 1 IN IP4 10.9.9.9\r\ns=-\r\nc=IN IP4 10.9.9.9\r\nt=0 0\r\nm=audio ${port} RTP/AVP 0\r\n`
  test('another To tag takes the call over on the same ports, the first may take it back (rule T60)', async () => {
    const relay = createFakeRelay()
    const { sdp: offer } = await relay.offer({ ...call, sdp: CALL_MANAGER_OFFER, flags: '' })
    const ports: number[] = []
    for (const [tag, port] of [
      ['B1', 6000],
      ['B2', 7000],
      ['B1', 6000],
    ] as const) {
      const { sdp } = await relay.answer({ ...call, toTag: tag, sdp: from(port), flags: '' })
      ports.push(portOf(sdp))
      expect(streamAt(relay, portOf(offer)).config?.remote?.rtpPort).toBe(port)
    }
    expect(new Set(ports).size).toBe(1)
    expect(relay.native.open.size).toBe(2)
    await relay.delete({ ...call, toTag: 'B2', flags: 'to-tag' })
    expect(relay.native.open.size).toBe(2)
    await relay.delete({ callId: 'f', fromTag: 'B1', toTag: 'A', flags: '' })
    expect(relay.native.open.size).toBe(0)
  })

  test('branches told apart by their Via have ports of their own', async () => {
    const relay = createFakeRelay()
    const offers: number[] = []
    for (const viaBranch of ['z1', 'z2'])
      offers.push(
        portOf((await relay.offer({ ...call, viaBranch, sdp: CALL_MANAGER_OFFER, flags: 'via-branch=1' })).sdp),
      )
    expect(new Set(offers).size).toBe(2)
    expect(relay.native.open.size).toBe(3)
    await relay.answer({ ...call, viaBranch: 'z1', toTag: 'B', sdp: from(6000), flags: 'via-branch=1' })
    expect(streamAt(relay, offers[0]!).config?.remote?.rtpPort).toBe(6000)
    expect(streamAt(relay, offers[1]!).config).toMatchObject({ send: false, receive: false })
    await relay.delete({ ...call, viaBranch: 'z2', flags: 'via-branch=1' })
    expect(relay.native.open.size).toBe(2)
  })

  test.each(['z1', 'z2'])(
    'a branch that is refused (%s) leaves the other one, whichever was offered last',
    async (refused) => {
      const relay = createFakeRelay()
      const flags = 'via-branch=1'
      const offers = new Map<string, number>()
      for (const viaBranch of ['z1', 'z2'])
        offers.set(viaBranch, portOf((await relay.offer({ ...call, viaBranch, sdp: CALL_MANAGER_OFFER, flags })).sdp))
      await relay.answer({ ...call, viaBranch: refused, toTag: 'early', sdp: from(5000), flags })
      await relay.delete({ ...call, viaBranch: refused, flags })
      expect(relay.native.open.size).toBe(2)
      const viaBranch = refused === 'z1' ? 'z2' : 'z1'
      // Also where the answer does not name its branch.
      await relay.answer({ ...call, toTag: 'B', sdp: from(6000), flags: '' })
      expect(streamAt(relay, offers.get(viaBranch)!).config).toMatchObject({ send: true, remote: { rtpPort: 6000 } })
      await relay.delete({ ...call, viaBranch, flags })
      expect(relay.native.open.size).toBe(0)
    },
  )

  test('branches that end with a delay end each for itself, and do not keep the call', async () => {
    const clock = new ManualClock()
    const relay = createEmbeddedRelay({ interfaces: ['10.0.0.5'], clock, deleteDelay: 30, native: createFakeNative })
    const flags = 'via-branch=1'
    for (const viaBranch of ['z1', 'z2', 'z3'])
      await relay.offer({ ...call, viaBranch, sdp: CALL_MANAGER_OFFER, flags })
    for (const viaBranch of ['z1', 'z2']) await relay.delete({ ...call, viaBranch, flags })
    await relay.answer({ ...call, viaBranch: 'z3', toTag: 'B', sdp: from(6000), flags })
    expect(relay.streams).toBe(4)
    await relay.delete({ ...call, flags: '' })
    clock.advance(30_000)
    expect([relay.sessions, relay.streams]).toEqual([0, 0])
    for (const viaBranch of ['z1', 'z2']) await relay.offer({ ...call, viaBranch, sdp: CALL_MANAGER_OFFER, flags })
    await relay.delete({ ...call, viaBranch: 'z1', flags })
    await relay.answer({ ...call, viaBranch: 'z2', toTag: 'B', sdp: from(6000), flags })
    clock.advance(30_000)
    expect([relay.sessions, relay.streams]).toEqual([1, 2])
  })

  test('tags without end are refused', async () => {
    const relay = createFakeRelay()
    await relay.offer({ ...call, sdp: CALL_MANAGER_OFFER, flags: '' })
    const flood = Array.from({ length: 100 }, (_, index) =>
      relay.answer({ ...call, toTag: `B${index}`, sdp: from(6000), flags: '' }),
    )
    const results = await Promise.allSettled(flood)
    expect(results.at(-1)).toMatchObject({ status: 'rejected', reason: { code: 'ERR_LIMIT' } })
    await relay.delete({ ...call, flags: '' })
    expect(relay.native.open.size).toBe(0)
  })
})

describe('ports and ends', () => {
  test('no port left: the offer fails, what it opened is closed, the call before goes on', async () => {
    const relay = createFakeRelay({ portMin: 30_000, portMax: 30_005 })
    await relay.offer({ callId: 'one', fromTag: 'A', sdp: CALL_MANAGER_OFFER, flags: '' })
    await expect(
      relay.offer({ callId: 'two', fromTag: 'A', sdp: CALL_MANAGER_OFFER, flags: '' }),
    ).rejects.toMatchObject({ code: 'ERR_MEDIA_PORTS' })
    expect(relay.native.open.size).toBe(2)
    await relay.delete({ callId: 'one', fromTag: 'A', flags: '' })
    await relay.offer({ callId: 'two', fromTag: 'A', sdp: CALL_MANAGER_OFFER, flags: '' })
  })

  function timed(options: { deleteDelay?: number; offerTimeout?: number; finalTimeout?: number } = {}) {
    const clock = new ManualClock()
    let native!: FakeNative
    const ended: string[] = []
    const relay = createEmbeddedRelay({
      interfaces: ['10.0.0.5'],
      clock,
      ...options,
      native: (callbacks) => (native = createFakeNative(callbacks)),
    })
    relay.onTimeout = (callId, reason) => ended.push(`${callId} ${reason}`)
    return { clock, native: () => native, ended, relay }
  }

  test('silence of every stream ends the call, silence of one does not', async () => {
    const { clock, native, ended, relay } = timed()
    await relay.offer({ callId: 'c', fromTag: 'A', sdp: CALL_MANAGER_OFFER, flags: 'SRTP' })
    await relay.answer({ callId: 'c', fromTag: 'A', toTag: 'B', sdp: OFFICE_ANSWER, flags: '' })
    const [first, second] = [...native().open.values()]
    second!.stats = { ...second!.stats, lastPacketAgeMillis: 20 }
    clock.advance(61_000)
    native().fallSilent(first!.id)
    expect(ended).toEqual([])
    second!.stats = { ...second!.stats, lastPacketAgeMillis: 60_020 }
    first!.stats = { ...first!.stats, lastPacketAgeMillis: 90_000 }
    clock.advance(60_000)
    native().fallSilent(second!.id)
    expect(ended).toEqual(['c media timeout'])
    expect([relay.sessions, native().open.size]).toEqual([0, 0])
  })

  test('held media waits for the silent time-out', async () => {
    const { clock, native, ended, relay } = timed()
    await relay.offer({ callId: 'c', fromTag: 'A', sdp: `${CALL_MANAGER_OFFER}a=inactive\r\n`, flags: 'SRTP' })
    await relay.answer({
      callId: 'c',
      fromTag: 'A',
      toTag: 'B',
      sdp: OFFICE_ANSWER.replace('sendrecv', 'inactive'),
      flags: '',
    })
    const [first, second] = [...native().open.values()]
    expect(first!.config?.timeoutMillis).toBe(3_600_000)
    clock.advance(3_500_000)
    native().fallSilent(first!.id)
    expect(ended).toEqual([])
    clock.advance(100_000)
    native().fallSilent(second!.id)
    expect(ended).toEqual(['c silent timeout'])
  })

  test('an offer without answer goes after its time, a call after the final one', async () => {
    const { clock, ended, relay } = timed({ offerTimeout: 100, finalTimeout: 1_000 })
    await relay.offer({ callId: 'quiet', fromTag: 'A', sdp: CALL_MANAGER_OFFER, flags: '' })
    await relay.offer({ callId: 'long', fromTag: 'A', sdp: CALL_MANAGER_OFFER, flags: 'SRTP' })
    await relay.answer({ callId: 'long', fromTag: 'A', toTag: 'B', sdp: OFFICE_ANSWER, flags: '' })
    clock.advance(100_000)
    expect(ended).toEqual(['quiet offer timeout'])
    clock.advance(900_000)
    expect(ended).toEqual(['quiet offer timeout', 'long final timeout'])
    expect(clock.pending).toBe(0)
  })

  test('a delete waits for its delay, an offer within it keeps the call', async () => {
    const { clock, relay } = timed({ deleteDelay: 30 })
    const call = { callId: 'c', fromTag: 'A', flags: '' }
    await relay.offer({ ...call, sdp: CALL_MANAGER_OFFER })
    await relay.delete(call)
    clock.advance(20_000)
    await relay.offer({ ...call, sdp: CALL_MANAGER_OFFER })
    clock.advance(60_000)
    expect(relay.sessions).toBe(1)
    await relay.delete(call)
    await relay.delete(call)
    clock.advance(30_000)
    expect(relay.sessions).toBe(0)
    await relay.offer({ ...call, sdp: CALL_MANAGER_OFFER })
    await relay.delete({ ...call, flags: 'delete-delay=0' })
    expect(relay.sessions).toBe(0)
  })

  test('counters come with the delete', async () => {
    const relay = createFakeRelay()
    const { call, outside } = await office(relay)
    const stream = streamAt(relay, outside)
    stream.stats = {
      ...stream.stats,
      rtpPacketsIn: 100,
      rtpBytesIn: 17_200,
      lost: 2,
      jitterMillis: 1.5,
      roundTrips: 3,
      roundTripMeanMillis: 40,
      sources: [{ ssrc: 77, packets: 100, bytes: 17_200, lost: 2, jitter: 12, jitterMillis: 1.5, duplicates: 0 }],
      ssrc: 77,
      srtpAuthFailures: 3,
      lastPacketAgeMillis: 5,
    }
    const { streams } = await relay.delete({ ...call, flags: '' })
    expect(streams.find((each) => each.localPort === outside)).toMatchObject({
      tag: 'ee195713eb',
      suite: 'AES_CM_128_HMAC_SHA1_80',
      rtpIn: { packets: 100, bytes: 17_200, errors: 3 },
      lost: 2,
      roundTripMillis: 40,
      mos: 4.21,
      srtpFailures: { authentication: 3 },
    })
  })

  test('an unknown interface is told, and the default used', async () => {
    const relay = createFakeRelay()
    const { sdp, warnings } = await relay.offer({
      callId: 'c',
      fromTag: 'A',
      sdp: CALL_MANAGER_OFFER,
      flags: 'direction=nope direction=external bogus',
    })
    expect(sdp).toContain('25.25.25.5')
    expect(warnings).toEqual([
      'rtpengine flag "bogus" is not known',
      'there is no interface "nope"; the default is used',
    ])
  })
})

describe('the relay of tests', () => {
  test('keeps operations, fails on demand, is down on demand', async () => {
    const relay = createFakeRelay()
    const request = { callId: 'c', fromTag: 'A', sdp: CALL_MANAGER_OFFER, flags: '' }
    relay.failNext(undefined, 'offer')
    await expect(relay.offer(request)).rejects.toMatchObject({ code: 'ERR_MEDIA' })
    relay.down = true
    await expect(relay.offer(request)).rejects.toMatchObject({ code: 'ERR_MEDIA_UNREACHABLE' })
    relay.down = false
    await relay.offer(request)
    expect(relay.operations.map(({ command, error }) => [command, error !== undefined])).toEqual([
      ['offer', true],
      ['offer', true],
      ['offer', false],
    ])
    const ended: string[] = []
    relay.onTimeout = (callId) => ended.push(callId)
    relay.timeOut('c')
    expect(ended).toEqual(['c'])
    await Promise.resolve()
    expect(relay.native.open.size).toBe(0)
  })
})
