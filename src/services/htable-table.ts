// Owns one hash table over the store that worker processes share: values with their types, order, searches, expiry.
import { coreHash, posixRegex } from '../../stdlib/registry.ts'
import type { Store } from '../store/index.ts'
import type { CellValue, TableDefinition } from './htable-definition.ts'

/** How a text is compared with another. */
export type Comparison = 'eq' | 'ne' | 're' | 'sw' | 'ew'

/** A test of texts. Throws a RegexError for a pattern that is none. */
export function textTest(comparison: Comparison, wanted: string): (text: string) => boolean {
  switch (comparison) {
    case 'eq':
      return (text) => text === wanted
    case 'ne':
      return (text) => text !== wanted
    case 'sw':
      return (text) => text.startsWith(wanted)
    case 'ew':
      return (text) => text.endsWith(wanted)
    case 're': {
      const pattern = posixRegex(wanted)
      return (text) => pattern.test(text)
    }
  }
}

export class HashTable {
  readonly definition: TableDefinition
  readonly #store: Store
  readonly #part: string
  /** Entries whose end is to be told, with their last values: what expired is in no table any more. */
  readonly #toldPart: string
  readonly #isTold: () => boolean

  /** `isTold`: somebody wants to hear of entries that expire. */
  constructor(definition: TableDefinition, store: Store, isTold: () => boolean = () => false) {
    this.definition = definition
    this.#store = store
    this.#part = `htable:${definition.name}`
    this.#toldPart = `htable-told:${definition.name}`
    this.#isTold = () => definition.expires > 0 && isTold()
  }

  /** The value; null when there is none, not even one to begin with. */
  get(key: string): CellValue | null {
    const found = this.#store.get(this.#part, key)
    return found === undefined ? (this.definition.initial ?? null) : (JSON.parse(found) as CellValue)
  }

  has(key: string): boolean {
    return this.#store.get(this.#part, key) !== undefined
  }

  set(key: string, value: CellValue): void {
    const { expires, renewed } = this.definition
    if (expires === 0) this.#store.set(this.#part, key, JSON.stringify(value))
    else if (renewed) this.#store.set(this.#part, key, JSON.stringify(value), expires)
    else
      this.#store.update(this.#part, key, (before) => ({
        value: JSON.stringify(value),
        seconds: before === undefined ? expires : 'keep',
      }))
    this.#note(key, value)
  }

  #note(key: string, value: CellValue): void {
    if (this.#isTold()) this.#store.set(this.#toldPart, key, JSON.stringify(value))
  }

  /** Puts an entry back that had `seconds` left. */
  restore(key: string, value: CellValue, seconds: number | undefined): void {
    this.#store.set(this.#part, key, JSON.stringify(value), seconds)
    this.#note(key, value)
  }

  /** Adds to a number, beginning with the table's own; null where there is no number. */
  add(key: string, difference: number): number | null {
    const { expires, renewed, initial } = this.definition
    let result: number | null = null
    this.#store.update(this.#part, key, (before) => {
      const value = before === undefined ? initial : (JSON.parse(before) as CellValue)
      if (typeof value !== 'number') return before === undefined ? undefined : { value: before, seconds: 'keep' }
      result = (value + difference) | 0
      const seconds = before !== undefined && !renewed ? 'keep' : expires === 0 ? undefined : expires
      return { value: JSON.stringify(result), ...(seconds === undefined ? {} : { seconds }) }
    })
    if (result !== null) this.#note(key, result)
    return result
  }

  delete(key: string): boolean {
    if (this.#isTold()) this.#store.delete(this.#toldPart, key)
    return this.#store.delete(this.#part, key)
  }

  clear(): void {
    this.#store.clear(this.#toldPart)
    this.#store.clear(this.#part)
  }

  /** What has expired since the last time, each entry once whoever asks. */
  takeExpired(): { key: string; value: CellValue }[] {
    if (!this.#isTold()) return []
    const noted = this.#store.entries(this.#toldPart)
    const live = noted.length === 0 ? undefined : new Set(this.#store.keys(this.#part))
    return noted
      .filter(([key]) => live?.has(key) === false && this.#store.delete(this.#toldPart, key))
      .map(([key, value]) => ({ key, value: JSON.parse(value) as CellValue }))
  }

  /** Seconds left, 0 where entries stay or there is none. */
  remaining(key: string): number {
    const left = this.#store.remaining(this.#part, key)
    return left === undefined || left === Number.POSITIVE_INFINITY ? 0 : Math.ceil(left)
  }

  /** Gives an entry that much time from now. Without effect where entries stay. */
  expireIn(key: string, seconds: number): boolean {
    if (this.definition.expires === 0) return this.has(key)
    return (
      this.#store.update(this.#part, key, (before) =>
        before === undefined ? undefined : { value: before, seconds: Math.max(0, seconds) },
      ) !== undefined
    )
  }

  get size(): number {
    return this.#store.size(this.#part)
  }

  slotOf(key: string): number {
    return coreHash(key) % this.definition.slots
  }

  /** All entries in Kamailio's order: by slot, then by hash. */
  entries(): [key: string, value: CellValue][] {
    return this.#store
      .entries(this.#part)
      .map(([key, value]) => ({ key, value: JSON.parse(value) as CellValue, hash: coreHash(key) }))
      .sort((a, b) => (a.hash % this.definition.slots) - (b.hash % this.definition.slots) || a.hash - b.hash)
      .map(({ key, value }) => [key, value])
  }

  count(matches: (key: string, value: CellValue) => boolean): number {
    let count = 0
    for (const [key, value] of this.#store.entries(this.#part))
      if (matches(key, JSON.parse(value) as CellValue)) count++
    return count
  }

  deleteWhere(matches: (key: string, value: CellValue) => boolean): number {
    let count = 0
    for (const [key, value] of this.#store.entries(this.#part))
      if (matches(key, JSON.parse(value) as CellValue) && this.delete(key)) count++
    return count
  }
}
