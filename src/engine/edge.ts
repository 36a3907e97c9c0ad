// Owns the edge: what stands between the sockets and everything else, and sees each message first and last.
import { SignalboxError } from '../errors.ts'
import type { Log } from '../log.ts'
import { type Destination, type MessageMask, readOwn, type ServiceTable } from '../services/index.ts'
import type { ReadUri, SipMessage, SipRequest } from '../sip/index.ts'
import type {
  Flow,
  Hop,
  Listener,
  ReloadableTransport,
  ReplyRoute,
  ReplyTarget,
  SendFailed,
  Transport,
  TransportLayer,
  TransportStats,
  TransportUser,
} from '../transport/index.ts'

export interface EdgeOptions {
  readonly transport: TransportLayer
  readonly services: () => ServiceTable
  readonly log: Log
}

/**
 * The transport as everything else sees it: messages pass the masks of services (topology hiding) on their way in and
 * out, and services hear of connections that go.
 */
export class Edge implements TransportLayer {
  readonly #inner: TransportLayer
  readonly #services: () => ServiceTable
  readonly #log: Log

  constructor({ transport, services, log }: EdgeOptions) {
    this.#inner = transport
    this.#services = services
    this.#log = log
  }

  get listeners(): readonly Listener[] {
    return this.#inner.listeners
  }

  start(user: TransportUser): Promise<void> {
    return this.#inner.start({
      onMessage: (message, flow) => user.onMessage(this.#unmasked(message, flow), flow),
      onFlowClosed: (flow) => {
        user.onFlowClosed?.(flow)
        try {
          this.#services().flowClosed(flow)
        } catch (error) {
          this.#log.error({ err: error, flow: flow.id }, 'a service failed over the end of a connection')
        }
      },
    })
  }

  send(hop: Hop, wire: string, failed: SendFailed): void {
    const { masks } = this.#services()
    if (masks.length === 0) this.#inner.send(hop, wire, failed)
    else {
      const { transport, address, port } = hop
      const to = { transport, address, port, listener: this.#inner.listenerFor(hop) }
      this.#pass(masks, wire, to, failed, (masked) => this.#inner.send(hop, masked, failed))
    }
  }

  replyTarget(flow: Flow, request: SipRequest, route?: ReplyRoute): ReplyTarget {
    return this.#inner.replyTarget(flow, request, route)
  }

  reply(flow: Flow, target: ReplyTarget, wire: string, failed: SendFailed): void {
    const { masks } = this.#services()
    if (masks.length === 0) this.#inner.reply(flow, target, wire, failed)
    else {
      const { transport, remoteAddress, remotePort, listener } = flow
      const to = { transport, address: remoteAddress, port: remotePort, listener }
      this.#pass(masks, wire, to, failed, (masked) => this.#inner.reply(flow, target, masked, failed))
    }
  }

  #unmasked(message: SipMessage, flow: Flow): SipMessage {
    const { masks } = this.#services()
    let seen = message
    // The last to have touched it when it left is the first to see it when it comes.
    for (let i = masks.length - 1; i >= 0; i--) seen = masks[i]!.received(seen, flow)
    return seen
  }

  /** Lets a message pass the masks; later only where routes have a say. */
  #pass(
    masks: readonly MessageMask[],
    wire: string,
    to: Destination,
    failed: SendFailed,
    deliver: (masked: string) => void,
  ): void {
    // Rather nothing leaves than what was to be hidden.
    const refuse = (error: unknown): void => {
      this.#log.error({ err: error }, 'a message was not sent: its topology could not be hidden')
      failed(new SignalboxError('ERR_TRANSPORT', 'not sent: its topology could not be hidden', { cause: error }))
    }
    let masked: string | Promise<string>
    try {
      masked = throughMasks(masks, 0, wire, to)
    } catch (error) {
      refuse(error)
      return
    }
    if (typeof masked === 'string') deliver(masked)
    else masked.then(deliver).catch(refuse)
  }

  close(): Promise<void> {
    return this.#inner.close()
  }

  listenerFor(hop: Hop): Listener | undefined {
    return this.#inner.listenerFor(hop)
  }

  finish(flow: Flow, code: number, reason: string): void {
    this.#inner.finish(flow, code, reason)
  }

  resolve(uri: ReadUri): Hop[] | Promise<Hop[]> {
    return this.#inner.resolve(uri)
  }

  isLocal(host: string, port: number | undefined, transport?: Transport): boolean {
    return this.#inner.isLocal(host, port, transport)
  }

  update(options: Partial<ReloadableTransport>): void {
    this.#inner.update(options)
  }

  stats(): TransportStats {
    return this.#inner.stats()
  }
}

/** From the mask of that number on. */
function throughMasks(
  masks: readonly MessageMask[],
  from: number,
  wire: string,
  to: Destination,
): string | Promise<string> {
  let text = wire
  for (let i = from; i < masks.length; i++) {
    const mask = masks[i]!
    const message = readOwn(text)
    if (message === undefined) return text
    const spared = mask.spares(message, to)
    if (spared !== undefined) {
      const plain = text
      return spared.then((isSpared) =>
        throughMasks(masks, i + 1, isSpared ? (mask.unmarked?.(message) ?? plain) : mask.sending(message, to), to),
      )
    }
    text = mask.sending(message, to)
  }
  return text
}
