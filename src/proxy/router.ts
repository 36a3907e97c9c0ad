// Owns the interface between the proxy and whoever decides where requests go: the engine implements Router over scripts.

import type { MessageEdit, SipReply, SipRequest } from '../sip/index.ts'
import type { Flow, Hop, Listener } from '../transport/index.ts'

/** The language of the active script; it decides what the proxy core does by itself and what only the script does. */
export type RouteLanguage = 'ts' | 'cfg'

/** One target of a relay. */
export interface BranchSpec {
  /** The Request-URI that leaves. */
  uri: string
  /** `$du` or the topmost Route: where to send instead of `uri`. */
  nextHop?: string
  /** Id of the listener to send from (force_send_socket). */
  listener?: number
  /** What the script changed, on offsets of the request as it was received (request route, then branch route). */
  edits: MessageEdit[]
  /** Message flags (setflag); the proxy only keeps them. */
  flags: number
  /** Branch flags (setbflag); the proxy only keeps them. */
  branchFlags?: number
  /** Reply route of this branch; wins over that of the relay. */
  onReply?: string
  onBranchFailure?: string
  q?: number
  /** No connection is made for it: only one that is open is used (set_forward_no_connect). */
  noConnect?: boolean
  /** What our Via says in place of the listener's address (set_advertised_address), and whether it asks for rport. */
  via?: { host?: string; port?: number; rport?: boolean }
}

/** What `t_relay` (or `forward`) asks for. */
export interface RelaySpec {
  branches: BranchSpec[]
  /** Failure route to run when every branch has failed; one-shot, as t_on_failure. */
  onFailure?: string
  onReply?: string
  /** Milliseconds until a branch without any answer is given up (Timer B, F); default from the timers. */
  frTimer?: number
  /** Milliseconds until an INVITE branch that rang, but got no final answer, is given up (Timer C). */
  frInvTimer?: number
  /** Forward without a transaction (`forward()`). */
  stateless?: boolean
  /** No 100 by the proxy itself (t_set_auto_inv_100). */
  noTrying?: boolean
  /** Header lines (`Name: v\r\n`) for every reply that the proxy itself makes (append_to_reply). */
  replyAppend?: string
  /** Number of targets that the branch route dropped: with no branch left, the relay answers -6. */
  dropped?: number
  /** No reply by the proxy itself at the end of the run when this relay fails (t_set_disable_internal_reply): gives -4. */
  noInternalReply?: boolean
}

/** A reply that the script wants sent to the request of the run. */
export interface ReplySpec {
  status: number
  reason: string
  /** `Name: v\r\n` lines. */
  headers: string
  body: string
  contentType?: string
  /** `auto`: by the transaction where there is one (send_reply). In a `.ts` there always is one. */
  mode: 'stateless' | 'transaction' | 'auto'
  toTag?: string
}

/** The reply that the proxy will send at the end of the run if the script sends none, and what sl_reply_error sends. */
export interface RelayError {
  status: number
  reason: string
}

/** One request under way, as the router sees it: for its request route, and later for reply and failure routes. */
export interface RequestContext {
  /** Unique in this process. */
  readonly id: number
  /** Once the request is answered it is kept as text only, and parsed for who asks: `method` is always at hand. */
  readonly request: SipRequest
  readonly method: string
  readonly flow: Flow
  /** CANCEL or ACK: it belongs to an INVITE transaction that is open here (t_check_trans). */
  readonly transactionMatch: boolean
  /** CANCEL: the context of that INVITE, as long as it has no final reply. */
  readonly matched: RequestContext | undefined
  /** Set, held and released by the router; the proxy carries it. */
  program: unknown
  /** Free for the router (guest state, call log); the proxy carries it. */
  state: unknown
  /** What the summary of the call repeats, such as the script's version. */
  label: string | undefined
  /** A transaction exists. */
  readonly hasTransaction: boolean
  /** A final reply was sent upstream by the script, the proxy or a branch. */
  readonly replied: boolean
  /** Status of the last reply sent upstream, 0 before the first ($T_reply_code of the request side). */
  readonly lastStatus: number
  /** A relay has started at least one branch. */
  readonly relayed: boolean
  /** Why the last relay failed, for sl_reply_error. */
  readonly relayError: RelayError | undefined
  /** The caller gave up. */
  readonly canceled: boolean
  /** Branches started so far, all legs together. */
  readonly branchCount: number
  /** t_newtran: 1 created (or there already), 0 it was a retransmission, -1 refused by a cap or no request for a transaction (ACK). */
  newTransaction(): number
  /**
   * t_relay: 1 sent; -1 nothing to send or too late; -4 failed with noInternalReply; -6 branch route dropped all; -7 no socket for the
   * transport; -478 next hop does not resolve; 0 it was a retransmission (the script ends). A promise only when a name is looked up.
   */
  relay(spec: RelaySpec): number | Promise<number>
  /** 1 sent, -1 not sent (a final reply is out already, or an ACK). */
  reply(spec: ReplySpec): number
  /** Cancels branches that have no final answer (t_cancel_branches): all, all but `branch`, or only that one. */
  cancelBranches(which: 'all' | 'others' | 'this', branch: number): void
  /** The final status of each branch so far, 0 while it is open. */
  branchStatuses(): number[]
  /** t_any_replied: whether a branch has rung, or was answered before the one that the route runs for. */
  anyReplied(): boolean
  /** t_any_timeout. */
  anyTimedOut(): boolean
  /** The answers of branches so far no longer count: of all legs, or of the last one (t_drop_replies). */
  dropReplies(which: 'all' | 'last'): void
  /** t_suspend: the request stays open when its route ends, until the router goes on with it. 1, or -1 where that cannot be. */
  suspend(): number
  /** A suspended request goes on: the route runs now. False: it is over. */
  resume(): boolean
  /** The route that {@link resume} let go on has ended. */
  resumed(how: 'well' | 'failed'): void
  /** ts_store: the request stays open when its route ends, also without a branch, until {@link append}. 1, or -1 where that cannot be. */
  keepOpen(): number
  /** More branches for a request whose route has ended; codes as {@link relay}. `onFailure` holds where no relay named a route. */
  append(branches: BranchSpec[], onFailure?: string): number | Promise<number>
  /** Request-URIs of all branches so far. */
  branchUris(): string[]
  /** Answer to where the request came from, with received and rport (force_rport). */
  forceRport(): void
  /** Nothing more shall be sent for this request (drop in request_route). No effect once it was relayed or answered. */
  drop(): void
  /**
   * msg_apply_changes: from now on `request` is this message, and edits are offsets in it. Replies are still made from the request as it
   * came. -1 after a relay: branches were written from the message before.
   */
  replaceRequest(request: SipRequest): number
}

/** All branches have failed: what a failure route decides on. */
export interface FailureContext extends RequestContext {
  /** The winning reply; none when it was made here (408, 503). */
  readonly winningReply: SipReply | undefined
  readonly status: number
  readonly timedOut: boolean
  /** The branch that won had a provisional reply before its outcome. */
  readonly branchReplied: boolean
  /** Index of the branch that won. */
  readonly branch: number
}

/** One branch has failed, and others may still be open (t_on_branch_failure). */
export interface BranchFailure {
  /** The reply that ended it; none when that was made here (408, 503). */
  readonly reply: SipReply | undefined
  readonly status: number
  readonly timedOut: boolean
  readonly branchReplied: boolean
  readonly branch: number
  readonly uri: string
  readonly nextHop: string | undefined
}

/** A reply on its way back. */
export interface ReplyContext {
  /** None: the reply belongs to no transaction and goes on by its Via. */
  readonly context: RequestContext | undefined
  readonly reply: SipReply
  readonly flow: Flow
  /** Index of the branch, -1 without a transaction. */
  readonly branch: number
  readonly onReply: string | undefined
}

export interface ReplyOutcome {
  drop: boolean
  edits: MessageEdit[]
  /** The reply as msg_apply_changes left it; `edits` are then offsets in it. */
  message?: SipReply
}

/** How a call came to its end. */
export type CallEndReason = 'bye' | 'canceled' | 'failed' | 'timeout' | 'gone' | 'idle' | 'shutdown' | 'untracked'

/** Everything the proxy knows of a call when it is over. */
export interface CallSummary {
  callId: string
  fromTag: string
  /** Empty when no dialog came about. */
  toTag: string
  reason: CallEndReason
  /** Final status of the INVITE that the caller saw. */
  status: number
  statusReason: string
  from: string
  to: string
  requestUri: string
  /** `udp:10.0.0.1:5060` */
  source: string
  /** The hop that answered, or was tried last. Empty when none was. */
  destination: string
  hops: number
  endedBy: 'caller' | 'callee' | 'proxy'
  /** Wallclock milliseconds of the INVITE. */
  startedAt: number
  /** INVITE to final reply. */
  setupMillis: number
  /** First 18x to 2xx or end; 0 when it never rang. */
  ringMillis: number
  /** 2xx to end. */
  talkMillis: number
  label: string | undefined
}

/** What is about to be sent, and where. */
export interface Sending {
  readonly hop: Hop
  readonly listener: Listener
}

/** Decides about requests and replies. Implemented by the engine. A rejected promise or a throw costs that request 500. */
export interface Router {
  language(): RouteLanguage
  /** A new request; in a `.cfg` also CANCEL and ACK that match a transaction. */
  request(context: RequestContext): void | Promise<void>
  /** Each reply of a branch (100 too) and each stray one. One at a time per transaction. */
  reply(context: ReplyContext): ReplyOutcome | Promise<ReplyOutcome>
  /** Every branch has failed and the last relay named a failure route. */
  failure(context: FailureContext, route: string): void | Promise<void>
  /** One branch has failed, whose relay named a route for that. */
  branchFailure(context: RequestContext, failure: BranchFailure, route: string): void | Promise<void>
  /** A reply to the request went upstream: a branch's, or one made here (then `reply` is undefined). */
  answered?(context: RequestContext, status: number, reason: string, reply: SipReply | undefined): void
  /** The request route has ended well, and has neither relayed, answered, dropped nor suspended; what is answered now is the proxy's. */
  unanswered?(context: RequestContext): void
  /** Requests of this context are shown to {@link sending} before they leave; relays then start after the run that asked for them. */
  watchesSending(context: RequestContext): boolean
  /** onsend_route: false keeps the request from being sent there. */
  sending(context: RequestContext, sending: Sending): boolean
  /** The request is over: release the program and what the guest keeps for it. Exactly once for every context that `request` got. */
  ended(context: RequestContext): void
  /** A call (INVITE and the dialogs it made) is over, however; exactly once. `untracked`: answered, but the script did not record-route. */
  callEnded(call: CallSummary): void
}
