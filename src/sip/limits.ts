// Owns the bounds of what the parser and the framer accept.

/** Bounds of one message; each is configurable. Sizes are bytes. */
export interface ParseLimits {
  /** The whole message. */
  readonly messageBytes: number
  /** Header lines (a folded line counts once). */
  readonly headerCount: number
  /** One header line, its folds included. */
  readonly headerBytes: number
  /** The Request-URI. */
  readonly uriBytes: number
  readonly bodyBytes: number
  /** Via values over all Via header lines. */
  readonly viaCount: number
}

export const DEFAULT_PARSE_LIMITS: ParseLimits = {
  messageBytes: 65_535,
  headerCount: 256,
  headerBytes: 16_384,
  uriBytes: 4096,
  bodyBytes: 65_535,
  viaCount: 128,
}

/** For messages that passed the limits already: read again in the isolate, after edits, or written by us. */
export const UNBOUNDED_PARSE_LIMITS: ParseLimits = {
  messageBytes: Number.POSITIVE_INFINITY,
  headerCount: Number.POSITIVE_INFINITY,
  headerBytes: Number.POSITIVE_INFINITY,
  uriBytes: Number.POSITIVE_INFINITY,
  bodyBytes: Number.POSITIVE_INFINITY,
  viaCount: Number.POSITIVE_INFINITY,
}
