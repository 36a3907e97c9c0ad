// Owns what a service is: the host's side of one Kamailio module that needs the world, and what the engine lends it.
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { CallSummary, LocalReply, LocalRequest, ReplyContext, RequestContext } from '../proxy/index.ts'
import type { IdSource, MessageEdit, SipMessage, SipReply, SipRequest, Transport } from '../sip/index.ts'
import type { Store } from '../store/index.ts'
import type { Flow, Listener } from '../transport/index.ts'
import type { Destination, MessageMask } from './mask.ts'

/** One `modparam` of a `.cfg`, or one entry of `config.modules` in a `.ts`. A name may be given several times. */
export interface ModuleParameter {
  readonly module: string
  readonly name: string
  readonly value: string | number
}

/** What is wrong with a parameter; `index` counts in the list that was checked. */
export interface ParameterProblem {
  readonly index: number
  readonly message: string
  readonly hint?: string
}

/** The run that an operation is for. */
export interface ServiceRun {
  readonly id: number
  readonly kind: string
  /** Name of the route block; of an event route its event. */
  readonly name: string
  readonly message: SipMessage
  readonly flow: Flow
  /** The request that the run is for; none in a stray reply and in most events. */
  readonly context: RequestContext | undefined
  /** What {@link EventRun.data} was for this event. */
  readonly event?: unknown
}

/**
 * Answers one operation. `args` come from a script: check them. The result travels as JSON; a promise makes the run wait,
 * and its rejection is thrown into the script.
 */
export type ServiceOperation = (run: ServiceRun, args: unknown) => unknown

/** A command of Kamailio's RPC interface, such as `htable.dump`. Throws an Error whose message the caller sees. */
export type ServiceCommand = (parameters: readonly unknown[]) => unknown

/** How a party answered an offer of ours. */
export interface ReofferReply {
  readonly status: number
  readonly reason: string
  /** Its answer; of a 2xx. */
  readonly sdp?: string
}

/** The host's side of one module. Lives as long as the engine: what it knows survives a reload. */
export interface Service {
  /** Kamailio's name of the module. */
  readonly module: string
  /** What the module's builtins ask for, by name. */
  readonly operations?: Readonly<Record<string, ServiceOperation>>
  readonly commands?: Readonly<Record<string, ServiceCommand>>
  /**
   * Takes over the parameters of its module: before `start`, and after every reload. They have passed `checkParameters`.
   * `loaded`: the file loads the module, or a `.ts` names it.
   */
  configure?(parameters: readonly ModuleParameter[], loaded: boolean): void
  /** Fills tables and sets timers. No socket is read before it has ended. */
  start?(): void | Promise<void>
  /** A request came in whose route is about to run. */
  requestBegan?(context: RequestContext): void
  /** A reply to the request went upstream: a branch's, or one made here (then `reply` is undefined). */
  requestAnswered?(context: RequestContext, status: number, reason: string, reply: SipReply | undefined): void
  /** Changes to a reply of a branch before it goes upstream, whatever routes change. */
  replyEdits?(context: ReplyContext): readonly MessageEdit[] | undefined
  requestEnded?(context: RequestContext): void
  /** Whether this host counts as one of ours, beside listeners and aliases. Asked on the path of requests. */
  isOwnHost?(host: string): boolean
  callEnded?(call: CallSummary): void
  /** The relay ended the media of a call in which nothing flowed any more. */
  mediaTimedOut?(callId: string, reason: string): void
  /**
   * Offers the party of that tag another session within its call, and acknowledges its answer. Resolves to undefined where
   * the service follows no such call.
   */
  reoffer?(callId: string, tag: string, sdp: string): Promise<ReofferReply | undefined>
  /** An HTTP request came to a SIP port. One service has this. */
  httpRequest?(request: SipRequest, flow: Flow): void
  /** What hides the topology; asked after every `configure`. */
  mask?(): MessageMask | undefined
  /** A stream connection has gone. */
  flowClosed?(flow: Flow): void
  close?(): void | Promise<void>
}

/** An `event_route` to run. */
export interface EventRun {
  /** As it stands in brackets, such as `dispatcher:dst-down`. */
  readonly name: string
  /** Runs `route[route]` instead, for timers and tasks; `name` is then only for the log. */
  readonly route?: string
  /** The message of the run; a placeholder as Kamailio's own when absent. */
  readonly message?: SipMessage
  readonly flow?: Flow
  /** For the module's own pseudo-variables, see {@link ServiceRun.event}. */
  readonly data?: unknown
}

/** What a service may use of the engine. */
export interface ServiceHost {
  readonly clock: Clock
  readonly log: Log
  readonly ids: IdSource
  readonly store: Store
  /** Folder of the routing script: relative paths begin there. */
  readonly folder: string
  listeners(): readonly Listener[]
  isLocal(host: string, port: number | undefined, transport?: Transport): boolean
  /** Writes an answer to where the request came from. */
  respond(flow: Flow, request: SipRequest, wire: string): void
  /** The number by which calls are spread over workers, of a Call-ID. */
  callHash(callId: string): number
  /** Ends a stream connection after what is queued; a WebSocket is told code and reason. */
  finish(flow: Flow, code: number, reason: string): void
  /** Carries out an RPC command. Rejects with the reason. */
  command(name: string, parameters: readonly unknown[]): Promise<unknown>
  /** Sends a request of our own in a transaction of its own. Resolves with its final outcome, never rejects. */
  send(request: LocalRequest): Promise<LocalReply>
  /** Sends bytes that are no SIP message over UDP, without an answer; to a numeric address only. */
  datagram(to: { address: string; port: number; listener: number | undefined }, bytes: string): void
  /** Runs an event route of the active program, if it has it. Resolves to whether it ran to its end; never rejects. */
  event(event: EventRun): Promise<boolean>
  /** Runs an event route about a message that leaves; resolves to whether it said drop. Never rejects. */
  dropped(event: EventRun, to: Destination): Promise<boolean>
  hasEvent(name: string): boolean
  /**
   * Goes on with a request that `context.suspend()` left open: runs `route[name]` for it, flags, AVPs and changes kept.
   * Resolves when that has ended; false: the request is over, or the program has no such route.
   */
  continue(context: RequestContext, route: string): Promise<boolean>
}

/** Makes one service. */
export type ServiceFactory = (host: ServiceHost) => Service
