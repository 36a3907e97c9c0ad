// Owns the delay that a proxy adds, read from a capture of the loopback: from a message's coming in to its going out again.
import { readFileSync } from 'node:fs'

const RECORD = 16
const ETHERNET = 14

export interface AddedDelay {
  /** Messages seen to come in and go out. */
  readonly messages: number
  readonly medianMillis: number
  readonly p99Millis: number
  readonly greatestMillis: number
}

/**
 * Reads a capture (pcap with microseconds or nanoseconds, Ethernet, UDP over IPv4) and pairs what comes to `port` with the
 * first that leaves it with the same Call-ID, CSeq and status or method. Retransmissions and what has no pair are left out.
 * @returns milliseconds, one for each pair
 */
export function addedDelays(path: string, port: number): number[] {
  const bytes = readFileSync(path)
  const nanoseconds = bytes.readUInt32LE(0) === 0xa1b23c4d
  const came = new Map<string, number>()
  const delays: number[] = []
  for (let at = 24; at + RECORD <= bytes.length; ) {
    const length = bytes.readUInt32LE(at + 8)
    const end = at + RECORD + length
    if (end > bytes.length) break
    const millis = bytes.readUInt32LE(at) * 1000 + bytes.readUInt32LE(at + 4) / (nanoseconds ? 1e6 : 1e3)
    const ip = at + RECORD + ETHERNET
    const udp = ip + (bytes[ip]! & 15) * 4
    if (bytes[ip + 9] === 17 && udp + 8 < end) {
      const key = messageKey(bytes.latin1Slice(udp + 8, end))
      if (key !== undefined) {
        const [from, to] = [bytes.readUInt16BE(udp), bytes.readUInt16BE(udp + 2)]
        if (to === port && !came.has(key)) came.set(key, millis)
        else if (from === port) {
          const since = came.get(key)
          if (since !== undefined && since >= 0) {
            delays.push(millis - since)
            // What comes again under this key is a retransmission.
            came.set(key, -1)
          }
        }
      }
    }
    at = end
  }
  return delays
}

export function summaryOf(delays: readonly number[]): AddedDelay {
  const sorted = Float64Array.from(delays).sort()
  const rank = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
  return { messages: sorted.length, medianMillis: rank(0.5), p99Millis: rank(0.99), greatestMillis: rank(1) }
}

function messageKey(text: string): string | undefined {
  const callId = /\r\nCall-ID: *(.*?)\r\n/i.exec(text)?.[1]
  const cseq = /\r\nCSeq: *(.*?)\r\n/i.exec(text)?.[1]
  if (callId === undefined || cseq === undefined) return undefined
  // 100 is the proxy's own.
  const status = text.startsWith('SIP/2.0 ') ? text.slice(8, 11) : ''
  return status === '100' ? undefined : `${callId} ${cseq} ${status}`
}

declare global {
  interface Buffer {
    latin1Slice(start: number, end: number): string
  }
}
