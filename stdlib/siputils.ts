// Owns module siputils: tests on method, tags, addresses and URIs.
import { readUri, SipRequest } from '../src/sip/index.ts'
import { ANY_ROUTE, define } from './define.ts'
import { currentRun, opNow } from './runtime.ts'

const MODULE = 'siputils'

export const isMethod = define(
  {
    name: 'isMethod',
    kamailio: 'is_method',
    module: 'textops',
    parameters: [{ name: 'methods', kind: 'string', constant: true }],
    routes: ANY_ROUTE,
    doc: 'True if the method of the request, or of the CSeq of the reply, is one of those, separated by |.',
    example: 'is_method("INVITE|SUBSCRIBE")',
  },
  (methods: string) => {
    const { message } = currentRun()
    const method = message instanceof SipRequest ? message.method : message.cseqMethod
    return listed(methods, method) ? 1 : -1
  },
)

/** Lists as a program writes them, taken apart: upper case, without blanks. */
const lists = new Map<string, readonly string[]>()
const MOST_LISTS = 1000

function wordsOf(list: string): readonly string[] {
  let words = lists.get(list)
  if (words === undefined) {
    words = list.split('|').map((word) => word.trim().toUpperCase())
    if (lists.size < MOST_LISTS) lists.set(list, words)
  }
  return words
}

/** Is `word` one of the words that `|` separates? As in 5.6.3 without regard to case, though methods mind it (RFC 3261 7.1). */
function listed(list: string, word: string): boolean {
  if (list === word) return true
  const words = wordsOf(list)
  return words.includes(word) || (LOWER_CASE.test(word) && words.includes(word.toUpperCase()))
}

/** Hardly ever in a method. */
const LOWER_CASE = /[a-z]/

export const hasTotag = define(
  {
    name: 'hasTotag',
    kamailio: 'has_totag',
    module: MODULE,
    parameters: [],
    routes: ANY_ROUTE,
    doc: 'True if To has a tag: the message belongs to a dialog.',
    example: 'has_totag()',
  },
  () => (currentRun().message.toTag === '' ? -1 : 1),
)

/** Is host and port one of ours? Port 0 means any. */
export function isOwnAddress(host: string, port: number, proto = ''): boolean {
  return opNow('local', { host, port, proto }) === 1
}

/** Is it a URI of one of our addresses or aliases? Without a port, that of the listener the message came in on counts too. */
export function isOwnUri(text: string): boolean {
  const uri = readUri(text)
  if (uri === undefined) return false
  const transport = uri.params.get('transport') ?? ''
  if (isOwnAddress(uri.host, uri.port ?? 0, transport)) return true
  return uri.port === undefined && isOwnAddress(uri.host, currentRun().meta.listener.port, transport)
}

export const isMyself = define(
  {
    name: 'isMyself',
    kamailio: 'is_myself',
    module: 'kex',
    parameters: [{ name: 'uri', kind: 'string' }],
    routes: ANY_ROUTE,
    doc: 'True if the host and port of the URI are ours: a listener, its advertised address, or an alias.',
    example: 'is_myself("$ru")',
  },
  (uri: string) => (isOwnUri(uri.includes(':') ? uri : `sip:${uri}`) ? 1 : -1),
)

export const isRequest = define(
  {
    name: 'isRequest',
    kamailio: 'is_request',
    module: MODULE,
    parameters: [],
    routes: ANY_ROUTE,
    doc: 'True if the message is a request.',
    example: 'is_request()',
  },
  () => (currentRun().message instanceof SipRequest ? 1 : -1),
)

export const isReply = define(
  {
    name: 'isReply',
    kamailio: 'is_reply',
    module: MODULE,
    parameters: [],
    routes: ANY_ROUTE,
    doc: 'True if the message is a reply.',
    example: 'is_reply()',
  },
  () => (currentRun().message instanceof SipRequest ? -1 : 1),
)
