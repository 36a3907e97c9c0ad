// Owns where a reply without a transaction goes next: by the Via under ours (RFC 3261 16.11, 18.2.2, RFC 3581 4).

import { defaultPort, parseTransport, parseUri, type SipReply, type Transport, type Via } from '../sip/index.ts'
import type { Hop, TransportLayer } from '../transport/index.ts'

/** The parameter of our own Via that tells the port of the far end, where a request came over a connection. */
export const WAY_BACK = 'i'

/** Hops of the previous element of the path. Empty when the reply has no second Via, or one that leads nowhere. */
export function replyHops(reply: SipReply, transport: TransportLayer): readonly Hop[] | Promise<readonly Hop[]> {
  const [own, via] = reply.vias()
  if (own === undefined || via === undefined) return []
  const kind = parseTransport(via.transport)
  if (kind === undefined) return []
  const received = via.params.get('received')
  const port = portOf(via, 'rport') ?? via.port ?? defaultPort(kind)
  const host =
    received === undefined || received === '' ? via.host : received.includes(':') ? `[${received}]` : received
  const sentBy = hopsTo(host, port, kind, transport)
  const farPort = kind === 'udp' ? undefined : portOf(own, WAY_BACK)
  if (farPort === undefined) return sentBy
  // 18.2.2, first bullet: the connection that the request came by, if it is open; a new one if not.
  const source = hopsTo(host, farPort, kind, transport)
  // A name stands only where the Via was changed on its way: it names no connection.
  if (source instanceof Promise || sentBy instanceof Promise) return sentBy
  return [...source.map((hop) => ({ ...hop, noConnect: true })), ...sentBy]
}

function portOf(via: Via, name: string): number | undefined {
  const port = Number(via.params.get(name) || Number.NaN)
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined
}

function hopsTo(
  host: string,
  port: number,
  kind: Transport,
  transport: TransportLayer,
): readonly Hop[] | Promise<readonly Hop[]> {
  const uri = parseUri(`sip:${host}:${port};transport=${kind}`)
  if (uri === undefined) return []
  try {
    return transport.resolve(uri)
  } catch {
    return []
  }
}
