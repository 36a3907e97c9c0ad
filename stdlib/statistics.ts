// Owns modules statistics and counters: numbers that scripts keep and read.
import { declarations, int, text } from './declaration.ts'
import { define } from './define.ts'
import { definePvClass, type PvValue } from './pv.ts'
import { askNow } from './service.ts'

const statistics = declarations('statistics')
const counters = declarations('counters')

export const updateStat = define(
  statistics(
    'update_stat',
    [text('name'), text('difference')],
    'Adds to a number of modparam variable.',
    'update_stat("my_calls", "+1");',
  ),
  (name: string, difference: string) => {
    const number = Number(difference)
    return Number.isInteger(number) ? askNow<number>('statistics', 'update', { name, difference: number }) : -1
  },
)

export const resetStat = define(
  statistics('reset_stat', [text('name')], 'Sets a number back to 0.', 'reset_stat("my_calls");'),
  (name: string) => askNow<number>('statistics', 'reset', { name }),
)

definePvClass(
  {
    name: 'stat',
    module: 'pv',
    inner: { name: 'name' },
    doc: 'A number that update_stat or the proxy itself counts; null when there is none.',
  },
  (inner) => ({ get: () => askNow<PvValue>('statistics', 'read', { name: inner.format().trim() }) }),
)

export const cntInc = define(
  counters(
    'cnt_inc',
    [text('counter')],
    'Adds 1 to a counter: group.name, or a name of group script.',
    'cnt_inc("calls.failed");',
    ['request', 'reply', 'failure', 'event'],
  ),
  (name: string) => askNow<number>('counters', 'add', { name, difference: 1 }),
)

export const cntAdd = define(
  counters('cnt_add', [text('counter'), int('difference')], 'Adds to a counter.', 'cnt_add("calls.bytes", "5");', [
    'request',
    'reply',
    'failure',
    'event',
  ]),
  (name: string, difference: number | string) =>
    askNow<number>('counters', 'add', { name, difference: Number(difference) }),
)

export const cntReset = define(
  counters('cnt_reset', [text('counter')], 'Sets a counter back to 0.', 'cnt_reset("calls.failed");', [
    'request',
    'reply',
    'failure',
    'event',
  ]),
  (name: string) => askNow<number>('counters', 'reset', { name }),
)
