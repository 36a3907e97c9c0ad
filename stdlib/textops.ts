// Owns module textops, its header lines: removing, inserting, asking for them as they were received.
import type { Parameter } from './contract.ts'
import { define } from './define.ts'
import { edit, endOfHeaders, findLast, removeHeaderLine, topOfHeaders } from './message-edits.ts'
import { posixRegex } from './regex.ts'
import { currentRun } from './runtime.ts'
import { toBytes } from './text.ts'
import { header, regex, textops } from './textops-declaration.ts'

const line: Parameter = { name: 'text', kind: 'string', constant: true }
const hook: Parameter = { name: 'header', kind: 'string', constant: true, optional: true }

export const removeHf = define(
  textops('removeHf', 'remove_hf', [header], 'Removes every header of that name.', 'remove_hf("User-Agent");'),
  (name: string) => {
    const { message } = currentRun()
    let removed = -1
    for (let at = message.find(name); at >= 0; at = message.find(name, at + 1)) {
      removeHeaderLine(message, at)
      removed = 1
    }
    return removed
  },
)

export const removeHfRe = define(
  textops(
    'removeHfRe',
    'remove_hf_re',
    [regex],
    'Removes every header whose name matches, without regard to case.',
    'remove_hf_re("^X-");',
  ),
  (pattern: string) => {
    const { message } = currentRun()
    const match = posixRegex(pattern, { ignoreCase: true })
    let removed = -1
    for (let i = 0; i < message.headerCount; i++) {
      if (!match.test(message.headerName(i))) continue
      removeHeaderLine(message, i)
      removed = 1
    }
    return removed
  },
)

export const removeHfExp = define(
  textops(
    'removeHfExp',
    'remove_hf_exp',
    [regex, { name: 'except', kind: 'regex' }],
    'Removes every header whose name matches the first expression and not the second.',
    'remove_hf_exp("^X-", "^X-Keep");',
  ),
  (pattern: string, except: string) => {
    const { message } = currentRun()
    const match = posixRegex(pattern, { ignoreCase: true })
    const skip = posixRegex(except, { ignoreCase: true })
    let removed = -1
    for (let i = 0; i < message.headerCount; i++) {
      const name = message.headerName(i)
      if (!match.test(name) || skip.test(name)) continue
      removeHeaderLine(message, i)
      removed = 1
    }
    return removed
  },
)

export const isPresentHf = define(
  textops(
    'isPresentHf',
    'is_present_hf',
    [header],
    'True if the message has a header of that name.',
    'is_present_hf("Path")',
  ),
  (name: string) => (currentRun().message.find(name) >= 0 ? 1 : -1),
)

export const isPresentHfRe = define(
  textops(
    'isPresentHfRe',
    'is_present_hf_re',
    [regex],
    'True if a header name matches, without regard to case.',
    'is_present_hf_re("^P-")',
  ),
  (pattern: string) => {
    const { message } = currentRun()
    const match = posixRegex(pattern, { ignoreCase: true })
    for (let i = 0; i < message.headerCount; i++) if (match.test(message.headerName(i))) return 1
    return -1
  },
)

export const insertHf = define(
  textops(
    'insertHf',
    'insert_hf',
    [line, hook],
    'Inserts header lines above all others, or before the first header of the name given. Each line ends in \\r\\n.',
    'insert_hf("X-Mark: 1\\r\\n");',
  ),
  (text: string, before?: string) => {
    const { message } = currentRun()
    const index = before === undefined ? -1 : message.find(before)
    edit(index < 0 ? topOfHeaders(message) : message.headerStart(index), 0, toBytes(text))
    return 1
  },
)

export const appendHf = define(
  textops(
    'appendHf',
    'append_hf',
    [line, hook],
    'Appends header lines below all others, or after the last header of the name given. Each line ends in \\r\\n.',
    'append_hf("X-Mark: 1\\r\\n");',
  ),
  (text: string, behind?: string) => {
    const { message } = currentRun()
    const index = behind === undefined ? -1 : findLast(message, behind)
    edit(index < 0 ? endOfHeaders(message) : message.headerEnd(index), 0, toBytes(text))
    return 1
  },
)

export const appendToReply = define(
  textops(
    'appendToReply',
    'append_to_reply',
    [{ name: 'text', kind: 'string' }],
    'Adds header lines to every reply that is made here. Each line ends in \\r\\n.',
    'append_to_reply("P-Hint: here\\r\\n");',
    ['request', 'failure', 'branch'],
  ),
  (text: string) => {
    currentRun().state.addReplyHeaders(toBytes(text))
    return 1
  },
)

/** The same under the names of those that take a variable. */
function again(kamailio: string, name: string, run: (value: string) => boolean, doc: string, parameter: Parameter) {
  return define(textops(name, kamailio, [parameter], doc, `${kamailio}("$var(name)");`), (value: string) =>
    run(value) ? 1 : -1,
  )
}
export const removeHfPv = again('remove_hf_pv', 'removeHfPv', removeHf, 'As remove_hf.', header)
export const removeHfRePv = again('remove_hf_re_pv', 'removeHfRePv', removeHfRe, 'As remove_hf_re.', regex)
export const isPresentHfPv = again('is_present_hf_pv', 'isPresentHfPv', isPresentHf, 'As is_present_hf.', header)
export const isPresentHfRePv = again(
  'is_present_hf_re_pv',
  'isPresentHfRePv',
  isPresentHfRe,
  'As is_present_hf_re.',
  regex,
)

export const removeHfExpPv = define(
  textops(
    'removeHfExpPv',
    'remove_hf_exp_pv',
    [regex, { ...regex, name: 'except' }],
    'As remove_hf_exp.',
    'remove_hf_exp_pv("^X-", "$var(keep)");',
  ),
  (pattern: string, except: string) => (removeHfExp(pattern, except) ? 1 : -1),
)

export const removeHfIdx = define(
  textops(
    'removeHfIdx',
    'remove_hf_idx',
    [header, { name: 'index', kind: 'int' }],
    'Removes one header of that name: by index, a negative one from the last. 2 where there is none.',
    'remove_hf_idx("Via", "1");',
  ),
  (name: string, index: number | string) => {
    const { message } = currentRun()
    const places: number[] = []
    for (let at = message.find(name); at >= 0; at = message.find(name, at + 1)) places.push(at)
    const at = places.at(Number(index))
    if (at === undefined) return 2
    removeHeaderLine(message, at)
    return 1
  },
)

export const removeHfMatch = define(
  textops(
    'removeHfMatch',
    'remove_hf_match',
    [
      header,
      { name: 'operator', kind: 'string', values: ['eq', 'ne', 'sw', 'in', 'co', 're'] },
      { name: 'value', kind: 'string' },
    ],
    'Removes headers of that name whose value equals (eq, ne), begins with (sw), contains (co, in) or matches (re) the text.',
    'remove_hf_match("Route", "sw", "<sip:10.0.0.1");',
  ),
  (name: string, operator: string, value: string) => {
    const { message } = currentRun()
    let removed = -1
    for (let at = message.find(name); at >= 0; at = message.find(name, at + 1)) {
      const body = message.raw.slice(message.valueStart(at), message.valueEnd(at))
      const matches =
        operator === 'eq'
          ? body === value
          : operator === 'ne'
            ? body !== value
            : operator === 'sw'
              ? body.startsWith(value)
              : operator === 're'
                ? posixRegex(value).test(body)
                : body.includes(value)
      if (!matches) continue
      removeHeaderLine(message, at)
      removed = 1
    }
    return removed
  },
)

/** The time as a Date header (RFC 3261 20.17). */
function dateLine(): string {
  return `Date: ${new Date().toUTCString()}\r\n`
}

export const appendTime = define(
  textops('appendTime', 'append_time', [], 'Adds a Date header to the replies that are made here.', 'append_time();', [
    'request',
    'failure',
    'branch',
  ]),
  () => {
    currentRun().state.addReplyHeaders(dateLine())
    return 1
  },
)

export const appendTimeToRequest = define(
  textops(
    'appendTimeToRequest',
    'append_time_to_request',
    [],
    'Adds a Date header to the request unless it has one.',
    'append_time_to_request();',
    ['request', 'reply', 'failure', 'branch'],
  ),
  () => {
    const { message } = currentRun()
    if (message.find('Date') >= 0) return 1
    const from = message.find('From')
    edit(from < 0 ? endOfHeaders(message) : message.headerStart(from), 0, dateLine())
    return 1
  },
)

export const isPrivacy = define(
  textops(
    'isPrivacy',
    'is_privacy',
    [{ name: 'type', kind: 'string', constant: true, values: ['header', 'session', 'user', 'none', 'critical', 'id'] }],
    'True if Privacy asks for that (RFC 3323).',
    'is_privacy("id")',
  ),
  (type: string) => {
    const value = currentRun().message.header('Privacy') ?? ''
    return value.split(/[;,]/).some((part) => part.trim().toLowerCase() === type.toLowerCase()) ? 1 : -1
  },
)
