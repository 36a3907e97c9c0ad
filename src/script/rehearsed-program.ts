// Owns a program as a rehearsal sees it: its own home, the library's warming routes in place of its blocks, and a world that is not the real one.
import { WARM_ROUTE } from '../../stdlib/registry.ts'
import type { HostOps } from './host-ops.ts'
import type { RouteKind, RouteLanguage, RouteProgram, RunInput, RunMeta, RunOutcome } from './program.ts'

/** What a rehearsal needs of a loaded program. */
export interface Rehearsable {
  readonly version: number
  readonly file: string
  readonly language: RouteLanguage
  runWarming(input: RunInput, host: HostOps): RunOutcome | Promise<RunOutcome>
  releaseTransaction(transactionId: number): void
  retain(): void
  release(): void
}

/** Held until its `end`: a program that is replaced meanwhile is discarded then. */
export class RehearsedProgram implements RouteProgram {
  readonly version: number
  readonly file: string
  readonly language: RouteLanguage
  readonly files: readonly string[] = []
  readonly config = undefined
  readonly #program: Rehearsable
  readonly #host: HostOps

  constructor(program: Rehearsable, host: HostOps) {
    this.version = program.version
    this.file = program.file
    this.language = program.language
    program.retain()
    this.#program = program
    this.#host = host
  }

  has(kind: RouteKind, name = ''): boolean {
    return kind === 'request' ? name === '' : kind === 'reply' && name !== ''
  }

  run(input: RunInput): RunOutcome | Promise<RunOutcome> {
    const { meta } = input as { meta: { -readonly [key in keyof RunMeta]: RunMeta[key] } }
    // Transactions of calls have numbers from 1 on. Changed in place, so that V8 sees the one shape of all calls.
    meta.transactionId = 0 - meta.transactionId
    ;(input as { name: string }).name = WARM_ROUTE
    return this.#program.runWarming(input, this.#host)
  }

  releaseTransaction(transactionId: number): void {
    this.#program.releaseTransaction(0 - transactionId)
  }

  /** Nothing is run any more. */
  end(): void {
    this.#program.release()
  }

  // The calls of a rehearsal end with it.
  retain(): void {}
  release(): void {}
}
