// Owns the tests of what a worker answers to records of loans, with the sockets played.
import { expect, test } from 'vitest'
import { ManualClock } from '../../src/clock.ts'
import { Kind, OUT_AT, Returned, RING_CAPACITY } from '../../src/transport/front-rings.ts'
import { SHARD_BYTES } from '../../src/transport/index.ts'
import { Loans } from '../../src/transport/loans.ts'
import { PatientWriter } from '../../src/transport/patient-writer.ts'
import { RingReader, type RingRecord } from '../../src/transport/shared-ring.ts'
import { WakingWriter } from '../../src/transport/waking-rings.ts'

const WORKER = 77

function worker() {
  const memory = new ArrayBuffer(SHARD_BYTES)
  const happened: string[] = []
  const told = { take: 0, bytes: Number.POSITIVE_INFINITY }
  const over: { tell?: (flow: number, code: number) => void } = {}
  const ring = new WakingWriter(memory, OUT_AT, 0, { signalEvent() {} }, RING_CAPACITY)
  const out = new PatientWriter(ring, new ManualClock())
  const reader = new RingReader(memory, OUT_AT, RING_CAPACITY)
  const loans = new Loans({
    ...{ memory, out, taking: 0, worker: WORKER, arrived() {}, position: () => ring.position },
    native: {
      openLoans(...args) {
        over.tell = args[5]
        return undefined
      },
      closeHandle: () => void happened.push('close'),
      loanTake: () => told.take,
      loanWrite(_, flow, text) {
        happened.push(`write ${flow} ${text}`)
        return Math.min(text.length, told.bytes)
      },
      loanDrop(_, flow) {
        happened.push(`drop ${flow}, records ${reader.isEmpty ? 'none' : 'some'}`)
      },
    },
  })
  const records = (): Partial<RingRecord>[] => {
    const all: Partial<RingRecord>[] = []
    reader.drain(100, ({ kind, a, b, c, prefix, text }) => all.push({ kind, a, b, c, prefix, text }))
    return all
  }
  const lend = (flow: number, terms = `${WORKER} 1 ${ring.position}`): void =>
    loans.take({ kind: Kind.lent, a: flow, b: 5060, c: 0, prefix: 'tcp 127.0.0.1', text: `${terms} 100 100`, since: 0 })
  loans.attach()
  expect(records()).toEqual([{ kind: Kind.attached, a: WORKER, b: 1, c: 0, prefix: '', text: '' }])
  return { loans, lend, records, happened, told, over, ring }
}

const returned = (flow: number, code: number, ids = '', rest = '') => ({
  ...{ kind: Kind.returned, a: 0, b: flow, c: code },
  ...{ prefix: ids, text: rest },
})

test('what was lent to a worker before is not touched', () => {
  const { loans, lend, records, happened } = worker()
  lend(5, '76 1 0')
  lend(5, `${WORKER} 0 0`)
  expect([records(), happened, loans.holds(5)]).toEqual([[], [], false])
  lend(5)
  expect(loans.holds(5)).toBe(true)
})

test('what cannot be taken is returned, each once', () => {
  const { loans, lend, records, told } = worker()
  told.take = -1
  lend(5)
  told.take = -2
  lend(6)
  loans.giveBack(5)
  loans.giveBack(6)
  expect(records()).toEqual([returned(5, Returned.later), returned(6, Returned.noRoom)])
})

test('a connection for which the front has a reply still is returned', () => {
  const { loans, lend, records, ring } = worker()
  const before = ring.position
  ring.push(Kind.reply, 1, 5, 0, '', 'reply')
  loans.left(5)
  lend(5, `${WORKER} 1 ${before}`)
  expect(records().slice(1)).toEqual([returned(5, Returned.later)])
  lend(5)
  expect(loans.holds(5)).toBe(true)
})

test('nothing is done to a socket once it is returned', () => {
  const { loans, lend, records, happened, over } = worker()
  for (const flow of [5, 6]) lend(flow)
  loans.write(5, 1, 'one')
  loans.giveBack(5)
  expect(happened).toEqual(['write 5 one', 'drop 5, records none'])
  expect(records()).toEqual([returned(5, Returned.fine)])
  loans.write(6, 2, 'two')
  over.tell!(6, 104)
  loans.flush()
  expect(happened.slice(2)).toEqual(['drop 6, records none'])
  // What was not written yet is for the front.
  expect(records()).toEqual([returned(6, 104, '2', 'two')])
})

test('what the kernel did not take goes back with the numbers of its sends', () => {
  const { loans, lend, records, told } = worker()
  lend(5)
  for (const [id, wire] of ['one', 'two', 'three'].entries()) expect(loans.write(5, id, wire)).toBe(true)
  told.bytes = 4
  loans.flush()
  expect(records()).toEqual([returned(5, Returned.fine, '1 2', 'wothree')])
  expect(loans.write(5, 3, 'four')).toBe(false)
  expect(loans.forget(5)).toEqual({ unsent: [], unproven: [0] })
})

test('the last sends of a far end that is not heard are remembered, and none that is', () => {
  const { loans, lend } = worker()
  lend(5)
  for (let id = 0; id < 40; id++) {
    loans.write(5, id, 'x')
    if (id % 3 === 0) loans.flush()
  }
  loans.flush()
  loans.write(5, 40, 'x')
  expect(loans.forget(5)).toEqual({ unsent: [40], unproven: Array.from({ length: 32 }, (_, n) => 8 + n) })
  lend(5)
  loans.write(5, 41, 'x')
  loans.flush()
  loans.heard(5)
  expect(loans.forget(5)).toEqual({ unsent: [], unproven: [] })
})

test('a send takes the way of those before it only when none of them is with the front', () => {
  const { loans, lend } = worker()
  lend(5)
  loans.asked('key', 1)
  loans.asked('key', 2)
  loans.routed('key', 1, 5)
  expect(loans.routeOf('key')).toBeUndefined()
  loans.routed('key', 2, 5)
  expect(loans.routeOf('key')).toBe(5)
  loans.unrouted()
  expect(loans.routeOf('key')).toBeUndefined()
  loans.routed('key', 2, 5)
  loans.giveBack(5)
  expect(loans.routeOf('key')).toBeUndefined()
})

test('one that closes writes what is left and says that nobody serves', () => {
  const { loans, lend, records, happened } = worker()
  lend(5)
  loans.write(5, 1, 'last')
  loans.close()
  loans.close()
  expect(happened).toEqual(['write 5 last', 'close'])
  expect(records()).toEqual([{ kind: Kind.attached, a: 0, b: 0, c: 0, prefix: '', text: '' }])
  expect(loans.write(5, 2, 'more')).toBe(false)
})
