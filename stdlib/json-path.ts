// Owns JSON in scripts: texts of one character a byte, paths into values, and the ways in which values are written.
import { toBytes } from './text.ts'

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json }

const LONGEST = 1_048_576

/** The value of a text; undefined where it is no JSON. Characters that an escape names become their bytes. */
export function parsed(text: string): Json | undefined {
  if (text.length > LONGEST) return undefined
  try {
    return JSON.parse(text, (_key, value: unknown) =>
      typeof value === 'string' && /[^\x00-\xff]/.test(value) ? toBytes(value) : value,
    ) as Json
  } catch {
    return undefined
  }
}

/** The steps of `a.b[0].c`; undefined where it is no path. */
export function cut(path: string): (string | number)[] | undefined {
  const steps: (string | number)[] = []
  for (const part of path.split('.')) {
    const [, name, indexes = ''] = /^([^[\]]*)((?:\[-?\d+\])*)$/.exec(part) ?? []
    if (name === undefined) return undefined
    if (name !== '') steps.push(name)
    for (const [, index] of indexes.matchAll(/\[(-?\d+)\]/g)) steps.push(Number(index))
  }
  return steps
}

/** What stands at a path; undefined where nothing does. */
export function at(root: Json, path: string | readonly (string | number)[]): Json | undefined {
  const steps = typeof path === 'string' ? cut(path) : path
  if (steps === undefined) return undefined
  let here: Json | undefined = root
  for (const step of steps) {
    if (typeof here !== 'object' || here === null) return undefined
    if (Array.isArray(here)) here = typeof step === 'number' ? here.at(step) : undefined
    else here = typeof step === 'string' && Object.hasOwn(here, step) ? here[step] : undefined
    if (here === undefined) return undefined
  }
  return here
}

/** What a variable gets: numbers and texts as they are, the rest as JSON. */
export function scalarOf(value: Json): string | number | null {
  if (typeof value === 'string') return value
  if (typeof value === 'number') return Number.isInteger(value) && Math.abs(value) < 2 ** 31 ? value : `${value}`
  if (value === null) return null
  return compact(value)
}

export function compact(value: Json): string {
  return JSON.stringify(value)
}

/** As json-c writes it: a blank after each bracket, colon and comma. */
export function spaced(value: Json): string {
  if (Array.isArray(value)) return value.length === 0 ? '[ ]' : `[ ${value.map(spaced).join(', ')} ]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const fields = Object.entries(value).map(([name, each]) => `${JSON.stringify(name)}: ${spaced(each)}`)
  return fields.length === 0 ? '{ }' : `{ ${fields.join(', ')} }`
}
