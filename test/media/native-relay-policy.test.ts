// Owns the tests of what the native relay does with media apart from forwarding it: passthrough, blocking, silence, DTMF.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { key, NativeRig } from './native-rig.ts'
import { rtcp, rtp } from './rtp-peer.ts'

let rig: NativeRig

beforeEach(() => {
  rig = new NativeRig()
})
afterEach(() => rig.close())

/** A packet of a telephone event (RFC 4733 2.3): 4 bytes. */
function telephoneEvent(sequence: number, event: number, timestamp: number, type = 101): Buffer {
  const packet = rtp(sequence, { type, payload: Buffer.from([event, 10, 0, 160]) })
  packet.writeUInt32BE(timestamp, 4)
  return packet
}

describe('media that is no RTP', () => {
  test('every datagram goes on as it came; an empty or oversized one does not', async () => {
    const [a, b] = await rig.call({ passthrough: true }, { passthrough: true })
    // A UDPTL packet, one byte, what looks like RTCP on the RTP port, and what is no RTP at all.
    const sent = [Buffer.from('0001060100', 'hex'), Buffer.from('x'), rtcp(), Buffer.alloc(1400, 0xee)]
    for (const data of sent) await a.rtp.send(data, a.rtpPort)
    expect(await b.rtp.hear(4)).toEqual(sent)
    await b.rtcp.send(Buffer.from('odd'), b.rtcpPort)
    expect(await a.rtcp.hear(1)).toEqual([Buffer.from('odd')])
    await a.rtp.send(Buffer.alloc(0), a.rtpPort)
    await a.rtp.send(Buffer.alloc(9100), a.rtpPort)
    await rig.counted(a.id, { malformed: 2, rtpPacketsIn: 4, rtpBytesIn: 5 + 1 + 40 + 1400 })
  })

  test('addresses are learned and strangers kept out as with RTP; the rate is bounded; a hold holds', async () => {
    const [a, b] = await rig.call({ passthrough: true, learningMillis: 0, packetRate: 5 }, { passthrough: true })
    const natted = await rig.peer()
    await natted.send(Buffer.from('first'), a.rtpPort)
    await b.rtp.hear(1)
    await b.rtp.send(Buffer.from('back'), b.rtpPort)
    expect(await natted.hear(1)).toEqual([Buffer.from('back')])
    await a.rtp.send(Buffer.from('stranger'), a.rtpPort)
    await rig.counted(a.id, { unknownSource: 1, relearned: 1 })
    for (let i = 0; i < 20; i++) await natted.send(Buffer.from([i]), a.rtpPort)
    await expect.poll(() => rig.relay.stats(a.id).rateLimited, { interval: 5 }).toBeGreaterThan(5)
    rig.relay.configure(b.id, { latching: 'learn', remote: b.remote, passthrough: true, receive: false })
    await b.rtp.send(Buffer.from('held'), b.rtpPort)
    await rig.counted(b.id, { discarded: 1 })
  })

  test('it never leaves in the clear by a stream that has a key, nor is a key taken with it', async () => {
    const [a, b] = await rig.call({ passthrough: true }, { srtpOut: key(1) })
    await a.rtp.send(Buffer.from('secret'), a.rtpPort)
    await rig.counted(b.id, { srtpUnsent: 1, rtpPacketsOut: 0 })
    expect(() => rig.relay.configure(a.id, { latching: 'learn', passthrough: true, srtpIn: key(1) })).toThrow(
      'Media that is no RTP cannot have SRTP keys.',
    )
  })
})

describe('blocked and silenced media', () => {
  test('block: the media of that direction goes nowhere, RTCP and the other direction go on', async () => {
    const [a, b] = await rig.call({ media: 'block' })
    await a.rtp.send(rtp(1), a.rtpPort)
    await a.rtcp.send(rtcp(), a.rtcpPort)
    await b.rtp.send(rtp(2), b.rtpPort)
    await rig.counted(a.id, { blocked: 1, rtpPacketsIn: 1, discarded: 0 })
    expect(await b.rtcp.hear(1)).toEqual([rtcp()])
    expect(await a.rtp.hear(1)).toEqual([rtp(2)])
    rig.relay.configure(a.id, { latching: 'learn', remote: a.remote })
    await a.rtp.send(rtp(3), a.rtpPort)
    expect(await b.rtp.hear(1)).toEqual([rtp(3)])
  })

  test('silence: G.711 keeps its times and says nothing, telephone events pass, other codecs do not', async () => {
    const [a, b] = await rig.call({ media: 'silence', dtmfPayloadTypes: [101] }, { srtpOut: key(1) })
    rig.relay.configure(b.id, { latching: 'learn', remote: b.remote })
    await a.rtp.send(rtp(1, { type: 0x80 }), a.rtpPort)
    await a.rtp.send(rtp(2, { type: 8 }), a.rtpPort)
    await a.rtp.send(rtp(3, { type: 111 }), a.rtpPort)
    await a.rtp.send(telephoneEvent(4, 5, 480), a.rtpPort)
    expect(await b.rtp.hear(3)).toEqual([
      rtp(1, { type: 0x80, payload: Buffer.alloc(160, 0xff) }),
      rtp(2, { type: 8, payload: Buffer.alloc(160, 0xd5) }),
      telephoneEvent(4, 5, 480),
    ])
    await rig.counted(a.id, { silenced: 2, blocked: 1 })
  })

  test('silence: padding, whatever length it claims, is silenced too', async () => {
    const [a, b] = await rig.call({ media: 'silence' })
    const padded = rtp(1, { payload: Buffer.alloc(20, 250) })
    padded[0] = 0xa0
    await a.rtp.send(padded, a.rtpPort)
    expect(await b.rtp.hear(1)).toEqual([rtp(1, { payload: Buffer.alloc(20, 0xff) })])
  })
})

describe('telephone events (RFC 4733)', () => {
  test('they are counted by event, however many packets each has', async () => {
    const [a, b] = await rig.call({ dtmfPayloadTypes: [101, 96] })
    let sequence = 0
    for (const timestamp of [1000, 1000, 1000, 3000, 3000]) {
      await a.rtp.send(telephoneEvent(sequence++, 1, timestamp), a.rtpPort)
    }
    await a.rtp.send(telephoneEvent(sequence++, 2, 9000, 96), a.rtpPort)
    await a.rtp.send(rtp(sequence++, { type: 97 }), a.rtpPort)
    await b.rtp.hear(7)
    expect(rig.relay.stats(a.id)).toMatchObject({ dtmfPackets: 6, dtmfEvents: 3, dtmfBlocked: 0 })
  })

  test('blocked, they are still counted, and the voice goes on', async () => {
    const [a, b] = await rig.call({ dtmfPayloadTypes: [101], blockDtmf: true })
    await a.rtp.send(telephoneEvent(1, 1, 1000), a.rtpPort)
    await a.rtp.send(rtp(2), a.rtpPort)
    expect(await b.rtp.hear(1)).toEqual([rtp(2)])
    expect(rig.relay.stats(a.id)).toMatchObject({ dtmfPackets: 1, dtmfEvents: 1, dtmfBlocked: 1, blocked: 0 })
  })
})
