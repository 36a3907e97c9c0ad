// Calls are spread over a farm of media servers; what belongs to a dialog stays with its server.
// The same service as route.cfg.
import {
  type Config,
  dsIsFromList,
  dsMarkDst,
  dsNextDst,
  dsSelectDst,
  env,
  hasTotag,
  isMethod,
  looseRoute,
  recordRoute,
  type SipRequest,
  sendReply,
  tBranchTimeout,
  tCheckStatus,
  tIsCanceled,
  tOnFailure,
  tRelay,
} from 'signalbox'

export const config = {
  listen: [env('LISTEN', 'udp:127.0.0.1:5060')],
  timers: { fr: 2000 },
  modules: {
    dispatcher: {
      list_file: 'dispatcher.list',
      flags: 2,
      ds_ping_interval: 10,
      ds_probing_mode: 1,
      ds_ping_reply_codes: 'class=4',
    },
  },
} satisfies Config

const FROM_URI = 1
const ROUND_ROBIN = 4

export async function request_route(_req: SipRequest) {
  if (hasTotag()) {
    if (looseRoute() || isMethod('ACK')) return tRelay()
    return sendReply(404, 'Not Here')
  }
  if (isMethod('OPTIONS')) return sendReply(200, 'OK')
  if (dsIsFromList(1)) return sendReply(403, 'Servers Take Calls')
  if (isMethod('INVITE|SUBSCRIBE')) recordRoute()
  // REGISTER and the like of one user always meet the same server, calls take turns.
  if (!dsSelectDst(1, isMethod('INVITE') ? ROUND_ROBIN : FROM_URI)) return sendReply(503, 'No Server')
  tOnFailure('SERVER')
  return tRelay()
}

export const failure_route = {
  async SERVER() {
    if (tIsCanceled() || !(tBranchTimeout() || tCheckStatus('50[03]'))) return
    dsMarkDst('ip')
    if (!dsNextDst()) return
    tOnFailure('SERVER')
    await tRelay()
  },
}
