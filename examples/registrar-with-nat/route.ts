// A registrar for phones behind NAT: where they are is noted as it was seen, they are kept reachable by pings, and their
// media go through a relay. The same service as route.cfg.
import {
  addRrParam,
  type Config,
  checkRouteParam,
  env,
  fixNatedRegister,
  forceRport,
  handleRuriAlias,
  hasTotag,
  isBranchFlagSet,
  isFirstHop,
  isFlagSet,
  isMethod,
  isMyself,
  lookup,
  looseRoute,
  natUacTest,
  recordRoute,
  rtpManage,
  type SipRequest,
  save,
  sendReply,
  setBranchFlag,
  setContactAlias,
  setFlag,
  tOnBranch,
  tOnReply,
  tRelay,
} from 'signalbox'

const FLAG_NAT = 5
const BRANCH_NAT = 6
const BRANCH_PING = 7
const MEDIA = 'replace-origin replace-session-connection'

export const config = {
  listen: [env('LISTEN', 'udp:127.0.0.1:5060')],
  media: { sets: { 0: ['udp:127.0.0.1:2223'] } },
  modules: {
    registrar: { max_contacts: 10, max_expires: 3600, received_avp: '$avp(RECEIVED)' },
    usrloc: { nat_bflag: BRANCH_NAT },
    nathelper: {
      received_avp: '$avp(RECEIVED)',
      natping_interval: 30,
      ping_nated_only: 1,
      sipping_bflag: BRANCH_PING,
      sipping_from: 'sip:pinger@example.com',
    },
  },
} satisfies Config

export async function request_route(req: SipRequest) {
  forceRport()
  if (natUacTest(19)) {
    setFlag(FLAG_NAT)
    if (isMethod('REGISTER')) fixNatedRegister()
    else if (isFirstHop()) setContactAlias()
  }
  if (hasTotag()) return within(req)
  if (isMethod('REGISTER')) {
    if (isFlagSet(FLAG_NAT)) {
      setBranchFlag(BRANCH_NAT)
      setBranchFlag(BRANCH_PING)
    }
    return save('location')
  }
  if (isMethod('OPTIONS') && isMyself(req.requestUri) && req.uri?.user === undefined) return sendReply(200, 'OK')
  if (isMethod('INVITE|SUBSCRIBE')) recordRoute()
  if (!(await lookup('location'))) return sendReply(404, 'Not Found')
  return relay()
}

async function within(req: SipRequest) {
  if (looseRoute()) {
    if (req.destination === '') handleRuriAlias()
    if (checkRouteParam('nat=yes')) setFlag(FLAG_NAT)
    return relay()
  }
  if (isMethod('ACK')) return tRelay()
  return sendReply(404, 'Not Here')
}

function relay() {
  tOnBranch('MEDIA')
  tOnReply('MEDIA')
  return tRelay()
}

export const branch_route = {
  async MEDIA() {
    if (!isFlagSet(FLAG_NAT) && !isBranchFlagSet(BRANCH_NAT)) return
    await rtpManage(MEDIA)
    if (!hasTotag()) addRrParam(';nat=yes')
  },
}

export const onreply_route = {
  async MEDIA() {
    if (natUacTest(1)) setContactAlias()
    if (isFlagSet(FLAG_NAT) || isBranchFlagSet(BRANCH_NAT)) await rtpManage(MEDIA)
  },
}
