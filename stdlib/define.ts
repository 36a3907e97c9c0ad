// Owns the declaration of a builtin and the one table that all of them stand in.
import type { BuiltinMeta, RouteKind } from './contract.ts'
import { Pending, toPromise } from './runtime.ts'
import { script } from './script-state.ts'

/** A builtin as a `.cfg` calls it: raw return codes, or a {@link Pending} of one. */
export interface Builtin extends BuiltinMeta {
  // biome-ignore lint/suspicious/noExplicitAny: argument types stand in each declaration; the table holds them all.
  readonly run: (...args: any[]) => number | Pending<number>
}

type Declaration = Omit<BuiltinMeta, 'waits'>

const table = new Map<string, Builtin>()

/** Route kinds for a builtin that may stand anywhere. */
export const ANY_ROUTE: readonly RouteKind[] = ['request', 'reply', 'failure', 'branch', 'event']

function register(builtin: Builtin): void {
  for (const name of [builtin.kamailio, ...(builtin.aliases ?? [])]) {
    if (table.has(name)) throw new Error(`The builtin ${name} is declared twice.`)
    table.set(name, builtin)
  }
}

/** Commands of the core leave `$rc` as it is. */
const setsCode = (meta: Declaration): boolean => meta.module !== 'core'

/**
 * Declares a builtin that answers at once. `run` gives Kamailio's return code.
 * @returns what TypeScript routes call: true where Kamailio's `if` would be (a code above 0)
 */
export function define<A extends unknown[]>(meta: Declaration, run: (...args: A) => number): (...args: A) => boolean {
  register({ ...meta, waits: false, run: run as Builtin['run'] })
  const counts = setsCode(meta)
  return (...args) => {
    const code = run(...args)
    if (counts) script.rc = code
    return code > 0
  }
}

/** Declares a builtin that may wait for the host. TypeScript routes await it. */
export function defineWaiting<A extends unknown[]>(
  meta: Declaration,
  run: (...args: A) => number | Pending<number>,
): (...args: A) => Promise<boolean> {
  register({ ...meta, waits: true, run: run as Builtin['run'] })
  const counts = setsCode(meta)
  const holds = (code: number): boolean => {
    if (counts) script.rc = code
    return code > 0
  }
  return (...args) => {
    const result = run(...args)
    return result instanceof Pending ? toPromise(result.map(holds)) : Promise.resolve(holds(result))
  }
}

/** The table, by Kamailio name and alias. Complete once `registry.ts` is loaded. */
export function declaredBuiltins(): ReadonlyMap<string, Builtin> {
  return table
}
