// Owns module pv's functions: tests on variables, variables unset, records made from lists, the static branch.
import type { PvReference } from './contract.ts'
import { code, declarations, int, text, variable } from './declaration.ts'
import { define } from './define.ts'
import { setDestination, setRequestUri } from './request-uri.ts'
import { currentRun, interpolate } from './runtime.ts'
import { checkLength, made } from './text-bounds.ts'
import type { XavpFields, XavpValue } from './transaction-state.ts'
import { paramsOf } from './transformations-uri.ts'

const pv = declarations('pv')

function test(kamailio: string, doc: string, holds: (value: string | number | null) => boolean) {
  return define(pv(kamailio, [variable('variable')], doc, `${kamailio}("$var(x)")`), (value: PvReference) =>
    code(holds(value.get())),
  )
}
export const notEmpty = test(
  'not_empty',
  'True if the variable is a text that is not empty.',
  (value) => typeof value === 'string' && value !== '',
)
export const pvIsset = test('pv_isset', 'True if the variable is not null.', (value) => value !== null)
export const isInt = test('is_int', 'True if the variable is a number.', (value) => typeof value === 'number')

export const pvUnset = define(
  pv(
    'pv_unset',
    [variable('variable')],
    'Sets a variable to null: takes the newest value of $avp off.',
    'pv_unset("$avp(x)");',
  ),
  (target: PvReference) => {
    target.set(null)
    return 1
  },
)

export const typeOfVariable = define(
  {
    ...pv(
      'typeof',
      [variable('variable'), text('type')],
      'True if the variable is of that type: int, str or null.',
      'typeof("$var(x)", "int")',
    ),
    name: 'typeOfVariable',
  },
  (value: PvReference, type: string) => {
    const held = value.get()
    return code(type === (held === null ? 'null' : typeof held === 'number' ? 'int' : 'str'))
  },
)

export const pvEvalx = define(
  pv(
    'pv_evalx',
    [variable('variable'), text('text')],
    'Puts a text into a variable, the variables in it replaced once more.',
    'pv_evalx("$var(x)", "$var(format)");',
  ),
  (target: PvReference, format: string) => {
    target.set(interpolate(format))
    return 1
  },
)

/** Records of `$xavp`, and of `$xavu` under its prefix. */
const records = () => currentRun().state.xavps
const MOST_FIELDS = 1000
/** Records of fewer are weighed now and then alone. */
const MANY_FIELDS = 50

function recordOf(name: string): XavpFields | undefined {
  const first = records().get(name)?.[0]
  return first instanceof Map ? first : undefined
}

function addRecord(name: string, record: XavpFields): void {
  const values = records().get(name) ?? []
  if (values.length < MOST_FIELDS) values.unshift(record)
  records().set(name, values)
  if (record.size > MANY_FIELDS) currentRun().state.check()
}

function parsedFields(list: string): XavpFields {
  const fields: XavpFields = new Map()
  for (const [name, value] of (paramsOf(list, ';') ?? []).slice(0, MOST_FIELDS))
    if (name !== '') {
      const values = fields.get(name)
      // The first of a name stands first.
      if (values === undefined) fields.set(name, [value])
      else values.push(value)
    }
  return fields
}

export const xavpParamsExplode = define(
  pv(
    'xavp_params_explode',
    [text('list'), text('root')],
    'Makes a record of $xavp from name=value;name=value.',
    'xavp_params_explode("$var(list)", "x");',
  ),
  (list: string, root: string) => {
    const fields = parsedFields(list)
    if (fields.size === 0) return -1
    addRecord(root, fields)
    return 1
  },
)

export const xavpParamsImplode = define(
  pv(
    'xavp_params_implode',
    [text('root'), variable('variable')],
    'Writes the fields of a record of $xavp as name=value;name=value; into a variable.',
    'xavp_params_implode("x", "$var(list)");',
  ),
  (root: string, target: PvReference) => {
    const record = recordOf(root)
    if (record === undefined) return -1
    let list = ''
    for (const [name, values] of record)
      for (const value of values) {
        if (value === undefined || value instanceof Map) continue
        list += value === '' ? `${name};` : `${name}=${value};`
        checkLength(list.length)
      }
    target.set(made(list))
    return 1
  },
)

export const xavuParamsExplode = define(
  pv(
    'xavu_params_explode',
    [text('list'), text('root')],
    'Makes a record of $xavu from name=value;name=value.',
    'xavu_params_explode("$var(list)", "x");',
  ),
  (list: string, root: string) => {
    const fields = parsedFields(list)
    if (fields.size === 0) return -1
    records().set(`xavu:${root}`, [fields])
    return 1
  },
)

export const xavuParamsImplode = define(
  pv(
    'xavu_params_implode',
    [text('root'), variable('variable')],
    'As xavp_params_implode, of $xavu.',
    'xavu_params_implode("x", "$var(list)");',
  ),
  (root: string, target: PvReference) => {
    const record = recordOf(`xavu:${root}`)
    if (record === undefined) return -1
    let list = ''
    for (const [name, [value]] of record) {
      if (!(value instanceof Map)) list += `${name}=${value ?? ''};`
      checkLength(list.length)
    }
    target.set(made(list))
    return 1
  },
)

export const xavpRm = define(
  pv('xavp_rm', [text('root')], 'Removes every record of $xavp of that name.', 'xavp_rm("x");'),
  (root: string) => {
    records().delete(root)
    return 1
  },
)

const copied = (value: XavpValue): XavpValue =>
  value instanceof Map ? new Map([...value].map(([name, values]) => [name, values.map(copied)])) : value

export const xavpCopy = define(
  {
    ...pv(
      'xavp_copy',
      [text('source'), int('index'), text('destination')],
      'Copies a record of $xavp under another name.',
      'xavp_copy("x", "0", "y");',
    ),
    overloads: [[text('source'), int('index'), text('destination'), int('place')]],
  },
  (source: string, index: number | string, destination: string, place?: number | string) => {
    const record = records().get(source)?.[Number(index)]
    if (!(record instanceof Map)) return -1
    const copy = copied(record) as XavpFields
    const there = records().get(destination)
    if (place === undefined) addRecord(destination, copy)
    else if (there === undefined || there[Number(place)] === undefined) return -1
    else there[Number(place)] = copy
    currentRun().state.check()
    return 1
  },
)

export const xavpSlistExplode = define(
  pv(
    'xavp_slist_explode',
    [text('list'), text('separator'), text('mode'), text('root')],
    'Makes a record of $xavp whose fields v hold the values of a list; mode t trims them.',
    'xavp_slist_explode("a,b", ",", "t", "x");',
  ),
  (list: string, separator: string, mode: string, root: string) => {
    if (separator === '') return -1
    const values = list.split(separator[0]!).slice(0, MOST_FIELDS)
    addRecord(root, new Map([['v', mode.includes('t') ? values.map((value) => value.trim()) : values]]))
    return 1
  },
)

export const pvXavpPrint = define(
  pv('pv_xavp_print', [], 'Writes the records of $xavp to the log.', 'pv_xavp_print();'),
  () => 1,
)

/** The static branch: `$sbranch(uri)` and so on. */
export const sbranchReset = define(pv('sbranch_reset', [], 'Empties the static branch.', 'sbranch_reset();'), () => {
  currentRun().state.staticBranch = undefined
  return 1
})

export const sbranchSetRuri = define(
  pv('sbranch_set_ruri', [], 'Makes the static branch the R-URI and its destination.', 'sbranch_set_ruri();', [
    'request',
    'reply',
    'failure',
    'branch',
  ]),
  () => {
    const { state, target } = currentRun()
    const branch = state.staticBranch
    if (branch === undefined || target === undefined || branch.uri === '') return -1
    setRequestUri(branch.uri)
    setDestination(branch.nextHop === '' ? null : branch.nextHop)
    target.branchFlags = branch.branchFlags
    target.listener = branch.listener
    target.q = branch.q
    target.path = branch.path
    return 1
  },
)

export const sbranchAppend = define(
  pv('sbranch_append', [], 'Adds the static branch to the targets.', 'sbranch_append();', [
    'request',
    'reply',
    'failure',
    'branch',
  ]),
  () => {
    const { state } = currentRun()
    const branch = state.staticBranch
    if (branch === undefined || branch.uri === '') return -1
    state.branches.push(branch.copy())
    return 1
  },
)
