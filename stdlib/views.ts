// Owns what a TypeScript route is handed: readers of the message of the run under way.
import { type NameAddr, parseUri, type SipUri, type Transport } from '../src/sip/index.ts'

import { setDestination } from './request-uri.ts'
import { currentRun } from './runtime.ts'

/** A numeric address, IPv6 without brackets. */
export interface Endpoint {
  readonly address: string
  readonly port: number
  readonly transport: Transport
}

/** What request and reply have in common. Readers see the message as it came until msgApplyChanges(). */
export interface SipMessageView {
  /** The method of the request, or that in the CSeq of the reply. */
  readonly method: string
  readonly callId: string
  readonly cseq: number
  readonly from: NameAddr | undefined
  readonly to: NameAddr | undefined
  readonly fromTag: string
  /** '' when there is none. */
  readonly toTag: string
  /** Bytes as characters. */
  readonly body: string
  readonly contentType: string
  readonly raw: string
  /** Where the message came from. */
  readonly source: Endpoint
  /** Where it arrived. */
  readonly local: Endpoint
  /** The value of the first header of that name, compact forms included. */
  header(name: string): string | undefined
  headers(name: string): string[]
  /** All addresses of a header such as Contact or Route. */
  addresses(name: string): NameAddr[]
}

/** A request, as its run sees it. */
export interface SipRequest extends SipMessageView {
  /** The R-URI as it stands now, changes included. */
  readonly requestUri: string
  /** The R-URI in parts; undefined when it is no URI. */
  readonly uri: SipUri | undefined
  /** $du: where it is sent in place of the R-URI, '' when not set. */
  destination: string
  /** The R-URI that the request came with. */
  readonly originalUri: string
}

/** A reply, as its run sees it. */
export interface SipReply extends SipMessageView {
  readonly status: number
  readonly reason: string
  /** The branch that it belongs to, -1 without a transaction. */
  readonly branch: number
}

/** The failure that a failure route decides about, read like the request that failed. */
export interface FailedRequest extends SipRequest {
  /** The winning status: 408 when no reply came. */
  readonly status: number
  readonly canceled: boolean
  readonly timedOut: boolean
}

/** `request_route`. What it returns is its code; a false one is a failure. */
export type RequestRoute = (request: SipRequest) => unknown
/** `reply_route`, and the blocks of `onreply_route`. */
export type ReplyRoute = (reply: SipReply) => unknown
/** The blocks of `failure_route`. */
export type FailureRoute = (request: FailedRequest) => unknown
/** The blocks of `branch_route`: the request as this branch will send it. */
export type BranchRoute = (request: SipRequest) => unknown

class MessageView implements SipMessageView {
  get method(): string {
    const run = currentRun()
    return run.reply ? run.message.cseqMethod : run.request!.method
  }
  get callId(): string {
    return currentRun().message.callId
  }
  get cseq(): number {
    return currentRun().message.cseqNumber
  }
  get from(): NameAddr | undefined {
    return currentRun().message.from
  }
  get to(): NameAddr | undefined {
    return currentRun().message.to
  }
  get fromTag(): string {
    return currentRun().message.fromTag
  }
  get toTag(): string {
    return currentRun().message.toTag
  }
  get body(): string {
    return currentRun().message.body
  }
  get contentType(): string {
    return currentRun().message.contentType
  }
  get raw(): string {
    return currentRun().raw
  }
  get source(): Endpoint {
    const { srcIp, srcPort, proto } = currentRun().meta
    return { address: srcIp, port: srcPort, transport: proto }
  }
  get local(): Endpoint {
    const { dstIp, dstPort, proto } = currentRun().meta
    return { address: dstIp, port: dstPort, transport: proto }
  }
  header(name: string): string | undefined {
    return currentRun().message.header(name)
  }
  headers(name: string): string[] {
    return currentRun().message.headers(name)
  }
  addresses(name: string): NameAddr[] {
    return currentRun().message.nameAddrs(name)
  }
}

class RequestView extends MessageView implements FailedRequest {
  get requestUri(): string {
    return currentRun().target?.uri ?? ''
  }
  get uri(): SipUri | undefined {
    // A script may change what it is given.
    return parseUri(currentRun().target?.uri ?? '')
  }
  get destination(): string {
    return currentRun().target?.nextHop ?? ''
  }
  set destination(uri: string) {
    setDestination(uri === '' ? null : uri)
  }
  get originalUri(): string {
    return currentRun().request?.requestUri ?? ''
  }
  get status(): number {
    return currentRun().meta.status ?? 0
  }
  get canceled(): boolean {
    return currentRun().meta.canceled === true
  }
  get timedOut(): boolean {
    return currentRun().meta.timedOut === true
  }
}

class ReplyView extends MessageView implements SipReply {
  get status(): number {
    return currentRun().reply?.status ?? 0
  }
  get reason(): string {
    return currentRun().reply?.reason ?? ''
  }
  get branch(): number {
    return currentRun().meta.branch
  }
}

/** Views read the run under way, so one of each is enough. */
export const requestView: FailedRequest = new RequestView()
export const replyView: SipReply = new ReplyView()
