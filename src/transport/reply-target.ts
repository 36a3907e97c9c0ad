// Owns where a reply goes (RFC 3261 18.2.2, RFC 3581 4).
import type { Via } from '../sip/index.ts'
import { defaultPort, detach } from '../sip/index.ts'
import { numericAddress } from './ip-address.ts'
import type { Flow, ReplyRoute, ReplyTarget } from './types.ts'

/** Most requests come from few places: what is kept of each is one object for all of a place, as long as no other comes between. */
let last: ReplyTarget = { host: '', port: 0 }

function targetAt(host: string, port: number): ReplyTarget {
  if (last.host !== host || last.port !== port) last = { host, port }
  return last
}

/** The target of a reply to a request with this topmost Via, over UDP. */
export function unreliableTarget(flow: Flow, via: Via | undefined, route: ReplyRoute | undefined): ReplyTarget {
  if (!via) return targetAt(flow.remoteAddress, flow.remotePort)
  // Nothing listens at port 0: it says as much as no port, as in Kamailio.
  const sentByPort = via.port || defaultPort(flow.transport)
  // 18.2.2, second bullet: maddr and the port of sent-by.
  const maddr = via.params.get('maddr')
  if (maddr) return { host: detach(numericAddress(maddr) ?? maddr), port: sentByPort }
  // RFC 3581 4: back to where the packet came from.
  if (route?.symmetric || via.params.has('rport')) return targetAt(flow.remoteAddress, flow.remotePort)
  // Third bullet. `received` is always the source of the packet, whether or not it was written into the Via.
  return targetAt(flow.remoteAddress, sentByPort)
}

/** Where to connect when the connection of the request is gone: the source's address and the port of sent-by (18.2.2, first bullet). */
export function reconnectTarget(flow: Flow, via: Via | undefined): ReplyTarget {
  if (flow.transport === 'udp' || !via) return { host: flow.remoteAddress, port: flow.remotePort }
  const target = { host: flow.remoteAddress, port: via.port || defaultPort(flow.transport) }
  // A text of its own: a slice would keep the whole request.
  const isNamed = flow.transport === 'tls' && numericAddress(via.host) === undefined
  return isNamed ? { ...target, serverName: detach(via.host.toLowerCase()) } : target
}
