// Owns requests that begin here (RFC 3261 8.1): OPTIONS that probe, REGISTER of our own, NOTIFY, and what a script sends.
import { MAGIC_COOKIE, parseMessage, parseUri, type ReadUri, type SipReply, SipRequest } from '../sip/index.ts'
import type { ClientUser, InviteClientTransaction, TransactionLayer } from '../transaction/index.ts'
import type { Flow, Hop, Listener } from '../transport/index.ts'
import type { CallTable } from './calls.ts'
import { hostPort, VIA_TRANSPORT } from './forwarding.ts'

/** A request of our own. Header values are written as they are: no line breaks. */
export interface LocalRequest {
  readonly method: string
  /** The Request-URI. */
  readonly uri: string
  /** Where to send instead of `uri`. */
  readonly nextHop?: string
  /** Id of the listener to send from. */
  readonly listener?: number
  /** Whole value of From; its tag is added where it has none. */
  readonly from: string
  /** Whole value of To; `<uri>` when absent. */
  readonly to?: string
  readonly callId?: string
  readonly cseq?: number
  /** Further header lines, each with its CRLF. */
  readonly headers?: string
  readonly body?: string
  readonly contentType?: string
  /** Milliseconds until it is given up. */
  readonly frTimer?: number
  /** Milliseconds that an INVITE may ring before it is cancelled. */
  readonly frInvTimer?: number
  /** Each provisional reply. */
  onProvisional?(reply: SipReply): void
  /** Each 2xx of an INVITE, those that come again too: each wants an ACK (RFC 3261 13.2.2.4), which is sent here without this. */
  onSuccess?(reply: SipReply): void
  /** The request as it is about to leave, and what leaves instead; undefined sends nothing. */
  readonly rewrite?: (request: SipRequest, hop: Hop) => SipRequest | undefined | Promise<SipRequest | undefined>
}

/** How it ended: with a reply, or with a status of our own (408 nobody answered, 478 no such place, 503 not reachable). */
export interface LocalReply {
  readonly status: number
  readonly reason: string
  readonly reply?: SipReply
  /** The hop that answered or was tried last. */
  readonly hop?: Hop
  /** The request as it was sent. */
  readonly request?: SipRequest
}

/** What a reply names beyond these is no path that anybody takes. */
const MOST_ROUTES = 32

export interface LocalRequestHost {
  readonly transactions: TransactionLayer
  readonly ids: { branch(): string; tag(): string; callId(): string }
  /** Told of a dialog that a BYE of ours ends. */
  readonly calls: CallTable
}

/** Sends it, hop after hop (RFC 3263 4.3). Resolves with the final outcome; never rejects. */
export async function sendLocalRequest(host: LocalRequestHost, request: LocalRequest): Promise<LocalReply> {
  const { transport } = host.transactions
  const target = parseUri(request.nextHop ?? request.uri)
  const hops = target === undefined ? [] : await resolved(transport, target)
  if (hops.length === 0) return { status: 478, reason: 'Unresolvable destination' }
  const text = withoutVia(host, request)
  let outcome: LocalReply = { status: 503, reason: 'Service Unavailable' }
  for (const found of hops) {
    const own = request.listener === undefined ? undefined : transport.listeners[request.listener]
    const hop: Hop = own === undefined ? found : { ...found, listener: own }
    const listener = transport.listenerFor(hop)
    if (listener === undefined) continue
    const tried = await attempt(host, request, text, hop, listener)
    outcome = tried.outcome
    if (!tried.isHopFailure) break
  }
  endCall(host, outcome)
  return outcome
}

/** 15.1.1: whatever answers a BYE, the dialog is over. */
function endCall(host: LocalRequestHost, { request }: LocalReply): void {
  if (request?.method !== 'BYE') return
  const call = host.calls.inDialog(request)
  if (call !== undefined) host.calls.dialogOver(call, request, 'bye')
}

async function resolved(transport: TransactionLayer['transport'], uri: ReadUri): Promise<readonly Hop[]> {
  try {
    return await transport.resolve(uri)
  } catch {
    return []
  }
}

function withoutVia(host: LocalRequestHost, request: LocalRequest): string {
  const { method, uri, from, to = `<${uri}>`, callId = host.ids.callId(), cseq = 10, headers = '', body = '' } = request
  const tagged = /;\s*tag=/i.test(from.slice(from.lastIndexOf('>') + 1)) ? from : `${from};tag=${host.ids.tag()}`
  const type = body === '' ? '' : `Content-Type: ${request.contentType ?? 'text/plain'}\r\n`
  return [
    `From: ${tagged}`,
    `To: ${to}`,
    `Call-ID: ${callId}`,
    `CSeq: ${cseq} ${method}`,
    'Max-Forwards: 70',
    `${headers}${type}Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n')
}

interface Attempt {
  readonly outcome: LocalReply
  /** RFC 3263 4.3: a 503, a time-out without any answer and a failure to send are failures of that hop. */
  readonly isHopFailure: boolean
}

async function attempt(
  host: LocalRequestHost,
  request: LocalRequest,
  text: string,
  hop: Hop,
  listener: Listener,
): Promise<Attempt> {
  const { transactions } = host
  const { method } = request
  const branch = `${MAGIC_COOKIE}${host.ids.branch()}`
  const via = `Via: SIP/2.0/${VIA_TRANSPORT[listener.transport]} ${hostPort(listener)};branch=${branch}\r\n`
  let written = parsedRequest(`${method} ${request.uri} SIP/2.0\r\n${via}${text}`)
  if (written === undefined) return ended({ status: 400, reason: 'the request does not parse' })
  if (request.rewrite !== undefined) {
    written = await request.rewrite(written, hop)
    if (written === undefined) return ended({ status: 487, reason: 'dropped by the script' })
  }
  const sent = written
  // RFC 3261 17.1.1.1: the ACK of a 2xx has no transaction, and nobody answers it.
  if (method === 'ACK') {
    transactions.transport.send(hop, sent.raw, () => {})
    return ended({ status: 200, reason: 'OK', hop, request: sent })
  }
  return new Promise((resolve) => {
    let lives = false
    let hasRungOut = false
    let invite: InviteClientTransaction | undefined
    const settle = (status: number, reason: string, reply?: SipReply) =>
      resolve({
        outcome: { status, reason, hop, request: sent, ...(reply === undefined ? {} : { reply }) },
        isHopFailure: status === 503 || (status === 408 && reply === undefined && !lives),
      })
    const user: ClientUser = {
      onReply(reply: SipReply, _flow: Flow) {
        if (reply.status < 200) {
          lives = true
          return request.onProvisional?.(reply)
        }
        if (reply.status < 300) {
          if (request.onSuccess !== undefined) request.onSuccess(reply)
          else if (method === 'INVITE') void sendLocalRequest(host, acknowledgement(request, sent, reply))
        }
        // The answer to our CANCEL.
        else if (hasRungOut) return settle(408, 'Request Timeout')
        settle(reply.status, reply.reason, reply)
      },
      onTimeout: () => settle(408, 'Request Timeout'),
      onTimerC() {
        // 9.1: whoever rings is told to stop; a 2xx that crosses the CANCEL is a call (13.2.2.4).
        hasRungOut = true
        invite?.cancel('')
      },
      onTransportError: (error) => settle(503, error.message),
      onReleased: () => settle(503, 'Service Unavailable'),
    }
    if (method === 'INVITE')
      invite = transactions.startInvite(branch, hop, sent.raw, user, request.frTimer, request.frInvTimer)
    else transactions.startRequest(branch, method, hop, sent.raw, user, request.frTimer)
  })
}

const ended = (outcome: LocalReply): Attempt => ({ outcome, isHopFailure: false })

/** The ACK of a 2xx: a request of the dialog that it makes, or in which the INVITE was sent (13.2.2.4, 12.2.1.1). */
function acknowledgement(request: LocalRequest, invite: SipRequest, reply: SipReply): LocalRequest {
  const { listener } = request
  const isInDialog = invite.toTag !== ''
  // 12.1.2: the route set is the Record-Route, turned round; that of a dialog stays what it is.
  const found = (isInDialog ? invite.nameAddrs('Route') : reply.nameAddrs('Record-Route').reverse()).slice(
    0,
    MOST_ROUTES,
  )
  const source = isInDialog ? invite : reply
  const nextHop = isInDialog ? request.nextHop : found[0]?.uri
  let headers = ''
  for (const { start, end } of found) headers += `Route: ${source.raw.slice(start, end)}\r\n`
  // 22.1: the credentials are those of the INVITE.
  for (const name of ['Authorization', 'Proxy-Authorization', 'User-Agent'])
    for (const value of invite.headers(name)) headers += `${name}: ${value}\r\n`
  return {
    method: 'ACK',
    uri: reply.nameAddrs('Contact')[0]?.uri ?? request.uri,
    ...(nextHop === undefined ? {} : { nextHop }),
    ...(listener === undefined ? {} : { listener }),
    from: invite.header('From') ?? request.from,
    to: reply.header('To') ?? '',
    callId: invite.callId,
    cseq: invite.cseqNumber,
    headers,
  }
}

function parsedRequest(wire: string): SipRequest | undefined {
  const parsed = parseMessage(wire)
  return parsed.ok && parsed.message instanceof SipRequest ? parsed.message : undefined
}
