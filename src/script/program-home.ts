// Owns the interface of what a program lives in: an isolate, or the heap of the engine.
import type { HostOperation, RunEnd } from '../../stdlib/contract.ts'
import type { GuestBundle } from './guest-bundle.ts'
import type { RunInput } from './program.ts'

/** Asks the host; undefined: it will answer later, by {@link ProgramHome.resume}. */
export type GuestCall = (runId: number, opId: number, name: HostOperation, args: unknown) => unknown

/** What the library is told before the program is evaluated: `GuestOptions` of stdlib/guest.ts. */
export interface HomeSettings {
  readonly language: 'ts' | 'cfg'
  readonly runMillis: number
  readonly modparams: readonly { readonly module: string; readonly name: string; readonly value: string | number }[]
}

export interface HomeOptions {
  readonly bundle: GuestBundle
  readonly megabytes: number
  /** The program's code and the name it has in stack traces. */
  readonly code: string
  readonly codeFile: string
  readonly settings: HomeSettings
  /** Limit on evaluating the program, milliseconds. */
  readonly loadMillis: number
  readonly call: GuestCall
  /** A run that had to wait has ended. */
  readonly finished: (runId: number, end: RunEnd) => void
}

/** Why an entry ended without an answer. */
export type FailureCause = 'timeout' | 'memory' | 'error'

/** What an entry ended with that is no answer of the library's: thrown with the program's stack. */
export class ProgramFailure extends Error {
  readonly failure: FailureCause
  /** The stack inside the program. */
  readonly guestStack: string
  constructor(failure: FailureCause, message: string, guestStack: string) {
    super(message)
    this.failure = failure
    this.guestStack = guestStack
  }
}

/** One program, loaded. Entries throw a {@link ProgramFailure}. */
export interface ProgramHome {
  /** Nothing can be entered any more. */
  readonly disposed: boolean
  /** Makes a run, after forgetting what was kept for transactions that are over; undefined when it waits. `millis` 0: it keeps its time by itself. */
  enter(input: RunInput, released: readonly number[], millis: number): RunEnd | undefined
  /** Hands over what an operation of the host came to. */
  resume(opId: number, answer: unknown, error: string | undefined, millis: number): void
  /** Drops what a run still waits for. */
  abandon(runId: number): void
  /** The program's blocks and configuration, as JSON. */
  described(millis: number): string
  /** Bytes of a heap of its own. */
  heapBytes(): number
  dispose(): void
}
