// Owns the tests of the client machines: timers A to F, K, M, each over an unreliable and a reliable transport.

import { describe, expect, test } from 'vitest'
import { clientUser, createLayerRig, type LayerRig, message, reply, requestOf, seen } from './rig.ts'

const BRANCH = 'z9hG4bKclient'

function startInvite(rig: LayerRig, transport: 'udp' | 'tcp', fr?: number, frInv?: number) {
  const wire = message('INVITE', { branch: BRANCH, transport, sentBy: '10.0.0.5:5060' })
  return rig.layer.startInvite(BRANCH, rig.hop, wire, clientUser(rig.told), fr, frInv)
}

function startOptions(rig: LayerRig, transport: 'udp' | 'tcp') {
  const wire = message('OPTIONS', { branch: BRANCH, transport, sentBy: '10.0.0.5:5060' })
  return rig.layer.startRequest(BRANCH, 'OPTIONS', rig.hop, wire, clientUser(rig.told))
}

async function answer(rig: LayerRig, status: number, tag?: string): Promise<void> {
  const sent = rig.far.received[0]!
  rig.far.answer(sent, reply(sent.wire, status, tag))
  await rig.settle()
}

describe('INVITE client', () => {
  test('timer A doubles over UDP, timer B ends it', async () => {
    const rig = await createLayerRig('udp', { timers: { fr: 32_000 } })
    startInvite(rig, 'udp')
    const at: number[] = []
    rig.far.onMessage = () => at.push(rig.clock.now())
    await rig.settle()
    await rig.advance(31_900)
    expect(at).toEqual([0, 500, 1500, 3500, 7500, 15_500, 31_500])
    expect(rig.told).toEqual([])
    await rig.advance(100)
    expect(rig.told).toEqual(['timeout', 'released'])
    expect(rig.layer.stats().client).toBe(0)
    expect(rig.layer.timers.size).toBe(0)
  })

  test('beyond the lingering cap timer M is T4, and a 2xx that comes again keeps it going until 64*T1', async () => {
    const rig = await createLayerRig('udp', { limits: { lingering: -1 } })
    startInvite(rig, 'udp')
    await rig.settle()
    const again = async () => {
      await rig.advance(4000)
      await answer(rig, 200, 'a')
    }
    for (let n = 0; n < 8; n++) await again()
    expect(rig.told.filter((told) => told.includes('200')).length).toBe(8)
    await rig.advance(4000)
    expect(rig.layer.stats().client).toBe(0)
    startInvite(rig, 'udp')
    await answer(rig, 200, 'a')
    await rig.advance(5000)
    expect(rig.layer.stats().client).toBe(0)
  })

  test('no timer A over TCP, timer B ends it', async () => {
    const rig = await createLayerRig('tcp', { timers: { fr: 32_000 } })
    startInvite(rig, 'tcp')
    await rig.advance(31_900)
    expect(seen(rig.far)).toEqual(['INVITE'])
    expect(rig.told).toEqual([])
    await rig.advance(100)
    expect(rig.told).toEqual(['timeout', 'released'])
  })

  test.each(['udp', 'tcp'] as const)('fr shortens timer B over %s', async (transport) => {
    const rig = await createLayerRig(transport)
    startInvite(rig, transport, 2000)
    await rig.advance(1900)
    expect(rig.told).toEqual([])
    await rig.advance(100)
    expect(rig.told).toEqual(['timeout', 'released'])
  })

  test.each(['udp', 'tcp'] as const)('a provisional reply stops A and B; timer C runs over %s', async (transport) => {
    const rig = await createLayerRig(transport, { timers: { frInv: 10_000 } })
    startInvite(rig, transport)
    await rig.settle()
    await answer(rig, 100)
    await rig.advance(9900)
    expect(seen(rig.far)).toEqual(['INVITE'])
    expect(rig.told).toEqual(['100'])
    // 16.7 step 2: 101-199 reset it.
    await answer(rig, 180)
    await rig.advance(9900)
    expect(rig.told).toEqual(['100', '180'])
    // A 100 does not.
    await answer(rig, 100)
    await rig.advance(100)
    expect(rig.told).toEqual(['100', '180', '100', 'timer C'])
  })

  test('timer D absorbs retransmitted failures for 32 s over UDP and acknowledges each', async () => {
    const rig = await createLayerRig('udp')
    const client = startInvite(rig, 'udp')
    await rig.settle()
    await answer(rig, 486, 'busy')
    expect(client.state).toBe('completed')
    // The machine stays behind alone.
    expect(rig.told).toEqual(['486', 'released'])
    await rig.advance(31_000)
    await answer(rig, 486, 'busy')
    expect(seen(rig.far)).toEqual(['INVITE', 'ACK', 'ACK'])
    const ack = requestOf(rig.far.received[1]!.wire)
    expect(ack.topVia!.branch).toBe(BRANCH)
    expect(ack.toTag).toBe('busy')
    expect(ack.cseqMethod).toBe('ACK')
    expect(ack.cseqNumber).toBe(1)
    expect(rig.told).toEqual(['486', 'released'])
    expect(client.state).toBe('completed')
    await rig.advance(1000)
    expect(client.state).toBe('terminated')
    expect(rig.layer.stats().client).toBe(0)
  })

  test('timer D is zero over TCP', async () => {
    const rig = await createLayerRig('tcp')
    startInvite(rig, 'tcp')
    await rig.settle()
    await answer(rig, 486)
    expect(seen(rig.far)).toEqual(['INVITE', 'ACK'])
    expect(rig.told).toEqual(['486', 'released'])
    expect(rig.layer.stats().client).toBe(0)
  })

  test.each(['udp', 'tcp'] as const)('RFC 6026: every 2xx passes until timer M over %s', async (transport) => {
    const rig = await createLayerRig(transport)
    const client = startInvite(rig, transport)
    await rig.settle()
    await answer(rig, 200, 'one')
    expect(client.state).toBe('accepted')
    await answer(rig, 200, 'one')
    await answer(rig, 200, 'two')
    // Anything else is dropped there.
    await answer(rig, 180)
    await answer(rig, 486)
    expect(rig.told).toEqual(['200', '200', '200'])
    expect(seen(rig.far)).toEqual(['INVITE'])
    await rig.advance(31_900)
    expect(client.state).toBe('accepted')
    await rig.advance(100)
    expect(rig.told).toEqual(['200', '200', '200', 'released'])
    await answer(rig, 200, 'one')
    expect(rig.told.at(-1)).toBe('stray 200')
  })

  test.each(['udp', 'tcp'] as const)('CANCEL waits for a provisional reply over %s', async (transport) => {
    const rig = await createLayerRig(transport)
    const client = startInvite(rig, transport)
    await rig.settle()
    client.cancel('Reason: SIP;cause=200\r\n')
    await rig.advance(400)
    expect(seen(rig.far)).toEqual(['INVITE'])
    await answer(rig, 180)
    expect(seen(rig.far)).toEqual(['INVITE', 'CANCEL'])
    const cancel = requestOf(rig.far.received[1]!.wire)
    expect(cancel.topVia!.branch).toBe(BRANCH)
    expect(cancel.cseqMethod).toBe('CANCEL')
    expect(cancel.header('Reason')).toBe('SIP;cause=200')
    rig.far.answer(rig.far.received[1]!, reply(rig.far.received[1]!.wire, 200))
    await rig.settle()
    await answer(rig, 487)
    expect(seen(rig.far)).toEqual(['INVITE', 'CANCEL', 'ACK'])
    expect(rig.told.filter((word) => word !== 'released')).toEqual(['180', '487'])
  })

  test('9.1: without a final answer 64*T1 after the CANCEL it is over', async () => {
    const rig = await createLayerRig('tcp')
    const client = startInvite(rig, 'tcp')
    await rig.settle()
    await answer(rig, 180)
    client.cancel('')
    await rig.advance(31_900)
    expect(client.state).toBe('proceeding')
    await rig.advance(100)
    expect(rig.told).toEqual(['180', 'timeout', 'released'])
    expect(rig.layer.stats().client).toBe(0)
  })

  test('a refused connection is a transport error', async () => {
    const rig = await createLayerRig('tcp')
    rig.network.refuse('10.0.0.6', 5060)
    startInvite(rig, 'tcp')
    await rig.settle()
    expect(rig.told).toEqual(['transport error', 'released'])
    expect(rig.layer.timers.size).toBe(0)
  })

  test('a reply of another method under the branch is a stray', async () => {
    const rig = await createLayerRig('udp')
    startInvite(rig, 'udp')
    await rig.settle()
    const wire = message('OPTIONS', { branch: BRANCH, sentBy: '10.0.0.5:5060' })
    await rig.send(reply(wire, 200))
    expect(rig.told).toEqual(['stray 200'])
  })
})

describe('non-INVITE client', () => {
  test('timer E doubles up to T2 over UDP, timer F ends it', async () => {
    const rig = await createLayerRig('udp', { timers: { fr: 32_000 } })
    const at: number[] = []
    rig.far.onMessage = () => at.push(rig.clock.now())
    startOptions(rig, 'udp')
    await rig.settle()
    await rig.advance(31_900)
    expect(at).toEqual([0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500])
    await rig.advance(100)
    expect(rig.told).toEqual(['timeout', 'released'])
  })

  test('no timer E over TCP, timer F ends it', async () => {
    const rig = await createLayerRig('tcp', { timers: { fr: 32_000 } })
    startOptions(rig, 'tcp')
    await rig.advance(32_000)
    expect(seen(rig.far)).toEqual(['OPTIONS'])
    expect(rig.told).toEqual(['timeout', 'released'])
  })

  test('in Proceeding, E is T2 and F goes on', async () => {
    const rig = await createLayerRig('udp', { timers: { fr: 32_000 } })
    const at: number[] = []
    rig.far.onMessage = () => at.push(rig.clock.now())
    startOptions(rig, 'udp')
    await rig.settle()
    await answer(rig, 100)
    await rig.advance(9000)
    expect(at).toEqual([0, 500, 4500, 8500])
    await rig.advance(23_000)
    expect(rig.told).toEqual(['100', 'timeout', 'released'])
  })

  test('timer K absorbs retransmissions for T4 over UDP', async () => {
    const rig = await createLayerRig('udp')
    startOptions(rig, 'udp')
    await rig.settle()
    await answer(rig, 200)
    await answer(rig, 200)
    await rig.advance(4900)
    expect(rig.told).toEqual(['200', 'released'])
    expect(rig.layer.stats().client).toBe(1)
    await rig.advance(100)
    expect(rig.layer.stats().client).toBe(0)
  })

  test('timer K is zero over TCP', async () => {
    const rig = await createLayerRig('tcp')
    startOptions(rig, 'tcp')
    await rig.settle()
    await answer(rig, 200)
    expect(rig.told).toEqual(['200', 'released'])
  })

  test('a broken connection is a transport error only while it is being sent', async () => {
    const rig = await createLayerRig('tcp')
    rig.network.refuse('10.0.0.6', 5060)
    startOptions(rig, 'tcp')
    await rig.settle()
    expect(rig.told).toEqual(['transport error', 'released'])
  })
})
