// Owns what the tests of src/sip share: the benchmark's INVITE, parsing that must succeed, and the corpora outside the repository.

import { existsSync, readFileSync } from 'node:fs'
import { parseMessage, SipReply, SipRequest } from '../../src/sip/index.ts'

/** The INVITE of the signalling benchmark, as its caller writes it. */
export const benchInvite = [
  'INVITE sip:87000@127.0.0.1:5060 SIP/2.0',
  'Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK-24117-1-0',
  'From: "10048 - Armstrong, Clint" <sip:10048@127.0.0.1:5070>;tag=24117a1',
  'To: <sip:87000@127.0.0.1:5060>',
  'Call-ID: 1-24117@127.0.0.1',
  'CSeq: 101 INVITE',
  'Date: Mon, 24 Aug 2015 12:22:29 GMT',
  'Supported: timer,resource-priority,replaces',
  'Min-SE: 1800',
  'User-Agent: Cisco-CUCM9.1',
  'Allow: INVITE, OPTIONS, INFO, BYE, CANCEL, ACK, PRACK, UPDATE, REFER, SUBSCRIBE, NOTIFY',
  'Expires: 180',
  'Allow-Events: presence, kpml',
  'Supported: X-cisco-srtp-fallback,X-cisco-original-called',
  'Cisco-Guid: 3357373952-0000065536-0000032693-0872546314',
  'Session-Expires: 1800',
  'P-Asserted-Identity: "10048 - Armstrong, Clint" <sip:10048@10.0.2.52>',
  'Remote-Party-ID: "10048 - Armstrong, Clint" <sip:10048@10.0.2.52>;party=calling;screen=yes;privacy=off',
  'Contact: <sip:10048@127.0.0.1:5070>',
  'Max-Forwards: 70',
  'Content-Type: application/sdp',
  'Content-Length: 207',
  '',
  'v=0',
  'o=CiscoSystemsCCM-SIP 94213 1 IN IP4 10.0.2.52',
  's=SIP Call',
  'c=IN IP4 127.0.0.1',
  't=0 0',
  'm=audio 31182 RTP/AVP 0 101',
  'a=rtpmap:0 PCMU/8000',
  'a=ptime:20',
  'a=rtpmap:101 telephone-event/8000',
  'a=fmtp:101 0-15',
  '',
].join('\r\n')

/** The request in `raw`; throws when it is none. */
export function request(raw: string): SipRequest {
  const result = parseMessage(raw)
  if (!result.ok) throw new Error(`${result.status} ${result.reason}`)
  if (!(result.message instanceof SipRequest)) throw new Error('not a request')
  return result.message
}

/** The reply in `raw`; throws when it is none. */
export function reply(raw: string): SipReply {
  const result = parseMessage(raw)
  if (!result.ok) throw new Error(`${result.status} ${result.reason}`)
  if (!(result.message instanceof SipReply)) throw new Error('not a reply')
  return result.message
}

/** A request with the given header lines between a plain start line and Content-Length. */
export function requestWith(...lines: string[]): SipRequest {
  return request(`INVITE sip:bob@example.com SIP/2.0\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`)
}

const SHARED = new URL('../../../shared/', import.meta.url)

/** A file of the shared data as latin1, or undefined where it is absent. */
export function shared(path: string): string | undefined {
  const url = new URL(path, SHARED)
  return existsSync(url) ? readFileSync(url, 'latin1') : undefined
}

/** The rows of a shared table with its header line; said aloud and empty where it is absent. */
export function sharedTable(path: string): Record<string, string>[] {
  const text = shared(path)
  if (text === undefined) {
    console.warn(`SKIPPED: shared data ${path} is absent`)
    return []
  }
  const [head = '', ...rows] = text.trimEnd().split('\n')
  const names = head.split('\t')
  return rows.map((row) => Object.fromEntries(row.split('\t').map((cell, i) => [names[i] ?? '', cell])))
}
