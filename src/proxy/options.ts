// Owns the settings of the proxy and their defaults.

/** What `limits` of the configuration says about the proxy. */
export interface ProxyLimits {
  /** Targets of one request, all legs together; tm's max_branches. */
  branches: number
  /** Calls tracked at once; beyond it new calls get 503. */
  calls: number
  /** Milliseconds that messages may stand unread before new requests are refused; 0: none is. */
  queueMillis: number
  /** Bytes beyond which a request leaves by a stream in place of UDP (RFC 3261 18.1.1); 0: whatever its length, by UDP. */
  udpMtu: number
}

/** What the proxy does by itself where the RFCs leave a choice. */
export interface ProxyOptions {
  /** Seconds in the Retry-After of a 503 that a cap or draining causes. */
  retryAfter: number
  /** Max-Forwards of a request that came without (RFC 3261 16.6 step 3). */
  maxForwards: number
  /** A received 503 goes upstream as 500 (RFC 3261 16.7 step 6); off as tm's disable_503_translation. */
  translate503: 'on' | 'off'
  /** Milliseconds without any request of the dialog after which a call is taken for over. */
  maxCallMillis: number
  /** Server of replies that are made here; '' leaves it out. */
  server: string
  /** User-Agent of requests of our own; '' leaves it out. */
  userAgent: string
  /** Every request is answered where it came from, as with force_rport. */
  forceRport: 'on' | 'off'
  /** By what a request leaves that is too long for UDP. */
  udpMtuTransport: 'tcp' | 'tls'
}

export const DEFAULT_PROXY_LIMITS: ProxyLimits = { branches: 12, calls: 100_000, queueMillis: 500, udpMtu: 0 }

export const DEFAULT_PROXY_OPTIONS: ProxyOptions = {
  retryAfter: 5,
  maxForwards: 70,
  translate503: 'on',
  maxCallMillis: 43_200_000,
  server: '',
  userAgent: '',
  forceRport: 'off',
  udpMtuTransport: 'tcp',
}
