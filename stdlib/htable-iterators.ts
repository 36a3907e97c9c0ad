// Owns walks through the tables of module htable: $shtitkey and $shtitval, and changes on the way.
import type { Parameter } from './contract.ts'
import { define } from './define.ts'
import { htable } from './htable-declaration.ts'
import { definePvClass } from './pv.ts'
import { currentRun } from './runtime.ts'
import { askNow } from './service.ts'

const MODULE = 'htable'
type Cell = string | number
const text = (name: string): Parameter => ({ name, kind: 'string' })

/** An iterator under way. In Kamailio it belongs to the process, in which one message is handled at a time. */
interface Iterator {
  readonly table: string
  readonly entries: [key: string, value: Cell][]
  at: number
}

const MOST_ITERATORS = 64
const iterators = new Map<string, Iterator>()

function startIterator(name: string, table: string): number {
  if (askNow<number>(MODULE, 'exists', { table }) < 0) return -1
  const place = placeOf(name)
  // A script that never ends its iterators loses the oldest.
  if (iterators.size >= MOST_ITERATORS && !iterators.has(place)) iterators.delete(iterators.keys().next().value!)
  iterators.set(place, { table, entries: askNow(MODULE, 'entries', { table }), at: -1 })
  return 1
}

const placeOf = (name: string) => `${currentRun().id}:${name}`

/** The entry that the iterator stands on. */
function standing(name: string): { iterator: Iterator; entry: [key: string, value: Cell] } | undefined {
  const iterator = iterators.get(placeOf(name))
  const entry = iterator?.entries[iterator.at]
  return iterator === undefined || entry === undefined ? undefined : { iterator, entry }
}

for (const [name, part, what] of [
  ['shtitkey', 0, 'Key'],
  ['shtitval', 1, 'Value'],
] as const) {
  definePvClass(
    { name, module: MODULE, inner: { name: 'iterator' }, doc: `${what} of the entry that the iterator stands on.` },
    (inner) => ({ get: () => standing(inner.format())?.entry[part] ?? null }),
  )
}

const ITERATOR: readonly Parameter[] = [text('iterator')]

export const shtIteratorStart = define(
  htable(
    'shtIteratorStart',
    'sht_iterator_start',
    [text('iterator'), text('table')],
    'Begins to walk through a shared table.',
    'sht_iterator_start("i", "a");',
  ),
  startIterator,
)

export const shtIteratorNext = define(
  htable(
    'shtIteratorNext',
    'sht_iterator_next',
    ITERATOR,
    'Goes on to the next entry; false after the last one.',
    'while (sht_iterator_next("i")) { xlog("$shtitkey(i)\\n"); }',
  ),
  (name: string) => {
    const iterator = iterators.get(placeOf(name))
    if (iterator === undefined) return -1
    iterator.at = Math.min(iterator.at + 1, iterator.entries.length)
    return iterator.at < iterator.entries.length ? 1 : -1
  },
)

export const shtIteratorEnd = define(
  htable('shtIteratorEnd', 'sht_iterator_end', ITERATOR, 'Ends a walk.', 'sht_iterator_end("i");'),
  (name: string) => {
    iterators.delete(placeOf(name))
    return 1
  },
)

export const shtIteratorRm = define(
  htable(
    'shtIteratorRm',
    'sht_iterator_rm',
    ITERATOR,
    'Deletes the entry that the iterator stands on.',
    'sht_iterator_rm("i");',
  ),
  (name: string) => {
    const here = standing(name)
    if (here === undefined) return -1
    askNow(MODULE, 'set', { table: here.iterator.table, key: here.entry[0], value: null })
    return 1
  },
)

function writeAt(name: string, value: Cell): number {
  const here = standing(name)
  if (here === undefined) return -1
  here.entry[1] = value
  askNow(MODULE, 'set', { table: here.iterator.table, key: here.entry[0], value })
  return 1
}

export const shtIteratorSets = define(
  htable(
    'shtIteratorSets',
    'sht_iterator_sets',
    [text('iterator'), text('value')],
    'Puts a text into the entry that the iterator stands on.',
    'sht_iterator_sets("i", "busy");',
  ),
  (name: string, value: string) => writeAt(name, `${value}`),
)

export const shtIteratorSeti = define(
  htable(
    'shtIteratorSeti',
    'sht_iterator_seti',
    [text('iterator'), { name: 'value', kind: 'int' }],
    'Puts a number into the entry that the iterator stands on.',
    'sht_iterator_seti("i", "1");',
  ),
  (name: string, value: number | string) => writeAt(name, Number(value) | 0),
)

export const shtIteratorSetex = define(
  htable(
    'shtIteratorSetex',
    'sht_iterator_setex',
    [text('iterator'), { name: 'seconds', kind: 'int' }],
    'Gives the entry that the iterator stands on so many seconds.',
    'sht_iterator_setex("i", "60");',
  ),
  (name: string, seconds: number | string) => {
    const here = standing(name)
    if (here === undefined) return -1
    askNow(MODULE, 'expire', { table: here.iterator.table, key: here.entry[0], seconds: Number(seconds) | 0 })
    return 1
  },
)
