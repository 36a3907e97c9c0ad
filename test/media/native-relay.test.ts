// Owns the tests of the native relay through its door: forwarding, SRTP, who may send, hold, time-outs, bounds.
import { readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { NO_PACKETS } from '../../src/media/fake-native.ts'
import { createNativeRelay, type NativeRelay, type TimeoutEvent } from '../../src/media/native-relay.ts'
import { nativeSettings } from '../../src/media/native-settings.ts'
import { key, NativeRig, PORTS } from './native-rig.ts'
import { rtcp, rtp } from './rtp-peer.ts'
import { SrtpOracle } from './srtp-oracle.ts'

let rig: NativeRig
let relay: NativeRelay
let events: TimeoutEvent[]
const peer: NativeRig['peer'] = (...args) => rig.peer(...args)
const side: NativeRig['side'] = (...args) => rig.side(...args)
const call: NativeRig['call'] = (...args) => rig.call(...args)
const counted: NativeRig['counted'] = (...args) => rig.counted(...args)

function begin(threads = 1): void {
  rig = new NativeRig(threads)
  relay = rig.relay
  events = rig.events
}

beforeEach(() => begin())
afterEach(() => rig.close())

describe('forwarding', () => {
  test('RTP and RTCP go both ways, unchanged, from the ports that were given', async () => {
    const [a, b] = await call()
    expect(a.rtpPort % 2).toBe(0)
    expect(a.rtcpPort).toBe(a.rtpPort + 1)
    await a.rtp.send(rtp(1), a.rtpPort)
    await b.rtp.send(rtp(2), b.rtpPort)
    await a.rtcp.send(rtcp(), a.rtcpPort)
    await b.rtcp.send(rtcp(7), b.rtcpPort)
    expect(await b.rtp.hear(1)).toEqual([rtp(1)])
    expect(await a.rtp.hear(1)).toEqual([rtp(2)])
    expect(await b.rtcp.hear(1)).toEqual([rtcp()])
    expect(await a.rtcp.hear(1)).toEqual([rtcp(7)])
    expect(b.rtp.heard[0]!.from.port).toBe(b.rtpPort)
    expect(b.rtcp.heard[0]!.from.port).toBe(b.rtcpPort)
  })

  test('IPv6 on one side, IPv4 on the other', async () => {
    const [a, b] = await call({}, {}, ['::1', '127.0.0.1'])
    await a.rtp.send(rtp(1), a.rtpPort)
    await b.rtp.send(rtp(2), b.rtpPort)
    expect(await b.rtp.hear(1)).toEqual([rtp(1)])
    expect(await a.rtp.hear(1)).toEqual([rtp(2)])
    expect(relay.stats(a.id).learnedRtp).toBe(`[::1]:${a.rtp.port}`)
  })

  test('with rtcp-mux, RTCP leaves by the RTP port and is told from RTP by its type', async () => {
    const [a, b] = await call({ rtcpMux: true })
    await b.rtcp.send(rtcp(), b.rtcpPort)
    expect(await a.rtp.hear(1)).toEqual([rtcp()])
    await a.rtp.send(rtcp(9), a.rtpPort)
    await a.rtp.send(rtp(1, { type: 0x80 | 101 }), a.rtpPort)
    expect(await b.rtcp.hear(1)).toEqual([rtcp(9)])
    expect(await b.rtp.hear(1)).toEqual([rtp(1, { type: 0x80 | 101 })])
  })

  test('bursts arrive whole and in order', async () => {
    const [a, b] = await call()
    for (let i = 0; i < 2000; i += 50) {
      await Promise.all(Array.from({ length: 50 }, (_, j) => a.rtp.send(rtp(i + j), a.rtpPort)))
      await b.rtp.hear(i + 50)
    }
    const heard = await b.rtp.hear(2000)
    expect(heard.map((data) => data.readUInt16BE(2))).toEqual(Array.from({ length: 2000 }, (_, i) => i))
    expect(relay.stats(a.id)).toMatchObject({ rtpPacketsIn: 2000, rtpBytesIn: 2000 * 172, lost: 0, duplicates: 0 })
    expect(relay.stats(b.id)).toMatchObject({ rtpPacketsOut: 2000, rtpBytesOut: 2000 * 172 })
  })

  test('bursts on both ends at once, longer than a batch, arrive whole and in order', async () => {
    const [a, b] = await call()
    const order = Array.from({ length: 100 }, (_, i) => i)
    for (let round = 1; round <= 5; round++) {
      await Promise.all(order.flatMap((i) => [a.rtp.send(rtp(i), a.rtpPort), b.rtp.send(rtp(i), b.rtpPort)]))
      for (const end of [a, b]) {
        const heard = (await end.rtp.hear(100 * round)).slice(-100)
        expect(heard.map((data) => data.readUInt16BE(2))).toEqual(order)
      }
    }
  })

  test('what is neither RTP nor RTCP is counted and goes nowhere', async () => {
    const [a, b] = await call()
    const bad = [
      Buffer.alloc(0),
      Buffer.from('x'),
      Buffer.alloc(11, 0x80),
      Buffer.alloc(200),
      Buffer.from([0x9f, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
      Buffer.alloc(9100, 0x80),
    ]
    for (const data of bad) await a.rtp.send(data, a.rtpPort)
    await a.rtcp.send(rtp(1), a.rtcpPort)
    const short = rtcp()
    short.writeUInt16BE(90, 2)
    await a.rtcp.send(short, a.rtcpPort)
    await counted(a.id, { malformed: bad.length + 2 })
    await a.rtp.send(rtp(1), a.rtpPort)
    expect(await b.rtp.hear(1)).toEqual([rtp(1)])
  })

  test('nothing passes before a stream is configured, and nothing after it is closed', async () => {
    const a = await side()
    await a.rtp.send(rtp(1), a.rtpPort)
    await counted(a.id, { discarded: 1, rtpPacketsIn: 0 })
    const [c, d] = await call()
    relay.close(d.id)
    await c.rtp.send(rtp(1), c.rtpPort)
    await counted(c.id, { rtpPacketsIn: 1, discarded: 1 })
    expect(() => relay.stats(d.id)).toThrow(expect.objectContaining({ code: 'ERR_MEDIA' }))
  })

  test.each([1, 2])(
    'what is asked together holds when it is done, also where that fails: %i threads',
    async (threads) => {
      rig.close()
      begin(threads)
      const [a, b] = [await side(), await side()]
      const ask = (): void => {
        relay.link(a.id, b.id)
        for (const each of [a, b]) relay.configure(each.id, { latching: 'learn', remote: each.remote })
        throw new Error('after all')
      }
      expect(() => relay.together(ask)).toThrow('after all')
      await a.rtp.send(rtp(1), a.rtpPort)
      expect(await b.rtp.hear(1)).toEqual([rtp(1)])
      // Nothing that is asked by itself afterwards waits.
      relay.configure(b.id, { latching: 'learn', remote: b.remote, receive: false })
      await b.rtp.send(rtp(2), b.rtpPort)
      await counted(b.id, { discarded: 1 })
      expect(relay.together(() => relay.stats(a.id).rtpPacketsIn)).toBe(1)
    },
  )

  test('streams of two threads can be linked, whichever they were opened in', async () => {
    rig.close()
    begin(3)
    for (let i = 0; i < 5; i++) {
      const [a, b] = await call()
      await a.rtp.send(rtp(i), a.rtpPort)
      await b.rtp.send(rtp(i), b.rtpPort)
      expect(await b.rtp.hear(1)).toEqual([rtp(i)])
      expect(await a.rtp.hear(1)).toEqual([rtp(i)])
      if (i % 2 === 0) relay.close(a.id)
    }
  })

  test('what a stream is bound to goes with it to another thread: its link, and copies to and from', async () => {
    rig.close()
    begin(2)
    const [far, one, stays] = [await side(), await side(), await side()]
    const [near, two, copies] = [await side(), await side(), await side()]
    const sides = [far, one, stays, near, two, copies]
    // Threads are given in turn: far, stays and two begin in one, the others in the other.
    for (const each of sides) relay.configure(each.id, { latching: 'learn', remote: each.remote })
    relay.link(one.id, far.id)
    relay.link(two.id, near.id)
    relay.subscribe(two.id, copies.id)
    relay.link(copies.id, stays.id)
    relay.subscribe(one.id, near.id)
    await one.rtp.send(rtp(1), one.rtpPort)
    await stays.rtp.send(rtp(2), stays.rtpPort)
    await two.rtp.send(rtp(3), two.rtpPort)
    expect(await far.rtp.hear(1)).toEqual([rtp(1)])
    expect((await near.rtp.hear(2)).map((data) => data.readUInt16BE(2)).sort()).toEqual([1, 3])
    expect((await copies.rtp.hear(2)).map((data) => data.readUInt16BE(2)).sort()).toEqual([2, 3])
  })
})

describe('SRTP', () => {
  test.each([
    ['AES_CM_128_HMAC_SHA1_80', 10],
    ['AES_CM_128_HMAC_SHA1_32', 4],
  ] as const)('%s: plain on one side, SRTP and SRTCP on the other', async (suite, tagBytes) => {
    const [inKey, outKey] = [key(1, suite), key(2, suite)]
    const [a, b] = await call({}, { srtpIn: inKey, srtpOut: outKey })
    const [theirs, ours] = [new SrtpOracle(inKey.key, tagBytes), new SrtpOracle(outKey.key, tagBytes)]
    await a.rtp.send(rtp(4711), a.rtpPort)
    const [secured] = await b.rtp.hear(1)
    expect(secured).toHaveLength(172 + tagBytes)
    expect(ours.unprotectRtp(secured!)).toEqual(rtp(4711))
    await b.rtp.send(theirs.protectRtp(rtp(815)), b.rtpPort)
    expect(await a.rtp.hear(1)).toEqual([rtp(815)])
    await a.rtcp.send(rtcp(), a.rtcpPort)
    await a.rtcp.send(rtcp(), a.rtcpPort)
    const reports = await b.rtcp.hear(2)
    expect(reports.map((data) => ours.unprotectRtcp(data))).toEqual([
      { packet: rtcp(), index: 0 },
      { packet: rtcp(), index: 1 },
    ])
    await b.rtcp.send(theirs.protectRtcp(rtcp(5), 77), b.rtcpPort)
    expect(await a.rtcp.hear(1)).toEqual([rtcp(5)])
  })

  test('SRTP on both sides under different keys', async () => {
    const [a, b] = await call({ srtpIn: key(1), srtpOut: key(2) }, { srtpIn: key(3), srtpOut: key(4) })
    await a.rtp.send(new SrtpOracle(key(1).key).protectRtp(rtp(1)), a.rtpPort)
    const [heard] = await b.rtp.hear(1)
    expect(new SrtpOracle(key(4).key).unprotectRtp(heard!)).toEqual(rtp(1))
  })

  test('more than 65,536 packets of one stream pass, over two roll-overs, both ways through SRTP', async () => {
    const [a, b] = await call({ packetRate: 1_000_000 }, { srtpIn: key(1), srtpOut: key(1), packetRate: 1_000_000 })
    const oracle = new SrtpOracle(key(1).key)
    const small = (i: number) => rtp(i, { payload: Buffer.from([i & 0xff]) })
    const first = 60_000
    const count = 72_000
    let good = 0
    let back = 0
    for (let i = first; i < first + count; i += 100) {
      const sends: Promise<void>[] = []
      for (let j = i; j < i + 100; j++) sends.push(a.rtp.send(small(j), a.rtpPort))
      await Promise.all(sends)
      for (const data of await b.rtp.hear(100)) {
        const low = data.readUInt16BE(2)
        const roc = Math.floor((i + ((low - i) & 0xffff)) / 65_536)
        if (oracle.unprotectRtp(data, roc)) good++
        // The far end sends it back as it came: the relay's own word, judged by its reader.
        await b.rtp.send(data, b.rtpPort)
      }
      b.rtp.heard.length = 0
      back += (await a.rtp.hear(100)).length
      a.rtp.heard.length = 0
    }
    expect([good, back]).toEqual([count, count])
    expect(relay.stats(b.id)).toMatchObject({
      rtpPacketsIn: count,
      rtpPacketsOut: count,
      srtpAuthFailures: 0,
      srtpReplays: 0,
      lost: 0,
    })
  }, 60_000)

  test('a bad tag, a replay, an old index and a packet in the clear never pass and are counted', async () => {
    const [a, b] = await call({}, { srtpIn: key(1) })
    const oracle = new SrtpOracle(key(1).key)
    await b.rtp.send(oracle.protectRtp(rtp(1000)), b.rtpPort)
    await a.rtp.hear(1)
    const forged = oracle.protectRtp(rtp(1001))
    forged[20]! ^= 1
    await b.rtp.send(forged, b.rtpPort)
    await b.rtp.send(rtp(1001), b.rtpPort)
    await counted(b.id, { srtpAuthFailures: 2 })
    await b.rtp.send(oracle.protectRtp(rtp(1000)), b.rtpPort)
    await b.rtp.send(oracle.protectRtp(rtp(1000 - 128)), b.rtpPort)
    await counted(b.id, { srtpReplays: 2 })
    await b.rtp.send(rtp(1, { payload: Buffer.alloc(0) }), b.rtpPort)
    await counted(b.id, { srtpShort: 1 })
    const control = oracle.protectRtcp(rtcp(), 5)
    await b.rtcp.send(control, b.rtcpPort)
    await a.rtcp.hear(1)
    await b.rtcp.send(control, b.rtcpPort)
    await counted(b.id, { srtpReplays: 3, rtpPacketsIn: 1, rtcpPacketsIn: 1 })
    await b.rtp.send(oracle.protectRtp(rtp(1001)), b.rtpPort)
    expect(await a.rtp.hear(2)).toEqual([rtp(1000), rtp(1001)])
    expect(a.rtcp.heard).toHaveLength(1)
  })

  test('a flood of SSRCs under a good key is bounded and counted; the first ones go on', async () => {
    const [a, b] = await call({}, { srtpIn: key(1) })
    const oracle = new SrtpOracle(key(1).key)
    for (let ssrc = 1; ssrc <= 300; ssrc++) {
      await b.rtp.send(oracle.protectRtp(rtp(1, { ssrc })), b.rtpPort)
      // A thread that has just begun may not have looked yet: its socket holds no more than that.
      if (ssrc === 1) await a.rtp.hear(1)
    }
    await counted(b.id, { srtpSsrcLimit: 44, rtpPacketsIn: 256, ssrcChanges: 255 })
    await b.rtp.send(oracle.protectRtp(rtp(2, { ssrc: 1 })), b.rtpPort)
    await a.rtp.hear(257)
  })

  test('the same key again keeps the roll-over counter; a new key starts at 0', async () => {
    const config = { latching: 'learn', srtpIn: key(1), srtpOut: key(2) } as const
    const [a, b] = await call({}, config)
    const [reader, writer] = [new SrtpOracle(key(2).key), new SrtpOracle(key(1).key)]
    for (const sequence of [65_535, 65_536]) {
      await a.rtp.send(rtp(sequence), a.rtpPort)
      await b.rtp.send(writer.protectRtp(rtp(sequence), sequence >> 16), b.rtpPort)
    }
    await a.rtp.hear(2)
    await b.rtp.hear(2)
    relay.configure(b.id, { ...config, remote: b.remote })
    await a.rtp.send(rtp(65_537), a.rtpPort)
    await b.rtp.send(writer.protectRtp(rtp(65_537), 1), b.rtpPort)
    await a.rtp.hear(3)
    expect(reader.unprotectRtp((await b.rtp.hear(3))[2]!, 1)).toEqual(rtp(65_537))
    relay.configure(b.id, { ...config, srtpOut: key(3), remote: b.remote })
    await a.rtp.send(rtp(65_538), a.rtpPort)
    expect(new SrtpOracle(key(3).key).unprotectRtp((await b.rtp.hear(4))[3]!, 0)).toEqual(rtp(65_538))
  })

  test('two packets with one sequence number are not both encrypted: the second is counted as unsent', async () => {
    const [a, b] = await call({}, { srtpOut: key(1) })
    await a.rtp.send(rtp(1), a.rtpPort)
    await a.rtp.send(rtp(1, { payload: Buffer.alloc(160, 9) }), a.rtpPort)
    await counted(b.id, { srtpUnsent: 1, rtpPacketsOut: 1 })
    await counted(a.id, { duplicates: 1, rtpPacketsIn: 2 })
  })
})

describe('who may send', () => {
  test('RTP bleed and injection: after the window, a packet from elsewhere changes nothing and is counted', async () => {
    const [a, b] = await call({ learningMillis: 100 })
    await a.rtp.send(rtp(1), a.rtpPort)
    await b.rtp.hear(1)
    await expect.poll(() => relay.stats(a.id).lastPacketAgeMillis, { interval: 10 }).toBeGreaterThan(110)
    const attacker = await peer()
    for (let i = 0; i < 20; i++) await attacker.send(rtp(100 + i), a.rtpPort)
    await attacker.send(rtcp(), a.rtpPort)
    await counted(a.id, { unknownSource: 21, rtpPacketsIn: 1 })
    await b.rtp.send(rtp(2), b.rtpPort)
    await a.rtp.hear(1)
    expect(attacker.heard).toEqual([])
    expect(b.rtp.heard).toHaveLength(1)
  })

  test('a far end behind NAT is learned: answers go where its packets come from', async () => {
    const [a, b] = await call()
    const natted = await peer()
    await natted.send(rtp(1), a.rtpPort)
    await b.rtp.hear(1)
    await b.rtp.send(rtp(2), b.rtpPort)
    expect(await natted.hear(1)).toEqual([rtp(2)])
    // Within the window the signalled address still wins over what was learned.
    await a.rtp.send(rtp(3), a.rtpPort)
    await b.rtp.hear(2)
    await b.rtp.send(rtp(4), b.rtpPort)
    expect(await a.rtp.hear(1)).toEqual([rtp(4)])
    await natted.send(rtp(5), a.rtpPort)
    await counted(a.id, { unknownSource: 1, relearned: 2 })
  })

  test('injection before learning: with SRTP, only a packet that authenticates moves the latch', async () => {
    const [a, b] = await call({}, { srtpIn: key(1), srtpOut: key(2) })
    const attacker = await peer()
    await attacker.send(rtp(1), b.rtpPort)
    await attacker.send(new SrtpOracle(key(9).key).protectRtp(rtp(2)), b.rtpPort)
    await counted(b.id, { srtpAuthFailures: 2, relearned: 0, learnedRtp: '' })
    await a.rtp.send(rtp(1), a.rtpPort)
    await b.rtp.hear(1)
    const natted = await peer()
    await natted.send(new SrtpOracle(key(1).key).protectRtp(rtp(3)), b.rtpPort)
    await counted(b.id, { relearned: 1, learnedRtp: `127.0.0.1:${natted.port}` })
    expect(attacker.heard).toEqual([])
  })

  test('strict: only the signalled address; off: anybody, but answers go to the signalled address', async () => {
    const [a, b] = await call({ latching: 'strict' }, { latching: 'off' })
    const other = await peer()
    await other.send(rtp(1), a.rtpPort)
    await counted(a.id, { unknownSource: 1 })
    await other.send(rtp(2), b.rtpPort)
    expect(await a.rtp.hear(1)).toEqual([rtp(2)])
    await a.rtp.send(rtp(3), a.rtpPort)
    expect(await b.rtp.hear(1)).toEqual([rtp(3)])
    expect(other.heard).toEqual([])
  })

  test('move: whoever sends is followed at once; with SRTP only whoever has the key', async () => {
    const [a, b] = await call({ latching: 'move' }, { latching: 'move', srtpIn: key(1), srtpOut: key(2) })
    const oracle = new SrtpOracle(key(1).key)
    for (const [i, from] of [await peer(), await peer('127.0.0.2'), a.rtp].entries()) {
      await from.send(rtp(i), a.rtpPort, '127.0.0.1')
      await b.rtp.hear(i + 1)
      const before = from.heard.length
      await b.rtp.send(oracle.protectRtp(rtp(100 + i)), b.rtpPort)
      expect((await from.hear(before + 1)).at(-1)).toEqual(rtp(100 + i))
    }
    const attacker = await peer()
    await attacker.send(rtp(1), b.rtpPort)
    await counted(b.id, { srtpAuthFailures: 1, learnedRtp: `127.0.0.1:${b.rtp.port}` })
  })

  test('an address not yet signalled is learned; RTCP is learned apart from RTP', async () => {
    const [a, b] = [await side(), await side()]
    relay.link(a.id, b.id)
    relay.configure(a.id, { latching: 'learn', remote: a.remote })
    relay.configure(b.id, { latching: 'learn' })
    await a.rtp.send(rtp(1), a.rtpPort)
    await counted(a.id, { rtpPacketsIn: 1 })
    await b.rtp.send(rtp(2), b.rtpPort)
    await a.rtp.hear(1)
    await a.rtp.send(rtp(3), a.rtpPort)
    expect(await b.rtp.hear(1)).toEqual([rtp(3)])
    await b.rtcp.send(rtcp(), b.rtcpPort)
    await a.rtcp.hear(1)
    expect(relay.stats(b.id)).toMatchObject({
      learnedRtp: `127.0.0.1:${b.rtp.port}`,
      learnedRtcp: `127.0.0.1:${b.rtcp.port}`,
    })
  })
})

describe('hold and silence', () => {
  test('receive off: what arrives is counted and goes nowhere; send off: nothing leaves', async () => {
    const [a, b] = await call({ receive: false })
    await a.rtp.send(rtp(1), a.rtpPort)
    await counted(a.id, { rtpPacketsIn: 1, discarded: 1 })
    await b.rtp.send(rtp(2), b.rtpPort)
    expect(await a.rtp.hear(1)).toEqual([rtp(2)])
    relay.configure(a.id, { latching: 'learn', remote: a.remote, send: false })
    await b.rtp.send(rtp(3), b.rtpPort)
    await counted(a.id, { discarded: 2 })
    await a.rtp.send(rtp(4), a.rtpPort)
    expect(await b.rtp.hear(1)).toEqual([rtp(4)])
    expect(a.rtp.heard).toHaveLength(1)
  })

  test('a stream that falls quiet is reported once, and again only after it was heard', async () => {
    const [a, b] = await call({ timeoutMillis: 150 })
    await expect.poll(() => events, { interval: 10 }).toEqual([{ type: 'timeout', stream: a.id, silent: false }])
    await a.rtp.send(rtp(1), a.rtpPort)
    await b.rtp.hear(1)
    await expect.poll(() => events.length, { interval: 10 }).toBe(2)
  })

  test('packets that are not the far end’s keep no stream alive', async () => {
    const [a] = await call({ timeoutMillis: 200, latching: 'strict' })
    const attacker = await peer()
    const began = performance.now()
    while (events.length === 0 && performance.now() - began < 2000) {
      await attacker.send(rtp(1), a.rtpPort)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    expect(events).toEqual([{ type: 'timeout', stream: a.id, silent: false }])
    expect(performance.now() - began).toBeLessThan(1000)
  })

  test('a held stream has the other time-out', async () => {
    const [a, b] = await call(
      { timeoutMillis: 60_000, silentTimeoutMillis: 150, receive: false },
      { timeoutMillis: 60_000 },
    )
    await expect.poll(() => events, { interval: 10 }).toEqual([{ type: 'timeout', stream: a.id, silent: true }])
    relay.close(b.id)
  })
})

describe('bounds', () => {
  test('legs that point at each other pass no packet round for ever', async () => {
    const legs = [0, 1, 2, 3].map(() => relay.openStream({ address: '127.0.0.1', ...PORTS }))
    const [a, b, c, d] = legs as [(typeof legs)[0], (typeof legs)[0], (typeof legs)[0], (typeof legs)[0]]
    relay.link(a.id, b.id)
    relay.link(c.id, d.id)
    // a -> b -> c -> d -> a
    for (const [leg, next] of [
      [b, c],
      [c, b],
      [d, a],
      [a, d],
    ] as const) {
      relay.configure(leg.id, { latching: 'off', remote: { address: '127.0.0.1', ...next }, packetRate: 100 })
    }
    const outsider = await peer()
    for (let i = 0; i < 120; i++) await outsider.send(rtp(i), a.rtpPort)
    await expect
      .poll(() => legs.reduce((sum, leg) => sum + relay.stats(leg.id).rateLimited, 0), { interval: 10 })
      .toBe(120)
    for (const leg of legs) expect(relay.stats(leg.id).rtpPacketsIn).toBeLessThanOrEqual(200)
  })

  test('media goes to no group, and to nobody while the far end says 0.0.0.0', async () => {
    const [a, b] = await call()
    for (const address of ['224.0.0.1', '239.255.255.255', '255.255.255.255']) {
      expect(() =>
        relay.configure(a.id, { latching: 'off', remote: { address, rtpPort: 4000, rtcpPort: 4001 } }),
      ).toThrow(`Media is not sent to the group address ${address}.`)
    }
    relay.configure(a.id, { latching: 'off', remote: { address: '0.0.0.0', rtpPort: a.remote.rtpPort, rtcpPort: 9 } })
    await b.rtp.send(rtp(1), b.rtpPort)
    await counted(a.id, { discarded: 1, rtpPacketsOut: 0 })
    expect(a.rtp.heard).toEqual([])
  })

  test('port exhaustion is a clear error, and a closed stream gives its ports back', () => {
    const range = { address: '127.0.0.9', portMin: 42001, portMax: 42010 }
    const opened = Array.from({ length: 4 }, () => relay.openStream(range))
    expect(new Set(opened.map((stream) => stream.rtpPort))).toEqual(new Set([42002, 42004, 42006, 42008]))
    expect(() => relay.openStream(range)).toThrow(
      expect.objectContaining({
        code: 'ERR_MEDIA_PORTS',
        message: 'No pair of ports is free on 127.0.0.9 between 42001 and 42010.',
      }),
    )
    relay.close(opened[2]!.id)
    // The loop closes the sockets in its own time.
    return expect
      .poll(() => {
        try {
          return relay.openStream(range).rtpPort
        } catch {
          return 0
        }
      })
      .toBe(opened[2]!.rtpPort)
  })

  test('streams opened and closed leave no socket behind', async () => {
    const sockets = () => readdirSync('/proc/self/fd').length
    const [a, b] = await call()
    await a.rtp.send(rtp(1), a.rtpPort)
    await b.rtp.hear(1)
    const before = sockets()
    for (let round = 0; round < 10; round++) {
      const opened = Array.from({ length: 100 }, () => relay.openStream({ address: '127.0.0.1', ...PORTS }).id)
      for (let i = 0; i < opened.length; i += 2) relay.link(opened[i]!, opened[i + 1]!)
      for (const id of opened) relay.configure(id, { latching: 'learn', srtpIn: key(1), srtpOut: key(2) })
      for (const id of opened) relay.close(id)
    }
    await expect.poll(sockets).toBe(before)
  })

  test('a shutdown with commands still under way leaves no socket behind', () => {
    const sockets = () => readdirSync('/proc/self/fd').length
    const before = sockets()
    for (let round = 0; round < 20; round++) {
      const short = createNativeRelay({ onEvent() {}, threads: 2 })
      const ids = Array.from({ length: 10 }, () => short.openStream({ address: '127.0.0.1', ...PORTS }).id)
      for (let i = 0; i < 10; i += 2) short.link(ids[i]!, ids[i + 1]!)
      for (const id of ids) short.configure(id, { latching: 'learn', srtpIn: key(1), srtpOut: key(2) })
      short.close(ids[3]!)
      short.shutdown()
    }
    expect(sockets()).toBe(before)
  })

  test('wrong values are refused in words, and nothing of a key is told', async () => {
    const [a] = await call()
    const wrong: [() => unknown, string][] = [
      [
        () => relay.openStream({ address: 'localhost', ...PORTS }),
        'address must be a numeric IPv4 or IPv6 address, not "localhost".',
      ],
      [
        () => relay.openStream({ address: '192.0.2.1', ...PORTS }),
        'A media socket on 192.0.2.1 could not be opened: EADDRNOTAVAIL.',
      ],
      [
        () => relay.openStream({ address: '127.0.0.1', portMin: 0, portMax: 1 }),
        'portMin must be a whole number from 1 to 65535, not 0.',
      ],
      [() => relay.link(a.id, a.id), `Media stream ${a.id} cannot be linked to itself.`],
      [() => relay.link(a.id, 999), 'There is no media stream 999.'],
      [
        () => relay.configure(a.id, { latching: 'learn', remote: { address: '::1', rtpPort: 1, rtcpPort: 2 } }),
        `Media stream ${a.id} is of another address family than ::1.`,
      ],
      [
        () =>
          relay.configure(a.id, {
            latching: 'learn',
            srtpIn: { suite: 'AES_CM_128_HMAC_SHA1_80', key: Buffer.from('secret') },
          }),
        'srtpIn: AES_CM_128_HMAC_SHA1_80 needs 30 bytes of key and salt.',
      ],
      [
        () => relay.configure(a.id, { latching: 'learn', srtpOut: { suite: 'NULL' as never, key: Buffer.alloc(30) } }),
        'srtpOut: the relay does not speak the suite "NULL".',
      ],
      [
        () => relay.configure(a.id, { latching: 'maybe' as never }),
        'latching must be learn, strict, off or move, not "maybe".',
      ],
    ]
    for (const [attempt, message] of wrong)
      expect(attempt).toThrow(expect.objectContaining({ name: 'SignalboxError', message }))
  })

  test('a relay that was shut down refuses everything, and shutting it down again does nothing', async () => {
    const [a] = await call()
    relay.shutdown()
    relay.shutdown()
    expect(() => relay.stats(a.id)).toThrow(expect.objectContaining({ code: 'ERR_MEDIA' }))
    expect(() => relay.openStream({ address: '127.0.0.1', ...PORTS })).toThrow('The media relay has been shut down.')
  })

  test('every number of a configuration and of statistics has its place in the addon', () => {
    const addon = createRequire(import.meta.url)('../../build/Release/media_relay.node')
    const { settings, statistics, sources, reports } = addon.numberNames()
    const said = Object.entries(nativeSettings(1, 4, { latching: 'learn' }))
    // The length of converted packets goes with the rules of their conversion.
    const numbers = said.filter(([name, value]) => /number|boolean/.test(typeof value) && name !== 'packetSamples')
    expect([...settings].sort()).toEqual(numbers.map(([name]) => name).sort())
    const { sources: _, reports: __, learnedRtp: ___, learnedRtcp: ____, jitterMillis: _____, ...told } = NO_PACKETS
    expect([...statistics].sort()).toEqual(Object.keys(told).sort())
    expect([...sources].sort()).toEqual(['bytes', 'duplicates', 'jitter', 'lost', 'packets', 'ssrc'])
    expect([...reports].sort()).toEqual(['fractionLost', 'jitter', 'lost', 'roundTripMillis', 'ssrc'])
  })

  test('a missing addon is named with the way to build it', () => {
    expect(() => createNativeRelay({ onEvent() {}, addon: '/nowhere/media_relay.node' })).toThrow(
      'The media relay is not built (/nowhere/media_relay.node is missing). Run: npm run build:native',
    )
  })
})
