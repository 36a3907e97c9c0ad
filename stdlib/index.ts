// Owns what `import ... from 'signalbox'` gives a TypeScript route: the builtins in camel case, readers of messages, configuration.
export type { NameAddr, SipUri, Transport } from '../src/sip/index.ts'
export { parseNameAddr, parseUri } from '../src/sip/index.ts'
export * from './acc.ts'
export * from './alias-db.ts'
export * from './async.ts'
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
export * from './avpops.ts'
export * from './avpops-database.ts'
export * from './benchmark.ts'
export * from './cfgutils.ts'
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
export * from './core-sockets.ts'
export * from './corex.ts'
export * from './debugger.ts'
export * from './dialog.ts'
export * from './dispatcher.ts'
export * from './dispatcher-figures.ts'
export * from './domain.ts'
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
export * from './geoip2.ts'
export * from './header-iterators.ts'
export * from './header-values.ts'
export * from './htable.ts'
export * from './htable-iterators.ts'
export * from './http-client.ts'
export * from './ipops.ts'
export * from './jansson.ts'
export * from './keepalive.ts'
export * from './kex.ts'
export * from './limits.ts'
export * from './loose-route.ts'
export * from './maxfwd.ts'
export * from './mqueue.ts'
export * from './msilo.ts'
export * from './nat-traversal.ts'
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
export * from './number-routing.ts'
export * from './path.ts'
export * from './pcre.ts'
export * from './permissions.ts'
export * from './presence.ts'
export * from './pv-functions.ts'
export * from './record-functions.ts'
export * from './redis.ts'
export * from './registrar.ts'
export * from './rpid.ts'
export * from './rr.ts'
export {
  blockDtmf,
  blockMedia,
  pauseRecording,
  playDtmf,
  playMedia,
  sendDtmfInfo,
  silenceMedia,
  startForwarding,
  startRecording,
  stopForwarding,
  stopMedia,
  stopRecording,
  unblockDtmf,
  unblockMedia,
  unsilenceMedia,
} from './rtp-control.ts'
export {
  rtpAnswer,
  rtpDelete,
  rtpInfo,
  rtpManage,
  rtpOffer,
  rtpQuery,
  rtpQueryV,
  setRtpSet,
} from './rtpengine.ts'
export * from './rtpproxy.ts'
export { sanityCheck } from './sanity.ts'
export * from './script-values.ts'
export * from './sdp-codecs.ts'
export * from './sdp-queries.ts'
export * from './sdpops.ts'
export * from './secfilter.ts'
export * from './sipdump.ts'
export * from './siptrace.ts'
export { hasTotag, isMethod, isMyself, isReply, isRequest } from './siputils.ts'
export * from './siputils-tests.ts'
export * from './siputils-uri.ts'
export * from './sl.ts'
export * from './sqlops.ts'
export * from './statistics.ts'
export * from './string-tests.ts'
export * from './t-relay.ts'
export * from './textops.ts'
export * from './textops-body.ts'
export * from './textops-search.ts'
export * from './textopsx.ts'
export * from './tls.ts'
export * from './tm.ts'
export * from './tm-contacts.ts'
export * from './tm-transactions.ts'
export * from './tmx.ts'
export * from './topos.ts'
export * from './tsilo.ts'
export * from './uac.ts'
export * from './uac-redirect.ts'
export * from './userblocklist.ts'
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
export * from './websocket.ts'
export * from './xhttp.ts'
export * from './xlog.ts'
