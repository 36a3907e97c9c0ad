// Owns what a run is told besides its message: addresses, listener, numbers.
import type { BranchFailure, FailureContext, RequestContext } from '../proxy/index.ts'
import type { RunListener, RunMeta } from '../script/index.ts'
import type { Flow, Listener } from '../transport/index.ts'

const listeners = new WeakMap<Listener, RunListener>()

function runListener(listener: Listener): RunListener {
  let shown = listeners.get(listener)
  if (!shown) {
    const { id, address, port, advertised, name } = listener
    shown = {
      id,
      address,
      port,
      ...(advertised ? { advertisedHost: advertised.host, advertisedPort: advertised.port } : {}),
      ...(name === undefined ? {} : { name }),
    }
    listeners.set(listener, shown)
  }
  return shown
}

/** What a run over a message that came by `flow` is told. */
export function runMeta(
  flow: Flow,
  transactionId: number,
  transactionMatch: 0 | 1,
  branch: number,
  messageNumber: number,
): RunMeta {
  const listener = flow.listener
  return {
    srcIp: flow.remoteAddress,
    srcPort: flow.remotePort,
    dstIp: listener.address,
    dstPort: listener.port,
    proto: flow.transport,
    listener: runListener(listener),
    transactionId,
    transactionMatch,
    branch,
    messageNumber,
  }
}

/** The same for the failure of one branch. */
export function branchFailureMeta(context: RequestContext, failure: BranchFailure, messageNumber: number): RunMeta {
  const { status, timedOut, branchReplied, reply, branch, uri, nextHop } = failure
  return {
    ...runMeta(context.flow, context.id, 0, branch, messageNumber),
    status,
    timedOut,
    branchReplied,
    branchUri: uri,
    ...(nextHop === undefined ? {} : { branchNextHop: nextHop }),
    ...(reply ? { reply: reply.raw } : {}),
  }
}

/** The same for a failure route, with the reply that won. */
export function failureMeta(context: FailureContext, messageNumber: number): RunMeta {
  const { status, canceled, timedOut, branchReplied, winningReply } = context
  const meta = runMeta(context.flow, context.id, 0, context.branch, messageNumber)
  return { ...meta, status, canceled, timedOut, branchReplied, ...(winningReply ? { reply: winningReply.raw } : {}) }
}
