// Owns why connections are closed, and what is said of it to who wanted to send.
import type { SignalboxError } from '../errors.ts'
import type { TransportLimits } from './types.ts'

/** How long the answer to a keep-alive may take. */
export const PONG_MILLIS = 10_000

/** Why a connection was closed by us; the keys of `TransportStats.closed`. */
export type CloseReason =
  | 'idle'
  | 'partial'
  | 'stall'
  | 'overflow'
  | 'framing'
  | 'tls'
  | 'connect'
  | 'keepalive'
  | 'layer'
  | 'asked'

/** How a connection ended. */
export interface ConnectionEnd {
  readonly reason: CloseReason | 'remote'
  readonly error: Error | undefined
  /** Why what was sent and not heard of is lost; undefined where the far end may have had it. */
  readonly lost: SignalboxError | undefined
}

type Remedy = (limits: TransportLimits, cause: Error | undefined) => string
/** The reason in words, with the way out. */
export const REMEDY: Readonly<Record<CloseReason | 'remote', Remedy>> = {
  connect: (limits, cause) =>
    cause?.message ??
    `no connection within ${limits.connectMillis} ms; check that it listens there and that no firewall drops the packets`,
  remote: (_, cause) =>
    `the far end closed the connection${cause ? ` (${cause.message})` : ''}; send again to open a new one`,
  idle: () => 'the connection was idle and closed; send again to open a new one',
  partial: () => 'the far end began a message and did not finish it; the connection was closed',
  stall: (limits) => `the far end took no bytes for ${limits.stallMillis} ms; the connection was closed`,
  overflow: () => 'its write buffer is full; the connection was closed',
  framing: () => 'the far end sent bytes that are not SIP; the connection was closed',
  tls: (_, cause) => cause?.message ?? 'the TLS handshake failed',
  keepalive: () => `the far end did not answer a CRLF keep-alive within ${PONG_MILLIS} ms; the connection was closed`,
  layer: () => 'the transport is closing',
  asked: () => 'a route closed the connection',
}
