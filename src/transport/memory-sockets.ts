// Owns sockets that live in memory: datagrams and streams between addresses of one MemoryNetwork, on the injected clock.
import type { Clock } from '../clock.ts'
import { SignalboxError } from '../errors.ts'
import { endpointText } from './ip-address.ts'
import type { DatagramSocket, Dial, Sockets, StreamEvents, StreamServer, StreamSocket } from './sockets.ts'
import { namesInclude } from './tls-profiles.ts'
import type { FlowPeer, ListenSpec, TlsOptions, Transport } from './types.ts'

/** A message under way, as `loss` and `delay` see it. */
export interface MemoryPacket {
  readonly transport: Transport
  /** `address:port` */
  readonly from: string
  readonly to: string
  readonly wire: string
}

export interface MemoryNetworkOptions {
  /** Share of datagrams lost, or which ones; streams lose nothing. */
  readonly loss?: number | ((packet: MemoryPacket) => boolean)
  /** Milliseconds on the way; 0 delivers in the next microtask. Chunks of one stream keep their order. */
  readonly delay?: number | ((packet: MemoryPacket) => number)
}

type Admit = (socket: StreamSocket) => StreamEvents | undefined
interface Server {
  readonly transport: Transport
  readonly admit: Admit
  readonly peer: FlowPeer | undefined
}

/** What is bound where, what is refused, and what is under way. */
export class MemoryWires {
  readonly clock: Clock
  loss: number | ((packet: MemoryPacket) => boolean)
  delay: number | ((packet: MemoryPacket) => number)
  readonly datagrams = new Map<string, (wire: string, address: string, port: number) => void>()
  readonly servers = new Map<string, Server>()
  readonly pipes = new Set<MemoryPipe>()
  /** `address:port` of targets that refuse connections. */
  readonly refused = new Set<string>()
  /** `address:port` of targets that never answer: connections hang, datagrams vanish. */
  readonly silent = new Set<string>()
  inFlight = 0
  #nextPort = 49_152
  #seed = 0x5eed

  constructor(clock: Clock, options: MemoryNetworkOptions) {
    this.clock = clock
    this.loss = options.loss ?? 0
    this.delay = options.delay ?? 0
  }

  ephemeralPort(): number {
    return this.#nextPort < 65_535 ? this.#nextPort++ : (this.#nextPort = 49_152)
  }

  /** Deterministic, so that a test with loss fails the same way twice. */
  random(): number {
    this.#seed = (Math.imul(this.#seed, 1_664_525) + 1_013_904_223) >>> 0
    return this.#seed / 2 ** 32
  }

  lost(packet: MemoryPacket): boolean {
    return typeof this.loss === 'function' ? this.loss(packet) : this.loss > 0 && this.random() < this.loss
  }

  delayOf(packet: MemoryPacket): number {
    return typeof this.delay === 'function' ? this.delay(packet) : this.delay
  }

  later(milliseconds: number, run: () => void): void {
    this.inFlight++
    const arrive = (): void => {
      this.inFlight--
      run()
    }
    if (milliseconds <= 0) queueMicrotask(arrive)
    else this.clock.setTimer(milliseconds, arrive)
  }

  sendDatagram(from: { address: string; port: number }, wire: string, address: string, port: number): void {
    const to = endpointText(address, port)
    const packet: MemoryPacket = { transport: 'udp', from: endpointText(from.address, from.port), to, wire }
    if (this.silent.has(to) || this.lost(packet)) return
    this.later(this.delayOf(packet), () => this.datagrams.get(to)?.(wire, from.address, from.port))
  }

  bindDatagram(
    address: string,
    port: number,
    received: (wire: string, address: string, port: number) => void,
  ): DatagramSocket {
    const bound = port === 0 ? this.ephemeralPort() : port
    const key = endpointText(address, bound)
    if (this.datagrams.has(key)) throw inUse('udp', address, bound)
    this.datagrams.set(key, received)
    const self = { address, port: bound }
    return {
      ...self,
      send: (wire, to, toPort) => this.sendDatagram(self, wire, to, toPort),
      close: () => this.datagrams.delete(key),
    }
  }

  bindServer(
    transport: Transport,
    address: string,
    port: number,
    admit: Admit,
    peer: FlowPeer | undefined,
  ): StreamServer {
    const bound = port === 0 ? this.ephemeralPort() : port
    const key = endpointText(address, bound)
    if (this.servers.has(key)) throw inUse(transport, address, bound)
    this.servers.set(key, { transport, admit, peer })
    return { address, port: bound, close: () => this.servers.delete(key) }
  }

  /**
   * Connects. `peer` is what the dialler proves; `accepts` judges what the server proved and gives the reason to refuse it.
   */
  dial(
    target: Dial,
    events: StreamEvents,
    peer: FlowPeer | undefined,
    accepts: (server: FlowPeer | undefined) => Error | undefined,
  ): StreamSocket {
    const near = { address: target.localAddress ?? target.address, port: this.ephemeralPort() }
    const far = { address: target.address, port: target.port }
    const dialler = new MemoryPipe(this, target.transport, near, far)
    const accepted = new MemoryPipe(this, target.transport, far, near)
    dialler.events = events
    this.pipes.add(dialler)
    const to = endpointText(far.address, far.port)
    if (this.silent.has(to)) return dialler
    const packet: MemoryPacket = {
      transport: target.transport,
      from: endpointText(near.address, near.port),
      to,
      wire: '',
    }
    this.later(this.delayOf(packet), () => {
      if (dialler.isGone) return
      const server = this.refused.has(to) ? undefined : this.servers.get(to)
      const why = server ? (mismatch(target, server) ?? accepts(server.peer)) : new Error(`connect ECONNREFUSED ${to}`)
      const acceptedEvents = why ? undefined : server?.admit(accepted)
      if (!server || !acceptedEvents) {
        dialler.fail(why ?? new Error(`connect ECONNRESET ${to}`))
        return
      }
      this.pipes.add(accepted)
      accepted.events = acceptedEvents
      dialler.join(accepted)
      if (server.peer) dialler.peer = server.peer
      if (peer) accepted.peer = peer
      acceptedEvents.open()
      events.open()
    })
    return dialler
  }
}

function inUse(transport: string, address: string, port: number): SignalboxError {
  return new SignalboxError('ERR_LISTEN', `cannot listen on ${transport} ${endpointText(address, port)}: EADDRINUSE`)
}

function mismatch(target: Dial, server: Server): Error | undefined {
  if (server.transport === target.transport) return undefined
  return tlsError(target, `the far end speaks ${server.transport}, not ${target.transport}`)
}

function tlsError(target: Dial, why: string): SignalboxError {
  return new SignalboxError('ERR_TLS', `${target.serverName ?? target.address}: ${why}`)
}

/** One end of a stream. */
export class MemoryPipe implements StreamSocket {
  readonly localAddress: string
  readonly localPort: number
  readonly remoteAddress: string
  readonly remotePort: number
  readonly transport: Transport
  peer?: FlowPeer
  events: StreamEvents | undefined
  buffered = 0
  /** Set by a test: the far end reads nothing, so writes stay where they are. */
  stalled = false
  isGone = false
  readonly #wires: MemoryWires
  #other: MemoryPipe | undefined
  #readyAt = 0
  #held: { wire: string; written: (error?: Error) => void }[] = []

  constructor(
    wires: MemoryWires,
    transport: Transport,
    local: { address: string; port: number },
    remote: { address: string; port: number },
  ) {
    this.#wires = wires
    this.transport = transport
    this.localAddress = local.address
    this.localPort = local.port
    this.remoteAddress = remote.address
    this.remotePort = remote.port
  }

  join(other: MemoryPipe): void {
    this.#other = other
    other.#other = this
  }

  write(wire: string, written: (error?: Error) => void): void {
    if (this.isGone) {
      written(new Error('the connection is closed'))
    } else if (this.stalled) {
      this.buffered += wire.length
      this.#held.push({ wire, written })
    } else {
      this.#towards(wire, () => this.#other?.events?.data(wire))
      written()
    }
  }

  /** Runs at the other end once all that was written before has arrived there. */
  #towards(wire: string, run: () => void): void {
    const packet: MemoryPacket = {
      transport: this.transport,
      from: endpointText(this.localAddress, this.localPort),
      to: endpointText(this.remoteAddress, this.remotePort),
      wire,
    }
    const now = this.#wires.clock.now()
    this.#readyAt = Math.max(this.#readyAt, now + this.#wires.delayOf(packet))
    this.#wires.later(this.#readyAt - now, () => {
      if (this.#other && !this.#other.isGone) run()
    })
  }

  end(): void {
    this.destroy()
  }

  destroy(error?: Error): void {
    if (this.isGone) return
    this.#towards('', () => this.#other?.fail(error))
    this.#leave(error ?? new Error('the connection is closed'))
  }

  /** Ends this end as if the far end had gone. */
  fail(error?: Error): void {
    if (this.isGone) return
    const events = this.events
    this.#leave(error ?? new Error('the connection is closed'))
    events?.closed(error)
  }

  #leave(lost: Error): void {
    this.isGone = true
    this.events = undefined
    this.#wires.pipes.delete(this)
    for (const { written } of this.#held.splice(0)) written(lost)
  }
}

/** The sockets that a transport layer under test gets. `peer` is what its certificate says. */
export class MemorySockets implements Sockets {
  readonly #wires: MemoryWires
  readonly #peer: FlowPeer | undefined
  #tls: TlsOptions

  constructor(wires: MemoryWires, tls: TlsOptions, peer: FlowPeer | undefined) {
    this.#wires = wires
    this.#tls = tls
    this.#peer = peer
  }

  async openDatagram(
    spec: ListenSpec,
    _: unknown,
    received: (wire: string, address: string, port: number) => void,
  ): Promise<DatagramSocket> {
    return this.#wires.bindDatagram(spec.address, spec.port, received)
  }

  async openServer(spec: ListenSpec, admit: Admit): Promise<StreamServer> {
    return this.#wires.bindServer(
      spec.transport,
      spec.address,
      spec.port,
      admit,
      spec.transport === 'tls' ? this.#peer : undefined,
    )
  }

  dial(target: Dial, events: StreamEvents): StreamSocket {
    const profile = this.#tls.profiles[target.profile ?? 'default']
    return this.#wires.dial(target, events, target.transport === 'tls' ? this.#peer : undefined, (server) => {
      if (target.transport !== 'tls') return undefined
      if (profile?.verifyPeer !== false && server?.verified === false)
        return tlsError(target, 'its certificate does not verify')
      const name = target.serverName
      if (name === undefined || profile?.verifyName === false || !server) return undefined
      if (namesInclude(server.names, name)) return undefined
      return tlsError(target, `its certificate is for ${server.names.join(', ')}`)
    })
  }

  updateTls(tls: TlsOptions): void {
    this.#tls = tls
  }

  close(): void {}
}
