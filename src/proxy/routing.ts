// Owns where a reply without a transaction goes next: by the Via under ours (RFC 3261 16.11, 18.2.2, RFC 3581 4).

import { defaultPort, parseTransport, parseUri, type SipReply } from '../sip/index.ts'
import type { Hop, TransportLayer } from '../transport/index.ts'

/** Hops of the previous element of the path. Empty when the reply has no second Via, or one that leads nowhere. */
export function replyHops(reply: SipReply, transport: TransportLayer): readonly Hop[] | Promise<readonly Hop[]> {
  const via = reply.vias()[1]
  if (via === undefined) return []
  const kind = parseTransport(via.transport)
  if (kind === undefined) return []
  const received = via.params.get('received')
  const rport = Number(via.params.get('rport') || Number.NaN)
  const port = Number.isInteger(rport) && rport > 0 && rport < 65_536 ? rport : (via.port ?? defaultPort(kind))
  const host =
    received === undefined || received === '' ? via.host : received.includes(':') ? `[${received}]` : received
  const uri = parseUri(`sip:${host}:${port};transport=${kind}`)
  if (uri === undefined) return []
  try {
    return transport.resolve(uri)
  } catch {
    return []
  }
}
