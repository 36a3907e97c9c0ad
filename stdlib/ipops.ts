// Owns module ipops: tests on numeric addresses.
import type { BuiltinMeta, Parameter } from './contract.ts'
import { ANY_ROUTE, define } from './define.ts'
import { inNetwork, parseAddress, parseNetwork } from './ip-address.ts'

const address: Parameter = { name: 'address', kind: 'string' }

function ipops(
  name: string,
  kamailio: string,
  parameters: Parameter[],
  doc: string,
  example: string,
): Omit<BuiltinMeta, 'waits'> {
  return { name, kamailio, module: 'ipops', parameters, routes: ANY_ROUTE, doc, example }
}

export const isInSubnet = define(
  ipops(
    'isInSubnet',
    'is_in_subnet',
    [address, { name: 'networks', kind: 'string' }],
    'True if the address lies in one of the networks, separated by commas: 10.0.0.0/8, 2001:db8::/32, or a single address.',
    'is_in_subnet("$si", "10.0.0.0/8")',
  ),
  (text: string, networks: string) => {
    const bytes = parseAddress(text)
    if (bytes === undefined) return -1
    for (const part of networks.split(',')) {
      const network = parseNetwork(part.trim())
      if (network !== undefined && inNetwork(bytes, network)) return 1
    }
    return -1
  },
)

function family(text: string): 4 | 6 | undefined {
  const bytes = parseAddress(text)
  return bytes === undefined ? undefined : bytes.length === 4 ? 4 : 6
}

export const isIp = define(
  ipops('isIp', 'is_ip', [address], 'True if the text is an IPv4 or IPv6 address.', 'is_ip("$rd")'),
  (text: string) => (family(text) === undefined ? -1 : 1),
)

export const isIpv4 = define(
  ipops('isIpv4', 'is_ipv4', [address], 'True if the text is an IPv4 address.', 'is_ipv4("$rd")'),
  (text: string) => (family(text) === 4 ? 1 : -1),
)

export const isIpv6 = define(
  ipops('isIpv6', 'is_ipv6', [address], 'True if the text is an IPv6 address.', 'is_ipv6("$rd")'),
  (text: string) => (family(text) === 6 ? 1 : -1),
)

export const isIpRfc1918 = define(
  ipops(
    'isIpRfc1918',
    'is_ip_rfc1918',
    [address],
    'True if the address is private (RFC 1918).',
    'is_ip_rfc1918("$si")',
  ),
  (text: string) => {
    const bytes = parseAddress(text)
    if (bytes?.length !== 4) return -1
    return PRIVATE.some((network) => inNetwork(bytes, network)) ? 1 : -1
  },
)

const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'].map((text) => parseNetwork(text)!)
