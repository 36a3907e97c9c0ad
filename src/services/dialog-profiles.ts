// Owns the profiles of module dialog: which there are, and how many dialogs each of them counts over all workers.
import type { Store } from '../store/index.ts'
import type { Dialog } from './dialog-state.ts'

export class DialogProfiles {
  readonly #store: Store
  /** Name, and whether it goes by value. */
  readonly #kinds = new Map<string, 'value' | 'no value'>()

  constructor(store: Store) {
    this.#store = store
  }

  /** `caller ; callee`. */
  configure(withValue: string, withoutValue: string): void {
    this.#kinds.clear()
    for (const name of namesIn(withoutValue)) this.#kinds.set(name, 'no value')
    for (const name of namesIn(withValue)) this.#kinds.set(name, 'value')
  }

  kind(name: string): 'value' | 'no value' | undefined {
    return this.#kinds.get(name)
  }

  /** Counts the dialog; it is forgotten by itself should its worker die. */
  add(dialog: Dialog, name: string, value: string): boolean {
    if (!this.#kinds.has(name)) return false
    this.remove(dialog, name)
    dialog.profiles.set(name, value)
    this.#count(dialog, name, value)
    return true
  }

  /** The dialog has its whole lifetime before it again. */
  renew(dialog: Dialog): void {
    for (const [name, value] of dialog.profiles) this.#count(dialog, name, value)
  }

  #count(dialog: Dialog, name: string, value: string): void {
    const seconds = dialog.lifetime + 60
    for (const table of this.#tables(name, value)) this.#store.set(table, memberOf(dialog), '1', seconds)
  }

  remove(dialog: Dialog, name: string): boolean {
    const value = dialog.profiles.get(name)
    if (value === undefined) return false
    dialog.profiles.delete(name)
    for (const table of this.#tables(name, value)) this.#store.delete(table, memberOf(dialog))
    return true
  }

  removeAll(dialog: Dialog): void {
    for (const name of [...dialog.profiles.keys()]) this.remove(dialog, name)
  }

  /** Dialogs of that value, or of all values; undefined: there is no such profile. */
  size(name: string, value: string | undefined): number | undefined {
    if (!this.#kinds.has(name)) return undefined
    const [all, one] = this.#tables(name, value ?? '')
    return this.#store.size(value === undefined || this.#kinds.get(name) === 'no value' ? all : one)
  }

  #tables(name: string, value: string): [all: string, one: string] {
    return [`dialog:${name}`, `dialog:${name}=${value}`]
  }
}

/** Its name among the members of a profile: the same for the worker that takes the dialog over. */
const memberOf = (dialog: Dialog) => `${dialog.callId}:${dialog.key}`

function namesIn(text: string): string[] {
  return text.split(';').flatMap((part) => {
    // `name/s` keeps the values in a database of another product; the name counts.
    const name = part.trim().split('/', 1)[0]!
    return name === '' ? [] : [name]
  })
}
