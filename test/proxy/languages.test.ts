// Owns the tests of what the core does by itself in a `.ts` and only on request in a `.cfg` (design section 5).

import { describe, expect, test } from 'vitest'
import {
  answerTo,
  CALLEE,
  CALLER,
  createRig,
  first,
  last,
  lastReply,
  lastRequest,
  PROXY,
  relayTo,
  request,
  trace,
} from './rig.ts'

const OPTIONS = { method: 'OPTIONS' }

describe('.ts', () => {
  test('a run that neither relays nor answers is answered 500', async () => {
    const rig = await createRig()
    await rig.send(rig.end(CALLER), request(OPTIONS))
    expect(trace(rig.end(CALLER))).toEqual(['500'])
    expect(rig.core.stats().unanswered).toBe(1)
  })

  test('but not one that drops', async () => {
    const rig = await createRig()
    rig.router.onRequest = (context) => context.drop()
    await rig.send(rig.end(CALLER), request(OPTIONS))
    expect(trace(rig.end(CALLER))).toEqual([])
    expect(rig.core.stats()).toMatchObject({ unanswered: 0, contexts: 0 })
  })

  test('100 at once, before the route has decided', async () => {
    const rig = await createRig()
    rig.router.onRequest = () => new Promise(() => {})
    await rig.send(rig.end(CALLER), request())
    expect(trace(rig.end(CALLER))).toEqual(['100'])
    await rig.send(rig.end(CALLER), request())
    expect(trace(rig.end(CALLER))).toEqual(['100', '100'])
    expect(rig.router.requests).toHaveLength(1)
  })

  test.each([
    ['Max-Forwards 0', request({ ...OPTIONS, maxForwards: 0 }), 483],
    ['an unknown scheme', request({ ...OPTIONS, uri: 'nobody:there' }), 416],
    ['Proxy-Require', request({ ...OPTIONS, headers: ['Proxy-Require: magic'] }), 420],
    ['another method in CSeq', request(OPTIONS).replace('1 OPTIONS', '1 BYE'), 400],
  ])('16.3: %s is refused without a run', async (_name, wire, status) => {
    const rig = await createRig()
    await rig.send(rig.end(CALLER), wire)
    expect(trace(rig.end(CALLER))).toEqual([String(status)])
    expect(rig.router.requests).toEqual([])
    expect(rig.core.stats().rejected).toBe(1)
    if (status === 420) expect(lastReply(rig.end(CALLER)).header('Unsupported')).toBe('magic')
  })

  test('Max-Forwards is counted down, or set where there is none', async () => {
    const rig = await createRig()
    rig.router.onRequest = (context) => void context.relay(relayTo(`sip:bob@${CALLEE}`))
    const callee = rig.end(CALLEE)
    await rig.send(rig.end(CALLER), request({ ...OPTIONS, maxForwards: 7 }))
    expect(lastRequest(callee).maxForwards).toBe(6)
    await rig.send(rig.end(CALLER), request({ ...OPTIONS, maxForwards: null, cseq: 2 }))
    expect(lastRequest(callee).maxForwards).toBe(70)
    await rig.send(rig.end(CALLER), request({ ...OPTIONS, maxForwards: 1, cseq: 3 }))
    expect(lastRequest(callee).maxForwards).toBe(0)
  })

  test('the script never sees the ACK of a failure', async () => {
    const rig = await createRig()
    rig.router.onRequest = (context) =>
      void context.reply({ status: 403, reason: '', headers: '', body: '', mode: 'stateless' })
    const caller = rig.end(CALLER)
    await rig.send(caller, request())
    expect(trace(caller)).toEqual(['100', '403'])
    await rig.send(caller, request({ method: 'ACK', branch: 'z9hG4bK-INVITE-1', toTag: lastReply(caller).toTag }))
    await rig.advance(2000)
    expect(trace(caller)).toEqual(['100', '403'])
    expect(rig.router.requests).toHaveLength(1)
  })
})

describe('.cfg', () => {
  test('a run that does nothing sends nothing, and the next retransmission runs again', async () => {
    const rig = await createRig({ language: 'cfg' })
    await rig.send(rig.end(CALLER), request())
    await rig.send(rig.end(CALLER), request())
    expect(trace(rig.end(CALLER))).toEqual([])
    expect(rig.router.requests).toHaveLength(2)
    expect(rig.router.endings).toHaveLength(2)
    expect(rig.core.stats()).toMatchObject({ unanswered: 2, contexts: 0 })
    expect(rig.transactions.stats().server).toBe(0)
  })

  test('Max-Forwards, scheme and the like are the script’s affair', async () => {
    const rig = await createRig({ language: 'cfg' })
    rig.router.onRequest = (context) =>
      void context.relay({
        branches: [{ uri: context.request.requestUri, nextHop: `sip:${CALLEE}`, edits: [], flags: 0 }],
      })
    const callee = rig.end(CALLEE)
    await rig.send(rig.end(CALLER), request({ ...OPTIONS, maxForwards: 0 }))
    expect(lastRequest(callee).maxForwards).toBe(0)
    expect(lastRequest(callee).requestUri).toBe(`sip:bob@${CALLEE}`)
  })

  test('a stateless reply keeps nothing; its ACK is known and absorbed', async () => {
    const rig = await createRig({ language: 'cfg' })
    rig.router.onRequest = (context) =>
      void context.reply({ status: 404, reason: 'Not here', headers: '', body: '', mode: 'stateless' })
    const caller = rig.end(CALLER)
    await rig.send(caller, request())
    expect(trace(caller)).toEqual(['404'])
    expect(rig.transactions.stats().server).toBe(0)
    const { toTag } = lastReply(caller)
    await rig.send(caller, request({ method: 'ACK', branch: 'z9hG4bK-INVITE-1', toTag }))
    expect(rig.router.requests).toHaveLength(1)
    await rig.send(caller, request({ method: 'ACK', branch: 'z9hG4bK-INVITE-1', toTag: 'guessed' }))
    expect(rig.router.requests).toHaveLength(2)
  })

  test('the ACK of a failure runs the route once more, and relaying it does nothing', async () => {
    const rig = await createRig({ language: 'cfg' })
    const codes: unknown[] = []
    rig.router.onRequest = async (context) => void codes.push(await context.relay(relayTo(`sip:bob@${CALLEE}`)))
    const caller = rig.end(CALLER)
    const callee = rig.end(CALLEE)
    await rig.send(caller, request())
    await rig.answer(callee, last(callee), answerTo(last(callee), 486))
    await rig.send(caller, request({ method: 'ACK', branch: 'z9hG4bK-INVITE-1', toTag: 'callee' }))
    expect(rig.router.requests.map((c) => [c.request.method, c.transactionMatch])).toEqual([
      ['INVITE', false],
      ['ACK', true],
    ])
    expect(codes).toEqual([1, 1])
    expect(trace(callee)).toEqual(['INVITE', 'ACK'])
  })

  test('t_newtran: 1, and while the route waits a retransmission is absorbed', async () => {
    const rig = await createRig({ language: 'cfg' })
    let release = () => {}
    const codes: number[] = []
    rig.router.onRequest = async (context) => {
      codes.push(context.newTransaction())
      await new Promise<void>((resolve) => {
        release = resolve
      })
      codes.push(context.newTransaction())
      context.reply({ status: 200, reason: 'OK', headers: '', body: '', mode: 'auto' })
    }
    const caller = rig.end(CALLER)
    await rig.send(caller, request(OPTIONS))
    await rig.send(caller, request(OPTIONS))
    release()
    await rig.settle()
    expect(codes).toEqual([1, 1])
    expect(trace(caller)).toEqual(['200'])
    await rig.send(caller, request(OPTIONS))
    expect(trace(caller)).toEqual(['200', '200'])
    expect(rig.router.requests).toHaveLength(1)
  })

  test('a transaction that the script leaves behind is released', async () => {
    const rig = await createRig({ language: 'cfg' })
    rig.router.onRequest = (context) => void context.newTransaction()
    await rig.send(rig.end(CALLER), request())
    expect(rig.transactions.stats()).toMatchObject({ open: 0, server: 0 })
    expect(rig.core.stats().contexts).toBe(0)
  })
})

describe.each(['ts', 'cfg'] as const)('in a .%s', (language) => {
  test.each(['throws', 'rejects'])('a route that %s costs its request 500', async (how) => {
    const rig = await createRig({ language })
    rig.router.onRequest =
      how === 'throws'
        ? () => {
            throw new Error('script')
          }
        : () => Promise.reject(new Error('script'))
    await rig.send(rig.end(CALLER), request(OPTIONS))
    expect(trace(rig.end(CALLER))).toEqual(['500'])
    expect(rig.core.stats().routeErrors).toBe(1)
    await rig.advance(40_000)
    expect(rig.core.stats().contexts).toBe(0)
    expect(rig.router.endings).toHaveLength(1)
  })

  test('a retransmission that comes while the route waits is absorbed', async () => {
    const rig = await createRig({ language })
    let release = () => {}
    rig.router.onRequest = async (context) => {
      await new Promise<void>((resolve) => {
        release = resolve
      })
      await context.relay(relayTo(`sip:bob@${CALLEE}`))
    }
    const caller = rig.end(CALLER)
    const callee = rig.end(CALLEE)
    await rig.send(caller, request(OPTIONS))
    await rig.send(caller, request(OPTIONS))
    await rig.send(caller, request(OPTIONS))
    release()
    await rig.settle()
    expect(rig.router.requests).toHaveLength(1)
    expect(trace(callee)).toEqual(['OPTIONS'])
    await rig.answer(callee, last(callee), answerTo(last(callee), 200))
    expect(trace(caller)).toEqual(['200'])
  })

  test('reply routes see each reply with its request, one at a time', async () => {
    const rig = await createRig({ language })
    rig.router.onRequest = (context) => void context.relay({ ...relayTo(`sip:bob@${CALLEE}`), onReply: 'R' })
    const caller = rig.end(CALLER)
    const callee = rig.end(CALLEE)
    const waiting: (() => void)[] = []
    rig.router.onReply = async ({ reply }) => {
      await new Promise<void>((resolve) => waiting.push(resolve))
      const at = reply.firstLineEnd
      return { drop: false, edits: [{ at, remove: 0, text: `X-Seen: ${reply.status}\r\n` }] }
    }
    await rig.send(caller, request())
    const invite = first(callee, 'INVITE')
    await rig.answer(callee, invite, answerTo(invite, 180))
    await rig.answer(callee, invite, answerTo(invite, 200))
    expect(waiting).toHaveLength(1)
    waiting.shift()!()
    await rig.settle()
    expect(trace(caller)).toEqual(['100', '180'])
    waiting.shift()!()
    await rig.settle()
    expect(trace(caller)).toEqual(['100', '180', '200'])
    expect(lastReply(caller).header('X-Seen')).toBe('200')
    expect(rig.router.replies.map(({ context, onReply, branch }) => [context, onReply, branch])).toEqual([
      [rig.router.requests[0], 'R', 0],
      [rig.router.requests[0], 'R', 0],
    ])
  })

  test('a reply route that throws lets the reply pass; one that drops a provisional reply stops it', async () => {
    const rig = await createRig({ language })
    rig.router.onRequest = (context) => void context.relay(relayTo(`sip:bob@${CALLEE}`))
    const caller = rig.end(CALLER)
    const callee = rig.end(CALLEE)
    await rig.send(caller, request())
    const invite = first(callee, 'INVITE')
    rig.router.onReply = () => ({ drop: true, edits: [] })
    await rig.answer(callee, invite, answerTo(invite, 180))
    rig.router.onReply = () => {
      throw new Error('script')
    }
    await rig.answer(callee, invite, answerTo(invite, 200))
    expect(trace(caller)).toEqual(['100', '200'])
    expect(rig.core.stats().routeErrors).toBe(1)
  })

  test('a final reply that a route drops is as if it had never come', async () => {
    const rig = await createRig({ language, timers: { fr: 5000 } })
    rig.router.onRequest = (context) => void context.relay(relayTo(`sip:bob@${CALLEE}`))
    rig.router.onReply = () => ({ drop: true, edits: [] })
    const caller = rig.end(CALLER)
    const callee = rig.end(CALLEE)
    await rig.send(caller, request(OPTIONS))
    await rig.answer(callee, last(callee), answerTo(last(callee), 200))
    await rig.advance(4500)
    expect(trace(caller)).toEqual([])
    await rig.advance(500)
    expect(trace(caller)).toEqual(['408'])
    await rig.advance(40_000)
    expect(rig.core.stats().contexts).toBe(0)
    expect(rig.transactions.timers.size).toBe(0)
  })

  test('force_rport: the reply goes to the source port', async () => {
    const rig = await createRig({ language })
    rig.router.onRequest = (context) => {
      context.forceRport()
      context.reply({ status: 200, reason: 'OK', headers: '', body: '', mode: 'auto' })
    }
    const behindNat = rig.end(CALLER, 'udp', 40_000)
    await rig.send(behindNat, request({ ...OPTIONS, sentBy: '192.168.1.2:5060' }))
    expect(trace(behindNat)).toEqual(['200'])
    const via = lastReply(behindNat).topVia!
    expect(via.params.get('received')).toBe(CALLER)
    expect(via.params.get('rport')).toBe('40000')
  })

  test('replies: To tag, headers, body, received', async () => {
    const rig = await createRig({ language })
    rig.router.onRequest = (context) => {
      const reply = {
        headers: 'X-A: 1\r\n',
        body: 'hello',
        contentType: 'text/plain',
        reason: 'Fine',
        mode: 'auto' as const,
      }
      expect(context.reply({ ...reply, status: 200 })).toBe(1)
      expect(context.replied).toBe(true)
      expect(context.lastStatus).toBe(200)
      expect(context.reply({ ...reply, status: 200 })).toBe(-1)
      expect(context.relay(relayTo(`sip:bob@${PROXY}`))).toBeLessThan(1)
    }
    const caller = rig.end(CALLER)
    await rig.send(caller, request({ ...OPTIONS, viaParams: ';rport' }))
    const reply = lastReply(caller)
    expect(reply.reason).toBe('Fine')
    expect(reply.toTag).not.toBe('')
    expect(reply.header('X-A')).toBe('1')
    expect(reply.contentType).toBe('text/plain')
    expect(reply.body).toBe('hello')
    expect(reply.topVia!.params.get('rport')).toBe('5060')
  })
})
