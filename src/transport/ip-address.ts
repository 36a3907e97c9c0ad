// Owns numeric IP addresses: canonical text, families, loopback, subnets and sources.
import { isIP, isIPv4, isIPv6, SocketAddress } from 'node:net'
import { bracketHost } from '../sip/index.ts'

/** The canonical text of a numeric address, brackets removed, IPv4-mapped IPv6 unwrapped; undefined for a name. */
export function numericAddress(host: string): string | undefined {
  if (host === lastIPv4) return host
  if (isIPv4(host)) {
    lastIPv4 = host
    return host
  }
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host
  if (!isIPv6(bare)) return undefined
  const percent = bare.indexOf('%')
  const plain = percent < 0 ? bare : bare.slice(0, percent)
  const canonical = new SocketAddress({ address: plain, family: 'ipv6' }).address
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(canonical)
  if (mapped) return mapped[1]!
  return percent < 0 ? canonical : canonical + bare.slice(percent)
}

/** 4 or 6 for a numeric address, 0 for anything else. */
export function addressFamily(address: string): 0 | 4 | 6 {
  if (address === lastAsked) return lastFamily
  lastAsked = address
  lastFamily = isIP(address) as 0 | 4 | 6
  return lastFamily
}

/** The same address is asked of again and again. */
let lastIPv4 = ''
let lastAsked = ''
let lastFamily: 0 | 4 | 6 = 0

export function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1'
}

/** `::` and `0.0.0.0`. */
export function isWildcard(address: string): boolean {
  return address === '0.0.0.0' || address === '::'
}

/** `address:port` with brackets where they are needed, for logs and errors. */
export function endpointText(address: string, port: number): string {
  return `${bracketHost(address)}:${port}`
}

/** The bits of a numeric address as one integer. */
function addressBits(address: string): bigint {
  if (isIPv4(address)) return address.split('.').reduce((bits, part) => (bits << 8n) | BigInt(part), 0n)
  const text = address.split('%')[0]!
  const [head = '', tail] = text.split('::')
  const groups = (part: string): string[] =>
    part === ''
      ? []
      : part.split(':').flatMap((group) => {
          if (!group.includes('.')) return [group]
          const bits = addressBits(group)
          return [(bits >> 16n).toString(16), (bits & 0xffffn).toString(16)]
        })
  const left = groups(head)
  const right = tail === undefined ? [] : groups(tail)
  const zeros = tail === undefined ? [] : new Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0')
  return [...left, ...zeros, ...right].reduce((bits, group) => (bits << 16n) | BigInt(`0x${group}`), 0n)
}

/** Whether `address` lies in the subnet of `network` with that many leading bits; families must be equal. */
export function inSubnet(address: string, network: string, prefix: number): boolean {
  const family = addressFamily(address.split('%')[0]!)
  if (family === 0 || family !== addressFamily(network.split('%')[0]!)) return false
  const shift = BigInt((family === 4 ? 32 : 128) - prefix)
  return addressBits(address) >> shift === addressBits(network) >> shift
}

/** The unit in which sources are counted: an IPv4 address, or the /64 that one IPv6 customer has. */
export function sourceKey(address: string): string {
  if (!address.includes(':')) return address
  return (addressBits(address) >> 64n).toString(16)
}
