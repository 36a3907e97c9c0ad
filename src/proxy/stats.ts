// Owns the figures of the proxy.

/** Counts since the start. */
export interface ProxyCounters {
  /** Requests that began something: no retransmission, no ACK of a failure. */
  requests: number
  /** Requests relayed with a transaction. */
  relayed: number
  /** Requests forwarded without one, ACKs to 2xx included. */
  forwarded: number
  branches: number
  /** Replies sent upstream, 100 included. */
  replies: number
  strayReplies: number
  /** Refused by a cap or while draining. */
  refused: number
  /** Refused by the checks of RFC 3261 16.3. */
  rejected: number
  loops: number
  /** Runs that neither relayed nor answered. */
  unanswered: number
  routeErrors: number
  canceled: number
  timeouts: number
  unreachable: number
}

export interface ProxyStats extends ProxyCounters {
  /** Requests under way, answered ones that still absorb retransmissions included. */
  contexts: number
  calls: number
  draining: number
}

export function newCounters(): ProxyCounters {
  return {
    requests: 0,
    relayed: 0,
    forwarded: 0,
    branches: 0,
    replies: 0,
    strayReplies: 0,
    refused: 0,
    rejected: 0,
    loops: 0,
    unanswered: 0,
    routeErrors: 0,
    canceled: 0,
    timeouts: 0,
    unreachable: 0,
  }
}
