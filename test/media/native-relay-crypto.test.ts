// Owns the tests of AES-GCM and of master key identifiers through the native relay's door.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { key, NativeRig } from './native-rig.ts'
import { rtcp, rtp } from './rtp-peer.ts'
import { GcmOracle, SrtpOracle } from './srtp-oracle.ts'

let rig: NativeRig

beforeEach(() => {
  rig = new NativeRig()
})
afterEach(() => rig.close())

describe('AES-GCM (RFC 7714)', () => {
  test.each(['AEAD_AES_128_GCM', 'AEAD_AES_256_GCM'] as const)('%s: RTP and RTCP both ways', async (suite) => {
    const [inKey, outKey] = [key(1, suite), key(2, suite)]
    const [a, b] = await rig.call({}, { srtpIn: inKey, srtpOut: outKey })
    const [theirs, ours] = [new GcmOracle(inKey.key), new GcmOracle(outKey.key)]
    await a.rtp.send(rtp(4711), a.rtpPort)
    const [secured] = await b.rtp.hear(1)
    expect(secured).toHaveLength(172 + 16)
    expect(ours.unprotectRtp(secured!)).toEqual(rtp(4711))
    await b.rtp.send(theirs.protectRtp(rtp(815)), b.rtpPort)
    expect(await a.rtp.hear(1)).toEqual([rtp(815)])
    await a.rtcp.send(rtcp(), a.rtcpPort)
    expect(ours.unprotectRtcp((await b.rtcp.hear(1))[0]!)).toEqual(rtcp())
    await b.rtcp.send(theirs.protectRtcp(rtcp(5), 77), b.rtcpPort)
    expect(await a.rtcp.hear(1)).toEqual([rtcp(5)])
  })

  test('a payload of nothing is sealed too; a changed packet, a replay and the other side’s key do not pass', async () => {
    const suite = 'AEAD_AES_128_GCM'
    const [a, b] = await rig.call({}, { srtpIn: key(1, suite), srtpOut: key(2, suite) })
    const oracle = new GcmOracle(key(1, suite).key)
    const empty = rtp(1, { payload: Buffer.alloc(0) })
    await b.rtp.send(oracle.protectRtp(empty), b.rtpPort)
    expect(await a.rtp.hear(1)).toEqual([empty])
    await b.rtp.send(oracle.protectRtp(empty), b.rtpPort)
    await rig.counted(b.id, { srtpReplays: 1 })
    const forged = oracle.protectRtp(rtp(2))
    forged[4]! ^= 1
    await b.rtp.send(forged, b.rtpPort)
    await b.rtp.send(new GcmOracle(key(2, suite).key).protectRtp(rtp(2)), b.rtpPort)
    await rig.counted(b.id, { srtpAuthFailures: 2, rtpPacketsIn: 1 })
    await b.rtp.send(oracle.protectRtp(rtp(2)), b.rtpPort)
    expect(await a.rtp.hear(2)).toEqual([empty, rtp(2)])
  })
})

describe.each(['AES_CM_128_HMAC_SHA1_80', 'AEAD_AES_128_GCM'] as const)(
  'roll-over counters (RFC 3711 3.3.1), %s',
  (suite) => {
    const oracle = (seed: number) => {
      const { key: master } = key(seed, suite)
      return suite === 'AEAD_AES_128_GCM' ? new GcmOracle(master) : new SrtpOracle(master)
    }

    test('a stream whose first packets were not heard is met after its sequence began anew', async () => {
      const [a, b] = await rig.call({}, { srtpIn: key(1, suite), srtpOut: key(2, suite) })
      for (const sequence of [65_536 + 3, 65_536 + 4, 65_535])
        await b.rtp.send(oracle(1).protectRtp(rtp(sequence), sequence >> 16), b.rtpPort)
      expect(await a.rtp.hear(3)).toEqual([rtp(65_539), rtp(65_540), rtp(65_535)])
      await b.rtp.send(oracle(2).protectRtp(rtp(7, { ssrc: 9 })), b.rtpPort)
      await rig.counted(b.id, { srtpAuthFailures: 1, rtpPacketsIn: 3 })
    })

    test('a sequence that leaps ahead before it began anew goes on; what is late is not taken for a leap', async () => {
      const [a, b] = await rig.call({}, { srtpIn: key(1, suite), srtpOut: key(2, suite) })
      for (const sequence of [3, 65_530, 60_000, 65_536]) {
        await a.rtp.send(rtp(sequence), a.rtpPort)
        await b.rtp.send(oracle(1).protectRtp(rtp(sequence), sequence >> 16), b.rtpPort)
      }
      expect(await a.rtp.hear(3)).toEqual([rtp(3), rtp(60_000), rtp(65_536)])
      const secured = (await b.rtp.hear(3)).map((packet, index) => oracle(2).unprotectRtp(packet, index === 2 ? 1 : 0))
      expect(secured).toEqual([rtp(3), rtp(60_000), rtp(65_536)])
    })
  },
)

describe('master key identifiers (RFC 3711 3.1, RFC 4568 6.1)', () => {
  const suite = 'AEAD_AES_256_GCM'
  const named = (seed: number, value: number, length = 4) => ({ ...key(seed, suite), mki: { value, length } })

  test('every packet that leaves carries it, and one that arrives must', async () => {
    const [a, b] = await rig.call({}, { srtpIn: named(1, 7), srtpOut: named(2, 0x010203, 5) })
    const mki = (bytes: string) => Buffer.from(bytes, 'hex')
    await a.rtp.send(rtp(1), a.rtpPort)
    const [secured] = await b.rtp.hear(1)
    expect(secured!.subarray(-5)).toEqual(mki('0000010203'))
    expect(new GcmOracle(key(2, suite).key, mki('0000010203')).unprotectRtp(secured!)).toEqual(rtp(1))
    const oracle = new GcmOracle(key(1, suite).key, mki('00000007'))
    await b.rtp.send(new GcmOracle(key(1, suite).key, mki('00000008')).protectRtp(rtp(2)), b.rtpPort)
    await b.rtcp.send(new GcmOracle(key(1, suite).key).protectRtcp(rtcp(), 1), b.rtcpPort)
    await rig.counted(b.id, { srtpWrongMki: 2, srtpAuthFailures: 0, rtpPacketsIn: 0 })
    await b.rtp.send(oracle.protectRtp(rtp(2)), b.rtpPort)
    await b.rtcp.send(oracle.protectRtcp(rtcp(), 1), b.rtcpPort)
    expect(await a.rtp.hear(1)).toEqual([rtp(2)])
    expect(await a.rtcp.hear(1)).toEqual([rtcp()])
  })

  test('the same key under another name keeps its roll-over counter', async () => {
    const [a, b] = await rig.call({}, { srtpIn: named(1, 1), srtpOut: named(1, 1) })
    const oracle = (name: number) => new GcmOracle(key(1, suite).key, Buffer.from([0, 0, 0, name]))
    for (const sequence of [65_535, 65_536]) {
      await a.rtp.send(rtp(sequence), a.rtpPort)
      await b.rtp.send(oracle(1).protectRtp(rtp(sequence), sequence >> 16), b.rtpPort)
    }
    await a.rtp.hear(2)
    await b.rtp.hear(2)
    rig.relay.configure(b.id, { latching: 'learn', remote: b.remote, srtpIn: named(1, 2), srtpOut: named(1, 2) })
    await a.rtp.send(rtp(65_537), a.rtpPort)
    await b.rtp.send(oracle(2).protectRtp(rtp(65_537), 1), b.rtpPort)
    expect(oracle(2).unprotectRtp((await b.rtp.hear(3))[2]!, 1)).toEqual(rtp(65_537))
    expect((await a.rtp.hear(3))[2]).toEqual(rtp(65_537))
  })

  test('of several keys a packet is opened by the one that it names, each with its own roll-over counter and window', async () => {
    const several = { srtpIn: named(1, 1), srtpInFurther: [named(3, 2), named(4, 3)] }
    const [a, b] = await rig.call({}, { ...several, srtpOut: named(2, 1) })
    const oracle = (seed: number, name: number) => new GcmOracle(key(seed, suite).key, Buffer.from([0, 0, 0, name]))
    await b.rtp.send(oracle(1, 1).protectRtp(rtp(1)), b.rtpPort)
    for (const sequence of [65_535, 65_536])
      await b.rtp.send(oracle(4, 3).protectRtp(rtp(sequence), sequence >> 16), b.rtpPort)
    await b.rtcp.send(oracle(3, 2).protectRtcp(rtcp(), 1), b.rtcpPort)
    expect(await a.rtp.hear(3)).toEqual([rtp(1), rtp(65_535), rtp(65_536)])
    expect(await a.rtcp.hear(1)).toEqual([rtcp()])
    // A key that moves to another place in the list goes on; one that left is no longer taken.
    rig.relay.configure(b.id, {
      latching: 'learn',
      remote: b.remote,
      srtpIn: named(4, 3),
      srtpInFurther: [named(1, 1)],
    })
    await b.rtp.send(oracle(4, 3).protectRtp(rtp(65_536), 1), b.rtpPort)
    await b.rtp.send(oracle(1, 1).protectRtp(rtp(1)), b.rtpPort)
    await rig.counted(b.id, { srtpReplays: 2 })
    await b.rtp.send(oracle(3, 2).protectRtp(rtp(2)), b.rtpPort)
    await b.rtp.send(oracle(3, 3).protectRtp(rtp(2)), b.rtpPort)
    await rig.counted(b.id, { srtpWrongMki: 1, srtpAuthFailures: 1 })
    await b.rtp.send(oracle(4, 3).protectRtp(rtp(65_537), 1), b.rtpPort)
    expect((await a.rtp.hear(4))[3]).toEqual(rtp(65_537))
    const configure = (config: object) => () => rig.relay.configure(b.id, { latching: 'learn', ...config })
    expect(configure({ srtpIn: key(1, suite), srtpInFurther: [named(3, 2)] })).toThrow('each has an identifier')
    expect(configure({ srtpIn: named(1, 1), srtpInFurther: [named(3, 2, 2)] })).toThrow('srtpInFurther.mki.length')
  })

  test('one that does not fit is refused in words', async () => {
    const [a] = await rig.call()
    const configure = (value: number, length: number) =>
      rig.relay.configure(a.id, { latching: 'learn', srtpIn: named(1, value, length) })
    expect(() => configure(256, 1)).toThrow('srtpIn: an MKI of 1 bytes cannot hold 256.')
    expect(() => configure(1, 129)).toThrow('srtpIn.mki.length must be a whole number from 1 to 128, not 129.')
    expect(() => configure(-1, 4)).toThrow('srtpIn.mki.value')
  })
})
