// Owns numeric addresses: reading IPv4 and IPv6, and whether one lies in a network.

/** The bytes of an address (4 or 16); brackets around IPv6 are let pass. Undefined when it is none. */
export function parseAddress(text: string): number[] | undefined {
  if (text.startsWith('[') && text.endsWith(']')) return parseIpv6(text.slice(1, -1))
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text)
}

function parseIpv4(text: string): number[] | undefined {
  const parts = text.split('.')
  if (parts.length !== 4) return undefined
  const bytes: number[] = []
  for (const part of parts) {
    if (!/^\d{1,3}$/.test(part) || Number(part) > 255) return undefined
    bytes.push(Number(part))
  }
  return bytes
}

function parseIpv6(text: string): number[] | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const head = groups(halves[0]!)
  const tail = halves.length === 2 ? groups(halves[1]!) : []
  if (head === undefined || tail === undefined) return undefined
  const missing = 16 - head.length - tail.length
  if (halves.length === 2 ? missing < 2 : missing !== 0) return undefined
  return [...head, ...new Array<number>(missing).fill(0), ...tail]
}

/** Bytes of groups that colons separate; the last may be IPv4 (RFC 4291 2.2). */
function groups(text: string): number[] | undefined {
  if (text === '') return []
  const bytes: number[] = []
  const parts = text.split(':')
  for (const [index, part] of parts.entries()) {
    if (part.includes('.')) {
      const v4 = index === parts.length - 1 ? parseIpv4(part) : undefined
      if (v4 === undefined) return undefined
      bytes.push(...v4)
      continue
    }
    if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return undefined
    const value = Number.parseInt(part, 16)
    bytes.push(value >> 8, value & 255)
  }
  return bytes.length > 16 ? undefined : bytes
}

export interface Network {
  readonly bytes: readonly number[]
  readonly bits: number
}

/** `address`, `address/bits` or `address/mask`. Undefined when it is none. */
export function parseNetwork(text: string): Network | undefined {
  const slash = text.indexOf('/')
  const bytes = parseAddress(slash < 0 ? text : text.slice(0, slash))
  if (bytes === undefined) return undefined
  if (slash < 0) return { bytes, bits: bytes.length * 8 }
  const length = text.slice(slash + 1)
  if (/^\d{1,3}$/.test(length)) {
    return Number(length) <= bytes.length * 8 ? { bytes, bits: Number(length) } : undefined
  }
  const mask = parseAddress(length)
  if (mask === undefined || mask.length !== bytes.length) return undefined
  const pattern = mask.map((byte) => byte.toString(2).padStart(8, '0')).join('')
  return /^1*0*$/.test(pattern) ? { bytes, bits: pattern.replaceAll('0', '').length } : undefined
}

export function inNetwork(address: readonly number[], network: Network): boolean {
  if (address.length !== network.bytes.length) return false
  for (let bit = 0; bit < network.bits; bit += 8) {
    const mask = network.bits - bit >= 8 ? 0xff : (0xff << (8 - (network.bits - bit))) & 0xff
    if ((address[bit / 8]! & mask) !== (network.bytes[bit / 8]! & mask)) return false
  }
  return true
}
