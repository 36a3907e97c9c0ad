// Owns module uac_redirect: the contacts of a redirection as branches of the request.
import { parseMessage, parseUri, UNBOUNDED_PARSE_LIMITS } from '../src/sip/index.ts'
import { declarations, optional, text } from './declaration.ts'
import { define } from './define.ts'
import { posixRegex, RegexError } from './regex.ts'
import { currentRun } from './runtime.ts'
import { textParameter } from './settings.ts'
import type { TransactionState } from './transaction-state.ts'

const redirect = declarations('uac_redirect', ['failure'])

interface Filters {
  accept: string[]
  deny: string[]
}
const added = new WeakMap<TransactionState, Filters>()
const MOST_FILTERS = 6
const defaultFilter = textParameter('uac_redirect', 'default_filter', 'accept')
const acceptFilter = textParameter('uac_redirect', 'accept_filter')
const denyFilter = textParameter('uac_redirect', 'deny_filter')

function filters(): Filters {
  const { state } = currentRun()
  let own = added.get(state)
  if (own === undefined) {
    own = { accept: acceptFilter() === '' ? [] : [acceptFilter()], deny: denyFilter() === '' ? [] : [denyFilter()] }
    added.set(state, own)
  }
  return own
}

function setFilter(kind: 'accept' | 'deny', filter: string, flags: string): number {
  const own = filters()
  const fallback = kind === 'accept' ? acceptFilter() : denyFilter()
  if (flags === 'reset_all') own[kind] = []
  else if (flags === 'reset_default') own[kind] = own[kind].filter((each) => each !== fallback)
  else if (flags === 'reset_added') own[kind] = own[kind].filter((each) => each === fallback)
  if (own[kind].length >= MOST_FILTERS) return -1
  own[kind].push(filter)
  return 1
}

export const setAcceptFilter = define(
  redirect(
    'set_accept_filter',
    [text('regex'), text('flags')],
    'A filter of contacts to accept, for this request; reset_all, reset_default and reset_added forget others.',
    'set_accept_filter(".*@example.com", "reset_all");',
  ),
  (filter: string, flags: string) => setFilter('accept', filter, flags),
)

export const setDenyFilter = define(
  redirect(
    'set_deny_filter',
    [text('regex'), text('flags')],
    'A filter of contacts to refuse, for this request.',
    'set_deny_filter(".*@example.net", "");',
  ),
  (filter: string, flags: string) => setFilter('deny', filter, flags),
)

function accepted(uri: string): boolean {
  const { accept, deny } = filters()
  const matches = (pattern: string) => {
    try {
      return posixRegex(pattern, { ignoreCase: true }).test(uri)
    } catch (error) {
      if (error instanceof RegexError) return false
      throw error
    }
  }
  if (deny.some(matches)) return false
  if (accept.some(matches)) return true
  return defaultFilter() === 'accept'
}

function contactsOf(reply: string): { uri: string; q: number }[] {
  const parsed = parseMessage(reply, UNBOUNDED_PARSE_LIMITS)
  if (!parsed.ok) return []
  return parsed.message
    .nameAddrs('Contact')
    .filter(({ uri }) => parseUri(uri) !== undefined)
    .map(({ uri, params }) => ({ uri, q: Number(/^[\d.]+/.exec(params.get('q') ?? '')?.[0] ?? 1) }))
    .sort((a, b) => b.q - a.q)
}

export const getRedirects = define(
  redirect(
    'get_redirects',
    [text('max'), optional(text('reason'))],
    'Makes branches of the contacts of a 3xx: at most `total:branch` of them, `*` all. True if there was one.',
    'if (get_redirects("3:1")) { t_relay(); }',
  ),
  (max: string, _reason?: string) => {
    const { state, meta } = currentRun()
    const { reply, status = 0 } = meta
    if (reply === undefined || status < 300 || status > 399) return -1
    const most = (text: string | undefined) =>
      text === undefined || text === '*' || Number(text) === 0 ? Number.POSITIVE_INFINITY : Number(text)
    const [total, branch] = max.split(':')
    let left = Math.min(most(total), most(branch ?? total))
    for (const { uri, q } of contactsOf(reply)) {
      if (left <= 0) break
      if (!accepted(uri)) continue
      const target = state.target.copy()
      target.uri = uri
      target.nextHop = ''
      target.q = q
      state.branches.push(target)
      left--
    }
    return state.branches.length > 0 ? 1 : -1
  },
)
