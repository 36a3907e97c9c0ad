// Owns the choice of the listener that sends to a hop.
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os'
import { addressFamily, inSubnet, isLoopback } from './ip-address.ts'
import type { Interfaces } from './listen.ts'
import type { Hop, Listener } from './types.ts'
import { carrierOf, isWeb, webFace } from './websocket-face.ts'

const REMEMBER_MILLIS = 10_000
const REMEMBER_TARGETS = 1000

/**
 * Same transport and address family always; then the listener that the hop asks for, loopback with loopback, the address
 * that the system would route by, the subnet, and at last the order of the file.
 */
export class ListenerChoice {
  readonly #listeners: readonly Listener[]
  readonly #routeTo: ((address: string) => string | undefined) | undefined
  readonly #interfaces: readonly NetworkInterfaceInfo[]
  readonly #now: () => number
  /** Asking the system takes some system calls; routes seldom change. */
  readonly #known = new Map<string, Listener>()
  #since = 0

  constructor(
    listeners: readonly Listener[],
    now: () => number,
    routeTo?: (address: string) => string | undefined,
    interfaces: Interfaces = networkInterfaces() as Interfaces,
  ) {
    this.#listeners = listeners
    this.#now = now
    this.#routeTo = routeTo
    this.#interfaces = Object.values(interfaces).flatMap((infos) => infos ?? [])
  }

  choose(hop: Hop): Listener | undefined {
    if (isWeb(hop.transport)) {
      const { listener } = hop
      const carrier = carrierOf(hop.transport)
      const found = this.choose({
        transport: carrier,
        address: hop.address,
        port: hop.port,
        ...(listener === undefined ? {} : { listener: this.#listeners[listener.id] ?? listener }),
      })
      return found && webFace(found)
    }
    const family = addressFamily(hop.address)
    const fits = (listener: Listener): boolean =>
      listener.transport === hop.transport && addressFamily(listener.address) === family
    if (hop.listener && fits(hop.listener)) return hop.listener
    let first: Listener | undefined
    let several = false
    for (const listener of this.#listeners) {
      if (!fits(listener)) continue
      if (first) several = true
      else first = listener
    }
    if (!several) return first
    const now = this.#now()
    if (now - this.#since > REMEMBER_MILLIS || this.#known.size >= REMEMBER_TARGETS) {
      this.#known.clear()
      this.#since = now
    }
    const key = `${hop.transport} ${hop.address}`
    const known = this.#known.get(key)
    if (known) return known
    const best = this.#best(this.#listeners.filter(fits), hop.address)
    if (best) this.#known.set(key, best)
    return best
  }

  #best(candidates: readonly Listener[], address: string): Listener | undefined {
    // A packet from a loopback address never leaves the machine, and one to a loopback address is refused from others.
    const near = candidates.filter((listener) => isLoopback(listener.address) === isLoopback(address))
    const rest = near.length > 0 ? near : candidates
    if (rest.length === 1) return rest[0]
    const source = this.#routeTo?.(address)
    return (
      rest.find((listener) => listener.address === address) ??
      (source === undefined ? undefined : rest.find((listener) => listener.address === source)) ??
      rest.find((listener) => {
        const info = this.#interfaces.find((one) => one.address === listener.address)
        return info?.cidr ? inSubnet(address, info.address, Number(info.cidr.split('/')[1])) : false
      }) ??
      rest[0]
    )
  }
}
