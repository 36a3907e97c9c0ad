// Owns the attacks on a relayed call, by their names: each leaves the call that it aims at, and another beside it, as they were.
import { afterEach, beforeEach, expect, test } from 'vitest'
import { key, NativeRig, type Side } from './native-rig.ts'
import { type RtpPeer, rtcp, rtp } from './rtp-peer.ts'
import { SrtpOracle } from './srtp-oracle.ts'

let rig: NativeRig
let attacker: RtpPeer
/** A call that nobody attacks. */
let bystanders: [Side, Side]

beforeEach(async () => {
  rig = new NativeRig(2)
  attacker = await rig.peer('127.0.0.66')
  bystanders = await rig.call()
})

afterEach(async () => {
  const [a, b] = bystanders
  await a.rtp.send(rtp(1), a.rtpPort)
  expect(await b.rtp.hear(1)).toEqual([rtp(1)])
  expect([a.rtp.heard, a.rtcp.heard, b.rtcp.heard, attacker.heard].map((heard) => heard.length)).toEqual([0, 0, 0, 0])
  rig.close()
})

async function talk([a, b]: [Side, Side], sequence: number): Promise<void> {
  const before = [a.rtp.heard.length, b.rtp.heard.length] as const
  await a.rtp.send(rtp(sequence), a.rtpPort)
  await b.rtp.send(rtp(sequence), b.rtpPort)
  expect((await a.rtp.hear(before[0] + 1)).at(-1)).toEqual(rtp(sequence))
  expect((await b.rtp.hear(before[1] + 1)).at(-1)).toEqual(rtp(sequence))
}

test('bleed: who writes to the ports of a call hears nothing of it', async () => {
  const call = await rig.call({ learningMillis: 0 }, { learningMillis: 0 })
  await talk(call, 1)
  for (const side of call) {
    for (const port of [side.rtpPort, side.rtcpPort]) {
      for (const packet of [rtp(5), rtcp(), Buffer.alloc(0), Buffer.from('hello')])
        await attacker.send(packet, port, '127.0.0.1')
    }
  }
  for (let i = 2; i < 20; i++) await talk(call, i)
  expect(attacker.heard).toEqual([])
})

test('injection before learning: the far end takes its stream back, and keeps it', async () => {
  const call = await rig.call({ learningMillis: 150 })
  const [a, b] = call
  await attacker.send(rtp(900, { ssrc: 9 }), a.rtpPort, '127.0.0.1')
  await b.rtp.hear(1)
  b.rtp.heard.length = 0
  await talk(call, 1)
  await attacker.send(rtp(901, { ssrc: 9 }), a.rtpPort, '127.0.0.1')
  await rig.counted(a.id, { unknownSource: 1, learnedRtp: `127.0.0.1:${a.rtp.port}` })
  await talk(call, 2)
  expect(b.rtp.heard).toHaveLength(2)
})

test('injection after learning: nothing of it is heard, nothing of the call moves', async () => {
  const call = await rig.call({ learningMillis: 0 })
  const [a, b] = call
  await talk(call, 1)
  // With the SSRC and the next numbers of the stream, as one who listened would.
  for (let i = 2; i < 50; i++) await attacker.send(rtp(i), a.rtpPort, '127.0.0.1')
  await attacker.send(rtcp(), a.rtcpPort, '127.0.0.1')
  await attacker.send(rtcp(), a.rtpPort, '127.0.0.1')
  await rig.counted(a.id, { unknownSource: 50, rtpPacketsIn: 1, duplicates: 0, ssrcChanges: 0 })
  await talk(call, 2)
  expect(b.rtp.heard).toHaveLength(2)
})

test('injection of SRTP without the key: not learned, not heard, also before anything else came', async () => {
  const [a, b] = await rig.call({}, { srtpIn: key(1), srtpOut: key(2) })
  const forged = new SrtpOracle(key(3).key)
  for (const packet of [rtp(1), forged.protectRtp(rtp(2)), Buffer.concat([rtp(3), Buffer.alloc(10)])])
    await attacker.send(packet, b.rtpPort, '127.0.0.1')
  await rig.counted(b.id, { srtpAuthFailures: 3, learnedRtp: '', rtpPacketsIn: 0 })
  await b.rtp.send(new SrtpOracle(key(1).key).protectRtp(rtp(7)), b.rtpPort)
  expect(await a.rtp.hear(1)).toEqual([rtp(7)])
})

test('replay: what was heard on the wire is worth nothing a second time, from wherever it comes', async () => {
  const [a, b] = await rig.call({}, { srtpIn: key(1), srtpOut: key(2) })
  const oracle = new SrtpOracle(key(1).key)
  const taken = Array.from({ length: 10 }, (_, i) => oracle.protectRtp(rtp(i)))
  for (const packet of taken) await b.rtp.send(packet, b.rtpPort)
  await a.rtp.hear(10)
  for (const packet of taken) await b.rtp.send(packet, b.rtpPort)
  for (const packet of taken) await attacker.send(packet, b.rtpPort, '127.0.0.1')
  // Those of a stranger are refused before they cost a hash.
  await rig.counted(b.id, { srtpReplays: 10, unknownSource: 10, learnedRtp: `127.0.0.1:${b.rtp.port}` })
  expect(a.rtp.heard).toHaveLength(10)
})

test('SSRC flood: memory is bounded, and the stream that was there goes on', async () => {
  const call = await rig.call({ packetRate: 100_000 })
  const [a, b] = call
  await talk(call, 1)
  for (let i = 0; i < 2_000; i += 100)
    await Promise.all(Array.from({ length: 100 }, (_, j) => a.rtp.send(rtp(1, { ssrc: 10_000 + i + j }), a.rtpPort)))
  await rig.counted(a.id, { rtpPacketsIn: 2_001 })
  expect(rig.relay.stats(a.id).sources.length).toBeLessThanOrEqual(8)
  await b.rtp.hear(2_001)
  await talk(call, 2)
})

test('packet flood of the far end itself: what is over its rate is dropped', async () => {
  const [a, b] = await rig.call({ packetRate: 100 })
  await a.rtp.send(rtp(9_999), a.rtpPort)
  await rig.counted(a.id, { rtpPacketsIn: 1 })
  for (let i = 0; i < 1_000; i += 50)
    await Promise.all(Array.from({ length: 50 }, (_, j) => a.rtp.send(rtp(i + j), a.rtpPort)))
  await expect
    .poll(() => rig.relay.stats(a.id), { interval: 5 })
    .toSatisfy(({ rtpPacketsIn, rateLimited }) => rtpPacketsIn + rateLimited === 1_001 && rateLimited > 500)
  expect(b.rtp.heard.length).toBeLessThanOrEqual(rig.relay.stats(a.id).rtpPacketsIn)
})

test('a malformed packet of every kind: counted, and heard by nobody', async () => {
  const call = await rig.call()
  const [a, b] = call
  await talk(call, 1)
  const changed = (packet: Buffer, at: number, ...bytes: number[]): Buffer => {
    const copy = Buffer.from(packet)
    Buffer.from(bytes).copy(copy, at)
    return copy
  }
  const media: Record<string, Buffer> = {
    nothing: Buffer.alloc(0),
    'one byte': Buffer.from([0x80]),
    'half a header': rtp(2).subarray(0, 11),
    'version 0': changed(rtp(2), 0, 0x00),
    'version 1': changed(rtp(2), 0, 0x40),
    'version 3': changed(rtp(2), 0, 0xc0),
    'more sources than bytes': changed(rtp(2).subarray(0, 20), 0, 0x8f),
    'an extension without its header': changed(rtp(2).subarray(0, 12), 0, 0x90),
    'an extension longer than the packet': changed(rtp(2), 0, 0x90, ...rtp(2).subarray(1, 12), 0xbe, 0xde, 0xff, 0xff),
    'longer than any frame': Buffer.alloc(9_500, 0x80),
    'RTCP of four bytes': rtcp().subarray(0, 4),
    'RTCP that ends too soon': rtcp().subarray(0, 30),
    'RTCP whose length goes beyond it': changed(rtcp(), 2, 0xff, 0xff),
    'RTCP with a second packet of another version': changed(rtcp(), 28, 0x40),
    'STUN where none is spoken': Buffer.from('000100002112a442000000000000000000000000', 'hex'),
    'DTLS where none is spoken': Buffer.from('16fefd0000000000000000000c010000000000000000000000', 'hex'),
    'a request of SIP': Buffer.from('OPTIONS sip:a@b SIP/2.0\r\n\r\n'),
  }
  for (const packet of Object.values(media)) await a.rtp.send(packet, a.rtpPort)
  await rig.counted(a.id, { malformed: Object.keys(media).length, rtpPacketsIn: 1, rtcpPacketsIn: 0 })
  const control = [rtp(3), Buffer.alloc(0), rtcp().subarray(0, 7), changed(rtcp(), 0, 0x00)]
  for (const packet of control) await a.rtcp.send(packet, a.rtcpPort)
  await rig.counted(a.id, { malformed: Object.keys(media).length + control.length })
  await talk(call, 2)
  expect([b.rtp.heard.length, b.rtcp.heard.length]).toEqual([2, 0])
})

test('a malformed SRTP packet of every kind: counted by its reason, and heard by nobody', async () => {
  const [a, b] = await rig.call({}, { srtpIn: key(1), srtpOut: key(2) })
  const oracle = new SrtpOracle(key(1).key)
  const good = oracle.protectRtp(rtp(1))
  const flipped = (at: number): Buffer => {
    const copy = Buffer.from(good)
    copy[at]! ^= 1
    return copy
  }
  // One bit anywhere: sequence, time stamp, SSRC, payload, tag.
  for (const at of [3, 5, 10, 20, good.length - 1]) await b.rtp.send(flipped(at), b.rtpPort)
  for (const length of [12, 13, 21]) await b.rtp.send(good.subarray(0, length), b.rtpPort)
  await rig.counted(b.id, { srtpAuthFailures: 5, srtpShort: 3, rtpPacketsIn: 0, learnedRtp: '' })
  await b.rtp.send(good, b.rtpPort)
  expect(await a.rtp.hear(1)).toEqual([rtp(1)])
})
