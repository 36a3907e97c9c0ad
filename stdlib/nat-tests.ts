// Owns the signs of a sender behind NAT: private addresses and addresses that differ from where the message came from.
import { bareHost, type NameAddr, parseUri, type SipMessage } from '../src/sip/index.ts'
import { inNetwork, parseAddress, parseNetwork } from './ip-address.ts'
import { currentRun } from './runtime.ts'
import { bodyLines, sdpSpan } from './sdp-lines.ts'

/** RFC 1918, and RFC 6598 for the NAT of carriers. */
const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10'].map((text) => parseNetwork(text)!)

export function isPrivate(host: string): boolean {
  const address = parseAddress(bareHost(host))
  return address !== undefined && address.length === 4 && PRIVATE.some((network) => inNetwork(address, network))
}

/** The contact that is meant, the last one of the first Contact header; undefined for none and for `*`. */
export function ownContact(message: SipMessage): NameAddr | undefined {
  const at = message.find('Contact')
  if (at < 0) return undefined
  const [start, end] = [message.headerStart(at), message.headerEnd(at)]
  const contact = message.nameAddrs('Contact').findLast((one) => one.start >= start && one.end <= end)
  return contact === undefined || contact.uri === '*' ? undefined : contact
}

/** Addresses of the `c=` lines of the SDP. */
function mediaAddresses(message: SipMessage): string[] {
  const span = sdpSpan(message)
  if (span === undefined) return []
  const found: string[] = []
  for (const { start, end } of bodyLines(message.raw, span)) {
    const line = /^c=IN IP[46] ([^\s/]+)/.exec(message.raw.slice(start, end))
    if (line !== null) found.push(line[1]!)
  }
  return found
}

function contactUri(message: SipMessage) {
  const contact = ownContact(message)
  return contact === undefined ? undefined : parseUri(contact.uri)
}

function sameAddress(a: string, b: string): boolean {
  return bareHost(a).toLowerCase() === bareHost(b).toLowerCase()
}

/** nat_uac_test's flags, each with its test. */
const TESTS: readonly [flag: number, behindNat: (message: SipMessage) => boolean][] = [
  [1, (message) => isPrivate(contactUri(message)?.host ?? '')],
  [
    2,
    (message) => {
      const via = message.topVia
      return via !== undefined && !sameAddress(via.host, currentRun().meta.srcIp)
    },
  ],
  [4, (message) => isPrivate(message.topVia?.host ?? '')],
  [8, (message) => mediaAddresses(message).some(isPrivate)],
  [
    16,
    (message) => {
      const via = message.topVia
      return via !== undefined && (via.port ?? 5060) !== currentRun().meta.srcPort
    },
  ],
  [32, () => isPrivate(currentRun().meta.srcIp)],
  [64, () => isWebSocket()],
  [
    128,
    (message) => {
      const uri = contactUri(message)
      return uri !== undefined && (uri.port ?? 5060) !== currentRun().meta.srcPort
    },
  ],
  [256, (message) => mediaAddresses(message).some((address) => !sameAddress(address, currentRun().meta.srcIp))],
  [512, () => isWebSocket() || destinationDiffers()],
]

function isWebSocket(): boolean {
  const proto: string = currentRun().meta.proto
  return proto === 'ws' || proto === 'wss'
}

function destinationDiffers(): boolean {
  const run = currentRun()
  if (run.reply !== undefined) {
    const via = run.message.vias()[1]
    if (via === undefined) return false
    const received = via.params.get('received')
    const rport = via.params.get('rport')
    return (
      (received !== undefined && received !== '' && !sameAddress(received, via.host)) ||
      (rport !== undefined && rport !== '' && Number(rport) !== (via.port ?? 5060))
    )
  }
  const target = run.target
  const next = target === undefined || target.nextHop === '' ? undefined : parseUri(target.nextHop)
  const uri = target?.parsed
  if (next === undefined || uri === undefined) return false
  return !sameAddress(next.host, uri.host) || (next.port ?? 5060) !== (uri.port ?? 5060)
}

/** True when one of the tests that the flags name finds a NAT. */
export function behindNat(flags: number): boolean {
  const { message } = currentRun()
  return TESTS.some(([flag, test]) => (flags & flag) !== 0 && test(message))
}
