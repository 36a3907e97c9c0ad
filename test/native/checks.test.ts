// Owns the run of the C++ unit checks under ASan and UBSan.
import { beforeAll, describe, expect, test } from 'vitest'
import { buildSanitized, runSanitized } from './sanitized-build.ts'

describe('the native relay under ASan and UBSan', () => {
  let results: { name: string; failures: string[] }[] = []

  beforeAll(async () => {
    await buildSanitized()
    results = runSanitized('run-checks.ts', []) as typeof results
  }, 400_000)

  test('every check ran', () => {
    expect(results.length).toBeGreaterThan(25)
  })

  test('no check failed', () => {
    expect(results.filter((result) => result.failures.length > 0)).toEqual([])
  })

  test('streams come, go, change threads and keys under a storm of packets', () => {
    const seen = runSanitized('run-storm.ts', ['3000']) as {
      opened: number
      heard: number
      events: number
      taken: number
      checked: number
      shaken: number
    }
    expect(seen.opened).toBeGreaterThan(500)
    expect(Math.min(seen.heard, seen.events, seen.taken, seen.checked, seen.shaken)).toBeGreaterThan(0)
  }, 60_000)
})
