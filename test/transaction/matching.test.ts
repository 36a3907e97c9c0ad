// Owns the tests of how requests find their transactions (RFC 3261 17.2.3), of holds and of the caps.

import { describe, expect, test } from 'vitest'
import { createLayerRig, message, requestOf, seen } from './rig.ts'

describe('matching', () => {
  test('CANCEL finds its INVITE by branch and sent-by', async () => {
    const rig = await createLayerRig('udp')
    await rig.send(message('INVITE'))
    await rig.send(message('CANCEL', { branch: 'z9hG4bKother' }))
    await rig.send(message('CANCEL'))
    await rig.send(message('CANCEL', { sentBy: '10.0.0.99:5060' }))
    expect(rig.told).toEqual(['INVITE', 'CANCEL unmatched', 'CANCEL matched', 'CANCEL unmatched'])
  })

  test('the host of sent-by is compared without case', async () => {
    const rig = await createLayerRig('udp')
    await rig.send(message('INVITE', { sentBy: 'Client.Example.COM' }))
    await rig.send(message('INVITE', { sentBy: 'client.example.com' }))
    expect(rig.told).toEqual(['INVITE'])
  })

  test('a peer that reuses its branch for the next request is served', async () => {
    const rig = await createLayerRig('udp')
    await rig.send(message('OPTIONS', { cseq: 1 }))
    await rig.send(message('OPTIONS', { cseq: 2 }))
    await rig.send(message('BYE', { cseq: 2 }))
    expect(rig.told).toEqual(['OPTIONS', 'OPTIONS', 'BYE'])
  })

  test('RFC 2543 peers without the cookie: INVITE, retransmission, ACK, CANCEL', async () => {
    const rig = await createLayerRig('udp')
    const via = 'Via: SIP/2.0/UDP 10.0.0.6:5060'
    await rig.send(message('INVITE', { via }))
    await rig.send(message('INVITE', { via }))
    await rig.send(message('CANCEL', { via }))
    expect(rig.told).toEqual(['INVITE', 'CANCEL matched'])
    rig.respond(486)
    await rig.send(message('ACK', { via, toTag: 'b' }))
    expect(rig.told).toEqual(['INVITE', 'CANCEL matched', 'ACK absorbed'])
    // Another Via, another transaction.
    await rig.send(message('INVITE', { via: 'Via: SIP/2.0/UDP 10.0.0.6:5070' }))
    expect(rig.told.at(-1)).toBe('INVITE')
  })

  test('a bare cookie is no identifier', async () => {
    const rig = await createLayerRig('udp')
    await rig.send(message('OPTIONS', { branch: 'z9hG4bK' }))
    await rig.send(message('OPTIONS', { branch: 'z9hG4bK' }))
    await rig.send(message('OPTIONS', { branch: 'z9hG4bK', cseq: 7 }))
    expect(rig.told).toEqual(['OPTIONS', 'OPTIONS'])
  })
})

describe('holds', () => {
  test('a held request absorbs its retransmissions, and its CANCEL finds it', async () => {
    const rig = await createLayerRig('udp')
    rig.serve = 'no'
    await rig.send(message('INVITE'))
    const owner = { onServerTerminated() {} }
    const invite = requestOf(message('INVITE'))
    const hold = rig.layer.hold(invite, rig.flow!, owner)!
    await rig.send(message('INVITE'))
    await rig.send(message('CANCEL'))
    expect(rig.told).toEqual(['INVITE', 'CANCEL matched'])
    expect(rig.match).toBe(hold)
    expect(rig.layer.stats().open).toBe(1)
    // Its owner makes the transaction in its place.
    expect(rig.layer.createServer(invite, rig.flow!, owner)).toBeDefined()
    rig.layer.release(hold)
    expect(rig.layer.stats()).toMatchObject({ open: 1, server: 1 })
  })

  test('another owner cannot', async () => {
    const rig = await createLayerRig('udp')
    rig.serve = 'no'
    await rig.send(message('INVITE'))
    const invite = requestOf(message('INVITE'))
    const hold = rig.layer.hold(invite, rig.flow!, {})!
    expect(rig.layer.createServer(invite, rig.flow!, { onServerTerminated() {} })).toBeUndefined()
    rig.layer.release(hold)
    expect(rig.layer.stats()).toMatchObject({ open: 0, server: 0 })
  })
})

describe('caps', () => {
  test('in all and per source; an answered transaction counts no more', async () => {
    const rig = await createLayerRig('udp', { limits: { transactions: 3, transactionsPerSource: 2 } })
    await rig.send(message('OPTIONS', { branch: 'z9hG4bKa' }))
    expect(rig.layer.admits(rig.flow!)).toBe(true)
    await rig.send(message('OPTIONS', { branch: 'z9hG4bKb' }))
    expect(rig.layer.admits(rig.flow!)).toBe(false)
    expect(rig.layer.admits(rig.flow!, 2)).toBe(true)
    const other = { ...rig.flow!, remoteAddress: '10.0.0.66' }
    expect(rig.layer.admits(other)).toBe(true)
    rig.layer.createServer(requestOf(message('OPTIONS', { branch: 'z9hG4bKc' })), other, { onServerTerminated() {} })
    expect(rig.layer.admits(other)).toBe(false)
    rig.respond(200, 0)
    expect(rig.layer.admits(rig.flow!)).toBe(true)
    expect(rig.layer.admits(other)).toBe(true)
    expect(rig.layer.stats()).toMatchObject({ open: 2, server: 3, refused: 2 })
  })

  test('close ends everything', async () => {
    const rig = await createLayerRig('udp')
    await rig.send(message('INVITE'))
    rig.layer.close()
    expect(rig.told).toEqual(['INVITE', 'terminated'])
    expect(rig.layer.timers.size).toBe(0)
    expect(seen(rig.far)).toEqual([])
  })
})
