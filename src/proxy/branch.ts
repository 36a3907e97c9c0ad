// Owns one target of a request: its hops in the order of RFC 3263, the client transaction of the hop under trial, and its outcome.

import type { SignalboxError } from '../errors.ts'
import type { MessageEdit, SipReply } from '../sip/index.ts'
import {
  type ClientTransaction,
  type ClientUser,
  Deadline,
  type Expiring,
  InviteClientTransaction,
  type TimerQueue,
} from '../transaction/index.ts'
import type { Flow, Hop, Listener } from '../transport/index.ts'
import type { BranchSpec, RouteLanguage } from './router.ts'

/** What sends the request of a branch. */
export interface BranchSender {
  /** The listener that would send to the hop. */
  listenerFor(hop: Hop): Listener | undefined
  /** The same place over a stream, for a request that is too long for UDP (RFC 3261 18.1.1). */
  streamHop(branch: Branch, hop: Hop): Hop | undefined
  /** onsend_route lets it go there. */
  maySend(hop: Hop, listener: Listener): boolean
  /** Writes the request for that hop and starts its client transaction. */
  startClient(branch: Branch, hop: Hop, listener: Listener): ClientTransaction
}

/** What a branch needs of the request that it belongs to. */
export interface BranchOwner {
  /** A `.cfg` gives no reason for a CANCEL after a time-out, as 5.6.3. */
  readonly language: RouteLanguage
  /** A final reply has gone upstream. */
  readonly replied: boolean
  readonly sender: BranchSender
  branchReply(branch: Branch, reply: SipReply, flow: Flow): void
  /** The branch has its outcome without a reply: `status` is 408 or 503. */
  branchFailed(branch: Branch, status: number): void
  /** A client transaction of the branch will tell nothing more. */
  branchReleased(): void
}

/** Status that a branch gets when its next hop cannot be reached (RFC 3261 16.9). */
export const UNREACHABLE = 503
/** Status that a branch gets when nobody answers (RFC 3261 16.7, 16.8). */
export const TIMED_OUT = 408

export class Branch implements ClientUser, Expiring {
  readonly index: number
  /** The Request-URI that left. */
  readonly uri: string
  /** Empty once the request rests. */
  spec: BranchSpec
  /** Name of the reply route for its replies. */
  readonly replyRoute: string | undefined
  readonly fr: number | undefined
  readonly frInv: number | undefined
  /** Final status, 0 while it is open. */
  status = 0
  /** The final reply; none when the outcome was made here, or the request rests. */
  reply: SipReply | undefined
  /** There was one, which was no 2xx. */
  isRefused = false
  /** What the reply route changed in it. */
  edits: readonly MessageEdit[] = NO_EDITS
  timedOut = false
  canceled = false
  /** onsend_route has kept it from some hop. */
  keptBack = false
  readonly #owner: BranchOwner
  #hops: readonly Hop[] = NO_HOPS
  #next = 0
  /** The hop under trial over a stream is this one by UDP. */
  #byUdp: Hop | undefined
  #attempt = 0
  #client: ClientTransaction | undefined
  /** How long it waits in vain. */
  #patience: Deadline | undefined
  /** A provisional reply came: this hop lives. */
  provisional = false
  /** A provisional reply came that the script has let pass (t_branch_replied). */
  rang = false

  constructor(
    owner: BranchOwner,
    index: number,
    spec: BranchSpec,
    settings: { replyRoute: string | undefined; fr: number | undefined; frInv: number | undefined },
  ) {
    this.#owner = owner
    this.index = index
    this.uri = spec.uri
    this.spec = spec
    this.replyRoute = settings.replyRoute
    this.fr = settings.fr
    this.frInv = settings.frInv
  }

  /** Sends to the first of `hops` that one of our sockets can reach. False: none can. */
  start(hops: readonly Hop[]): boolean {
    this.#hops = hops
    return this.#tryNext()
  }

  /** Gives the branch up. `extraHeaders` go into the CANCEL. An INVITE stays open until its final reply. */
  cancel(extraHeaders: string): void {
    if (this.status !== 0 || this.canceled) return
    this.canceled = true
    if (this.#client instanceof InviteClientTransaction) this.#client.cancel(extraHeaders)
  }

  /** The outcome is known. */
  settle(status: number, reply: SipReply | undefined, edits: readonly MessageEdit[]): void {
    this.status = status
    this.reply = reply
    this.edits = edits
    this.isRefused = reply !== undefined
  }

  /** The request is answered: nothing is sent any more, and what is left is what routes may ask of the branch. */
  rest(): void {
    this.spec = RESTING_SPEC
    this.reply = undefined
    this.edits = NO_EDITS
    this.#hops = NO_HOPS
    this.#byUdp = undefined
  }

  /** The script dropped the final reply: to the caller it is as if none had come. */
  waitInVain(timers: TimerQueue, milliseconds: number): void {
    if (this.status !== 0 || this.#patience !== undefined) return
    this.#patience = new Deadline(this)
    timers.set(this.#patience, this.fr ?? milliseconds)
  }

  expire(): void {
    this.#patience = undefined
    if (this.status !== 0) return
    this.timedOut = true
    this.#owner.branchFailed(this, TIMED_OUT)
  }

  onReply(reply: SipReply, flow: Flow): void {
    if (reply.status < 200) {
      this.provisional = true
      // A branch that was given up rings for nobody; one of a request that is no INVITE is given up by a 6xx only.
      if (this.canceled && (this.#client instanceof InviteClientTransaction || !this.#owner.replied)) return
    }
    // RFC 3263 4.3: a 503 is a failure of that hop, and the next one is tried.
    if (reply.status === UNREACHABLE && this.status === 0 && !this.canceled && this.#tryNext()) return
    this.#owner.branchReply(this, reply, flow)
  }

  onTimeout(): void {
    if (this.status !== 0) return
    // RFC 3263 4.3: a time-out is a failure of that hop too.
    if (!this.provisional && !this.canceled && this.#tryNext()) return
    this.timedOut = true
    this.#owner.branchFailed(this, TIMED_OUT)
  }

  onTimerC(): void {
    // 16.8: it rings and nobody answers: cancel, and go on as if a 408 had come.
    this.cancel(this.#owner.language === 'ts' ? TIMEOUT_REASON : '')
    if (this.status !== 0) return
    this.timedOut = true
    this.#owner.branchFailed(this, TIMED_OUT)
  }

  onTransportError(_error: SignalboxError): void {
    if (this.status !== 0) return
    if (!this.canceled && (this.#tryByUdp() || this.#tryNext())) return
    this.#owner.branchFailed(this, UNREACHABLE)
  }

  onReleased(): void {
    this.#owner.branchReleased()
  }

  #tryNext(): boolean {
    const { sender } = this.#owner
    while (this.#next < this.#hops.length) {
      const hop = this.#hops[this.#next++]!
      const over = sender.streamHop(this, hop)
      this.#byUdp = over && hop
      if ((over && this.#try(over)) || this.#try(hop)) return true
    }
    return false
  }

  /** 18.1.1: where a stream cannot be had, the request goes by UDP whatever its length. */
  #tryByUdp(): boolean {
    const hop = this.#byUdp
    this.#byUdp = undefined
    return hop !== undefined && this.#try(hop)
  }

  #try(hop: Hop): boolean {
    const { sender } = this.#owner
    const listener = sender.listenerFor(hop)
    if (listener === undefined) return false
    if (!sender.maySend(hop, listener)) {
      this.keptBack = true
      return false
    }
    this.provisional = false
    const attempt = ++this.#attempt
    const client = sender.startClient(this, hop, listener)
    // A hop may fail while it starts, and the one after it have been tried since.
    if (attempt === this.#attempt) this.#client = client
    return true
  }
}

const NO_EDITS: readonly MessageEdit[] = []
const NO_HOPS: readonly Hop[] = []
const RESTING_SPEC: BranchSpec = { uri: '', edits: [], flags: 0 }
const TIMEOUT_REASON = 'Reason: SIP;cause=408;text="Request Timeout"\r\n'
