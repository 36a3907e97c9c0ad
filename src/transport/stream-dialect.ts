// Owns what a stream connection speaks: SIP by Content-Length (RFC 3261 18.3, RFC 5626), or WebSocket frames (RFC 7118).
import { type Awaited, type FramedItem, type ParseLimits, StreamFramer } from '../sip/index.ts'
import type { FramingError } from './sockets.ts'
import type { TransportLimits } from './types.ts'
import {
  closeFrame,
  messageFrame,
  pingFrame,
  pongFrame,
  WebSocketFrames,
  type WebSocketItem,
  withLength,
} from './websocket-frames.ts'

/** What came off a connection. */
export type DialectItem =
  | { readonly kind: 'message'; readonly raw: string }
  /** The far end asks whether we live; `answer` is the wire text that says so. */
  | { readonly kind: 'ping'; readonly answer: string }
  | { readonly kind: 'pong' }
  /** It takes its leave; `answer` is the last that is sent. */
  | { readonly kind: 'close'; readonly answer: string }
  /** Nothing after it can be trusted: the error is answered as SIP where it has a head, else by `answer`. */
  | { readonly kind: 'error'; readonly answer: string }
  | FramingError

export interface StreamDialect {
  /** Something is begun and not complete. */
  readonly partial: boolean
  /** What has to be pushed before a message of SIP can begin, as `StreamFramer.awaited`. */
  readonly awaited: Awaited
  push(chunk: string): readonly DialectItem[]
  /** A message of ours as it goes out. */
  wire(message: string): string
  /** What asks the far end whether it lives. */
  readonly probe: string
  /** Milliseconds of silence after which it is asked; 0: never. */
  silence(limits: TransportLimits): number
  /** What is said before we close; '' where the dialect has no word for it. */
  leave(code: number, reason: string): string
}

/** RFC 5626 3.5.1: a double CRLF is answered by a single one. */
const PROBE = '\r\n\r\n'
const ANSWER: DialectItem = { kind: 'ping', answer: '\r\n' }
/** WebSockets are asked after so long a silence: nothing else keeps them open through NATs and proxies of the web. */
const WEB_SILENCE_MILLIS = 30_000

/** @param dialled only who opened a connection keeps it alive (RFC 5626 4.4) */
export function sipDialect(limits: ParseLimits, dialled: boolean): StreamDialect {
  const framer = new StreamFramer(limits)
  let refused = false
  const item = (framed: FramedItem): DialectItem => (framed.kind === 'ping' ? ANSWER : framed)
  return {
    get partial() {
      return framer.partial
    },
    get awaited() {
      return refused ? 'all' : framer.awaited
    },
    push(chunk) {
      if (framer.partial || !isBinary(chunk.charCodeAt(0))) return framer.push(chunk).map(item)
      refused = true
      const reason = 'binary bytes in place of SIP; is the far end speaking TLS to a port that is not tls?'
      return [{ kind: 'error', reason, status: 400, head: '' }]
    },
    wire: (message) => message,
    probe: PROBE,
    silence: ({ keepAliveMillis }) => (dialled ? keepAliveMillis : 0),
    leave: () => '',
  }
}

/** @param longest bytes of a message */
export function webDialect(longest: number): StreamDialect {
  const frames = new WebSocketFrames(longest)
  const item = (framed: WebSocketItem): DialectItem => {
    switch (framed.kind) {
      case 'message':
        // RFC 7118 5: one message a WebSocket message; keep-alives as on any stream.
        if (framed.text === PROBE) return { kind: 'ping', answer: messageFrame('\r\n') }
        return framed.text.trim() === '' ? { kind: 'pong' } : { kind: 'message', raw: withLength(framed.text) }
      case 'ping':
        return { kind: 'ping', answer: pongFrame(framed.text) }
      case 'pong':
        return framed
      case 'close':
        // RFC 6455 5.5.1: answered with its own code; the server ends the connection.
        return { kind: 'close', answer: closeFrame(framed.code, '') }
      case 'error':
        return { kind: 'error', answer: closeFrame(framed.code, framed.reason) }
    }
  }
  return {
    get partial() {
      return frames.partial
    },
    awaited: 'all',
    push: (chunk) => frames.push(chunk).map(item),
    wire: messageFrame,
    probe: pingFrame(),
    silence: ({ keepAliveMillis }) => keepAliveMillis || WEB_SILENCE_MILLIS,
    leave: closeFrame,
  }
}

// No message and no keep-alive begins with a control character: a TLS hello or a probe is seen by its first byte.
function isBinary(code: number): boolean {
  return (code < 32 && code !== 13 && code !== 10) || code > 126
}
