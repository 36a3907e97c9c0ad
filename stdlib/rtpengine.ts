// Owns module rtpengine: offers, answers and deletions of media sessions, and the session description that comes back.
import { bodyEdit } from '../src/sip/index.ts'
import type { BuiltinMeta, Parameter, PvReference, RouteKind, RtpArguments, RtpResult } from './contract.ts'
import { define, defineWaiting } from './define.ts'
import { after, currentRun, op, type Pending } from './runtime.ts'

const FLAGS: readonly Parameter[] = [{ name: 'flags', kind: 'string', optional: true }]
const MEDIA: readonly RouteKind[] = ['request', 'reply', 'failure', 'branch']

function rtpengine(name: string, kamailio: string, doc: string): Omit<BuiltinMeta, 'waits'> {
  return {
    name,
    kamailio,
    module: 'rtpengine',
    parameters: FLAGS,
    routes: MEDIA,
    doc,
    example: `${kamailio}("replace-origin");`,
  }
}

/** Asks the relay, and puts the session description that it answers in place of the body. */
export function rtpOperation(operation: RtpArguments['operation'], flags: string): number | Pending<number> {
  const run = currentRun()
  return after(op('rtp', { operation, flags, set: run.state.rtpSet, kind: run.kind }), (result: RtpResult) => {
    if (result.sdp !== undefined && run.message.bodyStart < run.raw.length) {
      for (const change of bodyEdit(run.message, result.sdp)) run.addEdit(change)
    }
    if (result.statistics !== undefined) run.state.rtpStatistics = result.statistics
    return result.code
  })
}

export const rtpManage = defineWaiting(
  rtpengine(
    'rtpManage',
    'rtpengine_manage',
    'Does what the message needs: offer, answer or delete, by method, reply and route. The flags are rtpengine’s.',
  ),
  (flags?: string) => rtpOperation('manage', flags ?? ''),
)

export const rtpOffer = defineWaiting(
  rtpengine('rtpOffer', 'rtpengine_offer', 'Hands the SDP of an offer to the relay and sends on what it answers.'),
  (flags?: string) => rtpOperation('offer', flags ?? ''),
)

export const rtpAnswer = defineWaiting(
  rtpengine('rtpAnswer', 'rtpengine_answer', 'Hands the SDP of an answer to the relay and sends on what it answers.'),
  (flags?: string) => rtpOperation('answer', flags ?? ''),
)

export const rtpDelete = defineWaiting(
  rtpengine('rtpDelete', 'rtpengine_delete', 'Ends the media session of the call.'),
  (flags?: string) => rtpOperation('delete', flags ?? ''),
)

export const rtpQuery = defineWaiting(
  rtpengine('rtpQuery', 'rtpengine_query', 'Asks the relay whether it knows the call.'),
  (flags?: string) => rtpOperation('query', flags ?? ''),
)

export const rtpInfo = defineWaiting(
  rtpengine(
    'rtpInfo',
    'rtpengine_info',
    'Tells the relay the ICE candidates in the body of an INFO (trickle ICE), which is then answered here.',
  ),
  (flags?: string) => rtpOperation('info', flags ?? ''),
)

export const rtpQueryV = defineWaiting(
  {
    name: 'rtpQueryV',
    kamailio: 'rtpengine_query_v',
    module: 'rtpengine',
    parameters: [
      { name: 'format', kind: 'string', values: ['j', 'jp'] },
      { name: 'result', kind: 'pv' },
    ],
    routes: MEDIA,
    doc: 'Asks the relay for the counters of the call as JSON: `j` compact, `jp` on several lines.',
    example: 'rtpengine_query_v("j", "$var(counters)");',
  },
  (format: string, result: PvReference) => {
    const run = currentRun()
    const asked = { operation: 'control', control: 'query', flags: '', set: run.state.rtpSet, kind: run.kind } as const
    return after(op('rtp', asked), ({ code, report }: RtpResult) => {
      if (report !== undefined)
        result.set(format === 'jp' ? JSON.stringify(JSON.parse(report), undefined, '\t') : report)
      return code
    })
  },
)

export const setRtpSet = define(
  {
    name: 'setRtpSet',
    kamailio: 'set_rtpengine_set',
    module: 'rtpengine',
    parameters: [
      { name: 'set', kind: 'int' },
      { name: 'second', kind: 'int', optional: true },
    ],
    routes: MEDIA,
    doc: 'Chooses the set of relays for the operations that follow.',
    example: 'set_rtpengine_set("0");',
  },
  (set: number | string) => {
    const id = Number(set)
    if (!Number.isInteger(id) || id < 0) return -1
    currentRun().state.rtpSet = id
    return 1
  },
)
