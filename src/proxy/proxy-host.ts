// Owns what a request under way needs of the proxy around it.

import type { IdSource, SipRequest } from '../sip/index.ts'
import type { TransactionLayer } from '../transaction/index.ts'
import type { CallTable } from './calls.ts'
import type { ProxyLimits, ProxyOptions } from './options.ts'
import type { RequestContext, Router } from './router.ts'
import type { ProxyCounters } from './stats.ts'

/** A request that has its final answer. */
export interface Resting {
  rest(): void
}

export interface ProxyHost {
  readonly transactions: TransactionLayer
  readonly router: Router
  readonly ids: IdSource
  readonly calls: CallTable
  readonly limits: ProxyLimits
  readonly options: ProxyOptions
  readonly counters: ProxyCounters
  /** To tag of stateless replies: known again in the ACK without having kept anything. */
  statelessTag(request: SipRequest): string
  /** A route threw or rejected. */
  routeFailed(where: string, context: RequestContext, error: unknown): void
  /** It stays for what may still come, and rests. */
  requestAnswered(context: Resting): void
  requestEnded(context: RequestContext): void
}
