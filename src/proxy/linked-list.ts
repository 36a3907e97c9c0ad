// Owns lists whose members know their neighbours: joining and leaving cost the same however long a list is, and nothing is hashed.

/** A member of one list at most. Only the list writes its neighbours. */
export interface Linked<T> {
  older: T | undefined
  newer: T | undefined
}

/** In the order in which members joined. */
export class LinkedList<T extends Linked<T>> {
  #oldest: T | undefined
  #newest: T | undefined
  #size = 0

  get size(): number {
    return this.#size
  }

  get oldest(): T | undefined {
    return this.#oldest
  }

  add(member: T): void {
    const before = this.#newest
    member.older = before
    if (before === undefined) this.#oldest = member
    else before.newer = member
    this.#newest = member
    this.#size++
  }

  /** Tells whether it was in the list. */
  remove(member: T): boolean {
    const { older, newer } = member
    if (older === undefined && this.#oldest !== member) return false
    if (older === undefined) this.#oldest = newer
    else older.newer = newer
    if (newer === undefined) this.#newest = older
    else newer.older = older
    member.older = undefined
    member.newer = undefined
    this.#size--
    return true
  }
}
