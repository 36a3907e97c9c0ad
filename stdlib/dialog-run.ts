// Owns which dialog a run is about, and the variables of a dialog that has not begun yet.
import { currentRun, type Run } from './runtime.ts'
import { askNow } from './service.ts'
import type { TransactionState } from './transaction-state.ts'

const chosen = new WeakMap<Run, string>()
const variables = new WeakMap<TransactionState, Map<string, string | number>>()
const contexts = new WeakMap<TransactionState, Map<string, string | number>>()

/** What a dialog that has not begun yet can keep. */
const MOST_VARIABLES = 1000

/** The dialog that the rest of the run is about. */
export function chooseDialog(key: string): void {
  chosen.set(currentRun(), key)
}

/** Asks the service about the dialog of the run. */
export function askDialog<T>(operation: string, args: Readonly<Record<string, unknown>> = {}): T {
  const dialog = chosen.get(currentRun())
  return askNow<T>('dialog', operation, dialog === undefined ? args : { dialog, ...args })
}

/** Variables assigned before the dialog began. */
export function pendingOf(): Map<string, string | number> | undefined {
  return variables.get(currentRun().state)
}

function keep(
  table: WeakMap<TransactionState, Map<string, string | number>>,
  name: string,
  value: string | number | null,
): void {
  const { state } = currentRun()
  let values = table.get(state)
  if (values === undefined) table.set(state, (values = new Map()))
  if (value === null) values.delete(name)
  else if (values.size < MOST_VARIABLES || values.has(name)) values.set(name, value)
  else throw new Error(`A dialog has at most ${MOST_VARIABLES} variables.`)
}

export function keepVariable(name: string, value: string | number | null): void {
  keep(variables, name, value)
}

export function keepContext(name: string, value: string | number | null): void {
  keep(contexts, name, value)
}

/** Hands what was kept over to the dialog that begins. */
export function takePending(): {
  variables: Record<string, string | number>
  context: Record<string, string | number>
} {
  const { state } = currentRun()
  const taken = {
    variables: Object.fromEntries(variables.get(state) ?? []),
    context: Object.fromEntries(contexts.get(state) ?? []),
  }
  variables.delete(state)
  contexts.delete(state)
  return taken
}
