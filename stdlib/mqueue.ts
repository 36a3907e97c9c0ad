// Owns module mqueue: queues that routes fill and other routes, often timers, empty.
import { declarations, text } from './declaration.ts'
import { define } from './define.ts'
import { definePvClass } from './pv.ts'
import { askNow } from './service.ts'

const MODULE = 'mqueue'
const mqueue = declarations(MODULE)

/** The item fetched last, by queue; of the process, as in Kamailio. */
const fetched = new Map<string, { key: string; value: string }>()
const MOST_QUEUES = 1000

export const mqAdd = define(
  mqueue(
    'mq_add',
    [text('queue'), text('key'), text('value')],
    'Adds a key and a value to a queue.',
    'mq_add("jobs", "$ci", "$ru");',
  ),
  (queue: string, key: string, value: string) => askNow<number>(MODULE, 'add', { queue, key, value }),
)

export const mqFetch = define(
  mqueue(
    'mq_fetch',
    [text('queue')],
    'Takes the oldest item of a queue, for $mqk and $mqv; false when there is none.',
    'while (mq_fetch("jobs")) { xlog("$mqk(jobs)\\n"); }',
  ),
  (queue: string) => {
    const item = askNow<{ key: string; value: string } | null>(MODULE, 'fetch', { queue })
    fetched.delete(queue)
    if (item === null) return askNow<number>(MODULE, 'size', { queue }) < 0 ? -1 : -2
    if (fetched.size < MOST_QUEUES) fetched.set(queue, item)
    return 1
  },
)

export const mqPvFree = define(
  mqueue('mq_pv_free', [text('queue')], 'Forgets the item that $mqk and $mqv mean.', 'mq_pv_free("jobs");'),
  (queue: string) => {
    fetched.delete(queue)
    return 1
  },
)

export const mqSize = define(
  mqueue(
    'mq_size',
    [text('queue')],
    'Gives the length of a queue as its code; -1 when it is empty, -2 when there is none.',
    'mq_size("jobs");',
  ),
  (queue: string) => {
    const size = askNow<number>(MODULE, 'size', { queue })
    return size < 0 ? -2 : size === 0 ? -1 : size
  },
)

for (const [name, part, what] of [
  ['mqk', 'key', 'The key'],
  ['mqv', 'value', 'The value'],
] as const) {
  definePvClass(
    { name, module: MODULE, inner: { name: 'queue' }, doc: `${what} of the item that mq_fetch took last.` },
    (inner) => ({ get: () => fetched.get(inner.format().trim())?.[part] ?? null }),
  )
}

definePvClass(
  { name: 'mq_size', module: MODULE, inner: { name: 'queue' }, doc: 'The length of a queue.' },
  (inner) => ({
    get: () => Math.max(0, askNow<number>(MODULE, 'size', { queue: inner.format().trim() })),
  }),
)
