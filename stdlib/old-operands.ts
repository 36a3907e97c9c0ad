// Owns comparisons of SER's old operands: method, uri, from_uri, src_ip, proto, myself and so on.
import { bareHost, bracketHost, parseUri, SipReply, SipRequest } from '../src/sip/index.ts'
import { inNetwork, parseAddress, parseNetwork } from './ip-address.ts'
import { posixRegex } from './regex.ts'
import { currentRun, opNow } from './runtime.ts'

/** How the right side stands in the file. */
export type OldRight =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'address'; readonly text: string }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'myself' }

type Operator = '==' | '!=' | '=~' | '>' | '<' | '>=' | '<='

function isMyself(host: string, port: number, proto: string): boolean {
  return opNow('local', { host: bareHost(host), port, proto }) === 1
}

/** A URI is ours by host and port; one without port by its host alone. */
function uriIsMyself(text: string | undefined): boolean {
  const uri = text === undefined ? undefined : parseUri(text)
  if (uri === undefined || uri.host === '') return false
  return isMyself(uri.host, uri.port ?? 0, uri.params.get('transport')?.toLowerCase() ?? '')
}

const URIS: Readonly<Record<string, () => string | undefined>> = {
  uri: () => currentRun().target?.uri,
  from_uri: () => currentRun().message.from?.uri,
  to_uri: () => currentRun().message.to?.uri,
}

const ADDRESSES: Readonly<Record<string, () => { address: string; port: number }>> = {
  src_ip: () => ({ address: currentRun().meta.srcIp, port: currentRun().meta.srcPort }),
  dst_ip: () => ({ address: currentRun().meta.dstIp, port: currentRun().meta.dstPort }),
  snd_ip: () => ({ address: currentRun().meta.dstIp, port: currentRun().meta.dstPort }),
  to_ip: () => ({ address: currentRun().meta.srcIp, port: currentRun().meta.srcPort }),
}

const NUMBERS: Readonly<Record<string, () => number>> = {
  src_port: () => currentRun().meta.srcPort,
  dst_port: () => currentRun().meta.dstPort,
  snd_port: () => currentRun().meta.dstPort,
  to_port: () => currentRun().meta.srcPort,
  'msg:len': () => currentRun().raw.length,
  af: () => (currentRun().meta.srcIp.includes(':') ? 10 : 2),
  snd_af: () => (currentRun().meta.dstIp.includes(':') ? 10 : 2),
  to_af: () => (currentRun().meta.srcIp.includes(':') ? 10 : 2),
  status: () => {
    const { message } = currentRun()
    return message instanceof SipReply ? message.status : 0
  },
}

const TEXTS: Readonly<Record<string, () => string | undefined>> = {
  ...URIS,
  method: () => {
    const { message } = currentRun()
    return message instanceof SipRequest ? message.method : undefined
  },
  status: () => {
    const { message } = currentRun()
    return message instanceof SipReply ? `${message.status}` : undefined
  },
  proto: () => currentRun().meta.proto,
  snd_proto: () => currentRun().meta.proto,
  to_proto: () => currentRun().meta.proto,
}

/** Values that are compared without case. */
const CASELESS = new Set(['uri', 'from_uri', 'to_uri', 'method', 'proto', 'snd_proto', 'to_proto'])

const own = <T>(table: Readonly<Record<string, T>>, key: string): T | undefined =>
  Object.hasOwn(table, key) ? table[key] : undefined

function numeric(read: () => number, operator: Operator, wanted: number): () => boolean {
  switch (operator) {
    case '!=':
      return () => read() !== wanted
    case '>':
      return () => read() > wanted
    case '<':
      return () => read() < wanted
    case '>=':
      return () => read() >= wanted
    case '<=':
      return () => read() <= wanted
    default:
      return () => read() === wanted
  }
}

function positive(operand: string, right: OldRight, operator: Operator): () => boolean {
  const address = own(ADDRESSES, operand)
  const uri = own(URIS, operand)
  if (right.kind === 'myself') {
    if (uri !== undefined) return () => uriIsMyself(uri())
    // The address alone counts, as in 5.6.3.
    if (address !== undefined) return () => opNow('socket', { text: bracketHost(address().address) }) >= 0
    return () => false
  }
  if (address !== undefined) {
    const text = right.kind === 'number' ? `${right.value}` : right.text
    if (operator === '=~') return matching(() => address().address, text)
    const network = parseNetwork(text)
    if (network === undefined) return () => address().address === text.toLowerCase()
    return () => {
      const bytes = parseAddress(address().address)
      return bytes !== undefined && inNetwork(bytes, network)
    }
  }
  const number = own(NUMBERS, operand)
  const text = own(TEXTS, operand)
  if (operator === '=~' && text !== undefined)
    return matching(text, right.kind === 'number' ? `${right.value}` : right.text)
  if (number !== undefined) {
    const wanted = right.kind === 'number' ? right.value : numberOf(right.text)
    return numeric(number, operator === '!=' ? '==' : operator, wanted)
  }
  if (text === undefined) return () => false
  const wanted = right.kind === 'number' ? `${right.value}` : right.text
  if (CASELESS.has(operand)) {
    const lower = wanted.toLowerCase()
    return () => text()?.toLowerCase() === lower
  }
  return () => text() === wanted
}

function numberOf(text: string): number {
  const upper = text.toUpperCase()
  return upper === 'INET6' ? 10 : upper === 'INET' ? 2 : Number.parseInt(text, 10)
}

function matching(text: () => string | undefined, pattern: string): () => boolean {
  const compiled = posixRegex(pattern, { ignoreCase: true })
  return () => {
    const value = text()
    return value !== undefined && compiled.test(value)
  }
}

/** The condition that an old comparison stands for. A URI without a message part to read is never equal. */
export function oldCondition(operand: string, operator: Operator, right: OldRight): () => boolean {
  const condition = positive(operand, right, operator)
  return operator === '!=' ? () => !condition() : condition
}

/** An old operand whose right side is known only when it runs. */
export function oldValue(operand: string): string {
  const address = own(ADDRESSES, operand)
  if (address !== undefined) return address().address
  return own(TEXTS, operand)?.() ?? `${own(NUMBERS, operand)?.() ?? ''}`
}
