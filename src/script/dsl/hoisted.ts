// Owns what a program makes once, at its head: readers of variables, prepared patterns, places of script variables.
import { parseFormat } from '../../../stdlib/registry.ts'
import type { Expression } from './ast.ts'
import { isSlot, LAST_CODE } from './expression-kinds.ts'

const js = (value: string): string => JSON.stringify(value)

/** Texts put together at once: as many of the longest stay far below what a text of V8 can hold. */
const MOST_JOINED = 256

/** JavaScript that puts texts together, within the bound of texts. */
export function joined(parts: readonly string[]): string {
  if (parts.length === 1) return parts[0]!
  if (parts.length <= MOST_JOINED) return `D.made(${parts.join(' + ')})`
  const groups: string[] = []
  for (let i = 0; i < parts.length; i += MOST_JOINED) groups.push(joined(parts.slice(i, i + MOST_JOINED)))
  return joined(groups)
}

/** Names at the head of the program: each thing is made once, before the first message. */
export class Hoisted {
  readonly #names = new Map<string, string>()
  readonly lines: string[] = []

  /** The name that stands for `code`, made on first use. */
  take(prefix: string, code: string): string {
    let name = this.#names.get(code)
    if (name === undefined) {
      name = `${prefix}${this.#names.size}`
      this.#names.set(code, name)
      this.lines.push(`const ${name} = ${code}`)
    }
    return name
  }

  /** A text in which variables stand, put together. */
  format(text: string): string {
    if (!text.includes('$')) return js(text)
    const parts = parseFormat(text).map((part) => {
      if (typeof part === 'string') return js(part)
      const source = text.slice(part.at, part.end)
      return `P(${this.#reader(source, part.name, part.inner, part.transformations.length > 0 || part.index !== undefined)})`
    })
    return joined(parts)
  }

  /** The place of a `$var`. */
  slot(name: string): string {
    return this.take('v', `D.variableSlot(${js(name.trim())})`)
  }

  /** The value of a variable as written. */
  variable(expression: Expression & { kind: 'variable' }): string {
    const { node } = expression
    return this.#reader(
      expression.at.image,
      node.name,
      node.inner,
      node.transformations.length > 0 || node.index !== undefined,
    )
  }

  #reader(source: string, name: string, inner: string | undefined, changed: boolean): string {
    if (!changed) {
      if (name === 'null') return 'null'
      if (isSlot(name, inner)) return `${this.slot(inner!)}.value`
      if (LAST_CODE.has(name)) return 'S.rc'
    }
    return `${this.take('p', `D.pv(${js(source)})`)}()`
  }
}
