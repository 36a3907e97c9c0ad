// Checks both stores by one list: values, expiry, steps that are one, leases.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { ManualClock } from '../../src/clock.ts'
import { createMemoryStore, createSqliteStore, type Store } from '../../src/store/index.ts'

const folder = mkdtempSync(join(tmpdir(), 'store-'))
let serial = 0
const open: Store[] = []
const MAKERS: Record<string, (clock: ManualClock) => Store> = {
  memory: (clock) => createMemoryStore({ clock, entriesPerTable: 1000 }),
  sqlite: (clock) => createSqliteStore({ clock, file: join(folder, `${++serial}.store`), entriesPerTable: 1000 }),
}
afterEach(async () => {
  for (const store of open.splice(0)) await store.close()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe.each(Object.keys(MAKERS))('%s', (kind) => {
  const made = () => {
    const clock = new ManualClock()
    const store = MAKERS[kind]!(clock)
    open.push(store)
    return { clock, store }
  }

  test('what is written is read, per table, until it expires', () => {
    const { clock, store } = made()
    store.set('a', 'k', 'one', 10)
    store.set('b', 'k', '\u00e9\u00ff')
    expect([store.get('a', 'k'), store.get('b', 'k'), store.get('c', 'k')]).toEqual(['one', '\u00e9\u00ff', undefined])
    expect(store.remaining('a', 'k')).toBeCloseTo(10)
    expect(store.remaining('b', 'k')).toBe(Number.POSITIVE_INFINITY)
    clock.advance(10_000)
    expect([store.get('a', 'k'), store.remaining('a', 'k'), store.size('a')]).toEqual([undefined, undefined, 0])
    expect(store.delete('a', 'k')).toBe(false)
    expect(store.delete('b', 'k')).toBe(true)
  })

  test('entries come in the order in which they came to be', () => {
    const { store } = made()
    for (const key of ['z', 'a', 'm']) store.set('t', key, key.toUpperCase())
    store.set('t', 'z', 'again')
    expect(store.keys('t')).toEqual(['z', 'a', 'm'])
    expect(store.entries('t')).toEqual([
      ['z', 'again'],
      ['a', 'A'],
      ['m', 'M'],
    ])
    expect([store.clear('t'), store.size('t')]).toEqual([3, 0])
  })

  test('update reads and writes as one step, and keeps the expiry where it is told', () => {
    const { clock, store } = made()
    const count = (before: string | undefined) => ({ value: String(Number(before ?? 0) + 1), seconds: 5 })
    store.update('t', 'n', count)
    clock.advance(3000)
    store.update('t', 'n', (before) => ({ value: `${before}!`, seconds: 'keep' }))
    expect([store.get('t', 'n'), store.remaining('t', 'n')]).toEqual(['1!', 2])
    expect(store.update('t', 'n', () => undefined)).toBeUndefined()
    expect(store.get('t', 'n')).toBeUndefined()
    expect(() =>
      store.update('t', 'n', () => {
        throw new Error('no')
      }),
    ).toThrow('no')
    store.set('t', 'n', 'goes on')
    expect(store.get('t', 'n')).toBe('goes on')
  })

  test('a full table refuses', () => {
    const { store } = made()
    const fill = () => {
      for (let i = 0; i < 2500; i++) store.set('t', `k${i}`, 'v')
    }
    expect(fill).toThrow('table t is full')
  })
})

test('in memory, what expired makes room by itself, and a full table costs no look at all of it for each write', () => {
  const clock = new ManualClock()
  const store = createMemoryStore({ clock })
  open.push(store)
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const used = () => {
    collect()
    return process.memoryUsage().heapUsed
  }
  const before = used()
  for (let i = 0; i < 100_000; i++) {
    store.set('t', `k${i}`, `${i}`.padEnd(1000, 'x'), 1)
    clock.advance(1)
  }
  expect(used() - before).toBeLessThan(20_000_000)
  expect(store.size('t')).toBe(999)

  const filled = (count: number) => {
    const full = createMemoryStore({ clock, entriesPerTable: count })
    open.push(full)
    for (let i = 0; i < count; i++) full.set('t', `k${i}`, 'v', 10)
    return full
  }
  const [small, large] = [filled(100), filled(200_000)]
  const refused = (full: Store) => {
    const began = process.cpuUsage().user
    for (let i = 0; i < 1000; i++) expect(() => full.set('t', 'more', 'v')).toThrow('table t is full')
    return process.cpuUsage().user - began
  }
  refused(small)
  const least = refused(small)
  expect(refused(large) / least).toBeLessThan(10)
  clock.advance(10_000)
  large.set('t', 'more', 'v')
  expect(large.size('t')).toBe(1)
})

test('in memory, a table without entries takes no room', () => {
  const clock = new ManualClock()
  const store = createMemoryStore({ clock })
  open.push(store)
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const used = () => {
    collect()
    return process.memoryUsage().heapUsed
  }
  const before = used()
  for (let i = 0; i < 100_000; i++) {
    store.set(`calls to ${i}`, 'a', '1', 10)
    if (i % 3 === 0) store.delete(`calls to ${i}`, 'a')
    else if (i % 3 === 1) store.update(`calls to ${i}`, 'a', () => undefined)
    else {
      clock.advance(10_000)
      expect(store.get(`calls to ${i}`, 'a')).toBeUndefined()
    }
  }
  expect(used() - before).toBeLessThan(5_000_000)
})

test('in a file, what expired is found, and the rest counted, without reading it all', () => {
  const file = join(folder, 'planned.store')
  open.push(createSqliteStore({ clock: new ManualClock(), file }))
  const database = new DatabaseSync(file)
  for (const statement of ['DELETE FROM entry', 'SELECT count(*) FROM entry']) {
    const plan = database.prepare(`EXPLAIN QUERY PLAN ${statement} WHERE part = ? AND expires <= ?`).all('t', 1)
    expect(JSON.stringify(plan)).toContain('INDEX by_expiry (part=? AND expires<?)')
  }
  database.close()
})

test('two processes of one file: what one writes the other reads, and one holds the lease', () => {
  const clock = new ManualClock()
  const file = join(folder, 'shared.store')
  const [one, other] = [createSqliteStore({ clock, file }), createSqliteStore({ clock, file })]
  open.push(one, other)
  one.set('t', 'k', 'v')
  expect(other.get('t', 'k')).toBe('v')
  expect([one.lease('ping', 10), other.lease('ping', 10), one.lease('ping', 10)]).toEqual([true, false, true])
  clock.advance(10_001)
  expect([other.lease('ping', 10), one.lease('ping', 10)]).toEqual([true, false])
})
