// The Office 365 Unified Messaging border: a call manager speaks TCP and plain RTP on the inside, Office 365 speaks
// TLS and SRTP on the outside. The same service as o365.cfg.
//
// What an operator changes: the guid of the UM IP gateway, the addresses, and the sources that are let in.
import {
  type Config,
  drop,
  env,
  hasBody,
  hasTotag,
  insertHf,
  isInSubnet,
  isMethod,
  isMyself,
  looseRoute,
  recordRouteAdvertised,
  removeHf,
  rewriteHostPortTrans,
  rtpDelete,
  rtpManage,
  type SipReply,
  type SipRequest,
  sdpRemoveLineByPrefix,
  sendReply,
  setRtpSet,
  subst,
  tBranchReplied,
  tBranchTimeout,
  tCheckStatus,
  tIsCanceled,
  tOnFailure,
  tOnReply,
  tRelay,
  xlog,
} from 'signalbox'

const office365 = `${env('O365_GUID', 'df6b236d-056d-416a-8f5f-f2e8e1a0238d')}.um.outlook.com`
const office365Address = env('O365_ADDRESS', '')
const inside = env('INSIDE_ADDRESS', '10.0.0.5')
const outside = env('OUTSIDE_ADDRESS', '10.0.0.5')
const outsideAdvertised = env('OUTSIDE_ADVERTISED', '25.25.25.5')
const insideNetworks = env('INSIDE_NETWORKS', '10.0.0.0/8').split(',')
const certificates = env('CERTIFICATES', '/etc/signalbox/tls')

const toSrtp =
  'SRTP DTLS=off replace-session-connection ICE=remove rtcp-mux-demux SDES-only-AES_CM_128_HMAC_SHA1_80 direction=internal direction=external'
const toRtp = 'RTP DTLS=off ICE=remove replace-session-connection direction=external direction=internal'

export const config = {
  listen: [
    `tcp:${inside}:${env('INSIDE_PORT', '5060')}`,
    `tls:${outside}:${env('OUTSIDE_PORT', '5061')} advertise sbc.example.com:5061`,
  ],
  alias: [outsideAdvertised, 'sbc.example.com', 'sbc-o365.example.com'],
  hosts: office365Address ? { [office365]: [office365Address] } : {},
  tls: {
    profiles: {
      default: {
        key: `${certificates}/key.pem`,
        cert: `${certificates}/cert.pem`,
        ca: `${certificates}/ca.pem`,
        verifyPeer: true,
        verifyName: true,
        requireClientCert: true,
        minVersion: 'TLSv1.2',
      },
    },
  },
  media: {
    interfaces: [
      `internal/${inside}`,
      outside === outsideAdvertised ? `external/${outside}` : `external/${outside}!${outsideAdvertised}`,
    ],
    portMin: 30000,
    portMax: 40000,
    timeout: 60,
    silentTimeout: 3600,
  },
  timers: { fr: 10000, frInv: 120000 },
} satisfies Config

export async function request_route(req: SipRequest) {
  if (!allowed(req)) return refuse()
  if (hasTotag()) return withinDialog(req)
  if (isMethod('ACK')) return tRelay()
  if (isMethod('OPTIONS') && isMyself(req.requestUri)) return sendReply(200, 'OK')
  if (req.source.transport === 'tls' || !isMethod('INVITE')) return sendReply(405, 'Method Not Allowed')
  if (/^.*@sbc-o365\.example\.com.*$/i.test(req.requestUri)) return toOffice365()
  return sendReply(404, 'Not Found')
}

function refuse() {
  xlog('L_WARN', 'refused $rm from $si:$sp')
  return isMethod('ACK') ? drop() : sendReply(403, 'Forbidden')
}

/** The inside is known by its addresses, Office 365 by a certificate that its TLS connection had to show. */
function allowed(req: SipRequest): boolean {
  return req.source.transport === 'tls' || insideNetworks.some((network) => isInSubnet(req.source.address, network))
}

/** A new call from the call manager. */
async function toOffice365() {
  setRtpSet('0')
  if (hasBody('application/sdp') && !(await rtpManage(toSrtp))) return sendReply(503, 'Service Unavailable')
  recordRouteAdvertised(outsideAdvertised)
  rewriteHostPortTrans(`${office365}:5061;transport=tls`)
  removeHf('To')
  insertHf(`To: <sip:87000@${office365}>\r\n`)
  tOnReply('FROM_O365')
  tOnFailure('O365')
  if (await tRelay()) return true
  await rtpDelete()
  return sendReply(503, 'Service Unavailable')
}

/** Re-INVITE, hold, UPDATE, ACK and BYE, from either side: what comes from Office 365 comes over TLS. */
async function withinDialog(req: SipRequest) {
  if (!looseRoute()) return isMethod('ACK') ? tRelay() : sendReply(404, 'Not Here')
  setRtpSet('0')
  if (isMethod('BYE')) {
    await rtpManage()
  } else if (req.source.transport === 'tls') {
    tOnReply('FROM_INSIDE')
    if (hasBody('application/sdp')) await rtpManage(toRtp)
  } else {
    tOnReply('FROM_O365')
    if (hasBody('application/sdp')) await rtpManage(toSrtp)
  }
  return tRelay()
}

export const onreply_route = {
  /** Replies from Office 365 on their way to the call manager. */
  async FROM_O365(_reply: SipReply) {
    setRtpSet('0')
    if (hasBody('application/sdp')) {
      await rtpManage(toRtp)
      sdpRemoveLineByPrefix('c=IN IP4 25')
    }
    subst(`/^(Record-Route.*)${outsideAdvertised.replaceAll('.', '[.]')}(.*)$/\\1${inside}\\2/g`)
  },
  /** Replies from the call manager on their way to Office 365. */
  async FROM_INSIDE(_reply: SipReply) {
    setRtpSet('0')
    if (hasBody('application/sdp')) await rtpManage(toSrtp)
  },
}

export const failure_route = {
  /** No answer, a refusal or a cancelled call: the media goes, and an Office 365 that cannot be reached is a 503. */
  async O365() {
    setRtpSet('0')
    await rtpDelete()
    if (tIsCanceled()) return
    if (tCheckStatus('477|478') || (tBranchTimeout() && !tBranchReplied())) sendReply(503, 'Service Unavailable')
  },
}
