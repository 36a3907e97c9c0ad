// Checks module mqueue: what any worker adds, any worker is given, once and in order; the oldest give way.
import { expect, test } from 'vitest'
import { ManualClock } from '../../src/clock.ts'
import { createMqueue } from '../../src/services/mqueue.ts'
import type { Service, ServiceRun } from '../../src/services/service.ts'
import { sharedWorkers } from './shared-workers.ts'

test('several workers fill one queue, and each empties it', async () => {
  const workers = sharedWorkers(new ManualClock())
  const begun = (): Service => {
    const service = createMqueue(workers.host())
    const queue = (value: string) => ({ module: 'mqueue', name: 'mqueue', value })
    service.configure?.([queue('name=jobs'), queue('name=few;size=2')], true)
    return service
  }
  const [one, two] = [begun(), begun()]
  const run = { id: 1 } as ServiceRun
  const add = (service: Service, queue: string, key: string) =>
    service.operations!.add!(run, { queue, key, value: `of ${key}` })
  const taken = (service: Service, queue: string) =>
    (service.operations!.fetch!(run, { queue }) as { key: string } | null)?.key
  const size = (service: Service, queue: string) => service.operations!.size!(run, { queue })

  for (const [i, each] of [one, two, one, two].entries()) add(each, 'jobs', `${i}`)
  expect([size(one, 'jobs'), size(two, 'jobs')]).toEqual([4, 4])
  expect([two, two, one, two, one].map((each) => taken(each, 'jobs'))).toEqual(['0', '1', '2', '3', undefined])
  for (const key of ['a', 'b', 'c']) add(one, 'few', key)
  expect(size(two, 'few')).toBe(2)
  expect(two.commands!['mqueue.fetch']!(['few'])).toEqual({ key: 'b', value: 'of b' })
  // A file that is read anew leaves what is there.
  one.configure?.([{ module: 'mqueue', name: 'mqueue', value: 'name=few;size=5' }], true)
  expect([taken(one, 'few'), taken(one, 'few')]).toEqual(['c', undefined])
  await workers.close()
})
