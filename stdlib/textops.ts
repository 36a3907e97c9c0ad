// Owns module textops: header lines and text of the message, as it was received.
import type { BuiltinMeta, Parameter, RouteKind } from './contract.ts'
import { ANY_ROUTE, define } from './define.ts'
import { edit, endOfHeaders, findLast, removeHeaderLine, topOfHeaders } from './message-edits.ts'
import { posixRegex } from './regex.ts'
import { cutUri, joinUri, runTarget, setRequestUri } from './request-uri.ts'
import { currentRun } from './runtime.ts'
import { findReplacements, parseSubstitution, substitute } from './substitution.ts'
import { toBytes } from './text.ts'

/** Where a message can be changed. */
const EDITING: readonly RouteKind[] = ['request', 'reply', 'failure', 'branch', 'event']

function textops(
  name: string,
  kamailio: string,
  parameters: Parameter[],
  doc: string,
  example: string,
  routes: readonly RouteKind[] = EDITING,
): Omit<BuiltinMeta, 'waits'> {
  return { name, kamailio, module: 'textops', parameters, routes, doc, example }
}
const header: Parameter = { name: 'header', kind: 'string' }
const regex: Parameter = { name: 'regex', kind: 'regex' }
const expression: Parameter = { name: 'expression', kind: 'subst', constant: true }
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
    currentRun().state.replyHeaders += toBytes(text)
    return 1
  },
)

/** Records what an expression changes in the message between two offsets. */
function substituteSpan(text: string, from: number, to: number): number {
  const substitution = parseSubstitution(toBytes(text))
  const { raw } = currentRun()
  const span = raw.slice(from, to)
  const found = findReplacements(substitution, span)
  for (const { at, remove, text: replacement } of found) edit(from + at, remove, toBytes(replacement))
  return found.length > 0 ? 1 : -1
}

export const subst = define(
  textops(
    'subst',
    'subst',
    [expression],
    'Replaces what the expression matches in headers and body; the first match unless the flag g is given.',
    'subst("/^(From:.*)@old/\\1@new/");',
  ),
  (text: string) => {
    const { message, raw } = currentRun()
    return substituteSpan(text, message.firstLineEnd, raw.length)
  },
)

export const substBody = define(
  textops(
    'substBody',
    'subst_body',
    [expression],
    'As subst, in the body only.',
    'subst_body("/a=sendonly/a=sendrecv/");',
  ),
  (text: string) => {
    const { message, raw } = currentRun()
    return substituteSpan(text, message.bodyStart, raw.length)
  },
)

export const substHf = define(
  textops(
    'substHf',
    'subst_hf',
    [
      { ...header, constant: true },
      expression,
      { name: 'which', kind: 'string', constant: true, values: ['a', 'f', 'l'], optional: true },
    ],
    'As subst, in the values of a header: all of that name (a), the first (f) or the last (l).',
    'subst_hf("From", "/:test@/:best@/", "a");',
  ),
  (name: string, text: string, which = 'a') => {
    const { message } = currentRun()
    let changed = -1
    const change = (index: number) => {
      if (substituteSpan(text, message.valueStart(index), message.valueEnd(index)) > 0) changed = 1
    }
    if (which === 'l') {
      const last = findLast(message, name)
      if (last >= 0) change(last)
      return changed
    }
    for (let at = message.find(name); at >= 0; at = message.find(name, at + 1)) {
      change(at)
      if (which === 'f') break
    }
    return changed
  },
)

export const substUri = define(
  textops(
    'substUri',
    'subst_uri',
    [expression],
    'Replaces what the expression matches in the R-URI, at once.',
    'subst_uri("/^sip:(.*)@old/sip:\\1@new/");',
    ['request', 'failure', 'branch'],
  ),
  (text: string) => {
    const changed = substitute(parseSubstitution(toBytes(text)), runTarget().uri)
    if (changed === undefined) return -1
    setRequestUri(changed)
    return 1
  },
)

export const substUser = define(
  textops(
    'substUser',
    'subst_user',
    [expression],
    'Replaces what the expression matches in the user part of the R-URI, at once.',
    'subst_user("/^00/+/");',
    ['request', 'failure', 'branch'],
  ),
  (text: string) => {
    const seams = cutUri(runTarget().uri)
    const changed = substitute(parseSubstitution(toBytes(text)), seams?.userinfo ?? '')
    if (seams === undefined || changed === undefined) return -1
    seams.userinfo = changed === '' ? undefined : changed
    setRequestUri(joinUri(seams))
    return 1
  },
)

/** The offsets of a match of an expression without regard to case, between two offsets of the message. */
function matchSpan(pattern: string, from: number, to: number): [number, number] | undefined {
  const match = posixRegex(toBytes(pattern), { ignoreCase: true, newline: true }).exec(currentRun().raw.slice(from, to))
  return match && [from + match[0]!, from + match[1]!]
}

export const search = define(
  textops(
    'search',
    'search',
    [regex],
    'True if the expression matches in the message, without regard to case.',
    'search("sipvicious")',
  ),
  (pattern: string) => (matchSpan(pattern, 0, currentRun().raw.length) ? 1 : -1),
)

export const searchBody = define(
  textops(
    'searchBody',
    'search_body',
    [regex],
    'True if the expression matches in the body.',
    'search_body("m=video")',
  ),
  (pattern: string) => (matchSpan(pattern, currentRun().message.bodyStart, currentRun().raw.length) ? 1 : -1),
)

export const searchHf = define(
  textops(
    'searchHf',
    'search_hf',
    [
      { ...header, constant: true },
      regex,
      { name: 'which', kind: 'string', constant: true, values: ['a', 'f', 'l'], optional: true },
    ],
    'True if the expression matches in a value of the header: any of that name (a), the first (f) or the last (l).',
    'search_hf("From", ":test@", "a")',
  ),
  (name: string, pattern: string, which = 'a') => {
    const { message } = currentRun()
    const matches = (index: number) =>
      matchSpan(pattern, message.valueStart(index), message.valueEnd(index)) !== undefined
    if (which === 'l') {
      const last = findLast(message, name)
      return last >= 0 && matches(last) ? 1 : -1
    }
    for (let at = message.find(name); at >= 0; at = message.find(name, at + 1)) {
      if (matches(at)) return 1
      if (which === 'f') break
    }
    return -1
  },
)

export const searchAppend = define(
  textops(
    'searchAppend',
    'search_append',
    [regex, { name: 'text', kind: 'string' }],
    'Puts text behind the first match of the expression.',
    'search_append("[Uu]ser-[Aa]gent:", " mine");',
  ),
  (pattern: string, text: string) => {
    const { message, raw } = currentRun()
    const match = matchSpan(pattern, message.firstLineEnd, raw.length)
    if (match === undefined) return -1
    edit(match[1], 0, toBytes(text))
    return 1
  },
)

export const replace = define(
  textops(
    'replace',
    'replace',
    [regex, { name: 'text', kind: 'string' }],
    'Replaces the first match of the expression in headers and body.',
    'replace("User-Agent: .*", "User-Agent: mine");',
  ),
  (pattern: string, text: string) => {
    const { message, raw } = currentRun()
    const match = matchSpan(pattern, message.firstLineEnd, raw.length)
    if (match === undefined) return -1
    edit(match[0], match[1] - match[0], toBytes(text))
    return 1
  },
)

/** Replaces every match between two offsets. */
function replaceEach(pattern: string, text: string, from: number): number {
  let at = from
  let changed = -1
  for (let count = 0; count < 1000; count++) {
    const match = matchSpan(pattern, at, currentRun().raw.length)
    if (match === undefined) break
    edit(match[0], match[1] - match[0], toBytes(text))
    changed = 1
    at = match[1] > match[0] ? match[1] : match[1] + 1
    if (at > currentRun().raw.length) break
  }
  return changed
}

export const replaceAll = define(
  textops(
    'replaceAll',
    'replace_all',
    [regex, { name: 'text', kind: 'string' }],
    'Replaces every match of the expression in headers and body.',
    'replace_all("10[.]0[.]0[.]5", "192.0.2.5");',
  ),
  (pattern: string, text: string) => replaceEach(pattern, text, currentRun().message.firstLineEnd),
)

export const replaceBody = define(
  textops(
    'replaceBody',
    'replace_body',
    [regex, { name: 'text', kind: 'string' }],
    'Replaces the first match of the expression in the body.',
    'replace_body("a=inactive", "a=sendrecv");',
  ),
  (pattern: string, text: string) => {
    const { message, raw } = currentRun()
    const match = matchSpan(pattern, message.bodyStart, raw.length)
    if (match === undefined) return -1
    edit(match[0], match[1] - match[0], toBytes(text))
    return 1
  },
)

export const replaceBodyAll = define(
  textops(
    'replaceBodyAll',
    'replace_body_all',
    [regex, { name: 'text', kind: 'string' }],
    'Replaces every match of the expression in the body.',
    'replace_body_all("a=inactive", "a=sendrecv");',
  ),
  (pattern: string, text: string) => replaceEach(pattern, text, currentRun().message.bodyStart),
)

/** The media type of a Content-Type value, in lower case. */
function mediaType(value: string): string {
  const semicolon = value.indexOf(';')
  return (semicolon < 0 ? value : value.slice(0, semicolon)).trim().toLowerCase()
}

export const hasBody = define(
  {
    ...textops(
      'hasBody',
      'has_body',
      [{ name: 'type', kind: 'string', constant: true, optional: true }],
      'True if the message has a body, of that media type when one is given.',
      'has_body("application/sdp")',
    ),
    routes: ANY_ROUTE,
  },
  (type?: string) => {
    const { message } = currentRun()
    if (message.bodyStart >= message.raw.length) return -1
    if (type === undefined || type === '') return 1
    return mediaType(message.contentType) === mediaType(type) ? 1 : -1
  },
)

export const removeBody = define(
  textops('removeBody', 'remove_body', [], 'Removes the body; Content-Type stays.', 'remove_body();'),
  () => {
    const { message, raw } = currentRun()
    if (message.bodyStart >= raw.length) return -1
    edit(message.bodyStart, raw.length - message.bodyStart, '')
    return 1
  },
)

export const setBody = define(
  textops(
    'setBody',
    'set_body',
    [
      { name: 'text', kind: 'string' },
      { name: 'type', kind: 'string' },
    ],
    'Gives the message another body and Content-Type.',
    'set_body("hello", "text/plain");',
  ),
  (text: string, type: string) => {
    const { message, raw } = currentRun()
    const index = message.find('Content-Type')
    if (index >= 0) removeHeaderLine(message, index)
    edit(endOfHeaders(message), 0, `Content-Type: ${toBytes(type)}\r\n`)
    edit(message.bodyStart, raw.length - message.bodyStart, toBytes(text))
    return 1
  },
)

/** What a body for replies of ours is (set_reply_body). */
export const setReplyBody = define(
  textops(
    'setReplyBody',
    'set_reply_body',
    [
      { name: 'text', kind: 'string' },
      { name: 'type', kind: 'string' },
    ],
    'Gives the replies that are made here a body.',
    'set_reply_body("hello", "text/plain");',
    ['request', 'failure'],
  ),
  (text: string, type: string) => {
    currentRun().state.replyBody = { text: toBytes(text), type: toBytes(type) }
    return 1
  },
)
