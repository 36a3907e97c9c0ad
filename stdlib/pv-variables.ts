// Owns the variables a script stores in: $var, $vn, $shv, $avp, $xavp, $xavu, $xavi, $cnt, and $null.
import { definePv, definePvClass, type PvInner, type PvValue } from './pv.ts'
import { PvSyntaxError } from './pv-format.ts'
import { currentRun, opNow } from './runtime.ts'
import { copied, joinedTexts, setWeighing } from './text-bounds.ts'
import type { AvpValue, XavpFields, XavpValue } from './transaction-state.ts'

/** A variable of the process. The emitted program keeps these objects, so that `$var` costs a property access. */
export interface VariableSlot {
  value: PvValue
}

const slots = new Map<string, VariableSlot>()
const nullableSlots = new Map<string, VariableSlot>()
const sharedSlots = new Map<string, VariableSlot>()
const MOST_SLOTS = 10_000
const LONGEST_NAME = 1000

/** Characters that variables of the process may hold together, those of short values not counted. */
const MOST_HELD = 16_000_000
const SHORT = 1000

function slotIn(table: Map<string, VariableSlot>, name: string, initial: PvValue): VariableSlot {
  let slot = table.get(name)
  if (slot === undefined) {
    if (table.size >= MOST_SLOTS || name.length > LONGEST_NAME) throw new Error('Too many variables.')
    slot = { value: initial }
    table.set(copied(name), slot)
  }
  return slot
}

const TABLES = [
  { table: slots, initial: 0 },
  { table: nullableSlots, initial: null },
  { table: sharedSlots, initial: 0 },
]

/** Variables that hold too much together lose what is long: runs leave texts behind, and none of them sees the sum. */
function weighVariables(): void {
  const long = TABLES.flatMap(({ table, initial }) =>
    [...table.values()]
      .filter(({ value }) => typeof value === 'string' && value.length > SHORT)
      .map((slot) => ({ slot, initial, length: `${slot.value}`.length })),
  )
  if (long.reduce((sum, { length }) => sum + length, 0) <= MOST_HELD) return
  for (const { slot, initial } of long) slot.value = initial
  const text = `variables held texts of more than ${MOST_HELD} characters: the ${long.length} long ones are unassigned again`
  opNow('log', { level: -1, text })
}
setWeighing(weighVariables)

/** The slot of `$var(name)`: per worker process, 0 until assigned, never cleared between messages. */
export function variableSlot(name: string): VariableSlot {
  return slotIn(slots, name, 0)
}

/** Every `$var` that the script names, with its value. */
export function scriptVariables(): [name: string, value: PvValue][] {
  return [...slots].map(([name, { value }]) => [name, value])
}

/** Remembers the variables of the process; the function that it gives puts them back, those made since as unassigned. */
export function keepVariables(): () => void {
  const tables = TABLES.map(({ table, initial }) => ({
    table,
    initial,
    values: new Map([...table].map(([name, { value }]) => [name, value])),
  }))
  return () => {
    for (const { table, initial, values } of tables) {
      for (const [name, slot] of table) slot.value = values.has(name) ? values.get(name) : initial
    }
  }
}

const NAME = { name: 'name' } as const

function defineSlots(
  meta: { name: string; aliases?: readonly string[]; doc: string },
  table: Map<string, VariableSlot>,
  initial: PvValue,
  ofNull: PvValue,
): void {
  definePvClass({ ...meta, module: 'pv', inner: NAME, writable: true }, (inner) => {
    if (inner.text.includes('$')) {
      return {
        get: () => slotIn(table, inner.format(), initial).value,
        set: (value) => {
          slotIn(table, inner.format(), initial).value = typeof value === 'string' ? copied(value) : (value ?? ofNull)
        },
      }
    }
    const slot = slotIn(table, inner.text.trim(), initial)
    return {
      get: () => slot.value,
      set: (value) => {
        slot.value = value ?? ofNull
      },
    }
  })
}
defineSlots({ name: 'var', aliases: ['vz'], doc: 'A variable of the worker process; 0 until assigned.' }, slots, 0, 0)
defineSlots({ name: 'vn', doc: 'A variable of the worker process; null until assigned.' }, nullableSlots, null, null)
defineSlots({ name: 'shv', doc: 'A variable shared by all messages; 0 until assigned.' }, sharedSlots, 0, '')
definePv({ name: 'null', module: 'pv', doc: 'Null.' }, () => null)

/** `s:name`, `i:12` and `name` are names; what holds a variable is read each time. */
function avpName(inner: PvInner): () => string {
  const plain = inner.text.trim()
  if (plain.includes('$')) return inner.format
  const name = plain.startsWith('s:') ? plain.slice(2) : plain
  return () => name
}

const MOST_VALUES = 1000

/** All values, as `[*]` shows them: no comma before the first that is not empty. */
function joined(values: readonly AvpValue[]): string {
  const first = values.findIndex((value) => value !== '')
  return first < 0 ? '' : joinedTexts(values.slice(first), ', ')
}

definePvClass(
  {
    name: 'avp',
    module: 'pv',
    inner: NAME,
    index: true,
    writable: true,
    doc: 'A stack of values kept with the transaction: assigning pushes, `= $null` takes the newest off, `[*]` means all.',
  },
  (inner) => {
    const name = avpName(inner)
    const { index } = inner
    return {
      get: () => {
        const values = currentRun().state.avps.get(name())
        if (values === undefined || values.length === 0) return null
        const at = index()
        if (at === undefined) return values[0]
        if (at === 'all') return joined(values)
        // 5.6.3 counts from the end only as far as the newest one.
        return (at < 0 ? (values.length === -at ? values[0] : null) : values[at]) ?? null
      },
      set: (value) => {
        const { avps } = currentRun().state
        const key = name()
        const values = avps.get(key) ?? []
        const at = index()
        if (value === null || value === undefined) {
          if (at === 'all') values.length = 0
          else values.shift()
        } else if (at === 'all') {
          values.length = 0
          values.push(value)
        } else if (values.length < MOST_VALUES) values.unshift(value)
        avps.set(key, values)
      },
    }
  },
)

/** One part of `root[1]=>field[2]`. */
interface PathPart {
  name: string
  index: number | 'all' | undefined
}

const DEEPEST = 32
const PART = /^\s*([A-Za-z0-9_.-]+)\s*(?:\[\s*(-?\d+|\*)\s*\])?\s*$/

/** `prefix` keeps the roots of the three classes apart in their common table. */
function parsePath(text: string, prefix: string, fold: (name: string) => string): PathPart[] {
  const parts = text.split('=>')
  if (parts.length > DEEPEST) throw new PvSyntaxError(`a path of more than ${DEEPEST} names`, 0)
  return parts.map((part, depth) => {
    const found = PART.exec(part)
    if (found === null) throw new PvSyntaxError(`'${text}' is not a name with fields (root=>field)`, 0)
    const index = found[2] === undefined ? undefined : found[2] === '*' ? 'all' : Number(found[2])
    return { name: (depth === 0 ? prefix : '') + fold(found[1]!), index }
  })
}

function pathOf(inner: PvInner, prefix: string, fold: (name: string) => string): () => PathPart[] {
  if (inner.text.includes('$')) return () => parsePath(inner.format(), prefix, fold)
  const path = parsePath(inner.text, prefix, fold)
  return () => path
}

function fieldsOf(value: XavpValue | undefined): XavpFields | undefined {
  return value instanceof Map ? value : undefined
}

/** The value at the path; a record itself prints as nothing a script can use, so it counts as 1. */
function readPath(fields: XavpFields, path: readonly PathPart[]): PvValue {
  let here: XavpFields | undefined = fields
  for (const [depth, part] of path.entries()) {
    const values: XavpValue[] | undefined = here.get(part.name)
    if (values === undefined || values.length === 0) return null
    const last = depth === path.length - 1
    if (last && part.index === 'all')
      return joinedTexts(
        values.filter((value): value is AvpValue => !(value instanceof Map)),
        ', ',
      )
    const value: XavpValue | undefined = values.at(part.index === 'all' ? 0 : (part.index ?? 0))
    if (value === undefined) return null
    if (last) return value instanceof Map ? '<<xavp>>' : value
    here = fieldsOf(value)
    if (here === undefined) return null
  }
  return null
}

function pushed(values: XavpValue[], value: XavpValue): void {
  if (values.length < MOST_VALUES) values.unshift(value)
}

function assignField(fields: XavpFields, part: PathPart, value: AvpValue | null): void {
  const values = fields.get(part.name) ?? []
  if (value === null) {
    if (part.index === 'all') values.length = 0
    else values.splice(part.index ?? 0, 1)
  } else if (part.index === 'all') {
    values.length = 0
    values.push(value)
  } else if (part.index === undefined) pushed(values, value)
  else {
    const place = part.index < 0 ? values.length + part.index : part.index
    if (place >= 0 && place < values.length) values[place] = value
  }
  if (values.length === 0) fields.delete(part.name)
  else fields.set(part.name, values)
}

/** `$xavp(r=>f) = v` makes a new root each time; with an index on the root the field goes into that record. */
function writeStack(fields: XavpFields, path: readonly PathPart[], value: AvpValue | null): void {
  const [root, ...rest] = path
  if (root === undefined) return
  if (rest.length === 0) {
    assignField(fields, root, value)
    return
  }
  const records = fields.get(root.name) ?? []
  let record: XavpFields | undefined
  if (root.index === undefined && value !== null) {
    record = new Map()
    pushed(records, record)
    fields.set(root.name, records)
  } else record = fieldsOf(records.at(root.index === 'all' ? 0 : (root.index ?? 0)))
  if (record !== undefined) writeStack(record, rest, value)
}

/** `$xavu`: one value a name, records made on the way. */
function writeUnique(fields: XavpFields, path: readonly PathPart[], value: AvpValue | null): void {
  const [part, ...rest] = path
  if (part === undefined) return
  if (rest.length === 0) {
    if (value === null) fields.delete(part.name)
    else fields.set(part.name, [value])
    return
  }
  let record = fieldsOf(fields.get(part.name)?.[0])
  if (record === undefined) {
    if (value === null) return
    record = new Map()
    fields.set(part.name, [record])
  }
  writeUnique(record, rest, value)
}

const same = (name: string) => name
const lower = (name: string) => name.toLowerCase()

function defineXavp(
  name: string,
  doc: string,
  prefix: string,
  fold: (name: string) => string,
  write: (fields: XavpFields, path: readonly PathPart[], value: AvpValue | null) => void,
): void {
  definePvClass({ name, module: 'pv', inner: NAME, writable: true, doc }, (inner) => {
    const path = pathOf(inner, prefix, fold)
    return {
      get: () => readPath(currentRun().state.xavps, path()),
      set: (value) => write(currentRun().state.xavps, path(), value ?? null),
    }
  })
}
defineXavp('xavp', 'Records kept with the transaction: `root=>field`, newest first.', '', same, writeStack)
defineXavp('xavi', 'As $xavp, names without case.', 'xavi:', lower, writeStack)
defineXavp('xavu', 'Records kept with the transaction, one value a name.', 'xavu:', same, writeUnique)

definePvClass(
  { name: 'cnt', module: 'pv', inner: { name: 'variable' }, doc: 'How many values the variable has.' },
  (inner) => {
    const node = /^\$\(?avp\(([^)]*)\)/.exec(inner.text)
    if (node !== null) {
      const name = node[1]!.replace(/^s:/, '')
      return { get: () => currentRun().state.avps.get(name)?.length ?? 0 }
    }
    const variable = inner.variable()
    return { get: () => (variable.get() === null ? 0 : 1) }
  },
)
