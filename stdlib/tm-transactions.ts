// Owns functions of tm and tmx that look at or end transactions: what was armed, statuses, replies dropped, requests suspended.
import type { Parameter, RouteKind } from './contract.ts'
import { code, declarations, format, int, optional, text } from './declaration.ts'
import { ANY_ROUTE, define, defineWaiting } from './define.ts'
import { currentRun, opNow } from './runtime.ts'
import { ask } from './service.ts'

const WITH_REQUEST: readonly RouteKind[] = ['request', 'failure', 'branch', 'reply', 'event']
const tm = declarations('tm', WITH_REQUEST)
const tmx = declarations('tmx', WITH_REQUEST)

export const tIsSet = define(
  tm(
    't_is_set',
    [
      {
        name: 'hook',
        kind: 'string',
        constant: true,
        values: ['branch_route', 'failure_route', 'onreply_route', 'branch_failure_route'],
      },
    ],
    'True if a route of that kind is set for the branches to come.',
    't_is_set("failure_route")',
  ),
  (hook: string) => {
    const { state } = currentRun()
    const set = {
      branch_route: state.onBranch,
      failure_route: state.onFailure,
      onreply_route: state.onReply,
      branch_failure_route: state.onBranchFailure,
    }
    return code(Boolean(set[hook as keyof typeof set]))
  },
)

export const tClean = define(
  tm(
    't_clean',
    [],
    'Takes away transactions that should have ended long ago. Here each ends by its own timer, so that there are none.',
    't_clean();',
    ANY_ROUTE,
  ),
  () => 1,
)

/** Final status of each branch so far, 0 where it is open. */
function statuses(): number[] {
  const found = opNow('transaction', { what: 'statuses' })
  return Array.isArray(found) ? found : []
}

export const tAnyReplied = define(
  tm(
    't_any_replied',
    [],
    'True if some branch has had a reply besides the one that the route runs for.',
    't_any_replied()',
  ),
  () => Number(opNow('transaction', { what: 'anyReplied' })),
)

export const tGrepStatus = define(
  tm('t_grep_status', [format('status')], 'True if some branch has ended with that status.', 't_grep_status("486")'),
  (status: string) => code(statuses().includes(Number(status))),
)

export const tDropReplies = define(
  tm(
    't_drop_replies',
    [optional(format('which'))],
    'In a failure route: the replies so far no longer count; n none, l those of the last leg, a or nothing all.',
    't_drop_replies();',
    ['failure'],
  ),
  (which?: string) => {
    if (which?.startsWith('n')) return 1
    opNow('transaction', { what: 'dropReplies', which: which?.startsWith('l') ? 'last' : 'all' })
    return 1
  },
)

export const tRelease = define(
  tm(
    't_release',
    [],
    'Gives up the transaction that the script has made. It ends here by itself when a script neither relays nor answers.',
    't_release();',
    ['request', 'event'],
  ),
  () => 1,
)

export const tRetransmitReply = define(
  tm(
    't_retransmit_reply',
    [],
    'Sends the last reply again. The transaction does so by itself when a retransmission comes.',
    't_retransmit_reply();',
    ['request'],
  ),
  () => code(currentRun().state.repliedWith > 0),
)

export const tSaveLumps = define(
  tm('t_save_lumps', [], 'Keeps the changes made so far for later branches.', 't_save_lumps();', ['request']),
  () => {
    const run = currentRun()
    run.state.requestEdits = run.edits
    return code(run.state.created)
  },
)

export const tSetAutoInv100 = define(
  tm('t_set_auto_inv_100', [int('mode')], 'With 0, no 100 is sent by the proxy itself.', 't_set_auto_inv_100("0");', [
    'request',
  ]),
  (mode: number | string) => {
    currentRun().state.noTrying = Number(mode) === 0
    return 1
  },
)

export const tLookupCancel = define(
  tm(
    't_lookup_cancel',
    [optional(format('mode'))],
    'True if the INVITE that the CANCEL belongs to is open here.',
    't_lookup_cancel()',
    ['request'],
  ),
  (_mode?: string) => code(currentRun().meta.transactionMatch === 1),
)

export const tRelayCancel = defineWaiting(
  tm(
    't_relay_cancel',
    [],
    'Cancels the INVITE that a CANCEL belongs to and ends the script; true when there is none.',
    'if (is_method("CANCEL")) { if (!t_relay_cancel()) { sl_reply_error(); exit; } }',
    ['request'],
  ),
  () => {
    const { message, meta } = currentRun()
    if (message.cseqMethod !== 'CANCEL' || meta.transactionMatch !== 1) return 1
    opNow('relay', { branches: [] })
    return 0
  },
)

export const tIsRetrAsyncReply = define(
  tm(
    't_is_retr_async_reply',
    [],
    'True if a retransmitted reply comes while its transaction is suspended. It never gets to a script here: false.',
    't_is_retr_async_reply()',
    ['reply'],
  ),
  () => -1,
)

/** What one relay is told and the next one not. */
function resetting(kamailio: string, doc: string) {
  return define(tm(kamailio, [], doc, `${kamailio}();`), () => 1)
}
export const tResetMaxLifetime = resetting(
  't_reset_max_lifetime',
  'Puts the longest life of the transaction back. It is bounded by the timers here.',
)
export const tResetRetr = resetting('t_reset_retr', 'Puts the retransmission times back to those of RFC 3261.')
export const tSetNoE2eCancelReason = define(
  tm(
    't_set_no_e2e_cancel_reason',
    [int('mode')],
    "With 1, Reason lines of the caller's CANCEL do not go into ours.",
    't_set_no_e2e_cancel_reason("1");',
    ['request', 'reply', 'failure', 'branch'],
  ),
  (_mode: number | string) => 1,
)
export const tUseUacHeaders = define(
  tm(
    't_use_uac_headers',
    [],
    'Writes CANCEL and ACK with the headers of what was sent. They are always written so here.',
    't_use_uac_headers();',
    ['request', 'reply', 'failure', 'branch'],
  ),
  () => 1,
)

export const tFlushFlags = define(
  tmx(
    't_flush_flags',
    [],
    'Makes the flags of the message those of the transaction. They are the same here.',
    't_flush_flags();',
  ),
  () => code(currentRun().state.created || currentRun().kind !== 'request'),
)
export const tFlushXflags = define(
  tmx('t_flush_xflags', [], 'As t_flush_flags, of extended flags.', 't_flush_xflags();'),
  () => code(currentRun().state.created || currentRun().kind !== 'request'),
)

export const tReuseBranch = define(
  tmx(
    't_reuse_branch',
    [],
    'In the failure of a branch: the branch goes out once more, to where $ru and $du say.',
    't_reuse_branch();',
    ['event'],
  ),
  () => code(currentRun().branchTarget !== undefined),
)

/** Ends the transaction without a reply. */
function dropping(kamailio: string) {
  return define(
    tmx(kamailio, [], 'Ends the transaction of the request without a reply of ours.', `${kamailio}();`, [
      'request',
      'reply',
      'failure',
      'branch',
    ]),
    () => code(currentRun().state.created),
  )
}
export const tDrop = dropping('t_drop')

export const tSuspend = define(
  tmx(
    't_suspend',
    [],
    'Lets the request wait; t_continue goes on with it by $T(id_index) and $T(id_label). Without that it is answered 408 when fr_inv_timer is over.',
    't_suspend();',
    ['request', 'reply', 'failure', 'branch'],
  ),
  () => {
    const numbers = opNow('transaction', { what: 'suspend' })
    const { state } = currentRun()
    if (!Array.isArray(numbers) || numbers.length < 2) return -1
    state.created = true
    state.suspended = true
    state.requestEdits = currentRun().edits
    return 1
  },
)

export const tContinue = define(
  {
    ...tmx(
      't_continue',
      [text('index'), text('label'), text('route')],
      'Goes on with a suspended request in the route block of that name, once this script is over.',
      't_continue("$var(id)", "$var(label)", "GO");',
    ),
    routes: ANY_ROUTE,
  },
  (index: string, label: string, route: string) => {
    const number = Number(index)
    if (!Number.isInteger(number) || number < 0) return -1
    return Number(opNow('transaction', { what: 'continue', index: number, label: Number(label) | 0, route }))
  },
)

const CALL: readonly Parameter[] = [text('callId'), text('cseq')]
export const tReplyCallid = define(
  {
    ...tmx(
      't_reply_callid',
      [...CALL, text('code'), text('reason')],
      'Answers the transaction with that Call-ID and CSeq number.',
      't_reply_callid("$var(ci)", "1", "404", "Not found");',
    ),
    routes: ANY_ROUTE,
  },
  (callId: string, cseq: string, status: string, reason: string) => {
    const number = Number(status)
    if (!(number >= 100 && number <= 699)) return -1
    return Number(opNow('transaction', { what: 'replyTo', callId, cseq: Number(cseq) >>> 0, status: number, reason }))
  },
)
export const tCancelCallid = define(
  {
    ...tmx(
      't_cancel_callid',
      [...CALL, optional(text('flag')), optional(text('reason'))],
      'Cancels the INVITE with that Call-ID and CSeq number.',
      't_cancel_callid("$var(ci)", "1", "3");',
    ),
    routes: ANY_ROUTE,
  },
  (callId: string, cseq: string, _flag?: string, _reason?: string) =>
    Number(opNow('transaction', { what: 'cancelOf', callId, cseq: Number(cseq) >>> 0 })),
)

export const tUacSend = defineWaiting(
  {
    ...tm(
      't_uac_send',
      [text('method'), text('ruri'), text('nexthop'), text('socket'), text('headers'), text('body')],
      'Sends a request of our own in a transaction of its own; the script does not wait for the answer.',
      't_uac_send("OPTIONS", "sip:bob@10.0.0.7", "", "", "From: <sip:me@here>\\r\\nTo: <sip:bob@10.0.0.7>\\r\\n", "");',
    ),
    routes: ANY_ROUTE,
  },
  (method: string, ruri: string, nexthop: string, socket: string, headers: string, body: string) =>
    ask<number>('tm', 'send', { method, ruri, nexthop, socket, headers, body }),
)
