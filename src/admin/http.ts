// Owns the administrative HTTP server: /metrics for Prometheus and /healthz, on loopback unless told otherwise.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SignalboxError } from '../errors.ts'
import type { Log } from '../log.ts'

/** What the server shows; asked anew for each request. */
export interface AdminSource {
  /** Text in Prometheus' exposition format. */
  metrics(): Promise<string>
  /** `ok` false answers 503; `detail` is shown as JSON. */
  health(): { ok: boolean; detail: Record<string, unknown> }
}

export interface AdminServer {
  /** Address it is bound to, with the port that port 0 became. */
  readonly address: string
  readonly port: number
  close(): Promise<void>
}

const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/**
 * Starts the server at `listen`: `127.0.0.1:9100`, `9100` (loopback) or `[::1]:9100`.
 * Rejects with ERR_USAGE for a wrong address and ERR_LISTEN where it cannot be bound.
 */
export async function startAdminServer(listen: string, source: AdminSource, log: Log): Promise<AdminServer> {
  const { host, port } = parseAdminAddress(listen)
  const server = createServer((request, response) => {
    void answer(request.method ?? '', request.url ?? '', source).then(
      ({ status, type, body }) => {
        response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' })
        response.end(request.method === 'HEAD' ? undefined : body)
      },
      (error: unknown) => {
        log.error({ err: error }, 'an administrative request failed')
        response.writeHead(500, { 'content-type': 'text/plain' })
        response.end('internal error\n')
      },
    )
  })
  // A slow or idle client holds nothing for long.
  server.requestTimeout = 5_000
  server.headersTimeout = 5_000
  server.keepAliveTimeout = 5_000
  server.maxConnections = 64
  await listening(server, host, port, listen)
  const bound = server.address() as AddressInfo
  return {
    address: bound.address,
    port: bound.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

interface Answer {
  readonly status: number
  readonly type: string
  readonly body: string
}

async function answer(method: string, url: string, source: AdminSource): Promise<Answer> {
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, type: 'text/plain', body: 'only GET\n' }
  switch (url.split('?')[0]) {
    case '/metrics':
      return { status: 200, type: METRICS_TYPE, body: await source.metrics() }
    case '/healthz': {
      const { ok, detail } = source.health()
      return { status: ok ? 200 : 503, type: 'application/json', body: `${JSON.stringify({ ok, ...detail })}\n` }
    }
    default:
      return { status: 404, type: 'text/plain', body: 'known: /metrics /healthz\n' }
  }
}

/** Host and port of `--metrics`; a bare port means loopback. Throws ERR_USAGE. */
export function parseAdminAddress(text: string): { host: string; port: number } {
  const match = /^(?:(\[[0-9a-fA-F:.]+\]|[^:\s]+):)?(\d{1,5})$/.exec(text)
  const port = Number(match?.[2])
  if (!match || port > 65_535)
    throw new SignalboxError('ERR_USAGE', `--metrics ${text}: write ADDRESS:PORT or PORT, for example 127.0.0.1:9090`)
  return { host: match[1]?.replace(/^\[|\]$/g, '') ?? '127.0.0.1', port }
}

function listening(server: Server, host: string, port: number, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'the port is in use' : error.message
      reject(new SignalboxError('ERR_LISTEN', `cannot serve metrics on ${text}: ${why}`, { cause: error }))
    })
    server.listen(port, host, resolve)
  })
}
