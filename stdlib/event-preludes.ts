// Owns what modules make ready before an event route of theirs runs, such as the variables that it reads.

const preludes = new Map<string, () => void>()

/** `event` as it stands in brackets. */
export function beforeEvent(event: string, prepare: () => void): void {
  preludes.set(event, prepare)
}

/** Called with the run of the event begun. */
export function beginEvent(event: string): void {
  preludes.get(event)?.()
}
