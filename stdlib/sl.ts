// Owns module sl: replies, without a transaction or with one where there is one.
import type { Parameter } from './contract.ts'
import { define } from './define.ts'
import { sendReplyAs } from './replies.ts'
import { opNow } from './runtime.ts'

const CODE_AND_REASON: readonly Parameter[] = [
  { name: 'code', kind: 'string', constant: true },
  { name: 'reason', kind: 'string', constant: true },
]

export const slSendReply = define(
  {
    name: 'slSendReply',
    kamailio: 'sl_send_reply',
    module: 'sl',
    parameters: CODE_AND_REASON,
    routes: ['request'],
    doc: 'Replies without a transaction. The script goes on.',
    example: 'sl_send_reply("404", "Not here");',
  },
  (code: number | string, reason: string) => sendReplyAs('stateless', code, reason),
)

export const sendReply = define(
  {
    name: 'sendReply',
    kamailio: 'send_reply',
    module: 'sl',
    parameters: CODE_AND_REASON,
    routes: ['request', 'reply', 'failure'],
    doc: 'Replies by the transaction where there is one, else without. The script goes on.',
    example: 'send_reply("403", "Not from there");',
  },
  (code: number | string, reason: string) => sendReplyAs('auto', code, reason),
)

export const slReply = define(
  {
    name: 'slReply',
    kamailio: 'sl_reply',
    module: 'sl',
    parameters: CODE_AND_REASON,
    routes: ['request'],
    doc: 'As sl_send_reply.',
    example: 'sl_reply("404", "Not here");',
  },
  (code: number | string, reason: string) => sendReplyAs('stateless', code, reason),
)

export const slReplyError = define(
  {
    name: 'slReplyError',
    kamailio: 'sl_reply_error',
    aliases: ['send_reply_error'],
    module: 'sl',
    parameters: [],
    routes: ['request'],
    doc: 'Replies with what the last attempt to relay failed of, else with 500.',
    example: 'if (!t_relay()) sl_reply_error();',
  },
  () => opNow('replyError', null),
)
