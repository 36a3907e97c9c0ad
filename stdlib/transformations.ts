// Owns the table of transformations, `{s.len}` and the like, and how one as written becomes a function.
import { PvSyntaxError, type PvValue, type TransformationNode } from './pv-format.ts'

/** A value in, a value out. `undefined` is a value that could not be made: it prints as nothing and counts as null. */
export type Transformation = (value: PvValue) => PvValue

/** Reads an argument when the transformation runs: a constant, or a pseudo-variable's text. */
export type Argument = () => string

export interface TransformationMeta {
  /** With its class: `s.select`. */
  readonly name: string
  readonly parameters: readonly {
    readonly name: string
    readonly kind: 'string' | 'int'
    readonly optional?: boolean
  }[]
  /**
   * How the arguments are cut apart: at each comma; the last parameter takes the rest with its commas; one parameter
   * takes everything.
   */
  readonly cut?: 'commas' | 'last-takes-rest'
  readonly doc: string
}

/** How variables inside arguments are read; the table of variables gives it. */
export interface Binding {
  readonly argument: (text: string) => Argument
  readonly format: (text: string) => () => string
}

interface Declared {
  readonly meta: TransformationMeta
  readonly bind: (args: readonly Argument[], texts: readonly string[], binding: Binding) => Transformation
}

const table = new Map<string, Declared>()

/** Declares a transformation of texts: null in gives nothing out; a number comes as its text. */
export function defineTransformation(
  meta: TransformationMeta,
  run: (value: string, args: readonly Argument[]) => PvValue,
): void {
  table.set(meta.name, {
    meta,
    bind: (args) => (value) => (value === null || value === undefined ? undefined : run(`${value}`, args)),
  })
}

/** Declares a transformation that prepares itself when it is written, for example a pattern. */
export function definePreparedTransformation(meta: TransformationMeta, bind: Declared['bind']): void {
  table.set(meta.name, { meta, bind })
}

/** The table, by name. Complete once `pseudo-variables.ts` is loaded. */
export function declaredTransformations(): ReadonlyMap<string, { readonly meta: TransformationMeta }> {
  return table
}

function cutArguments(meta: TransformationMeta, text: string | undefined): string[] {
  if (text === undefined) return []
  const wanted = meta.parameters.length
  const parts: string[] = []
  let part = ''
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!
    if (c === '\\' && text[i + 1] === ',' && meta.cut !== 'last-takes-rest') {
      part += ','
      i++
      continue
    }
    if (c === '(' || c === '{') depth++
    else if ((c === ')' || c === '}') && depth > 0) depth--
    const full = meta.cut === 'last-takes-rest' && parts.length === wanted - 1
    if (c === ',' && depth === 0 && !full) {
      parts.push(part)
      part = ''
    } else part += c
  }
  parts.push(part)
  return parts
}

/** The function behind a transformation as written. Throws a PvSyntaxError that says what is wrong with it. */
export function bindTransformation(node: TransformationNode, binding: Binding): Transformation {
  const declared = table.get(node.name)
  if (declared === undefined) throw new PvSyntaxError(`Unknown transformation {${node.name}}`, node.at, node.end)
  const { parameters } = declared.meta
  const texts = cutArguments(declared.meta, node.args)
  const least = parameters.filter((parameter) => !parameter.optional).length
  if (texts.length < least || texts.length > parameters.length) {
    const wanted = least === parameters.length ? `${least}` : `${least} to ${parameters.length}`
    throw new PvSyntaxError(
      `{${node.name}} takes ${wanted} argument${wanted === `1` ? `` : `s`}, not ${texts.length}`,
      node.at,
      node.end,
    )
  }
  const args = texts.map((text, i) => {
    if (parameters[i]!.kind === 'int' && !text.trim().startsWith('$') && !/^\s*[+-]?\d+\s*$/.test(text)) {
      throw new PvSyntaxError(`{${node.name}}: '${text}' is not a number`, node.at, node.end)
    }
    return binding.argument(text)
  })
  return declared.bind(args, texts, binding)
}
