// Owns the tests of what the native relay tells of a stream: by SSRC, and from the far end's RTCP.
import { afterEach, beforeEach, expect, test } from 'vitest'
import { key, NativeRig } from './native-rig.ts'
import { rtcp, rtp } from './rtp-peer.ts'
import { GcmOracle } from './srtp-oracle.ts'

let rig: NativeRig

beforeEach(() => {
  rig = new NativeRig()
})
afterEach(() => rig.close())

/** A sender report with this NTP time stamp (RFC 3550 6.4.1). */
function senderReport(ssrc: number, seconds: number, fraction: number): Buffer {
  const packet = rtcp(ssrc)
  packet.writeUInt32BE(seconds, 8)
  packet.writeUInt32BE(fraction, 12)
  return packet
}

function receiverReport(ssrc: number, about: number, lsr: number, dlsrSeconds: number): Buffer {
  const packet = Buffer.alloc(32)
  packet.writeUInt32BE(0x81c90007, 0)
  packet.writeUInt32BE(ssrc, 4)
  packet.writeUInt32BE(about, 8)
  packet.writeUInt32BE(0x40000005, 12)
  packet.writeUInt32BE(160, 20)
  packet.writeUInt32BE(lsr, 24)
  packet.writeUInt32BE(Math.round(dlsrSeconds * 65_536), 28)
  return packet
}

test('each SSRC is told apart, the last eight at most', async () => {
  const [a, b] = await rig.call()
  for (const sequence of [1, 2, 5, 5]) await a.rtp.send(rtp(sequence, { ssrc: 0xffffffff }), a.rtpPort)
  for (let ssrc = 1; ssrc <= 3; ssrc++) await a.rtp.send(rtp(1, { ssrc, payload: Buffer.alloc(20) }), a.rtpPort)
  await b.rtp.hear(7)
  const { sources, ssrcChanges, lost, duplicates } = rig.relay.stats(a.id)
  expect({ ssrcChanges, lost, duplicates }).toEqual({ ssrcChanges: 3, lost: 2, duplicates: 1 })
  expect(sources.map(({ jitter: _, jitterMillis: __, ...source }) => source)).toEqual([
    { ssrc: 0xffffffff, packets: 3, bytes: 3 * 172, lost: 2, duplicates: 1 },
    ...[1, 2, 3].map((ssrc) => ({ ssrc, packets: 1, bytes: 32, lost: 0, duplicates: 0 })),
  ])
  for (let ssrc = 100; ssrc < 120; ssrc++) await a.rtp.send(rtp(1, { ssrc }), a.rtpPort)
  await b.rtp.hear(27)
  const kept = rig.relay.stats(a.id).sources.map((source) => source.ssrc)
  expect(kept.sort()).toEqual(Array.from({ length: 8 }, (_, i) => 112 + i))
  expect(rig.relay.stats(b.id).sources).toEqual([])
})

test('the round trip to a far end, from the sender report that went to it and its answer; in the clear and through SRTP', async () => {
  const suite = 'AEAD_AES_128_GCM'
  for (const secured of [false, true]) {
    const [a, b] = await rig.call({}, secured ? { srtpIn: key(1, suite), srtpOut: key(2, suite) } : {})
    await a.rtcp.send(senderReport(5, 0xabcd1234, 0x56780000), a.rtcpPort)
    await b.rtcp.hear(1)
    const went = performance.now()
    await new Promise((resolve) => setTimeout(resolve, 60))
    const answer = receiverReport(6, 5, 0x12345678, 0.02)
    await b.rtcp.send(secured ? new GcmOracle(key(1, suite).key).protectRtcp(answer, 0) : answer, b.rtcpPort)
    await a.rtcp.hear(1)
    const most = performance.now() - went
    const stats = rig.relay.stats(b.id)
    expect(stats.roundTrips).toBe(1)
    expect(stats.roundTripMillis).toBeGreaterThan(35)
    expect(stats.roundTripMillis).toBeLessThan(most)
    expect([stats.roundTripMinMillis, stats.roundTripMaxMillis]).toEqual([stats.roundTripMillis, stats.roundTripMillis])
    expect(stats.reports).toEqual([
      { ssrc: 5, fractionLost: 0.25, lost: 5, jitter: 160, jitterMillis: 20, roundTripMillis: stats.roundTripMillis },
    ])
    expect(rig.relay.stats(a.id)).toMatchObject({ roundTrips: 0, roundTripMillis: -1, reports: [] })
  }
})
