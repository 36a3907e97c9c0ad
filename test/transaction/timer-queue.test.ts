// Owns the tests of the timer queue: order, moving, clearing, and how seldom the clock is asked.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Clock, ManualClock } from '../../src/clock.ts'
import { Deadline, type Expiring, TimerQueue } from '../../src/transaction/index.ts'

const entryOf = (name: number, fired: number[]): Deadline => new Deadline({ expire: () => fired.push(name) })

test('deadlines run out in order, whatever was set, moved and cleared before', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 19 }), fc.integer({ min: -50, max: 1000 })), { maxLength: 200 }),
      (steps) => {
        const clock = new ManualClock()
        const queue = new TimerQueue(clock)
        const fired: number[] = []
        const entries = Array.from({ length: 20 }, (_, name) => entryOf(name, fired))
        const due = new Map<number, number>()
        for (const [name, delay] of steps) {
          if (delay < 0) {
            queue.clear(entries[name]!)
            due.delete(name)
          } else {
            queue.set(entries[name]!, delay)
            due.set(name, delay)
          }
        }
        expect(queue.size).toBe(due.size)
        clock.advance(1000)
        expect(fired.map((name) => due.get(name))).toEqual([...due.values()].sort((a, b) => a - b))
        expect(queue.size).toBe(0)
      },
    ),
    { numRuns: 300 },
  )
})

test('far deadlines run out at most a tenth of a second late, and with few moments for many; clearing and moving them holds', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 39 }), fc.integer({ min: -2000, max: 9000 }), fc.nat(300)), {
        maxLength: 300,
      }),
      (steps) => {
        const clock = new ManualClock()
        const queue = new TimerQueue(clock)
        const late: number[] = []
        class Due implements Expiring {
          readonly deadline = new Deadline(this)
          wanted = -1
          expire(now: number): void {
            late.push(now - this.wanted)
            this.wanted = -1
          }
        }
        const entries = Array.from({ length: 40 }, () => new Due())
        for (const [name, delay, pause] of steps) {
          const entry = entries[name]!
          if (delay < 0) queue.clear(entry.deadline)
          else queue.set(entry.deadline, delay)
          entry.wanted = delay < 0 ? -1 : clock.now() + delay
          expect(queue.size).toBe(entries.filter(({ wanted }) => wanted >= 0).length)
          clock.advance(pause)
        }
        clock.advance(9100)
        expect(queue.size).toBe(0)
        expect(entries.every(({ wanted }) => wanted === -1)).toBe(true)
        expect(late.every((millis) => millis >= 0 && millis <= 100)).toBe(true)
      },
    ),
    { numRuns: 200 },
  )
})

test('a thousand far deadlines wake the process a few times', () => {
  const clock = new ManualClock()
  let asked = 0
  const setTimer = clock.setTimer.bind(clock)
  clock.setTimer = (delay, fire) => {
    asked++
    return setTimer(delay, fire)
  }
  const queue = new TimerQueue(clock)
  const fired: number[] = []
  for (let i = 0; i < 1000; i++) {
    queue.set(entryOf(i, fired), 5000)
    clock.advance(0.3)
  }
  clock.advance(6000)
  expect(fired).toHaveLength(1000)
  expect(fired).toEqual([...fired].sort((a, b) => a - b))
  expect(asked).toBeLessThan(10)
})

test('of two far deadlines of one moment, the first can clear the second', () => {
  const clock = new ManualClock()
  const queue = new TimerQueue(clock)
  const fired: number[] = []
  const second = entryOf(2, fired)
  queue.set(new Deadline({ expire: () => queue.clear(second) }), 4000)
  queue.set(second, 4000)
  queue.set(entryOf(3, fired), 4000)
  clock.advance(4100)
  expect(fired).toEqual([3])
})

test('the clock carries one timer, and none after close', () => {
  const clock = new ManualClock()
  const queue = new TimerQueue(clock)
  const fired: number[] = []
  for (let i = 0; i < 100; i++) queue.set(entryOf(i, fired), 1000 + i)
  expect(clock.pending).toBe(1)
  queue.close()
  expect(clock.pending).toBe(0)
  clock.advance(5000)
  expect(fired).toEqual([])
})

test('a deadline may set itself and others while it runs out', () => {
  const clock = new ManualClock()
  const queue = new TimerQueue(clock)
  const at: number[] = []
  const again = new Deadline({
    expire(now) {
      at.push(now)
      if (at.length < 4) queue.set(again, 100)
    },
  })
  queue.set(again, 100)
  clock.advance(1000)
  expect(at).toEqual([100, 200, 300, 400])
})

/** A clock whose process is kept from the processor: time goes on, timers come when it is back. */
class PausedClock implements Clock {
  readonly manual = new ManualClock()
  #lost = 0
  now = (): number => this.manual.now() + this.#lost
  wallclock = (): number => this.manual.wallclock() + this.#lost
  setTimer = (delay: number, fire: () => void) => this.manual.setTimer(delay, fire)
  pause(millis: number): void {
    this.#lost += millis
  }
}

test('after a pause, what came meanwhile is read before a deadline runs out', () => {
  const clock = new PausedClock()
  const queue = new TimerQueue(clock)
  const fired: number[] = []
  const answered = entryOf(1, fired)
  queue.set(answered, 500)
  queue.set(entryOf(2, fired), 500)
  clock.pause(600)
  clock.manual.setTimer(500, () => queue.clear(answered))
  clock.manual.advance(500)
  expect(fired).toEqual([2])
})

test('while messages wait to be read, deadlines stand back as long as these waited', () => {
  const clock = new ManualClock()
  const queue = new TimerQueue(clock)
  const fired: number[] = []
  queue.set(entryOf(1, fired), 500)
  clock.advance(480)
  for (let i = 0; i < 10; i++) {
    queue.reading(300, true)
    clock.advance(30)
  }
  expect(fired).toEqual([])
  queue.reading(300, true)
  clock.advance(40)
  expect(fired).toEqual([1])
})

test('a reader that has caught up, or says nothing more, holds no deadline back', () => {
  const clock = new ManualClock()
  const queue = new TimerQueue(clock)
  const fired: number[] = []
  queue.set(entryOf(1, fired), 100)
  clock.advance(90)
  queue.reading(2000, true)
  clock.advance(20)
  expect(fired).toEqual([])
  queue.reading(2000, false)
  clock.advance(0)
  expect(fired).toEqual([1])

  queue.set(entryOf(2, fired), 10)
  queue.reading(2000, true)
  clock.advance(499)
  expect(fired).toEqual([1])
  clock.advance(2)
  expect(fired).toEqual([1, 2])
})

test('the clock is not asked again for deadlines that are set while earlier ones stand back', () => {
  const clock = new ManualClock()
  let asked = 0
  const setTimer = clock.setTimer.bind(clock)
  clock.setTimer = (delay, fire) => {
    asked++
    return setTimer(delay, fire)
  }
  const queue = new TimerQueue(clock)
  const fired: number[] = []
  queue.set(entryOf(1, fired), 100)
  queue.reading(300, true)
  clock.advance(120)
  const before = asked
  for (let i = 2; i < 50; i++) queue.set(entryOf(i, fired), 1000)
  expect(asked).toBe(before)
  clock.advance(5000)
  expect(fired).toHaveLength(49)
})
