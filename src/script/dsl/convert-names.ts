// Owns the names of a converted file: what it imports, its functions, its variables and flags.
import { builtins } from '../../../stdlib/registry.ts'
import type { Expression } from './ast.ts'
import type { Model } from './model.ts'
import { forEachExpression } from './walk.ts'

const RESERVED = new Set(
  'await break case catch class config const continue debugger default delete do else enum export extends false finally for function if import in instanceof let new null return static super switch this throw true try typeof var void while with yield async request_route reply_route onreply_route failure_route branch_route event_route'.split(
    ' ',
  ),
)
const HELPERS = [
  'pv',
  'pvText',
  'pvNumber',
  'setPv',
  'pvReference',
  'matches',
  'add',
  'format',
  'exit',
  'drop',
  'Config',
]

/** Names are settled before anything is written. */
export class Names {
  readonly imports = new Set<string>()
  readonly #routes = new Map<string, { call: string; waits: boolean }>()
  readonly #variables = new Map<string, string>()
  readonly #flags: ReadonlyMap<string, number>

  constructor(model: Model, flags: ReadonlyMap<string, number>) {
    this.#flags = flags
    const taken = new Set([...RESERVED, ...HELPERS, ...[...builtins().values()].map((builtin) => builtin.name)])
    for (const block of model.subs.values()) {
      const call = free(block.name, 'route_', taken)
      this.#routes.set(block.name, { call, waits: block.waits })
    }
    for (const name of ownVariables(model)) this.#variables.set(name, free(name, 'var_', taken))
  }

  /** A name of the standard library. */
  use(name: string): string {
    this.imports.add(name)
    return name
  }

  route(name: string): { call: string; waits: boolean } {
    return this.#routes.get(name) ?? { call: `route_${name}`, waits: false }
  }

  /** The variable that `$var(name)` has become; undefined where it stays a pseudo-variable. */
  variable(expression: Expression & { kind: 'variable' }): string | undefined {
    const { node } = expression
    if (node.name !== 'var' || node.index !== undefined || node.transformations.length > 0) return undefined
    return this.#variables.get(node.inner?.trim() ?? '')
  }

  get variables(): readonly string[] {
    return [...this.#variables.values()]
  }

  flag(name: string): string | undefined {
    return this.#flags.has(name) ? `${this.#flags.get(name)}` : undefined
  }
}

function free(name: string, prefix: string, taken: Set<string>): string {
  const plain = name.replace(/\W/g, '_')
  let found = /^[A-Za-z_]/.test(plain) && !taken.has(plain) ? plain : `${prefix}${plain}`
  for (let i = 2; taken.has(found); i++) found = `${prefix}${plain}_${i}`
  taken.add(found)
  return found
}

/** `$var(x)` becomes a variable of TypeScript unless a text, a transformation or a builtin reads it by its name. */
function ownVariables(model: Model): Set<string> {
  const used = new Set<string>()
  const named = new Set<string>()
  const inText = (text: string): void => {
    for (const [, name] of text.matchAll(/\$\(?var\(([^()]*)\)/g)) named.add(name!.trim())
  }
  for (const { body } of model.blocks) {
    forEachExpression(body, (expression) => {
      if (expression.kind === 'string') inText(expression.value)
      if (expression.kind === 'call')
        for (const argument of expression.args)
          if (argument.kind === 'variable' && builtinTakesName(expression.name)) inText(argument.at.image)
      if (expression.kind !== 'variable') return
      const { node } = expression
      const plain = node.name === 'var' && node.index === undefined && node.transformations.length === 0
      if (plain && node.inner !== undefined && /^\w+$/.test(node.inner.trim())) used.add(node.inner.trim())
      else inText(expression.at.image)
    })
  }
  for (const name of named) used.delete(name)
  return used
}

function builtinTakesName(name: string): boolean {
  return (
    builtins()
      .get(name)
      ?.parameters.some((parameter) => parameter.kind === 'pv') === true
  )
}
