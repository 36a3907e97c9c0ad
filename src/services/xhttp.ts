// Owns the service of module xhttp: HTTP requests on SIP ports, handed to event_route[xhttp:request].
import type { SipRequest } from '../sip/index.ts'
import type { Flow } from '../transport/index.ts'
import { fieldsOf, Parameters, textOf, wholeOf } from './parameters.ts'
import type { Service, ServiceHost, ServiceRun } from './service.ts'

interface Exchange {
  readonly request: SipRequest
  readonly flow: Flow
  answered: boolean
}

const REASONS: Readonly<Record<number, string>> = { 200: 'OK', 404: 'Not Found', 500: 'Internal Server Error' }

export interface HttpAnswer {
  readonly status: number
  readonly reason: string
  /** Whole lines. */
  readonly headers?: string
  readonly type?: string
  readonly body?: string
}

/** Also the way in which other services answer an HTTP request. */
export interface HttpReplies {
  /** False: the run is no HTTP request, or it has its answer. */
  answer(run: ServiceRun, answer: HttpAnswer): boolean
  /** False: the run is no HTTP request, or it has its answer. */
  reply(run: ServiceRun, status: number, reason: string, type: string, body: string): boolean
}

export function createXhttp(host: ServiceHost): { service: Service; replies: HttpReplies } {
  let parameters = new Parameters([])

  function answer(exchange: Exchange, { status, reason, headers = '', type = '', body = '' }: HttpAnswer): void {
    exchange.answered = true
    const clean = (text: string) => text.replace(/[\r\n]+/g, ' ')
    const lines = [
      `HTTP/1.1 ${status} ${clean(reason) || REASONS[status] || 'OK'}`,
      ...(body === '' && type === '' ? [] : [`Content-Type: ${clean(type) || 'text/plain'}`]),
      // RFC 9110 8.6: none in an answer that changes the protocol.
      ...(status < 200 ? [] : [`Content-Length: ${body.length}`]),
      'Server: signalbox',
    ]
    host.respond(
      exchange.flow,
      exchange.request,
      `${lines.join('\r\n')}\r\n${headers}\r\n${exchange.request.method === 'HEAD' ? '' : body}`,
    )
  }

  const replies: HttpReplies = {
    answer(run, given) {
      const exchange = run.event instanceof HttpEvent ? run.event.exchange : undefined
      if (exchange === undefined || exchange.answered || given.status < 100 || given.status > 599) return false
      answer(exchange, given)
      return true
    },
    reply: (run, status, reason, type, body) => replies.answer(run, { status, reason, type, body }),
  }

  const service: Service = {
    module: 'xhttp',
    operations: {
      reply(run, args) {
        const { status, reason, type, body } = fieldsOf(args)
        return replies.reply(run, wholeOf(status), textOf(reason), textOf(type), textOf(body, 1_048_576)) ? 1 : -1
      },
    },
    configure(given) {
      parameters = new Parameters(given)
    },
    httpRequest(request, flow) {
      const exchange: Exchange = { request, flow, answered: false }
      const skipped = parameters.text('url_skip')
      if (!host.hasEvent('xhttp:request') || (skipped !== '' && request.requestUri.startsWith(skipped))) {
        answer(exchange, { status: 404, reason: 'Not Found' })
        return
      }
      void host.event({ name: 'xhttp:request', message: request, flow, data: new HttpEvent(exchange) }).then(() => {
        if (!exchange.answered) answer(exchange, { status: 500, reason: 'No Answer' })
      })
    },
  }
  return { service, replies }
}

class HttpEvent {
  readonly exchange: Exchange

  constructor(exchange: Exchange) {
    this.exchange = exchange
  }
}
