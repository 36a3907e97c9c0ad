// Owns the pseudo-variables of the transaction: $T_reply_code $T_branch_idx $T_req() $T_rpl() and so on.
import { definePv, definePvClass, type PvValue } from './pv.ts'
import { currentRun, Run, within } from './runtime.ts'

const meta = (name: string, doc: string) => ({ name, module: 'tmx', doc })

definePv(meta('T_reply_code', 'Status of the reply; in a failure route that of the winning one.'), () => {
  const run = currentRun()
  return run.meta.status ?? run.reply?.status ?? 0
})
definePv(meta('T_reply_reason', 'Reason phrase of the reply.'), () => {
  const run = currentRun()
  if (run.reply) return run.reply.reason
  return run.meta.reply === undefined ? '' : readReply((reply) => reply.reply?.reason ?? null)
})
/** Branch and reply routes: the branch's own index; elsewhere how many branches there are so far. */
definePv(meta('T_branch_idx', 'Index of the branch.'), () => {
  const run = currentRun()
  switch (run.kind) {
    case 'branch':
      return run.branch
    case 'reply':
      return run.meta.branch
    case 'failure':
      return run.state.sentBranches + run.state.branches.length
    default:
      return run.state.branches.length
  }
})
definePv(meta('T_reply_last', 'Status of the last reply of the branch.'), () => currentRun().reply?.status)
definePvClass({ ...meta('T', 'A property of the transaction.'), inner: { name: 'property' } }, (inner) => ({
  get: () => {
    const run = currentRun()
    switch (inner.text) {
      case 'id_index':
        return run.meta.transactionId === 0 ? null : run.meta.transactionId
      case 'id_label':
      case 'id_label_n':
        return 0
      case 'branch_index':
        return Math.max(0, run.branch)
      case 'reply_code':
        return run.meta.status ?? run.reply?.status ?? 0
      case 'reply_last':
        return run.reply?.status ?? 0
      default:
        return null
    }
  },
}))

function readRequest(get: () => PvValue): PvValue {
  const run = currentRun()
  if (run.kind !== 'reply') return run.kind === 'request' && !run.state.created ? null : get()
  const { request } = run
  if (request === undefined) return null
  return within(new Run(run.id, 'event', run.name, request.raw, run.meta.transactionId, run.meta), get)
}

function readReply(get: (run: Run) => PvValue): PvValue {
  const run = currentRun()
  if (run.kind === 'reply') return get(run)
  const { reply } = run.meta
  if (reply === undefined) return null
  const other = new Run(run.id, 'reply', run.name, reply, run.meta.transactionId, run.meta)
  return within(other, () => get(other))
}

const VARIABLE = { name: 'variable' }
definePvClass({ ...meta('T_req', 'A variable of the request, read in a reply route.'), inner: VARIABLE }, (inner) => {
  const { get } = inner.variable()
  return { get: () => readRequest(get) }
})
definePvClass({ ...meta('T_rpl', 'A variable of the reply, read in a failure route.'), inner: VARIABLE }, (inner) => {
  const { get } = inner.variable()
  return { get: () => readReply(get) }
})
definePvClass({ ...meta('T_inv', 'A variable of the INVITE that a CANCEL belongs to.'), inner: VARIABLE }, (inner) => {
  const { get } = inner.variable()
  return { get: () => readRequest(get) }
})
