// Owns TCP and TLS sockets of Node: accepting, dialling, and the stream socket over either.
import { connect as connectTcp, createServer as createTcpServer, type Socket } from 'node:net'
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { SignalboxError } from '../errors.ts'
import type { Log } from '../log.ts'
import { addressFamily, numericAddress } from './ip-address.ts'
import { latin1 } from './latin1.ts'
import { connectionError, listenError, systemError } from './socket-errors.ts'
import type { Dial, Lane, LaneFlow, LaneSeat, StreamEvents, StreamServer, StreamSocket } from './sockets.ts'
import type { TlsContext, TlsContexts } from './tls-context.ts'
import { judge, type Verdict } from './tls-identity.ts'
import { servingProfile } from './tls-profiles.ts'
import type { FlowPeer, ListenSpec } from './types.ts'

/** How long a connection that was ended in order may take to go. */
const LINGER_MILLIS = 2000
const BACKLOG = 511

/** A connection over a Node socket; TLS takes the TCP socket's place once the handshake is done. */
class NodeStream implements StreamSocket {
  readonly localAddress: string
  readonly localPort: number
  readonly remoteAddress: string
  readonly remotePort: number
  peer?: FlowPeer
  #socket: Socket
  #events: StreamEvents | undefined
  #error: Error | undefined
  #text = ''
  #written: ((error?: Error) => void)[] = []
  /** Writes that Node has not done with. */
  #flushes = 0
  #seat: LaneSeat | undefined
  #reading = false

  constructor(socket: Socket, target?: Dial) {
    this.#socket = socket
    this.remoteAddress = target?.address ?? numericAddress(socket.remoteAddress ?? '') ?? ''
    this.remotePort = target?.port ?? socket.remotePort ?? 0
    this.localAddress = socket.localAddress ?? target?.localAddress ?? ''
    this.localPort = socket.localPort ?? 0
    socket.setNoDelay(true)
    socket.setKeepAlive(true, 60_000)
    this.#listen(socket)
  }

  #listen(socket: Socket): void {
    socket.on('error', (error) => {
      this.#error ??= connectionError(error)
    })
    // A TCP socket under TLS closes before the TLS socket has told why.
    socket.on('close', () => {
      if (socket === this.#socket) this.#closed()
    })
  }

  serve(events: StreamEvents): void {
    this.#events = events
  }

  /** From here on bytes are those of `socket`. */
  opened(socket: Socket): void {
    if (socket !== this.#socket) {
      this.#socket = socket
      this.#listen(socket)
    }
    this.#events?.open()
    if (this.#seat) socket.pause()
    else this.#read()
  }

  #read(): void {
    if (this.#reading) return
    this.#reading = true
    this.#socket.on('data', (bytes: Buffer) => this.#events?.data(latin1(bytes))).resume()
  }

  divert(lane: Lane, flow: LaneFlow): LaneSeat | undefined {
    const fd = descriptorOf(this.#socket)
    if (fd < 0) return undefined
    this.#seat = lane.open(fd, flow, (code) => {
      // What ended in order, Node finds out as well.
      if (code === 0) this.#read()
      else this.#socket.destroy(systemError('read', code))
    })
    return this.#seat
  }

  reclaim(): void {
    if (!this.#seat?.own(() => this.reclaim())) return
    this.#leaveLane()
    this.#read()
  }

  /** What waited for the seat to be here is written after. */
  #leaveLane(): void {
    const seat = this.#seat
    this.#seat = undefined
    seat?.close()
  }

  judged(socket: TLSSocket, { peer, refused }: Verdict): void {
    if (refused) {
      this.refuse(refused)
      return
    }
    if (peer) this.peer = peer
    this.opened(socket)
  }

  /** Closes because of `error`, telling the events. */
  refuse(error: Error): void {
    this.#error = error
    this.#socket.destroy()
    this.#closed()
  }

  #closed(): void {
    const events = this.#events
    this.#events = undefined
    events?.closed(this.#error)
    this.#leaveLane()
  }

  get buffered(): number {
    return this.#socket.writableLength + this.#text.length
  }

  // What one turn of the event loop writes leaves in one system call: a chunk that held ten requests gives one of ten replies.
  write(wire: string, written: (error?: Error) => void): void {
    if (this.#seat?.own(() => this.write(wire, written)) === false) return
    this.#text += wire
    this.#written.push(written)
    if (this.#written.length > 1) return
    this.#seat?.hold(true)
    process.nextTick(() => this.#flush())
  }

  #flush(): void {
    const text = this.#text
    const written = this.#written
    if (written.length === 0) return
    this.#text = ''
    this.#written = []
    this.#flushes++
    this.#socket.write(text, 'latin1', (cause) => {
      const error = cause ? connectionError(cause) : undefined
      for (const tell of written) tell(error)
      this.#flushes--
      if (this.#flushes === 0 && this.#written.length === 0) this.#seat?.hold(false)
    })
  }

  end(): void {
    this.#events = undefined
    const socket = this.#socket
    if (this.#seat) {
      this.#leaveLane()
      this.#read()
    }
    this.#flush()
    socket.end()
    setTimeout(() => socket.destroy(), LINGER_MILLIS).unref()
  }

  destroy(): void {
    this.#events = undefined
    this.#flush()
    this.#leaveLane()
    this.#socket.destroy()
  }
}

/** The descriptor under a socket of Node, -1 where there is none. */
function descriptorOf(socket: Socket): number {
  const { _handle: handle } = socket as unknown as { _handle?: { readonly fd?: number } | null }
  return handle?.fd ?? -1
}

type Admit = (socket: StreamSocket) => StreamEvents | undefined

/** Opens a TCP or TLS listener, on an inherited descriptor where the spec has one. */
export async function openStreamServer(
  spec: ListenSpec,
  tls: TlsContexts,
  log: Log,
  admit: Admit,
): Promise<StreamServer> {
  const handshakes = spec.transport === 'tls' ? new Handshakes(spec, tls) : undefined
  // Whoever serves a plain socket begins to read it.
  const server = createTcpServer({ pauseOnConnect: handshakes === undefined }, (socket) => {
    const stream = new NodeStream(socket)
    const events = stream.remoteAddress === '' ? undefined : admit(stream)
    if (!events) {
      stream.destroy()
      return
    }
    stream.serve(events)
    if (handshakes) handshakes.begin(socket, stream)
    else stream.opened(socket)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(listenError(spec.transport, spec.address, spec.port, error)))
    const where =
      spec.fd === undefined
        ? {
            host: spec.address,
            port: spec.port,
            ipv6Only: addressFamily(spec.address) === 6,
            exclusive: true,
            backlog: BACKLOG,
          }
        : { fd: spec.fd, backlog: BACKLOG }
    server.listen(where, resolve)
  })
  // Running out of descriptors makes accept fail for a while; the listener lives on.
  server.removeAllListeners('error').on('error', (error) => {
    log.error({ address: spec.address, port: spec.port, err: error }, 'a connection could not be accepted')
  })
  const address = server.address()
  return {
    address: spec.address,
    port: typeof address === 'object' && address ? address.port : spec.port,
    close: () => void server.close(),
  }
}

/** The handshakes of one TLS listener. */
class Handshakes {
  readonly #tls: TlsContexts
  readonly #profile: string
  readonly #server: ReturnType<typeof createTlsServer>
  readonly #waiting = new Map<string, NodeStream>()
  #context: TlsContext

  constructor(spec: ListenSpec, tls: TlsContexts) {
    this.#tls = tls
    this.#profile = spec.tlsProfile ?? 'default'
    this.#context = tls.get(this.#profile)
    if (!this.#context.hasCertificate) {
      throw new SignalboxError(
        'ERR_TLS',
        `listen tls:${spec.address}:${spec.port}: TLS profile '${this.#profile}' has no certificate; give it key and cert`,
      )
    }
    this.#server = createTlsServer({
      ...this.#context.options,
      // Every handshake takes the context of its moment, so that new certificates serve at once.
      SNICallback: (serverName, done) => done(null, this.#contextFor(serverName).secure),
      requestCert: true,
      rejectUnauthorized: false,
    })
    this.#server.on('secureConnection', (socket) => this.#finish(socket))
    this.#server.on('tlsClientError', (error, socket) => this.#take(socket)?.refuse(connectionError(error)))
  }

  #contextFor(serverName: string | undefined): TlsContext {
    return this.#tls.get(servingProfile(this.#tls.profiles, serverName, this.#profile))
  }

  begin(socket: Socket, stream: NodeStream): void {
    const key = `${stream.remoteAddress} ${stream.remotePort}`
    this.#waiting.set(key, stream)
    socket.once('close', () => {
      if (this.#waiting.get(key) !== stream) return
      this.#waiting.delete(key)
      stream.refuse(
        new SignalboxError('ERR_TLS', `TLS client ${stream.remoteAddress} left before the handshake was done`),
      )
    })
    // Clients that name no server get the server's own context.
    const context = this.#tls.get(this.#profile)
    if (context !== this.#context) this.#server.setSecureContext(context.options)
    this.#context = context
    this.#server.emit('connection', socket)
  }

  #take(socket: TLSSocket): NodeStream | undefined {
    const key = `${numericAddress(socket.remoteAddress ?? '')} ${socket.remotePort}`
    const stream = this.#waiting.get(key)
    this.#waiting.delete(key)
    return stream
  }

  #finish(socket: TLSSocket): void {
    const stream = this.#take(socket)
    if (!stream) {
      socket.destroy()
      return
    }
    const serverName = typeof socket.servername === 'string' ? socket.servername : undefined
    const { name, profile } = this.#contextFor(serverName)
    stream.judged(socket, judge(socket, { role: 'server', profileName: name, profile }))
  }
}

/** Dials over TCP or TLS. */
export function dialStream(target: Dial, tls: TlsContexts, events: StreamEvents): StreamSocket {
  const where = {
    host: target.address,
    port: target.port,
    ...(target.localAddress !== undefined && { localAddress: target.localAddress }),
  }
  if (target.transport !== 'tls') {
    const socket = connectTcp(where)
    const stream = new NodeStream(socket, target)
    stream.serve(events)
    socket.once('connect', () => stream.opened(socket))
    return stream
  }
  const profileName = target.profile ?? 'default'
  const { profile, secure } = tls.get(profileName)
  const socket = connectTls({
    ...where,
    secureContext: secure,
    servername: profile.sendServerName ?? target.serverName ?? '',
    // Chain and name are judged below, where the reason can be told; nothing is written before.
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  })
  const stream = new NodeStream(socket, target)
  stream.serve(events)
  socket.once('secureConnect', () => {
    const { serverName } = target
    const demand = { role: 'client' as const, profileName, profile, ...(serverName !== undefined && { serverName }) }
    stream.judged(socket, judge(socket, demand))
  })
  return stream
}
