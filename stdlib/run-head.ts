// Owns the text that goes before a message into the isolate: which run, which route, what is over, where the message came from.
import { ROUTE_KINDS, type RouteKind, type RunMeta } from './contract.ts'
import { encodeMeta } from './run-meta.ts'

/** A head taken apart. `meta` stays text until something asks for it. */
export interface RunHead {
  readonly runId: number
  readonly kind: RouteKind
  readonly name: string
  readonly transactionId: number
  /** Transactions that are over, their numbers with commas between. */
  readonly released: string
  readonly meta: string
}

/** Name of the route that warms a library (warm-up.ts); no program has one of that name. */
export const WARM_ROUTE = '\u0001warm'

/** One line each; the kind is a digit before the name of the route, which holds no line break. */
export function encodeHead(runId: number, kind: RouteKind, name: string, released: string, meta: RunMeta): string {
  return `${runId}\n${ROUTE_KINDS.indexOf(kind)}${name}\n${meta.transactionId}\n${released}\n${encodeMeta(meta)}`
}

export function decodeHead(head: string): RunHead {
  const route = head.indexOf('\n') + 1
  const transaction = head.indexOf('\n', route) + 1
  const released = head.indexOf('\n', transaction) + 1
  const meta = head.indexOf('\n', released) + 1
  return {
    runId: Number(head.slice(0, route - 1)),
    kind: ROUTE_KINDS[head.charCodeAt(route) - 48]!,
    name: head.slice(route + 1, transaction - 1),
    transactionId: Number(head.slice(transaction, released - 1)),
    released: head.slice(released, meta - 1),
    meta: head.slice(meta),
  }
}
