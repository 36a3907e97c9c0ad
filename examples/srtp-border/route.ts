// A border between plain RTP inside (UDP) and SRTP outside (TLS).
// The same service as route.cfg.
import {
  type Config,
  env,
  hasTotag,
  isMethod,
  isMyself,
  looseRoute,
  recordRoute,
  rtpDelete,
  rtpManage,
  type SipReply,
  type SipRequest,
  sdpContent,
  sendReply,
  setUri,
  tOnFailure,
  tOnReply,
  tRelay,
} from 'signalbox'

const insideHop = env('INSIDE_HOP', '127.0.0.6:5060')
const outsideHop = env('OUTSIDE_HOP', '127.0.0.7:5061;transport=tls')
const certificates = env('CERTIFICATES', '/etc/signalbox/tls')

const both = 'DTLS=off ICE=remove rtcp-mux-demux replace-origin replace-session-connection'
const toSrtp = `RTP/SAVP SDES-no-AES_CM_128_HMAC_SHA1_32 ${both} direction=internal direction=external`
const toRtp = `RTP/AVP ${both} direction=external direction=internal`

export const config = {
  listen: [env('INSIDE_LISTEN', 'udp:127.0.0.1:5060'), env('OUTSIDE_LISTEN', 'tls:127.0.0.1:5061')],
  tls: {
    profiles: {
      default: { key: `${certificates}/key.pem`, cert: `${certificates}/cert.pem`, ca: `${certificates}/ca.pem` },
    },
  },
  media: {
    interfaces: [`internal/${env('INSIDE_MEDIA', '127.0.0.1')}`, `external/${env('OUTSIDE_MEDIA', '127.0.0.1')}`],
  },
} satisfies Config

export async function request_route(req: SipRequest) {
  if (hasTotag()) return withinDialog(req)
  if (isMethod('ACK')) return tRelay()
  if (isMethod('OPTIONS') && isMyself(req.requestUri)) return sendReply(200, 'OK')
  if (!isMethod('INVITE')) return sendReply(405, 'Method Not Allowed')
  recordRoute()
  setUri(`sip:${req.uri?.user ?? ''}@${fromOutside(req) ? insideHop : outsideHop}`)
  tOnFailure('GONE')
  if (!(await media(req))) return sendReply(503, 'No Media Relay')
  if (await tRelay()) return true
  await rtpDelete()
  return sendReply(503, 'Service Unavailable')
}

async function withinDialog(req: SipRequest) {
  if (!looseRoute()) return isMethod('ACK') ? tRelay() : sendReply(404, 'Not Here')
  if (isMethod('BYE')) await rtpDelete()
  else if (!(await media(req))) return sendReply(503, 'No Media Relay')
  return tRelay()
}

const fromOutside = (req: SipRequest) => req.source.transport === 'tls'

/** What came over TLS goes inside, what came over UDP goes outside. */
async function media(req: SipRequest): Promise<boolean> {
  tOnReply(fromOutside(req) ? 'FROM_INSIDE' : 'FROM_OUTSIDE')
  return !sdpContent() || rtpManage(fromOutside(req) ? toRtp : toSrtp)
}

export const onreply_route = {
  async FROM_INSIDE(_reply: SipReply) {
    if (sdpContent()) await rtpManage(toSrtp)
  },
  async FROM_OUTSIDE(_reply: SipReply) {
    if (sdpContent()) await rtpManage(toRtp)
  },
}

export const failure_route = {
  async GONE() {
    await rtpDelete()
  },
}
