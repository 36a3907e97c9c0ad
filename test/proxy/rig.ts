// Owns the bench of the proxy's tests: a proxy on the memory network with a manual clock, far ends, and messages.

import { ManualClock } from '../../src/clock.ts'
import { type Log, silentLog } from '../../src/log.ts'
import {
  type BranchFailure,
  type BranchSpec,
  type CallSummary,
  type FailureContext,
  ProxyCore,
  type ProxyLimits,
  type ProxyOptions,
  type RelaySpec,
  type ReplyContext,
  type ReplyOutcome,
  type RequestContext,
  type RouteLanguage,
  type Router,
  type Sending,
} from '../../src/proxy/index.ts'
import {
  buildReply,
  type IdSource,
  type MessageEdit,
  type RecordRouteSpec,
  type SipMessage,
  type SipReply,
  type SipRequest,
} from '../../src/sip/index.ts'
import { TransactionLayer, type TransactionLimits, type TransactionTimes } from '../../src/transaction/index.ts'
import {
  createMemoryNetwork,
  type MemoryEndpoint,
  type MemoryReceived,
  type Transport,
  type TransportLayer,
} from '../../src/transport/index.ts'

export const PROXY = '10.0.0.5'
export const CALLER = '10.0.0.6'
export const CALLEE = '10.0.0.7'

/** Identifiers that count. */
export function countingIds(): IdSource {
  let n = 0
  return { branch: () => `b${++n}`, tag: () => `t${++n}`, callId: () => `c${++n}`, serves: () => true }
}

/** A router made of functions; what is left out does nothing. */
export class TestRouter implements Router {
  kind: RouteLanguage
  onRequest: (context: RequestContext) => void | Promise<void> = () => {}
  onReply: (context: ReplyContext) => ReplyOutcome | Promise<ReplyOutcome> = () => ({ drop: false, edits: [] })
  onFailure: (context: FailureContext, route: string) => void | Promise<void> = () => {}
  readonly requests: RequestContext[] = []
  readonly replies: ReplyContext[] = []
  readonly failures: {
    context: FailureContext
    route: string
    status: number
    canceled: boolean
    timedOut: boolean
  }[] = []
  readonly branchFailures: { failure: BranchFailure; route: string }[] = []
  readonly endings: RequestContext[] = []
  readonly calls: CallSummary[] = []

  constructor(kind: RouteLanguage) {
    this.kind = kind
  }

  language(): RouteLanguage {
    return this.kind
  }

  request(context: RequestContext): void | Promise<void> {
    this.requests.push(context)
    return this.onRequest(context)
  }

  reply(context: ReplyContext): ReplyOutcome | Promise<ReplyOutcome> {
    this.replies.push(context)
    return this.onReply(context)
  }

  failure(context: FailureContext, route: string): void | Promise<void> {
    const { status, canceled, timedOut } = context
    this.failures.push({ context, route, status, canceled, timedOut })
    return this.onFailure(context, route)
  }

  watchesSending(): boolean {
    return false
  }

  sending(_context: RequestContext, _sending: Sending): boolean {
    return true
  }

  branchFailure(_context: RequestContext, failure: BranchFailure, route: string): void {
    this.branchFailures.push({ failure, route })
  }

  ended(context: RequestContext): void {
    this.endings.push(context)
  }

  callEnded(call: CallSummary): void {
    this.calls.push(call)
  }
}

export interface RigOptions {
  language?: RouteLanguage
  listen?: string[]
  alias?: string[]
  hosts?: Record<string, string[]>
  timers?: Partial<TransactionTimes>
  limits?: Partial<TransactionLimits & ProxyLimits>
  options?: Partial<ProxyOptions>
  loss?: (packet: { wire: string }) => boolean
  log?: Log
}

export interface Rig {
  clock: ManualClock
  router: TestRouter
  core: ProxyCore
  transactions: TransactionLayer
  transport: TransportLayer
  network: ReturnType<typeof createMemoryNetwork>
  /** A far end; the same one for the same place. */
  end(address: string, transport?: Transport, port?: number): MemoryEndpoint
  /** Sends to the proxy and lets everything happen that needs no time. */
  send(from: MemoryEndpoint, wire: string, port?: number): Promise<void>
  /** Answers a message where it came from. */
  answer(at: MemoryEndpoint, to: MemoryReceived, wire: string): Promise<void>
  /** Moves time on in steps, letting messages arrive in between. */
  advance(milliseconds: number, step?: number): Promise<void>
  settle(): Promise<void>
}

export async function createRig(options: RigOptions = {}): Promise<Rig> {
  const { log = silentLog } = options
  const clock = new ManualClock()
  const network = createMemoryNetwork(clock)
  const transport = network.transport({
    listen: options.listen ?? [`udp:${PROXY}:5060`, `tcp:${PROXY}:5060`],
    alias: options.alias ?? [],
    hosts: options.hosts ?? {},
    limits: { idleMillis: 0 },
    dns: { naptr: async () => [], srv: async () => [], addresses: async () => [] },
  })
  const router = new TestRouter(options.language ?? 'ts')
  const transactions = new TransactionLayer({
    clock,
    transport,
    log,
    ...(options.timers && { timers: options.timers }),
    ...(options.limits && { limits: options.limits }),
  })
  const core = new ProxyCore({
    transactions,
    router,
    clock,
    ids: countingIds(),
    log,
    ...(options.limits && { limits: options.limits }),
    ...(options.options && { options: options.options }),
  })
  await transport.start(transactions)
  const ends = new Map<string, MemoryEndpoint>()
  const settle = () => network.settle()
  return {
    clock,
    router,
    core,
    transactions,
    transport,
    network,
    end(address, kind = 'udp', port = 5060) {
      const key = `${kind} ${address} ${port}`
      let endpoint = ends.get(key)
      if (!endpoint) {
        endpoint = network.endpoint(kind, address, port)
        ends.set(key, endpoint)
      }
      return endpoint
    },
    async send(from, wire, port = 5060) {
      from.send(wire, { address: PROXY, port })
      await settle()
    },
    async answer(at, to, wire) {
      at.answer(to, wire)
      await settle()
    },
    async advance(milliseconds, step = 500) {
      for (let left = milliseconds; left > 0; left -= step) {
        clock.advance(Math.min(step, left))
        await settle()
      }
    },
    settle,
  }
}

export interface RequestOptions {
  method?: string
  uri?: string
  callId?: string
  branch?: string
  fromTag?: string
  toTag?: string
  cseq?: number
  transport?: Transport
  sentBy?: string
  viaParams?: string
  headers?: string[]
  maxForwards?: number | null
  body?: string
  to?: string
  from?: string
}

/** A request as a caller sends it. */
export function request(o: RequestOptions = {}): string {
  const method = o.method ?? 'INVITE'
  const branch = o.branch ?? `z9hG4bK-${method}-${o.cseq ?? 1}`
  const body = o.body ?? ''
  const toTag = o.toTag === undefined ? '' : `;tag=${o.toTag}`
  const fromTag = o.fromTag === '' ? '' : `;tag=${o.fromTag ?? 'caller'}`
  const maxForwards = o.maxForwards === null ? [] : [`Max-Forwards: ${o.maxForwards ?? 70}`]
  return [
    `${method} ${o.uri ?? `sip:bob@${CALLEE}`} SIP/2.0`,
    `Via: SIP/2.0/${(o.transport ?? 'udp').toUpperCase()} ${o.sentBy ?? `${CALLER}:5060`};branch=${branch}${o.viaParams ?? ''}`,
    ...maxForwards,
    `From: <sip:${o.from ?? 'alice@example.com'}>${fromTag}`,
    `To: <sip:${o.to ?? 'bob@example.com'}>${toTag}`,
    `Call-ID: ${o.callId ?? 'call-1'}`,
    `CSeq: ${o.cseq ?? 1} ${method === 'ACK' || method === 'CANCEL' ? method : method}`,
    ...(o.headers ?? []),
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n')
}

/** A reply of the callee to what it received. */
export function answerTo(
  received: MemoryReceived,
  status: number,
  o: { tag?: string; headers?: string; reason?: string } = {},
): string {
  return buildReply(received.message as SipRequest, status, o.reason ?? '', {
    ...(status > 100 && { toTag: o.tag ?? 'callee' }),
    ...(o.headers !== undefined && { headers: o.headers }),
  })
}

/** First lines of what an endpoint got: `INVITE`, `180`. */
export function trace(endpoint: MemoryEndpoint): string[] {
  return endpoint.received.map(({ message }) => label(message))
}

function label(message: SipMessage | undefined): string {
  if (message === undefined) return 'unparsable'
  return 'method' in message ? (message as SipRequest).method : String((message as SipReply).status)
}

/** The last message an endpoint got. */
export function last(endpoint: MemoryEndpoint): MemoryReceived {
  const received = endpoint.received.at(-1)
  if (received === undefined) throw new Error(`nothing came to ${endpoint.address}`)
  return received
}

export function lastReply(endpoint: MemoryEndpoint): SipReply {
  return last(endpoint).message as SipReply
}

export function lastRequest(endpoint: MemoryEndpoint): SipRequest {
  return last(endpoint).message as SipRequest
}

/** The first request of that method that an endpoint got. */
export function first(endpoint: MemoryEndpoint, method: string): MemoryReceived {
  const found = endpoint.received.find(({ message }) => label(message) === method)
  if (found === undefined) throw new Error(`no ${method} came to ${endpoint.address}: ${trace(endpoint)}`)
  return found
}

export function branchTo(uri: string, o: Partial<BranchSpec> = {}): BranchSpec {
  return { uri, edits: [], flags: 0, ...o }
}

export function relayTo(...uris: string[]): RelaySpec {
  return { branches: uris.map((uri) => branchTo(uri)) }
}

/** The edit that record_route() makes. */
export function recordRoute(context: RequestContext, spec: Partial<RecordRouteSpec> = {}): MessageEdit {
  const { transport } = context.flow
  const side = transport === 'udp' ? PROXY : `${PROXY};transport=${transport}`
  return {
    at: context.request.firstLineEnd,
    remove: 0,
    text: '',
    recordRoute: {
      inbound: side,
      inboundTransport: transport,
      params: ';lr',
      double: 'interface',
      ...spec,
    },
  }
}

/** A request route that record-routes and sends everything to one place, as most do. */
export function forwardAll(uri = `sip:bob@${CALLEE}`): (context: RequestContext) => void | Promise<void> {
  return (context) => {
    const edits = context.request.method === 'INVITE' ? [recordRoute(context)] : []
    const code = context.relay({ branches: [branchTo(uri, { edits })] })
    return code instanceof Promise ? code.then(() => {}) : undefined
  }
}
