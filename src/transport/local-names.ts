// Owns the question "is this host and port ours?": listeners, what they advertise, and aliases.
import { SignalboxError } from '../errors.ts'
import { defaultPort, parseTransport } from '../sip/index.ts'
import { numericAddress } from './ip-address.ts'
import type { Listener, Transport } from './types.ts'
import { carrierOf } from './websocket-face.ts'

interface LocalName {
  /** Absent: any port. */
  readonly port?: number
  /** Absent: any transport. */
  readonly transport?: Transport
}

/** The comparable form of a host: lower case, no brackets, no trailing dot, IPv6 canonical. */
export function plainHost(host: string): string {
  const numeric = numericAddress(host)
  if (numeric !== undefined) return numeric
  const lower = host.toLowerCase()
  return lower.endsWith('.') ? lower.slice(0, -1) : lower
}

/** Reads `host`, `host:port`, `transport:host` or `transport:host:port`. */
export function parseAlias(text: string): LocalName & { host: string } {
  const trimmed = text.trim().replaceAll('"', '')
  const scheme = /^([A-Za-z]+):(.+)$/.exec(trimmed)
  const transport = scheme ? parseTransport(scheme[1]!) : undefined
  const rest = transport ? scheme![2]! : trimmed
  if (numericAddress(rest) !== undefined) return { host: plainHost(rest), ...(transport && { transport }) }
  const match = /^(\[[^\]]+\]|[^:]+)(?::(\d{1,5}|\*))?$/.exec(rest)
  if (!match) throw new SignalboxError('ERR_CONFIG', `alias '${text}': write it as [transport:]host[:port]`)
  const port = match[2] === undefined || match[2] === '*' ? undefined : Number(match[2])
  return { host: plainHost(match[1]!), ...(port !== undefined && { port }), ...(transport && { transport }) }
}

/** RFC 7118 5.4: ws in a URI may mean TLS as well. */
function isCarriedBy(transport: Transport, listening: Transport): boolean {
  return carrierOf(transport) === carrierOf(listening) || (transport === 'ws' && listening === 'tls')
}

/** Local names by host. */
export class LocalNames {
  readonly #names = new Map<string, LocalName[]>()

  constructor(listeners: readonly Listener[], alias: readonly string[]) {
    for (const { address, port, transport, advertised } of listeners) {
      this.#add(plainHost(address), { port, transport })
      if (advertised) this.#add(plainHost(advertised.host), { port: advertised.port, transport })
    }
    for (const text of alias) {
      const { host, ...name } = parseAlias(text)
      this.#add(host, name)
    }
  }

  #add(host: string, name: LocalName): void {
    const names = this.#names.get(host)
    if (names) names.push(name)
    else this.#names.set(host, [name])
  }

  // An absent port, or port 0, is the default one (RFC 3261 19.1.2), as in Kamailio: another service may live on our address.
  has(host: string, port: number | undefined, transport: Transport | undefined): boolean {
    const names = this.#names.get(host) ?? this.#names.get(plainHost(host))
    if (!names) return false
    const wanted = port || defaultPort(transport ?? 'udp')
    return names.some(
      (name) =>
        (name.port === undefined || name.port === wanted) &&
        (name.transport === undefined || transport === undefined || isCarriedBy(transport, name.transport)),
    )
  }
}
