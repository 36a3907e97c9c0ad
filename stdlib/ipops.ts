// Owns module ipops: tests on numeric addresses.
import type { Parameter, PvReference } from './contract.ts'
import { code, declarations } from './declaration.ts'
import { ANY_ROUTE, define, defineWaiting } from './define.ts'
import { inNetwork, parseAddress, parseNetwork } from './ip-address.ts'
import { after } from './pending.ts'
import { definePvClass } from './pv.ts'
import { PvSyntaxError } from './pv-format.ts'
import { ask } from './service.ts'

const address: Parameter = { name: 'address', kind: 'string' }

const ipops = declarations('ipops')

export const isInSubnet = define(
  ipops(
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
  ipops('is_ip', [address], 'True if the text is an IPv4 or IPv6 address.', 'is_ip("$rd")'),
  (text: string) => (family(text) === undefined ? -1 : 1),
)

export const isIpv4 = define(
  ipops('is_ipv4', [address], 'True if the text is an IPv4 address.', 'is_ipv4("$rd")'),
  (text: string) => (family(text) === 4 ? 1 : -1),
)

export const isIpv6 = define(
  ipops('is_ipv6', [address], 'True if the text is an IPv6 address.', 'is_ipv6("$rd")'),
  (text: string) => (family(text) === 6 ? 1 : -1),
)

export const isIpRfc1918 = define(
  ipops('is_ip_rfc1918', [address], 'True if the address is private (RFC 1918).', 'is_ip_rfc1918("$si")'),
  (text: string) => {
    const bytes = parseAddress(text)
    if (bytes?.length !== 4) return -1
    return PRIVATE.some((network) => inNetwork(bytes, network)) ? 1 : -1
  },
)

const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'].map((text) => parseNetwork(text)!)

const bare = (text: string) => text.replace(/^\[(.*)\]$/, '$1')
function sameAddress(one: string, other: string): number {
  const [a, b] = [parseAddress(one), parseAddress(other)]
  if (a === undefined || b === undefined || a.length !== b.length) return -1
  return a.every((byte, i) => byte === b[i]) ? 1 : -1
}

export const compareIps = define(
  ipops(
    'compare_ips',
    [address, { name: 'other', kind: 'string' }],
    'True if the addresses are the same, IPv6 in brackets or not.',
    'compare_ips("$si", "10.0.0.1")',
  ),
  (one: string, other: string) => sameAddress(bare(one), bare(other)),
)

export const comparePureIps = define(
  ipops(
    'compare_pure_ips',
    [address, { name: 'other', kind: 'string' }],
    'As compare_ips, without brackets.',
    'compare_pure_ips("$si", "10.0.0.1")',
  ),
  (one: string, other: string) => (one.includes('[') || other.includes('[') ? -1 : sameAddress(one, other)),
)

export const isPureIp = define(
  ipops('is_pure_ip', [address], 'True if the text is an address without brackets.', 'is_pure_ip("$rd")'),
  (text: string) => (!text.includes('[') && family(text) !== undefined ? 1 : -1),
)

export const isIpv6Reference = define(
  ipops('is_ipv6_reference', [address], 'True if the text is an IPv6 address in brackets.', 'is_ipv6_reference("$rd")'),
  (text: string) => (/^\[.*\]$/.test(text) && family(bare(text)) === 6 ? 1 : -1),
)

export const ipType = define(
  ipops(
    'ip_type',
    [address],
    'The kind of address as the code: 1 IPv4, 2 IPv6, 3 IPv6 in brackets.',
    'ip_type("$rd");',
  ),
  (text: string) => {
    if (/^\[.*\]$/.test(text)) return family(bare(text)) === 6 ? 3 : -1
    const found = family(text)
    return found === undefined ? -1 : found === 4 ? 1 : 2
  },
)

/** Networks with a name of their own (RFC 6890), the narrower ones first. */
const NAMED = (
  [
    ['255.255.255.255/32', 'BROADCAST'],
    ['0.0.0.0/8', 'PRIVATE'],
    ['10.0.0.0/8', 'PRIVATE'],
    ['100.64.0.0/10', 'SHARED'],
    ['127.0.0.0/8', 'LOOPBACK'],
    ['169.254.0.0/16', 'LINK-LOCAL'],
    ['172.16.0.0/12', 'PRIVATE'],
    ['192.0.0.0/24', 'RESERVED'],
    ['192.0.2.0/24', 'TEST-NET'],
    ['192.88.99.0/24', '6TO4-RELAY'],
    ['192.168.0.0/16', 'PRIVATE'],
    ['198.18.0.0/15', 'RESERVED'],
    ['198.51.100.0/24', 'TEST-NET'],
    ['203.0.113.0/24', 'TEST-NET'],
    ['224.0.0.0/4', 'MULTICAST'],
    ['240.0.0.0/4', 'RESERVED'],
    ['::/128', 'UNSPECIFIED'],
    ['::1/128', 'LOOPBACK'],
    ['::ffff:0:0/96', 'IPV4MAP'],
    ['100::/64', 'DISCARD'],
    ['2001:2::/48', 'BMWG'],
    ['2001:10::/28', 'ORCHID'],
    ['2001:db8::/32', 'DOCUMENTATION'],
    ['2001::/32', 'TEREDO'],
    ['2002::/16', '6TO4'],
    ['fc00::/7', 'UNIQUE-LOCAL-UNICAST'],
    ['fe80::/10', 'LINK-LOCAL-UNICAST'],
    ['ff00::/8', 'MULTICAST'],
    ['2000::/3', 'GLOBAL-UNICAST'],
  ] as const
).map(([text, name]) => ({ network: parseNetwork(text)!, name }))

/** The family in the name of the function, or undefined for both. */
function detailedType(kamailio: string, family?: 4 | 6) {
  const size = family === undefined ? undefined : family === 4 ? 4 : 16
  return define(
    ipops(
      kamailio,
      [address, { name: 'variable', kind: 'pv' }],
      `Puts the name of the kind of network of an ${family === undefined ? '' : `IPv${family} `}address into a variable: PRIVATE, LOOPBACK, PUBLIC and so on.`,
      `${kamailio}("$si", "$var(kind)");`,
    ),
    (text: string, target: PvReference) => {
      const bytes = parseAddress(bare(text))
      if (bytes === undefined || (size !== undefined && bytes.length !== size)) return -1
      const found = NAMED.find(({ network }) => inNetwork(bytes, network))
      target.set(found?.name ?? (bytes.length === 4 ? 'PUBLIC' : 'RESERVED'))
      return 1
    },
  )
}
export const detailedIpType = detailedType('detailed_ip_type')
export const detailedIpv4Type = detailedType('detailed_ipv4_type', 4)
export const detailedIpv6Type = detailedType('detailed_ipv6_type', 6)

/** What dns_query found, by the name that the script gave it: `$dns(name=>addr[0])`. */
interface DnsAnswer {
  readonly hostname: string
  readonly addresses: readonly { readonly address: string; readonly type: 4 | 6 }[]
}
const answers = new Map<string, DnsAnswer>()
const MOST_ANSWERS = 1000

export const dnsQuery = defineWaiting(
  {
    ...ipops(
      'dns_query',
      [
        { name: 'host', kind: 'string' },
        { name: 'id', kind: 'string' },
      ],
      'Looks the addresses of a name up, for $dns(id=>...).',
      'dns_query("example.com", "x")',
    ),
    routes: ANY_ROUTE,
  },
  (host: string, id: string) =>
    after(ask<DnsAnswer['addresses']>('ipops', 'lookup', { host }), (addresses) => {
      if (answers.size >= MOST_ANSWERS) answers.delete(answers.keys().next().value!)
      answers.set(id, { hostname: host, addresses })
      return code(addresses.length > 0)
    }),
)

export const dnsSysMatchIp = defineWaiting(
  {
    ...ipops(
      'dns_sys_match_ip',
      [{ name: 'host', kind: 'string' }, address],
      'True if the name has that address.',
      'dns_sys_match_ip("$rd", "$si")',
    ),
    aliases: ['dns_int_match_ip'],
    routes: ANY_ROUTE,
  },
  (host: string, wanted: string) =>
    after(ask<DnsAnswer['addresses']>('ipops', 'lookup', { host }), (addresses) =>
      code([addresses].flat().some((one) => sameAddress(one.address, bare(wanted)) === 1)),
    ),
)

definePvClass(
  {
    name: 'dns',
    module: 'ipops',
    doc: 'What dns_query found: id=>count, hostname, addr[n], type[n], ipv4, ipv6.',
    inner: { name: 'id=>part' },
  },
  (inner) => {
    const parts = /^\s*([^=]+?)\s*=>\s*(\w+)(?:\[(\d+)\])?\s*$/.exec(inner.text)
    if (parts === null) throw new PvSyntaxError(`'${inner.text}' is not id=>part`, 0)
    const [, id = '', part = '', index] = parts
    return {
      get: () => {
        const answer = answers.get(id)
        if (answer === undefined) return null
        const one = answer.addresses[Number(index ?? 0)]
        switch (part) {
          case 'count':
            return answer.addresses.length
          case 'hostname':
            return answer.hostname
          case 'addr':
            return one?.address ?? null
          case 'type':
            return one?.type ?? null
          case 'ipv4':
          case 'ipv6':
            return answer.addresses.some((each) => each.type === (part === 'ipv4' ? 4 : 6)) ? 1 : 0
          default:
            return null
        }
      },
    }
  },
)
