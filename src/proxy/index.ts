// Owns the door of the proxy: what the engine may use of it.

export type { LocalReply, LocalRequest } from './local-request.ts'
export { DEFAULT_PROXY_LIMITS, DEFAULT_PROXY_OPTIONS, type ProxyLimits, type ProxyOptions } from './options.ts'
export { OverloadControl, type OverloadControlOptions } from './overload.ts'
export { ProxyCore, type ProxyCoreOptions } from './proxy-core.ts'
export type {
  BranchFailure,
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
  Sending,
} from './router.ts'
export type { ProxyCounters, ProxyStats } from './stats.ts'
