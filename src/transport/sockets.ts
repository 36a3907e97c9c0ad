// Owns the line between the transport layer and what carries its bytes: the operating system's sockets or the memory network.
import type { FlowPeer, ListenSpec, TlsOptions, Transport } from './types.ts'

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

/** Bytes in and out. A wire text is latin1: one character is one byte. */
export interface Sockets {
  openDatagram(
    spec: ListenSpec,
    options: { bufferBytes: number },
    received: (wire: string, address: string, port: number) => void,
  ): Promise<DatagramSocket>
  /**
   * `admit` is called when a connection arrives, before any TLS handshake, so that caps hold against peers that never
   * finish one; undefined refuses it.
   */
  openServer(spec: ListenSpec, admit: (socket: StreamSocket) => StreamEvents | undefined): Promise<StreamServer>
  dial(target: Dial, events: StreamEvents): StreamSocket
  /** New profiles for connections to come; throws ERR_TLS and changes nothing when one of them is wrong. */
  updateTls(tls: TlsOptions): void
  /** Set by the layer: called when a profile has a new certificate. */
  profileChanged?: (profile: string) => void
  /** Our address on the way to `address`, where the system can tell. */
  routeTo?(address: string): string | undefined
  close(): void
}
