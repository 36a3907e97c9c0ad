// Owns the nodes of the NG client: how they are named, which one a call goes to, which are left aside and when they are looked at again.
import { lookup } from 'node:dns/promises'
import { isIP, SocketAddress } from 'node:net'
import type { Clock } from '../../clock.ts'
import { SignalboxError } from '../../errors.ts'

/** Numeric address of a host name; rejects where it has none. */
export type HostLookup = (name: string) => Promise<string>

export const systemLookup: HostLookup = async (name) => (await lookup(name)).address

export interface NgNode {
  /** As configured. */
  readonly text: string
  readonly host: string
  readonly port: number
  readonly weight: number
  /** Numeric, once known. */
  address: string | undefined
  /** Until when a looked up address is taken without asking again. */
  addressUntil: number
  /** Left aside until it answers a ping. */
  down: boolean
  /** Requests and pings in a row that it did not answer. */
  failures: number
  /** When it was last heard. */
  heardAt: number
}

const ADDRESS_MILLIS = 60_000
const FIRST_PROBE_MILLIS = 1_000

/**
 * Reads `udp:HOST:PORT`, or `udp:HOST:PORT=WEIGHT` as Kamailio's rtpengine_sock; the host is an address or a name.
 * @throws SignalboxError ERR_CONFIG
 */
function parseNode(text: string): NgNode {
  const match = /^(?:udp6?:)?(?:\[([^\]]+)\]|([^:\s[\]]+)):(\d{1,5})(?:=(\d{1,4}))?$/.exec(text.trim())
  const host = match?.[1] ?? match?.[2] ?? ''
  const port = Number(match?.[3])
  const numeric = isIP(host) !== 0
  if (!match || port < 1 || port > 65_535 || !(numeric || (match[1] === undefined && isHostName(host))))
    throw new SignalboxError(
      'ERR_CONFIG',
      `media relay ${JSON.stringify(text)}: it must be udp:HOST:PORT, for example udp:10.0.0.7:22222`,
    )
  return {
    text: text.trim(),
    host,
    port,
    weight: match[4] === undefined ? 1 : Number(match[4]),
    address: numeric ? canonical(host) : host === 'localhost' ? '127.0.0.1' : undefined,
    addressUntil: numeric || host === 'localhost' ? Number.POSITIVE_INFINITY : 0,
    down: false,
    failures: 0,
    heardAt: 0,
  }
}

// RFC 1123 2.1; what looks like a wrong address is no name.
function isHostName(text: string): boolean {
  const labels = text.replace(/\.$/, '').split('.')
  return (
    text.length <= 253 &&
    labels.every((label) => /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?$/i.test(label)) &&
    !/^\d+$/.test(labels.at(-1)!)
  )
}

/** The spelling in which the system tells where a datagram came from. */
function canonical(address: string): string {
  return new SocketAddress({ address, family: isIP(address) === 6 ? 'ipv6' : 'ipv4' }).address
}

export class NgNodes {
  readonly sets: ReadonlyMap<number, readonly NgNode[]>
  readonly #clock: Clock
  readonly #lookup: HostLookup
  readonly #longestMillis: number

  /**
   * @param longestMillis longest time between two looks at a node that does not answer
   * @throws SignalboxError ERR_CONFIG
   */
  constructor(
    sets: ReadonlyMap<number, readonly string[]>,
    clock: Clock,
    lookupHost: HostLookup,
    longestMillis: number,
  ) {
    this.sets = new Map([...sets].map(([set, texts]) => [set, texts.map(parseNode)]))
    this.#clock = clock
    this.#lookup = lookupHost
    this.#longestMillis = longestMillis
  }

  get all(): readonly NgNode[] {
    return [...this.sets.values()].flat()
  }

  /** The address to send to; undefined where the name has none now. */
  async addressOf(node: NgNode): Promise<string | undefined> {
    if (node.address !== undefined && this.#clock.now() < node.addressUntil) return node.address
    try {
      const address = await this.#lookup(node.host)
      node.address = canonical(address)
      node.addressUntil = this.#clock.now() + ADDRESS_MILLIS
    } catch {
      // The address of before is better than none.
    }
    return node.address
  }

  /**
   * Nodes of a set in the order in which they are tried for a call: where it is already, then by weight and Call-ID.
   * Those that are left aside come only where no other is there.
   * @throws SignalboxError ERR_MEDIA_UNREACHABLE for a set without nodes
   */
  candidates(set: number, callId: string, kept: NgNode | undefined): NgNode[] {
    const nodes = this.sets.get(set)
    if (!nodes || nodes.length === 0)
      throw new SignalboxError(
        'ERR_MEDIA_UNREACHABLE',
        `media relay set ${set} has no nodes; name them in media.sets or rtpengine_sock`,
      )
    const weighed = nodes.filter((node) => node.weight > 0)
    const up = weighed.filter((node) => !node.down)
    const ordered = rotated(up.length > 0 ? up : weighed, callId)
    if (!kept || kept.down || !nodes.includes(kept)) return ordered
    return [kept, ...ordered.filter((node) => node !== kept)]
  }

  answered(node: NgNode): void {
    node.down = false
    node.failures = 0
    node.heardAt = this.#clock.now()
  }

  /** @returns milliseconds until it should be looked at again */
  silent(node: NgNode): number {
    node.down = true
    // Its name may lead elsewhere by now.
    if (node.addressUntil !== Number.POSITIVE_INFINITY) node.addressUntil = 0
    return Math.min(this.#longestMillis, FIRST_PROBE_MILLIS * 2 ** Math.min(node.failures++, 20))
  }
}

/** The same nodes, beginning with the one that the Call-ID falls to, each by its weight. */
function rotated(nodes: readonly NgNode[], callId: string): NgNode[] {
  const total = nodes.reduce((sum, node) => sum + node.weight, 0)
  let point = total === 0 ? 0 : hash(callId) % total
  const first = Math.max(
    0,
    nodes.findIndex((node) => (point -= node.weight) < 0),
  )
  return [...nodes.slice(first), ...nodes.slice(0, first)]
}

/** FNV-1a over the characters, unsigned. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
  return value >>> 0
}
