// Owns the tests of `generate RTCP`: RTCP ends at the relay, and each side gets reports of the relay's own.
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createFakeRelay } from '../../src/media/index.ts'
import { key, NativeRig, type Side } from './native-rig.ts'
import { rtcp, rtp } from './rtp-peer.ts'
import { GcmOracle } from './srtp-oracle.ts'

const SDP = (port: number, kind = 'audio', protocol = 'RTP/AVP 0') =>
  `v=0\r\no=- 1 1 IN IP4 10.0.0.8\r\ns=-\r\nc=IN IP4 10.0.0.8\r\nt=0 0\r\nm=${kind} ${port} ${protocol}\r\n`

let rig: NativeRig

beforeEach(() => {
  rig = new NativeRig()
})
afterEach(() => rig.close())

/** Sends 20 packets, with one missing. */
async function speak(side: Side, ssrc: number): Promise<void> {
  for (let i = 1; i <= 21; i++) if (i !== 10) await side.rtp.send(rtp(i, { ssrc }), side.rtpPort)
}

test('each side gets a sender report of what it was sent, with a block on what it sent; nothing of the other side passes', async () => {
  const suite = 'AEAD_AES_128_GCM'
  const [a, b] = await rig.call(
    { ownReports: true },
    { ownReports: true, srtpIn: key(1, suite), srtpOut: key(2, suite), rtcpMux: true },
  )
  await speak(a, 0xa)
  await a.rtcp.send(rtcp(0xa), a.rtcpPort)
  const secured = new GcmOracle(key(1, suite).key)
  for (let i = 1; i <= 5; i++) await b.rtp.send(secured.protectRtp(rtp(i, { ssrc: 0xb }), 0), b.rtpPort)
  await a.rtp.hear(5)
  const [toA] = await a.rtcp.hear(1, 6000)
  expect([toA!.readUInt16BE(0), toA!.readUInt32BE(4)]).toEqual([0x81c8, 0xb])
  expect([toA!.readUInt32BE(20), toA!.readUInt32BE(24)]).toEqual([5, 800])
  const block = toA!.subarray(28)
  expect(block.readUInt32BE(0)).toBe(0xa)
  expect(block.readUInt32BE(4)).toBe((Math.floor(256 / 21) << 24) | 1)
  expect(block.readUInt32BE(8)).toBe(21)
  expect(block.readUInt32BE(20)).toBeGreaterThan(0)
  // On b's side all goes by one port, under its key.
  const [toB] = (await b.rtp.hear(21, 6000)).slice(20)
  const opened = new GcmOracle(key(2, suite).key).unprotectRtcp(toB!)
  expect([opened.readUInt16BE(0), opened.readUInt32BE(4), opened.readUInt32BE(20)]).toEqual([0x81c8, 0xa, 20])
  expect(opened.readUInt32BE(28)).toBe(0xb)
  expect(b.rtcp.heard).toEqual([])
  expect(rig.relay.stats(a.id)).toMatchObject({ rtcpPacketsIn: 1, rtcpPacketsOut: 1, discarded: 0 })

  // What answers the relay's own report gives a round trip; switched off, RTCP passes again.
  const answer = Buffer.alloc(32)
  answer.writeUInt32BE(0x81c90007, 0)
  answer.writeUInt32BE(0xa, 4)
  answer.writeUInt32BE(0xb, 8)
  answer.writeUInt32BE(toA!.readUInt32BE(10), 24)
  await a.rtcp.send(answer, a.rtcpPort)
  await rig.counted(a.id, { roundTrips: 1 })
  for (const side of [a, b]) rig.relay.configure(side.id, { latching: 'learn', remote: side.remote })
  await a.rtcp.send(rtcp(0xa), a.rtcpPort)
  expect(await b.rtcp.hear(1)).toEqual([rtcp(0xa)])
}, 15_000)

test('who is held gets reports all the same, and who was never sent anything a receiver report', async () => {
  const [a] = await rig.call({ ownReports: true, send: false }, { ownReports: true })
  await a.rtp.send(rtp(1, { ssrc: 5 }), a.rtpPort)
  const [report] = await a.rtcp.hear(1, 6000)
  expect([report!.readUInt16BE(0), report!.readUInt32BE(8)]).toEqual([0x81c9, 5])
}, 10_000)

test('it holds for both sides of a call, until it is switched off; not for what is no RTP', async () => {
  const relay = createFakeRelay()
  const call = { callId: 'c', fromTag: 'a' }
  const reports = () => [...relay.native.open.values()].map(({ config }) => config?.ownReports)
  const exchange = async (offer: string, answer = '', kind?: string, protocol?: string) => {
    await relay.offer({ ...call, sdp: SDP(4000, kind, protocol), flags: offer })
    await relay.answer({ ...call, toTag: 'b', sdp: SDP(5000, kind, protocol), flags: answer })
    return reports()
  }
  expect(await exchange('')).toEqual([false, false])
  expect(await exchange('generate-RTCP')).toEqual([true, true])
  expect(await exchange('')).toEqual([true, true])
  expect(await exchange('', 'generate-RTCP=off')).toEqual([false, false])
  expect(await exchange('generate-RTCP=on')).toEqual([true, true])
  expect(await exchange('', '', 'image', 'udptl t38')).toEqual([false, false])
})
