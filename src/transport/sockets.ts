// Owns the line between the transport layer and what carries its bytes: the operating system's sockets or the memory network.
import type { Clock } from '../clock.ts'
import type { SignalboxError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Awaited, FramedItem, ParseLimits } from '../sip/index.ts'
import type { Counters } from './counters.ts'
import type {
  Flow,
  FlowPeer,
  Hop,
  Listener,
  ListenSpec,
  SendFailed,
  TlsOptions,
  Transport,
  TransportLimits,
} from './types.ts'

/** A bound datagram socket. */
export interface DatagramSocket {
  readonly address: string
  readonly port: number
  send(wire: string, address: string, port: number, failed: (error: Error) => void): void
  close(): void
}

/** A listening stream socket. */
export interface StreamServer {
  readonly address: string
  readonly port: number
  close(): void
}

/** One stream connection, accepted or dialled. After `destroy` no event comes; writes under way still report. */
export interface StreamSocket {
  readonly localAddress: string
  readonly localPort: number
  readonly remoteAddress: string
  readonly remotePort: number
  /** What a TLS far end proved; known when `open` is reported. */
  readonly peer?: FlowPeer
  /** Bytes given to `write` that the kernel has not taken. */
  readonly buffered: number
  /** `written` is called once: without an error when the kernel took the bytes, with one when they were lost. */
  write(wire: string, written: (error?: Error) => void): void
  /** Has the lane read and write for it, as far as that is for a lane. Not every socket can. */
  divert?(lane: Lane, flow: LaneFlow): LaneSeat | undefined
  /** All that comes is read here again. */
  reclaim?(): void
  /** Writes what is queued, then ends. */
  end(): void
  destroy(): void
}

/** What happens on a connection. `open` comes first and at most once, `closed` last and once. */
export interface StreamEvents {
  open(): void
  data(chunk: string): void
  /** With an error when the connection was not ended in order, or never opened. */
  closed(error?: Error): void
}

/** Carries the plain messages of connections between their sockets and who reads them, seen by nobody here. */
export interface Lane {
  /**
   * Takes a flow in, whose owner reads nothing from `fd` meanwhile; undefined when there is no room. `ended` is told once
   * when nothing more comes: the code of an error, 0 where the descriptor tells by itself.
   */
  open(fd: number, flow: LaneFlow, ended: (code: number) => void): LaneSeat | undefined
  /** A connection came, went or changed: what leads where has to be asked anew. */
  forgetRoutes(): void
}

/** What a lane asks of a connection. */
export interface LaneFlow extends StreamFlow {
  readonly parseLimits: ParseLimits
  /** What `data` has to be given before anything plain can begin, as `StreamFramer.awaited`. */
  readonly awaited: Awaited
  /** Bytes that are not plain, and what is awaited after them. */
  data(chunk: string): void
  /** Bytes that the kernel did not take: they go before any others. */
  resend(rest: string, failed: SendFailed): void
}

/** Milliseconds since the far end was last heard and last written to; -1: not since the last question. */
export interface Passed {
  readonly heard: number
  readonly sent: number
}

/** A flow's place in a lane. */
export interface LaneSeat {
  /** While bytes wait with the socket the lane writes none. */
  hold(held: boolean): void
  /** Whether it is here to be written and left; where it is not it is wanted back, and `then` is called when it is. */
  own(then: () => void): boolean
  passed(): Passed | undefined
  /** Sends that left by the lane since the far end was last heard. */
  unproven(): SendFailed[]
  close(): void
}

/** What to dial. */
export interface Dial {
  readonly transport: Transport
  readonly address: string
  readonly port: number
  /** Address of the listener that the connection belongs to. */
  readonly localAddress?: string
  readonly serverName?: string
  /** TLS profile, chosen by the layer. */
  readonly profile?: string
}

/** What a connection is from its first moment on. */
export interface ConnectionIdentity {
  readonly transport: Transport
  readonly listener: Listener
  readonly remoteAddress: string
  readonly remotePort: number
  readonly dialled: boolean
  readonly serverName?: string
  readonly profile?: string
}

/** The flow of one stream connection: what answers a request goes back over it. */
export interface StreamFlow extends Flow {
  readonly isClosed: boolean
  send(wire: string, failed: SendFailed): void
  /** Ends the connection after what is queued; a WebSocket is told code and reason (RFC 6455 7.4). */
  finish(code: number, reason: string): void
}

/** The end of all sense on a stream, with what to answer. */
export type FramingError = Extract<FramedItem, { kind: 'error' }>

/** What connections need of their layer. */
export interface PoolOptions {
  readonly sockets: Sockets
  readonly clock: Clock
  readonly log: Log
  readonly counters: Counters
  limits: TransportLimits
  parseLimits: ParseLimits
  tls: TlsOptions
  /** Where plain messages pass by. */
  readonly lane?: Lane
  /** See `ConnectionOwner.framingGraceMillis`; default 0: messages are answered before the next bytes are looked at. */
  readonly framingGraceMillis?: number
  readonly message: (raw: string, flow: StreamFlow) => void
  readonly framingError: (error: FramingError, flow: StreamFlow) => void
  /** `lost`: why what was sent over it and not heard of is lost, if it is. */
  readonly flowClosed: (flow: StreamFlow, lost?: SignalboxError) => void
}

/** The stream connections of a layer, wherever they live. */
export interface StreamPool {
  /** Open connections. */
  readonly size: number
  readonly writeBytes: number
  /** Takes a connection that arrived, or refuses it by returning undefined. */
  admit(listener: Listener, socket: StreamSocket): StreamEvents | undefined
  /** Sends over a connection that leads to the hop, opening one where there is none. */
  send(hop: Hop, listener: Listener, wire: string, failed: SendFailed): void
  /** Connections that carry the old certificate of a profile take no new requests. */
  retire(profile: string): void
  closeAll(): void
}

export function isStreamFlow(flow: Flow): flow is StreamFlow {
  return 'isClosed' in flow
}

/** Bytes of the kernel's buffers, as far as it grants them; 0 leaves the system's. */
export interface DatagramBuffers {
  readonly receive: number
  readonly send: number
}

/** Bytes in and out. A wire text is latin1: one character is one byte. */
export interface Sockets {
  openDatagram(
    spec: ListenSpec,
    options: { buffers: DatagramBuffers; listener: number },
    received: (wire: string, address: string, port: number) => void,
  ): Promise<DatagramSocket>
  /**
   * `admit` is called when a connection arrives, before any TLS handshake, so that caps hold against peers that never
   * finish one; undefined refuses it.
   */
  openServer(spec: ListenSpec, admit: (socket: StreamSocket) => StreamEvents | undefined): Promise<StreamServer>
  dial(target: Dial, events: StreamEvents): StreamSocket
  /** Where connections live elsewhere: the way to them. */
  openPool?(options: PoolOptions): StreamPool
  /** Called when every socket is open, for what is to be read from then on only. */
  started?(): void
  /** New profiles for connections to come; throws ERR_TLS and changes nothing when one of them is wrong. */
  updateTls(tls: TlsOptions): void
  /** Set by the layer: called when a profile has a new certificate. */
  profileChanged?: (profile: string) => void
  /** Our address on the way to `address`, where the system can tell. */
  routeTo?(address: string): string | undefined
  close(): void
}
