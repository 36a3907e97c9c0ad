// Owns the E-model against what G.107 gives for the same impairments.
import { expect, test } from 'vitest'
import { estimateMos } from '../../src/media/mos.ts'

const heard = (loss: number, jitterMillis = 0, roundTripMillis?: number) =>
  estimateMos({ loss, jitterMillis, roundTripMillis })

test('nothing lost, nothing late: toll quality', () => expect(heard(0)).toBeCloseTo(4.4, 1))

test('G.107: R 80 is 4.0, R 50 is 2.6', () => {
  // Loss alone that takes R from 92.72 to 80 and to 50.
  expect(heard(0.0388)).toBeCloseTo(4.02, 1)
  expect(heard(0.2045)).toBeCloseTo(2.58, 1)
})

test('it falls with loss, jitter and delay, and stays between 1 and 4.5', () => {
  for (const [better, worse] of [
    [heard(0.01), heard(0.02)],
    [heard(0, 5), heard(0, 60)],
    [heard(0, 0, 100), heard(0, 0, 600)],
  ])
    expect(better).toBeGreaterThan(worse!)
  expect(heard(1, 1_000, 10_000)).toBe(1)
  expect(heard(-1, 0, 0)).toBeLessThanOrEqual(4.5)
})
