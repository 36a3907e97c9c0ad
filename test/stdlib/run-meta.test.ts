// Owns the proof that what a run is told arrives as it was sent.
import { expect, test } from 'vitest'
import type { RunMeta } from '../../stdlib/contract.ts'
import { decodeHead, encodeHead } from '../../stdlib/run-head.ts'
import { decodeMeta, encodeMeta } from '../../stdlib/run-meta.ts'

const meta: RunMeta = {
  srcIp: '2001:db8::1',
  srcPort: 5070,
  dstIp: '10.0.0.5',
  dstPort: 5061,
  proto: 'tls',
  listener: {
    id: 3,
    address: '10.0.0.5',
    port: 5061,
    advertisedHost: 'sbc.example.com',
    advertisedPort: 5061,
    name: 'out',
  },
  transactionId: 4711,
  transactionMatch: 1,
  branch: -1,
  messageNumber: 99,
  canceled: true,
}

test('addresses and numbers', () => {
  expect(decodeMeta(encodeMeta(meta))).toEqual(meta)
  const other = {
    ...meta,
    proto: 'udp' as const,
    branch: 2,
    canceled: false,
    listener: { id: 1, address: '::1', port: 5060 },
  }
  expect(decodeMeta(encodeMeta(other))).toEqual(other)
  expect(decodeMeta(encodeMeta(meta))).toEqual(meta)
})

test('a failure, with the reply that won', () => {
  const failure = { ...meta, status: 486, timedOut: false, reply: 'SIP/2.0 486 Busy\r\n\r\n' }
  expect(decodeMeta(encodeMeta(failure))).toEqual(failure)
})

test('the head', () => {
  expect(decodeHead(encodeHead(7, 'reply', 'O365', '1,2', meta))).toEqual({
    runId: 7,
    kind: 'reply',
    name: 'O365',
    transactionId: 4711,
    released: '1,2',
    meta: encodeMeta(meta),
  })
  expect(decodeHead(encodeHead(8, 'request', '', '', meta))).toMatchObject({ kind: 'request', name: '', released: '' })
})
