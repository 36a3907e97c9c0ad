// Owns the tests of the server machines: timers G, H, I, J, L, each over an unreliable and a reliable transport.

import { describe, expect, test } from 'vitest'
import { createLayerRig, message, seen } from './rig.ts'

describe('INVITE server', () => {
  test.each(['udp', 'tcp'] as const)('retransmissions get the last provisional reply over %s', async (transport) => {
    const rig = await createLayerRig(transport)
    const invite = message('INVITE', { transport })
    await rig.send(invite)
    await rig.send(invite)
    expect(seen(rig.far)).toEqual([])
    rig.respond(100)
    await rig.send(invite)
    rig.respond(180)
    await rig.send(invite)
    expect(seen(rig.far)).toEqual(['100', '100', '180', '180'])
    expect(rig.told).toEqual(['INVITE'])
    expect(rig.layer.stats().retransmissionsReceived).toBe(3)
  })

  test('timer G retransmits a failure up to T2 over UDP until timer H', async () => {
    const rig = await createLayerRig('udp')
    const at: number[] = []
    rig.far.onMessage = () => at.push(rig.clock.now())
    await rig.send(message('INVITE'))
    rig.respond(486)
    await rig.settle()
    await rig.advance(31_900)
    expect(at).toEqual([0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500])
    expect(rig.layer.stats().server).toBe(1)
    await rig.advance(100)
    expect(rig.layer.stats().server).toBe(0)
    expect(rig.layer.timers.size).toBe(0)
  })

  test('no timer G over TCP, timer H ends it', async () => {
    const rig = await createLayerRig('tcp')
    await rig.send(message('INVITE', { transport: 'tcp' }))
    rig.respond(486)
    await rig.advance(31_900)
    expect(seen(rig.far)).toEqual(['486'])
    expect(rig.layer.stats().server).toBe(1)
    await rig.advance(100)
    expect(rig.layer.stats().server).toBe(0)
  })

  test('ACK stops G; timer I absorbs more of them for T4 over UDP', async () => {
    const rig = await createLayerRig('udp')
    await rig.send(message('INVITE'))
    rig.respond(486)
    await rig.send(message('ACK', { toTag: 'b' }))
    expect(rig.servers[0]!.state).toBe('confirmed')
    await rig.advance(4900)
    await rig.send(message('ACK', { toTag: 'b' }))
    // A late INVITE is absorbed without an answer.
    await rig.send(message('INVITE'))
    expect(seen(rig.far)).toEqual(['486'])
    expect(rig.told).toEqual(['INVITE', 'ACK absorbed', 'ACK absorbed'])
    expect(rig.layer.stats().server).toBe(1)
    await rig.advance(100)
    expect(rig.layer.stats().server).toBe(0)
  })

  test('timer I is zero over TCP', async () => {
    const rig = await createLayerRig('tcp')
    await rig.send(message('INVITE', { transport: 'tcp' }))
    rig.respond(486)
    await rig.send(message('ACK', { transport: 'tcp', toTag: 'b' }))
    expect(rig.told).toEqual(['INVITE', 'ACK absorbed'])
    expect(rig.layer.stats().server).toBe(0)
  })

  test.each(['udp', 'tcp'] as const)(
    'RFC 6026: Accepted absorbs INVITEs and passes 2xx until timer L over %s',
    async (transport) => {
      const rig = await createLayerRig(transport)
      const invite = message('INVITE', { transport })
      await rig.send(invite)
      expect(rig.respond(200)).toBe(true)
      await rig.send(invite)
      expect(seen(rig.far)).toEqual(['200'])
      expect(rig.respond(200)).toBe(true)
      expect(rig.respond(486)).toBe(false)
      await rig.settle()
      expect(seen(rig.far)).toEqual(['200', '200'])
      expect(rig.told).toEqual(['INVITE'])
      await rig.advance(31_900)
      expect(rig.servers[0]!.state).toBe('accepted')
      await rig.advance(100)
      expect(rig.servers[0]!.state).toBe('terminated')
      // Only now is it a new request again.
      await rig.send(invite)
      expect(rig.told).toEqual(['INVITE', 'INVITE'])
    },
  )

  test('an ACK under a branch of its own passes', async () => {
    const rig = await createLayerRig('udp')
    await rig.send(message('INVITE'))
    rig.respond(200)
    await rig.send(message('ACK', { branch: 'z9hG4bK2', toTag: 'b' }))
    // Peers of RFC 2543 use the INVITE's own.
    await rig.send(message('ACK', { toTag: 'b' }))
    expect(rig.told).toEqual(['INVITE', 'ACK unmatched', 'ACK matched'])
  })

  test('no second failure, no provisional reply after a final one', async () => {
    const rig = await createLayerRig('udp')
    await rig.send(message('INVITE'))
    expect(rig.respond(404)).toBe(true)
    expect(rig.respond(180)).toBe(false)
    expect(rig.respond(500)).toBe(false)
    await rig.settle()
    expect(seen(rig.far)).toEqual(['404'])
  })
})

describe('non-INVITE server', () => {
  test('timer J answers retransmissions for 64*T1 over UDP', async () => {
    const rig = await createLayerRig('udp')
    const options = message('OPTIONS')
    await rig.send(options)
    await rig.send(options)
    expect(seen(rig.far)).toEqual([])
    rig.respond(100)
    await rig.send(options)
    rig.respond(200)
    expect(rig.respond(500)).toBe(false)
    await rig.advance(31_900)
    await rig.send(options)
    expect(seen(rig.far)).toEqual(['100', '100', '200', '200'])
    expect(rig.told).toEqual(['OPTIONS'])
    expect(rig.layer.stats().server).toBe(1)
    await rig.advance(100)
    expect(rig.layer.stats().server).toBe(0)
  })

  test('timer J is zero over TCP', async () => {
    const rig = await createLayerRig('tcp')
    await rig.send(message('OPTIONS', { transport: 'tcp' }))
    rig.respond(200)
    expect(rig.layer.stats().server).toBe(0)
  })

  test('beyond the lingering cap an answered transaction stays only T4', async () => {
    const rig = await createLayerRig('udp', { limits: { lingering: 1 } })
    await rig.send(message('OPTIONS', { branch: 'z9hG4bKa' }))
    rig.respond(200)
    await rig.send(message('OPTIONS', { branch: 'z9hG4bKb' }))
    rig.respond(200)
    await rig.advance(5000)
    expect(rig.layer.stats().server).toBe(1)
    await rig.advance(27_000)
    expect(rig.layer.stats().server).toBe(0)
  })
})
