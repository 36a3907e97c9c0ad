// Owns the message of an event route that no message caused: like Kamailio's own, an OPTIONS that nobody sent.
import { parseMessage, type SipMessage } from '../sip/index.ts'

const TEXT = [
  'OPTIONS sip:you@signalbox.invalid SIP/2.0',
  'Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKplaceholder',
  'From: <sip:you@signalbox.invalid>;tag=placeholder',
  'To: <sip:you@signalbox.invalid>',
  'Call-ID: placeholder@signalbox.invalid',
  'CSeq: 1 OPTIONS',
  'Content-Length: 0',
  '',
  '',
].join('\r\n')

let placeholder: SipMessage | undefined

export function placeholderMessage(): SipMessage {
  if (placeholder === undefined) {
    const parsed = parseMessage(TEXT)
    if (!parsed.ok) throw new Error('the placeholder does not parse')
    placeholder = parsed.message
  }
  return placeholder
}
