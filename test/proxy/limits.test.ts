// Owns the tests of caps, draining and what is left behind.

import { describe, expect, test } from 'vitest'
import { type LogFields, silentLog } from '../../src/log.ts'
import {
  answerTo,
  branchTo,
  CALLEE,
  CALLER,
  createRig,
  last,
  lastReply,
  recordRoute,
  relayTo,
  request,
  trace,
} from './rig.ts'

describe.each(['ts', 'cfg'] as const)('caps in a .%s', (language) => {
  test('per source: 503 with Retry-After, without a run; a request in a dialog still passes', async () => {
    const rig = await createRig({ language, limits: { transactionsPerSource: 2 }, options: { retryAfter: 7 } })
    rig.router.onRequest = async (context) => void (await context.relay(relayTo(`sip:bob@${CALLEE}`)))
    const caller = rig.end(CALLER)
    for (let i = 0; i < 3; i++) await rig.send(caller, request({ method: 'OPTIONS', cseq: i + 1 }))
    expect(trace(caller)).toEqual(['503'])
    expect(lastReply(caller).header('Retry-After')).toBe('7')
    expect(rig.router.requests).toHaveLength(2)
    await rig.send(caller, request({ method: 'BYE', toTag: 'callee', cseq: 9 }))
    expect(rig.router.requests).toHaveLength(3)
    // Others are served.
    const other = rig.end('10.0.0.66')
    await rig.send(other, request({ method: 'OPTIONS', sentBy: '10.0.0.66:5060' }))
    expect(rig.router.requests).toHaveLength(4)
    // Even for dialogs there is an end.
    for (let i = 10; i < 20; i++) await rig.send(caller, request({ method: 'INFO', toTag: 'callee', cseq: i }))
    expect(rig.router.requests).toHaveLength(5)
    expect(rig.core.stats().refused).toBe(10)
  })

  test('whoever is refused is told once in ten seconds, with the limit that it met', async () => {
    const warned: string[] = []
    const log = { ...silentLog, warn: (fields: LogFields, text: string) => void warned.push(`${fields.limit} ${text}`) }
    const rig = await createRig({ language, limits: { transactionsPerSource: 2, transactions: 3, calls: 1 }, log })
    rig.router.onRequest = async (context) => void (await context.relay(relayTo(`sip:bob@${CALLEE}`)))
    const caller = rig.end(CALLER)
    for (let i = 0; i < 5; i++) await rig.send(caller, request({ method: 'OPTIONS', cseq: i + 1 }))
    expect(warned).toEqual([
      `transactionsPerSource requests from ${CALLER} are refused: limits.transactionsPerSource (2) of them are open`,
    ])
    await rig.advance(10_000)
    const other = rig.end('10.0.0.66')
    for (const cseq of [1, 2]) await rig.send(other, request({ method: 'OPTIONS', sentBy: '10.0.0.66:5060', cseq }))
    expect(warned.slice(1)).toEqual(['transactions requests are refused: limits.transactions (3) of them are open'])
    await rig.advance(32_000)
    for (const callId of ['one', 'two']) await rig.send(caller, request({ callId, branch: `z9hG4bK${callId}` }))
    expect(warned.slice(2)).toEqual(['transactions calls are refused: limits.transactions (1) of them are up'])
  })

  test('a route that waits counts', async () => {
    const rig = await createRig({ language, limits: { transactions: 1 } })
    rig.router.onRequest = () => new Promise(() => {})
    await rig.send(rig.end(CALLER), request({ method: 'OPTIONS', cseq: 1 }))
    await rig.send(rig.end(CALLER), request({ method: 'OPTIONS', cseq: 2 }))
    expect(trace(rig.end(CALLER))).toEqual(['503'])
  })

  test('calls: beyond the limit a new one gets 503, and its ACK is absorbed', async () => {
    const rig = await createRig({ language, limits: { calls: 1 } })
    rig.router.onRequest = async (context) => {
      await context.relay({ branches: [branchTo(`sip:bob@${CALLEE}`, { edits: [recordRoute(context)] })] })
    }
    const caller = rig.end(CALLER)
    const callee = rig.end(CALLEE)
    await rig.send(caller, request())
    await rig.answer(callee, last(callee), answerTo(last(callee), 200))
    await rig.send(caller, request({ callId: 'other', branch: 'z9hG4bKother' }))
    expect(lastReply(caller).status).toBe(503)
    const runs = rig.router.requests.length
    await rig.send(
      caller,
      request({ method: 'ACK', callId: 'other', branch: 'z9hG4bKother', toTag: lastReply(caller).toTag }),
    )
    expect(rig.router.requests).toHaveLength(runs)
  })
})

test('draining: new calls get 503, calls under way go on, and it resolves with the last of them', async () => {
  const rig = await createRig()
  rig.router.onRequest = async (context) => {
    const edits = context.request.method === 'INVITE' ? [recordRoute(context)] : []
    await context.relay({ branches: [branchTo(`sip:bob@${CALLEE}`, { edits })] })
  }
  const caller = rig.end(CALLER)
  const callee = rig.end(CALLEE)
  await rig.send(caller, request())
  await rig.answer(callee, last(callee), answerTo(last(callee), 200))
  let drained = false
  const done = rig.core.drain().then(() => {
    drained = true
  })
  await rig.send(caller, request({ callId: 'new', branch: 'z9hG4bKnew' }))
  expect(lastReply(caller).status).toBe(503)
  expect(lastReply(caller).header('Retry-After')).toBe('5')
  // A re-INVITE and OPTIONS are served.
  await rig.send(caller, request({ toTag: 'callee', cseq: 2 }))
  await rig.answer(callee, last(callee), answerTo(last(callee), 200))
  expect(lastReply(caller).status).toBe(200)
  expect(drained).toBe(false)
  await rig.send(caller, request({ method: 'BYE', toTag: 'callee', cseq: 3 }))
  await rig.answer(callee, last(callee), answerTo(last(callee), 200))
  await done
  expect(drained).toBe(true)
  expect(rig.core.stats()).toMatchObject({ draining: 1, calls: 0 })
})

test('a route that waits when the proxy closes does nothing any more', async () => {
  const rig = await createRig()
  const waiting: (() => void)[] = []
  const codes: unknown[] = []
  rig.router.onRequest = async (context) => {
    await new Promise<void>((resolve) => waiting.push(resolve))
    codes.push(await context.relay(relayTo(`sip:bob@${CALLEE}`)))
  }
  await rig.send(rig.end(CALLER), request())
  rig.core.close()
  expect(rig.router.calls).toMatchObject([{ reason: 'shutdown' }])
  expect(rig.router.endings).toHaveLength(1)
  for (const resume of waiting) resume()
  await rig.send(rig.end(CALLER), request({ cseq: 2 }))
  expect(codes[0]).toBeLessThan(1)
  expect(trace(rig.end(CALLER))).toEqual(['100'])
  expect(rig.transactions.stats()).toMatchObject({ open: 0, server: 0, client: 0 })
  expect(rig.router.endings).toHaveLength(1)
})

test('nothing is left of a thousand calls of all kinds', async () => {
  const rig = await createRig({ limits: { transactionsPerSource: 100_000 } })
  const callee = rig.end(CALLEE)
  rig.router.onRequest = async (context) => {
    const edits = context.request.method === 'INVITE' ? [recordRoute(context)] : []
    await context.relay({ branches: [branchTo(`sip:bob@${CALLEE}`, { edits })] })
  }
  callee.onMessage = (received) => {
    const { message } = received
    if (message === undefined || !('method' in message) || message.method === 'ACK') return
    const n = Number(message.callId)
    if (message.method === 'CANCEL') callee.answer(received, answerTo(received, 200))
    else if (n % 5 !== 4) callee.answer(received, answerTo(received, [200, 486, 180, 200][n % 5]!))
  }
  const caller = rig.end(CALLER)
  for (let n = 0; n < 1000; n++) {
    caller.send(request({ callId: String(n), branch: `z9hG4bK${n}` }), { address: '10.0.0.5', port: 5060 })
    if (n % 50 === 0) await rig.settle()
  }
  await rig.settle()
  for (let n = 0; n < 1000; n += 5) {
    caller.send(request({ method: 'BYE', callId: String(n), branch: `z9hG4bKbye${n}`, toTag: 'callee', cseq: 2 }), {
      address: '10.0.0.5',
      port: 5060,
    })
    caller.send(request({ method: 'CANCEL', callId: String(n + 2), branch: `z9hG4bK${n + 2}` }), {
      address: '10.0.0.5',
      port: 5060,
    })
    if (n % 50 === 0) await rig.settle()
  }
  await rig.settle()
  await rig.advance(400_000, 10_000)
  rig.core.close()
  expect(rig.core.stats()).toMatchObject({ contexts: 0, calls: 0 })
  expect(rig.transactions.stats()).toMatchObject({ open: 0, server: 0, client: 0 })
  expect(rig.transactions.timers.size).toBe(0)
  expect(rig.router.calls).toHaveLength(1000)
  expect(rig.router.endings).toHaveLength(rig.router.requests.length)
})
