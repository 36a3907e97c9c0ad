// Owns sockets for benchmarks: datagrams go into the engine by a plain call, and what it sends is noted.
import type { DatagramSocket, Sockets } from '../../src/transport/sockets.ts'

/** A datagram that the engine sent. */
export interface Sent {
  readonly wire: string
  readonly port: number
}

export class DirectSockets implements Sockets {
  sent: Sent[] = []
  #received: ((wire: string, address: string, port: number) => void) | undefined

  async openDatagram(
    spec: { address: string; port: number },
    _options: unknown,
    received: (wire: string, address: string, port: number) => void,
  ): Promise<DatagramSocket> {
    this.#received = received
    return {
      address: spec.address,
      port: spec.port,
      send: (wire, _address, port) => this.sent.push({ wire, port }),
      close: () => {},
    }
  }

  /** Gives the engine a datagram from that port of this machine. */
  deliver(wire: string, port: number): void {
    this.#received?.(wire, '127.0.0.1', port)
  }

  /** What was sent since the last call. */
  take(): Sent[] {
    const { sent } = this
    this.sent = []
    return sent
  }

  openServer(): never {
    throw new Error('the benchmark has no streams')
  }

  dial(): never {
    throw new Error('the benchmark has no streams')
  }

  updateTls(): void {}

  close(): void {}
}
