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

/**
 * UDP flows by socket and remote endpoint. Anyone can invent sources, so the table is bounded: two generations of half the
 * size each, the older one forgotten when the younger is full. A forgotten flow stays valid for whoever holds it.
 */
export class UdpFlowTable {
  #young = new Map<string, Flow>()
  #old = new Map<string, Flow>()
  readonly #listener: Listener
  readonly #size: () => number

  constructor(listener: Listener, size: () => number) {
    this.#listener = listener
    this.#size = size
  }

  flow(address: string, port: number): Flow {
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
    if (this.#young.size >= Math.max(1, this.#size() >> 1)) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(key, flow)
    return flow
  }
}
