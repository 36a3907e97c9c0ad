// Owns the tests of calls and dialogs: callEnded comes exactly once, however a call ends.

import { describe, expect, test } from 'vitest'
import {
  answerTo,
  branchTo,
  CALLEE,
  CALLER,
  createRig,
  first,
  forwardAll,
  last,
  lastReply,
  type Rig,
  type RigOptions,
  recordRoute,
  relayTo,
  request,
  trace,
} from './rig.ts'

/** Everything goes to the callee, what comes from there to the caller. */
async function connected(o: RigOptions = {}) {
  const rig = await createRig(o)
  rig.router.onRequest = async (context) => {
    const target = context.flow.remoteAddress === CALLEE ? `sip:alice@${CALLER}` : `sip:bob@${CALLEE}`
    const edits = context.request.method === 'INVITE' ? [recordRoute(context)] : []
    context.label = 'v1'
    await context.relay({ branches: [branchTo(target, { edits })] })
  }
  const caller = rig.end(CALLER)
  const callee = rig.end(CALLEE)
  await rig.send(caller, request())
  await rig.answer(callee, last(callee), answerTo(last(callee), 200))
  await rig.send(caller, request({ method: 'ACK', toTag: 'callee', branch: 'z9hG4bK-ack' }))
  return { rig, caller, callee }
}

/** A request of the callee in the dialog. */
const back = (method: string, cseq = 1) =>
  request({
    method,
    cseq,
    fromTag: 'callee',
    toTag: 'caller',
    sentBy: `${CALLEE}:5060`,
    branch: `z9hG4bK-back-${method}-${cseq}`,
  })

async function answerLast(rig: Rig, at: ReturnType<Rig['end']>, status: number, headers?: string) {
  await rig.answer(at, last(at), answerTo(last(at), status, headers === undefined ? {} : { headers }))
}

describe('a call that is up ends once', () => {
  test.each(['ts', 'cfg'] as const)('by BYE of the callee in a .%s', async (language) => {
    const { rig, caller, callee } = await connected({ language })
    await rig.advance(5000)
    await rig.send(callee, back('BYE'))
    expect(trace(caller).at(-1)).toBe('BYE')
    expect(rig.router.calls).toEqual([])
    await answerLast(rig, caller, 200)
    expect(rig.router.calls).toMatchObject([
      {
        reason: 'bye',
        endedBy: 'callee',
        toTag: 'callee',
        fromTag: 'caller',
        talkMillis: 5000,
        label: 'v1',
        from: 'sip:alice@example.com',
        to: 'sip:bob@example.com',
        source: `udp:${CALLER}:5060`,
      },
    ])
    // Its retransmission and a second BYE change nothing.
    await rig.send(callee, back('BYE'))
    await rig.send(callee, back('BYE', 2))
    await answerLast(rig, caller, 481)
    expect(rig.router.calls).toHaveLength(1)
    await rig.advance(60_000)
    expect(rig.core.stats()).toMatchObject({ calls: 0, contexts: 0 })
  })

  test.each([481, 408, 500])('by a BYE that gets %i', async (status) => {
    const { rig, caller, callee } = await connected()
    await rig.send(caller, request({ method: 'BYE', toTag: 'callee', cseq: 2 }))
    await answerLast(rig, callee, status)
    expect(rig.router.calls).toMatchObject([{ reason: 'bye', endedBy: 'caller' }])
  })

  test('by a BYE that nobody answers', async () => {
    const { rig, caller } = await connected()
    await rig.send(caller, request({ method: 'BYE', toTag: 'callee', cseq: 2 }))
    await rig.advance(29_500)
    expect(rig.router.calls).toEqual([])
    await rig.advance(500)
    expect(lastReply(caller).status).toBe(408)
    expect(rig.router.calls).toMatchObject([{ reason: 'bye' }])
  })

  test('but not by a BYE that is challenged', async () => {
    const { rig, caller, callee } = await connected()
    await rig.send(caller, request({ method: 'BYE', toTag: 'callee', cseq: 2 }))
    await answerLast(rig, callee, 407, 'Proxy-Authenticate: Digest realm="x"\r\n')
    expect(rig.router.calls).toEqual([])
    await rig.send(caller, request({ method: 'BYE', toTag: 'callee', cseq: 3 }))
    await answerLast(rig, callee, 200)
    expect(rig.router.calls).toHaveLength(1)
  })

  test('by a re-INVITE that the far end does not know (12.2.1.2)', async () => {
    const { rig, callee } = await connected()
    await rig.send(callee, back('INVITE', 7))
    await answerLast(rig, rig.end(CALLER), 481)
    expect(rig.router.calls).toMatchObject([{ reason: 'gone' }])
  })

  test('not by a re-INVITE that is refused or answered', async () => {
    const { rig, caller, callee } = await connected()
    await rig.send(callee, back('INVITE', 7))
    await answerLast(rig, caller, 488)
    await rig.send(caller, request({ method: 'INVITE', toTag: 'callee', cseq: 2 }))
    await answerLast(rig, callee, 200)
    expect(rig.router.calls).toEqual([])
    expect(rig.core.calls.dialogs).toBe(1)
  })

  test('by the idle limit, which any request in the dialog puts off', async () => {
    const { rig, callee } = await connected({ options: { maxCallMillis: 600_000 } })
    await rig.advance(500_000, 100_000)
    await rig.send(callee, back('UPDATE', 2))
    await answerLast(rig, rig.end(CALLER), 200)
    await rig.advance(500_000, 100_000)
    expect(rig.router.calls).toEqual([])
    await rig.advance(101_000, 1000)
    expect(rig.router.calls).toMatchObject([{ reason: 'idle', endedBy: 'proxy' }])
    expect(rig.core.stats().calls).toBe(0)
    expect(rig.transactions.timers.size).toBe(0)
  })

  test('by shutdown', async () => {
    const { rig } = await connected()
    rig.core.close()
    expect(rig.router.calls).toMatchObject([{ reason: 'shutdown', endedBy: 'proxy' }])
    expect(rig.router.endings).toHaveLength(rig.router.requests.length)
    expect(rig.core.stats()).toMatchObject({ calls: 0, contexts: 0 })
    expect(rig.transactions.timers.size).toBe(0)
  })

  test('by a BYE that is forwarded without a transaction', async () => {
    const { rig, caller, callee } = await connected({ language: 'cfg' })
    rig.router.onRequest = (context) => void context.relay({ ...relayTo(`sip:bob@${CALLEE}`), stateless: true })
    await rig.send(caller, request({ method: 'BYE', toTag: 'callee', cseq: 2 }))
    expect(trace(callee).at(-1)).toBe('BYE')
    expect(rig.router.calls).toMatchObject([{ reason: 'bye' }])
    // Its reply goes back by Via.
    await answerLast(rig, callee, 200)
    expect(lastReply(caller).cseqMethod).toBe('BYE')
  })
})

describe('a call that never was', () => {
  test.each([
    ['failed', 486],
    ['failed', 603],
  ] as const)('%s by %i', async (reason, status) => {
    const rig = await createRig()
    rig.router.onRequest = (context) => void context.relay(relayTo(`sip:bob@${CALLEE}`))
    const callee = rig.end(CALLEE)
    await rig.send(rig.end(CALLER), request())
    await rig.answer(callee, last(callee), answerTo(last(callee), 180))
    await rig.advance(2000)
    await rig.answer(callee, first(callee, 'INVITE'), answerTo(first(callee, 'INVITE'), status))
    expect(rig.router.calls).toMatchObject([
      { reason, status, toTag: '', setupMillis: 2000, ringMillis: 2000, talkMillis: 0 },
    ])
  })

  test.each(['ts', 'cfg'] as const)('refused by the script in a .%s', async (language) => {
    const rig = await createRig({ language })
    rig.router.onRequest = (context) =>
      void context.reply({ status: 403, reason: 'No', headers: '', body: '', mode: 'stateless' })
    await rig.send(rig.end(CALLER), request())
    expect(rig.router.calls).toMatchObject([
      { reason: 'failed', status: 403, statusReason: 'No', hops: 0, destination: '' },
    ])
  })

  test('dropped by the script', async () => {
    const rig = await createRig({ language: 'cfg' })
    await rig.send(rig.end(CALLER), request())
    expect(rig.router.calls).toMatchObject([{ reason: 'failed', status: 0 }])
  })

  test('challenged, then taken: two calls end', async () => {
    const rig = await createRig()
    rig.router.onRequest = (context) => void context.relay(relayTo(`sip:bob@${CALLEE}`))
    const callee = rig.end(CALLEE)
    await rig.send(rig.end(CALLER), request())
    await rig.answer(callee, last(callee), answerTo(last(callee), 407))
    expect(rig.router.calls).toHaveLength(1)
    await rig.send(rig.end(CALLER), request({ cseq: 2 }))
    await rig.answer(callee, last(callee), answerTo(last(callee), 200))
    expect(rig.router.calls.map(({ reason }) => reason)).toEqual(['failed', 'untracked'])
  })
})

test('a call that the script answers itself is up until its BYE', async () => {
  const rig = await createRig()
  rig.router.onRequest = (context) => {
    void context.reply({ status: 200, reason: 'OK', headers: '', body: '', mode: 'auto' })
  }
  const caller = rig.end(CALLER)
  await rig.send(caller, request())
  expect(rig.core.calls.size).toBe(1)
  await rig.send(caller, request({ method: 'BYE', toTag: lastReply(caller).toTag, cseq: 2 }))
  expect(rig.router.calls).toMatchObject([{ reason: 'bye', hops: 0 }])
})

test('an INVITE that a proxy before us forked is one call', async () => {
  const rig = await createRig()
  rig.router.onRequest = (context) =>
    void context.relay({ branches: [branchTo(`sip:bob@${CALLEE}`, { edits: [recordRoute(context)] })] })
  const callee = rig.end(CALLEE)
  await rig.send(rig.end(CALLER), request({ branch: 'z9hG4bKone' }))
  const one = last(callee)
  await rig.send(rig.end(CALLER), request({ branch: 'z9hG4bKtwo' }))
  const two = last(callee)
  await rig.answer(callee, one, answerTo(one, 486))
  expect(rig.router.calls).toEqual([])
  await rig.answer(callee, two, answerTo(two, 200))
  expect(rig.core.calls).toMatchObject({ size: 1, dialogs: 1 })
})

test('a late 2xx of an INVITE whose call is over is none of the next one with its Call-ID and From tag', async () => {
  const rig = await createRig()
  rig.router.onRequest = forwardAll()
  const [caller, callee] = [rig.end(CALLER), rig.end(CALLEE)]
  await rig.send(caller, request())
  const forked = last(callee)
  await rig.answer(callee, forked, answerTo(forked, 200, { tag: 'one' }))
  await rig.send(caller, request({ method: 'BYE', toTag: 'one', cseq: 2 }))
  await rig.answer(callee, last(callee), answerTo(last(callee), 200))
  expect(rig.router.calls).toMatchObject([{ reason: 'bye', toTag: 'one' }])
  // With the answer to another, it rests.
  await rig.send(caller, request({ callId: 'other', branch: 'z9hG4bKother' }))
  await rig.answer(callee, last(callee), answerTo(last(callee), 486))
  await rig.send(caller, request({ cseq: 3 }))
  await rig.answer(callee, forked, answerTo(forked, 200, { tag: 'two' }))
  expect(rig.core.calls).toMatchObject({ size: 1, dialogs: 0 })
  const next = callee.received.find(({ message }) => message!.cseqNumber === 3)!
  await rig.answer(callee, next, answerTo(next, 486))
  expect(rig.router.calls).toMatchObject([
    { reason: 'bye' },
    { callId: 'other' },
    { reason: 'failed', status: 486, talkMillis: 0 },
  ])
  expect(rig.core.calls.size).toBe(0)
})

test('a Record-Route that the script wrote itself counts', async () => {
  const rig = await createRig()
  rig.router.onRequest = (context) => {
    const edits = [{ at: context.request.firstLineEnd, remove: 0, text: 'Record-Route: <sip:10.0.0.5;lr>\r\n' }]
    void context.relay({ branches: [branchTo(`sip:bob@${CALLEE}`, { edits })] })
  }
  const callee = rig.end(CALLEE)
  await rig.send(rig.end(CALLER), request())
  await rig.answer(callee, last(callee), answerTo(last(callee), 200))
  expect(rig.router.calls).toEqual([])
  expect(rig.core.calls.size).toBe(1)
})

test('strangers cannot make the lookup of a Call-ID long', async () => {
  const rig = await createRig()
  rig.router.onRequest = (context) => void context.relay(relayTo(`sip:bob@${CALLEE}`))
  for (let i = 0; i < 40; i++) await rig.send(rig.end(CALLER), request({ fromTag: `f${i}`, branch: `z9hG4bK${i}` }))
  expect(rig.core.calls.size).toBe(32)
  expect(trace(rig.end(CALLER)).filter((status) => status === '503')).toHaveLength(8)
})
