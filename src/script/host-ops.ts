// Owns what a route run needs of the world: the interface that the engine implements.
import type { HostOperation, HostOperations } from '../../stdlib/contract.ts'

/** Answers one operation of run `runId`. Arguments have the shape that stdlib/contract.ts gives, and come from a script: check them. */
export interface HostOps {
  call<O extends HostOperation>(
    runId: number,
    op: O,
    args: HostOperations[O]['args'],
  ): HostOperations[O]['result'] | Promise<HostOperations[O]['result']>
}
