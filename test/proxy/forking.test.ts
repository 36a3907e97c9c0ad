// Owns the tests of forking: best response (RFC 3261 16.7), 6xx, challenges, 2xx that come late, failover over hops.

import { describe, expect, test } from 'vitest'
import {
  answerTo,
  branchTo,
  CALLER,
  createRig,
  first,
  last,
  lastReply,
  lastRequest,
  type Rig,
  recordRoute,
  relayTo,
  request,
  trace,
} from './rig.ts'

const ONE = '10.0.0.11'
const TWO = '10.0.0.12'
const THREE = '10.0.0.13'
const TARGETS = [`sip:bob@${ONE}`, `sip:bob@${TWO}`, `sip:bob@${THREE}`]

async function fork(rig: Rig, count = 2, o: Parameters<typeof request>[0] = {}) {
  rig.router.onRequest = (context) => {
    const edits = context.request.method === 'INVITE' ? [recordRoute(context)] : []
    const branches = TARGETS.slice(0, count).map((uri) => branchTo(uri, { edits }))
    if (context.request.method !== 'ACK') expect(context.relay({ branches })).toBe(1)
  }
  const caller = rig.end(CALLER)
  const ends = [ONE, TWO, THREE].slice(0, count).map((address) => rig.end(address))
  await rig.send(caller, request(o))
  return {
    caller,
    ends,
    answer: (i: number, status: number, extra = {}) =>
      rig.answer(
        ends[i]!,
        first(ends[i]!, o.method ?? 'INVITE'),
        answerTo(first(ends[i]!, o.method ?? 'INVITE'), status, { tag: `callee${i}`, ...extra }),
      ),
  }
}

describe('best response', () => {
  test.each([
    [[486, 404], 404],
    [[404, 486], 404],
    [[500, 404], 404],
    [[302, 404], 302],
    [[404, 603], 603],
    [[404, 401], 401],
    [[404, 484], 484],
    [[408, 486], 408],
    [[503, 500], 500],
    [[487, 480], 480],
    [[600, 606], 600],
  ])('%j gives %i', async (statuses, chosen) => {
    const rig = await createRig()
    const { caller, answer } = await fork(rig)
    await answer(0, statuses[0]!)
    expect(trace(caller)).toEqual(['100'])
    await answer(1, statuses[1]!)
    expect(lastReply(caller).status).toBe(chosen)
    expect(trace(caller)).toHaveLength(2)
  })

  test('a 503 of the next hop goes upstream as 500', async () => {
    const rig = await createRig()
    const { caller, answer } = await fork(rig, 1)
    await answer(0, 503)
    expect(lastReply(caller).status).toBe(500)
  })

  test('unless that is switched off', async () => {
    const rig = await createRig({ options: { translate503: 'off' } })
    const { caller, answer } = await fork(rig, 1)
    await answer(0, 503)
    expect(lastReply(caller).status).toBe(503)
  })

  test('challenges of all branches stand in the chosen one', async () => {
    const rig = await createRig()
    const { caller, answer } = await fork(rig, 3)
    await answer(0, 401, { headers: 'WWW-Authenticate: Digest realm="one"\r\n' })
    await answer(1, 407, { headers: 'Proxy-Authenticate: Digest realm="two"\r\n' })
    await answer(2, 401, { headers: 'WWW-Authenticate: Digest realm="three"\r\n' })
    const reply = lastReply(caller)
    expect(reply.status).toBe(401)
    expect(reply.headers('WWW-Authenticate')).toEqual(['Digest realm="one"', 'Digest realm="three"'])
    expect(reply.headers('Proxy-Authenticate')).toEqual(['Digest realm="two"'])
  })
})

describe('parallel forking', () => {
  test('every provisional reply but 100 passes; a 2xx passes at once and cancels the others', async () => {
    const rig = await createRig()
    const { caller, ends, answer } = await fork(rig, 3)
    await answer(0, 100)
    await answer(0, 180)
    await answer(1, 183)
    await answer(1, 200)
    expect(trace(caller)).toEqual(['100', '180', '183', '200'])
    expect(trace(ends[0]!)).toEqual(['INVITE', 'CANCEL'])
    expect(lastRequest(ends[0]!).header('Reason')).toBe('SIP;cause=200;text="Call completed elsewhere"')
    expect(trace(ends[1]!)).toEqual(['INVITE'])
    // The third has not answered at all: its CANCEL waits.
    expect(trace(ends[2]!)).toEqual(['INVITE'])
    await answer(2, 180)
    expect(trace(ends[2]!)).toEqual(['INVITE', 'CANCEL'])
    await answer(0, 487)
    await answer(2, 487)
    expect(trace(ends[0]!)).toEqual(['INVITE', 'CANCEL', 'ACK'])
    expect(trace(caller)).toEqual(['100', '180', '183', '200'])
  })

  test('two 2xx both pass, and the call lives until both dialogs are over', async () => {
    const rig = await createRig()
    const { caller, answer } = await fork(rig)
    await answer(0, 200)
    await answer(1, 200)
    expect(trace(caller)).toEqual(['100', '200', '200'])
    expect(rig.core.calls.dialogs).toBe(2)
    rig.router.onRequest = (context) => {
      context.reply({ status: 200, reason: 'OK', headers: '', body: '', mode: 'auto' })
    }
    await rig.send(caller, request({ method: 'BYE', toTag: 'callee0', cseq: 2 }))
    expect(rig.router.calls).toEqual([])
    await rig.send(caller, request({ method: 'BYE', toTag: 'callee1', cseq: 3 }))
    expect(rig.router.calls).toHaveLength(1)
  })

  test('retransmitted 2xx pass as long as the machines live', async () => {
    const rig = await createRig()
    const { caller, answer } = await fork(rig, 1)
    await answer(0, 200)
    await rig.advance(10_000)
    await answer(0, 200)
    expect(trace(caller)).toEqual(['100', '200', '200'])
    await rig.advance(60_000)
    // RFC 6026 7.3: then it is a stray, which a stateful proxy drops.
    await answer(0, 200)
    expect(trace(caller)).toEqual(['100', '200', '200'])
    expect(rig.core.stats().contexts).toBe(0)
  })

  test.each(['ts', 'cfg'] as const)(
    'an answered INVITE that rests is still the same to a late 2xx, in a .%s',
    async (language) => {
      const rig = await createRig({ language })
      const { caller, answer } = await fork(rig, 2)
      await answer(1, 180)
      await answer(1, 486)
      await answer(0, 200)
      const context = rig.router.requests[0]!
      const { raw } = context.request
      // Another one is answered after it.
      await rig.send(caller, request({ callId: 'call-2', branch: 'z9hG4bK-other' }))
      const end = rig.end(ONE)
      await rig.answer(end, last(end), answerTo(last(end), 200, { tag: 'other' }))
      expect(rig.core.find('call-1', 1)).toBe(context)
      expect(rig.core.find('call-1', 2)).toBeUndefined()
      rig.router.replies.length = 0
      await answer(0, 200)
      expect(rig.router.replies).toHaveLength(1)
      expect(rig.router.replies[0]!.context).toBe(context)
      expect(context.request.raw).toBe(raw)
      expect(context.branchStatuses()).toEqual([200, 486])
      expect(context.anyReplied()).toBe(true)
      expect(context.branchUris()).toEqual(TARGETS.slice(0, 2))
      expect([context.replied, context.relayed, context.lastStatus, context.branchCount]).toEqual([true, true, 200, 2])
      expect(context.relay({ branches: [branchTo(TARGETS[2]!)] })).toBe(-1)
      expect(lastReply(caller).toTag).toBe('callee0')
      await rig.advance(60_000)
      expect(rig.router.endings).toContain(context)
      expect(rig.core.stats().contexts).toBe(0)
    },
  )

  test('a 6xx cancels the others and goes upstream when they are done', async () => {
    const rig = await createRig()
    const { caller, ends, answer } = await fork(rig)
    await answer(0, 180)
    await answer(1, 603)
    expect(trace(ends[0]!)).toEqual(['INVITE', 'CANCEL'])
    expect(trace(caller)).toEqual(['100', '180'])
    await answer(0, 487)
    expect(trace(caller)).toEqual(['100', '180', '603'])
  })

  test('of a request that is no INVITE only the first final reply passes', async () => {
    const rig = await createRig()
    const { caller, ends, answer } = await fork(rig, 2, { method: 'OPTIONS' })
    await answer(0, 200)
    await answer(1, 200)
    expect(trace(caller)).toEqual(['200'])
    expect(trace(ends[1]!)).toEqual(['OPTIONS'])
  })

  test('more targets than branches allowed is refused', async () => {
    const rig = await createRig({ limits: { branches: 2 } })
    const codes: unknown[] = []
    rig.router.onRequest = (context) => {
      codes.push(context.relay(relayTo(...TARGETS)))
    }
    await rig.send(rig.end(CALLER), request())
    expect(codes).toEqual([-1])
    expect(lastReply(rig.end(CALLER)).status).toBe(500)
  })
})

describe('hops of one target (RFC 3263 4.3)', () => {
  const hosts = { 'far.example.com': [ONE, TWO] }

  test('a refused connection goes to the next address, under a new branch', async () => {
    const rig = await createRig({ hosts })
    rig.network.refuse(ONE, 5060)
    rig.router.onRequest = (context) => void context.relay(relayTo('sip:bob@far.example.com;transport=tcp'))
    const two = rig.end(TWO, 'tcp')
    const caller = rig.end(CALLER)
    await rig.send(caller, request())
    expect(trace(two)).toEqual(['INVITE'])
    await rig.answer(two, last(two), answerTo(last(two), 486))
    expect(trace(caller)).toEqual(['100', '486'])
  })

  test('so does a 503, and the caller sees none of it', async () => {
    const rig = await createRig({ hosts })
    rig.router.onRequest = (context) => void context.relay(relayTo('sip:bob@far.example.com'))
    const caller = rig.end(CALLER)
    const one = rig.end(ONE)
    const two = rig.end(TWO)
    await rig.send(caller, request())
    expect(trace(two)).toEqual([])
    await rig.answer(one, last(one), answerTo(last(one), 503))
    expect(trace(one)).toEqual(['INVITE', 'ACK'])
    expect(trace(two)).toEqual(['INVITE'])
    expect(lastRequest(two).topVia!.branch).not.toBe(first(one, 'INVITE').message!.topVia!.branch)
    await rig.answer(two, last(two), answerTo(last(two), 200))
    expect(trace(caller)).toEqual(['100', '200'])
  })

  test('so does silence; the last one gives 408', async () => {
    const rig = await createRig({ hosts, timers: { fr: 2000 } })
    rig.router.onRequest = (context) => void context.relay(relayTo('sip:bob@far.example.com'))
    const caller = rig.end(CALLER)
    await rig.send(caller, request())
    await rig.advance(2000)
    expect(trace(rig.end(TWO))).toEqual([])
    rig.end(TWO)
    await rig.advance(1900)
    expect(trace(caller)).toEqual(['100'])
    await rig.advance(100)
    expect(trace(caller)).toEqual(['100', '408'])
  })

  test('no address answers: 503', async () => {
    const rig = await createRig({ hosts })
    rig.network.refuse(ONE, 5060)
    rig.network.refuse(TWO, 5060)
    rig.router.onRequest = (context) => void context.relay(relayTo('sip:bob@far.example.com;transport=tcp'))
    const caller = rig.end(CALLER)
    await rig.send(caller, request())
    expect(trace(caller)).toEqual(['100', '503'])
    expect(rig.core.stats().unreachable).toBe(1)
  })
})
