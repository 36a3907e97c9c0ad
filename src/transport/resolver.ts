// Owns RFC 3263: from a SIP URI to the hops to try, in order, with a bounded cache.
import type { Clock } from '../clock.ts'
import { SignalboxError } from '../errors.ts'
import type { ReadUri } from '../sip/index.ts'
import { defaultPort, parseTransport } from '../sip/index.ts'
import { addressFamily, numericAddress } from './ip-address.ts'
import type { DnsSource, Hop, SrvRecord, Transport } from './types.ts'

const MAX_HOPS = 16
const MAX_QUESTIONS = 1000
const SRV_TTL_SECONDS = 60
const FAILURE_MILLIS = 5_000
const ANSWER_MILLIS = 10_000
/** Services of NAPTR (RFC 3263 4.1, RFC 7118 5.3) and the prefixes of SRV names. */
const SERVICES: Readonly<Record<Transport, { naptr: string; srv: string }>> = {
  udp: { naptr: 'SIP+D2U', srv: '_sip._udp' },
  tcp: { naptr: 'SIP+D2T', srv: '_sip._tcp' },
  tls: { naptr: 'SIPS+D2T', srv: '_sips._tcp' },
  ws: { naptr: 'SIP+D2W', srv: '_sip._ws' },
  wss: { naptr: 'SIPS+D2W', srv: '_sips._ws' },
}

export interface ResolverOptions {
  readonly dns: DnsSource
  readonly clock: Clock
  readonly random: () => number
  /** Static names, lower case. */
  readonly hosts: () => ReadonlyMap<string, readonly string[]>
  /** Whether a listener of ours can send to that transport and family. */
  readonly canSend: (transport: Transport, family: 4 | 6) => boolean
  readonly ttlMillis: () => number
  readonly entries: () => number
}

interface Server {
  readonly priority: number
  readonly weight: number
  readonly port: number
  readonly addresses: readonly string[]
}
interface Service {
  readonly transport: Transport
  readonly servers: readonly Server[]
}
interface Entry {
  readonly services: readonly Service[]
  readonly error?: SignalboxError
  readonly expires: number
}

/** Resolves URIs to hops. */
export class Resolver {
  readonly #options: ResolverOptions
  readonly #cache = new Map<string, Entry>()
  readonly #asking = new Map<string, Promise<Entry>>()

  constructor(options: ResolverOptions) {
    this.#options = options
  }

  /** Forgets everything; after a change of static names or listeners. */
  clear(): void {
    this.#cache.clear()
  }

  resolve(uri: ReadUri): Hop[] | Promise<Hop[]> {
    if (uri.host === '') {
      throw new SignalboxError(
        'ERR_RESOLVE',
        `cannot resolve ${uri.toString()}: it names no host. Rewrite it to a sip URI before relaying`,
      )
    }
    // RFC 3263 4: the target is maddr where there is one, else the host.
    const maddr = uri.params.get('maddr')
    const target = maddr ? maddr : uri.host
    const secure = uri.scheme === 'sips'
    // Nothing listens at port 0: it says as much as no port, as in Kamailio.
    const statedPort = uri.port === 0 ? undefined : uri.port
    const stated = statedTransport(uri.params.get('transport'), secure)
    const serverName = numericAddress(uri.host) === undefined ? uri.host.toLowerCase().replace(/\.$/, '') : undefined
    const hop = (transport: Transport, address: string, port: number): Hop =>
      serverName !== undefined && (transport === 'tls' || transport === 'wss')
        ? { transport, address, port, serverName }
        : { transport, address, port }
    const numeric = numericAddress(target)
    if (numeric !== undefined) {
      const transport = stated ?? this.#usual(secure, addressFamily(numeric) as 4 | 6)
      return [hop(transport, numeric, statedPort ?? defaultPort(transport))]
    }
    const name = target.toLowerCase().replace(/\.$/, '')
    const fixed = this.#options.hosts().get(name)
    if (fixed) return this.#static(fixed, stated, secure, statedPort, hop)
    const key = `${name} ${statedPort ?? ''} ${stated ?? ''} ${secure}`
    const known = this.#cache.get(key)
    if (known && known.expires > this.#options.clock.now()) return this.#hops(known, hop)
    return this.#ask(key, name, statedPort, stated, secure).then((entry) => this.#hops(entry, hop))
  }

  /** Numeric addresses of a name, for the `maddr` of a Via; the same cache and bounds. */
  async addresses(host: string): Promise<string[]> {
    const name = host.toLowerCase().replace(/\.$/, '')
    const fixed = this.#options.hosts().get(name)
    if (fixed) return fixed.map((text) => splitHost(text).address)
    const key = `${name} maddr`
    const known = this.#cache.get(key)
    const fresh = known && known.expires > this.#options.clock.now()
    const { services, error } = fresh ? known : await this.#ask(key, name, 0, undefined, false)
    if (error) throw error
    return services.flatMap(({ servers }) => servers.flatMap(({ addresses }) => addresses))
  }

  #static(
    addresses: readonly string[],
    stated: Transport | undefined,
    secure: boolean,
    port: number | undefined,
    hop: (transport: Transport, address: string, port: number) => Hop,
  ): Hop[] {
    return addresses.slice(0, MAX_HOPS).map((text) => {
      const { address, port: own } = splitHost(text)
      const transport = stated ?? this.#usual(secure, addressFamily(address) as 4 | 6)
      return hop(transport, address, port ?? own ?? defaultPort(transport))
    })
  }

  // RFC 3263 4.1: UDP for sip, TLS for sips, where nothing else is said; the next one we have a socket for if not that.
  #usual(secure: boolean, family: 4 | 6): Transport {
    if (secure) return 'tls'
    const order: Transport[] = ['udp', 'tcp', 'tls']
    return order.find((transport) => this.#options.canSend(transport, family)) ?? 'udp'
  }

  #supported(transport: Transport): boolean {
    return this.#options.canSend(transport, 4) || this.#options.canSend(transport, 6)
  }

  #hops(entry: Entry, hop: (transport: Transport, address: string, port: number) => Hop): Hop[] {
    if (entry.error) throw entry.error
    const hops: Hop[] = []
    for (const { transport, servers } of entry.services) {
      for (const { addresses, port } of orderServers(servers, this.#options.random)) {
        for (const address of addresses) {
          if (!this.#options.canSend(transport, addressFamily(address) as 4 | 6)) continue
          if (hops.length < MAX_HOPS) hops.push(hop(transport, address, port))
        }
      }
    }
    if (hops.length === 0) {
      throw new SignalboxError(
        'ERR_RESOLVE',
        'the name has addresses, but no listener of their transport and family; add a listen line',
      )
    }
    return hops
  }

  #ask(
    key: string,
    name: string,
    port: number | undefined,
    stated: Transport | undefined,
    secure: boolean,
  ): Promise<Entry> {
    const running = this.#asking.get(key)
    if (running) return running
    // Names come from the wire: whoever floods us with new ones must not pile up questions without end.
    if (this.#asking.size >= MAX_QUESTIONS) {
      const error = failure(name, `${MAX_QUESTIONS} other names are being looked up`)
      return Promise.resolve({ services: [], error, expires: 0 })
    }
    const { clock, entries, ttlMillis } = this.#options
    const answer = new Promise<Entry>((resolve) => {
      const timer = clock.setTimer(ANSWER_MILLIS, () =>
        resolve({ services: [], error: failure(name, `no answer within ${ANSWER_MILLIS} ms`), expires: 0 }),
      )
      const settle = (entry: Entry): void => {
        timer.cancel()
        resolve(entry)
      }
      const lookup = new Lookup(this.#options.dns, (transport) => this.#supported(transport))
      lookup.services(name, port, stated, secure, this.#usual(secure, 4)).then(
        (services) => {
          const found = services.some(({ servers }) => servers.some(({ addresses }) => addresses.length > 0))
          // What a failed question would have told is asked again soon.
          const isWhole = found && lookup.failure === undefined
          const life = isWhole ? Math.min(lookup.ttlSeconds * 1000, ttlMillis()) : FAILURE_MILLIS
          const error = found ? undefined : failure(name, lookup.failure?.message ?? 'it has no address')
          settle({ services, ...(error && { error }), expires: clock.now() + life })
        },
        (error: Error) =>
          settle({ services: [], error: failure(name, error.message), expires: clock.now() + FAILURE_MILLIS }),
      )
    }).then((entry) => {
      this.#asking.delete(key)
      this.#cache.delete(key)
      // Names come from the wire: the cache is bounded, the oldest answer goes first.
      while (this.#cache.size >= Math.max(1, entries())) this.#cache.delete(this.#cache.keys().next().value!)
      this.#cache.set(key, entry)
      return entry
    })
    this.#asking.set(key, answer)
    return answer
  }
}

function failure(name: string, why: string): SignalboxError {
  return new SignalboxError(
    'ERR_RESOLVE',
    `cannot resolve ${name}: ${why}. Check DNS, or name its addresses in config.hosts`,
  )
}

function splitHost(text: string): { address: string; port?: number } {
  const whole = numericAddress(text)
  if (whole !== undefined) return { address: whole }
  const match = /^(.+):(\d{1,5})$/.exec(text)
  const address = match ? numericAddress(match[1]!) : undefined
  if (!match || address === undefined) {
    throw new SignalboxError(
      'ERR_CONFIG',
      `hosts: '${text}' is not a numeric address; write 198.51.100.7, [2001:db8::1] or 198.51.100.7:5061`,
    )
  }
  return { address, port: Number(match[2]) }
}

/** Static names by lower-case name. @throws SignalboxError ERR_CONFIG for an address that is not numeric. */
export function staticHosts(hosts: Readonly<Record<string, readonly string[]>>): Map<string, readonly string[]> {
  const names = new Map<string, readonly string[]>()
  for (const [name, addresses] of Object.entries(hosts)) {
    for (const text of addresses) splitHost(text)
    names.set(name.toLowerCase().replace(/\.$/, ''), addresses)
  }
  return names
}

// RFC 3261 26.2.2: with sips every hop is TLS; `transport=tcp` then names what TLS runs on.
function statedTransport(param: string | undefined, secure: boolean): Transport | undefined {
  const transport = param ? parseTransport(param) : undefined
  if (!secure || transport === undefined) return transport
  return transport === 'ws' || transport === 'wss' ? 'wss' : 'tls'
}

/** RFC 2782: by priority, within one by weighted lot. */
export function orderServers<T extends { priority: number; weight: number }>(
  servers: readonly T[],
  random: () => number,
): T[] {
  if (servers.length < 2) return [...servers]
  const ordered: T[] = []
  const byPriority = Map.groupBy(servers, ({ priority }) => priority)
  for (const priority of [...byPriority.keys()].sort((a, b) => a - b)) {
    // Zero weights first, so that they keep a small chance.
    const left = byPriority.get(priority)!.toSorted((a, b) => a.weight - b.weight)
    while (left.length > 0) {
      const sum = left.reduce((total, { weight }) => total + weight, 0)
      const lot = Math.floor(random() * (sum + 1))
      let running = 0
      const at = left.findIndex(({ weight }) => (running += weight) >= lot)
      ordered.push(...left.splice(Math.max(0, at), 1))
    }
  }
  return ordered
}

/** The questions of one resolution, the shortest life of its answers, and the first failure: others may still answer. */
class Lookup {
  ttlSeconds = Number.POSITIVE_INFINITY
  failure: Error | undefined
  readonly #dns: DnsSource
  readonly #supported: (transport: Transport) => boolean
  /** Why SRV records gave no server, where that does not mean that there are none. */
  #noServers: Error | undefined

  constructor(dns: DnsSource, supported: (transport: Transport) => boolean) {
    this.#dns = dns
    this.#supported = supported
  }

  async services(
    name: string,
    port: number | undefined,
    stated: Transport | undefined,
    secure: boolean,
    usual: Transport,
  ): Promise<Service[]> {
    // RFC 3263 4.2: a port means addresses only.
    if (port !== undefined) return [await this.#plain(name, stated ?? usual, port)]
    const wanted = stated ? [stated] : await this.#byNaptr(name, secure)
    if (Array.isArray(wanted)) {
      const transports = wanted.length > 0 ? wanted : this.#preferred(secure)
      const found = await Promise.all(
        transports.map(async (transport) => ({
          transport,
          servers: await this.#servers(`${SERVICES[transport].srv}.${name}`),
        })),
      )
      const some = found.filter(({ servers }) => servers.length > 0)
      if (some.length > 0) return some
      // RFC 3263 4.2: addresses are asked for where there is no SRV, not where nobody knows, or it says no.
      if (this.#noServers !== undefined) throw this.#noServers
      return [await this.#plain(name, stated ?? usual, defaultPort(stated ?? usual))]
    }
    return wanted.services
  }

  #preferred(secure: boolean): Transport[] {
    const order: Transport[] = secure ? ['tls'] : ['udp', 'tcp', 'tls']
    return order.filter((transport) => this.#supported(transport))
  }

  // RFC 3263 4.1: the services in NAPTR order that we can speak; none at all means SRV is asked without.
  async #byNaptr(name: string, secure: boolean): Promise<Transport[] | { services: Service[] }> {
    // Servers that know no NAPTR fail in place of saying that there is none.
    const records = (await this.#orNone(this.#dns.naptr(name)))
      .filter(({ flags }) => flags.toLowerCase() === 's')
      .sort((a, b) => a.order - b.order || a.preference - b.preference)
      .slice(0, MAX_HOPS)
    if (records.length === 0) return []
    this.#keep(SRV_TTL_SECONDS)
    const services: Service[] = []
    for (const { service, replacement } of records) {
      const transport = (Object.keys(SERVICES) as Transport[]).find(
        (one) => SERVICES[one].naptr === service.toUpperCase(),
      )
      if (!transport || !this.#supported(transport)) continue
      if (secure && transport !== 'tls' && transport !== 'wss') continue
      const servers = await this.#servers(replacement)
      if (servers.length > 0) services.push({ transport, servers })
    }
    return services.length > 0 ? { services } : []
  }

  async #servers(name: string): Promise<Server[]> {
    const found = await this.#orNone(this.#dns.srv(name), (error) => (this.#noServers ??= error))
    const records = found.filter((record: SrvRecord) => record.name !== '' && record.name !== '.')
    // RFC 2782: a lone dot says that the service is decidedly not there.
    if (found.length > records.length) this.#noServers ??= new Error(`${name} says that there is no such service`)
    if (records.length === 0) return []
    this.#keep(SRV_TTL_SECONDS)
    return await Promise.all(
      records.slice(0, MAX_HOPS).map(async ({ name: host, port, priority, weight }) => ({
        priority,
        weight,
        port,
        addresses: await this.#addresses(host),
      })),
    )
  }

  async #plain(name: string, transport: Transport, port: number): Promise<Service> {
    return { transport, servers: [{ priority: 0, weight: 0, port, addresses: await this.#addresses(name) }] }
  }

  async #addresses(name: string): Promise<string[]> {
    const numeric = numericAddress(name)
    if (numeric !== undefined) return [numeric]
    const records = await this.#orNone(this.#dns.addresses(name))
    for (const { ttl } of records) this.#keep(ttl ?? SRV_TTL_SECONDS)
    return records.slice(0, MAX_HOPS).map(({ address }) => address)
  }

  /** What is left when one question fails is what the others found (RFC 3263 4.3). */
  async #orNone<T>(records: Promise<T[]>, failed?: (error: Error) => void): Promise<T[]> {
    try {
      return await records
    } catch (error) {
      this.failure ??= error as Error
      failed?.(error as Error)
      return []
    }
  }

  #keep(seconds: number): void {
    if (seconds < this.ttlSeconds) this.ttlSeconds = seconds
  }
}
