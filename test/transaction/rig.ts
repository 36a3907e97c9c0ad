// Owns the bench of the transaction tests: a layer on the memory network with a manual clock, and a far end.

import { ManualClock } from '../../src/clock.ts'
import { type LogFields, silentLog } from '../../src/log.ts'
import { buildReply, parseMessage, type SipReply, SipRequest } from '../../src/sip/index.ts'
import {
  type ClientUser,
  type ServerEntry,
  type ServerTransaction,
  TransactionLayer,
  type TransactionLimits,
  type TransactionTimes,
} from '../../src/transaction/index.ts'
import {
  createMemoryNetwork,
  type Flow,
  type Hop,
  type MemoryEndpoint,
  type Transport,
} from '../../src/transport/index.ts'

export const HERE = '10.0.0.5'
export const THERE = '10.0.0.6'

export interface LayerRig {
  clock: ManualClock
  layer: TransactionLayer
  network: ReturnType<typeof createMemoryNetwork>
  far: MemoryEndpoint
  hop: Hop
  /** What the layer told its user. */
  told: string[]
  servers: ServerTransaction[]
  /** Answers that one of them, by the message that it was made of. */
  respond(status: number, which?: number): boolean
  /** Makes a server transaction of each request when set. */
  serve: 'yes' | 'no'
  flow: Flow | undefined
  match: ServerEntry | undefined
  send(wire: string): Promise<void>
  advance(milliseconds: number): Promise<void>
  settle(): Promise<void>
}

export async function createLayerRig(
  transport: Transport,
  options: { timers?: Partial<TransactionTimes>; limits?: Partial<TransactionLimits> } = {},
): Promise<LayerRig> {
  const clock = new ManualClock()
  const network = createMemoryNetwork(clock)
  const sockets = network.transport({ listen: [`${transport}:${HERE}:5060`], limits: { idleMillis: 0 } })
  const layer = new TransactionLayer({ clock, transport: sockets, log: silentLog, ...options })
  const far = network.endpoint(transport, THERE, 5060)
  const told: string[] = []
  const served: SipRequest[] = []
  const rig: LayerRig = {
    clock,
    layer,
    network,
    far,
    hop: { transport, address: THERE, port: 5060 },
    told,
    servers: [],
    respond(status, which = rig.servers.length - 1) {
      const wire = buildReply(served[which]!, status, '', status > 100 ? { toTag: 'b' } : {})
      return rig.servers[which]!.respond(wire, status)
    },
    serve: 'yes',
    flow: undefined,
    match: undefined,
    async send(wire) {
      far.send(wire, { address: HERE, port: 5060 })
      await network.settle()
    },
    async advance(milliseconds) {
      // Steps small enough that each timer's message arrives before the next timer.
      for (let left = milliseconds; left > 0; left -= 100) {
        clock.advance(Math.min(100, left))
        await network.settle()
      }
    },
    settle: () => network.settle(),
  }
  layer.user = {
    onRequest(request, flow) {
      told.push(request.method)
      rig.flow = flow
      if (rig.serve === 'no') return
      const made = layer.createServer(request, flow, { onServerTerminated: () => told.push('terminated') })
      if (made === undefined) return
      rig.servers.push(made)
      served.push(request)
    },
    onAck(_ack, _flow, match, absorbed) {
      told.push(`ACK ${absorbed ? 'absorbed' : match ? 'matched' : 'unmatched'}`)
    },
    onCancel(_cancel, _flow, match) {
      told.push(`CANCEL ${match ? 'matched' : 'unmatched'}`)
      rig.match = match
    },
    onStrayReply(reply) {
      told.push(`stray ${reply.status}`)
    },
  }
  await sockets.start(layer)
  return rig
}

/** A client user that writes down what it hears. */
export function clientUser(told: string[]): ClientUser {
  return {
    onReply: (reply) => told.push(String(reply.status)),
    onTimeout: () => told.push('timeout'),
    onTimerC: () => told.push('timer C'),
    onTransportError: () => told.push('transport error'),
    onReleased: () => told.push('released'),
  }
}

export function message(
  method: string,
  o: { branch?: string; transport?: Transport; toTag?: string; cseq?: number; via?: string; sentBy?: string } = {},
): string {
  const via =
    o.via ??
    `Via: SIP/2.0/${(o.transport ?? 'udp').toUpperCase()} ${o.sentBy ?? `${THERE}:5060`};branch=${o.branch ?? 'z9hG4bK1'}`
  return [
    `${method} sip:bob@example.com SIP/2.0`,
    via,
    'Max-Forwards: 70',
    'From: <sip:alice@example.com>;tag=a',
    `To: <sip:bob@example.com>${o.toTag ? `;tag=${o.toTag}` : ''}`,
    'Call-ID: call-1',
    `CSeq: ${o.cseq ?? 1} ${method}`,
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n')
}

export function requestOf(wire: string): SipRequest {
  const parsed = parseMessage(wire)
  if (!parsed.ok || !(parsed.message instanceof SipRequest)) throw new Error('the test sends what is no request')
  return parsed.message
}

/** A reply of the far end to `wire`, which came from the layer. */
export function reply(wire: string, status: number, toTag = 'b'): string {
  return buildReply(requestOf(wire), status, '', status > 100 ? { toTag } : {})
}

/** First words of what the far end got. */
export function seen(far: MemoryEndpoint): string[] {
  return far.received.map(({ message: m, wire }) =>
    m === undefined ? wire.slice(0, 10) : 'method' in m ? (m as SipRequest).method : String((m as SipReply).status),
  )
}

export type { LogFields }
