// Owns the tests of CANCEL and its races, in both languages, and of Timer C.

import { describe, expect, test } from 'vitest'
import type { RequestContext } from '../../src/proxy/index.ts'
import {
  answerTo,
  branchTo,
  CALLEE,
  CALLER,
  createRig,
  first,
  forwardAll,
  lastReply,
  lastRequest,
  recordRoute,
  relayTo,
  request,
  trace,
} from './rig.ts'

const CANCEL = request({ method: 'CANCEL', branch: 'z9hG4bK-INVITE-1', headers: ['Reason: SIP;cause=487'] })

describe.each(['ts', 'cfg'] as const)('CANCEL in a .%s', (language) => {
  async function ringing() {
    const rig = await createRig({ language })
    rig.router.onRequest = forwardAll()
    const caller = rig.end(CALLER)
    const callee = rig.end(CALLEE)
    await rig.send(caller, request())
    const answer = (status: number) =>
      rig.answer(callee, first(callee, 'INVITE'), answerTo(first(callee, 'INVITE'), status))
    return { rig, caller, callee, answer }
  }

  test('200 to it, CANCEL onwards, 487 back', async () => {
    const { rig, caller, callee, answer } = await ringing()
    await answer(180)
    await rig.send(caller, CANCEL)
    expect(trace(caller)).toEqual(['100', '180', '200'])
    expect(lastReply(caller).cseqMethod).toBe('CANCEL')
    expect(trace(callee)).toEqual(['INVITE', 'CANCEL'])
    const cancel = lastRequest(callee)
    expect(cancel.topVia!.branch).toBe(first(callee, 'INVITE').message!.topVia!.branch)
    expect(cancel.header('Reason')).toBe('SIP;cause=487')
    // Retransmitted, it is only answered again.
    await rig.send(caller, CANCEL)
    expect(trace(caller)).toEqual(['100', '180', '200', '200'])
    await answer(487)
    expect(trace(callee)).toEqual(['INVITE', 'CANCEL', 'ACK'])
    expect(trace(caller)).toEqual(['100', '180', '200', '200', '487'])
    expect(rig.router.calls).toMatchObject([{ reason: 'canceled', status: 487, endedBy: 'caller', toTag: '' }])
    // What the script saw of it.
    expect(rig.router.requests.map((c) => c.request.method)).toEqual(
      language === 'ts' ? ['INVITE'] : ['INVITE', 'CANCEL'],
    )
    if (language === 'cfg') {
      expect(rig.router.requests[1]!.transactionMatch).toBe(true)
      expect(rig.router.requests[1]!.matched).toBe(rig.router.requests[0])
    }
    await rig.send(caller, request({ method: 'ACK', branch: 'z9hG4bK-INVITE-1', toTag: 'callee' }))
    await rig.advance(60_000)
    expect(rig.core.stats().contexts).toBe(0)
    expect(rig.router.endings).toHaveLength(rig.router.requests.length)
  })

  test('the callee answers at the same moment: the 200 passes', async () => {
    const { rig, caller, callee, answer } = await ringing()
    await answer(180)
    await rig.send(caller, CANCEL)
    await answer(200)
    expect(trace(caller)).toEqual(['100', '180', '200', '200'])
    expect(lastReply(caller).cseqMethod).toBe('INVITE')
    expect(trace(callee)).toEqual(['INVITE', 'CANCEL'])
    expect(rig.core.calls.dialogs).toBe(1)
    expect(rig.router.calls).toEqual([])
  })

  test('after the 200 it changes nothing', async () => {
    const { rig, caller, callee, answer } = await ringing()
    await answer(200)
    await rig.send(caller, CANCEL)
    expect(trace(caller)).toEqual(['100', '200', '200'])
    expect(trace(callee)).toEqual(['INVITE'])
    expect(rig.core.calls.dialogs).toBe(1)
  })

  test('nobody ever answered: 487 when Timer B gives up', async () => {
    const { rig, caller, callee } = await ringing()
    await rig.send(caller, CANCEL)
    expect(trace(callee)).not.toContain('CANCEL')
    await rig.advance(30_000)
    expect(lastReply(caller).status).toBe(487)
    expect(rig.router.calls).toMatchObject([{ reason: 'canceled' }])
  })

  test('the callee ignores it: 487 after 64*T1', async () => {
    const { rig, caller, answer } = await ringing()
    await answer(180)
    await rig.send(caller, CANCEL)
    await rig.advance(31_000)
    expect(trace(caller)).toEqual(['100', '180', '200'])
    await rig.advance(1000)
    expect(lastReply(caller).status).toBe(487)
  })

  test('while the route waits: 487 at once, and its relay comes too late', async () => {
    const rig = await createRig({ language })
    let release = () => {}
    const codes: unknown[] = []
    rig.router.onRequest = async (context) => {
      if (context.request.method !== 'INVITE') return
      await new Promise<void>((resolve) => {
        release = resolve
      })
      codes.push(await context.relay(relayTo(`sip:bob@${CALLEE}`)))
    }
    const caller = rig.end(CALLER)
    const callee = rig.end(CALLEE)
    await rig.send(caller, request())
    // The retransmission is absorbed.
    await rig.send(caller, request())
    await rig.send(caller, CANCEL)
    expect(trace(caller).filter((status) => status !== '100')).toEqual(['200', '487'])
    release()
    await rig.settle()
    expect(codes).toEqual([-1])
    expect(trace(callee)).toEqual([])
    expect(rig.router.requests).toHaveLength(1)
    expect(rig.router.calls).toMatchObject([{ reason: 'canceled' }])
  })
})

test('a CANCEL that belongs to nothing gets 481 in a .ts, and goes to the script in a .cfg', async () => {
  const ts = await createRig({ language: 'ts' })
  await ts.send(ts.end(CALLER), CANCEL)
  expect(trace(ts.end(CALLER))).toEqual(['481'])
  expect(ts.router.requests).toEqual([])

  const cfg = await createRig({ language: 'cfg' })
  cfg.router.onRequest = forwardAll()
  const callee = cfg.end(CALLEE)
  await cfg.send(cfg.end(CALLER), CANCEL)
  expect(cfg.router.requests[0]!.transactionMatch).toBe(false)
  // t_relay sends it on without a transaction.
  expect(trace(callee)).toEqual(['CANCEL'])
})

test('in a .cfg the CANCEL that the script does not relay is not answered', async () => {
  const rig = await createRig({ language: 'cfg' })
  rig.router.onRequest = (context: RequestContext) => {
    if (context.request.method === 'INVITE') void context.relay(relayTo(`sip:bob@${CALLEE}`))
  }
  const caller = rig.end(CALLER)
  await rig.send(caller, request())
  await rig.send(caller, CANCEL)
  expect(trace(caller)).toEqual(['100'])
})

describe('Timer C', () => {
  test.each(['udp', 'tcp'] as const)('cancels and answers 408 at once over %s', async (transport) => {
    const rig = await createRig({ timers: { frInv: 20_000 } })
    const uri = `sip:bob@${CALLEE};transport=${transport}`
    rig.router.onRequest = (context) => {
      context.relay({ branches: [branchTo(uri, { edits: [recordRoute(context)] })], onFailure: 'F' })
    }
    const caller = rig.end(CALLER)
    const callee = rig.end(CALLEE, transport)
    await rig.send(caller, request())
    const invite = first(callee, 'INVITE')
    await rig.answer(callee, invite, answerTo(invite, 180))
    await rig.advance(15_000)
    // 16.7 step 2: reset by each provisional reply but 100.
    await rig.answer(callee, invite, answerTo(invite, 183))
    await rig.advance(19_500)
    expect(trace(callee)).toEqual(['INVITE'])
    await rig.advance(500)
    expect(trace(callee)).toEqual(['INVITE', 'CANCEL'])
    expect(rig.router.failures).toMatchObject([{ route: 'F', status: 408, timedOut: true, canceled: false }])
    expect(lastReply(caller).status).toBe(408)
    await rig.answer(callee, invite, answerTo(invite, 487))
    expect(trace(callee)).toEqual(['INVITE', 'CANCEL', 'ACK'])
    expect(trace(caller).filter((status) => status === '408').length).toBeGreaterThan(0)
    expect(rig.router.calls).toMatchObject([{ reason: 'timeout', status: 408 }])
  })

  test('frInvTimer of the relay wins', async () => {
    const rig = await createRig()
    rig.router.onRequest = (context) =>
      void context.relay({ ...relayTo(`sip:bob@${CALLEE}`), frInvTimer: 3000, frTimer: 1000 })
    const callee = rig.end(CALLEE)
    await rig.send(rig.end(CALLER), request())
    await rig.answer(callee, first(callee, 'INVITE'), answerTo(first(callee, 'INVITE'), 180))
    await rig.advance(3000)
    expect(lastReply(rig.end(CALLER)).status).toBe(408)
  })

  test('a 200 that crosses the CANCEL still reaches the caller (16.7 step 5)', async () => {
    const rig = await createRig({ timers: { frInv: 20_000 } })
    rig.router.onRequest = forwardAll()
    const caller = rig.end(CALLER)
    const callee = rig.end(CALLEE)
    await rig.send(caller, request())
    const invite = first(callee, 'INVITE')
    await rig.answer(callee, invite, answerTo(invite, 180))
    await rig.advance(20_000)
    expect(lastReply(caller).status).toBe(408)
    await rig.send(caller, request({ method: 'ACK', branch: 'z9hG4bK-INVITE-1', toTag: lastReply(caller).toTag }))
    await rig.answer(callee, invite, answerTo(invite, 200))
    expect(lastReply(caller).status).toBe(200)
    expect(rig.router.calls).toHaveLength(1)
  })
})

describe('an INVITE of our own that rings and is not answered', () => {
  const OWN = {
    method: 'INVITE',
    uri: 'sip:bob@phones.example',
    from: '<sip:sbc@example.com>',
    frInvTimer: 5000,
  }
  async function ringing() {
    const rig = await createRig({ hosts: { 'phones.example': [CALLEE, '10.0.0.8'] } })
    const [callee, other] = [rig.end(CALLEE), rig.end('10.0.0.8')]
    const answered: number[] = []
    const outcome = rig.core.send({ ...OWN, onSuccess: ({ status }) => answered.push(status) })
    await rig.settle()
    const invite = first(callee, 'INVITE')
    await rig.answer(callee, invite, answerTo(invite, 180))
    await rig.advance(5200, 100)
    expect(trace(callee)).toEqual(['INVITE', 'CANCEL'])
    return { rig, callee, other, invite, outcome, answered }
  }

  test('is cancelled: 408, and nobody else is called', async () => {
    const { rig, callee, other, invite, outcome } = await ringing()
    await rig.answer(callee, invite, answerTo(invite, 487))
    expect(await outcome).toMatchObject({ status: 408, hop: { address: CALLEE } })
    expect(trace(callee)).toEqual(['INVITE', 'CANCEL', 'ACK'])
    expect(trace(other)).toEqual([])
  })

  test('and where even that is not answered, it is over after 64*T1', async () => {
    const { rig, other, outcome } = await ringing()
    await rig.advance(70_000)
    expect(await outcome).toMatchObject({ status: 408 })
    expect(trace(other)).toEqual([])
    expect(rig.transactions.stats().client).toBe(0)
  })

  test('a 200 that crosses the CANCEL is a call', async () => {
    const { rig, callee, invite, outcome, answered } = await ringing()
    await rig.answer(callee, invite, answerTo(invite, 200))
    expect(await outcome).toMatchObject({ status: 200 })
    expect(answered).toEqual([200])
  })
})
