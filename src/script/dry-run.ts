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

export function dryAnswer(op: string): unknown {
  if (op === 'rtp') return { code: 1 }
  if (op === 'env' || op === 'request' || op === 'socketText') return null
  if (op === 'transaction') return []
  return op === 'local' ? 0 : 1
}
