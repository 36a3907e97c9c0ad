// Owns the SIP messages that transport tests send.

/** An OPTIONS request; `via` and `extra` are whole header lines without their CRLF. */
export function optionsRequest(change: { via?: string; extra?: string; callId?: string; body?: string } = {}): string {
  const body = change.body ?? ''
  return [
    'OPTIONS sip:10.0.0.5 SIP/2.0',
    change.via ?? 'Via: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKabc',
    'From: <sip:a@10.0.0.9>;tag=1',
    'To: <sip:10.0.0.5>',
    `Call-ID: ${change.callId ?? 'c1'}`,
    'CSeq: 1 OPTIONS',
    'Max-Forwards: 70',
    ...(change.extra ? [change.extra] : []),
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n')
}

/** A `failed` callback for sends that must not fail. */
export function noFailure(error: Error): void {
  throw error
}
