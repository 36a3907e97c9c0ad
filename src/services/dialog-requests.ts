// Owns requests of our own within a dialog: the BYEs that end it, and what scripts send.
import type { LocalReply } from '../proxy/index.ts'
import { type Dialog, uriIn } from './dialog-state.ts'
import type { ServiceHost } from './service.ts'

export type Side = 'caller' | 'callee'

export interface WithinRequest {
  readonly method: string
  readonly headers?: string
  readonly body?: string
  readonly contentType?: string
}

/** Sends a request to one side, as the other would (RFC 3261 12.2.1.1). */
export function sendWithin(host: ServiceHost, dialog: Dialog, side: Side, request: WithinRequest): Promise<LocalReply> {
  const to = dialog[side]
  const from = dialog[side === 'caller' ? 'callee' : 'caller']
  const cseq = Number(from.cseq || 0) + 1
  from.cseq = `${cseq}`
  const [fromUri, toUri] = side === 'caller' ? [dialog.toUri, dialog.fromUri] : [dialog.fromUri, dialog.toUri]
  const [first] = to.routes
  const routes = to.routes.map((route) => `Route: ${route}\r\n`).join('')
  return host.send({
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
  })
}
