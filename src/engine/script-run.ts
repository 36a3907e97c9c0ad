// Owns what the host knows of a run under way, and the table in which host operations find it.
import type { FailureContext, RequestContext } from '../proxy/index.ts'
import type { RouteKind, RouteProgram } from '../script/index.ts'
import type { SipMessage } from '../sip/index.ts'
import type { Flow } from '../transport/index.ts'

/** One run of one route block, from its entry into the program to its end. */
export interface ScriptRun {
  readonly id: number
  readonly kind: RouteKind
  readonly name: string
  readonly program: RouteProgram
  /** The message of the run. `apply` puts the changed one here. */
  message: SipMessage
  readonly flow: Flow
  /** The request that the run is for; none for a stray reply. */
  readonly context: RequestContext | undefined
  readonly failure: FailureContext | undefined
  /** Index of the branch that a reply came from. */
  readonly branch?: number
  /** What the service that began an event route tells of it. */
  readonly event?: unknown
}

/** Runs under way by their number. */
export class RunTable {
  /** Nearly always there is one, and a table that comes and goes empty costs more than the rest. */
  #only: ScriptRun | undefined
  readonly #others = new Map<number, ScriptRun>()
  #last = 0

  /** Numbers stay far below 2^31, so that they stay small integers on both sides. */
  nextId(): number {
    this.#last = this.#last >= 0x3fffffff ? 1 : this.#last + 1
    return this.#last
  }

  add(run: ScriptRun): void {
    if (this.#only === undefined) this.#only = run
    else this.#others.set(run.id, run)
  }

  get(id: number): ScriptRun | undefined {
    return this.#only?.id === id ? this.#only : this.#others.get(id)
  }

  delete(id: number): void {
    if (this.#only?.id === id) this.#only = undefined
    else this.#others.delete(id)
  }

  get size(): number {
    return this.#others.size + (this.#only === undefined ? 0 : 1)
  }
}
