// Owns the way from the proxy into the routing script and back: implements the proxy's Router over a program's runs.
import type { Clock } from '../clock.ts'
import { SignalboxError } from '../errors.ts'
import type {
  BranchFailure,
  CallSummary,
  FailureContext,
  ReplyContext,
  ReplyOutcome,
  RequestContext,
  RouteLanguage,
  Router,
  Sending,
} from '../proxy/index.ts'
import {
  kindNumber,
  ONSEND_ROUTE,
  type RouteProgram,
  type RunInput,
  type RunMeta,
  type RunOutcome,
} from '../script/index.ts'
import type { EventRun } from '../services/index.ts'
import {
  applyEdits,
  correctContentLength,
  type MessageEdit,
  parseMessage,
  type SipReply,
  SipRequest,
} from '../sip/index.ts'
import type { Flow } from '../transport/index.ts'
import type { EngineCounters } from './counters.ts'
import { errorReply } from './error-replies.ts'
import { LogBudget } from './log-budget.ts'
import type { EngineLog } from './logger.ts'
import { placeholderMessage } from './placeholder-message.ts'
import { branchFailureMeta, failureMeta, runMeta } from './run-meta.ts'
import type { RunSlot } from './run-slot.ts'
import type { RunTable, ScriptRun } from './script-run.ts'

/** Of each kind of trouble. */
const LINES_A_SECOND = 20

export interface ScriptRouterOptions {
  readonly clock: Clock
  /** The program that new requests get. */
  active(): RouteProgram
  /** Messages that no route is run for, byte by byte: an engine before this one died of them. */
  readonly fatal: ReadonlySet<string>
  readonly runs: RunTable
  readonly slot: RunSlot
  readonly counters: EngineCounters
  readonly log: EngineLog
  /** A request is over, after the program has been released. */
  /** Its route is about to run. */
  requestBegan(context: RequestContext): void
  requestAnswered(context: RequestContext, status: number, reason: string, reply: SipReply | undefined): void
  replyEdits(context: ReplyContext): readonly MessageEdit[] | undefined
  requestEnded(context: RequestContext): void
  callEnded(call: CallSummary): void
}

const PASS_REPLY: ReplyOutcome = { drop: false, edits: [] }

/** Both ends of a message that leaves. */
type Place = NonNullable<RunMeta['send']>

/** Each request keeps the program it began with, for its replies and failures too, until the proxy says that it is over. */
export class ScriptRouter implements Router {
  readonly #options: ScriptRouterOptions
  readonly #failures: LogBudget
  readonly #unanswered: LogBudget
  #messages = 0

  constructor(options: ScriptRouterOptions) {
    this.#options = options
    this.#failures = new LogBudget(options.clock, LINES_A_SECOND)
    this.#unanswered = new LogBudget(options.clock, LINES_A_SECOND)
  }

  language(): RouteLanguage {
    return this.#options.active().language
  }

  request(context: RequestContext): void | Promise<void> {
    if (this.#options.fatal.size > 0 && this.#options.fatal.has(context.request.raw)) {
      this.#answerError(context, new SignalboxError('ERR_SCRIPT', 'an earlier worker died of this message'))
      return
    }
    const program = this.#options.active()
    program.retain()
    context.program = program
    context.label = String(program.version)
    this.#options.requestBegan(context)
    const meta = runMeta(context.flow, context.id, context.transactionMatch ? 1 : 0, -1, ++this.#messages)
    const run = this.#begin('request', '', program, context.request, context.flow, context, undefined)
    const outcome = this.#enter(run, meta)
    const done = ({ exit }: RunOutcome) => {
      if (exit === 'drop') context.drop()
    }
    if (outcome instanceof Promise) return outcome.then(done)
    done(outcome)
  }

  reply(context: ReplyContext): ReplyOutcome | Promise<ReplyOutcome> {
    const more = context.context === undefined ? undefined : this.#options.replyEdits(context)
    const outcome = this.#routedReply(context)
    if (more === undefined) return outcome
    const join = (routed: ReplyOutcome): ReplyOutcome => ({ ...routed, edits: [...routed.edits, ...more] })
    return outcome instanceof Promise ? outcome.then(join) : join(outcome)
  }

  #routedReply(context: ReplyContext): ReplyOutcome | Promise<ReplyOutcome> {
    const request = context.context
    const program = request ? (request.program as RouteProgram) : this.#options.active()
    const name = context.onReply
    const named = name !== undefined && program.has('reply', name)
    // reply_route comes first, knows no transaction, and its changes stay on the reply (Kamailio 5.6: core before tm).
    if (!program.has('reply', '')) return named ? this.#namedReply(context, program, name) : PASS_REPLY
    const before = this.#coreReply(context, program)
    if (before instanceof Promise)
      return before.then((outcome) =>
        outcome.drop || !named ? outcome : this.#withNamed(outcome, context, program, name),
      )
    return before.drop || !named ? before : this.#withNamed(before, context, program, name)
  }

  failure(context: FailureContext, route: string): void | Promise<void> {
    const program = context.program as RouteProgram
    if (!program.has('failure', route)) return
    const run = this.#begin('failure', route, program, context.request, context.flow, context, context)
    const outcome = this.#enter(run, failureMeta(context, ++this.#messages))
    if (outcome instanceof Promise) return outcome.then(() => undefined)
  }

  branchFailure(context: RequestContext, failure: BranchFailure, route: string): void | Promise<void> {
    const program = context.program as RouteProgram
    const name = `tm:branch-failure:${route}`
    if (!program.has('event', name)) return
    const run = this.#begin('event', name, program, context.request, context.flow, context, undefined)
    const outcome = this.#enter(run, branchFailureMeta(context, failure, ++this.#messages))
    if (outcome instanceof Promise) return outcome.then(() => undefined)
  }

  watchesSending(context: RequestContext): boolean {
    return (context.program as RouteProgram | undefined)?.has('event', ONSEND_ROUTE) === true
  }

  sending(context: RequestContext, { hop, listener }: Sending): boolean {
    const program = context.program as RouteProgram
    const run = this.#begin('event', ONSEND_ROUTE, program, context.request, context.flow, context, undefined)
    const { transport: proto, address: toIp, port: toPort } = hop
    const send = { toIp, toPort, fromIp: listener.address, fromPort: listener.port, proto }
    try {
      const outcome = this.#enter(run, { ...runMeta(context.flow, 0, 0, -1, ++this.#messages), send })
      return outcome instanceof Promise || outcome.exit !== 'drop'
    } catch {
      // Logged and counted where it happened; the request goes as if there were no such route.
      return true
    }
  }

  /** Goes on with a suspended request in `route[name]`. Resolves when that has ended; false: there is nothing to go on with. */
  async continue(context: RequestContext, route: string): Promise<boolean> {
    const program = context.program as RouteProgram | undefined
    if (program === undefined || !program.has('request', route) || !context.resume()) return false
    const run = this.#begin('request', route, program, context.request, context.flow, context, undefined)
    try {
      await this.#enter(run, runMeta(context.flow, context.id, 0, -1, ++this.#messages))
      context.resumed('well')
    } catch {
      // Logged and counted where it happened.
      context.resumed('failed')
    }
    return true
  }

  /** Runs an event route of the active program. Resolves to whether it ran to its end; never rejects. */
  async event(event: EventRun, flow: Flow): Promise<boolean> {
    return (await this.#event(event, flow)) !== undefined
  }

  /** Runs an event route about a message that leaves for `send`; resolves to whether it said drop. */
  async dropped(event: EventRun, flow: Flow, send: Place): Promise<boolean> {
    return (await this.#event(event, flow, send))?.exit === 'drop'
  }

  /** What event_route[tm:local-request] makes of a request of our own; undefined: it is not sent. */
  async localRequest(request: SipRequest, flow: Flow): Promise<SipRequest | undefined> {
    const outcome = await this.#event({ name: 'tm:local-request', message: request }, flow)
    if (outcome?.exit === 'drop') return undefined
    if (outcome === undefined || outcome.edits.length === 0) return request
    const parsed = parseMessage(correctContentLength(applyEdits(request.raw, outcome.edits)))
    return parsed.ok && parsed.message instanceof SipRequest ? parsed.message : request
  }

  async #event(event: EventRun, flow: Flow, send?: Place): Promise<RunOutcome | undefined> {
    const program = this.#options.active()
    const [kind, name] =
      event.route === undefined ? (['event', event.name] as const) : (['request', event.route] as const)
    if (!program.has(kind, name)) return undefined
    program.retain()
    const run: ScriptRun = {
      id: this.#options.runs.nextId(),
      kind,
      name,
      program,
      message: event.message ?? placeholderMessage(),
      flow,
      context: undefined,
      failure: undefined,
      event: event.data,
    }
    this.#options.runs.add(run)
    try {
      const meta = runMeta(flow, 0, 0, -1, ++this.#messages)
      return await this.#enter(run, send === undefined ? meta : { ...meta, send })
    } catch {
      // Logged and counted where it happened: an event has nobody to tell.
      return undefined
    } finally {
      program.release()
    }
  }

  answered(context: RequestContext, status: number, reason: string, reply: SipReply | undefined): void {
    this.#options.requestAnswered(context, status, reason, reply)
  }

  ended(context: RequestContext): void {
    const program = context.program as RouteProgram | undefined
    if (program) {
      context.program = undefined
      program.releaseTransaction(context.id)
      program.release()
    }
    this.#options.requestEnded(context)
  }

  callEnded(call: CallSummary): void {
    this.#options.callEnded(call)
  }

  #coreReply(context: ReplyContext, program: RouteProgram): ReplyOutcome | Promise<ReplyOutcome> {
    const run = this.#begin('reply', '', program, context.reply, context.flow, context.context, undefined)
    const outcome = this.#enter(run, runMeta(context.flow, 0, 0, context.branch, ++this.#messages))
    const settle = ({ exit, code, edits }: RunOutcome): ReplyOutcome => {
      // Kamailio 5.6: `drop` and `return 0` suppress the reply, a negative return too, `exit` forwards it.
      const refused = program.language === 'cfg' && exit === 'done' && code <= 0
      return { drop: exit === 'drop' || refused, edits }
    }
    return outcome instanceof Promise ? outcome.then(settle) : settle(outcome)
  }

  #namedReply(context: ReplyContext, program: RouteProgram, name: string): ReplyOutcome | Promise<ReplyOutcome> {
    const run = this.#begin(
      'reply',
      name,
      program,
      context.reply,
      context.flow,
      context.context,
      undefined,
      context.branch,
    )
    const id = context.context?.id ?? 0
    const outcome = this.#enter(run, runMeta(context.flow, id, 0, context.branch, ++this.#messages))
    // A final reply always goes on: the caller would wait for ever without it.
    const settle = ({ exit, edits }: RunOutcome): ReplyOutcome => ({
      drop: exit === 'drop' && context.reply.status < 200,
      edits,
    })
    return outcome instanceof Promise ? outcome.then(settle) : settle(outcome)
  }

  #withNamed(
    before: ReplyOutcome,
    context: ReplyContext,
    program: RouteProgram,
    name: string,
  ): ReplyOutcome | Promise<ReplyOutcome> {
    const outcome = this.#namedReply(context, program, name)
    const join = (named: ReplyOutcome): ReplyOutcome => ({ drop: named.drop, edits: [...before.edits, ...named.edits] })
    return outcome instanceof Promise ? outcome.then(join) : join(outcome)
  }

  #begin(
    kind: ScriptRun['kind'],
    name: string,
    program: RouteProgram,
    message: ScriptRun['message'],
    flow: ScriptRun['flow'],
    context: RequestContext | undefined,
    failure: FailureContext | undefined,
    branch = -1,
  ): ScriptRun {
    const id = this.#options.runs.nextId()
    const run: ScriptRun = { id, kind, name, program, message, flow, context, failure, branch }
    this.#options.runs.add(run)
    return run
  }

  /** Enters the program; what goes wrong there is logged and counted, and thrown on to the proxy, which answers 500. */
  #enter(run: ScriptRun, meta: RunMeta): RunOutcome | Promise<RunOutcome> {
    const { runs, slot, counters } = this.#options
    const input: RunInput = {
      runId: run.id,
      kind: run.kind,
      name: run.name,
      raw: run.message.raw,
      message: run.message,
      meta,
    }
    counters.runs[kindNumber(run.kind)]!.value++
    let outcome: RunOutcome | Promise<RunOutcome>
    slot.enter(run)
    try {
      outcome = run.program.run(input)
    } catch (error) {
      runs.delete(run.id)
      this.#failed(run, error)
      throw error
    } finally {
      slot.leave()
    }
    if (!(outcome instanceof Promise)) {
      runs.delete(run.id)
      return outcome
    }
    return outcome.then(
      (result) => {
        runs.delete(run.id)
        return result
      },
      (error: unknown) => {
        runs.delete(run.id)
        this.#failed(run, error)
        throw error
      },
    )
  }

  #failed(run: ScriptRun, error: unknown): void {
    const { counters, log } = this.#options
    const code = error instanceof SignalboxError ? error.code : 'ERR_SCRIPT'
    counters.scriptErrors.add({ code })
    const leftOut = this.#failures.take()
    if (leftOut === undefined) return
    log.error(
      {
        callId: run.message.callId,
        code,
        program: run.program.version,
        route: run.name === '' ? run.kind : `${run.kind}[${run.name}]`,
        error: error instanceof Error ? error.message : String(error),
        ...(leftOut > 0 ? { leftOut } : {}),
      },
      awaitsAnswer(run) ? 'a route failed; its message gets 500' : 'a route failed',
    )
  }

  #answerError(context: RequestContext, error: SignalboxError): void {
    const { status, reason, headers } = errorReply(error)
    context.reply({ status, reason, headers, body: '', mode: 'auto' })
  }

  unanswered(context: RequestContext): void {
    const { method } = context.request
    // A CANCEL without its INVITE needs no answer from a .cfg.
    if (method === 'CANCEL') return
    const { log } = this.#options
    const leftOut = log.enabled('info') ? this.#unanswered.take() : undefined
    if (leftOut !== undefined)
      log.info(
        {
          ...(leftOut > 0 ? { leftOut } : {}),
          callId: context.request.callId,
          method,
          uri: context.request.requestUri,
          source: context.flow.remoteAddress,
        },
        'the route neither relayed nor answered',
      )
  }
}

/** Whether the proxy answers for the route of that run: the request is neither relayed nor answered, and may be. */
function awaitsAnswer({ kind, context }: ScriptRun): boolean {
  if (kind !== 'request' || context === undefined || context.request.method === 'ACK') return false
  return !context.transactionMatch && !context.relayed && !context.replied
}
