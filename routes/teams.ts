// The Microsoft Teams border: Direct Routing over TLS and SRTP on the outside, a PBX and registered phones with plain
// SIP and RTP on the inside. The same service as teams.cfg.
//
// What an operator changes: the names and addresses below, and the two lists in teams/.
import {
  allowSourceAddress,
  appendHf,
  appendToReply,
  type Config,
  drop,
  dsMarkDst,
  dsNextDst,
  dsSelectDst,
  env,
  type FailedRequest,
  hasBody,
  hasTotag,
  isMethod,
  lookup,
  looseRoute,
  msgApplyChanges,
  parseUri,
  recordRoute,
  removeHf,
  rtpDelete,
  rtpManage,
  type SipReply,
  type SipRequest,
  save,
  searchBody,
  sendReply,
  setUri,
  substBody,
  tBranchReplied,
  tBranchTimeout,
  tCheckStatus,
  tIsCanceled,
  tOnBranch,
  tOnFailure,
  tOnReply,
  tRelay,
  xlog,
} from 'signalbox'

const name = env('SBC_NAME', 'sbc.example.com')
const teamsName = env('TEAMS_NAME', 'sip.pstnhub.microsoft.com')
const inside = env('INSIDE_ADDRESS', '10.0.0.5')
const outside = env('OUTSIDE_ADDRESS', '10.0.0.5')
const certificates = env('CERTIFICATES', '/etc/signalbox/tls')

/** Sets of teams/destinations.list. */
const teams = 1
const pbx = 2
/** Groups of teams/addresses.list. */
const teamsNetworks = 1
const insideNetworks = 2

const both = 'DTLS=off ICE=remove replace-origin replace-session-connection'
const toSrtp = `RTP/SAVP ${both} rtcp-mux-offer SDES-only-AES_CM_128_HMAC_SHA1_80 direction=internal direction=external`
const toRtp = `RTP/AVP ${both} rtcp-mux-demux direction=external direction=internal`
const methods = 'INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, PRACK, INFO, NOTIFY'

export const config = {
  listen: [`udp:${inside}:5060`, `tls:${outside}:5061 advertise ${name}:5061`],
  alias: [name],
  tls: {
    profiles: {
      default: {
        key: `${certificates}/key.pem`,
        cert: `${certificates}/cert.pem`,
        ca: `${certificates}/ca.pem`,
        verifyPeer: true,
        verifyName: true,
        requireClientCert: true,
        // Microsoft's certificates are for servers only, and it shows them as a client too.
        acceptServerUsage: true,
        minVersion: 'TLSv1.2',
        // A connection that Teams opened carries only the requests of Teams.
        reuseAccepted: false,
      },
    },
  },
  media: { interfaces: [`internal/${inside}`, `external/${outside}`] },
  // Teams tries its next trunk when nothing comes within ten seconds; so do we.
  timers: { fr: 8000, frInv: 120000 },
  modules: {
    permissions: { address_file: env('ADDRESSES', 'teams/addresses.list') },
    registrar: { max_expires: 3600 },
    dispatcher: {
      list_file: env('DESTINATIONS', 'teams/destinations.list'),
      flags: 2,
      xavp_dst: '_dsdst_',
      xavp_ctx: '_dsctx_',
      // Teams calls a trunk healthy when it has seen an OPTIONS within three minutes.
      ds_ping_interval: 60,
      ds_ping_from: `sip:${name}:5061`,
      ds_probing_mode: 1,
      ds_probing_threshold: 2,
      ds_inactive_threshold: 1,
      // A 503 means down, any other answer that there is somebody.
      ds_ping_reply_codes: 'class=2;class=3;class=4;code=500',
    },
  },
} satisfies Config

export async function request_route(req: SipRequest) {
  if (!allowed(req)) return refuse()
  if (hasTotag()) return withinDialog(req)
  if (isMethod('ACK')) return tRelay()
  if (isMethod('OPTIONS')) {
    // Teams probes the name in our Contact, and reads which methods we know.
    appendToReply(`Contact: <sip:${name}:5061;transport=tls>\r\nAllow: ${methods}\r\n`)
    return sendReply(200, 'OK')
  }
  if (isMethod('REGISTER')) return fromTeams(req) ? sendReply(403, 'Forbidden') : save('location')
  if (!isMethod('INVITE')) {
    appendToReply(`Allow: ${methods}, REGISTER\r\n`)
    return sendReply(405, 'Method Not Allowed')
  }
  removeHf('Route')
  recordRoute()
  return fromTeams(req) ? callFromTeams(req) : callFromInside(req)
}

const fromTeams = (req: SipRequest) => req.source.transport === 'tls'

/** Teams is known by its certificate and its networks; the inside by its addresses. */
function allowed(req: SipRequest): boolean {
  return allowSourceAddress(fromTeams(req) ? teamsNetworks : insideNetworks)
}

function refuse() {
  xlog('L_WARN', 'refused $rm from $proto:$si:$sp')
  return isMethod('ACK') ? drop() : sendReply(403, 'Forbidden')
}

/** To the phone that registered the number, else to the PBX. */
async function callFromTeams(req: SipRequest) {
  if (await lookup('location')) {
    tOnFailure('INSIDE')
  } else {
    setUri(`sip:${req.uri?.user ?? ''}@pbx.invalid`)
    // 503 lets Teams try its next trunk.
    if (!dsSelectDst(pbx, 4)) return sendReply(503, 'No PBX')
    tOnFailure('PBX')
  }
  tOnReply('FROM_INSIDE')
  if (hasBody('application/sdp') && !(await rtpManage(toRtp))) return sendReply(503, 'No Media Relay')
  return relay()
}

/** To the phone that registered the number, else to Teams. */
async function callFromInside(req: SipRequest) {
  if (await lookup('location')) {
    // Both ends are inside: their media flows between them.
    tOnFailure('INSIDE')
    return relay()
  }
  const number = req.uri?.user ?? ''
  if (!/^\+?[0-9]+$/.test(number)) return sendReply(404, 'Not Found')
  // Teams takes no call without an offer.
  if (!hasBody('application/sdp')) return sendReply(488, 'Offer Needed')
  setUri(`sip:+${number.replace('+', '')}@${teamsName}:5061;user=phone;transport=tls`)
  if (!dsSelectDst(teams, 8)) return sendReply(503, 'Teams Unavailable')
  toTeams()
  hold()
  if (!(await rtpManage(toSrtp))) return sendReply(503, 'No Media Relay')
  return relay()
}

function toTeams() {
  tOnFailure('TEAMS')
  tOnBranch('TO_TEAMS')
  tOnReply('FROM_TEAMS')
}

async function relay() {
  if (await tRelay()) return true
  await rtpDelete()
  return sendReply(503, 'Service Unavailable')
}

async function withinDialog(req: SipRequest) {
  // What Teams sends to the Contact that it saw goes to the one that stands in it.
  const target = fromTeams(req) ? insideContact(req.requestUri) : undefined
  if (target !== undefined) setUri(target)
  if (!looseRoute()) return isMethod('ACK') ? tRelay() : sendReply(404, 'Not Here')
  if (isMethod('BYE')) {
    await rtpManage()
  } else if (fromTeams(req)) {
    tOnReply('FROM_INSIDE')
    if (hasBody('application/sdp')) await rtpManage(toRtp)
  } else if (/transport=tls/i.test(req.destination || req.requestUri)) {
    tOnReply('FROM_TEAMS')
    tOnBranch('TO_TEAMS')
    if (hasBody('application/sdp')) {
      hold()
      await rtpManage(toSrtp)
    }
  }
  return tRelay()
}

/** Teams knows one kind of hold. */
function hold() {
  if (!searchBody('a=(sendonly|recvonly)')) return
  substBody('/a=(sendonly|recvonly)/a=inactive/g')
  msgApplyChanges()
}

const encode = (uri: string) => [...uri].map((c) => c.charCodeAt(0).toString(16).padStart(2, '0')).join('')
const decode = (hex: string) => hex.replace(/../g, (byte) => String.fromCharCode(Number.parseInt(byte, 16)))

function insideContact(uri: string): string | undefined {
  const hex = parseUri(uri)?.params.get('inside') ?? ''
  return /^([0-9a-f]{2})+$/.test(hex) ? decode(hex) : undefined
}

/** The name in Contact is how Teams knows the trunk; where the inside wants its requests stands beside it. */
function contact(message: SipRequest | SipReply) {
  const uri = message.addresses('Contact')[0]?.uri
  if (uri === undefined) return
  const user = parseUri(uri)?.user
  removeHf('Contact')
  appendHf(`Contact: <sip:${user ? `${user}@` : ''}${name}:5061;transport=tls;inside=${encode(uri)}>\r\n`)
}

export const branch_route = {
  TO_TEAMS: (req: SipRequest) => contact(req),
}

export const onreply_route = {
  async FROM_TEAMS(reply: SipReply) {
    // Q.850 cause 34 beside a 486 makes carriers try again.
    if (reply.status === 486) removeHf('Reason')
    if (hasBody('application/sdp')) await rtpManage(toRtp)
  },
  async FROM_INSIDE(reply: SipReply) {
    contact(reply)
    if (hasBody('application/sdp')) await rtpManage(toSrtp)
  },
}

const unreachable = () => tCheckStatus('503|477|478') || (tBranchTimeout() && !tBranchReplied())

export const failure_route = {
  /** A Teams host that is busy or does not answer is passed over for the next. */
  async TEAMS(_req: FailedRequest) {
    if (!tIsCanceled() && unreachable()) {
      if (tCheckStatus('503')) dsMarkDst('ip')
      if (dsNextDst()) {
        toTeams()
        return tRelay()
      }
      sendReply(503, 'Teams Unavailable')
    }
    return rtpDelete()
  },
  async PBX(_req: FailedRequest) {
    if (!tIsCanceled() && unreachable()) {
      if (dsNextDst()) {
        tOnFailure('PBX')
        tOnReply('FROM_INSIDE')
        return tRelay()
      }
      sendReply(503, 'No PBX')
    }
    return rtpDelete()
  },
  INSIDE: () => rtpDelete(),
}

export const event_route = {
  /** Our probes carry the Contact by which Teams knows the trunk, and begins to probe us. */
  'tm:local-request'(req: SipRequest) {
    if (isMethod('OPTIONS') && /transport=tls/.test(req.requestUri))
      appendHf(`Contact: <sip:${name}:5061;transport=tls>\r\n`)
  },
  'dispatcher:dst-down': () => xlog('L_WARN', 'down: $ru ($du)'),
  'dispatcher:dst-up': () => xlog('L_NOTICE', 'up: $ru ($du)'),
}
