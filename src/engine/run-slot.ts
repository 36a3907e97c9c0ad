// Owns the announcement of the message that a script is working on, so that it can be answered when the script takes the process down.
import type { ScriptRun } from './script-run.ts'

/** Told before a script gets the processor and after it has given it back. Called on the path of every message. */
export interface RunSlot {
  enter(run: ScriptRun): void
  leave(): void
}

/** Announces nothing: for an engine without a supervisor. */
export const noRunSlot: RunSlot = { enter() {}, leave() {} }
