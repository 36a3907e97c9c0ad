// Owns the complete table of builtins: loads every module's declarations, so that host and guest look in one place.
import './acc.ts'
import './sqlops.ts'
import './alias-db.ts'
import './auth.ts'
import './auth-db.ts'
import './avpops.ts'
import './cfgutils.ts'
import './async.ts'
import './core.ts'
import './core-sockets.ts'
import './corex.ts'
import './debugger.ts'
import './dialog.ts'
import './dispatcher.ts'
import './dispatcher-figures.ts'
import './geoip2.ts'
import './htable.ts'
import './htable-iterators.ts'
import './http-client.ts'
import './header-values.ts'
import './ipops.ts'
import './keepalive.ts'
import './kex.ts'
import './jansson.ts'
import './limits.ts'
import './maxfwd.ts'
import './mqueue.ts'
import './msilo.ts'
import './domain.ts'
import './nat-traversal.ts'
import './nathelper.ts'
import './rpid.ts'
import './path.ts'
import './permissions.ts'
import './presence.ts'
import './pcre.ts'
import './pv-functions.ts'
import './record-functions.ts'
import './registrar.ts'
import './rr.ts'
import './rtp-control.ts'
import './rtpengine.ts'
import './rtpproxy.ts'
import './sanity.ts'
import './secfilter.ts'
import './sdp-codecs.ts'
import './sdp-queries.ts'
import './sdpops.ts'
import './siputils.ts'
import './siputils-tests.ts'
import './siputils-uri.ts'
import './sl.ts'
import './string-tests.ts'
import './statistics.ts'
import './textops.ts'
import './textops-body.ts'
import './textops-search.ts'
import './textopsx.ts'
import './tls.ts'
import './tm.ts'
import './tm-contacts.ts'
import './tm-transactions.ts'
import './tmx.ts'
import './outbound.ts'
import './uac.ts'
import './uac-redirect.ts'
import './siptrace.ts'
import './redis.ts'
import './number-routing.ts'
import './topos.ts'
import './tsilo.ts'
import './userblocklist.ts'
import './uuid.ts'
import './websocket.ts'
import './xhttp.ts'
import './xlog.ts'
import { type Builtin, declaredBuiltins } from './define.ts'

export type { Builtin } from './define.ts'

/** Every builtin by the name a `.cfg` uses, aliases included. */
export function builtins(): ReadonlyMap<string, Builtin> {
  return declaredBuiltins()
}

export { ONSEND_ROUTE } from './contract.ts'
export { coreHash } from './core-hash.ts'
// What a compiler of scripts reads besides the builtins: the syntax and the tables of variables, and the patterns' own rules.
export {
  bindPv,
  declarationOf,
  declaredPvs,
  declaredTransformations,
  type PvNode,
  PvSyntaxError,
  parseFormat,
  parsePv,
  parsePvAt,
  setUnknownIsAvp,
} from './pseudo-variables.ts'
export { PosixRegex, perlRegex, posixRegex, RegexError } from './regex.ts'
export { encodeHead, WARM_ROUTE } from './run-head.ts'
export { parseSubstitution } from './substitution.ts'
