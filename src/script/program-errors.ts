// Owns errors of a program, told in the script's own lines.
import type { RunEnd, ThrownInRun } from '../../stdlib/contract.ts'
import { SignalboxError } from '../errors.ts'
import type { RunInput, RunOutcome } from './program.ts'
import { ProgramFailure } from './program-home.ts'
import { LOAD_FACTOR, type ProgramLimits } from './program-limits.ts'
import type { ScriptPositions } from './script-position.ts'

/** A script can throw a text of any length, and each of its messages: what is told and logged of one has a bound. */
const MOST_TOLD = 1024

/** The library's own bounds on what a run makes and keeps. */
const MEMORY_ERRORS: ReadonlySet<string> = new Set(['TextBoundError'])

export class ProgramErrors {
  readonly #file: string
  readonly #positions: ScriptPositions
  readonly #limits: ProgramLimits

  constructor(file: string, positions: ScriptPositions, limits: ProgramLimits) {
    this.#file = file
    this.#positions = positions
    this.#limits = limits
  }

  /** The route of a run, for messages. */
  place(input: RunInput): string {
    return input.name === '' ? `${this.#file}: ${input.kind}_route` : `${this.#file}: ${input.kind}_route ${input.name}`
  }

  /** What a run came to; throws what the script threw. */
  outcome(end: RunEnd): RunOutcome {
    if ('thrown' in end) throw this.#thrown(end.thrown)
    return end
  }

  /** An entry that V8 ended, or an error of ours as it is. */
  of(error: unknown, input: RunInput | undefined): SignalboxError {
    if (error instanceof SignalboxError) return error
    if (!(error instanceof ProgramFailure)) throw error
    const { runMillis, isolateMegabytes } = this.#limits
    switch (error.failure) {
      case 'memory':
        return new SignalboxError(
          'ERR_SCRIPT_MEMORY',
          this.#told(`the script used more than ${isolateMegabytes} MB`, error.guestStack, input),
        )
      case 'timeout':
        return new SignalboxError(
          'ERR_SCRIPT_TIMEOUT',
          this.#told(
            `the run took longer than its ${input ? runMillis : runMillis * LOAD_FACTOR} ms`,
            error.guestStack,
            input,
          ),
        )
      case 'error':
        return new SignalboxError('ERR_SCRIPT', this.#told(error.message, error.guestStack, input))
    }
  }

  /** What the script threw, in its own lines. */
  #thrown(error: ThrownInRun): SignalboxError {
    const code =
      error.name === 'RunTimeout'
        ? 'ERR_SCRIPT_TIMEOUT'
        : MEMORY_ERRORS.has(error.name)
          ? 'ERR_SCRIPT_MEMORY'
          : 'ERR_SCRIPT'
    return new SignalboxError(code, this.#told(error.message, error.stack, undefined))
  }

  #told(thrown: string, stack: string, input: RunInput | undefined): string {
    const message = thrown.length > MOST_TOLD ? `${thrown.slice(0, MOST_TOLD)}...` : thrown
    const position = this.#positions.inStack(stack)
    if (position) return `${position.file}:${position.line}:${position.column}: ${message}`
    return input ? `${this.place(input)}: ${message}` : `${this.#file}: ${message}`
  }
}
