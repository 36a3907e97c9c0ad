// Owns modules jansson and json: values read from JSON texts and written into them.
import type { BuiltinMeta, Parameter, PvReference } from './contract.ts'
import { ANY_ROUTE, define } from './define.ts'
import { at, compact, cut, type Json, parsed, scalarOf, spaced } from './json-path.ts'
import { currentRun } from './runtime.ts'
import { made } from './text-bounds.ts'
import type { XavpFields, XavpValue } from './transaction-state.ts'

const text = (name: string): Parameter => ({ name, kind: 'string' })
const RESULT: Parameter = { name: 'result', kind: 'pv' }

function declared(
  module: string,
  name: string,
  kamailio: string,
  parameters: readonly Parameter[],
  doc: string,
  example: string,
): Omit<BuiltinMeta, 'waits'> {
  return { name, kamailio, module, parameters, routes: ANY_ROUTE, doc, example }
}

/** Puts what stands at the path into the variable; false where there is nothing. */
function get(path: string, source: string, result: PvReference): number {
  const root = parsed(source)
  if (root === undefined) return -1
  const found = at(root, path)
  if (found === undefined) return -1
  result.set(scalarOf(found))
  return 1
}

export const janssonGet = define(
  declared(
    'jansson',
    'janssonGet',
    'jansson_get',
    [text('path'), text('json'), RESULT],
    'Reads a value of a JSON text: path a.b[0].c. Objects and arrays come as JSON.',
    'jansson_get("call.id", "$rb", "$var(id)");',
  ),
  get,
)

export const janssonPvGet = define(
  declared(
    'jansson',
    'janssonPvGet',
    'jansson_pv_get',
    [text('path'), { name: 'json', kind: 'pv' }, RESULT],
    'As jansson_get, the JSON text in a variable.',
    'jansson_pv_get("id", "$var(json)", "$var(id)");',
  ),
  (path: string, source: PvReference, result: PvReference) => get(path, `${source.get() ?? ''}`, result),
)

export const janssonGetField = define(
  declared(
    'jansson',
    'janssonGetField',
    'jansson_get_field',
    [text('json'), text('field'), RESULT],
    'Reads a field of a JSON object.',
    'jansson_get_field("$rb", "id", "$var(id)");',
  ),
  (source: string, field: string, result: PvReference) => get(field, source, result),
)

/** The value that a type and a text mean; undefined where the text is none of that type. */
function typed(type: string, value: string): Json | undefined {
  switch (type.toLowerCase()) {
    case 'integer':
    case 'int': {
      const number = /^\s*-?\d+/.exec(value)
      return number === null ? undefined : Number(number[0])
    }
    case 'real':
    case 'double':
      return Number.isFinite(Number(value)) ? Number(value) : undefined
    case 'string':
    case 'str':
      return value
    case 'true':
      return true
    case 'false':
      return false
    case 'null':
      return null
    case 'object':
    case 'obj':
    case 'array': {
      const given = parsed(value)
      const isArray = Array.isArray(given)
      return typeof given === 'object' && given !== null && isArray === (type.toLowerCase() === 'array')
        ? given
        : undefined
    }
    default:
      return undefined
  }
}

const DEEPEST = 100

/** Writes into the JSON text of a variable; `put` has the holder and the last step of the path. */
function change(
  type: string,
  path: string,
  value: string,
  result: PvReference,
  put: (holder: Json, step: string | number | undefined, value: Json) => boolean,
): number {
  const given = typed(type, value)
  const before = result.get()
  const root = before === null || before === '' || before === 0 ? {} : parsed(`${before}`)
  const steps = cut(path)
  if (given === undefined || root === undefined || steps === undefined || steps.length > DEEPEST) return -1
  let holder: Json = root
  for (const step of steps.slice(0, -1)) {
    const next = at(holder, [step])
    if (next === undefined) return -1
    holder = next
  }
  if (!put(holder, steps.at(-1), given)) return -1
  result.set(made(compact(root)))
  return 1
}

const CHANGE: readonly Parameter[] = [text('type'), text('path'), text('value'), RESULT]

export const janssonSet = define(
  declared(
    'jansson',
    'janssonSet',
    'jansson_set',
    CHANGE,
    'Puts a value into the JSON text of a variable: integer, real, string, object, array, true, false or null.',
    'jansson_set("string", "caller", "$fU", "$var(json)");',
  ),
  (type: string, path: string, value: string, result: PvReference) =>
    change(type, path, value, result, (holder, step, given) => {
      if (Array.isArray(holder)) {
        if (typeof step !== 'number' || step < 0 || step > holder.length) return false
        holder[step] = given
        return true
      }
      if (typeof holder !== 'object' || holder === null || typeof step !== 'string') return false
      Object.defineProperty(holder, step, { value: given, enumerable: true, writable: true, configurable: true })
      return true
    }),
)

export const janssonAppend = define(
  declared(
    'jansson',
    'janssonAppend',
    'jansson_append',
    CHANGE,
    'Adds a value to the end of an array in the JSON text of a variable.',
    'jansson_append("string", "callees", "$tU", "$var(json)");',
  ),
  (type: string, path: string, value: string, result: PvReference) =>
    change(type, path, value, result, (holder, step, given) => {
      const target = step === undefined ? holder : at(holder, [step])
      if (!Array.isArray(target)) return false
      target.push(given)
      return true
    }),
)

export const janssonArraySize = define(
  declared(
    'jansson',
    'janssonArraySize',
    'jansson_array_size',
    [text('path'), text('json'), RESULT],
    'How many values an array of a JSON text has.',
    'jansson_array_size("callees", "$var(json)", "$var(n)");',
  ),
  (path: string, source: string, result: PvReference) => {
    const root = parsed(source)
    const found = root === undefined ? undefined : at(root, path)
    if (!Array.isArray(found)) return -1
    result.set(found.length)
    return 1
  },
)

function recordOf(json: { [name: string]: Json }, depth = 0): XavpFields {
  const record: XavpFields = new Map()
  for (const [name, value] of Object.entries(json)) {
    const values: XavpValue[] = (Array.isArray(value) ? value : [value]).map((each) =>
      typeof each === 'object' && each !== null && !Array.isArray(each) && depth < DEEPEST
        ? recordOf(each, depth + 1)
        : (scalarOf(each) ?? ''),
    )
    record.set(name, values)
  }
  return record
}

function jsonOf(record: XavpFields): Json {
  const json: { [name: string]: Json } = {}
  for (const [name, values] of record) {
    const all = values.map((each) => (each instanceof Map ? jsonOf(each) : each))
    json[name] = all.length === 1 ? all[0]! : all
  }
  return json
}

export const janssonXdecode = define(
  declared(
    'jansson',
    'janssonXdecode',
    'jansson_xdecode',
    [text('json'), text('xavp')],
    'Makes an $xavp record of a JSON object.',
    'jansson_xdecode("$rb", "body");',
  ),
  (source: string, name: string) => {
    const root = parsed(source)
    if (typeof root !== 'object' || root === null || Array.isArray(root)) return -1
    const { state } = currentRun()
    state.xavps.set(name, [recordOf(root), ...(state.xavps.get(name) ?? [])])
    state.check()
    return 1
  },
)

export const janssonXencode = define(
  declared(
    'jansson',
    'janssonXencode',
    'jansson_xencode',
    [text('xavp'), RESULT],
    'Makes a JSON object of an $xavp record.',
    'jansson_xencode("body", "$var(json)");',
  ),
  (name: string, result: PvReference) => {
    const record = currentRun().state.xavps.get(name)?.[0]
    if (!(record instanceof Map)) return -1
    result.set(made(compact(jsonOf(record))))
    return 1
  },
)

const FIELD: readonly Parameter[] = [text('json'), text('field'), RESULT]

/** A field of an object, as json-c writes it. */
function field(source: string, name: string): Json | undefined {
  const root = parsed(source)
  if (typeof root !== 'object' || root === null || Array.isArray(root)) return undefined
  return Object.hasOwn(root, name) ? root[name] : undefined
}

export const jsonGetField = define(
  declared(
    'json',
    'jsonGetField',
    'json_get_field',
    FIELD,
    'Reads a field of a JSON object as JSON: a text keeps its quotes.',
    'json_get_field("$rb", "call", "$var(call)");',
  ),
  (source: string, name: string, result: PvReference) => {
    const found = field(source, name)
    if (found === undefined) return -1
    result.set(made(spaced(found)))
    return 1
  },
)

export const jsonGetString = define(
  declared(
    'json',
    'jsonGetString',
    'json_get_string',
    FIELD,
    'Reads a text of a JSON object, without its quotes.',
    'json_get_string("$rb", "id", "$var(id)");',
  ),
  (source: string, name: string, result: PvReference) => {
    const found = field(source, name)
    if (found === undefined || found === null) return -1
    result.set(typeof found === 'string' ? found : made(spaced(found)))
    return 1
  },
)
