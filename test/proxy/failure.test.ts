// Owns the tests of failure routes and of t_relay's return codes, as Kamailio has them.

import { describe, expect, test } from 'vitest'
import {
  answerTo,
  branchTo,
  CALLEE,
  CALLER,
  createRig,
  first,
  lastReply,
  recordRoute,
  relayTo,
  request,
  trace,
} from './rig.ts'

const FALLBACK = '10.0.0.8'

async function failing(language: 'ts' | 'cfg' = 'cfg') {
  const rig = await createRig({ language })
  rig.router.onRequest = (context) => {
    if (context.request.method === 'INVITE')
      context.relay({
        branches: [branchTo(`sip:bob@${CALLEE}`, { edits: [recordRoute(context)] })],
        onFailure: 'F',
        onReply: 'R',
      })
  }
  const caller = rig.end(CALLER)
  const callee = rig.end(CALLEE)
  const fallback = rig.end(FALLBACK)
  await rig.send(caller, request())
  return {
    rig,
    caller,
    callee,
    fallback,
    answer: (status: number) => rig.answer(callee, first(callee, 'INVITE'), answerTo(first(callee, 'INVITE'), status)),
  }
}

describe('failure routes', () => {
  test('a new target takes over; its own failure is the one that counts', async () => {
    const { rig, caller, callee, fallback, answer } = await failing()
    rig.router.onFailure = (context) => {
      expect(context.winningReply?.status).toBe(486)
      expect(context.branch).toBe(0)
      expect(context.branchCount).toBe(1)
      expect(context.replied).toBe(false)
      expect(context.relay({ branches: [branchTo(`sip:fb@${FALLBACK}`)], onFailure: 'G', onReply: 'S' })).toBe(1)
    }
    await answer(486)
    expect(trace(callee)).toEqual(['INVITE', 'ACK'])
    expect(trace(fallback)).toEqual(['INVITE'])
    expect(trace(caller)).toEqual(['100'])
    rig.router.onFailure = () => {}
    const second = first(fallback, 'INVITE')
    await rig.answer(fallback, second, answerTo(second, 603))
    expect(rig.router.failures.map(({ route, status }) => [route, status])).toEqual([
      ['F', 486],
      ['G', 603],
    ])
    expect(trace(caller)).toEqual(['100', '603'])
    expect(rig.router.replies.map(({ onReply, branch }) => [onReply, branch])).toEqual([
      ['R', 0],
      ['S', 1],
    ])
    expect(rig.router.calls).toHaveLength(1)
  })

  test('one that relays nothing lets the winning reply go upstream', async () => {
    const { rig, caller, answer } = await failing()
    const codes: unknown[] = []
    rig.router.onFailure = (context) => void codes.push(context.relay({ branches: [] }))
    await answer(486)
    expect(codes).toEqual([-1])
    expect(trace(caller)).toEqual(['100', '486'])
  })

  test('one that replies has the last word', async () => {
    const { rig, caller, answer } = await failing()
    rig.router.onFailure = (context) => {
      expect(
        context.reply({ status: 480, reason: 'Custom', headers: 'X-A: 1\r\n', body: '', mode: 'transaction' }),
      ).toBe(1)
      expect(context.reply({ status: 500, reason: '', headers: '', body: '', mode: 'transaction' })).toBe(-1)
    }
    await answer(486)
    expect(trace(caller)).toEqual(['100', '480'])
    expect(lastReply(caller).reason).toBe('Custom')
    expect(lastReply(caller).header('X-A')).toBe('1')
  })

  test('one that throws lets the winning reply go upstream', async () => {
    const { rig, caller, answer } = await failing()
    rig.router.onFailure = () => {
      throw new Error('script')
    }
    await answer(486)
    expect(trace(caller)).toEqual(['100', '486'])
    expect(rig.core.stats().routeErrors).toBe(1)
  })

  test('one that waits, then relays to a name', async () => {
    const { rig, fallback, caller, answer } = await failing('ts')
    let release = () => {}
    rig.router.onFailure = async (context) => {
      await new Promise<void>((resolve) => {
        release = resolve
      })
      expect(await context.relay({ branches: [branchTo(`sip:fb@${FALLBACK}`)] })).toBe(1)
    }
    await answer(503)
    expect(trace(caller)).toEqual(['100'])
    release()
    await rig.settle()
    expect(trace(fallback)).toEqual(['INVITE'])
    await rig.answer(fallback, first(fallback, 'INVITE'), answerTo(first(fallback, 'INVITE'), 200))
    expect(trace(caller)).toEqual(['100', '200'])
  })

  test('it knows that the caller gave up, and cannot relay any more', async () => {
    const { rig, caller, answer } = await failing()
    rig.router.onRequest = (context) => void context.relay({ branches: [] })
    const codes: unknown[] = []
    rig.router.onFailure = (context) => void codes.push(context.relay(relayTo(`sip:fb@${FALLBACK}`)))
    await answer(180)
    await rig.send(caller, request({ method: 'CANCEL', branch: 'z9hG4bK-INVITE-1' }))
    await answer(487)
    expect(rig.router.failures).toMatchObject([{ canceled: true, status: 487 }])
    expect(codes).toEqual([-1])
    expect(lastReply(caller).status).toBe(487)
  })

  test('a timeout shows as 408 without a reply', async () => {
    const { rig, caller } = await failing()
    await rig.advance(30_000)
    expect(rig.router.failures).toMatchObject([{ status: 408, timedOut: true }])
    expect(rig.router.failures[0]!.context.winningReply).toBeUndefined()
    expect(lastReply(caller).status).toBe(408)
  })
})

describe('return codes', () => {
  test.each([
    ['an unknown name', relayTo('sip:bob@nowhere.invalid'), -478, 478, 'Unresolvable destination (478/TM)'],
    [
      'no such socket',
      relayTo(`sip:bob@${CALLEE};transport=tls`),
      -7,
      500,
      "I'm terribly sorry, server error occurred (7/TM)",
    ],
    ['all dropped', { branches: [], dropped: 2 }, -6, 500, "I'm terribly sorry, server error occurred (6/TM)"],
    ['no URI', relayTo('nonsense'), -478, 478, 'Unresolvable destination (478/TM)'],
  ])('%s', async (_name, spec, code, status, reason) => {
    for (const language of ['cfg', 'ts'] as const) {
      const rig = await createRig({ language })
      const codes: unknown[] = []
      rig.router.onRequest = async (context) => {
        codes.push(await context.relay(spec))
        expect(context.relayError).toEqual({ status, reason })
        expect(trace(rig.end(CALLER))).toEqual(['100'])
      }
      await rig.send(rig.end(CALLER), request())
      expect(codes).toEqual([code])
      expect(trace(rig.end(CALLER))).toEqual(['100', String(status)])
      expect(lastReply(rig.end(CALLER)).reason).toBe(reason)
      // Retransmitted until the ACK.
      await rig.advance(500)
      expect(trace(rig.end(CALLER))).toEqual(['100', String(status), String(status)])
      await rig.send(
        rig.end(CALLER),
        request({ method: 'ACK', branch: 'z9hG4bK-INVITE-1', toTag: lastReply(rig.end(CALLER)).toTag }),
      )
      await rig.advance(10_000)
      expect(rig.core.stats()).toMatchObject({ contexts: 0, calls: 0 })
    }
  })

  test("the script's own reply takes the place of the internal one", async () => {
    const rig = await createRig({ language: 'cfg' })
    rig.router.onRequest = async (context) => {
      expect(await context.relay(relayTo('sip:bob@nowhere.invalid'))).toBe(-478)
      context.reply({ status: 404, reason: 'Mine', headers: '', body: '', mode: 'auto' })
    }
    await rig.send(rig.end(CALLER), request())
    expect(trace(rig.end(CALLER))).toEqual(['100', '404'])
  })

  test('-4 with internal replies off, and nothing is sent', async () => {
    const rig = await createRig({ language: 'cfg' })
    rig.router.onRequest = async (context) => {
      expect(await context.relay({ ...relayTo('sip:bob@nowhere.invalid'), noInternalReply: true })).toBe(-4)
    }
    await rig.send(rig.end(CALLER), request())
    expect(trace(rig.end(CALLER))).toEqual(['100'])
    expect(rig.core.stats().contexts).toBe(0)
  })

  test('a second relay with nothing left is -1 and harms nothing', async () => {
    const rig = await createRig({ language: 'cfg' })
    const callee = rig.end(CALLEE)
    rig.router.onRequest = (context) => {
      expect(context.relay(relayTo(`sip:bob@${CALLEE}`))).toBe(1)
      expect(context.relay({ branches: [] })).toBe(-1)
    }
    await rig.send(rig.end(CALLER), request())
    await rig.answer(callee, first(callee, 'INVITE'), answerTo(first(callee, 'INVITE'), 200))
    expect(trace(rig.end(CALLER))).toEqual(['100', '200'])
  })

  test('one target of two fails: the other is used', async () => {
    const rig = await createRig()
    const callee = rig.end(CALLEE)
    rig.router.onRequest = async (context) => {
      expect(await context.relay(relayTo('sip:bob@nowhere.invalid', `sip:bob@${CALLEE}`))).toBe(1)
    }
    await rig.send(rig.end(CALLER), request())
    expect(trace(callee)).toEqual(['INVITE'])
  })
})
