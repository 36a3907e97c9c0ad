// Owns the transport on the operating system's sockets.
import { systemClock } from '../clock.ts'
import { type Log, silentLog } from '../log.ts'
import { optionalNativeSockets } from './native-sockets.ts'
import { NativeUdp } from './native-udp.ts'
import type {
  DatagramBuffers,
  DatagramSocket,
  Dial,
  Sockets,
  StreamEvents,
  StreamServer,
  StreamSocket,
} from './sockets.ts'
import { dialStream, openStreamServer } from './stream.ts'
import { TlsContexts } from './tls-context.ts'
import { createLayer } from './transport-layer.ts'
import type { ListenSpec, Queued, TlsOptions, TransportLayer, TransportOptions } from './types.ts'
import { openUdp } from './udp.ts'

/** UDP, TCP and TLS of Node. */
export class NodeSockets implements Sockets {
  profileChanged?: (profile: string) => void
  readonly #log: Log
  readonly #tls: TlsContexts
  readonly #portable: boolean
  readonly #queued: Queued | undefined

  constructor(options: TransportOptions) {
    this.#log = options.log ?? silentLog
    this.#portable = options.datagrams === 'dgram'
    this.#queued = options.queued
    this.#tls = new TlsContexts({
      tls: options.tls ?? { profiles: {} },
      clock: options.clock ?? systemClock,
      log: this.#log,
      ...(options.readFile && { readFile: options.readFile }),
      ...(options.watch && { watch: options.watch }),
      changed: (profile) => this.profileChanged?.(profile),
    })
  }

  async openDatagram(
    spec: ListenSpec,
    options: { buffers: DatagramBuffers },
    received: (wire: string, address: string, port: number) => void,
  ): Promise<DatagramSocket> {
    // A link-local address needs its zone with every datagram, which the batches do not carry.
    const native = this.#portable || spec.address.includes('%') ? undefined : optionalNativeSockets()
    const queued = this.#queued
    if (native) return new NativeUdp(native, spec, { ...options, ...(queued && { queued }) }, received)
    return await openUdp(spec, options, received, this.#log)
  }

  async openServer(spec: ListenSpec, admit: (socket: StreamSocket) => StreamEvents | undefined): Promise<StreamServer> {
    return await openStreamServer(spec, this.#tls, this.#log, admit)
  }

  dial(target: Dial, events: StreamEvents): StreamSocket {
    return dialStream(target, this.#tls, events)
  }

  routeTo(address: string): string | undefined {
    return optionalNativeSockets()?.routeTo(address)
  }

  updateTls(tls: TlsOptions): void {
    this.#tls.update(tls)
  }

  close(): void {
    this.#tls.close()
  }
}

/**
 * A transport layer on real sockets.
 * @throws SignalboxError ERR_CONFIG for a wrong listen line, alias or static host; ERR_TLS for a profile whose files are wrong.
 */
export function createTransport(options: TransportOptions): TransportLayer {
  return createLayer(options, new NodeSockets(options))
}
