// Owns the door of the transaction layer: RFC 3261 17 with RFC 6026.

export type { ClientTransaction, ClientUser } from './client-transaction.ts'
export { InviteClientTransaction } from './invite-client-transaction.ts'
export { InviteServerTransaction } from './invite-server-transaction.ts'
export { NonInviteClientTransaction } from './non-invite-client-transaction.ts'
export { NonInviteServerTransaction } from './non-invite-server-transaction.ts'
export { type ServerEntry, ServerTransaction, type ServerUser } from './server-transaction.ts'
export { Deadline, type Expiring, TimerQueue } from './timer-queue.ts'
export { DEFAULT_TIMES, type TransactionTimes } from './times.ts'
export {
  DEFAULT_TRANSACTION_LIMITS,
  RequestHold,
  TransactionLayer,
  type TransactionLayerOptions,
  type TransactionLimits,
  type TransactionStats,
  type TransactionUser,
} from './transaction-layer.ts'
