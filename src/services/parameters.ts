// Owns the reading of module parameters by services: the last value of a name, all values, defaults.
import type { ModuleParameter } from './service.ts'

/** The parameters of one module, as a service asks for them. */
export class Parameters {
  readonly #values = new Map<string, (string | number)[]>()

  constructor(parameters: readonly ModuleParameter[]) {
    for (const { name, value } of parameters) {
      const values = this.#values.get(name)
      if (values === undefined) this.#values.set(name, [value])
      else values.push(value)
    }
  }

  has(name: string): boolean {
    return this.#values.has(name)
  }

  text(name: string, otherwise = ''): string {
    const value = this.#values.get(name)?.at(-1)
    return value === undefined ? otherwise : String(value)
  }

  number(name: string, otherwise = 0): number {
    const value = this.#values.get(name)?.at(-1)
    const number = value === undefined ? otherwise : Number(value)
    return Number.isFinite(number) ? number : otherwise
  }

  /** True for a number other than 0. */
  on(name: string, otherwise: 0 | 1 = 0): boolean {
    return this.number(name, otherwise) !== 0
  }

  all(name: string): readonly (string | number)[] {
    return this.#values.get(name) ?? []
  }
}

/** Arguments of an operation: a record, or an empty one. Its fields are still to be checked. */
export function fieldsOf(args: unknown): Readonly<Record<string, unknown>> {
  return typeof args === 'object' && args !== null ? (args as Record<string, unknown>) : {}
}

/** A text of a bounded length; '' for anything else. */
export function textOf(value: unknown, most = 65_536): string {
  return typeof value === 'string' ? value.slice(0, most) : typeof value === 'number' ? String(value) : ''
}

/** A whole number; `otherwise` for anything else. */
export function wholeOf(value: unknown, otherwise = 0): number {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : otherwise
}
