// Owns the pseudo-variables of the transaction: $T_reply_code $T_branch_idx $T_req() $T_rpl() and so on.
import { definePv, definePvClass, type PvValue } from './pv.ts'
import { currentRun, Run, Target, within } from './runtime.ts'

const meta = (name: string, doc: string) => ({ name, module: 'tmx', doc })

definePv(meta('T_reply_code', 'Status of the reply; in a failure route that of the winning one.'), () => {
  const run = currentRun()
  return run.meta.status ?? run.reply?.status ?? 0
})
function reason(run: Run): PvValue {
  if (run.reply) return run.reply.reason
  return run.meta.reply === undefined ? '' : readReply((reply) => reply.reply?.reason ?? null)
}
definePv(meta('T_reply_reason', 'Reason phrase of the reply.'), () => reason(currentRun()))
/** Branch and reply routes: the branch's own index; elsewhere how many branches there are so far. */
definePv(meta('T_branch_idx', 'Index of the branch.'), () => {
  const run = currentRun()
  switch (run.kind) {
    case 'branch':
      return run.branch
    case 'reply':
      return run.meta.branch
    case 'event':
      return run.branch < 0 ? run.state.branches.length : run.branch
    case 'failure':
      return run.state.sentBranches + run.state.branches.length
    default:
      return run.state.branches.length
  }
})
definePv(meta('T_reply_last', 'Status of the last reply of the branch.'), () => currentRun().reply?.status)
definePv(meta('T_reply_ruid', 'The unique id of the contact of the branch.'), () => '')

/** The number of the transaction, once there is one. The label tells it from others of that number: here none are alike. */
const numbered = (run: Run): PvValue => (run.state.created || run.kind !== 'request' ? run.meta.transactionId : null)
definePvClass(
  {
    ...meta('T', 'A property of the transaction.'),
    inner: {
      name: 'property',
      values: [
        'id_index',
        'id_label',
        'id_index_n',
        'id_label_n',
        'reply_code',
        'reply_type',
        'branch_index',
        'flags',
        'reply_reason',
      ],
    },
  },
  (inner) => {
    const read: Readonly<Record<string, (run: Run) => PvValue>> = {
      id_index: numbered,
      id_label: (run) => (numbered(run) === null ? null : 0),
      id_index_n: (run) => run.meta.transactionId,
      id_label_n: () => 0,
      branch_index: (run) => Math.max(0, run.branch),
      reply_code: (run) => run.meta.status ?? run.reply?.status ?? run.state.repliedWith,
      // 1: the winning reply was made here.
      reply_type: (run) => (run.meta.status !== undefined && run.meta.reply === undefined ? 1 : 0),
      flags: () => 0,
      reply_reason: reason,
    }
    return { get: () => read[inner.text]!(currentRun()) }
  },
)

definePvClass(
  {
    ...meta('T_branch', 'The branch that a reply or failure is of: uri (in reply routes), flags.'),
    inner: { name: 'property', values: ['flags', 'uri'] },
  },
  (inner) => ({
    get: () => {
      const { kind, meta, state } = currentRun()
      if (meta.branch < 0) return null
      if (inner.text === 'flags') return state.sentFlags?.[meta.branch] ?? 0
      return kind === 'reply' ? (state.sentUris?.[meta.branch] ?? state.sentUri ?? null) : null
    },
  }),
)

function readRequest(get: () => PvValue): PvValue {
  const run = currentRun()
  if (run.kind !== 'reply') return run.kind === 'request' && !run.state.created ? null : get()
  const { request } = run
  if (request === undefined) return null
  const target = new Target(run.state.sentUri ?? request.requestUri)
  const other = new Run(run.id, 'branch', run.name, request.raw, 0, run.meta, { parent: run, target, branch: -1 })
  other.replaceMessage(request.raw, [])
  return within(other, get)
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
