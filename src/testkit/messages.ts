// Owns mock messages: a request from its parts, with what RFC 3261 8.1.1 demands and true lengths.

export interface RequestParts {
  readonly uri?: string
  /** Where it comes from, `udp:10.0.0.6:5060`: Via and Contact. */
  readonly from?: string
  /** Header lines (`Name: value`) put in place of those of the same name, or added. */
  readonly headers?: Record<string, string>
  readonly callId?: string
  readonly branch?: string
  readonly fromTag?: string
  readonly toTag?: string
  readonly cseq?: number
  readonly body?: string
  readonly contentType?: string
}

let serial = 0

/** A request that any proxy must take; every part may be given. */
export function request(method: string, parts: RequestParts = {}): string {
  const [transport = 'udp', address = '10.0.0.6', port = '5060'] = (parts.from ?? 'udp:10.0.0.6:5060').split(':')
  const uri = parts.uri ?? 'sip:bob@example.com'
  const number = ++serial
  const body = parts.body ?? ''
  const fields = new Map<string, string>([
    ['Via', `SIP/2.0/${transport.toUpperCase()} ${address}:${port};branch=z9hG4bK${parts.branch ?? `test${number}`}`],
    ['Max-Forwards', '70'],
    ['From', `<sip:alice@${address}>;tag=${parts.fromTag ?? `a${number}`}`],
    ['To', `<${uri}>${parts.toTag ? `;tag=${parts.toTag}` : ''}`],
    ['Call-ID', parts.callId ?? `test-${number}@${address}`],
    ['CSeq', `${parts.cseq ?? 1} ${method}`],
    ['Contact', `<sip:alice@${address}:${port};transport=${transport}>`],
  ])
  if (body) fields.set('Content-Type', parts.contentType ?? 'application/sdp')
  for (const [name, value] of Object.entries(parts.headers ?? {})) fields.set(name, value)
  fields.set('Content-Length', String(body.length))
  const lines = [...fields].map(([name, value]) => `${name}: ${value}`)
  return `${method} ${uri} SIP/2.0\r\n${lines.join('\r\n')}\r\n\r\n${body}`
}

/** A plain offer or answer of one audio stream. */
export function sdp(address: string, port: number, lines: readonly string[] = []): string {
  return `v=0\r\no=- 1 1 IN IP4 ${address}\r\ns=-\r\nc=IN IP4 ${address}\r\nt=0 0\r\nm=audio ${port} RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n${lines.map((line) => `${line}\r\n`).join('')}`
}
