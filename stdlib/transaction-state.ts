// Owns what the runs of one transaction share: the target set with its R-URI, flags, hooks, AVPs and the request's edits.
import { type MessageEdit, type ReadUri, readUri, type SipRequest } from '../src/sip/index.ts'
import { KeptValues } from './kept-values.ts'
import { made } from './text-bounds.ts'

/** Where a branch goes: `$ru`, `$du` and what else is chosen a branch at a time. */
export class Target {
  uri: string
  /** `$du`, '' when not set. */
  nextHop = ''
  branchFlags = 0
  /** The R-URI is the script's own, not the one that the request came with. */
  rewritten = false
  /** force_send_socket: the listener's id. */
  listener: number | undefined
  q: number | undefined
  /** set_forward_no_connect: no connection is made for it. */
  noConnect = false
  /** RFC 3327: Route values that go before this target, '' without. */
  path = ''
  /** add_rr_param in its branch route: what its Record-Route carries besides. */
  recordRouteParams = ''
  /** Of the contact that lookup() found: its unique id, instance and user agent. */
  ruid = ''
  instance = ''
  locationUa = ''

  constructor(uri: string) {
    this.uri = uri
  }

  /** The R-URI in parts; undefined when it is no URI. */
  get parsed(): ReadUri | undefined {
    return readUri(this.uri)
  }

  copy(): Target {
    const copy = new Target(this.uri)
    copy.nextHop = this.nextHop
    copy.rewritten = this.rewritten
    copy.branchFlags = this.branchFlags
    copy.listener = this.listener
    copy.q = this.q
    copy.noConnect = this.noConnect
    copy.path = this.path
    copy.ruid = this.ruid
    copy.instance = this.instance
    copy.locationUa = this.locationUa
    return copy
  }
}

/** Branches of one request, the R-URI not counted (Kamailio's max_branches is 12 with it). */
export const MAXIMUM_BRANCHES = 30

export type { AvpValue, XavpFields, XavpValue } from './kept-values.ts'

export class TransactionState extends KeptValues {
  request: SipRequest | undefined
  /** The request's edits when its route ended; branches of later runs carry them too. */
  requestEdits: MessageEdit[] = []
  #target: Target | undefined
  /** What the request route has left: each failure route begins with it. */
  #relayed: { readonly target: Target; readonly recordRouted: boolean } | undefined
  /** The R-URI has become a branch already and was not changed since. */
  consumed = false
  /** append_branch: further targets. */
  branches: Target[] = []
  flags = 0
  onReply = ''
  onFailure = ''
  onBranch = ''
  onBranchFailure = ''
  frTimer: number | undefined
  frInvTimer: number | undefined
  /** append_to_reply: lines for every reply that we make. */
  replyHeaders = ''
  /** A Record-Route was written: a second one is refused. */
  recordRouted = false
  /** add_rr_param: what the next Record-Route carries. */
  recordRouteParams = ''
  /** Parameters of our own Route that loose_route removed. */
  routeParams: string | undefined
  /** How many branches t_relay has sent. */
  sentBranches = 0
  /** A transaction exists: t_newtran or t_relay made it. */
  created = false
  /** The script has made the request one without the lines of which a transaction is known. */
  untraceable = false
  /** set_reply_body: for replies made here. */
  replyBody: { text: string; type: string } | undefined
  /** Status of the last reply that the script made. */
  repliedWith = 0
  /** The static branch of module pv ($sbranch). */
  staticBranch: Target | undefined
  /** t_load_contacts: groups of targets, the best first. */
  contacts: Target[][] | undefined
  /** add_local_rport. */
  localRport = false
  /** set_advertised_address and set_advertised_port: our Via of this message. */
  advertised: { readonly host?: string; readonly port?: number } | undefined
  /** t_set_auto_inv_100(0). */
  noTrying = false
  /** t_suspend: the request waits for t_continue. */
  suspended = false
  /** t_set_disable_internal_reply. */
  noInternalReply = false
  /** Whose credentials a function of module auth has found good. */
  authorized: { readonly user: string; readonly realm: string } | undefined
  /** The header line with the credentials that were checked. */
  authorizedHeader: number | undefined
  /** The credentials had a nonce that was too old: the next challenge says so. */
  staleNonce = false
  /** Branch flags of each branch that was sent, by its index. */
  sentFlags: number[] | undefined
  /** The R-URI as it was when the transaction's request was first sent on: what `$T_req($ru)` shows in its replies. */
  sentUri: string | undefined
  /** The R-URI of each branch that was sent with another, by its index. */
  sentUris: string[] | undefined
  /** The reply that save() has left to the script. */
  savedReply: unknown
  /** $rtpstat */
  rtpStatistics: string | undefined
  /** rtpengine's set for this transaction's operations. */
  rtpSet = 0
  #extendedFlags: Set<number> | undefined
  #internalFlags: Set<string> | undefined

  /** A relay has named a failure route: targets and edits are needed again. */
  failureArmed = false

  /**
   * The request route, or a failure route, is over: gives up what no later run of the transaction asks for, since there
   * are as many of these as there are transactions. Tells whether anything can still come that needs the rest.
   */
  settle(): boolean {
    this.request = undefined
    if (!this.failureArmed && !this.suspended && this.onBranchFailure === '') {
      this.requestEdits = []
      this.branches = []
    }
    return this.failureArmed || this.suspended || this.onReply !== '' || this.onBranchFailure !== ''
  }

  addReplyHeaders(lines: string): void {
    this.replyHeaders = made(this.replyHeaders + lines)
  }

  /** Takes on the request of a run that begins. */
  attach(request: SipRequest, kind: 'request' | 'failure', branch: number): void {
    this.request = request
    // A failure route begins with the R-URI used up: relaying needs a new one, or a branch.
    if (kind !== 'failure') return
    this.consumed = true
    this.failureArmed = false
    this.#relayed ??= { target: this.target, recordRouted: this.recordRouted }
    this.#target = this.#relayed.target.copy()
    this.recordRouted = this.#relayed.recordRouted
    this.target.branchFlags = this.sentFlags?.[branch] ?? 0
    // append_to_reply and set_reply_body belong to the request route's own replies.
    this.replyHeaders = ''
    this.replyBody = undefined
  }

  /** setxflag. */
  get extendedFlags(): Set<number> {
    this.#extendedFlags ??= new Set()
    return this.#extendedFlags
  }

  /** msg_iflag_set. */
  get internalFlags(): Set<string> {
    this.#internalFlags ??= new Set()
    return this.#internalFlags
  }

  get target(): Target {
    if (this.#target === undefined) this.#target = new Target(this.request?.requestUri ?? '')
    return this.#target
  }
}
