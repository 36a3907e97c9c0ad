// Owns the test of warming: every synthetic call goes its whole way.
import { expect, test } from 'vitest'
import { rehearse } from '../../src/engine/warm-up.ts'

test.each(['ts', 'cfg'] as const)(
  '%s: the rehearsal goes to its end, and exercises the program beside each call',
  { timeout: 60_000 },
  async (language) => {
    let exercised = 0
    const keep = setInterval(() => {}, 1000)
    expect(await rehearse({ exercise: () => void exercised++ }, language)).toBe(400)
    clearInterval(keep)
    expect(exercised).toBe(400)
  },
)

test('a program that cannot be exercised ends it without an error', async () => {
  await rehearse(
    {
      exercise() {
        throw new Error('on purpose')
      },
    },
    'ts',
  )
})
