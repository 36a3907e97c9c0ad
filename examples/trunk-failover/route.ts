// Calls of a PBX go to the first carrier of a list; to the next one when it refuses, fails or stays silent.
// The same service as route.cfg.
import {
  type Config,
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
  tReply,
  xlog,
} from 'signalbox'

export const config = {
  listen: [env('LISTEN', 'udp:127.0.0.1:5060')],
  // A carrier that says nothing for two seconds is given up, one that rings may ring for a minute.
  timers: { fr: 2000, frInv: 60_000 },
  modules: {
    dispatcher: {
      list_file: 'dispatcher.list',
      flags: 2,
      ds_ping_from: 'sip:probe@127.0.0.1',
      ds_ping_interval: 20,
      ds_probing_mode: 1,
      ds_probing_threshold: 2,
      ds_inactive_threshold: 1,
    },
  },
} satisfies Config

export async function request_route(_req: SipRequest) {
  if (hasTotag()) {
    if (looseRoute() || isMethod('ACK')) return tRelay()
    return sendReply(404, 'Not Here')
  }
  if (isMethod('OPTIONS')) return sendReply(200, 'OK')
  if (!isMethod('INVITE')) return sendReply(405, 'Method Not Allowed')
  recordRoute()
  if (!dsSelectDst(1, 8)) return sendReply(503, 'No Carrier')
  tOnFailure('CARRIER')
  return tRelay()
}

export const failure_route = {
  async CARRIER() {
    if (tIsCanceled()) return
    // What the carrier says of the callee goes to the caller; what is wrong with the carrier sends the call elsewhere.
    const silent = tBranchTimeout()
    if (!silent && !tCheckStatus('5[0-9][0-9]')) return
    if (silent) dsMarkDst('tp')
    if (dsNextDst()) {
      tOnFailure('CARRIER')
      await tRelay()
    } else tReply(503, 'No Carrier')
  },
}

export const event_route = {
  'dispatcher:dst-down'(req: SipRequest) {
    xlog('L_WARN', `carrier ${req.requestUri} is down`)
  },
  'dispatcher:dst-up'(req: SipRequest) {
    xlog('L_NOTICE', `carrier ${req.requestUri} is back`)
  },
}
