// Owns flow numbers and the memory of UDP remote endpoints, so that one far end stays one flow.
import type { Flow, Listener } from './types.ts'

let lastFlowId = 0

/** A number no other flow of this process has. */
export function nextFlowId(): number {
  return ++lastFlowId
}

/** The next numbers are above this one. */
export function beginFlowsAbove(number: number): void {
  lastFlowId = number
}

/** A power of two. */
const RECENT = 16

/**
 * UDP flows by socket and remote endpoint. Anyone can invent sources, so the table is bounded: two generations of half the
 * size each, the older one forgotten when the younger is full. A forgotten flow stays valid for whoever holds it.
 */
export class UdpFlowTable {
  #young = new Map<string, Flow>()
  #old = new Map<string, Flow>()
  /** The last of each of some ports: most messages come from few peers. */
  readonly #recent: (Flow | undefined)[] = new Array(RECENT).fill(undefined)
  readonly #listener: Listener
  readonly #size: () => number

  constructor(listener: Listener, size: () => number) {
    this.#listener = listener
    this.#size = size
  }

  flow(address: string, port: number): Flow {
    const place = port & (RECENT - 1)
    const recent = this.#recent[place]
    if (recent !== undefined && recent.remotePort === port && recent.remoteAddress === address) return recent
    // What gives way is as young as it was used.
    if (recent !== undefined) this.#keep(`${recent.remoteAddress} ${recent.remotePort}`, recent)
    const flow = this.#looked(address, port)
    this.#recent[place] = flow
    return flow
  }

  #looked(address: string, port: number): Flow {
    const key = `${address} ${port}`
    const known = this.#young.get(key)
    if (known) return known
    const flow = this.#old.get(key) ?? {
      id: nextFlowId(),
      transport: this.#listener.transport,
      listener: this.#listener,
      remoteAddress: address,
      remotePort: port,
      reliable: false,
    }
    this.#keep(key, flow)
    return flow
  }

  #keep(key: string, flow: Flow): void {
    if (this.#young.has(key)) return
    if (this.#young.size >= Math.max(1, this.#size() >> 1)) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(key, flow)
  }
}
