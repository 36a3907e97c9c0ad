// Owns module textops, its searching and replacing in the message as it was received.
import { userPart } from '../src/sip/index.ts'
import { define } from './define.ts'
import { edit, findLast } from './message-edits.ts'
import { posixRegex } from './regex.ts'
import { changeUser, rewriteUri, setRequestUri } from './request-uri.ts'
import { currentRun } from './runtime.ts'
import { findReplacements, parseSubstitution, substitute } from './substitution.ts'
import { toBytes } from './text.ts'
import { expression, header, regex, textops } from './textops-declaration.ts'

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
    ['request', 'reply', 'failure', 'branch'],
  ),
  (text: string) => {
    const { target } = currentRun()
    const changed = target && substitute(parseSubstitution(toBytes(text)), target.uri)
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
    ['request', 'reply', 'failure', 'branch'],
  ),
  (text: string) => {
    const uri = currentRun().target?.parsed
    const changed = uri && substitute(parseSubstitution(toBytes(text)), userPart(uri) ?? '')
    return changed === undefined ? -1 : rewriteUri((seams) => changeUser(seams, () => changed))
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

const WORDS = [
  { name: 'what', kind: 'string' },
  { name: 'with', kind: 'string' },
  { name: 'mode', kind: 'string' },
] as const

/** Replaces plain text between two offsets: mode f the first, l the last, a all; i without regard to case. */
function replaceText(what: string, text: string, mode: string, from: number, to: number): number {
  const wanted = toBytes(what)
  if (wanted === '') return -1
  const fold = (value: string) => (mode.includes('i') ? value.toLowerCase() : value)
  const span = fold(currentRun().raw.slice(from, to))
  const places: number[] = []
  for (let at = span.indexOf(fold(wanted)); at >= 0; at = span.indexOf(fold(wanted), at + wanted.length))
    places.push(at)
  const chosen = mode.startsWith('a') ? places : mode.startsWith('l') ? places.slice(-1) : places.slice(0, 1)
  for (const at of chosen.slice(0, 1000)) edit(from + at, wanted.length, toBytes(text))
  return chosen.length > 0 ? 1 : -1
}

export const replaceStr = define(
  textops(
    'replaceStr',
    'replace_str',
    [...WORDS],
    'Replaces plain text in headers and body: mode f the first, l the last, a all; with i without regard to case.',
    'replace_str("old", "new", "a");',
  ),
  (what: string, text: string, mode: string) => {
    replaceText(what, text, mode, currentRun().message.firstLineEnd, currentRun().raw.length)
    // 5.6.3 says of this one no more than that it has looked.
    return 1
  },
)

export const replaceHdrsStr = define(
  textops(
    'replaceHdrsStr',
    'replace_hdrs_str',
    [...WORDS],
    'As replace_str, in the headers only.',
    'replace_hdrs_str("old", "new", "a");',
  ),
  (what: string, text: string, mode: string) =>
    replaceText(what, text, mode, currentRun().message.firstLineEnd, currentRun().message.bodyStart),
)

export const replaceBodyStr = define(
  textops(
    'replaceBodyStr',
    'replace_body_str',
    [...WORDS],
    'As replace_str, in the body only.',
    'replace_body_str("old", "new", "a");',
  ),
  (what: string, text: string, mode: string) =>
    replaceText(what, text, mode, currentRun().message.bodyStart, currentRun().raw.length),
)

export const replaceHdrs = define(
  textops(
    'replaceHdrs',
    'replace_hdrs',
    [regex, { name: 'text', kind: 'string' }],
    'Replaces the first match of the expression in the headers.',
    'replace_hdrs("User-Agent: .*", "User-Agent: mine");',
  ),
  (pattern: string, text: string) => {
    const { message } = currentRun()
    const match = matchSpan(pattern, message.firstLineEnd, message.bodyStart)
    if (match === undefined) return -1
    edit(match[0], match[1] - match[0], toBytes(text))
    return 1
  },
)

export const replaceBodyAtonce = define(
  textops(
    'replaceBodyAtonce',
    'replace_body_atonce',
    [regex, { name: 'text', kind: 'string' }],
    'As replace_body_all, the expression matching the body as one text rather than line by line.',
    'replace_body_atonce("^.*$", "");',
  ),
  (pattern: string, text: string) => {
    const { message, raw } = currentRun()
    const match = posixRegex(toBytes(pattern), { ignoreCase: true }).exec(raw.slice(message.bodyStart))
    if (match === undefined) return -1
    edit(message.bodyStart + match[0]!, match[1]! - match[0]!, toBytes(text))
    return 1
  },
)

export const searchAppendBody = define(
  textops(
    'searchAppendBody',
    'search_append_body',
    [regex, { name: 'text', kind: 'string' }],
    'Puts text behind the first match of the expression in the body.',
    'search_append_body("a=rtpmap:0 .*", "\\r\\na=ptime:20");',
  ),
  (pattern: string, text: string) => {
    const { message, raw } = currentRun()
    const match = matchSpan(pattern, message.bodyStart, raw.length)
    if (match === undefined) return -1
    edit(match[1], 0, toBytes(text))
    return 1
  },
)

export const searchStr = define(
  textops(
    'searchStr',
    'search_str',
    [{ name: 'text', kind: 'string' }, regex],
    'True if the expression matches in the text, without regard to case.',
    'search_str("$ua", "phone")',
  ),
  (text: string, pattern: string) => (posixRegex(pattern, { ignoreCase: true }).test(text) ? 1 : -1),
)
