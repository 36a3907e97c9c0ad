// Owns module maxfwd: the hop limit (RFC 3261 16.3, 16.6).
import { HeaderId } from '../src/sip/index.ts'
import { define } from './define.ts'
import { edit, topOfHeaders } from './message-edits.ts'
import { currentRun } from './runtime.ts'
import { numberParameter } from './settings.ts'

const maxLimit = numberParameter('maxfwd', 'max_limit', 70)

/** RFC 3261 20.22. */
const MOST_HOPS = 255

export const isMaxfwdLt = define(
  {
    name: 'isMaxfwdLt',
    kamailio: 'is_maxfwd_lt',
    module: 'maxfwd',
    parameters: [{ name: 'value', kind: 'int' }],
    routes: ['request', 'failure', 'branch'],
    doc: 'True if Max-Forwards is lower than that; without one -1, where it cannot be read -2.',
    example: 'is_maxfwd_lt("10")',
  },
  (value: number | string) => {
    const { message } = currentRun()
    if (message.findId(HeaderId.MaxForwards) < 0) return -1
    const current = message.maxForwards
    return current === undefined ? -2 : current < Number(value) ? 1 : -1
  },
)

export const mfProcessMaxfwdHeader = define(
  {
    name: 'mfProcessMaxfwdHeader',
    kamailio: 'mf_process_maxfwd_header',
    aliases: ['maxfwd_process'],
    module: 'maxfwd',
    parameters: [{ name: 'value', kind: 'int' }],
    routes: ['request'],
    doc: 'Takes one off Max-Forwards (1), or adds it with the value given (2). False when it has come to 0.',
    example: 'if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }',
  },
  (value: number | string) => {
    const { message } = currentRun()
    if (!(Number(value) >= 0 && Number(value) <= MOST_HOPS)) return -1
    const index = message.findId(HeaderId.MaxForwards)
    if (index < 0) {
      edit(topOfHeaders(message), 0, `Max-Forwards: ${Number(value)}\r\n`)
      return 2
    }
    const current = message.maxForwards
    if (current === undefined) return -2
    if (current === 0) return -1
    const limit = maxLimit()
    const start = message.valueStart(index)
    edit(start, message.valueEnd(index) - start, String(current > limit ? limit : current - 1))
    return 1
  },
)
