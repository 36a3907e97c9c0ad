// Owns the change of a long request from UDP to TCP (RFC 3261 18.1.1).
import { bracketHost } from '../sip/index.ts'
import type { Listener } from './types.ts'

/** Whether this is a request longer than the bound; replies follow their request's transport whatever their length. */
export function exceedsMtu(wire: string, mtu: number): boolean {
  return mtu > 0 && wire.length > mtu && !wire.startsWith('SIP/')
}

function sentBy({ address, port, advertised }: Listener): string {
  return advertised ? `${advertised.host}:${advertised.port}` : `${bracketHost(address)}:${port}`
}

/**
 * The same request with our own Via, the topmost, naming TCP and the TCP listener. Undefined when the topmost Via is not
 * one that we wrote for `udp`: then the request must leave as it is.
 */
export function asTcp(wire: string, udp: Listener, tcp: Listener): string | undefined {
  const via = /\r\nVia: SIP\/2\.0\/UDP ([^\s;,]+)/.exec(wire.slice(0, 8192))
  if (!via || (via[1] !== sentBy(udp) && via[1] !== bracketHost(udp.address))) return undefined
  const at = via.index
  return `${wire.slice(0, at)}\r\nVia: SIP/2.0/TCP ${sentBy(tcp)}${wire.slice(at + via[0].length)}`
}
