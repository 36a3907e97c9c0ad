// Owns how a request and a reply are written when they go on (RFC 3261 16.6, 16.7): Request-URI, Via, Record-Route, Max-Forwards.

import {
  appendHeaderEdit,
  bracketHost,
  correctContentLength,
  HeaderId,
  headerValueEdit,
  type MessageEdit,
  prependHeaderEdit,
  type RecordRouteSpec,
  resolveRecordRoutes,
  type SipReply,
  type SipRequest,
  serializeMessage,
  type Transport,
  viaReceivedEdits,
} from '../sip/index.ts'
import type { Flow, Hop, Listener } from '../transport/index.ts'
import type { BranchSpec } from './router.ts'

/** What a branch adds to the script's own edits. */
export interface Forwarding {
  uri: string
  edits: readonly MessageEdit[]
  /** Edits on the Via of the previous hop, see {@link previousViaEdits}. */
  viaEdits: readonly MessageEdit[]
  hop: Hop
  /** The listener it leaves from. */
  listener: Listener
  /** The whole branch parameter, and whatever parameters follow it. */
  branch: string
  /** What our Via says in place of the listener's address. */
  via: BranchSpec['via'] | undefined
  /** What Max-Forwards becomes; undefined leaves it to the script. */
  maxForwards: number | undefined
}

/** The request as it goes to the next hop. */
export function forwardRequest(request: SipRequest, flow: Flow, f: Forwarding): string {
  const edits: MessageEdit[] = []
  if (f.uri !== request.requestUri)
    // 16.6 step 2.
    edits.push({ at: request.requestUriStart, remove: request.requestUri.length, text: f.uri })
  const script = recordRoutesFor(f.edits, flow.listener, f.listener)
  for (const edit of script) edits.push(edit)
  // 16.6 step 8. The script's own header lines at this place come first, so they stand above, as in Kamailio.
  const viaIndex = request.findId(HeaderId.Via)
  const place = f.via === undefined ? hostPort(f.listener) : viaPlace(f.listener, f.via)
  const via = `Via: SIP/2.0/${VIA_TRANSPORT[f.listener.transport]} ${place};branch=${f.branch}\r\n`
  edits.push({ at: viaIndex < 0 ? request.firstLineEnd : request.headerStart(viaIndex), remove: 0, text: via })
  for (const edit of f.viaEdits) edits.push(edit)
  if (f.maxForwards !== undefined) maxForwardsEdit(request, f.maxForwards, f.edits, edits)
  const wire = serializeMessage(request, edits)
  // 18.3: a stream needs Content-Length, a datagram may come without.
  return f.hop.transport !== 'udp' && request.contentLength === undefined ? withContentLength(wire) : wire
}

/** The edits that tell, in the Via of the previous hop, where the request really came from (18.2.1, RFC 3581 4). */
export function previousViaEdits(request: SipRequest, flow: Flow, forcedRport: boolean): MessageEdit[] {
  const via = request.topVia
  if (via === undefined) return []
  return viaReceivedEdits(request.raw, via, {
    address: flow.remoteAddress,
    port: flow.remotePort,
    rport: forcedRport,
  })
}

/** The reply as it goes to the previous hop: without our Via (16.7 step 3). */
export function forwardReply(reply: SipReply, edits: readonly MessageEdit[]): string {
  const all = [topViaRemoval(reply), ...edits]
  return serializeMessage(reply, all)
}

function topViaRemoval(reply: SipReply): MessageEdit {
  const index = reply.findId(HeaderId.Via)
  const via = reply.topVia!
  const end = reply.valueEnd(index)
  const { raw } = reply
  let next = via.end
  while (next < end && raw.charCodeAt(next) !== 44) next++
  if (next < end) {
    // More values in the same header line: only ours and its comma go.
    next++
    while (next < end && isLws(raw.charCodeAt(next))) next++
    return { at: via.start, remove: next - via.start, text: '' }
  }
  const at = reply.headerStart(index)
  return { at, remove: reply.headerEnd(index) - at, text: '' }
}

/** The sent-by of our Via where the script has its own, and `;rport` where it asks for that. */
function viaPlace(listener: Listener, via: NonNullable<BranchSpec['via']>): string {
  const own = listener.advertised ?? { host: listener.address, port: listener.port }
  const place = `${bracketHost(via.host ?? own.host)}:${via.port ?? own.port}`
  return via.rport === true ? `${place};rport` : place
}

/** `host:port` of a listener as others shall reach it. */
export function hostPort(listener: Listener): string {
  const at = listener.advertised ?? { host: listener.address, port: listener.port }
  return `${bracketHost(at.host)}:${at.port}`
}

/** `host[:port][;transport=x]` of a listener, as it stands in Record-Route. */
export function routeAddress(listener: Listener): string {
  const { transport } = listener
  const at = listener.advertised ?? { host: listener.address, port: listener.port }
  const host = bracketHost(at.host)
  // RFC 3263 4.2: 5060 is the default of UDP and TCP; for all others the port is written.
  const port = at.port === 5060 && (transport === 'udp' || transport === 'tcp') ? '' : `:${at.port}`
  return transport === 'udp' ? `${host}${port}` : `${host}${port};transport=${uriTransport(transport)}`
}

function uriTransport(transport: Transport): string {
  return transport === 'wss' ? 'ws' : transport
}

/** How a transport is written in Via. */
export const VIA_TRANSPORT: Readonly<Record<Transport, string>> = {
  udp: 'UDP',
  tcp: 'TCP',
  tls: 'TLS',
  ws: 'WS',
  wss: 'WSS',
}

/** Record-Route entries written out for the side that this branch leaves by. */
function recordRoutesFor(edits: readonly MessageEdit[], inbound: Listener, outbound: Listener): readonly MessageEdit[] {
  if (!edits.some((edit) => edit.recordRoute !== undefined)) return edits
  const settled = edits.map((edit) =>
    edit.recordRoute === undefined ? edit : { ...edit, recordRoute: settle(edit.recordRoute, inbound, outbound) },
  )
  return resolveRecordRoutes(settled, { address: routeAddress(outbound), transport: outbound.transport })
}

function settle(spec: RecordRouteSpec, inbound: Listener, outbound: Listener): RecordRouteSpec {
  if (spec.double === 'interface') {
    // One entry where both sides are the same socket; else two (16.6 step 4, RFC 5658).
    return inbound.id === outbound.id && inbound.transport === outbound.transport
      ? { ...spec, outbound: spec.inbound, double: 'never' }
      : { ...spec, double: 'always' }
  }
  if (spec.double === 'protocol' && spec.outbound !== undefined && !/;transport=/i.test(spec.outbound)) {
    // The script gave an address for both sides; the transport is that of each.
    const { transport } = outbound
    return transport === 'udp' ? spec : { ...spec, outbound: `${spec.outbound};transport=${uriTransport(transport)}` }
  }
  return spec
}

function maxForwardsEdit(
  request: SipRequest,
  value: number,
  script: readonly MessageEdit[],
  into: MessageEdit[],
): void {
  const index = request.findId(HeaderId.MaxForwards)
  if (index < 0) {
    into.push(prependHeaderEdit(request, `Max-Forwards: ${value}`))
    return
  }
  const start = request.headerStart(index)
  const end = request.headerEnd(index)
  // The script set or removed it itself.
  if (script.some((edit) => edit.at < end && edit.at + edit.remove > start)) return
  into.push(headerValueEdit(request, index, String(value)))
}

function withContentLength(wire: string): string {
  const corrected = correctContentLength(wire)
  if (corrected !== wire) return corrected
  const end = wire.indexOf('\r\n\r\n')
  return end < 0 ? wire : `${wire.slice(0, end + 2)}Content-Length: 0${wire.slice(end)}`
}

/** Header lines of the same names in other replies, to be added to the one that is forwarded (16.7 step 7). */
export function challengeEdits(reply: SipReply, others: readonly SipReply[]): MessageEdit[] {
  const edits: MessageEdit[] = []
  for (const other of others) {
    for (const name of ['WWW-Authenticate', 'Proxy-Authenticate']) {
      for (const value of other.headers(name)) edits.push(appendHeaderEdit(reply, `${name}: ${value}`))
    }
  }
  return edits
}

/** The edit that gives a reply another status. */
export function statusEdit(reply: SipReply, status: number, reason: string): MessageEdit {
  const { raw } = reply
  const start = raw.indexOf(' ') + 1
  let end = reply.firstLineEnd
  while (end > start && (raw.charCodeAt(end - 1) === 10 || raw.charCodeAt(end - 1) === 13)) end--
  return { at: start, remove: end - start, text: `${status} ${reason}` }
}

function isLws(code: number): boolean {
  return code === 32 || code === 9 || code === 13 || code === 10
}
