// Owns the services of modules http_client and http_async_client: HTTP requests of scripts, bounded in time and size.
import type { RequestContext } from '../proxy/index.ts'
import { fieldsOf, Parameters, textOf } from './parameters.ts'
import type { Service, ServiceHost } from './service.ts'

export interface HttpAnswer {
  /** 0: no answer; `error` says why. */
  readonly status: number
  readonly reason: string
  readonly body: string
  readonly type: string
  /** Whole header lines. */
  readonly headers: string
  readonly error: string
  /** Milliseconds. */
  readonly time: number
}

export interface HttpCall {
  readonly url: string
  readonly method: string
  readonly body: string
  readonly headers: readonly [name: string, value: string][]
  readonly milliseconds: number
  readonly mostBytes: number
  readonly redirects: 'follow' | 'manual'
}

const latin1 = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')

/** Carries out one call. Never rejects. */
export async function callHttp(call: HttpCall): Promise<HttpAnswer> {
  const began = Date.now()
  const nothing = { status: 0, reason: '', body: '', type: '', headers: '' }
  try {
    const withBody = call.body !== '' && call.method !== 'GET' && call.method !== 'HEAD'
    const response = await fetch(call.url, {
      method: call.method,
      headers: call.headers.map(([name, value]): [string, string] => [name, value]),
      redirect: call.redirects,
      signal: AbortSignal.timeout(call.milliseconds),
      ...(withBody ? { body: Buffer.from(call.body, 'latin1') } : {}),
    })
    const parts: Uint8Array[] = []
    let size = 0
    for await (const part of response.body ?? []) {
      size += part.length
      if (size > call.mostBytes) return { ...nothing, error: 'the answer is too long', time: Date.now() - began }
      parts.push(part)
    }
    let headers = ''
    for (const [name, value] of response.headers) headers += `${name}: ${value}\r\n`
    return {
      status: response.status,
      reason: response.statusText,
      body: latin1(Buffer.concat(parts)),
      type: response.headers.get('content-type') ?? '',
      headers,
      error: '',
      time: Date.now() - began,
    }
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : undefined
    const reason =
      error instanceof Error
        ? error.name === 'TimeoutError'
          ? 'the call took too long'
          : (cause ?? error.message)
        : String(error)
    return { ...nothing, error: reason, time: Date.now() - began }
  }
}

/** Header lines of a script: `Name: value` with line breaks between. */
export function headerPairs(lines: string): [string, string][] {
  return lines.split(/\r?\n/).flatMap((line) => {
    const [, name, value = ''] = /^([!#$%&'*+.^_`|~\w-]+)\s*:\s*(.*)$/.exec(line) ?? []
    return name === undefined ? [] : [[name, value.trim()] as [string, string]]
  })
}

interface Connection {
  readonly url: string
  readonly headers: readonly [string, string][]
  readonly milliseconds: number
  readonly failover: string
}

/** `name=>scheme://[user:password@]host/path;timeout=3;...` */
function connectionOf(text: string, otherwise: number): [name: string, connection: Connection] | undefined {
  const [, name, rest = ''] = /^\s*([\w-]+)\s*=>\s*(.+)$/s.exec(text) ?? []
  if (name === undefined) return undefined
  const [address = '', ...options] = rest.split(';')
  const [, scheme, credentials, where] = /^(https?:\/\/)(?:([^@/]*)@)?(.*)$/.exec(address.trim()) ?? []
  if (scheme === undefined) return undefined
  const values = new Map(options.map((each) => each.split('=', 2).map((part) => part.trim()) as [string, string]))
  const headers: [string, string][] = credentials
    ? [['Authorization', `Basic ${Buffer.from(credentials).toString('base64')}`]]
    : []
  const seconds = Number(values.get('timeout') ?? otherwise)
  return [
    name,
    { url: `${scheme}${where}`, headers, milliseconds: seconds * 1000, failover: values.get('failover') ?? '' },
  ]
}

const MOST_BYTES = 1_048_576

export function createHttpClient(): Service {
  let parameters = new Parameters([])
  const connections = new Map<string, Connection>()
  const settings = () => ({
    milliseconds: Math.max(1, parameters.number('connection_timeout', 4)) * 1000,
    mostBytes: parameters.number('maxdatasize', 0) || MOST_BYTES,
    redirects: parameters.on('httpredirect', 1) ? ('follow' as const) : ('manual' as const),
  })
  const agent = (): [string, string] => ['User-Agent', parameters.text('useragent', 'signalbox')]
  return {
    module: 'http_client',
    operations: {
      query(_run, args) {
        const { url, body, headers, method } = fieldsOf(args)
        const content = textOf(body, MOST_BYTES)
        const lines = headerPairs(textOf(headers))
        const post = content !== '' && !lines.some(([name]) => name.toLowerCase() === 'content-type')
        return callHttp({
          ...settings(),
          url: textOf(url, 8192),
          method: textOf(method, 16) || (content === '' ? 'GET' : 'POST'),
          body: content,
          headers: [
            agent(),
            ...(post ? [['Content-Type', 'application/x-www-form-urlencoded'] as [string, string]] : []),
            ...lines,
          ],
        })
      },
      async connect(_run, args) {
        const { connection, path, type, body } = fieldsOf(args)
        let name = textOf(connection)
        let answer: HttpAnswer | undefined
        for (let tries = 0; tries < 3 && name !== ''; tries++) {
          const found = connections.get(name)
          if (found === undefined) break
          const content = textOf(body, MOST_BYTES)
          answer = await callHttp({
            ...settings(),
            milliseconds: found.milliseconds,
            url: `${found.url}${textOf(path)}`,
            method: content === '' ? 'GET' : 'POST',
            body: content,
            headers: [
              agent(),
              ...found.headers,
              ...(content === '' ? [] : [['Content-Type', textOf(type) || 'text/plain'] as [string, string]]),
            ],
          })
          if (answer.status !== 0 && answer.status < 500) break
          name = found.failover
        }
        return answer ?? null
      },
    },
    commands: {
      'httpclient.listcon': () =>
        [...connections].map(([name, { url, milliseconds }]) => ({ name, url, timeout: milliseconds / 1000 })),
    },
    configure(given) {
      parameters = new Parameters(given)
      connections.clear()
      for (const value of parameters.all('httpcon')) {
        const read = connectionOf(`${value}`, parameters.number('connection_timeout', 4))
        if (read !== undefined) connections.set(...read)
      }
    },
  }
}

const MOST_KEPT = 10_000

/** The request goes on in a route of its own when the answer has come; the answer is kept for it until it is over. */
export function createHttpAsyncClient(host: ServiceHost): Service {
  let parameters = new Parameters([])
  const answers = new Map<RequestContext, HttpAnswer & { readonly id: string }>()
  return {
    module: 'http_async_client',
    operations: {
      /** Answers the id of the question, which its answer has too. */
      query(run, args) {
        const id = host.ids.callId()
        const { url, route, method, body, headers, timeout, suspended } = fieldsOf(args)
        const { context } = run
        const content = textOf(body, MOST_BYTES)
        void callHttp({
          url: textOf(url, 8192),
          method: textOf(method, 16) || (content === '' ? 'GET' : 'POST'),
          body: content,
          headers: headerPairs(textOf(headers)),
          milliseconds: Number(timeout) || parameters.number('timeout', 500),
          mostBytes: MOST_BYTES,
          redirects: parameters.on('follow_redirect') ? 'follow' : 'manual',
        }).then(async (received) => {
          const answer = { ...received, id }
          if (context === undefined || suspended !== 1) {
            await host.event({
              name: 'http_async_client',
              route: textOf(route),
              message: run.message,
              flow: run.flow,
              data: answer,
            })
            return
          }
          if (answers.size < MOST_KEPT) answers.set(context, answer)
          await host.continue(context, textOf(route))
        })
        return id
      },
      answer: (run) =>
        run.context === undefined
          ? ((run.event as HttpAnswer | undefined) ?? null)
          : (answers.get(run.context) ?? null),
    },
    configure(given) {
      parameters = new Parameters(given)
    },
    requestEnded(context) {
      if (answers.size > 0) answers.delete(context)
    },
  }
}
