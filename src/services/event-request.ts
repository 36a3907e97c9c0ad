// Owns the message of an event that has a target: a request that nobody sent, with that target as its R-URI.
import { type IdSource, parseMessage, type SipMessage } from '../sip/index.ts'

/** An OPTIONS to `uri`; undefined where it is no URI that a message can carry. */
export function buildEventRequest(ids: IdSource, uri: string, method = 'OPTIONS'): SipMessage | undefined {
  const parsed = parseMessage(
    [
      `${method} ${uri} SIP/2.0`,
      'Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKevent',
      'From: <sip:event@signalbox.invalid>;tag=event',
      `To: <${uri}>`,
      `Call-ID: ${ids.callId()}`,
      `CSeq: 1 ${method}`,
      'Content-Length: 0',
      '',
      '',
    ].join('\r\n'),
  )
  return parsed.ok ? parsed.message : undefined
}
