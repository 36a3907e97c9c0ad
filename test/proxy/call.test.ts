// Owns the test of a whole call through the proxy, in both languages.

import { describe, expect, test } from 'vitest'
import {
  answerTo,
  CALLEE,
  CALLER,
  createRig,
  first,
  forwardAll,
  last,
  lastReply,
  lastRequest,
  PROXY,
  request,
  trace,
} from './rig.ts'

describe.each(['ts', 'cfg'] as const)('a call in a .%s', (language) => {
  test.each(['udp', 'tcp'] as const)('INVITE, 180, 200, ACK, BYE, 200 over %s', async (transport) => {
    const rig = await createRig({ language })
    const suffix = transport === 'tcp' ? ';transport=tcp' : ''
    rig.router.onRequest = forwardAll(`sip:bob@${CALLEE}${suffix}`)
    const caller = rig.end(CALLER, transport)
    const callee = rig.end(CALLEE, transport)
    const o = { transport }

    await rig.send(caller, request(o))
    expect(trace(caller)).toEqual(['100'])
    expect(lastReply(caller).reason).toBe(language === 'ts' ? 'Trying' : 'trying -- your call is important to us')
    expect(trace(callee)).toEqual(['INVITE'])
    const invite = lastRequest(callee)
    expect(invite.requestUri).toBe(`sip:bob@${CALLEE}${suffix}`)
    expect(invite.maxForwards).toBe(language === 'ts' ? 69 : 70)
    expect(invite.header('Record-Route')).toBe(`<sip:${PROXY}${suffix};lr>`)
    const vias = invite.vias()
    expect(vias).toHaveLength(2)
    expect(`${vias[0]!.transport} ${vias[0]!.host}:${vias[0]!.port}`).toBe(`${transport.toUpperCase()} ${PROXY}:5060`)

    await rig.answer(callee, first(callee, 'INVITE'), answerTo(first(callee, 'INVITE'), 180))
    expect(trace(caller)).toEqual(['100', '180'])
    expect(lastReply(caller).vias()).toHaveLength(1)
    await rig.advance(3000)
    await rig.answer(callee, first(callee, 'INVITE'), answerTo(first(callee, 'INVITE'), 200))
    expect(trace(caller)).toEqual(['100', '180', '200'])
    expect(rig.core.calls.dialogs).toBe(1)

    await rig.send(caller, request({ ...o, method: 'ACK', toTag: 'callee', branch: 'z9hG4bK-ack' }))
    expect(trace(callee)).toEqual(['INVITE', 'ACK'])
    await rig.advance(10_000)
    await rig.send(caller, request({ ...o, method: 'BYE', toTag: 'callee', cseq: 2 }))
    expect(trace(callee)).toEqual(['INVITE', 'ACK', 'BYE'])
    await rig.answer(callee, last(callee), answerTo(last(callee), 200))
    expect(trace(caller)).toEqual(['100', '180', '200', '200'])

    expect(rig.router.calls).toHaveLength(1)
    expect(rig.router.calls[0]).toMatchObject({
      callId: 'call-1',
      fromTag: 'caller',
      toTag: 'callee',
      reason: 'bye',
      status: 200,
      endedBy: 'caller',
      setupMillis: 3000,
      ringMillis: 3000,
      talkMillis: 10_000,
      destination: `${transport}:${CALLEE}:5060`,
      hops: 1,
    })
    await rig.advance(40_000)
    // Everything is released: the 2xx machines by timers L and M, the BYE by J and K.
    expect(rig.transactions.stats()).toMatchObject({ open: 0, server: 0, client: 0 })
    expect(rig.core.stats()).toMatchObject({ contexts: 0, calls: 0 })
    expect(rig.router.endings).toHaveLength(rig.router.requests.length)
    expect(rig.transactions.timers.size).toBe(0)
  })
})
