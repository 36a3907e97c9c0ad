// Checks the system's clock: timers that are longer than the runtime's own.
import { afterEach, expect, test, vi } from 'vitest'
import { systemClock } from '../src/clock.ts'

const DAY = 86_400_000
afterEach(() => vi.useRealTimers())

test('a timer of a month fires after a month', () => {
  vi.useFakeTimers()
  const fired: string[] = []
  systemClock.setTimer(30 * DAY, () => fired.push('month'))
  const given = systemClock.setTimer(60 * DAY, () => fired.push('cancelled'))
  vi.advanceTimersByTime(30 * DAY - 1)
  expect(fired).toEqual([])
  vi.advanceTimersByTime(1)
  expect(fired).toEqual(['month'])
  given.cancel()
  vi.advanceTimersByTime(60 * DAY)
  expect(fired).toEqual(['month'])
  expect(vi.getTimerCount()).toBe(0)
})
