// Owns the tests of sockets that streams share: the same on the wire as their own, nobody else's packets taken, floods kept apart.
import { afterEach, describe, expect, test } from 'vitest'
import { createNativeRelay } from '../../src/media/native-relay.ts'
import { NativeRig, PORTS } from './native-rig.ts'
import { RtpPeer, rtcp, rtp } from './rtp-peer.ts'

const probe = createNativeRelay({ onEvent: () => {} })
const permitted = probe.sharesSockets('127.0.0.1') && probe.sharesSockets('::1')
probe.shutdown()
if (!permitted) process.stderr.write('SKIPPED: sharing sockets needs CAP_BPF, CAP_NET_ADMIN and CAP_NET_RAW\n')

const rigs: NativeRig[] = []
const begin = (sockets: 'shared' | 'own', threads = 1): NativeRig => {
  const rig = new NativeRig(threads, sockets)
  rigs.push(rig)
  return rig
}
afterEach(() => {
  for (const rig of rigs.splice(0)) rig.close()
})

test('streams keep to their own sockets when told to', () => {
  expect(begin('own').relay.sharesSockets('127.0.0.1')).toBe(false)
  for (const address of ['0.0.0.0', '::', 'fe80::1']) expect(begin('shared').relay.sharesSockets(address)).toBe(false)
})

describe.each([
  ['shared', '127.0.0.1'],
  ['own', '127.0.0.1'],
  ['shared', '::1'],
  ['own', '::1'],
] as const)('%s sockets of %s', (sockets, address) => {
  const both: [string, string] = [address, address]
  const skipped = sockets === 'shared' && !permitted

  test.skipIf(skipped)('packets of every length arrive whole, from the right ports, both ways', async () => {
    const rig = begin(sockets, 2)
    const [a, b] = await rig.call({}, {}, both)
    const lengths = [0, 1, 2, 3, 4, 5, 159, 160, 161, 1187, 1188, 1189, 1400, 4000, 8988]
    const packets = lengths.map((length, i) => rtp(i, { payload: Buffer.alloc(length, i + 200) }))
    for (const packet of packets) await a.rtp.send(packet, a.rtpPort)
    for (const packet of packets) await b.rtp.send(packet, b.rtpPort)
    const bySequence = (heard: Buffer[]): Buffer[] => heard.toSorted((x, y) => x.readUInt16BE(2) - y.readUInt16BE(2))
    expect(bySequence(await b.rtp.hear(packets.length))).toEqual(packets)
    expect(bySequence(await a.rtp.hear(packets.length))).toEqual(packets)
    expect(new Set(b.rtp.heard.map(({ from }) => from.port))).toEqual(new Set([b.rtpPort]))
    await a.rtcp.send(rtcp(), a.rtcpPort)
    expect(await b.rtcp.hear(1)).toEqual([rtcp()])
    expect(b.rtcp.heard[0]!.from.port).toBe(b.rtcpPort)
  })

  test.skipIf(skipped)('a port of the range that is somebody else’s stays theirs', async () => {
    const theirs = await RtpPeer.open(address, PORTS.portMin + 500)
    const rig = begin(sockets)
    const [a] = await rig.call({}, {}, both)
    await a.rtp.send(rtp(1), theirs.port)
    expect(await theirs.hear(1)).toEqual([rtp(1)])
    theirs.close()
  })

  test.skipIf(skipped)('what comes to a closed stream reaches no other, and a new one there begins clean', async () => {
    const rig = begin(sockets)
    const [a, b] = await rig.call({}, {}, both)
    const [c, d] = await rig.call({}, {}, both)
    await a.rtp.send(rtp(1), a.rtpPort)
    await b.rtp.hear(1)
    rig.relay.close(a.id)
    await c.rtp.send(rtp(2), c.rtpPort)
    await d.rtp.hear(1)
    await a.rtp.send(rtp(3), a.rtpPort)
    await c.rtp.send(rtp(4), c.rtpPort)
    await d.rtp.hear(2)
    expect([b.rtp.heard.length, d.rtp.heard.length]).toEqual([1, 2])
  })

  test.skipIf(skipped)('two relays on one address carry their own calls', async () => {
    const calls = [await begin(sockets).call({}, {}, both), await begin(sockets, 2).call({}, {}, both)]
    for (const [i, [a, b]] of calls.entries()) {
      await a.rtp.send(rtp(i), a.rtpPort)
      expect(await b.rtp.hear(1)).toEqual([rtp(i)])
    }
  })

  test.skipIf(skipped)('a flood to one port costs other calls no packet', async () => {
    const rig = begin(sockets)
    const [victim] = await rig.call({ latching: 'strict' }, {}, both)
    const [a, b] = await rig.call({}, {}, both)
    const flood = await rig.peer(address)
    const garbage = Buffer.alloc(172, 0x80)
    let sent = 0
    for (let i = 0; i < 100; i++) {
      await Promise.all(Array.from({ length: 100 }, () => flood.send(garbage, victim.rtpPort)))
      sent += 100
      await a.rtp.send(rtp(i), a.rtpPort)
    }
    await b.rtp.hear(100)
    const stats = rig.relay.stats(victim.id)
    expect(stats.unknownSource).toBeGreaterThan(0)
    expect(stats.unknownSource).toBeLessThanOrEqual(sent)
    expect(rig.relay.stats(a.id)).toMatchObject({ rtpPacketsIn: 100, lost: 0 })
  })
})
