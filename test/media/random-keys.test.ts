// Owns the tests of the store of random bytes: no byte is given twice, whatever is asked for.
import { expect, test } from 'vitest'
import { randomKeys } from '../../src/media/random-keys.ts'

test('keys have the length asked for, their own bytes, and never repeat', () => {
  const random = randomKeys()
  const seen = new Set<string>()
  for (let round = 0; round < 2_000; round++) {
    const key = random(16 + (round % 31))
    expect(key.length).toBe(16 + (round % 31))
    expect(key.buffer.byteLength).toBe(key.length)
    seen.add(Buffer.from(key.subarray(0, 16)).toString('hex'))
  }
  expect(seen.size).toBe(2_000)
  expect(seen.has('0'.repeat(32))).toBe(false)
})

test('more than the store holds', () => {
  const key = randomKeys()(10_000)
  expect(key.length).toBe(10_000)
  expect(new Set(key).size).toBe(256)
})
