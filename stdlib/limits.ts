// Owns modules pike, ratelimit and pipelimit: too many messages told from a bearable number.
import type { BuiltinMeta, Parameter, PvReference, RouteKind } from './contract.ts'
import { ANY_ROUTE, define } from './define.ts'
import { sendReplyAs } from './replies.ts'
import { currentRun } from './runtime.ts'
import { askNow } from './service.ts'
import { numberParameter, textParameter } from './settings.ts'

const ASKED: readonly RouteKind[] = ['request', 'reply', 'event']

function declared(
  module: string,
  name: string,
  kamailio: string,
  parameters: readonly Parameter[],
  doc: string,
  example: string,
  routes: readonly RouteKind[] = ASKED,
): Omit<BuiltinMeta, 'waits'> {
  return { name, kamailio, module, parameters, routes, doc, example }
}

export const pikeCheckReq = define(
  declared(
    'pike',
    'pikeCheckReq',
    'pike_check_req',
    [],
    'False if the source of the message sends too many: -2 the first time, then -1.',
    'if (!pike_check_req()) { exit; }',
  ),
  () => askNow<number>('pike', 'request'),
)

export const pikeCheckIp = define(
  declared(
    'pike',
    'pikeCheckIp',
    'pike_check_ip',
    [{ name: 'address', kind: 'string' }],
    'As pike_check_req, for the address given.',
    'pike_check_ip("$si")',
  ),
  (address: string) => askNow<number>('pike', 'address', { address }),
)

export const rlCheck = define(
  declared(
    'ratelimit',
    'rlCheck',
    'rl_check',
    [{ name: 'pipe', kind: 'pv', optional: true }],
    'False if the message is one too many for the pipe of its queue; the variable gets the pipe’s number.',
    'if (!rl_check()) { sl_send_reply("503", "Busy"); exit; }',
    ANY_ROUTE,
  ),
  (pipe?: PvReference) => {
    const { code, pipe: number } = askNow<{ code: number; pipe: number }>('ratelimit', 'check')
    if (pipe !== undefined && number >= 0) pipe.set(number)
    return code
  },
)

export const rlCheckPipe = define(
  declared(
    'ratelimit',
    'rlCheckPipe',
    'rl_check_pipe',
    [{ name: 'pipe', kind: 'int' }],
    'False if the message is one too many for that pipe.',
    'rl_check_pipe("1")',
    ANY_ROUTE,
  ),
  (pipe: number | string) => askNow<number>('ratelimit', 'pipe', { pipe: Number(pipe) }),
)

export const plCheck = define(
  {
    ...declared(
      'pipelimit',
      'plCheck',
      'pl_check',
      [{ name: 'pipe', kind: 'string' }],
      'False if the message is one too many for that pipe, which is made where it is described: TAILDROP or RED, and its limit an interval.',
      'pl_check("$si", "TAILDROP", "10")',
      ANY_ROUTE,
    ),
    overloads: [
      [
        { name: 'pipe', kind: 'string' },
        { name: 'algorithm', kind: 'string' },
        { name: 'limit', kind: 'int' },
      ],
    ],
  },
  (pipe: string, algorithm?: string, limit?: number | string) =>
    askNow<number>('pipelimit', 'check', { pipe, algorithm, limit: Number(limit ?? 0) }),
)

export const plActive = define(
  declared(
    'pipelimit',
    'plActive',
    'pl_active',
    [{ name: 'pipe', kind: 'string' }],
    'True if there is a pipe of that name.',
    'pl_active("$si")',
    ANY_ROUTE,
  ),
  (pipe: string) => askNow<number>('pipelimit', 'active', { pipe }),
)

const replyCode = numberParameter('pipelimit', 'reply_code', 503)
const replyReason = textParameter('pipelimit', 'reply_reason', 'Server Unavailable')

export const plDrop = define(
  {
    ...declared(
      'pipelimit',
      'plDrop',
      'pl_drop',
      [],
      'Answers 503 (reply_code) with a Retry-After where seconds are given.',
      'pl_drop("5");',
      ['request', 'failure', 'branch'],
    ),
    overloads: [
      [{ name: 'seconds', kind: 'int' }],
      [
        { name: 'least', kind: 'int' },
        { name: 'most', kind: 'int' },
      ],
    ],
  },
  (least?: number | string, most?: number | string) => {
    const from = Number(least ?? 0)
    const seconds = most === undefined ? from : from + Math.floor(Math.random() * Math.max(1, Number(most) - from + 1))
    const { state } = currentRun()
    const before = state.replyHeaders
    if (least !== undefined) state.addReplyHeaders(`Retry-After: ${seconds}\r\n`)
    const sent = sendReplyAs('auto', replyCode(), replyReason())
    state.replyHeaders = before
    return sent
  },
)
