// Owns the service of module websocket: handshakes of HTTP requests (RFC 6455 4, RFC 7118 4), the connections that they made, their end.
import { createHash } from 'node:crypto'
import type { SipMessage } from '../sip/index.ts'
import type { Flow } from '../transport/index.ts'
import { fieldsOf, Parameters, textOf, wholeOf } from './parameters.ts'
import { RpcFault } from './rpc-fault.ts'
import type { Service, ServiceHost, ServiceRun } from './service.ts'
import type { HttpReplies } from './xhttp.ts'

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
/** Sixteen bytes in base64. */
const KEY = /^[A-Za-z0-9+/]{22}==$/
const NORMAL_CLOSURE = 1000

/** `sub_protocols`: bits. */
const SIP = 1

const CORS_ANY = 1
const CORS_ORIGIN = 2

interface Refusal {
  readonly status: number
  readonly reason: string
  readonly headers?: string
}

const listed = (message: SipMessage, name: string): string[] =>
  message.headers(name).flatMap((value) => value.split(',').map((each) => each.trim().toLowerCase()))

/** What is wrong with a handshake (RFC 6455 4.2.1); undefined when nothing is. */
function refusalOf(message: SipMessage, protocols: number): Refusal | undefined {
  const bad = (reason: string): Refusal => ({ status: 400, reason })
  if (!message.raw.startsWith('GET ')) return { status: 405, reason: 'Method Not Allowed', headers: 'Allow: GET\r\n' }
  if (!listed(message, 'Upgrade').includes('websocket')) return bad('Bad Upgrade Header')
  if (!listed(message, 'Connection').includes('upgrade')) return bad('Bad Connection Header')
  if (!KEY.test(message.header('Sec-WebSocket-Key') ?? '')) return bad('Bad Sec-WebSocket-Key Header')
  if (message.header('Sec-WebSocket-Version')?.trim() !== '13')
    return { status: 426, reason: 'Upgrade Required', headers: 'Sec-WebSocket-Version: 13\r\n' }
  const sip = (protocols & SIP) !== 0 && listed(message, 'Sec-WebSocket-Protocol').includes('sip')
  return sip ? undefined : { ...bad('Bad Sec-WebSocket-Protocol Header'), headers: 'Sec-WebSocket-Protocol: sip\r\n' }
}

export function createWebsocket(host: ServiceHost, http: HttpReplies): Service {
  let parameters = new Parameters([])
  let enabled = true
  const open = new Map<number, Flow>()
  /** A route may take its time, and find that the client has left. */
  const gone = new WeakSet<Flow>()

  function origin(message: SipMessage): string {
    const mode = parameters.number('cors_mode')
    const given = message.header('Origin')
    if (mode === CORS_ANY) return 'Access-Control-Allow-Origin: *\r\n'
    return mode === CORS_ORIGIN && given !== undefined ? `Access-Control-Allow-Origin: ${given}\r\n` : ''
  }

  /** 1, or 0: it was refused, and the route ends. */
  function handshake(run: ServiceRun): number {
    const { message, flow } = run
    if (gone.has(flow)) return 0
    const refusal = enabled
      ? refusalOf(message, parameters.number('sub_protocols', SIP))
      : { status: 503, reason: 'Service Unavailable' }
    if (refusal !== undefined) {
      http.answer(run, { status: refusal.status, reason: refusal.reason, headers: refusal.headers ?? '' })
      return 0
    }
    const accept = createHash('sha1')
      .update(`${message.header('Sec-WebSocket-Key')}${GUID}`)
      .digest('base64')
    const headers = `Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: sip\r\n${origin(message)}`
    if (!http.answer(run, { status: 101, reason: 'Switching Protocols', headers })) return 0
    open.set(flow.id, flow)
    return 1
  }

  function close(flow: Flow | undefined, code: number, reason: string): boolean {
    // RFC 6455 7.4.2: what applications may send.
    if (flow === undefined || !(code === NORMAL_CLOSURE || (code >= 1001 && code <= 4999))) return false
    host.finish(flow, code, reason)
    return true
  }

  const isWeb = ({ transport }: Flow): boolean => transport === 'ws' || transport === 'wss'
  const numbered = (id: unknown): Flow => {
    const flow = open.get(wholeOf(id, -1))
    if (flow === undefined) throw new RpcFault(500, 'Cannot find connection ID')
    return flow
  }

  return {
    module: 'websocket',
    operations: {
      handshake,
      close(run, args) {
        const { code, reason, connection } = fieldsOf(args)
        const flow = connection === undefined ? run.flow : open.get(wholeOf(connection, -1))
        const found = flow !== undefined && isWeb(flow) ? flow : undefined
        return close(found, wholeOf(code, NORMAL_CLOSURE), textOf(reason, 123)) ? 1 : -1
      },
      /** The number of the run's connection; null where that is no WebSocket. */
      connection: (run) => (isWeb(run.flow) ? run.flow.id : null),
    },
    commands: {
      'ws.dump': () => ({
        connections: [...open.values()].map(({ id, transport, remoteAddress, remotePort, listener }) => ({
          id,
          src: `${transport}:${remoteAddress}:${remotePort}`,
          dst: `${transport}:${listener.address}:${listener.port}`,
          sub_protocol: 'sip',
        })),
        info: { wscounter: open.size, truncated: 'no' },
      }),
      'ws.close'([id]) {
        close(numbered(id), NORMAL_CLOSURE, '')
        return ''
      },
      'ws.enable': () => {
        enabled = true
        return ''
      },
      'ws.disable': () => {
        enabled = false
        return ''
      },
    },
    configure(given) {
      parameters = new Parameters(given)
    },
    flowClosed(flow) {
      gone.add(flow)
      if (open.delete(flow.id)) void host.event({ name: 'websocket:closed', flow })
    },
  }
}
