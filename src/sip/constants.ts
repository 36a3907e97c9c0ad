// Owns the fixed words of SIP: transports, methods, reason phrases, the magic cookie and default ports.

/** A transport of RFC 3261 19.1.1 and RFC 7118, in lower case. */
export type Transport = 'udp' | 'tcp' | 'tls' | 'ws' | 'wss'

export const TRANSPORTS: readonly Transport[] = ['udp', 'tcp', 'tls', 'ws', 'wss']

/** Reads a transport in any case, as Via and `;transport=` spell it. */
export function parseTransport(text: string): Transport | undefined {
  const lower = text.toLowerCase()
  return (TRANSPORTS as readonly string[]).includes(lower) ? (lower as Transport) : undefined
}

/** The port a SIP server listens on when none is written: 5061 for TLS, 80 and 443 for WebSocket, else 5060. */
export function defaultPort(transport: Transport): number {
  switch (transport) {
    case 'tls':
      return 5061
    case 'ws':
      return 80
    case 'wss':
      return 443
    default:
      return 5060
  }
}

/** The methods registered with IANA; a request with another one is still forwarded. */
export const METHODS: readonly string[] = [
  'ACK',
  'BYE',
  'CANCEL',
  'INFO',
  'INVITE',
  'MESSAGE',
  'NOTIFY',
  'OPTIONS',
  'PRACK',
  'PUBLISH',
  'REFER',
  'REGISTER',
  'SUBSCRIBE',
  'UPDATE',
]

const KNOWN_METHODS: ReadonlySet<string> = new Set(METHODS)

/** The method that stands in `text` from `start` to `end`: of a known one always the same string, that comparing is looking at a pointer. */
export function methodAt(text: string, start: number, end: number): string {
  const letter = text.charCodeAt(start)
  for (const method of METHODS)
    if (method.charCodeAt(0) === letter && method.length === end - start && text.startsWith(method, start))
      return method
  return text.slice(start, end)
}

/** Whether IANA knows the method. Methods are case-sensitive (RFC 3261 7.1). */
export function isKnownMethod(method: string): boolean {
  return KNOWN_METHODS.has(method)
}

/** A branch that starts with it is unique (RFC 3261 8.1.1.7). */
export const MAGIC_COOKIE = 'z9hG4bK'

const REASON_PHRASES: Readonly<Record<number, string>> = {
  100: 'Trying',
  180: 'Ringing',
  181: 'Call Is Being Forwarded',
  182: 'Queued',
  183: 'Session Progress',
  199: 'Early Dialog Terminated',
  200: 'OK',
  202: 'Accepted',
  204: 'No Notification',
  300: 'Multiple Choices',
  301: 'Moved Permanently',
  302: 'Moved Temporarily',
  305: 'Use Proxy',
  380: 'Alternative Service',
  400: 'Bad Request',
  401: 'Unauthorized',
  402: 'Payment Required',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  407: 'Proxy Authentication Required',
  408: 'Request Timeout',
  410: 'Gone',
  412: 'Conditional Request Failed',
  413: 'Request Entity Too Large',
  414: 'Request-URI Too Long',
  415: 'Unsupported Media Type',
  416: 'Unsupported URI Scheme',
  417: 'Unknown Resource-Priority',
  420: 'Bad Extension',
  421: 'Extension Required',
  422: 'Session Interval Too Small',
  423: 'Interval Too Brief',
  424: 'Bad Location Information',
  428: 'Use Identity Header',
  429: 'Provide Referrer Identity',
  430: 'Flow Failed',
  433: 'Anonymity Disallowed',
  436: 'Bad Identity Info',
  437: 'Unsupported Credential',
  438: 'Invalid Identity Header',
  439: 'First Hop Lacks Outbound Support',
  440: 'Max-Breadth Exceeded',
  469: 'Bad Info Package',
  470: 'Consent Needed',
  480: 'Temporarily Unavailable',
  481: 'Call/Transaction Does Not Exist',
  482: 'Loop Detected',
  483: 'Too Many Hops',
  484: 'Address Incomplete',
  485: 'Ambiguous',
  486: 'Busy Here',
  487: 'Request Terminated',
  488: 'Not Acceptable Here',
  489: 'Bad Event',
  491: 'Request Pending',
  493: 'Undecipherable',
  494: 'Security Agreement Required',
  500: 'Server Internal Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Server Time-out',
  505: 'Version Not Supported',
  513: 'Message Too Large',
  555: 'Push Notification Service Not Supported',
  580: 'Precondition Failure',
  600: 'Busy Everywhere',
  603: 'Decline',
  604: 'Does Not Exist Anywhere',
  606: 'Not Acceptable',
  607: 'Unwanted',
  608: 'Rejected',
}

/** The phrase RFC 3261 21 and the IANA registry give a status; for an unknown one that of its class. */
export function reasonPhrase(status: number): string {
  return REASON_PHRASES[status] ?? REASON_PHRASES[Math.floor(status / 100) * 100] ?? 'Unknown'
}

/** Methods as the bits that Kamailio gives them, in `$rm` as a number and in table `location`. */
export const METHOD_BITS: ReadonlyMap<string, number> = new Map(
  [
    'INVITE',
    'CANCEL',
    'ACK',
    'BYE',
    'INFO',
    'REGISTER',
    'SUBSCRIBE',
    'NOTIFY',
    'MESSAGE',
    'OPTIONS',
    'PRACK',
    'UPDATE',
    'REFER',
    'PUBLISH',
  ].map((name, bit) => [name, 1 << bit]),
)
