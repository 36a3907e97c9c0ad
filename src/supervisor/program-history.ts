// Owns the versions of the routing script: which one runs, which ran before, and which is withdrawn because it kills workers.
import type { EngineConfig } from '../engine/index.ts'
import type { NumberedScript } from './messages.ts'

/** A program that was accepted, with the configuration it runs under. */
export interface AcceptedProgram extends NumberedScript {
  readonly config: EngineConfig
}

/** How many workers a program may take down before its predecessor takes its place. */
const KILLS = 2

/** Programs kept so that a bad one can be withdrawn; older ones are forgotten. */
const KEPT = 8

/** The programs, newest last. */
export class ProgramHistory {
  readonly #programs: AcceptedProgram[] = []
  readonly #kills = new Map<number, number>()
  #last = 0

  /** A number for a program that is about to be tried. */
  nextVersion(): number {
    return ++this.#last
  }

  get active(): AcceptedProgram | undefined {
    return this.#programs.at(-1)
  }

  /** Makes a program the active one. */
  accept(program: AcceptedProgram): void {
    this.#programs.push(program)
    if (this.#programs.length > KEPT) this.#programs.shift()
  }

  kills(version: number): number {
    return this.#kills.get(version) ?? 0
  }

  /**
   * A run of this version took a worker down.
   * @returns what to do: `withdrawn` with the predecessor that is active from now on, `alone` when there is none to go back to
   */
  blame(
    version: number,
  ): { verdict: 'kept' } | { verdict: 'withdrawn'; predecessor: AcceptedProgram } | { verdict: 'alone' } {
    const kills = this.kills(version) + 1
    this.#kills.set(version, kills)
    if (kills < KILLS) return { verdict: 'kept' }
    const index = this.#programs.findIndex((program) => program.version === version)
    if (index < 0) return { verdict: 'kept' }
    if (this.#programs.length === 1) return { verdict: 'alone' }
    const wasActive = index === this.#programs.length - 1
    this.#programs.splice(index, 1)
    return wasActive ? { verdict: 'withdrawn', predecessor: this.active! } : { verdict: 'kept' }
  }
}
