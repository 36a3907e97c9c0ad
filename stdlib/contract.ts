// Owns the shapes that host and guest agree on: what a builtin declares, what a run is given, what crosses between the two sides.
import type { MessageEdit, Transport } from '../src/sip/index.ts'

/** The kinds of route block. `reply` with an empty name is `reply_route`, the core's own hook. */
export type RouteKind = 'request' | 'reply' | 'failure' | 'branch' | 'event'

export const ROUTE_KINDS: readonly RouteKind[] = ['request', 'reply', 'failure', 'branch', 'event']

/** The place of a kind in {@link ROUTE_KINDS}: V8 finds a number in a table at once, a name only after a search. */
export function kindNumber(kind: RouteKind): number {
  switch (kind) {
    case 'request':
      return 0
    case 'reply':
      return 1
    case 'failure':
      return 2
    case 'branch':
      return 3
    case 'event':
      return 4
  }
}

/**
 * What an argument is.
 * - `string`: text; in a `.cfg`, pseudo-variables inside it are replaced before the call
 * - `int`: a number (a `.cfg` may write it as a string)
 * - `pv`: the pseudo-variable itself, see {@link PvReference}
 * - `regex`: a POSIX extended regular expression
 * - `subst`: `/regex/replacement/flags`; pseudo-variables count in the replacement only, at the time it is made
 * - `route`: the name of a route block of `routeKind`, without one of a route[name]
 * - `flag`: a flag, by number or by declared name
 */
export type ParameterKind = 'string' | 'int' | 'pv' | 'regex' | 'subst' | 'route' | 'flag'

export interface Parameter {
  readonly name: string
  readonly kind: ParameterKind
  /** Kamailio takes only a literal here, in which pseudo-variables may stand. */
  readonly constant?: boolean
  readonly optional?: boolean
  /** For kind `route`. */
  readonly routeKind?: RouteKind
  /** The only values allowed, compared without case. */
  readonly values?: readonly string[]
}

/** Everything about a builtin but its code. Checker, editors and manual are made from it. */
export interface BuiltinMeta {
  /** What a TypeScript route imports. */
  readonly name: string
  /** What a `.cfg` writes. */
  readonly kamailio: string
  /** Other spellings in a `.cfg`. */
  readonly aliases?: readonly string[]
  /** Kamailio's module, `core` for core keywords. */
  readonly module: string
  readonly parameters: readonly Parameter[]
  /** Further parameter lists; the one whose length fits is meant. */
  readonly overloads?: readonly (readonly Parameter[])[]
  /** Route kinds in which it may be called. */
  readonly routes: readonly RouteKind[]
  /** In a `.cfg` its strings mean those very characters: a `$` is a dollar sign. */
  readonly literal?: boolean
  /** May wait for the host; a TypeScript route awaits it. */
  readonly waits: boolean
  readonly doc: string
  readonly example: string
}

/** Both ends of a pseudo-variable handed to a builtin. `null` is Kamailio's null. */
export interface PvReference {
  get(): string | number | null
  set(value: string | number | null): void
}

/** What a run knows besides the message. Addresses are numeric, IPv6 without brackets. */
export interface RunMeta {
  readonly srcIp: string
  readonly srcPort: number
  /** Where the message arrived. */
  readonly dstIp: string
  readonly dstPort: number
  readonly proto: Transport
  readonly listener: RunListener
  /** Key of the state kept between runs (`$avp`, flags, `t_on_*`); 0: nothing is kept. */
  readonly transactionId: number
  /** 1: a CANCEL or ACK whose INVITE transaction exists. */
  readonly transactionMatch: 0 | 1
  /** Index of the branch that a reply or failure belongs to; -1 elsewhere. */
  readonly branch: number
  /** Running number of the message, `$mi`. */
  readonly messageNumber: number
  /** failure: the winning status. */
  readonly status?: number
  /** failure: a CANCEL ended it. */
  readonly canceled?: boolean
  /** failure: no reply came in time. */
  readonly timedOut?: boolean
  /** failure: the branch that won had a provisional reply before. */
  readonly branchReplied?: boolean
  /** failure: the winning reply as received, when one was. */
  readonly reply?: string
  /** The failure of one branch: where it went. */
  /** onsend_route: where the message is about to go. */
  readonly send?: RunSend
  readonly branchUri?: string
  readonly branchNextHop?: string
}

/** The event under which onsend_route runs. */
export const ONSEND_ROUTE = 'onsend_route'

/** Both ends of what is about to be sent; addresses are numeric. */
export interface RunSend {
  readonly toIp: string
  readonly toPort: number
  readonly fromIp: string
  readonly fromPort: number
  readonly proto: Transport
}

export interface RunListener {
  readonly id: number
  readonly address: string
  readonly port: number
  readonly advertisedHost?: string
  readonly advertisedPort?: number
  readonly name?: string
}

/** `relay`: one target. The proxy's own BranchSpec has this shape. */
export interface BranchArguments {
  uri: string
  nextHop?: string
  listener?: number
  edits: MessageEdit[]
  flags: number
  branchFlags?: number
  onReply?: string
  onBranchFailure?: string
  q?: number
  /** No connection is made for it: only one that is open is used. */
  noConnect?: boolean
  /** What our Via says in place of the listener's address. */
  via?: { host?: string; port?: number; rport?: boolean }
}

/** `relay`: answers Kamailio's return code of t_relay. */
export interface RelayArguments {
  branches: BranchArguments[]
  onFailure?: string
  onReply?: string
  frTimer?: number
  frInvTimer?: number
  stateless?: boolean
  /** t_set_auto_inv_100(0): no 100 by the proxy itself. */
  noTrying?: boolean
  replyAppend?: string
  /** How many targets the branch route dropped. */
  dropped?: number
  /** t_set_disable_internal_reply. */
  noInternalReply?: boolean
}

/** `reply`: answers 1, or a negative code. `headers` are whole lines. */
export interface ReplyArguments {
  status: number
  reason: string
  headers: string
  body: string
  contentType?: string
  mode: 'stateless' | 'transaction' | 'auto'
}

/** `rtp`: a media operation on the message of the run. */
export interface RtpArguments {
  operation: 'manage' | 'offer' | 'answer' | 'delete' | 'query' | 'control' | 'info'
  /** Of `control`: an NG command, such as `play media`. */
  control?: string
  /** As written in the script: rtpengine_manage's flag string. */
  flags: string
  set: number
  kind: RouteKind
}

/** `rtp`: `code` is Kamailio's return code, `sdp` the body to send on in place of the one received. */
export interface RtpResult {
  code: number
  sdp?: string
  /** Of a clip that is played. */
  durationMillis?: number
  /** Counters as JSON, where `control` asked for them. */
  report?: string
  /** What `query` and `delete` tell, in the words of $rtpstat. */
  statistics?: string
}

/** `log`: Kamailio's levels, L_ALERT -5 ... L_DBG 3. */
export interface LogArguments {
  level: number
  text: string
}

/** `local`: is this one of our addresses or aliases? `port` 0: any. Answers 1 or 0. */
export interface LocalArguments {
  host: string
  port: number
  proto: string
}

/** `apply`: the edits so far have become the message (msg_apply_changes). */
export interface ApplyArguments {
  edits: MessageEdit[]
}

/** `cancel`: cancels branches of the transaction that still ring; `others` and `this` count from the branch of the reply. */
export interface CancelArguments {
  branches: 'all' | 'others' | 'this'
}

/** `transaction`: what functions of tm ask about the transaction of the run, or do to it. */
export interface TransactionArguments {
  /**
   * - `statuses`: the final status of each branch so far, 0 while it is open, as a list
   * - `dropReplies`: the answers of these branches no longer count: of all, or of the last leg
   * - `suspend`: the request waits until `continue` names it; answers its two numbers, index and label
   * - `continue`: goes on with a suspended request in the route of that name; answers 1 or -1
   * - `replyTo`, `cancelOf`: answers, or cancels the branches of, the transaction with that Call-ID and CSeq
   */
  what: 'statuses' | 'anyReplied' | 'anyTimedOut' | 'dropReplies' | 'suspend' | 'continue' | 'replyTo' | 'cancelOf'
  which?: 'all' | 'last'
  index?: number
  label?: number
  route?: string
  callId?: string
  cseq?: number
  status?: number
  reason?: string
}

/** `service`: an operation of a module that needs the world. */
export interface ServiceArguments {
  module: string
  operation: string
  /** As the operation takes them. */
  args: unknown
}

/** Every host operation, with what it takes and answers. Only `relay`, `rtp` and `service` may be answered later, by a promise. */
export interface HostOperations {
  relay: { args: RelayArguments; result: number }
  reply: { args: ReplyArguments; result: number }
  /** t_newtran: 1 a new transaction, 0 a retransmission was absorbed. */
  newtran: { args: null; result: number }
  cancel: { args: CancelArguments; result: number }
  transaction: { args: TransactionArguments; result: number | number[] }
  /** The listener with that address, or of that name: its id, -1 when there is none. */
  socket: { args: { text: string }; result: number }
  /** The listener of that id as `proto:address:port`, and its name; null when there is none. */
  socketText: { args: { id: number }; result: { text: string; name: string | null } | null }
  rtp: { args: RtpArguments; result: RtpResult }
  log: { args: LogArguments; result: number }
  local: { args: LocalArguments; result: number }
  apply: { args: ApplyArguments; result: number }
  /** sl_reply_error: answers with what the last relay failed of, else 500. */
  replyError: { args: null; result: number }
  /** force_rport: replies go to the source address and port. */
  forceRport: { args: null; result: number }
  /** In a reply route: the text of the request that was answered; null when there is none. */
  request: { args: null; result: string | null }
  /** Whatever a module's service in the host answers; see src/services. May be answered later. */
  service: { args: ServiceArguments; result: unknown }
  /** A value of the environment, at load only; null: unset. */
  env: { args: { name: string }; result: string | null }
}

export type HostOperation = keyof HostOperations

/** How a run ended. `done`: off its end or by return; the code is what it returned. */
export type RunExit = 'done' | 'exit' | 'drop'

/** How a run ended and, of a reply or an event route, what it changed. */
export interface RunOutcome {
  readonly exit: RunExit
  /** What the block returned: 0 ends the script, negative is failure. */
  readonly code: number
  readonly edits: MessageEdit[]
}

/** What the script threw. */
export interface ThrownInRun {
  readonly name: string
  readonly message: string
  readonly stack: string
}

export type RunEnd = RunOutcome | { readonly thrown: ThrownInRun }
