// Owns what becomes of input that is no message: counted, logged, and answered where it is enough of a request.
import { createHash, randomBytes } from 'node:crypto'
import type { Log } from '../log.ts'
import { buildReply, type ParseLimits, parseMessage, SipRequest } from '../sip/index.ts'
import type { Counters } from './counters.ts'
import { endpointText } from './ip-address.ts'
import type { FramingError } from './sockets.ts'
import type { Flow } from './types.ts'

/** Why a message was not taken, and the request as far as it could be read. */
export interface Refusal {
  readonly reason: string
  readonly status: number
  readonly drop: boolean
  readonly partial?: SipRequest
}

/** A reply to send over the flow that the request came by. */
export interface StatelessReply {
  readonly request: SipRequest
  readonly wire: string
}

export class BadRequests {
  readonly #counters: Counters
  readonly #log: Log
  readonly #tagSecret = randomBytes(16)

  constructor(counters: Counters, log: Log) {
    this.#counters = counters
    this.#log = log
  }

  /** The reply to what did not parse; undefined where there is nobody to answer. */
  refuse(refusal: Refusal, flow: Flow): StatelessReply | undefined {
    const { partial, status, reason, drop } = refusal
    const request = drop || partial?.method === 'ACK' ? undefined : partial
    this.#counters.countUnparsable(request ? String(status) : 'dropped')
    this.#log.debug(
      { source: endpointText(flow.remoteAddress, flow.remotePort), transport: flow.transport, status, reason },
      request ? 'bad request answered' : 'bad message dropped',
    )
    if (!request) return undefined
    const received = { address: flow.remoteAddress, port: flow.remotePort, rport: false }
    return { request, wire: buildReply(request, status, reason, { toTag: this.#statelessTag(request), received }) }
  }

  // RFC 3261 18.3: on a stream nothing after a framing error can be trusted; what came is answered if it is enough of a request.
  refuseFraming({ reason, status, head }: FramingError, flow: Flow, limits: ParseLimits): StatelessReply | undefined {
    this.#counters.received[flow.transport]++
    this.#counters.receivedBytes += head.length
    const result = parseMessage(head, limits)
    const request = result.ok ? result.message : result.partial
    if (request instanceof SipRequest) return this.refuse({ reason, status, drop: false, partial: request }, flow)
    return this.refuse({ reason, status, drop: true }, flow)
  }

  // RFC 3261 8.2.7: a stateless reply carries the same tag each time the request comes.
  #statelessTag(request: SipRequest): string {
    const seed = `${request.topVia?.branch ?? ''} ${request.callId} ${request.fromTag}`
    return createHash('sha256').update(this.#tagSecret).update(seed, 'latin1').digest('hex').slice(0, 16)
  }
}
