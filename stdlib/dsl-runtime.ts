// Owns what an emitted program calls besides the builtins: conversions, operators, conditions, loops, route calls.

import type { PvReference } from './contract.ts'
import { oldCondition, oldValue } from './old-operands.ts'
import {
  bindFormat,
  bindPv,
  declarationOf,
  type ProgramValues,
  type PvValue,
  parsePv,
  printed,
  reference,
  script,
  setProgramValues,
  setUnknownIsAvp,
  variableSlot,
} from './pseudo-variables.ts'
import { type PosixRegex, posixRegex, RegexError } from './regex.ts'
import { builtins } from './registry.ts'
import { currentRun, DROP, opNow, setInterpolation, tick } from './runtime.ts'
import { copied, made } from './text-bounds.ts'
import { integerOf } from './transformations-string.ts'

export { made, oldCondition, oldValue, printed, script, tick, variableSlot }

/** An expression that cannot be evaluated: its condition is false, its assignment does not happen, the script goes on. */
export class EvaluationError extends Error {}

const L_ERR = -1
const L_WARN = 0

function report(level: number, text: string): void {
  opNow('log', { level, text })
}

export interface ProgramSetup extends ProgramValues {
  /** `#!KAMAILIO`: a variable that is not known is an error, not an AVP. */
  readonly strict: boolean
  /** Values of variables before the first message. */
  readonly initial: readonly { readonly name: string; readonly value: string | number }[]
}

/** Formats that are put together while running are kept read, so that the next use need not read them again. */
const MOST_FORMATS = 10_000
const LONGEST_KEPT_FORMAT = 1000

/** Called once, before anything else of the program. */
export function setup(given: ProgramSetup): void {
  setProgramValues(given)
  setUnknownIsAvp(given.strict ? 'error' : 'avp')
  for (const { name, value } of given.initial) setter(name)(value)
  const formats = new Map<string, () => string>()
  setInterpolation((format) => {
    let read = formats.get(format)
    if (read === undefined) {
      read = bindFormat(format)
      if (formats.size < MOST_FORMATS && format.length <= LONGEST_KEPT_FORMAT) formats.set(copied(format), read)
    }
    return read()
  })
}

/** The raw function behind a builtin, by Kamailio's name. */
export function builtin(name: string): (...args: unknown[]) => unknown {
  const found = builtins().get(name)
  if (found === undefined) throw new Error(`There is no function ${name}.`)
  return found.run as (...args: unknown[]) => unknown
}

/** The reader of a pseudo-variable as written. */
export function pv(text: string): () => PvValue {
  return bindPv(parsePv(text)).get
}

/** The reader of a pseudo-variable where a number is wanted. */
export function pvNumber(text: string): () => number {
  const node = parsePv(text)
  const { get } = bindPv(node)
  const number = node.transformations.length === 0 ? declarationOf(node)?.number : undefined
  return number ?? (() => int(get()))
}

/** The writer of a pseudo-variable as written. */
export function setter(text: string): (value: PvValue) => void {
  const { set } = bindPv(parsePv(text))
  if (set === undefined) throw new Error(`${text} cannot be assigned.`)
  return set
}

/** Both ends, as builtins take a variable. */
export function variable(text: string): PvReference {
  return reference(bindPv(parsePv(text)))
}

/** Reader of a select without its `@`. */
export function select(path: string): () => PvValue {
  return pv(`$sel(${path})`)
}

/** A value as a 32-bit integer; a text that is no number counts as 0, with a warning. */
export function int(value: PvValue): number {
  if (typeof value === 'number') return value | 0
  if (value === null || value === undefined) return 0
  const number = integerOf(value)
  if (number !== undefined) return number
  if (value !== '') report(L_WARN, `"${value.slice(0, 80)}" is no number and counts as 0`)
  return 0
}

/** A value as text; null is the empty text. */
export function str(value: PvValue): string {
  return typeof value === 'string' ? value : value === null || value === undefined ? '' : `${value}`
}

/** `+`: the left operand decides between addition and concatenation. `number` is the right one's where it is not its text's. */
export function add(left: PvValue, right: PvValue, number?: number): string | number {
  return typeof left === 'number' ? (left + (number ?? int(right))) | 0 : made(str(left) + str(right))
}

/** `==`: the left operand decides how the right one is read; an undefined left takes the right one's type. `number` as in {@link add}. */
export function equal(left: PvValue, right: PvValue, number?: number): boolean {
  if (typeof left === 'string') return left === str(right)
  if (typeof left === 'number') return left === (number ?? int(right))
  return typeof right === 'number' ? right === 0 : str(right) === ''
}

/** `== "text"`, the text not being empty. */
export function equalText(left: PvValue, right: string): boolean {
  if (typeof left === 'string') return left === right
  return typeof left === 'number' && left === int(right)
}

/** `== ""`: a number is never empty, null always. */
export function empty(value: PvValue): boolean {
  return value === '' || value === null || value === undefined
}

export function divide(left: number, right: number): number {
  if (right === 0) throw new EvaluationError('division by 0')
  return (left / right) | 0
}

export function modulo(left: number, right: number): number {
  if (right === 0) throw new EvaluationError('modulo by 0')
  return (left % right) | 0
}

/** A builtin's code inside an expression: it becomes `$rc`; 0 asks for the end of the script. */
export function called(code: number): number {
  script.rc = code
  script.stop = code === 0 ? 3 : 0
  return code
}

/** The code of a command of the core inside an expression, which begins with `$rc` 0 and does not set it; the script goes on. */
export function commanded(code: number): number {
  script.rc = 0
  script.stop = 0
  return code
}

/** A pattern that is known before the program runs. */
export function regex(pattern: string): PosixRegex {
  return posixRegex(pattern, { ignoreCase: true })
}

/** A case's pattern, in which case counts. */
export function caseRegex(pattern: string): PosixRegex {
  return posixRegex(pattern)
}

/** `=~` with a pattern that is known only now. */
export function matches(text: string, pattern: string): boolean {
  try {
    return posixRegex(pattern, { ignoreCase: true }).test(text)
  } catch (error) {
    if (error instanceof RegexError)
      throw new EvaluationError(`bad regular expression "${pattern.slice(0, 80)}": ${error.message}`)
    throw error
  }
}

/** After an expression that threw: logs what cannot be evaluated, throws on what is something else. */
export function failed(error: unknown, place: string): false {
  if (!(error instanceof EvaluationError)) throw error
  report(L_ERR, `${place}: ${error.message}`)
  return false
}

/** A `while` that has run too often; the script goes on after it. */
export function runaway(place: string, limit: number): void {
  report(L_ERR, `${place}: runaway while: more than ${limit} loops`)
}

const DEEPEST = 255
let depth = 0

/** Runs a route that can call itself; too deep, it gives -1 instead. */
export function nested(route: () => number, name: string): number {
  if (depth >= DEEPEST) {
    report(L_ERR, `too many nested calls of route ${name}`)
    return -1
  }
  depth++
  try {
    return route()
  } finally {
    depth--
  }
}

/** As {@link nested} for a route that may wait: a run's own depth, kept in its frames. */
export function* nestedWaiting(
  route: () => Generator<unknown, number, never>,
  name: string,
): Generator<unknown, number, never> {
  const run = currentRun()
  const level = (levels.get(run) ?? 0) + 1
  if (level > DEEPEST) {
    report(L_ERR, `too many nested calls of route ${name}`)
    return -1
  }
  levels.set(run, level)
  try {
    return yield* route()
  } finally {
    levels.set(run, level - 1)
  }
}
const levels = new WeakMap<object, number>()

/** `route($var(x))`: the route of that name, or none, with a line in the log. */
export function find<T>(routes: Readonly<Record<string, T>>, name: string, place: string): T | undefined {
  if (Object.hasOwn(routes, name)) return routes[name]
  report(L_ERR, `${place}: route "${name.slice(0, 80)}" not found`)
  return undefined
}

/** What a route block hands to the host: the code it ended with, or DROP thrown. */
export function ended(code: number): number {
  const { stop } = script
  script.stop = 0
  if (stop === 0) return code
  if (stop === 2) throw DROP
  // `exit` ends with 1, `return 0` with 0.
  return stop === 1 ? 1 : 0
}
