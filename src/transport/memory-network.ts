// Owns the memory network: production transport layers and far ends of tests on addresses that exist in memory only.
import { type Clock, systemClock } from '../clock.ts'
import { parseMessage, type SipMessage, type SipRequest, StreamFramer } from '../sip/index.ts'
import { endpointText, numericAddress } from './ip-address.ts'
import { type MemoryNetworkOptions, MemorySockets, MemoryWires } from './memory-sockets.ts'
import type { StreamEvents, StreamSocket } from './sockets.ts'
import { createLayer } from './transport-layer.ts'
import type { DnsSource, FlowPeer, Transport, TransportLayer, TransportOptions } from './types.ts'

/** Tests know the names they give in `hosts`, and ask nobody. */
const NO_DNS: DnsSource = { naptr: async () => [], srv: async () => [], addresses: async () => [] }

/** What a far end got. */
export interface MemoryReceived {
  readonly wire: string
  /** Undefined when the wire text does not parse. */
  readonly message: SipMessage | undefined
  readonly from: { readonly address: string; readonly port: number }
  /** The stream it came on. */
  readonly connection?: MemoryConnection
}

/** A stream of a far end. */
export interface MemoryConnection {
  readonly remote: { readonly address: string; readonly port: number }
  /** Certificate names of the layer at the other end. */
  readonly peer: FlowPeer | undefined
  readonly isOpen: boolean
  write(bytes: string): void
  /** Breaks the connection; with an error as a reset does, in order without. */
  close(error?: Error): void
}

/** A far end of a test on one address and port. */
export interface MemoryEndpoint {
  readonly transport: Transport
  readonly address: string
  readonly port: number
  /** All messages, in order. */
  readonly received: readonly MemoryReceived[]
  readonly connections: readonly MemoryConnection[]
  /** Called for each message, before `next` sees it. */
  onMessage?: (received: MemoryReceived) => void
  /**
   * Sends to a layer or another endpoint. A stream endpoint writes on the connection it has with that address (and port, or
   * the one the far end dialled from), or dials.
   */
  send(wire: string, to: { address: string; port: number; serverName?: string }): void
  /** Sends back to where a message came from: its source address, or its connection. */
  answer(to: MemoryReceived, wire: string): void
  /** The oldest message that no `next` has given; waits for one. */
  next(): Promise<MemoryReceived>
  close(): void
}

export interface EndpointOptions {
  /** Names in the certificate of a `tls` endpoint. Default: whatever name is dialled. */
  readonly names?: readonly string[]
  /** Whether its chain verifies. Default true. */
  readonly verified?: boolean
}

export interface MemoryNetwork {
  /** A production transport layer on this network. `names` are those of its certificate. */
  transport(options: TransportOptions, identity?: EndpointOptions): TransportLayer
  endpoint(transport: Transport, address: string, port: number, options?: EndpointOptions): MemoryEndpoint
  /** From now on connections to this address are refused. */
  refuse(address: string, port: number): void
  /** From now on nothing that is sent to this address arrives, and connections to it hang. */
  silence(address: string, port: number): void
  /** Undoes `refuse` and `silence`. */
  heal(address: string, port: number): void
  /** Breaks open connections from or to this address; all of them without one. */
  breakConnections(address?: string, port?: number): void
  /** Makes the far ends of connections to this address stop reading. */
  stall(address: string, port: number): void
  /** Changes loss and delay under way. */
  set(options: MemoryNetworkOptions): void
  /** Resolves when nothing is under way that does not wait for the clock. */
  settle(): Promise<void>
}

/**
 * A network in memory. Everything is deterministic: with delay 0 each message arrives in a microtask of its own, with a
 * delay when the clock gets there.
 */
export function createMemoryNetwork(clock: Clock = systemClock, options: MemoryNetworkOptions = {}): MemoryNetwork {
  const wires = new MemoryWires(clock, options)
  const key = (address: string, port: number): string => endpointText(numericAddress(address) ?? address, port)
  return {
    transport(layerOptions, identity) {
      const peer = identityOf(identity)
      return createLayer(
        { clock, dns: NO_DNS, ...layerOptions },
        new MemorySockets(wires, layerOptions.tls ?? { profiles: {} }, peer),
      )
    },
    endpoint(transport, address, port, endpointOptions) {
      return new Endpoint(wires, transport, numericAddress(address) ?? address, port, endpointOptions)
    },
    refuse: (address, port) => void wires.refused.add(key(address, port)),
    silence: (address, port) => void wires.silent.add(key(address, port)),
    heal(address, port) {
      wires.refused.delete(key(address, port))
      wires.silent.delete(key(address, port))
    },
    breakConnections(address, port) {
      for (const pipe of [...wires.pipes]) {
        const remote = pipe.remoteAddress === address && (port === undefined || pipe.remotePort === port)
        const local = pipe.localAddress === address && (port === undefined || pipe.localPort === port)
        if (address === undefined || remote || local) pipe.fail(new Error('read ECONNRESET'))
      }
    },
    stall(address, port) {
      for (const pipe of wires.pipes) {
        if (pipe.remoteAddress === address && pipe.remotePort === port) pipe.stalled = true
      }
    },
    set(changed) {
      if (changed.loss !== undefined) wires.loss = changed.loss
      if (changed.delay !== undefined) wires.delay = changed.delay
    },
    async settle() {
      // Promises of the layers above take some turns of their own; a turn of the event loop lets all microtasks run.
      for (let quiet = 0; quiet < 3; quiet++) await new Promise((resolve) => setImmediate(resolve))
    },
  }
}

function identityOf(options: EndpointOptions | undefined): FlowPeer | undefined {
  if (!options?.names) return undefined
  return { names: [...options.names], verified: options.verified ?? true }
}

class EndpointConnection implements MemoryConnection, StreamEvents {
  readonly remote: { readonly address: string; readonly port: number }
  isOpen = false
  readonly socket: StreamSocket
  readonly #endpoint: Endpoint
  readonly #framer = new StreamFramer()
  #queue: string[] = []

  constructor(
    endpoint: Endpoint,
    remote: { address: string; port: number },
    socket: (events: StreamEvents) => StreamSocket,
  ) {
    this.#endpoint = endpoint
    this.remote = remote
    this.socket = socket(this)
  }

  get peer(): FlowPeer | undefined {
    return this.socket.peer
  }

  open(): void {
    this.isOpen = true
    for (const bytes of this.#queue.splice(0)) this.write(bytes)
  }

  data(chunk: string): void {
    for (const item of this.#framer.push(chunk)) {
      if (item.kind === 'message') this.#endpoint.take(item.raw, this.remote, this)
      else if (item.kind === 'ping') this.write('\r\n')
    }
  }

  closed(): void {
    this.isOpen = false
    this.#endpoint.forget(this)
  }

  write(bytes: string): void {
    if (this.isOpen) this.socket.write(bytes, () => {})
    else this.#queue.push(bytes)
  }

  close(error?: Error): void {
    this.isOpen = false
    this.#endpoint.forget(this)
    if (error) (this.socket as StreamSocket & { destroy(error?: Error): void }).destroy(error)
    else this.socket.end()
  }
}

class Endpoint implements MemoryEndpoint {
  readonly transport: Transport
  readonly address: string
  readonly port: number
  readonly received: MemoryReceived[] = []
  readonly connections: EndpointConnection[] = []
  onMessage?: (received: MemoryReceived) => void
  readonly #wires: MemoryWires
  readonly #peer: FlowPeer | undefined
  readonly #bound: { readonly port: number; close(): void; send?: unknown }
  readonly #datagram: ((wire: string, address: string, port: number) => void) | undefined
  #read = 0
  #waiting: ((received: MemoryReceived) => void)[] = []

  constructor(
    wires: MemoryWires,
    transport: Transport,
    address: string,
    port: number,
    options: EndpointOptions | undefined,
  ) {
    this.#wires = wires
    this.transport = transport
    this.address = address
    this.#peer = identityOf(options) ?? (options?.verified === false ? { names: [], verified: false } : undefined)
    if (transport === 'udp') {
      const socket = wires.bindDatagram(address, port, (wire, from, fromPort) =>
        this.take(wire, { address: from, port: fromPort }),
      )
      this.#bound = socket
      this.#datagram = (wire, to, toPort) => socket.send(wire, to, toPort, () => {})
    } else {
      this.#bound = wires.bindServer(transport, address, port, (socket) => this.#admit(socket), this.#peer)
    }
    this.port = this.#bound.port
  }

  #admit(socket: StreamSocket): StreamEvents {
    const remote = { address: socket.remoteAddress, port: socket.remotePort }
    const connection = new EndpointConnection(this, remote, () => socket)
    this.connections.push(connection)
    return connection
  }

  take(wire: string, from: { address: string; port: number }, connection?: MemoryConnection): void {
    const parsed = parseMessage(wire)
    const received: MemoryReceived = {
      wire,
      message: parsed.ok ? parsed.message : undefined,
      from,
      ...(connection && { connection }),
    }
    this.received.push(received)
    this.onMessage?.(received)
    const waiting = this.#waiting.shift()
    if (waiting) {
      this.#read++
      waiting(received)
    }
  }

  forget(connection: EndpointConnection): void {
    const at = this.connections.indexOf(connection)
    if (at >= 0) this.connections.splice(at, 1)
  }

  send(wire: string, to: { address: string; port: number; serverName?: string }): void {
    const address = numericAddress(to.address) ?? to.address
    if (this.#datagram) {
      this.#datagram(wire, address, to.port)
      return
    }
    const known = this.connections.find(({ remote }) => remote.address === address && remote.port === to.port)
    if (known) {
      known.write(wire)
      return
    }
    const connection = new EndpointConnection(this, { address, port: to.port }, (events) =>
      this.#wires.dial(
        {
          transport: this.transport,
          address,
          port: to.port,
          localAddress: this.address,
          ...(to.serverName !== undefined && { serverName: to.serverName }),
        },
        events,
        this.#peer,
        () => undefined,
      ),
    )
    this.connections.push(connection)
    connection.write(wire)
  }

  answer(to: MemoryReceived, wire: string): void {
    if (to.connection) to.connection.write(wire)
    else this.#datagram?.(wire, to.from.address, to.from.port)
  }

  next(): Promise<MemoryReceived> {
    const known = this.received[this.#read]
    if (known) {
      this.#read++
      return Promise.resolve(known)
    }
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  close(): void {
    this.#bound.close()
    for (const connection of [...this.connections]) connection.close()
  }
}

/** The message of a received wire text as a request, or an error that shows what came. */
export function receivedRequest(received: MemoryReceived): SipRequest {
  if (received.message && 'method' in received.message) return received.message as SipRequest
  throw new Error(`not a request: ${received.wire.split('\r\n', 1)[0]}`)
}
