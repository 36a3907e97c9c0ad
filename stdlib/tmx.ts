// Owns module tmx: more of transactions.
import type { RouteKind } from './contract.ts'
import { define } from './define.ts'
import { currentRun, opNow } from './runtime.ts'

const ROUTES: readonly RouteKind[] = ['request', 'reply', 'failure', 'branch', 'event']

export const tCancelBranches = define(
  {
    name: 'tCancelBranches',
    kamailio: 't_cancel_branches',
    module: 'tmx',
    parameters: [{ name: 'which', kind: 'string', constant: true, values: ['all', 'others', 'this'] }],
    routes: ['reply'],
    doc: 'Cancels branches that still ring: all, or all but that of the reply.',
    example: 't_cancel_branches("others");',
  },
  (which: string) => opNow('cancel', { branches: which.toLowerCase() === 'others' ? 'others' : 'all' }),
)

export const tPrecheckTrans = define(
  {
    name: 'tPrecheckTrans',
    kamailio: 't_precheck_trans',
    module: 'tmx',
    parameters: [],
    routes: ['request'],
    doc: 'True if the request is being worked on already. Retransmissions never reach the script here, so it is false.',
    example: 'if (t_precheck_trans()) { t_check_trans(); exit; }',
  },
  () => -1,
)

export const tIsRequestRoute = define(
  {
    name: 'tIsRequestRoute',
    kamailio: 't_is_request_route',
    module: 'tmx',
    parameters: [],
    routes: ROUTES,
    doc: 'True in a request route.',
    example: 't_is_request_route()',
  },
  () => (currentRun().kind === 'request' ? 1 : -1),
)

export const tIsReplyRoute = define(
  {
    name: 'tIsReplyRoute',
    kamailio: 't_is_reply_route',
    module: 'tmx',
    parameters: [],
    routes: ROUTES,
    doc: 'True in a reply route.',
    example: 't_is_reply_route()',
  },
  () => (currentRun().kind === 'reply' ? 1 : -1),
)

export const tIsBranchRoute = define(
  {
    name: 'tIsBranchRoute',
    kamailio: 't_is_branch_route',
    module: 'tmx',
    parameters: [],
    routes: ROUTES,
    doc: 'True in a branch route.',
    example: 't_is_branch_route()',
  },
  () => (currentRun().kind === 'branch' ? 1 : -1),
)

export const tIsFailureRoute = define(
  {
    name: 'tIsFailureRoute',
    kamailio: 't_is_failure_route',
    module: 'tmx',
    parameters: [],
    routes: ROUTES,
    doc: 'True in a failure route.',
    example: 't_is_failure_route()',
  },
  () => (currentRun().kind === 'failure' ? 1 : -1),
)
