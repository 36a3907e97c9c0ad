// Checks what modules pike, pipelimit and ratelimit count for all workers together.
import { afterEach, expect, test } from 'vitest'
import { ManualClock } from '../../src/clock.ts'
import { createPike } from '../../src/services/pike.ts'
import { createPipelimit, createRatelimit } from '../../src/services/ratelimit.ts'
import type { Service, ServiceFactory, ServiceRun } from '../../src/services/service.ts'
import { type SharedWorkers, sharedWorkers } from './shared-workers.ts'

const RUN = { id: 1, message: { raw: 'INVITE sip:a@b SIP/2.0\r\n\r\n' } } as ServiceRun
let workers: SharedWorkers | undefined
let services: Service[] = []
afterEach(async () => {
  for (const service of services) await service.close?.()
  services = []
  await workers?.close()
})

/** So many workers that have the service. */
function begin(clock: ManualClock, many: number, make: ServiceFactory, parameters: Record<string, string | number>) {
  workers = sharedWorkers(clock)
  const { module } = make(workers.host())
  const given = Object.entries(parameters).map(([name, value]) => ({ module, name, value }))
  services = Array.from({ length: many }, () => {
    const service = make(workers!.host())
    service.configure?.(given, true)
    void service.start?.()
    return service
  })
}

/** How many of so many messages, one worker after the other, pass. */
function passed(messages: number, operation: string, args: unknown): number {
  let count = 0
  for (let n = 0; n < messages; n++)
    if (services[n % services.length]!.operations![operation]!(RUN, args) === 1) count++
  return count
}

const TAILDROP = { pipe: 'p', algorithm: 'TAILDROP' }

test.each([
  [1, 4, 4],
  [2, 4, 4],
  [4, 5, 5],
  [1, 1000, 1000],
  [3, 1000, 1040],
])('%i workers let %i messages of a pipe pass in an interval, or a portion more', (many, limit, most) => {
  const clock = new ManualClock()
  begin(clock, many, createPipelimit, { timer_interval: 10 })
  for (let interval = 0; interval < 3; interval++) {
    const let_through = passed(3 * limit, 'check', { ...TAILDROP, limit })
    expect(let_through).toBeGreaterThanOrEqual(limit)
    expect(let_through).toBeLessThanOrEqual(most)
    clock.advance(10_000)
  }
})

test('intervals are those of the first worker, whenever another begins', () => {
  const clock = new ManualClock()
  begin(clock, 1, createPipelimit, { timer_interval: 10 })
  clock.advance(7_000)
  const late = createPipelimit(workers!.host())
  late.configure?.([{ module: 'pipelimit', name: 'timer_interval', value: 10 }], true)
  void late.start?.()
  services.push(late)
  expect(passed(10, 'check', { ...TAILDROP, limit: 4 })).toBe(4)
  clock.advance(3_000)
  expect(passed(10, 'check', { ...TAILDROP, limit: 4 })).toBe(4)
  clock.advance(9_000)
  expect(passed(10, 'check', { ...TAILDROP, limit: 4 })).toBe(0)
})

test('pipes of ratelimit are those of all workers', () => {
  const clock = new ManualClock()
  begin(clock, 3, createRatelimit, { pipe: '0:TAILDROP:1', queue: '0:INVITE' })
  expect(passed(60, 'pipe', { pipe: 0 })).toBe(10)
})

test('a source that sends to all workers is blocked by all, for as long as it goes on', () => {
  const clock = new ManualClock()
  begin(clock, 3, createPike, { reqs_density_per_unit: 30, sampling_time_unit: 2 })
  const pike = (messages: number) => passed(messages, 'address', { address: '10.1.2.3' })
  // Each worker lets three pass until it knows the address whole.
  expect(pike(90)).toBeLessThanOrEqual(3 * 3 + 30 + 3 * 3)
  expect(pike(30)).toBe(0)
  clock.advance(2_000)
  // 60 in all, and 20 of each worker: still too many.
  expect(pike(60)).toBe(0)
  clock.advance(2_000)
  expect(pike(30)).toBe(0)
  clock.advance(2_000)
  expect(pike(9)).toBe(9)
})
