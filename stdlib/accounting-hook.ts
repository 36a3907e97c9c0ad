// Owns the place where accounting is told that a transaction is about to be made, without tm knowing of it.

let engage = (): void => {}

/** Names who is told. */
export function onTransaction(told: () => void): void {
  engage = told
}

/** A transaction is about to be made, or to get further branches. */
export function announceTransaction(): void {
  engage()
}
