// Owns the declaration of pseudo-variables, the table they stand in, and how one as written becomes a pair of functions.
import type { PvReference, RouteKind } from './contract.ts'
import { type PvNode, PvSyntaxError, type PvValue, parseFormat, parsePv } from './pv-format.ts'
import { checkLength, made } from './text-bounds.ts'
import { bindTransformation, type Transformation } from './transformations.ts'

export type { PvValue } from './pv-format.ts'

/** Reads the index of `$(name[index])`: undefined where none is written, `'all'` for `[*]`. */
export type PvIndex = () => number | 'all' | undefined

/** Both ends of one pseudo-variable as written; `set` is missing where it cannot be assigned. */
export interface PvAccess {
  readonly get: () => PvValue
  readonly set?: (value: PvValue) => void
}

/** What stands between the parentheses, ready to be read. */
export interface PvInner {
  /** As written, '' without parentheses. */
  readonly text: string
  /** The text with the pseudo-variables inside replaced, at the time of the call. */
  readonly format: () => string
  /** The text as one pseudo-variable; throws a PvSyntaxError when it is none. */
  readonly variable: () => PvReference
  readonly index: PvIndex
}

/** Everything about a pseudo-variable but its code. Checker, editors and manual are made from it. */
export interface PvMeta {
  readonly name: string
  readonly aliases?: readonly string[]
  /** Kamailio's module that has it. */
  readonly module: string
  /** What stands in parentheses; absent: nothing may. */
  readonly inner?: { readonly name: string; readonly optional?: boolean; readonly values?: readonly string[] }
  /** `$(name[index])` is allowed. */
  readonly index?: boolean
  readonly writable?: boolean
  /** Its value where a number is wanted, when that is not its text's: `$rm` is a bit of the method. */
  readonly number?: () => number
  /** Route kinds in which it means something; elsewhere it is null. Absent: all. */
  readonly routes?: readonly RouteKind[]
  readonly doc: string
}

export interface PvDeclaration extends PvMeta {
  readonly bind: (inner: PvInner) => PvAccess
}

const table = new Map<string, PvDeclaration>()

/** Declares a pseudo-variable whose meaning depends on what stands in its parentheses or index. */
export function definePvClass(meta: PvMeta, bind: (inner: PvInner) => PvAccess): void {
  const declaration = { ...meta, bind }
  for (const name of [meta.name, ...(meta.aliases ?? [])]) {
    if (table.has(name)) throw new Error(`The pseudo-variable $${name} is declared twice.`)
    table.set(name, declaration)
  }
}

/** Declares a pseudo-variable without parentheses. */
export function definePv(meta: PvMeta, get: () => PvValue, set?: (value: PvValue) => void): void {
  const access: PvAccess = set ? { get, set } : { get }
  definePvClass(set ? { ...meta, writable: true } : meta, () => access)
}

/** The table, by name and alias. Complete once `pseudo-variables.ts` is loaded. */
export function declaredPvs(): ReadonlyMap<string, PvDeclaration> {
  return table
}

/** Kamailio's text of a value inside a format: null prints as `<null>`. */
export function printed(value: PvValue): string {
  return typeof value === 'string' ? value : value === null ? '<null>' : value === undefined ? '' : `${value}`
}

function bindIndex(text: string | undefined, node: PvNode): PvIndex {
  if (text === undefined) return noIndex
  if (text === '*') return allIndex
  if (/^-?\d{1,9}$/.test(text)) {
    const constant = Number(text)
    return () => constant
  }
  if (text[0] !== '$') throw new PvSyntaxError(`'${text}' is not an index`, node.at, node.end)
  const { get } = bindPv(parsePv(text))
  return () => {
    const value = get()
    return value === null || value === undefined ? 0 : Number(value) | 0
  }
}
const noIndex: PvIndex = () => undefined
const allIndex: PvIndex = () => 'all'

/** Set for files without `#!KAMAILIO`, where an unknown `$name` is the AVP of that name. */
let unknownIsAvp = false
export function setUnknownIsAvp(on: 'avp' | 'error'): void {
  unknownIsAvp = on === 'avp'
}

/** The declaration that a written name means; undefined when there is none. */
export function declarationOf(node: PvNode): PvDeclaration | undefined {
  const declaration = table.get(node.name)
  if (declaration === undefined && unknownIsAvp && node.inner === undefined) return table.get('avp')
  return declaration
}

const bounded = (value: PvValue): PvValue => (typeof value === 'string' ? made(value) : value)

function transformed(get: () => PvValue, transformations: readonly Transformation[]): () => PvValue {
  if (transformations.length === 1) {
    const only = transformations[0]!
    return () => bounded(only(get()))
  }
  return () => {
    let value = get()
    for (const transformation of transformations) value = bounded(transformation(value))
    return value
  }
}

/** An argument of a transformation: one that begins with `$` is a variable read each time, any other stands for itself. */
function bindArgument(text: string): () => string {
  const trimmed = text.trim()
  if (trimmed[0] !== '$' || trimmed.length < 2) return () => text
  const { get } = bindPv(parsePv(trimmed))
  return () => {
    const value = get()
    return value === null ? '' : printed(value)
  }
}
const BINDING = { argument: bindArgument, format: bindFormat }

/** The functions behind a pseudo-variable as written. Throws a PvSyntaxError that says what is wrong with it. */
export function bindPv(node: PvNode): PvAccess {
  const declaration = declarationOf(node)
  if (declaration === undefined) throw new PvSyntaxError(`Unknown pseudo-variable $${node.name}`, node.at, node.end)
  const fallback = declaration.name === 'avp' && table.get(node.name) !== declaration
  const text = fallback ? node.name : node.inner
  const { inner } = declaration
  if (inner === undefined && text !== undefined) {
    throw new PvSyntaxError(`$${node.name} takes nothing in parentheses`, node.at, node.end)
  }
  if (inner !== undefined && !inner.optional && (text === undefined || text === '')) {
    throw new PvSyntaxError(`$${node.name} needs a ${inner.name} in parentheses`, node.at, node.end)
  }
  if (inner?.values && text !== undefined && !inner.values.includes(text) && !text.includes('$')) {
    throw new PvSyntaxError(
      `$${node.name} has no ${inner.name} '${text}' (one of ${inner.values.join(', ')})`,
      node.at,
      node.end,
    )
  }
  if (node.index !== undefined && !declaration.index) {
    throw new PvSyntaxError(`$${node.name} takes no index`, node.at, node.end)
  }
  const access = declaration.bind({
    text: text ?? '',
    format: bindFormat(text ?? ''),
    variable: () => reference(bindPv(parsePv(text ?? ''))),
    index: bindIndex(node.index, node),
  })
  if (node.transformations.length === 0) return access
  return {
    get: transformed(
      access.get,
      node.transformations.map((one) => bindTransformation(one, BINDING)),
    ),
  }
}

const refuse = () => {
  throw new Error('This pseudo-variable cannot be assigned.')
}

export function reference(access: PvAccess): PvReference {
  return { get: () => access.get() ?? null, set: access.set ?? refuse }
}

/** A function that gives the text with its pseudo-variables replaced. Throws a PvSyntaxError for a wrong one. */
export function bindFormat(text: string): () => string {
  if (!text.includes('$')) return () => text
  const parts = parseFormat(text).map((part) => (typeof part === 'string' ? part : bindPv(part).get))
  if (parts.length === 1) {
    const only = parts[0]!
    return typeof only === 'string' ? () => only : () => printed(only())
  }
  return () => {
    let result = ''
    for (const part of parts) {
      result += typeof part === 'string' ? part : printed(part())
      checkLength(result.length)
    }
    return made(result)
  }
}
