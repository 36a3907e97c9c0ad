// Owns `listen` lines: their grammar (ours and Kamailio's) and their expansion into one entry a socket.
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os'
import { SignalboxError } from '../errors.ts'
import { bracketHost, defaultPort, parseTransport } from '../sip/index.ts'
import { hostsFileAddresses } from './hosts-file.ts'
import { addressFamily, numericAddress } from './ip-address.ts'
import type { HostPort, Listener, ListenSpec, Transport } from './types.ts'

function wrong(text: string, why: string): SignalboxError {
  return new SignalboxError(
    'ERR_CONFIG',
    `listen '${text}': ${why}. Write it as transport:address[:port] [advertise host[:port]] [name "x"], for example tls:10.0.0.5:5061 advertise 25.25.25.5:5061`,
  )
}

function portOf(text: string, all: string): number {
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port > 65535) throw wrong(all, `'${text}' is not a port`)
  return port
}

/** Splits `host[:port]`, `[v6][:port]`, a bare IPv6 address. */
function hostPort(text: string, all: string): { host: string; port: number | undefined } {
  if (addressFamily(text) === 6) return { host: text, port: undefined }
  const match = /^(\[[^\]]*\]|[^:[\]]*)(?::([^:]*))?$/.exec(text)
  if (!match || match[1] === '') throw wrong(all, `'${text}' is not an address`)
  const host = match[1]!
  if (host.startsWith('[') && addressFamily(host.slice(1, -1)) !== 6)
    throw wrong(all, `'${host}' is not an IPv6 address`)
  if (!host.startsWith('[') && !/^[A-Za-z0-9_.*-]+$/.test(host)) throw wrong(all, `'${host}' is not an address`)
  if (/^[\d.]+$/.test(host) && addressFamily(host) !== 4) throw wrong(all, `'${host}' is not an IPv4 address`)
  return { host, port: match[2] === undefined ? undefined : portOf(match[2], all) }
}

/** Words of a line; quotes may stand around a word or a part of it and are taken off. */
function words(text: string): string[] {
  return (text.match(/(?:"[^"]*"|\S)+/g) ?? []).map((word) => word.replaceAll('"', ''))
}

/**
 * Reads one `listen` line, for example `tls:10.0.0.5:5061 advertise 25.25.25.5:5061 name "outside"`.
 * Kamailio's forms are taken: no transport, no port, an interface name, `*`, `advertise` without a port.
 * A word `tls_profile NAME` picks the TLS profile.
 * @throws SignalboxError ERR_CONFIG that names the line.
 */
export function parseListen(text: string): ListenSpec {
  const [where, ...rest] = words(text)
  if (where === undefined) throw wrong(text, 'it is empty')
  const colon = where.indexOf(':')
  const scheme = colon > 0 ? where.slice(0, colon) : ''
  const named = scheme === '' ? undefined : parseTransport(scheme)
  if (scheme.toLowerCase() === 'sctp') throw wrong(text, 'SCTP is not supported')
  const transport = named ?? 'udp'
  const { host, port } = hostPort(named ? where.slice(colon + 1) : where, text)
  let advertised: HostPort | undefined
  let name: string | undefined
  let tlsProfile: string | undefined
  for (let i = 0; i < rest.length; i++) {
    const word = rest[i]!.toLowerCase()
    // A socket on an address that the machine does not hold yet is Kamailio's `virtual`; we bind it all the same.
    if (word === 'virtual') continue
    const value = rest[++i]
    if (value === undefined) throw wrong(text, `'${word}' has no value`)
    if (word === 'advertise' || word === 'as') {
      const at = hostPort(value, text)
      advertised = {
        host: bracketHost(numericAddress(at.host) ?? at.host.toLowerCase()),
        port: at.port ?? port ?? defaultPort(transport),
      }
    } else if (word === 'name') name = value
    else if (word === 'tls_profile') tlsProfile = value
    else throw wrong(text, `'${word}' is not known`)
  }
  return {
    transport,
    ...(named ? {} : { anyTransport: true as const }),
    address: numericAddress(host) ?? host,
    port: port ?? defaultPort(transport),
    ...(advertised && { advertised }),
    ...(name !== undefined && { name }),
    ...(tlsProfile !== undefined && { tlsProfile }),
  }
}

export type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>

/**
 * One spec a socket: `*`, wildcards and interface names become their numeric addresses, a line without transport
 * becomes UDP and TCP. A spec that carries an fd is complete already.
 * @throws SignalboxError ERR_LISTEN when nothing on this machine fits.
 */
export function expandListen(
  specs: readonly (string | ListenSpec)[],
  interfaces: Interfaces = networkInterfaces() as Interfaces,
): ListenSpec[] {
  const expanded: ListenSpec[] = []
  for (const given of specs) {
    const spec = typeof given === 'string' ? parseListen(given) : given
    if (spec.fd !== undefined) {
      expanded.push(spec)
      continue
    }
    const { anyTransport, ...one } = spec
    const transports: Transport[] = anyTransport ? ['udp', 'tcp'] : [spec.transport]
    for (const transport of transports) {
      for (const address of addressesOf(spec.address, interfaces)) expanded.push({ ...one, transport, address })
    }
  }
  return expanded
}

// A wildcard becomes every address it stands for: Via, Record-Route and the choice of the sending socket need a real one.
function addressesOf(address: string, interfaces: Interfaces): string[] {
  const usable = (info: NetworkInterfaceInfo): boolean => !/^fe80:/i.test(info.address)
  const all = Object.values(interfaces).flatMap((infos) => infos ?? [])
  if (address === '0.0.0.0') return all.filter((info) => info.family === 'IPv4').map((info) => info.address)
  if (address === '::') return all.filter((info) => info.family === 'IPv6' && usable(info)).map((info) => info.address)
  if (addressFamily(address.split('%')[0]!) !== 0) return [address]
  if (address === '*') return all.filter(usable).map((info) => info.address)
  const infos = interfaces[address]
  if (infos && infos.length > 0) return infos.filter(usable).map((info) => info.address)
  const named = hostsFileAddresses(address)
  if (named.length > 0) return named
  throw new SignalboxError(
    'ERR_LISTEN',
    `listen '${address}': this machine has no interface of that name, and its hosts file no such name. Give a numeric address or one of ${Object.keys(interfaces).join(', ')}`,
  )
}

export type OwnListener = { -readonly [K in keyof Listener]: Listener[K] }

/** The listeners of expanded specs, numbered by their place. */
export function listenersOf(specs: readonly ListenSpec[]): OwnListener[] {
  return specs.map(({ transport, address, port, advertised, name, tlsProfile }, id) => ({
    id,
    transport,
    address,
    port,
    ...(advertised && { advertised }),
    ...(name !== undefined && { name }),
    ...(tlsProfile !== undefined && { tlsProfile }),
  }))
}
