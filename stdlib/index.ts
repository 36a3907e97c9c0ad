// Owns what `import ... from 'signalbox'` gives a TypeScript route: the builtins in camel case, readers of messages, configuration.
export type { NameAddr, SipUri, Transport } from '../src/sip/index.ts'
export { parseNameAddr, parseUri } from '../src/sip/index.ts'
export {
  authChallenge,
  authGetWwwAuthenticate,
  consumeCredentials,
  hasCredentials,
  proxyChallenge,
  pvAuthCheck,
  pvProxyAuthenticate,
  pvWwwAuthenticate,
  wwwChallenge,
} from './auth.ts'
export * from './auth-db.ts'
export type { Config, TlsProfile } from './config.ts'
export { env } from './config.ts'
export {
  appendBranch,
  clearBranches,
  drop,
  exit,
  forceRport,
  log,
  prefix,
  removeBranch,
  revertUri,
  rewriteHost,
  rewriteHostPort,
  rewriteHostPortTrans,
  rewritePort,
  rewriteUser,
  rewriteUserPass,
  setUri,
  strip,
  stripTail,
  userPhone,
} from './core.ts'
export * from './dialog.ts'
export * from './dispatcher.ts'
export {
  isBranchFlagSet,
  isFlagSet,
  isScriptFlagSet,
  resetBranchFlag,
  resetFlag,
  resetScriptFlag,
  setBranchFlag,
  setFlag,
  setScriptFlag,
} from './flags.ts'
export * from './htable.ts'
export { isInSubnet, isIp, isIpRfc1918, isIpv4, isIpv6 } from './ipops.ts'
export { checkRouteParam, isDirection, looseRoute } from './loose-route.ts'
export { mfProcessMaxfwdHeader } from './maxfwd.ts'
export {
  addContactAlias,
  addRcvParam,
  fixNatedContact,
  fixNatedRegister,
  fixNatedSdp,
  handleRuriAlias,
  isRfc1918,
  natUacTest,
  setAliasToPv,
  setContactAlias,
} from './nathelper.ts'
export * from './path.ts'
export * from './registrar.ts'
export { addRrParam, recordRoute, recordRouteAdvertised, recordRoutePreset } from './rr.ts'
export { rtpAnswer, rtpDelete, rtpManage, rtpOffer, rtpQuery, setRtpSet } from './rtpengine.ts'
export * from './rtpproxy.ts'
export { sanityCheck } from './sanity.ts'
export {
  sdpContent,
  sdpRemoveLineByPrefix,
  sdpRemoveMedia,
  sdpWithMedia,
  sdpWithTransport,
} from './sdpops.ts'
export { hasTotag, isMethod, isMyself, isReply, isRequest } from './siputils.ts'
export { sendReply, slReplyError, slSendReply } from './sl.ts'
export { forward, tRelay, tRelayToTcp, tRelayToTls, tRelayToUdp } from './t-relay.ts'
export {
  appendHf,
  appendToReply,
  hasBody,
  insertHf,
  isPresentHf,
  isPresentHfRe,
  removeBody,
  removeHf,
  removeHfExp,
  removeHfRe,
  replace,
  replaceAll,
  replaceBody,
  replaceBodyAll,
  search,
  searchAppend,
  searchBody,
  searchHf,
  setBody,
  setReplyBody,
  subst,
  substBody,
  substHf,
  substUri,
  substUser,
} from './textops.ts'
export { changeReplyStatus, msgApplyChanges } from './textopsx.ts'
export {
  tAnyTimeout,
  tBranchReplied,
  tBranchTimeout,
  tCheckStatus,
  tCheckTrans,
  tIsCanceled,
  tIsExpired,
  tLookupRequest,
  tNewtran,
  tOnBranch,
  tOnBranchFailure,
  tOnFailure,
  tOnReply,
  tReply,
  tResetFr,
  tSetDisableInternalReply,
  tSetFr,
} from './tm.ts'
export {
  tCancelBranches,
  tIsBranchRoute,
  tIsFailureRoute,
  tIsReplyRoute,
  tIsRequestRoute,
  tPrecheckTrans,
} from './tmx.ts'
export type {
  BranchRoute,
  Endpoint,
  FailedRequest,
  FailureRoute,
  ReplyRoute,
  RequestRoute,
  SipMessageView,
  SipReply,
  SipRequest,
} from './views.ts'
export { xalert, xcrit, xdbg, xerr, xinfo, xlog, xlogl, xnotice, xwarn } from './xlog.ts'
