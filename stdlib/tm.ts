// Owns module tm: transactions, hooks, replies. Relaying stands in t-relay.ts.
import { announceTransaction } from './accounting-hook.ts'
import type { Parameter, RouteKind } from './contract.ts'
import { declarations } from './declaration.ts'
import { define } from './define.ts'
import { routeOf } from './program-table.ts'
import { posixRegex } from './regex.ts'
import { sendReplyAs } from './replies.ts'
import { currentRun, language, opNow } from './runtime.ts'
import { UNTRACEABLE } from './t-relay.ts'

const L_WARN = 0
const HOOKS: readonly RouteKind[] = ['request', 'failure', 'branch', 'reply']

const tm = declarations('tm')

function routeName(routeKind: RouteKind): readonly Parameter[] {
  return [{ name: 'route', kind: 'route', routeKind, constant: true }]
}

/** The name of a hook; "0" and nothing take it off. One that the program lacks changes nothing, as in 5.6.3, but is told. */
function hookName(kind: 'reply' | 'failure' | 'branch' | 'event', name: string | number, prefix = ''): string {
  const text = String(name)
  if (text === '0' || text === '') return ''
  if (routeOf(kind, prefix + text) === undefined) {
    const block = kind === 'reply' ? 'onreply' : kind
    opNow('log', { level: L_WARN, text: `there is no ${block}_route ${prefix}${text}` })
  }
  return text
}

export const tOnReply = define(
  tm(
    't_on_reply',
    routeName('reply'),
    'Names the reply route of the branches to come; it stays set.',
    't_on_reply("MANAGE");',
    HOOKS,
  ),
  (name: string | number) => {
    currentRun().state.onReply = hookName('reply', name)
    return 1
  },
)

export const tOnFailure = define(
  tm(
    't_on_failure',
    routeName('failure'),
    'Names the failure route of the next relay; used once. In a reply route it changes nothing any more, as in Kamailio.',
    't_on_failure("NEXT");',
    ['request', 'reply', 'failure', 'branch'],
  ),
  (name: string | number) => {
    currentRun().state.onFailure = hookName('failure', name)
    return 1
  },
)

export const tOnBranch = define(
  tm(
    't_on_branch',
    routeName('branch'),
    'Names the branch route of the next relay; used once.',
    't_on_branch("EACH");',
    ['request', 'failure'],
  ),
  (name: string | number) => {
    currentRun().state.onBranch = hookName('branch', name)
    return 1
  },
)

export const tOnBranchFailure = define(
  tm(
    't_on_branch_failure',
    [{ name: 'route', kind: 'string', constant: true }],
    'Names the event route for the failure of one branch.',
    't_on_branch_failure("ONE");',
    ['request', 'reply', 'failure', 'branch'],
  ),
  (name: string | number) => {
    currentRun().state.onBranchFailure = hookName('event', name, 'tm:branch-failure:')
    return 1
  },
)

export const tNewtran = define(
  tm('t_newtran', [], 'Makes the transaction. A retransmission is absorbed and ends the script.', 't_newtran();', [
    'request',
  ]),
  () => {
    const { state } = currentRun()
    // Kamailio's E_SCRIPT: the script has made it already.
    if (state.created && language() === 'cfg') return -10
    if (state.untraceable) return UNTRACEABLE
    announceTransaction()
    const code = opNow('newtran', null)
    if (code > 0) state.created = true
    return code
  },
)

export const tCheckTrans = define(
  tm(
    't_check_trans',
    [],
    'True if a CANCEL, an ACK or a reply belongs to a transaction, or a request is a retransmission of one.',
    'if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }',
    ['request', 'reply', 'branch'],
  ),
  () => {
    const { kind, meta } = currentRun()
    // A reply that no transaction waits for is of no branch.
    return (kind === 'reply' ? meta.branch >= 0 : meta.transactionMatch === 1) ? 1 : -1
  },
)

export const tLookupRequest = define(
  tm('t_lookup_request', [], 'True if a transaction of this request exists.', 't_lookup_request()', ['request']),
  () => (currentRun().meta.transactionMatch === 1 || currentRun().state.created ? 1 : -1),
)

export const tReply = define(
  {
    ...tm(
      't_reply',
      [
        { name: 'code', kind: 'string', constant: true },
        { name: 'reason', kind: 'string', constant: true },
      ],
      'Replies by the transaction.',
      't_reply("404", "Not found");',
      ['request', 'reply', 'failure'],
    ),
    literal: true,
  },
  (code: number | string, reason: string) => {
    const run = currentRun()
    // In a `.ts` the proxy core has made the transaction.
    if (language() === 'cfg' && run.kind === 'request' && !run.state.created) return -1
    return sendReplyAs('transaction', code, reason)
  },
)

export const tSendReply = define(
  {
    ...tm(
      't_send_reply',
      [
        { name: 'code', kind: 'int' },
        { name: 'reason', kind: 'string' },
      ],
      'Replies by the transaction, which it makes where there is none.',
      't_send_reply("404", "Not found");',
      ['request', 'reply', 'failure'],
    ),
  },
  (code: number | string, reason: string) => {
    const { kind, state } = currentRun()
    if (kind === 'request' && !state.created) {
      if (state.untraceable) return -1
      announceTransaction()
      if (opNow('newtran', null) <= 0) return -1
      state.created = true
    }
    return sendReplyAs('transaction', code, reason)
  },
)

export const tGetStatusCode = define(
  tm(
    't_get_status_code',
    [],
    'The status of the reply as the code: of the winning one in a failure route, of our own after t_reply; -1 where there is none.',
    't_get_status_code(); $var(status) = $rc;',
    ['request', 'reply', 'failure', 'branch', 'event'],
  ),
  () => {
    const run = currentRun()
    const own = run.kind === 'request' && run.state.created && run.state.repliedWith > 0
    return own ? run.state.repliedWith : (run.meta.status ?? run.reply?.status ?? -1)
  },
)

export const tCheckStatus = define(
  tm(
    't_check_status',
    [{ name: 'regex', kind: 'regex' }],
    'True if the status of the reply matches: of the winning one in a failure route.',
    'if (t_check_status("486|408")) exit;',
    ['request', 'reply', 'failure'],
  ),
  (pattern: string) => {
    const run = currentRun()
    const status = run.meta.status ?? run.reply?.status
    return status !== undefined && posixRegex(pattern).test(String(status)) ? 1 : -1
  },
)

export const tIsCanceled = define(
  tm('t_is_canceled', [], 'True if the caller has cancelled.', 'if (t_is_canceled()) exit;', [
    'request',
    'reply',
    'failure',
    'branch',
  ]),
  () => (currentRun().meta.canceled ? 1 : -1),
)

export const tIsExpired = define(
  tm('t_is_expired', [], 'True if a timer ended the transaction.', 't_is_expired()', [
    'request',
    'reply',
    'failure',
    'branch',
  ]),
  () => (currentRun().meta.timedOut ? 1 : -1),
)

export const tBranchTimeout = define(
  tm('t_branch_timeout', [], 'True if the winning branch failed by time-out.', 't_branch_timeout()', [
    'request',
    'failure',
  ]),
  () => (currentRun().meta.timedOut ? 1 : -1),
)

export const tBranchReplied = define(
  tm(
    't_branch_replied',
    [],
    'True if the winning branch had a reply before the one, or the time-out, that ended it.',
    't_branch_replied()',
    ['request', 'failure'],
  ),
  () => (currentRun().meta.branchReplied ? 1 : -1),
)

export const tAnyTimeout = define(
  tm('t_any_timeout', [], 'True if a branch failed by time-out.', 't_any_timeout()', [
    'request',
    'reply',
    'failure',
    'branch',
  ]),
  () => Number(opNow('transaction', { what: 'anyTimedOut' })),
)

export const tSetFr = define(
  tm(
    't_set_fr',
    [
      { name: 'frInv', kind: 'int' },
      { name: 'fr', kind: 'int', optional: true },
    ],
    'Sets the timers of the next relay, in milliseconds: to a final reply once it rang, and to a first reply.',
    't_set_fr(120000, 5000);',
    ['request', 'branch', 'failure', 'reply'],
  ),
  (frInv: number | string, fr: number | string = 0) => {
    const { state } = currentRun()
    if (Number(frInv) > 0) state.frInvTimer = Number(frInv)
    if (Number(fr) > 0) state.frTimer = Number(fr)
    return 1
  },
)

export const tResetFr = define(
  tm('t_reset_fr', [], 'Puts the timers of the next relay back to their defaults.', 't_reset_fr();', [
    'request',
    'branch',
    'failure',
    'reply',
  ]),
  () => {
    const { state } = currentRun()
    state.frTimer = undefined
    state.frInvTimer = undefined
    return 1
  },
)

export const tSetDisableInternalReply = define(
  tm(
    't_set_disable_internal_reply',
    [{ name: 'state', kind: 'int' }],
    'With 1, a relay that fails is not answered at the end of the script.',
    't_set_disable_internal_reply(1);',
    ['request', 'failure', 'branch', 'reply'],
  ),
  (state: number | string) => {
    currentRun().state.noInternalReply = Number(state) !== 0
    return 1
  },
)
