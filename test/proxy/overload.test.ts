// Owns the tests of overload control: a queue that is served at a fixed rate, and what the control makes of what comes.
import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../src/clock.ts'
import { silentLog } from '../../src/log.ts'
import { OverloadControl } from '../../src/proxy/index.ts'

/** Milliseconds of work: one call is its INVITE and, after a fifth of a second, the rest of it. */
const CALL = { first: 0.4, rest: 0.6, refusal: 0.03, after: 200 }

interface Outcome {
  offered: number
  accepted: number
  /** Accepted, and all messages served. */
  completed: number
  longestWait: number
}

/** Serves calls that come at `rate` a second for `seconds`, with `share` of a processor given in slices of 100 ms; `room` messages may wait. */
function serve(
  rate: number,
  seconds: number,
  share: number,
  warm = 0,
  room = Number.POSITIVE_INFINITY,
): Outcome & { control: OverloadControl } {
  const clock = new ManualClock()
  const control = new OverloadControl({ clock, log: silentLog })
  const queue: { at: number; call: boolean }[] = []
  const later: { at: number }[] = []
  const outcome: Outcome = { offered: 0, accepted: 0, completed: 0, longestWait: 0 }
  let due = 0
  let spare = 0
  let lost = 0
  const arrive = (at: number, call: boolean): void => {
    if (queue.length < room) queue.push({ at, call })
    else lost++
  }
  for (let now = 0; now < seconds * 1000; now++) {
    clock.advance(1)
    due += rate / 1000
    for (; due >= 1; due--) arrive(now, true)
    while (later[0] && later[0].at <= now) arrive(later.shift()!.at, false)
    if (now % 100 >= share * 100) continue
    spare = queue.length === 0 ? 0 : spare + 1
    control.observe(queue[0] ? now - queue[0].at : 0, 2, lost)
    lost = 0
    while (spare > 0 && queue.length > 0) {
      const { at, call } = queue.shift()!
      const counted = now >= warm * 1000
      if (counted) outcome.longestWait = Math.max(outcome.longestWait, now - at)
      if (!call) {
        spare -= CALL.rest
        if (counted) outcome.completed++
        continue
      }
      if (counted) outcome.offered++
      if (!control.admits(`call-${outcome.offered}-${now}`)) {
        spare -= CALL.refusal
        continue
      }
      spare -= CALL.first
      if (counted) outcome.accepted++
      later.push({ at: now + CALL.after })
    }
  }
  return { ...outcome, control }
}

describe('overload control', () => {
  test('refuses nothing that can be served, slices of the processor or not', () => {
    for (const share of [1, 0.5, 0.3]) {
      const { offered, accepted, control } = serve(850 * share, 20, share)
      expect(accepted).toBe(offered)
      expect(control.refused).toBe(0)
    }
  })

  test.each([
    [1.2, 1],
    [2, 1],
    [2, 0.5],
    [5, 1],
    [2, 0.3],
  ])('at %d times what can be held, with %d of a processor, keeps the goodput and the wait short', (times, share) => {
    const capacity = 1000 * share
    const { accepted, completed, longestWait } = serve(capacity * times, 30, share, 5)
    // A refusal costs a little too.
    const ideal = (25 * capacity * (1 - times * CALL.refusal)) / (1 - CALL.refusal)
    expect(completed).toBeGreaterThan(0.9 * ideal)
    expect(accepted - completed).toBeLessThan(0.02 * accepted)
    // Few send again: T1 is 500 ms.
    expect(longestWait).toBeLessThan(800)
  })

  test('keeps the goodput where little can wait, too: what finds no room tells what the wait does not', () => {
    const { accepted, completed, longestWait, control } = serve(3000, 30, 1, 5, 60)
    expect(longestWait).toBeLessThan(60)
    expect(control.refused).toBeGreaterThan(1000 * 25)
    const ideal = (25 * 1000 * (1 - 3 * CALL.refusal)) / (1 - CALL.refusal)
    expect(completed).toBeGreaterThan(0.8 * ideal)
    expect(accepted - completed).toBeLessThan(0.05 * accepted)
  })

  test('what is lost begins refusals when it is lost for some time, is counted, and told once a minute', () => {
    const clock = new ManualClock()
    const told: unknown[] = []
    const control = new OverloadControl({ clock, log: { ...silentLog, warn: (fields: unknown) => told.push(fields) } })
    const interval = (lost: number): void => {
      clock.advance(100)
      control.observe(1, 100, lost)
    }
    interval(0)
    for (const lost of [500, 0, 500, 500, 0, 0]) interval(lost)
    for (let n = 0; n < 10; n++) interval(5)
    expect([control.isRefusing, control.lost]).toEqual([false, 1550])
    expect(told).toEqual([{ event: 'datagrams-lost', lost: 500 }])
    for (let n = 0; n < 3; n++) interval(10)
    expect(control.isRefusing).toBe(true)
    expect(control.share).toBeGreaterThan(0.1)
    for (let n = 0; n < 100; n++) interval(0)
    expect(control.share).toBe(0)
    clock.advance(60_000)
    interval(1)
    expect(told.slice(1)).toEqual([
      expect.objectContaining({ event: 'overload' }),
      { event: 'datagrams-lost', lost: 1081 },
    ])
  })

  test('takes everything again soon after', () => {
    const clock = new ManualClock()
    const control = new OverloadControl({ clock, log: silentLog })
    for (let n = 0; n < 40; n++) {
      clock.advance(50)
      control.observe(n * 50, 1, 0)
    }
    expect(control.share).toBeGreaterThan(0.9)
    expect(['a', 'b'].map((callId) => control.admits(callId))).toContain(false)
    for (let n = 0; n < 100; n++) {
      clock.advance(50)
      control.observe(0, 1, 0)
    }
    expect(control.share).toBe(0)
    expect(control.admits('c')).toBe(true)
  })

  test('what was refused is refused again when it is sent again', () => {
    const clock = new ManualClock()
    const control = new OverloadControl({ clock, log: silentLog })
    for (let n = 0; n < 12; n++) {
      clock.advance(100)
      control.observe(n * 100, 1, 0)
    }
    for (let n = 0; n < 2000; n++) {
      if (!control.admits(`call-${n}`)) expect(control.admits(`call-${n}`)).toBe(false)
    }
    expect(control.refused).toBeGreaterThan(100)
  })

  test('one long pause is no overload', () => {
    const clock = new ManualClock()
    const control = new OverloadControl({ clock, log: silentLog })
    control.observe(0, 1, 0)
    clock.advance(2000)
    control.observe(1900, 1, 0)
    clock.advance(100)
    control.observe(400, 1, 0)
    clock.advance(50)
    control.observe(0, 1, 0)
    clock.advance(100)
    control.observe(0, 1, 0)
    expect(control.share).toBe(0)
  })

  test('how long messages may wait is the operator’s, and 0 refuses nothing', () => {
    for (const [queueMillis, refuses] of [
      [300, true],
      [900, false],
      [0, false],
    ] as const) {
      const clock = new ManualClock()
      const control = new OverloadControl({ clock, log: silentLog })
      control.update(queueMillis)
      for (let n = 0; n < 20; n++) {
        clock.advance(100)
        control.observe(Math.min(600, n * 100), 1, 0)
      }
      expect(control.isRefusing, `${queueMillis}`).toBe(refuses)
      // A reload while requests are refused ends it.
      control.update(0)
      expect(control.isRefusing).toBe(false)
      expect(control.admits('a call')).toBe(true)
    }
  })
})
