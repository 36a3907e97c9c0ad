// Owns requests of our own within a dialog: the BYEs that end it, offers that move its media, and what scripts send.
import type { LocalReply, LocalRequest } from '../proxy/index.ts'
import { detach, type SipMessage } from '../sip/index.ts'
import { type Dialog, type DialogParty, uriIn } from './dialog-state.ts'
import type { ReofferReply, ServiceHost } from './service.ts'

export type Side = 'caller' | 'callee'

export interface WithinRequest {
  readonly method: string
  readonly headers?: string
  readonly body?: string
  readonly contentType?: string
}

/** Sends a request to one side, as the other would (RFC 3261 12.2.1.1). */
export function sendWithin(host: ServiceHost, dialog: Dialog, side: Side, request: WithinRequest): Promise<LocalReply> {
  return host.send(addressed(dialog, side, request, nextNumber(dialog, side)))
}

/** Offers one side another session, as the other would (RFC 3261 14.1), and acknowledges its answer. */
export async function reoffer(host: ServiceHost, dialog: Dialog, side: Side, sdp: string): Promise<ReofferReply> {
  const from = dialog[otherSide(side)]
  const number = nextNumber(dialog, side)
  // The target of the dialog stays whom it was (12.2.1.1).
  const invite = {
    method: 'INVITE',
    headers: `Contact: <${from.contact}>\r\n`,
    body: sdp,
    contentType: 'application/sdp',
  }
  const { status, reason, reply } = await host.send({
    ...addressed(dialog, side, invite, number),
    // 13.2.2.4: each 2xx, those that come again too.
    onSuccess(success) {
      retarget(dialog[side], success)
      void host.send(addressed(dialog, side, { method: 'ACK' }, number))
    },
  })
  const described = reply !== undefined && status < 300 && /^application\/sdp\b/i.test(reply.contentType)
  return { status, reason, ...(described ? { sdp: reply.body } : {}) }
}

export function otherSide(side: Side): Side {
  return side === 'caller' ? 'callee' : 'caller'
}

/** RFC 3261 12.2.1.2, 12.2.2: where a side wants to be sent requests from now on. */
export function retarget(party: DialogParty, message: SipMessage): void {
  const contact = uriIn(message.header('Contact') ?? '')
  if (contact !== '') party.contact = detach(contact)
}

/** The number of a request of ours, which the other side's own requests keep clear of. */
function nextNumber(dialog: Dialog, side: Side): number {
  const from = dialog[otherSide(side)]
  const number = Number(from.cseq || 0) + 1
  from.cseq = `${number}`
  from.added++
  return number
}

function addressed(dialog: Dialog, side: Side, request: WithinRequest, cseq: number): LocalRequest {
  const to = dialog[side]
  const from = dialog[otherSide(side)]
  const [fromUri, toUri] = side === 'caller' ? [dialog.toUri, dialog.fromUri] : [dialog.fromUri, dialog.toUri]
  const [first] = to.routes
  const routes = to.routes.map((route) => `Route: ${route}\r\n`).join('')
  return {
    method: request.method,
    uri: to.contact,
    ...(first === undefined ? {} : { nextHop: uriIn(first) }),
    listener: to.listener,
    from: `<${fromUri}>;tag=${from.tag}`,
    to: `<${toUri}>;tag=${to.tag}`,
    callId: dialog.callId,
    cseq,
    headers: `${routes}${request.headers ?? ''}`,
    ...(request.body === undefined ? {} : { body: request.body }),
    ...(request.contentType === undefined ? {} : { contentType: request.contentType }),
  }
}
