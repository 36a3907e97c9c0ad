// Owns the door of src/sip: RFC 3261 messages as latin1 strings, one char a byte. Pure: imports nothing of Node.

export { writeBytesBy } from './bytes.ts'
export {
  defaultPort,
  isKnownMethod,
  MAGIC_COOKIE,
  METHOD_BITS,
  METHODS,
  parseTransport,
  reasonPhrase,
  TRANSPORTS,
  type Transport,
} from './constants.ts'
export { buildAck, buildCancel, buildReply, type ReplyOptions, receivedViaEdits } from './derive.ts'
export { type DigestParams, parseDigest } from './digest.ts'
export {
  applyEdits,
  isMessageEdit,
  type MessageEdit,
  type RecordRouteSide,
  type RecordRouteSpec,
  recordRouteLines,
  resolveRecordRoutes,
} from './edits.ts'
export { type Awaited, type FramedItem, StreamFramer } from './framer.ts'
export { canonicalHeaderName, HeaderId, headerIdOf } from './header-fields.ts'
export { createIds, type IdSource } from './ids.ts'
export { DEFAULT_PARSE_LIMITS, type ParseLimits, UNBOUNDED_PARSE_LIMITS } from './limits.ts'
export { SipMessage, SipReply, SipRequest } from './message.ts'
export { bracketed, type NameAddr, parseNameAddr } from './name-addr.ts'
export { findParam, Params } from './params.ts'
export { type ParseFailure, type ParseResult, parseMessage } from './parser.ts'
export { decodePercent, detach, isToken, quote, unfold, unquote } from './scan.ts'
export {
  appendHeaderEdit,
  bodyEdit,
  correctContentLength,
  endOfHeaders,
  headerValueEdit,
  prependHeaderEdit,
  removeHeaderEdit,
  serializeMessage,
} from './serializer.ts'
export {
  bareHost,
  bracketHost,
  parseUri,
  type ReadUri,
  readUri,
  type SipUri,
  uriEquals,
  uriScheme,
  userPart,
} from './uri.ts'
export { DEFAULT_REQUEST_CHECKS, type Refusal, type RequestChecks, validateRequest } from './validate.ts'
export { parseVia, type ReceivedFrom, type Via, viaReceivedEdits } from './via.ts'
