// Owns the trivial call that warms a program: its message, and a world that answers without doing anything.
import type { RunMeta } from './program.ts'

export const DRY_REQUEST = [
  'INVITE sip:warm@signalbox.invalid SIP/2.0',
  'Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKwarm',
  'From: <sip:warm@signalbox.invalid>;tag=warm',
  'To: <sip:warm@signalbox.invalid>',
  'Call-ID: warm@signalbox.invalid',
  'CSeq: 1 INVITE',
  'Max-Forwards: 70',
  'Contact: <sip:warm@192.0.2.1:5060>',
  'Content-Length: 0',
  '',
  '',
].join('\r\n')

const SDP =
  'v=0\r\no=- 85 0 IN IP4 192.0.2.3\r\ns=-\r\nc=IN IP4 192.0.2.3\r\nt=0 0\r\nm=audio 54532 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n'
const DIALOG = [
  'From: "Warm" <sip:warm@signalbox.invalid>;tag=warm',
  'To: <sip:warm@signalbox.invalid>;tag=warmer',
  'Call-ID: warm@signalbox.invalid',
]

/** Messages of a call, for the route that warms an isolate. */
export const WARM_MESSAGES: readonly { kind: 'request' | 'reply'; raw: string }[] = [
  {
    kind: 'request',
    raw: DRY_REQUEST.replace(
      'Content-Length: 0\r\n\r\n',
      `User-Agent: warm\r\nAllow: INVITE, ACK, BYE\r\nSupported: timer,replaces\r\nContent-Type: application/sdp\r\nContent-Length: ${SDP.length}\r\n\r\n${SDP}`,
    ),
  },
  {
    kind: 'reply',
    raw: [
      'SIP/2.0 200 OK',
      'Via: SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bKwarm',
      'Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKwarm',
      'Record-Route: <sip:192.0.2.2;ftag=warm;lr>',
      ...DIALOG,
      'CSeq: 1 INVITE',
      'Contact: <sip:warm@192.0.2.3:5060>',
      'Content-Type: application/sdp',
      `Content-Length: ${SDP.length}`,
      '',
      SDP,
    ].join('\r\n'),
  },
  ...['ACK', 'BYE'].map((method) => ({
    kind: 'request' as const,
    raw: [
      `${method} sip:warm@192.0.2.3:5060 SIP/2.0`,
      'Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKwarmer',
      'Route: <sip:192.0.2.2;ftag=warm;lr>',
      ...DIALOG,
      `CSeq: 2 ${method}`,
      'Contact: <sip:warm@192.0.2.1:5060>',
      'Max-Forwards: 70',
      'Content-Length: 0',
      '',
      '',
    ].join('\r\n'),
  })),
]

/** Addresses of RFC 5737, which no peer has. */
export const DRY_META: RunMeta = {
  srcIp: '192.0.2.1',
  srcPort: 5060,
  dstIp: '192.0.2.2',
  dstPort: 5060,
  proto: 'udp',
  listener: { id: 0, address: '192.0.2.2', port: 5060 },
  transactionId: 0,
  transactionMatch: 0,
  branch: -1,
  messageNumber: 0,
}

export function dryAnswer(op: string): string | number {
  if (op === 'rtp') return '{"code":1}'
  if (op === 'env' || op === 'request' || op === 'socketText') return 'null'
  if (op === 'transaction') return '[]'
  return op === 'local' ? 0 : 1
}
