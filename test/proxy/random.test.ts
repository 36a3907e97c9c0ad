// Owns the fuzz of the proxy: whatever far ends and routes do in whatever order, everything ends, each call once.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { RelaySpec, RequestContext } from '../../src/proxy/index.ts'
import type { MemoryReceived } from '../../src/transport/index.ts'
import { answerTo, branchTo, CALLER, createRig, recordRoute, request } from './rig.ts'

const ENDS = ['10.0.0.11', '10.0.0.12'] as const
const STATUSES = [100, 180, 183, 200, 302, 401, 404, 407, 486, 487, 500, 503, 603]
const RUNS = Number(process.env.FUZZ_RUNS ?? 60)

/** What a route does with a request. */
const decision = fc.record({
  wait: fc.constantFrom('no', 'turn', 'step'),
  targets: fc.integer({ min: 0, max: 2 }),
  transport: fc.constantFrom('udp', 'tcp', 'tls'),
  failure: fc.boolean(),
  answer: fc.constantFrom(0, 0, 0, 200, 404),
  recordRoute: fc.boolean(),
  ending: fc.constantFrom('return', 'return', 'return', 'throw', 'drop'),
  stateless: fc.constantFrom(false, false, false, true),
})

const step = fc.oneof(
  fc.record({
    kind: fc.constant('request' as const),
    method: fc.constantFrom('INVITE', 'INVITE', 'INVITE', 'OPTIONS', 'BYE', 'ACK', 'CANCEL', 'UPDATE'),
    call: fc.integer({ min: 0, max: 2 }),
    cseq: fc.integer({ min: 1, max: 3 }),
    toTag: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('reply' as const),
    end: fc.integer({ min: 0, max: 1 }),
    which: fc.nat(9),
    status: fc.constantFrom(...STATUSES),
  }),
  fc.record({ kind: fc.constant('time' as const), milliseconds: fc.constantFrom(1, 400, 600, 5000, 33_000, 130_000) }),
  fc.record({
    kind: fc.constant('network' as const),
    end: fc.integer({ min: 0, max: 1 }),
    how: fc.constantFrom('refuse', 'silence', 'heal', 'break'),
  }),
  fc.record({ kind: fc.constant('resume' as const) }),
)

describe.each(['ts', 'cfg'] as const)('in a .%s', (language) => {
  test('everything ends, each call once', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(decision, { minLength: 1, maxLength: 6 }),
        fc.array(step, { maxLength: 25 }),
        async (decisions, steps) => {
          const rig = await createRig({ language, options: { maxCallMillis: 100_000 }, limits: { branches: 4 } })
          const caller = rig.end(CALLER)
          const ends = ENDS.map((address) => ({ udp: rig.end(address), tcp: rig.end(address, 'tcp') }))
          const waiting: (() => void)[] = []
          let turn = 0
          const next = () => decisions[turn++ % decisions.length]!
          const pause = (how: string): Promise<void> | undefined =>
            how === 'no'
              ? undefined
              : how === 'turn'
                ? Promise.resolve()
                : new Promise<void>((resolve) => waiting.push(resolve))
          const decide = (context: RequestContext): void | Promise<void> => {
            const d = next()
            const act = (): void | Promise<void> => {
              const spec: RelaySpec = {
                branches: ENDS.slice(0, d.targets).map((address) =>
                  branchTo(`sip:bob@${address};transport=${d.transport}`, {
                    edits: d.recordRoute ? [recordRoute(context)] : [],
                  }),
                ),
                ...(d.failure && { onFailure: 'F' }),
                stateless: d.stateless,
              }
              if (d.answer > 0) context.reply({ status: d.answer, reason: '', headers: '', body: '', mode: 'auto' })
              const code = context.relay(spec)
              if (d.ending === 'drop') context.drop()
              if (d.ending === 'throw') throw new Error('script')
              return code instanceof Promise ? code.then(() => {}) : undefined
            }
            return pause(d.wait)?.then(act) ?? act()
          }
          rig.router.onRequest = decide
          rig.router.onFailure = (context) => (turn > 40 ? undefined : decide(context))
          rig.router.onReply = () => {
            const d = next()
            const outcome = { drop: d.ending === 'drop', edits: [] }
            return pause(d.wait)?.then(() => outcome) ?? outcome
          }
          for (const s of steps) {
            if (s.kind === 'request') {
              const branch = `z9hG4bK${s.call}-${s.cseq}${s.method === 'ACK' || s.method === 'CANCEL' ? 'INVITE' : s.method}`
              const wire = request({
                method: s.method,
                callId: `call${s.call}`,
                cseq: s.cseq,
                branch,
                ...(s.toTag && { toTag: 'callee' }),
              })
              await rig.send(caller, wire)
            } else if (s.kind === 'reply') {
              const got: MemoryReceived[] = [...ends[s.end]!.udp.received, ...ends[s.end]!.tcp.received]
              const to = got[s.which % Math.max(1, got.length)]
              if (to?.message !== undefined && 'method' in to.message && to.message.method !== 'ACK')
                await rig.answer(to.connection ? ends[s.end]!.tcp : ends[s.end]!.udp, to, answerTo(to, s.status))
            } else if (s.kind === 'time') await rig.advance(s.milliseconds, s.milliseconds)
            else if (s.kind === 'resume') {
              waiting.shift()?.()
              await rig.settle()
            } else {
              const address = ENDS[s.end]!
              if (s.how === 'break') rig.network.breakConnections(address)
              else rig.network[s.how as 'refuse'](address, 5060)
              await rig.settle()
            }
          }
          // Routes come to their end; then nothing but time passes.
          for (let i = 0; i < 100; i++) {
            for (const resume of waiting.splice(0)) resume()
            await rig.settle()
            rig.clock.advance(i < 60 ? 20_000 : 5000)
            await rig.settle()
            if (i > 20 && rig.core.stats().contexts === 0 && rig.transactions.timers.size === 0 && waiting.length === 0)
              break
          }
          expect(rig.core.stats()).toMatchObject({ contexts: 0, calls: 0 })
          expect(rig.transactions.stats()).toMatchObject({ open: 0, server: 0, client: 0 })
          expect(rig.transactions.timers.size).toBe(0)
          expect(new Set(rig.router.endings).size).toBe(rig.router.endings.length)
          expect(rig.router.endings).toHaveLength(rig.router.requests.length)
          // A request that is answered finally is answered once, unless forked 2xx follow.
          const whole = language === 'ts' && !decisions.some(({ stateless }) => stateless)
          const finals = new Map<string, number>()
          for (const { message } of caller.received) {
            if (message === undefined || 'method' in message) continue
            const reply = message as unknown as { status: number }
            if (reply.status < 300) continue
            const key = `${message.callId} ${message.cseqNumber} ${message.cseqMethod} ${message.toTag}`
            const before = finals.get(key)
            if (whole && before !== undefined) expect(reply.status).toBe(before)
            finals.set(key, reply.status)
          }
        },
      ),
      { numRuns: RUNS, ...(process.env.FUZZ_SEED !== undefined && { seed: Number(process.env.FUZZ_SEED) }) },
    )
  }, 120_000)
})
