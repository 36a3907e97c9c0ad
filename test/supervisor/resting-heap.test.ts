// Owns the tests of the heap of a worker that stands by: collected once after its work, never while calls wait for it.
import { expect, test } from 'vitest'
import { ManualClock } from '../../src/clock.ts'
import { collectGarbage, RestingHeap } from '../../src/supervisor/resting-heap.ts'

function resting() {
  const clock = new ManualClock()
  let collections = 0
  const heap = new RestingHeap({ clock, collect: () => void collections++ })
  return { clock, heap, collections: () => collections }
}

test('programs tried one right after the other are followed by one collection, a later one by another', () => {
  const { clock, heap, collections } = resting()
  for (let n = 0; n < 5; n++) {
    heap.worked()
    clock.advance(900)
  }
  expect(collections()).toBe(0)
  clock.advance(100)
  expect(collections()).toBe(1)
  clock.advance(60_000)
  expect(collections()).toBe(1)
  heap.worked()
  clock.advance(1000)
  expect(collections()).toBe(2)
})

test('a worker that serves is left to V8, whatever it did just before', () => {
  const { clock, heap, collections } = resting()
  heap.worked()
  heap.serves()
  heap.worked()
  clock.advance(60_000)
  expect(collections()).toBe(0)
})

test('a collection leaves nothing that cannot be reached, and no function for it behind', async () => {
  const had = 'gc' in globalThis
  const lost = new WeakRef(Array.from({ length: 1000 }, (_, n) => ({ n })))
  // What a WeakRef was made for lives until the end of the turn.
  await new Promise((resolve) => setImmediate(resolve))
  collectGarbage()
  expect(lost.deref()).toBeUndefined()
  expect('gc' in globalThis).toBe(had)
})
