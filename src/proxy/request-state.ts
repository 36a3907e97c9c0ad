// Owns what is known of a request under way, and how little of that outlives its answer.

import { parseMessage, type SipReply, SipRequest, UNBOUNDED_PARSE_LIMITS } from '../sip/index.ts'
import type { Flow } from '../transport/index.ts'
import { CallShare } from './call-share.ts'
import type { ProxyHost } from './proxy-host.ts'
import { ResponseContext } from './response-context.ts'
import type { RequestContext, RouteLanguage } from './router.ts'
import { Upstream, type UpstreamOwner } from './upstream.ts'

/** What an ACK or a CANCEL belongs to: an INVITE transaction by its branch, a call (ACK of a 2xx), nothing that is known here. */
export type Belonging = 'nothing' | 'transaction' | 'call'

/**
 * An INVITE that is answered stays until Timer M of its branches, for the 2xx that may still come: forked ones, and the same once
 * more (RFC 6026 7.2). There are thousands of them, and hardly ever does one come, so that they rest: the message is kept as text
 * and read again for whoever asks, what works on the request is let go and made again. What its routes may ask later is here.
 */
export abstract class RequestState implements UpstreamOwner {
  readonly id: number
  readonly method: string
  readonly flow: Flow
  readonly language: RouteLanguage
  readonly matched: RequestContext | undefined
  program: unknown
  state: unknown
  /** The router was given this request, so it is told of its end. */
  routed = false
  readonly call: CallShare
  protected readonly host: ProxyHost
  protected readonly belonging: Belonging
  protected readonly upstream: Upstream
  protected readonly responses = new ResponseContext()
  /** The request as routes see it, and as it came; undefined while it rests. */
  #request: SipRequest | undefined
  #received: SipRequest | undefined
  /** What routes see, while it rests. */
  #text = ''

  constructor(
    host: ProxyHost,
    id: number,
    request: SipRequest,
    flow: Flow,
    language: RouteLanguage,
    belonging: Belonging = 'nothing',
    match?: RequestContext,
  ) {
    this.host = host
    this.id = id
    this.method = request.method
    this.#request = request
    this.#received = request
    this.flow = flow
    this.language = language
    this.matched = match
    this.belonging = belonging
    this.call = new CallShare(host.calls, this)
    this.upstream = new Upstream(host, this)
  }

  abstract answered(status: number, reason: string, reply: SipReply | undefined): void

  get request(): SipRequest {
    return (this.#request ??= readAgain(this.#text))
  }

  get received(): SipRequest {
    return this.#received ?? this.request
  }

  get transactionMatch(): boolean {
    return this.belonging !== 'nothing'
  }

  get hasTransaction(): boolean {
    return this.upstream.hasTransaction
  }

  get replied(): boolean {
    return this.upstream.replied
  }

  get relayed(): boolean {
    return this.responses.branches.length > 0
  }

  get winningReply(): SipReply | undefined {
    return this.responses.winner?.reply
  }

  get status(): number {
    return this.responses.winner?.status ?? 0
  }

  get timedOut(): boolean {
    return this.responses.winner?.timedOut ?? false
  }

  get branchReplied(): boolean {
    return this.responses.winnerReplied
  }

  get branch(): number {
    return this.responses.winner?.index ?? -1
  }

  get lastStatus(): number {
    return this.upstream.lastStatus
  }

  get branchCount(): number {
    return this.responses.branches.length
  }

  get label(): string | undefined {
    return this.call.label
  }

  set label(label: string | undefined) {
    this.call.label = label
  }

  anyReplied(): boolean {
    return this.responses.anyReplied
  }

  anyTimedOut(): boolean {
    return this.responses.anyTimedOut
  }

  branchStatuses(): number[] {
    return this.responses.statuses()
  }

  dropReplies(which: 'all' | 'last'): void {
    this.responses.drop(which)
  }

  branchUris(): string[] {
    return this.responses.branches.map(({ uri }) => uri)
  }

  /** It has this Call-ID and CSeq number. */
  isOf(callId: string, cseq: number): boolean {
    if (this.#request === undefined && !this.#text.includes(callId)) return false
    const request = this.#request ?? readAgain(this.#text)
    return request.callId === callId && request.cseqNumber === cseq
  }

  /** A route has changed it. */
  protected changed(request: SipRequest): void {
    this.#request = request
  }

  /** It is answered, and nothing works on it. */
  rest(): void {
    if (this.#request !== undefined) this.#text = this.#request.raw
    this.#request = undefined
    this.#received = undefined
    this.responses.rest()
    this.call.rest()
  }
}

/** A message that was read before. */
function readAgain(text: string): SipRequest {
  const parsed = parseMessage(text, UNBOUNDED_PARSE_LIMITS)
  if (parsed.ok && parsed.message instanceof SipRequest) return parsed.message
  throw new Error('a request that was read once does not parse')
}
