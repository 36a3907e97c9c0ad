// Owns module pv's functions that write and remove fields of records ($xavp, $xavi), and copy them from and to $var.
import { declarations, int, text } from './declaration.ts'
import { define } from './define.ts'
import { scriptVariables, variableSlot } from './pv-variables.ts'
import { currentRun } from './runtime.ts'
import type { XavpFields } from './transaction-state.ts'

const pv = declarations('pv')

/** Kinds of records: where they lie among the transaction's, and how names are compared. */
const KINDS = {
  xavp: { prefix: '', name: (name: string) => name },
  xavi: { prefix: 'xavi:', name: (name: string) => name.toLowerCase() },
} as const
type Kind = keyof typeof KINDS

const records = () => currentRun().state.xavps

/** The newest record of a name. */
function newest(kind: Kind, root: string): XavpFields | undefined {
  const first = records().get(`${KINDS[kind].prefix}${KINDS[kind].name(root)}`)?.[0]
  return first instanceof Map ? first : undefined
}

function setChild(kind: Kind, root: string, child: string, value: string | number): number {
  const { prefix, name } = KINDS[kind]
  let record = newest(kind, root)
  if (record === undefined) {
    record = new Map()
    const key = `${prefix}${name(root)}`
    records().set(key, [record, ...(records().get(key) ?? [])])
  }
  record.set(name(child), [value, ...(record.get(name(child)) ?? []).slice(1)])
  return 1
}

function removeChild(kind: Kind, root: string, child: string): number {
  newest(kind, root)?.delete(KINDS[kind].name(child))
  return 1
}

function childFunctions(kind: Kind) {
  return {
    sets: define(
      pv(
        `${kind}_child_sets`,
        [text('root'), text('child'), text('value')],
        `Sets a field of the newest record of $${kind} to a text, in a new record where there is none.`,
        `${kind}_child_sets("x", "a", "$fU");`,
      ),
      (root: string, child: string, value: string) => setChild(kind, root, child, value),
    ),
    seti: define(
      pv(
        `${kind}_child_seti`,
        [text('root'), text('child'), int('value')],
        `As ${kind}_child_sets, to a number.`,
        `${kind}_child_seti("x", "n", "10");`,
      ),
      (root: string, child: string, value: number | string) => setChild(kind, root, child, Number(value)),
    ),
    rm: define(
      pv(
        `${kind}_child_rm`,
        [text('root'), text('child')],
        `Removes a field of the newest record of $${kind}.`,
        `${kind}_child_rm("x", "a");`,
      ),
      (root: string, child: string) => removeChild(kind, root, child),
    ),
  }
}

const xavp = childFunctions('xavp')
const xavi = childFunctions('xavi')
export const xavpChildSets = xavp.sets
export const xavpChildSeti = xavp.seti
export const xavpChildRm = xavp.rm
export const xaviChildSets = xavi.sets
export const xaviChildSeti = xavi.seti
export const xaviChildRm = xavi.rm

export const xaviRm = define(
  pv('xavi_rm', [text('root')], 'Removes the records of $xavi of that name.', 'xavi_rm("x");'),
  (root: string) => {
    records().delete(`xavi:${root.toLowerCase()}`)
    return 1
  },
)

export const pvVarToXavp = define(
  pv(
    'pv_var_to_xavp',
    [text('variable'), text('root')],
    'Copies a $var, or with * all of them, into a record of $xavp, which it replaces.',
    'pv_var_to_xavp("*", "kept");',
  ),
  (name: string, root: string) => {
    const copied = scriptVariables().filter(([variable]) => name === '*' || variable === name)
    if (copied.length === 0) return -1
    const record: XavpFields = new Map()
    for (const [key, value] of copied) if (value !== null && value !== undefined) record.set(key, [value])
    records().set(root, [record])
    currentRun().state.check()
    return 1
  },
)

export const pvXavpToVar = define(
  pv(
    'pv_xavp_to_var',
    [text('root')],
    'Copies the fields of a record of $xavp into $var of the same names.',
    'pv_xavp_to_var("kept");',
  ),
  (root: string) => {
    const record = newest('xavp', root)
    if (record === undefined) return -1
    for (const [name, [value]] of record)
      if (typeof value === 'string' || typeof value === 'number') variableSlot(name).value = value
    return 1
  },
)

/** Kamailio writes the records at debug level, in a text of its own; our log has no such lines, so that the call only succeeds. */
const silent = (kamailio: string, what: string) =>
  define(
    pv(
      kamailio,
      [],
      `Accepted for Kamailio's sake: there it writes the records of $${what} at debug level; here it writes nothing.`,
      `${kamailio}();`,
    ),
    () => 1,
  )
export const pvXavuPrint = silent('pv_xavu_print', 'xavu')
export const pvXaviPrint = silent('pv_xavi_print', 'xavi')
