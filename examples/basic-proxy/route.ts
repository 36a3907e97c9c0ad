// The smallest service: a proxy that stays in the path of its calls and sends everything new to one next hop.
// The same service as route.cfg.
import {
  type Config,
  env,
  hasTotag,
  isMethod,
  isMyself,
  looseRoute,
  recordRoute,
  rewriteHostPort,
  type SipRequest,
  sendReply,
  tRelay,
} from 'signalbox'

export const config = {
  listen: [env('LISTEN', 'udp:127.0.0.1:5060')],
} satisfies Config

export async function request_route(req: SipRequest) {
  if (hasTotag()) {
    if (looseRoute() || isMethod('ACK')) return tRelay()
    return sendReply(404, 'Not Here')
  }
  if (isMethod('OPTIONS') && isMyself(req.requestUri)) return sendReply(200, 'OK')
  if (isMethod('INVITE|SUBSCRIBE')) recordRoute()
  rewriteHostPort(env('NEXT_HOP', '127.0.0.1:5080'))
  return tRelay()
}
