// Owns the vocabulary of the transport door: listeners, flows, hops, the layer's interface, its options and its figures.
import type { Clock } from '../clock.ts'
import type { SignalboxError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { ParseLimits, ReadUri, SipMessage, SipRequest, Transport } from '../sip/index.ts'

export type { Transport } from '../sip/index.ts'

/** A host and port as written into Via and Record-Route; `host` is a name, an IPv4 address or an IPv6 address in brackets. */
export interface HostPort {
  readonly host: string
  readonly port: number
}

/** What a `listen` line asks for. Made by {@link parseListen}; `expandListen` turns it into one entry a socket. */
export interface ListenSpec {
  readonly transport: Transport
  /** True where the line named no transport: it then stands for UDP and TCP, as in Kamailio. */
  readonly anyTransport?: true
  /** Numeric address, interface name, host name, or `*` for every interface; IPv6 without brackets. */
  readonly address: string
  readonly port: number
  readonly advertised?: HostPort
  readonly name?: string
  /** Name of the TLS profile that serves this listener; `default` when absent. */
  readonly tlsProfile?: string
  /** A socket that is bound already (and listening, for streams), opened by the supervisor. */
  readonly fd?: number
}

/** A socket of ours. `port` is the real one after `start()`, also where 0 was asked for. */
export interface Listener {
  /** Position in `TransportLayer.listeners`; the same in every worker. */
  readonly id: number
  readonly transport: Transport
  /** Numeric, canonical; IPv6 without brackets. */
  readonly address: string
  readonly port: number
  readonly advertised?: HostPort
  readonly name?: string
  readonly tlsProfile?: string
}

/** What the far end of a TLS flow proved. */
export interface FlowPeer {
  /** Names of the certificate: DNS and SIP URI hosts of subjectAltName, or the common name where there are none (RFC 5922 7.1). */
  readonly names: string[]
  /** True when the chain ends in the profile's trust store. */
  readonly verified: boolean
}

/** Where a message came from: a UDP remote endpoint of one of our sockets, or one stream connection. */
export interface Flow {
  readonly id: number
  readonly transport: Transport
  readonly listener: Listener
  /** Numeric; IPv6 without brackets. */
  readonly remoteAddress: string
  readonly remotePort: number
  readonly reliable: boolean
  readonly peer?: FlowPeer
}

/** One place to send to; `resolve` gives them in the order in which they are to be tried. */
export interface Hop {
  readonly transport: Transport
  /** Numeric; IPv6 without brackets. */
  readonly address: string
  readonly port: number
  /** The name that was dialled (the host of the URI, RFC 5922 4): sent as SNI and looked for in the certificate. */
  readonly serverName?: string
  /** The socket to send from. One of another transport or address family is passed over. */
  readonly listener?: Listener
  /** No connection is made for it: only one that is open is used. */
  readonly noConnect?: boolean
}

/** Who receives what the transport reads. Unparsable input never gets here: it is answered or dropped inside the layer. */
export interface TransportUser {
  onMessage(message: SipMessage, flow: Flow): void
  /** A stream connection went away. Not called for UDP. */
  onFlowClosed?(flow: Flow): void
}

/** Told, at most once, that a message could not be sent. May be called before `send` returns. */
export type SendFailed = (error: SignalboxError) => void

/** How a reply finds its way back where the request's own Via does not say all. */
export interface ReplyRoute {
  /** Answer to the source port although the Via has no `rport` (Kamailio's `force_rport`). */
  readonly symmetric?: true
}

/** Where the replies to a request go when it is no open connection: all that is needed of the request for that. */
export interface ReplyTarget {
  /** Numeric but for a `maddr` that is a name. */
  readonly host: string
  readonly port: number
  /** The name that a new TLS connection is made for. */
  readonly serverName?: string
}

export interface TransportLayer {
  readonly listeners: readonly Listener[]
  /** Opens the sockets. Rejects with ERR_LISTEN, naming the address, when one cannot be opened. */
  start(user: TransportUser): Promise<void>
  /** Closes sockets and connections; what is queued and unsent fails. */
  close(): Promise<void>
  /** The listener that would send to `hop`; its (advertised) address belongs into Via and Record-Route. */
  listenerFor(hop: Hop): Listener | undefined
  /** Sends over UDP, or over an open or new connection. */
  send(hop: Hop, wire: string, failed: SendFailed): void
  /** Where the topmost Via of a request that came by `flow` has its replies go (RFC 3261 18.2.2, RFC 3581 4). */
  replyTarget(flow: Flow, request: SipRequest, route?: ReplyRoute): ReplyTarget
  /** Sends a reply over the request's own connection, or to the target. */
  reply(flow: Flow, to: ReplyTarget, wire: string, failed: SendFailed): void
  /** Ends a stream connection after what is queued; a WebSocket is told code and reason (RFC 6455 7.4). */
  finish(flow: Flow, code: number, reason: string): void
  /** RFC 3263. Synchronous for numeric, static and cached targets. Rejects or throws ERR_RESOLVE. */
  resolve(uri: ReadUri): Hop[] | Promise<Hop[]>
  /** Whether this host and port are ours: a listener, what it advertises, or an alias. No port means the transport's default port. */
  isLocal(host: string, port: number | undefined, transport?: Transport): boolean
  /** Takes effect at once, for what comes next; open connections stay. */
  update(options: Partial<ReloadableTransport>): void
  stats(): TransportStats
}

/** One TLS identity and trust store. Paths, or PEM text that starts with `-----BEGIN`. */
export interface TlsProfile {
  readonly key?: string
  /** Leaf first, then intermediates. */
  readonly cert?: string
  /** The trust store of this profile alone; absent means the roots that Node carries. */
  readonly ca?: string | readonly string[]
  /** Check the far end's chain. As a server: ask for a certificate, refuse one that does not verify. Default true. */
  readonly verifyPeer?: boolean
  /** Check the name that was dialled against the certificate. Default true. */
  readonly verifyName?: boolean
  /** As a server: refuse clients that show no certificate. Default false. */
  readonly requireClientCert?: boolean
  /** Default TLSv1.2. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3'
  /** OpenSSL cipher list for TLS 1.2. */
  readonly ciphers?: string
  /** SNI names for which a server picks this profile; `*.example.com` covers one label. */
  readonly serverNames?: readonly string[]
  /** As a server: names one of which a client's certificate must carry; absent or empty means any. */
  readonly peerNames?: readonly string[]
  /** As a client: `address:port`, `address` or dialled names for which this profile is used (Kamailio's `[client:ADDRESS:PORT]`). */
  readonly remotes?: readonly string[]
  /** As a client: SNI to send in place of the dialled name. */
  readonly sendServerName?: string
  /** Send requests over connections that the far end opened. Default true; Teams wants false. */
  readonly reuseAccepted?: boolean
}

export interface TlsOptions {
  readonly profiles: Readonly<Record<string, TlsProfile>>
  /** The profile for dialling where no `remotes` matches; absent means the sending listener's own. */
  readonly dialProfile?: string
}

/** Bounds of the transport. Times in milliseconds; 0 switches a time off. */
export interface TransportLimits {
  readonly connections: number
  /** Per source address (per /64 for IPv6); accepted connections only. */
  readonly connectionsPerSource: number
  readonly connectMillis: number
  readonly idleMillis: number
  /** A message that began and is not complete after this long closes its connection. */
  readonly partialMillis: number
  /** Bytes that wait to be written and do not move for this long close their connection. */
  readonly stallMillis: number
  /** Own CRLF keep-alive on connections that we dialled (RFC 5626 3.5.1); closed when no pong comes within 10 s. */
  readonly keepAliveMillis: number
  readonly writeBytesPerConnection: number
  readonly writeBytes: number
  /** Remote UDP endpoints remembered so that a flow keeps its id. */
  readonly udpFlows: number
  /** Longest time a DNS answer is kept. */
  readonly dnsTtlMillis: number
  readonly dnsEntries: number
  /** Buffers asked of the kernel for UDP sockets: as much as it grants; 0 leaves the system's. */
  readonly udpReceiveBytes: number
  readonly udpSendBytes: number
}

/** What `update` can change while traffic runs. */
export interface ReloadableTransport {
  /** `host`, `host:port` or `transport:host:port`. */
  readonly alias: readonly string[]
  /** Static names, asked before DNS: name to numeric addresses, each with an optional port. */
  readonly hosts: Readonly<Record<string, readonly string[]>>
  readonly tls: TlsOptions
  readonly limits: Partial<TransportLimits>
  readonly parseLimits: Partial<ParseLimits>
}

/** DNS as a parameter. Names without records give an empty list; a failing server rejects. `ttl` in seconds. */
export interface DnsSource {
  naptr(name: string): Promise<NaptrRecord[]>
  srv(name: string): Promise<SrvRecord[]>
  /** Both families, those of `family` only if given. */
  addresses(name: string, family?: 4 | 6): Promise<AddressRecord[]>
}
export interface NaptrRecord {
  readonly order: number
  readonly preference: number
  readonly flags: string
  readonly service: string
  readonly replacement: string
}
export interface SrvRecord {
  readonly priority: number
  readonly weight: number
  readonly name: string
  readonly port: number
}
export interface AddressRecord {
  readonly address: string
  readonly ttl?: number
}

/** Watches files; `changed` is called after one of them changed on disk. */
export type FileWatch = (paths: readonly string[], changed: () => void) => { close(): void }

export interface TransportOptions extends Partial<ReloadableTransport> {
  /** Text as in the file, or specs; those of the supervisor carry an fd. */
  readonly listen: readonly (string | ListenSpec)[]
  readonly clock?: Clock
  readonly log?: Log
  readonly dns?: DnsSource
  readonly watch?: FileWatch
  /** Reads a PEM file; the file system by default. */
  readonly readFile?: (path: string) => string
  /** How UDP is read and written; by default in batches where the addon was built, else by node:dgram. */
  readonly datagrams?: 'native' | 'dgram'
  readonly queued?: Queued
  /** Takes HTTP requests that come to stream listeners; without it they are answered as bad SIP. */
  readonly http?: (request: SipRequest, flow: Flow) => void
  /** 0 <= n < 1, for SRV weights. */
  readonly random?: () => number
}

/**
 * Told with each batch of messages how many milliseconds the first of them waited to be read, as far as the system tells: the
 * time that a message spends before anybody has looked at it; how many they are; whether the batch was a full one, so that more
 * may wait; and how many datagrams found no room to wait in since the last time.
 */
export type Queued = (waitedMillis: number, count: number, isMore: boolean, dropped: number) => void

/** Counters since the start, and gauges. */
export interface TransportStats {
  readonly received: Readonly<Record<Transport, number>>
  readonly sent: Readonly<Record<Transport, number>>
  readonly receivedBytes: number
  readonly sentBytes: number
  /** Messages that did not parse, by the status they were answered with; `dropped` for those without an answer. */
  readonly unparsable: Readonly<Record<string, number>>
  /** CRLF keep-alives and datagrams too short to be SIP. */
  readonly keepAlives: number
  readonly sendFailures: number
  /** Errors thrown by the user of the layer while it took a message. */
  readonly userErrors: number
  readonly connections: { readonly open: number; readonly accepted: number; readonly dialled: number }
  /** Connections closed or refused by us, by reason: `idle`, `partial`, `stall`, `overflow`, `cap`, `source-cap`, `framing`, `tls`, `connect`, `keepalive`. */
  readonly closed: Readonly<Record<string, number>>
  /** Bytes that wait to be written on all connections. */
  readonly writeBytes: number
}
