// Owns the tests of the call table: against a plain list, whatever begins, goes on and ends in whatever order.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ManualClock } from '../../src/clock.ts'
import { CallTable } from '../../src/proxy/calls.ts'
import { parseMessage, SipRequest } from '../../src/sip/index.ts'
import { TimerQueue } from '../../src/transaction/index.ts'
import type { Flow } from '../../src/transport/index.ts'
import { request } from './rig.ts'

const IDLE = 100_000
const flow = { transport: 'udp', remoteAddress: '10.0.0.1', remotePort: 5060 } as Flow

interface Known {
  readonly callId: number
  readonly fromTag: string
  pending: number
  dialog: boolean
  seenAt: number
}

const step = fc.record({
  what: fc.constantFrom('invite', 'invite', 'answer', 'refuse', 'update', 'bye', 'time', 'time'),
  callId: fc.integer({ min: 0, max: 2 }),
  fromTag: fc.constantFrom('a', 'b', 'c'),
  wait: fc.constantFrom(0, 1, 20_000, 60_000),
})

function message(method: string, callId: number, fromTag: string): SipRequest {
  const text = request({ method, toTag: 'callee', cseq: 1 })
    .replace(/^Call-ID:.*$/m, `Call-ID: ${callId}\r`)
    .replace(/^(From:.*;tag=)[^;\r]*/m, `$1${fromTag}`)
  const parsed = parseMessage(text)
  if (!parsed.ok || !(parsed.message instanceof SipRequest)) throw new Error(text)
  return parsed.message
}

test('calls end once each, the idle ones in their order, and nothing of them stays', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const clock = new ManualClock()
      const timers = new TimerQueue(clock)
      const ended: string[] = []
      const table = new CallTable({
        timers,
        wallclock: () => 0,
        limit: 5,
        idleMillis: IDLE,
        ended: ({ callId, fromTag, reason }) => ended.push(`${callId} ${fromTag} ${reason}`),
      })
      let known: Known[] = []
      const expected: string[] = []
      const over = (call: Known, reason: string): void => {
        known = known.filter((one) => one !== call)
        expected.push(`${call.callId} ${call.fromTag} ${reason}`)
      }
      for (const { what, callId, fromTag, wait } of steps) {
        const mine = known.find((one) => one.callId === callId && one.fromTag === fromTag)
        const call = table.begunBy(message('INVITE', callId, fromTag))
        expect(call?.fromTag).toBe(mine?.fromTag)
        if (what === 'time') {
          // Far deadlines may come a tenth of a second late.
          clock.advance(wait + 200)
          for (const one of known.toSorted((a, b) => a.seenAt - b.seenAt))
            if (one.pending === 0 && one.seenAt + IDLE + 100 <= clock.now()) over(one, 'idle')
        } else if (what === 'invite') {
          const begun = table.invite(message('INVITE', callId, fromTag), flow)
          expect(begun === undefined).toBe(mine === undefined && known.length >= 5)
          if (begun === undefined) continue
          if (mine) Object.assign(mine, { pending: mine.pending + 1, seenAt: clock.now() })
          else known.push({ callId, fromTag, pending: 1, dialog: false, seenAt: clock.now() })
        } else if (call === undefined || mine === undefined) continue
        else if ((what === 'answer' || what === 'refuse') && mine.pending > 0) {
          if (what === 'answer') table.answered(call, 'callee', 200, 'OK')
          table.settled(call, 'failed')
          mine.pending--
          mine.dialog ||= what === 'answer'
          mine.seenAt = clock.now()
          if (mine.pending === 0 && !mine.dialog) over(mine, 'failed')
        } else if (what === 'update') {
          const found = table.inDialog(message('UPDATE', callId, fromTag))
          expect(found === call).toBe(mine.dialog)
          if (mine.dialog) mine.seenAt = clock.now()
        } else if (what === 'bye' && mine.dialog) {
          table.dialogOver(call, message('BYE', callId, fromTag), 'bye')
          mine.dialog = false
          if (mine.pending === 0) over(mine, 'bye')
        }
        expect(table.size).toBe(known.length)
        expect(table.dialogs).toBe(known.filter(({ dialog }) => dialog).length)
      }
      expect(ended).toEqual(expected)
      table.close()
      expect(ended).toHaveLength(expected.length + known.length)
      expect(new Set(ended.slice(expected.length)).size).toBe(known.length)
      expect(table.size).toBe(0)
      expect(timers.size).toBe(0)
    }),
    { numRuns: 1000 },
  )
})
