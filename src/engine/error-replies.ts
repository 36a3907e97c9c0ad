// Owns the one table that maps what went wrong inside to the SIP reply that the caller gets.
import { type ErrorCode, SignalboxError } from '../errors.ts'

/** A reply that stands for an error. `headers` are whole header lines with their CRLF. */
export interface ErrorReply {
  readonly status: number
  readonly reason: string
  readonly headers: string
}

const RETRY_AFTER = 'Retry-After: 10\r\n'

const REPLIES: Readonly<Record<ErrorCode, ErrorReply>> = {
  ERR_CONFIG: reply(500, 'Server Internal Error'),
  ERR_COMPILE: reply(500, 'Server Internal Error'),
  ERR_SCRIPT: reply(500, 'Server Internal Error'),
  ERR_SCRIPT_TIMEOUT: reply(500, 'Server Internal Error'),
  ERR_SCRIPT_MEMORY: reply(500, 'Server Internal Error'),
  ERR_LISTEN: reply(503, 'Service Unavailable'),
  ERR_TRANSPORT: reply(503, 'Service Unavailable'),
  // RFC 3261 16.9: a next hop that cannot be reached counts as a 503 from it; 478 is Kamailio's own word in a .cfg.
  ERR_RESOLVE: reply(503, 'Service Unavailable'),
  ERR_TLS: reply(503, 'Service Unavailable'),
  // RFC 3261 21.5.4: overload says when to come back.
  ERR_LIMIT: reply(503, 'Service Unavailable', RETRY_AFTER),
  ERR_PARSE: reply(400, 'Bad Request'),
  ERR_MEDIA: reply(503, 'Service Unavailable'),
  ERR_MEDIA_PORTS: reply(503, 'Service Unavailable', RETRY_AFTER),
  ERR_MEDIA_UNREACHABLE: reply(503, 'Service Unavailable', RETRY_AFTER),
  ERR_NATIVE: reply(500, 'Server Internal Error'),
  ERR_STORE: reply(500, 'Server Internal Error'),
  ERR_DATABASE: reply(500, 'Server Internal Error'),
  ERR_USAGE: reply(500, 'Server Internal Error'),
}

/** The reply for anything that was thrown; what carries no code is 500. */
export function errorReply(error: unknown): ErrorReply {
  return error instanceof SignalboxError ? REPLIES[error.code] : REPLIES.ERR_SCRIPT
}

function reply(status: number, reason: string, headers = ''): ErrorReply {
  return { status, reason, headers }
}
