// Owns modules http_client and http_async_client: HTTP requests of scripts.
import type { PvReference } from './contract.ts'
import { declarations, text, variable } from './declaration.ts'
import { define, defineWaiting } from './define.ts'
import { after, type Pending } from './pending.ts'
import { definePv, definePvClass, type PvValue } from './pv.ts'
import { currentRun, type Run } from './runtime.ts'
import { ask, askNow } from './service.ts'
import { made } from './text-bounds.ts'
import { tSuspend } from './tm-transactions.ts'

const client = declarations('http_client')
const asynchronous = declarations('http_async_client')

interface Answer {
  /** Of an answer to http_async_query. */
  readonly id?: string
  readonly status: number
  readonly reason: string
  readonly body: string
  readonly headers: string
  readonly type: string
  readonly error: string
  readonly time: number
}

let lastError = ''

/** Kamailio's code: the status of the answer, -1 where there was none. */
function taken(answer: Answer | Pending<Answer | null> | null, result: PvReference): number | Pending<number> {
  return after(answer, (given) => {
    lastError = given === null ? 'there is no connection of that name' : given.error
    if (given === null || given.status === 0) return -1
    result.set(given.body)
    return given.status
  })
}

export const httpClientQuery = defineWaiting(
  {
    ...client(
      'http_client_query',
      [text('url'), variable('result')],
      'Asks a URL, with GET, or with POST where there is a body; gives the status of the answer as its code.',
      'http_client_query("http://127.0.0.1/route?to=$rU", "$var(answer)");',
    ),
    overloads: [
      [text('url'), text('body'), variable('result')],
      [text('url'), text('body'), text('headers'), variable('result')],
    ],
  },
  (url: string, ...rest: (string | PvReference)[]) => {
    const result = rest.at(-1) as PvReference
    const [body = '', headers = ''] = rest.slice(0, -1) as string[]
    return taken(ask<Answer | null>('http_client', 'query', { url, body, headers }), result)
  },
)

export const httpGet = defineWaiting(
  client(
    'http_get',
    [text('url'), variable('result')],
    'Asks a URL with GET.',
    'http_get("http://127.0.0.1/", "$var(answer)");',
  ),
  (url: string, result: PvReference) =>
    taken(ask<Answer | null>('http_client', 'query', { url, method: 'GET' }), result),
)

export const httpPost = defineWaiting(
  client(
    'http_post',
    [text('url'), text('body'), variable('result')],
    'Sends a body to a URL with POST.',
    'http_post("http://127.0.0.1/", "a=1", "$var(answer)");',
  ),
  (url: string, body: string, result: PvReference) =>
    taken(ask<Answer | null>('http_client', 'query', { url, body, method: 'POST' }), result),
)

export const httpConnect = defineWaiting(
  {
    ...client(
      'http_connect',
      [text('connection'), text('path'), variable('result')],
      'As http_client_query, over a connection of modparam httpcon, with its failover.',
      'http_connect("api", "/route/$rU", "$var(answer)");',
    ),
    overloads: [[text('connection'), text('path'), text('type'), text('body'), variable('result')]],
  },
  (connection: string, path: string, ...rest: (string | PvReference)[]) => {
    const result = rest.at(-1) as PvReference
    const [type = '', body = ''] = rest.slice(0, -1) as string[]
    return taken(ask<Answer | null>('http_client', 'connect', { connection, path, type, body }), result)
  },
)

definePvClass(
  {
    name: 'curlerror',
    module: 'http_client',
    inner: { name: 'code' },
    doc: 'Why the last HTTP request had no answer.',
  },
  () => ({ get: () => lastError || null }),
)

/** What $http_req of the run says of its next request. */
const wishes = new WeakMap<Run, Map<string, PvValue>>()

definePvClass(
  {
    name: 'http_req',
    module: 'http_async_client',
    inner: {
      name: 'field',
      values: [
        'all',
        'hdr',
        'body',
        'method',
        'timeout',
        'suspend',
        'tls_client_cert',
        'tls_client_key',
        'tls_ca_path',
        'authmethod',
        'username',
        'password',
        'tcp_keepalive',
        'tcp_ka_idle',
        'tcp_ka_interval',
        'follow_redirect',
      ],
    },
    writable: true,
    doc: 'What http_async_query sends: hdr, body, method, timeout, suspend; `all` set to null forgets everything.',
  },
  (inner) => {
    const field = inner.text.trim()
    return {
      get: () => wishes.get(currentRun())?.get(field) ?? null,
      set(value) {
        const run = currentRun()
        let fields = wishes.get(run)
        if (fields === undefined) wishes.set(run, (fields = new Map()))
        if (field === 'all') fields.clear()
        else if (field === 'hdr') fields.set('hdr', made(`${fields.get('hdr') ?? ''}${value}\r\n`))
        else fields.set(field, value)
      },
    }
  },
)

/** The last question of each run. */
const questions = new WeakMap<Run, string>()

export const httpAsyncQuery = define(
  asynchronous(
    'http_async_query',
    [text('url'), { name: 'route', kind: 'route' }],
    'Asks a URL; the request goes on in route[name] when the answer has come. Followed by exit.',
    'http_async_query("http://127.0.0.1/?u=$rU", "ANSWERED"); exit;',
    ['request', 'event'],
  ),
  (url: string, route: string) => {
    const run = currentRun()
    const fields = wishes.get(run)
    const field = (name: string) => fields?.get(name) ?? ''
    const wanted = Number(fields?.get('suspend') ?? 1) !== 0
    const suspended = run.kind === 'request' && wanted && tSuspend() ? 1 : 0
    const id = askNow<string>('http_async_client', 'query', {
      url,
      route,
      suspended,
      body: field('body'),
      headers: field('hdr'),
      method: field('method'),
      timeout: Number(field('timeout')),
    })
    questions.set(run, id)
    return 1
  },
)

const answers = new WeakMap<Run, Answer | null>()

/** The answer that the run goes on with. */
function answer(): Answer | null {
  const run = currentRun()
  let found = answers.get(run)
  if (found === undefined) {
    found = askNow<Answer | null>('http_async_client', 'answer')
    answers.set(run, found)
  }
  return found
}

function defineAnswer(name: string, doc: string, read: (answer: Answer) => PvValue): void {
  definePv({ name, module: 'http_async_client', doc }, () => {
    const given = answer()
    return given === null ? null : read(given)
  })
}
defineAnswer('http_ok', '1 if the request of http_async_query was answered, 0 if not.', ({ status }) =>
  status === 0 ? 0 : 1,
)
defineAnswer('http_rs', 'The status of the answer.', ({ status }) => (status === 0 ? null : status))
defineAnswer('http_rr', 'The reason of the answer.', ({ reason }) => reason)
defineAnswer('http_rb', 'The body of the answer.', ({ body, status }) => (status === 0 ? null : body))
defineAnswer('http_bs', 'The length of the body of the answer.', ({ body }) => body.length)
defineAnswer('http_mb', 'The body of the answer.', ({ body }) => body)
defineAnswer('http_ml', 'The length of the answer.', ({ body }) => body.length)
defineAnswer('http_err', 'Why there was no answer.', ({ error }) => (error === '' ? null : error))

definePv(
  {
    name: 'http_req_id',
    module: 'http_async_client',
    doc: 'Names the question of http_async_query, after it and in the route that its answer runs.',
  },
  () => questions.get(currentRun()) ?? answer()?.id ?? null,
)

definePvClass(
  {
    name: 'http_hdr',
    module: 'http_async_client',
    inner: { name: 'name' },
    index: true,
    doc: 'A header of the answer.',
  },
  (inner) => ({
    get() {
      const wanted = `${inner.format().trim().toLowerCase()}:`
      const line = answer()
        ?.headers.split('\r\n')
        .find((each) => each.toLowerCase().startsWith(wanted))
      return line === undefined ? null : line.slice(wanted.length).trim()
    },
  }),
)
