// Owns the run of the C++ unit checks under ASan and UBSan.
import { beforeAll, describe, expect, test } from 'vitest'
import { buildSanitized, runSanitized } from './sanitized-build.ts'

describe('the native relay under ASan and UBSan', () => {
  let results: { name: string; failures: string[] }[] = []

  beforeAll(async () => {
    await buildSanitized()
    results = runSanitized('run-checks.ts', []) as typeof results
  }, 180_000)

  test('every check ran', () => {
    expect(results.length).toBeGreaterThan(25)
  })

  test('no check failed', () => {
    expect(results.filter((result) => result.failures.length > 0)).toEqual([])
  })
})
