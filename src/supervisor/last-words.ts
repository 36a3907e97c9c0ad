// Owns the answer to the message on which a worker died: the supervisor gives it, since nobody else will.
import { randomBytes } from 'node:crypto'
import { buildReply, parseMessage, SipRequest, UNBOUNDED_PARSE_LIMITS } from '../sip/index.ts'
import type { RunReading } from './slot-memory.ts'

/** A datagram to send from one of our sockets, or a message for one of our connections. */
export interface LastWords {
  readonly wire: string
  readonly address: string
  readonly port: number
  /** The connection; undefined for UDP. */
  readonly flow: number | undefined
}

/** The 500 for the request in the slot; undefined when it was no request, or does not parse any more. */
export function lastWords(run: RunReading): LastWords | undefined {
  if (!run.isRequest) return undefined
  const parsed = parseMessage(run.message, UNBOUNDED_PARSE_LIMITS)
  if (!parsed.ok || !(parsed.message instanceof SipRequest)) return undefined
  const via = parsed.message.topVia
  if (!via) return undefined
  // RFC 3581 4, RFC 3261 18.2.2
  const rport = via.params.has('rport')
  const wire = buildReply(parsed.message, 500, 'Server Internal Error', {
    toTag: randomBytes(6).toString('hex'),
    received: { address: run.remoteAddress, port: run.remotePort, rport },
  })
  return {
    wire,
    address: run.remoteAddress,
    port: rport ? run.remotePort : (via.port ?? 5060),
    flow: run.transport === 'udp' ? undefined : run.flow,
  }
}
