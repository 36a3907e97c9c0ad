// Owns the proof that patterns which runs make are kept within a bound.
import { expect, test } from 'vitest'
import { PatternCache } from '../../stdlib/pattern-cache.ts'

const kept = (cache: PatternCache<number>, patterns: readonly string[]) =>
  patterns.filter((pattern) => cache.get(pattern) !== undefined).length

test.each([
  ['many', 4, 500],
  ['long ones', 1000, 50],
  ['the longest', 8192, 6],
])('%s: the newest stay', (_name, length, most) => {
  const cache = new PatternCache<number>()
  const patterns = Array.from({ length: 1000 }, (_, number) => `${number}`.padEnd(length, 'x'))
  for (const [number, pattern] of patterns.entries()) cache.set(pattern, number)
  expect(kept(cache, patterns)).toBe(most)
  expect(kept(cache, patterns.slice(-most))).toBe(most)
  expect(cache.get(patterns.at(-1)!)).toBe(999)
})
