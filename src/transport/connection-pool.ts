// Owns all stream connections: caps, reuse, dialling, and the bytes that wait on them.
import type { Clock } from '../clock.ts'
import { SignalboxError } from '../errors.ts'
import { LIMIT_TOLD_MILLIS, Seldom } from '../log.ts'
import type { ParseLimits } from '../sip/index.ts'
import type { ConnectionEnd } from './close-reason.ts'
import { Connection, type ConnectionOwner } from './connection.ts'
import { endpointText, isWildcard, numericAddress, sourceKey } from './ip-address.ts'
import type { FramingError, Lane, PoolOptions, StreamEvents, StreamPool, StreamSocket } from './sockets.ts'
import { dialProfile, namesInclude } from './tls-profiles.ts'
import type { Hop, Listener, SendFailed, Transport, TransportLimits } from './types.ts'
import { isWeb } from './websocket-face.ts'

const TLS_TOLD_MILLIS = 1000

/** Connections by remote endpoint; the owner of each. */
export class ConnectionPool implements StreamPool, ConnectionOwner {
  readonly #options: PoolOptions
  readonly #all = new Set<Connection>()
  readonly #byRemote = new Map<string, Connection[]>()
  readonly #perSource = new Map<string, number>()
  #writeBytes = 0
  readonly #tlsNotice = new Seldom(TLS_TOLD_MILLIS)
  readonly #limitNotice = new Seldom(LIMIT_TOLD_MILLIS)

  constructor(options: PoolOptions) {
    this.#options = options
  }

  get clock(): Clock {
    return this.#options.clock
  }
  get limits(): TransportLimits {
    return this.#options.limits
  }
  get parseLimits(): ParseLimits {
    return this.#options.parseLimits
  }
  get framingGraceMillis(): number {
    return this.#options.framingGraceMillis ?? 0
  }
  get lane(): Lane | undefined {
    return this.#options.lane
  }
  get size(): number {
    return this.#all.size
  }
  get writeBytes(): number {
    return this.#writeBytes
  }

  admit(listener: Listener, socket: StreamSocket): StreamEvents | undefined {
    const { clock, counters, limits, log } = this.#options
    const source = sourceKey(socket.remoteAddress)
    const held = this.#perSource.get(source) ?? 0
    const reason =
      this.#all.size >= limits.connections ? 'cap' : held >= limits.connectionsPerSource ? 'source-cap' : undefined
    if (reason) {
      counters.countClosed(reason)
      const limit = reason === 'cap' ? 'connections' : 'connectionsPerSource'
      const whose = reason === 'cap' ? '' : ` from ${socket.remoteAddress}`
      log[this.#limitNotice.isDue(clock.now()) ? 'warn' : 'debug'](
        { event: 'limit', limit, source: socket.remoteAddress },
        `connections${whose} are refused: limits.${limit} (${limits[limit]}) of them are open`,
      )
      return undefined
    }
    counters.accepted++
    this.#perSource.set(source, held + 1)
    const connection = new Connection(
      {
        transport: listener.transport,
        listener,
        remoteAddress: socket.remoteAddress,
        remotePort: socket.remotePort,
        dialled: false,
        ...(listener.tlsProfile !== undefined && { profile: listener.tlsProfile }),
      },
      this,
    )
    this.#add(connection)
    connection.attach(socket)
    return connection
  }

  /** @returns the connection that took it */
  send(hop: Hop, listener: Listener, wire: string, failed: SendFailed): Connection | undefined {
    const profile = this.#profileTo(hop, listener)
    const known = this.#find(hop, profile)
    if (known) {
      known.send(wire, failed)
      return known
    }
    const place = `${hop.transport} ${endpointText(hop.address, hop.port)}`
    if (isWeb(hop.transport)) {
      // RFC 7118 4: browsers connect to us; nothing listens where they are.
      failed(new SignalboxError('ERR_TRANSPORT', `cannot send to ${place}: no WebSocket from there is open`))
      return undefined
    }
    if (hop.noConnect === true) {
      failed(new SignalboxError('ERR_TRANSPORT', `no connection to ${place} is open, and none shall be made`))
      return undefined
    }
    const { counters, limits, sockets } = this.#options
    if (this.#all.size >= limits.connections) {
      counters.countClosed('cap')
      failed(
        new SignalboxError(
          'ERR_TRANSPORT',
          `cannot send to ${place}: all ${limits.connections} connections are in use; raise limits.connections or lower limits.idleMillis`,
        ),
      )
      return undefined
    }
    counters.dialled++
    const connection = new Connection(
      {
        transport: hop.transport,
        listener,
        remoteAddress: hop.address,
        remotePort: hop.port,
        dialled: true,
        ...(hop.serverName !== undefined && { serverName: hop.serverName }),
        ...(profile !== undefined && { profile }),
      },
      this,
    )
    this.#add(connection)
    connection.send(wire, failed)
    try {
      connection.attach(
        sockets.dial(
          {
            transport: hop.transport,
            address: hop.address,
            port: hop.port,
            ...(isWildcard(listener.address) ? {} : { localAddress: listener.address }),
            ...(hop.serverName !== undefined && { serverName: hop.serverName }),
            ...(profile !== undefined && { profile }),
          },
          connection,
        ),
      )
    } catch (error) {
      connection.closed(error as Error)
    }
    return connection
  }

  /** The connection that leads to the hop, if one does. */
  known(hop: Hop, listener: Listener): Connection | undefined {
    return this.#find(hop, this.#profileTo(hop, listener))
  }

  #profileTo(hop: Hop, listener: Listener): string | undefined {
    const isSecure = hop.transport === 'tls' || hop.transport === 'wss'
    return isSecure ? dialProfile(this.#options.tls, hop, listener) : undefined
  }

  #find(hop: Hop, profile: string | undefined): Connection | undefined {
    const { transport } = hop
    // RFC 7118 5.4: URIs say ws whether or not it runs over TLS.
    const other = transport === 'ws' ? 'wss' : 'ws'
    const candidates =
      this.#byRemote.get(remoteKey(transport, hop.address, hop.port)) ??
      (isWeb(transport) ? this.#byRemote.get(remoteKey(other, hop.address, hop.port)) : undefined)
    return candidates?.find(
      (connection) =>
        !connection.isClosed &&
        !connection.retired &&
        (hop.listener === undefined ||
          hop.listener.id === connection.listener.id ||
          hop.listener.transport !== hop.transport) &&
        (connection.dialled ? connection.profile === profile : this.#mayUseAccepted(connection)) &&
        leadsTo(connection, hop.serverName),
    )
  }

  #mayUseAccepted(connection: Connection): boolean {
    if (!connection.isOpen) return false
    const { profiles } = this.#options.tls
    return connection.transport !== 'tls' || profiles[connection.profile ?? 'default']?.reuseAccepted !== false
  }

  #add(connection: Connection): void {
    this.#all.add(connection)
    this.#noteRemote(connection)
  }

  upgraded(connection: Connection, before: Transport): void {
    this.#forgetRemote(connection, before)
    this.#noteRemote(connection)
    this.lane?.forgetRoutes()
  }

  #forgetRemote(connection: Connection, transport: Transport): void {
    const key = remoteKey(transport, connection.remoteAddress, connection.remotePort)
    const list = this.#byRemote.get(key)?.filter((one) => one !== connection)
    if (list && list.length > 0) this.#byRemote.set(key, list)
    else this.#byRemote.delete(key)
  }

  #noteRemote(connection: Connection): void {
    const key = remoteKey(connection.transport, connection.remoteAddress, connection.remotePort)
    const list = this.#byRemote.get(key)
    if (list) list.push(connection)
    else this.#byRemote.set(key, [connection])
  }

  #remove(connection: Connection): void {
    this.#all.delete(connection)
    this.#forgetRemote(connection, connection.transport)
    if (connection.dialled) return
    const source = sourceKey(connection.remoteAddress)
    const held = (this.#perSource.get(source) ?? 1) - 1
    if (held > 0) this.#perSource.set(source, held)
    else this.#perSource.delete(source)
  }

  /** They go when they fall idle. */
  retire(profile: string): void {
    for (const connection of this.#all) {
      if ((connection.profile ?? 'default') === profile && connection.transport === 'tls') connection.retired = true
    }
  }

  closeAll(): void {
    for (const connection of [...this.#all]) connection.close('layer')
  }

  message(raw: string, connection: Connection): void {
    this.#options.message(raw, connection)
  }

  framingError(error: FramingError, connection: Connection): void {
    this.#options.framingError(error, connection)
  }

  keepAlive(): void {
    this.#options.counters.keepAlives++
  }

  opened(connection: Connection): void {
    this.lane?.forgetRoutes()
    this.#options.log.debug(
      {
        flow: connection.id,
        transport: connection.transport,
        remote: endpointText(connection.remoteAddress, connection.remotePort),
      },
      connection.dialled ? 'connection opened' : 'connection accepted',
    )
  }

  closed(connection: Connection, { reason, error, lost }: ConnectionEnd): void {
    this.#remove(connection)
    this.lane?.forgetRoutes()
    const tls = error instanceof SignalboxError && error.code === 'ERR_TLS'
    const counted = tls ? 'tls' : reason
    if (counted !== 'remote' && counted !== 'layer') this.#options.counters.countClosed(counted)
    const fields = {
      flow: connection.id,
      transport: connection.transport,
      remote: endpointText(connection.remoteAddress, connection.remotePort),
      reason: counted,
      ...(error && { error: error.message }),
    }
    // Why a far end is refused must be seen; one that knocks a thousand times a second must not fill the disk.
    if (tls && this.#tlsNotice.isDue(this.#options.clock.now())) this.#options.log.warn(fields, error.message)
    else this.#options.log.debug(fields, 'connection closed')
    this.#options.flowClosed(connection, lost)
  }

  account(delta: number): boolean {
    if (delta > 0 && this.#writeBytes + delta > this.#options.limits.writeBytes) return false
    this.#writeBytes += delta
    return true
  }
}

function remoteKey(transport: string, address: string, port: number): string {
  return `${transport} ${numericAddress(address) ?? address} ${port}`
}

// A connection dialled by number proves no name; one that proved a name also leads to the number.
function leadsTo(connection: Connection, serverName: string | undefined): boolean {
  if (serverName === undefined || connection.serverName === serverName) return true
  if (connection.transport !== 'tls' && connection.transport !== 'wss') return true
  return connection.peer?.verified === true && namesInclude(connection.peer.names, serverName)
}
