// Owns module htable: shared tables of values by key, read and written as $sht(table=>key).

import type { Parameter } from './contract.ts'
import { define, defineWaiting } from './define.ts'
import { htable } from './htable-declaration.ts'
import { definePvClass, type PvInner, type PvValue } from './pv.ts'
import { PvSyntaxError } from './pv-format.ts'
import { ask, askNow } from './service.ts'

type Cell = string | number
const MODULE = 'htable'

const text = (name: string): Parameter => ({ name, kind: 'string' })
const ITEM: readonly Parameter[] = [{ name: 'item', kind: 'string', constant: true }]

/** The two parts of `table=>key`; throws where the arrow is missing. */
function split(item: string): { table: string; key: string } {
  const arrow = item.indexOf('=>')
  if (arrow < 0) throw new Error(`'${item}' is not table=>key`)
  return { table: item.slice(0, arrow).trim(), key: item.slice(arrow + 2) }
}

function itemOf(inner: PvInner): () => { table: string; key: string } {
  if (!inner.text.includes('=>')) throw new PvSyntaxError(`'${inner.text}' is not table=>key`, 0)
  if (inner.text.includes('$')) return () => split(inner.format())
  const item = split(inner.text)
  return () => item
}

const ITEM_INNER = { name: 'table=>key' } as const

definePvClass(
  {
    name: 'sht',
    module: MODULE,
    inner: ITEM_INNER,
    writable: true,
    doc: 'A value of a shared table; null, or the table’s initval, when there is none. `= $null` deletes it.',
  },
  (inner) => {
    const item = itemOf(inner)
    return {
      get: () => askNow<PvValue>(MODULE, 'get', item()),
      set: (value) => void askNow(MODULE, 'set', { ...item(), value: value ?? null }),
    }
  },
)

definePvClass(
  {
    name: 'shtex',
    module: MODULE,
    inner: ITEM_INNER,
    writable: true,
    doc: 'Seconds that a value of a shared table has left; assigning gives it so many.',
  },
  (inner) => {
    const item = itemOf(inner)
    return {
      get: () => askNow<PvValue>(MODULE, 'remaining', item()),
      set: (value) => void askNow(MODULE, 'expire', { ...item(), seconds: Number(value) | 0 }),
    }
  },
)

function defineAdding(name: string, difference: number, doc: string): void {
  definePvClass({ name, module: MODULE, inner: ITEM_INNER, doc }, (inner) => {
    const item = itemOf(inner)
    return { get: () => askNow<PvValue>(MODULE, 'add', { ...item(), difference }) }
  })
}
defineAdding('shtinc', 1, 'Adds 1 to a number of a shared table and gives the result; null when there is none.')
defineAdding('shtdec', -1, 'Takes 1 from a number of a shared table and gives the result; null when there is none.')

/** Operators before the text of $shtcn and $shtcv; a regular expression where none stands. */
const OPERATORS: readonly [sign: string, comparison: string][] = [
  ['~~', 're'],
  ['~%', 'ew'],
  ['%~', 'sw'],
  ['==', 'eq'],
]

function defineCount(name: string, by: 'name' | 'value', doc: string): void {
  definePvClass({ name, module: MODULE, inner: { name: 'table=>expression' }, doc }, (inner) => {
    const item = itemOf(inner)
    return {
      get() {
        const { table, key } = item()
        const operator = OPERATORS.find(([sign]) => key.startsWith(sign))
        const [comparison, wanted] = operator === undefined ? ['re', key] : [operator[1], key.slice(2)]
        return askNow<PvValue>(MODULE, 'count', { table, by, comparison, wanted })
      },
    }
  })
}
defineCount(
  'shtcn',
  'name',
  'How many keys of a shared table match: `~~` or nothing a regular expression, `%~` the beginning, `~%` the end, `==` the whole.',
)
defineCount('shtcv', 'value', 'How many texts of a shared table match, see $shtcn.')

definePvClass(
  {
    name: 'shtrecord',
    module: MODULE,
    inner: { name: 'part', values: ['key', 'value'] },
    routes: ['event'],
    doc: 'In event_route[htable:expired:table]: key or value of the entry that has expired.',
  },
  (inner) => {
    const part = inner.text.trim() as 'key' | 'value'
    return { get: () => askNow<{ key: string; value: Cell } | null>(MODULE, 'record')?.[part] ?? null }
  },
)

export const shtPrint = define(
  htable('shtPrint', 'sht_print', [], 'Writes all shared tables to the log.', 'sht_print();'),
  () => askNow<number>(MODULE, 'print'),
)

export const shtReset = define(
  htable('shtReset', 'sht_reset', [text('table')], 'Empties a shared table.', 'sht_reset("a");'),
  (table: string) => askNow<number>(MODULE, 'clear', { table }),
)

export const shtRm = define(
  htable('shtRm', 'sht_rm', [text('table'), text('key')], 'Deletes one entry.', 'sht_rm("a", "$si");'),
  (table: string, key: string) => askNow<number>(MODULE, 'set', { table, key, value: null }),
)

function setUntil(table: string, key: string, value: Cell, seconds: number | string): number {
  askNow(MODULE, 'set', { table, key, value })
  return askNow<number>(MODULE, 'expire', { table, key, seconds: Number(seconds) | 0 })
}

export const shtSetxs = define(
  htable(
    'shtSetxs',
    'sht_setxs',
    [text('table'), text('key'), text('value'), { name: 'seconds', kind: 'int' }],
    'Writes a text that expires so many seconds from now, whatever the table says.',
    'sht_setxs("a", "$si", "busy", "30");',
  ),
  (table: string, key: string, value: string, seconds: number | string) => setUntil(table, key, `${value}`, seconds),
)

export const shtSetxi = define(
  htable(
    'shtSetxi',
    'sht_setxi',
    [text('table'), text('key'), { name: 'value', kind: 'int' }, { name: 'seconds', kind: 'int' }],
    'Writes a number that expires so many seconds from now, whatever the table says.',
    'sht_setxi("a", "$si", "1", "30");',
  ),
  (table: string, key: string, value: number | string, seconds: number | string) =>
    setUntil(table, key, Number(value) | 0, seconds),
)

function removing(by: 'name' | 'value', table: string, comparison: string, wanted: string): number {
  // Kamailio 5.6: these three only.
  if (comparison === 'eq' || comparison === 'ne' || !COMPARISONS.includes(comparison)) return -1
  askNow(MODULE, 'remove', { table, by, comparison, wanted })
  return 1
}
const COMPARISONS = ['re', 'sw', 'ew', 'eq', 'ne']

const PATTERN_ITEM: readonly Parameter[] = [{ name: 'table=>regex', kind: 'string', constant: true }]

function removingPattern(by: 'name' | 'value', item: string): number {
  const { table, key } = split(item)
  return removing(by, table, 're', key)
}

export const shtRmNameRe = define(
  htable(
    'shtRmNameRe',
    'sht_rm_name_re',
    PATTERN_ITEM,
    'Deletes the entries whose key matches a regular expression.',
    'sht_rm_name_re("a=>^10[.]");',
  ),
  (item: string) => removingPattern('name', item),
)

export const shtRmValueRe = define(
  htable(
    'shtRmValueRe',
    'sht_rm_value_re',
    PATTERN_ITEM,
    'Deletes the entries whose text matches a regular expression.',
    'sht_rm_value_re("a=>^busy");',
  ),
  (item: string) => removingPattern('value', item),
)

const MATCH: readonly Parameter[] = [text('table'), text('operator'), text('wanted')]

export const shtRmName = define(
  htable(
    'shtRmName',
    'sht_rm_name',
    MATCH,
    'Deletes the entries whose key matches: re, sw or ew.',
    'sht_rm_name("a", "sw", "10.");',
  ),
  (table: string, operator: string, wanted: string) => removing('name', table, operator, wanted),
)

export const shtRmValue = define(
  htable(
    'shtRmValue',
    'sht_rm_value',
    MATCH,
    'Deletes the entries whose text matches: re, sw or ew.',
    'sht_rm_value("a", "sw", "busy");',
  ),
  (table: string, operator: string, wanted: string) => removing('value', table, operator, wanted),
)

function matching(by: 'name' | 'value', table: string, comparison: string, wanted: string): number {
  if (!COMPARISONS.includes(comparison)) return -1
  return askNow<number>(MODULE, 'count', { table, by, comparison, wanted }) > 0 ? 1 : -1
}

export const shtMatchName = define(
  {
    ...htable(
      'shtMatchName',
      'sht_match_name',
      MATCH,
      'True if a key matches: re, sw, ew, eq or ne.',
      'sht_match_name("a", "eq", "$si")',
    ),
    aliases: ['sht_has_name'],
  },
  (table: string, operator: string, wanted: string) => matching('name', table, operator, wanted),
)

export const shtMatchStrValue = define(
  {
    ...htable(
      'shtMatchStrValue',
      'sht_match_str_value',
      MATCH,
      'True if a text of the table matches: re, sw, ew, eq or ne.',
      'sht_match_str_value("a", "re", "^1")',
    ),
    aliases: ['sht_has_str_value'],
  },
  (table: string, operator: string, wanted: string) => matching('value', table, operator, wanted),
)

export const shtLock = defineWaiting(
  htable(
    'shtLock',
    'sht_lock',
    ITEM,
    'Waits until no other run holds the lock of that key, and takes it.',
    'sht_lock("a=>$si");',
  ),
  (item: string) => ask<number>(MODULE, 'lock', split(item)),
)

export const shtUnlock = define(
  htable('shtUnlock', 'sht_unlock', ITEM, 'Gives the lock of that key back.', 'sht_unlock("a=>$si");'),
  (item: string) => askNow<number>(MODULE, 'unlock', split(item)),
)

/** A value of a shared table for a TypeScript route: `$sht(table=>key)`. */
export function shtGet(table: string, key: string): Cell | null {
  return askNow<Cell | null>(MODULE, 'get', { table, key })
}

/** Writes a value of a shared table; null deletes it. */
export function shtSet(table: string, key: string, value: Cell | null): void {
  askNow(MODULE, 'set', { table, key, value })
}

/** Adds to a number of a shared table in one step that no other worker sees half done; null when there is none. */
export function shtAdd(table: string, key: string, difference: number): number | null {
  return askNow<number | null>(MODULE, 'add', { table, key, difference })
}
