// Owns the door of the proxy: what the engine may use of it.

export type {
  BranchSpec,
  CallEndReason,
  CallSummary,
  FailureContext,
  RelayError,
  RelaySpec,
  ReplyContext,
  ReplyOutcome,
  ReplySpec,
  RequestContext,
  RouteLanguage,
  Router,
} from './router.ts'
