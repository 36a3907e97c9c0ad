// Owns the transport layer (RFC 3261 18) over any sockets: listeners, receiving, sending, the way back of replies.
import { type Clock, systemClock } from '../clock.ts'
import { SignalboxError } from '../errors.ts'
import { type Log, silentLog } from '../log.ts'
import { DEFAULT_PARSE_LIMITS, parseMessage, type ReadUri, type SipRequest, writeBytesBy } from '../sip/index.ts'
import { BadRequests, type StatelessReply } from './bad-request.ts'
import { ConnectionPool } from './connection-pool.ts'
import { Counters } from './counters.ts'
import { createSystemDns } from './dns-source.ts'
import { UdpFlowTable } from './flow-table.ts'
import { httpRequest } from './http-request.ts'
import { addressFamily, endpointText } from './ip-address.ts'
import { DEFAULT_TRANSPORT_LIMITS } from './limits.ts'
import { expandListen, listenersOf, type OwnListener } from './listen.ts'
import { ListenerChoice } from './listener-choice.ts'
import { LocalNames } from './local-names.ts'
import { reconnectTarget, unreliableTarget } from './reply-target.ts'
import { Resolver, staticHosts } from './resolver.ts'
import {
  type DatagramSocket,
  isStreamFlow,
  type PoolOptions,
  type Sockets,
  type StreamPool,
  type StreamServer,
} from './sockets.ts'
import type {
  Flow,
  Hop,
  Listener,
  ListenSpec,
  ReloadableTransport,
  ReplyRoute,
  ReplyTarget,
  SendFailed,
  Transport,
  TransportLayer,
  TransportLimits,
  TransportOptions,
  TransportStats,
  TransportUser,
} from './types.ts'

/** Nothing shorter is a SIP message; keep-alives of any fashion are. */
const SHORTEST_MESSAGE = 8
const LONGEST_DATAGRAM = 65_507

// What is received is read as bytes: Node copies them ten times as fast as a loop.
writeBytesBy(({ buffer }) => {
  const bytes = Buffer.from(buffer)
  return (text) => bytes.write(text, 'latin1')
})

/** The layer behind {@link createTransport} and the memory network. */
export function createLayer(options: TransportOptions, sockets: Sockets): TransportLayer {
  return new SocketTransport(options, sockets)
}

class SocketTransport implements TransportLayer {
  readonly listeners: readonly Listener[]
  readonly #specs: readonly ListenSpec[]
  readonly #sockets: Sockets
  readonly #log: Log
  readonly #clock: Clock
  readonly #counters = new Counters()
  readonly #pool: StreamPool
  readonly #poolOptions: PoolOptions
  readonly #resolver: Resolver
  readonly #datagrams = new Map<Listener, DatagramSocket>()
  readonly #servers: StreamServer[] = []
  readonly #bad: BadRequests
  readonly #http: TransportOptions['http']
  #user: TransportUser | undefined
  #limits: TransportLimits
  #alias: readonly string[]
  #local: LocalNames
  #choice: ListenerChoice
  #hosts: ReadonlyMap<string, readonly string[]>

  constructor(options: TransportOptions, sockets: Sockets) {
    this.#sockets = sockets
    this.#http = options.http
    this.#log = options.log ?? silentLog
    this.#bad = new BadRequests(this.#counters, this.#log)
    this.#specs = expandListen(options.listen)
    this.#limits = { ...DEFAULT_TRANSPORT_LIMITS, ...options.limits }
    this.listeners = listenersOf(this.#specs)
    this.#alias = options.alias ?? []
    this.#local = new LocalNames(this.listeners, this.#alias)
    const clock = options.clock ?? systemClock
    this.#clock = clock
    this.#choice = this.#newChoice()
    this.#hosts = staticHosts(options.hosts ?? {})
    this.#poolOptions = {
      sockets,
      clock,
      log: this.#log,
      counters: this.#counters,
      limits: this.#limits,
      parseLimits: { ...DEFAULT_PARSE_LIMITS, ...options.parseLimits },
      tls: options.tls ?? { profiles: {} },
      message: (raw, flow) => this.#received(raw, flow),
      framingError: (error, flow) =>
        this.#answer(this.#bad.refuseFraming(error, flow, this.#poolOptions.parseLimits), flow),
      flowClosed: (flow) => this.#user?.onFlowClosed?.(flow),
    }
    this.#pool = sockets.openPool?.(this.#poolOptions) ?? new ConnectionPool(this.#poolOptions)
    sockets.profileChanged = (profile) => this.#pool.retire(profile)
    this.#resolver = new Resolver({
      dns: options.dns ?? createSystemDns(),
      clock,
      random: options.random ?? Math.random,
      hosts: () => this.#hosts,
      canSend: (transport, family) =>
        this.listeners.some((one) => one.transport === transport && addressFamily(one.address) === family),
      ttlMillis: () => this.#limits.dnsTtlMillis,
      entries: () => this.#limits.dnsEntries,
    })
  }

  #newChoice(): ListenerChoice {
    return new ListenerChoice(this.listeners, () => this.#clock.now(), this.#sockets.routeTo?.bind(this.#sockets))
  }

  async start(user: TransportUser): Promise<void> {
    this.#user = user
    try {
      for (const [id, spec] of this.#specs.entries()) {
        const listener = this.listeners[id] as OwnListener
        const opened =
          spec.transport === 'udp' ? await this.#openDatagram(spec, listener) : await this.#openServer(spec, listener)
        listener.port = opened.port
      }
    } catch (error) {
      await this.close()
      throw error
    }
    this.#local = new LocalNames(this.listeners, this.#alias)
    this.#sockets.started?.()
  }

  async #openDatagram(spec: ListenSpec, listener: Listener): Promise<DatagramSocket> {
    const flows = new UdpFlowTable(listener, () => this.#limits.udpFlows)
    const { udpReceiveBytes: receive, udpSendBytes: send } = this.#limits
    const socket = await this.#sockets.openDatagram(
      spec,
      { buffers: { receive, send }, listener: listener.id },
      (wire, address, port) => {
        // Port 0 cannot be answered; what is this short is a keep-alive (RFC 3261 18.3, RFC 5626 3.5).
        if (port === 0 || wire.length < SHORTEST_MESSAGE) this.#counters.keepAlives++
        else this.#received(wire, flows.flow(address, port))
      },
    )
    this.#datagrams.set(listener, socket)
    return socket
  }

  async #openServer(spec: ListenSpec, listener: Listener): Promise<StreamServer> {
    const server = await this.#sockets.openServer(spec, (socket) => this.#pool.admit(listener, socket))
    this.#servers.push(server)
    return server
  }

  async close(): Promise<void> {
    for (const server of this.#servers.splice(0)) server.close()
    this.#pool.closeAll()
    for (const socket of this.#datagrams.values()) socket.close()
    this.#datagrams.clear()
    this.#sockets.close()
  }

  listenerFor(hop: Hop): Listener | undefined {
    return this.#choice.choose(hop)
  }

  isLocal(host: string, port: number | undefined, transport?: Transport): boolean {
    return this.#local.has(host, port, transport)
  }

  resolve(uri: ReadUri): Hop[] | Promise<Hop[]> {
    return this.#resolver.resolve(uri)
  }

  update(options: Partial<ReloadableTransport>): void {
    // All or nothing: what can throw is made before anything is taken over.
    const alias = options.alias ?? this.#alias
    const local = new LocalNames(this.listeners, alias)
    const hosts = options.hosts ? staticHosts(options.hosts) : this.#hosts
    if (options.tls) {
      this.#sockets.updateTls(options.tls)
      this.#poolOptions.tls = options.tls
    }
    this.#alias = alias
    this.#local = local
    this.#hosts = hosts
    if (options.limits) this.#poolOptions.limits = this.#limits = { ...DEFAULT_TRANSPORT_LIMITS, ...options.limits }
    if (options.parseLimits) this.#poolOptions.parseLimits = { ...DEFAULT_PARSE_LIMITS, ...options.parseLimits }
    this.#choice = this.#newChoice()
    this.#resolver.clear()
  }

  stats(): TransportStats {
    return this.#counters.stats(this.#pool.size, this.#pool.writeBytes)
  }

  send(hop: Hop, wire: string, failed: SendFailed): void {
    const listener = this.#choice.choose(hop)
    if (!listener) {
      const to = `${hop.transport} ${endpointText(hop.address, hop.port)}`
      const remedy = `no listener of transport ${hop.transport} and IPv${addressFamily(hop.address) || '4/6'}; add one to listen`
      this.#failed(new SignalboxError('ERR_TRANSPORT', `cannot send to ${to}: ${remedy}`), failed)
      return
    }
    if (hop.transport !== 'udp') this.#sendStream(hop, listener, wire, failed)
    else this.#sendDatagram(listener, hop.address, hop.port, wire, failed)
  }

  #sendStream(hop: Hop, listener: Listener, wire: string, failed: SendFailed): void {
    this.#count(hop.transport, wire)
    this.#pool.send(hop, listener, wire, (error) => this.#failed(error, failed))
  }

  #sendDatagram(listener: Listener, address: string, port: number, wire: string, failed: SendFailed): void {
    const socket = this.#datagrams.get(listener)
    const fail = (why: string): void =>
      this.#failed(
        new SignalboxError('ERR_TRANSPORT', `cannot send to udp ${endpointText(address, port)}: ${why}`),
        failed,
      )
    if (!socket) fail('the transport is not started')
    else if (wire.length > LONGEST_DATAGRAM) fail(`${wire.length} bytes do not fit into a datagram; use tcp or tls`)
    else {
      this.#count('udp', wire)
      socket.send(wire, address, port, (error) =>
        fail(`${error.message}; check the route and the sending address ${listener.address}`),
      )
    }
  }

  replyTarget(flow: Flow, request: SipRequest, route?: ReplyRoute): ReplyTarget {
    return isStreamFlow(flow) ? reconnectTarget(flow, request.topVia) : unreliableTarget(flow, request.topVia, route)
  }

  reply(flow: Flow, to: ReplyTarget, wire: string, failed: SendFailed): void {
    const { host, port, serverName } = to
    if (isStreamFlow(flow)) {
      if (!flow.isClosed) {
        this.#count(flow.transport, wire)
        flow.send(wire, (error) => this.#failed(error, failed))
        return
      }
      const hop = { transport: flow.transport, address: host, port, listener: flow.listener }
      this.send(serverName === undefined ? hop : { ...hop, serverName }, wire, failed)
      return
    }
    if (addressFamily(host) !== 0) {
      this.#sendDatagram(flow.listener, host, port, wire, failed)
      return
    }
    this.#resolver.addresses(host).then(
      (addresses) => {
        const family = addressFamily(flow.listener.address)
        const address = addresses.find((one) => addressFamily(one) === family)
        if (address === undefined) this.#failed(unresolved(host), failed)
        else this.#sendDatagram(flow.listener, address, port, wire, failed)
      },
      (error: unknown) => this.#failed(unresolved(host, error), failed),
    )
  }

  finish(flow: Flow, code: number, reason: string): void {
    if (isStreamFlow(flow) && !flow.isClosed) flow.finish(code, reason)
  }

  #count(transport: Transport, wire: string): void {
    this.#counters.sent[transport]++
    this.#counters.sentBytes += wire.length
  }

  #failed(error: SignalboxError, failed: SendFailed): void {
    this.#counters.sendFailures++
    failed(error)
  }

  #received(raw: string, flow: Flow): void {
    this.#counters.received[flow.transport]++
    this.#counters.receivedBytes += raw.length
    try {
      const result = parseMessage(raw, this.#poolOptions.parseLimits)
      if (result.ok) this.#user?.onMessage(result.message, flow)
      else if (!this.#tookHttp(raw, flow)) this.#answer(this.#bad.refuse(result, flow), flow)
    } catch (error) {
      // One message must never cost the others: the socket lives on whatever its reader does.
      this.#counters.userErrors++
      this.#log.error(
        { flow: flow.id, source: flow.remoteAddress, err: error },
        'a received message made its reader fail',
      )
    }
  }

  #tookHttp(raw: string, flow: Flow): boolean {
    if (this.#http === undefined || !flow.reliable) return false
    const request = httpRequest(raw, flow, this.#poolOptions.parseLimits)
    if (request !== undefined) this.#http(request, flow)
    return request !== undefined
  }

  #answer(reply: StatelessReply | undefined, flow: Flow): void {
    if (reply) this.reply(flow, this.replyTarget(flow, reply.request), reply.wire, () => {})
  }
}

function unresolved(host: string, cause?: unknown): SignalboxError {
  return new SignalboxError(
    'ERR_RESOLVE',
    `cannot resolve ${host}, the maddr of a Via. Check DNS, or name its addresses in config.hosts`,
    {
      cause,
    },
  )
}
