// Owns the operations that a script asks of the world: checks their arguments, and hands them to proxy, media, transport and log.
import type { RelaySpec, ReplySpec, RequestContext } from '../proxy/index.ts'
import type { HostOperation, HostOperations, HostOps } from '../script/index.ts'
import type { ServiceTable } from '../services/index.ts'
import { applyEdits, correctContentLength, parseMessage, SipRequest, UNBOUNDED_PARSE_LIMITS } from '../sip/index.ts'
import { type Transport, type TransportLayer, transportNamed } from '../transport/index.ts'
import { librarySpec, relaySpec, replySpec, text, wholeNumber, wrongArguments } from './host-arguments.ts'
import type { EngineLog, LogLevel } from './logger.ts'
import type { MediaServices } from './media-services.ts'
import type { RunSlot } from './run-slot.ts'
import type { RunTable, ScriptRun } from './script-run.ts'
import { socketNamed, socketText } from './socket-operations.ts'
import type { TransactionOperations } from './transaction-operations.ts'

export interface HostServicesOptions {
  readonly runs: RunTable
  readonly media: MediaServices
  /** Asked at each use: the transport is made after the host operations. */
  transport(): TransportLayer
  /** Asked at each use: services are made with the proxy. */
  services(): ServiceTable
  readonly slot: RunSlot
  readonly log: EngineLog
  readonly env: Readonly<Record<string, string | undefined>>
  readonly transactions: TransactionOperations
}

type Result<O extends HostOperation> = HostOperations[O]['result']

/** Answers host operations. A run that is over, or arguments that no builtin makes, are refused by a throw into the script. */
export class HostServices implements HostOps {
  readonly #options: HostServicesOptions

  constructor(options: HostServicesOptions) {
    this.#options = options
  }

  call<O extends HostOperation>(runId: number, op: O, args: HostOperations[O]['args']): Result<O> | Promise<Result<O>> {
    const result = this.#answer(runId, op, args) as Result<O> | Promise<Result<O>>
    return result instanceof Promise ? this.#resumed(runId, result) : result
  }

  /** What follows a wait is script too: it is announced again before the script goes on. */
  #resumed<T>(runId: number, result: Promise<T>): Promise<T> {
    const enter = () => {
      const run = this.#options.runs.get(runId)
      if (!run) return
      this.#options.slot.enter(run)
      setImmediate(() => this.#options.slot.leave())
    }
    return result.then(
      (value) => {
        enter()
        return value
      },
      (error: unknown) => {
        enter()
        throw error
      },
    )
  }

  #answer(runId: number, op: HostOperation, args: unknown): unknown {
    if (op === 'env') return this.#env(args)
    const run = this.#options.runs.get(runId)
    if (op === 'log') return this.#log(run, args)
    if (!run) throw new Error(`${op}: this run is over`)
    switch (op) {
      case 'relay':
        return this.#relay(
          requestOf(run, op),
          run.program.language === 'cfg' ? librarySpec(args as RelaySpec) : relaySpec(args),
        )
      case 'reply':
        // A reply of no transaction has no request that could be answered.
        if (run.kind === 'reply' && run.context === undefined) return -1
        return this.#reply(requestOf(run, op), replySpec(args))
      case 'newtran':
        return requestOf(run, op).newTransaction()
      case 'cancel':
        requestOf(run, op).cancelBranches(cancelChoice(args), run.branch ?? -1)
        return 1
      case 'transaction':
        return this.#options.transactions.answer(() => requestOf(run, op), args)
      case 'socket':
        return socketNamed(this.#options.transport(), text((args as { text?: unknown } | null)?.text, 'socket', 256))
      case 'socketText':
        return socketText(
          this.#options.transport(),
          wholeNumber((args as { id?: unknown } | null)?.id, 'listener', 0, 65_535),
        )
      case 'replyError':
        return this.#replyError(requestOf(run, op))
      case 'forceRport':
        requestOf(run, op).forceRport()
        return 1
      case 'rtp':
        return this.#options.media.operate(run, args)
      case 'local':
        return this.#local(args)
      case 'apply':
        return this.#apply(run, args)
      case 'service':
        return this.#service(run, args)
      case 'request':
        return run.context?.request.raw ?? null
      default:
        throw new Error(`there is no host operation ${String(op)}`)
    }
  }

  #relay(context: RequestContext, spec: RelaySpec): number | Promise<number> {
    return context.relay(spec)
  }

  #reply(context: RequestContext, spec: ReplySpec): number {
    return context.reply(spec)
  }

  #replyError(context: RequestContext): number {
    // Kamailio 5.6: without an error of tm, sl's own.
    const error = context.relayError ?? { status: 500, reason: "I'm terribly sorry, server error occurred (1/SL)" }
    return context.reply({ ...error, headers: '', body: '', mode: 'auto' })
  }

  #env(args: unknown): string | null {
    const name = text((args as { name?: unknown } | null)?.name, 'env name', 256)
    const { env } = this.#options
    return Object.hasOwn(env, name) ? (env[name] ?? null) : null
  }

  #log(run: ScriptRun | undefined, args: unknown): number {
    const { level, text: message } = (args ?? {}) as { level?: unknown; text?: unknown }
    const severity = levelOf(wholeNumber(level, 'log level', -5, 3))
    const { log } = this.#options
    if (!log.enabled(severity)) return 1
    const line = text(message, 'log text', 65_536).slice(0, 4096)
    const fields = run ? { callId: run.message.callId, script: true } : { script: true }
    log[severity](fields, printable(line))
    return 1
  }

  #local(args: unknown): number {
    const { host, port, proto } = (args ?? {}) as { host?: unknown; port?: unknown; proto?: unknown }
    const name = text(host, 'host', 256)
    const number = wholeNumber(port ?? 0, 'port', 0, 65_535)
    const transport: Transport | undefined = proto ? transportNamed(text(proto, 'proto', 8)) : undefined
    if (this.#options.transport().isLocal(name, number === 0 ? undefined : number, transport)) return 1
    return this.#options.services().isOwnHost(name) ? 1 : 0
  }

  #service(run: ScriptRun, given: unknown): unknown {
    const { module, operation, args } = (given ?? {}) as { module?: unknown; operation?: unknown; args?: unknown }
    const services = this.#options.services()
    return services.ask(run, text(module, 'module', 64), text(operation, 'operation', 64), args ?? null)
  }

  #apply(run: ScriptRun, args: unknown): number {
    const edits = relaySpec({ branches: [{ uri: '', edits: (args as { edits?: unknown } | null)?.edits, flags: 0 }] })
      .branches[0]!.edits
    const parsed = parseMessage(correctContentLength(applyEdits(run.message.raw, edits)), UNBOUNDED_PARSE_LIMITS)
    if (!parsed.ok) return -1
    // What is relayed from now on starts from the changed request.
    if (
      run.kind === 'request' &&
      parsed.message instanceof SipRequest &&
      requestOf(run, 'apply').replaceRequest(parsed.message) < 0
    )
      return -1
    run.message = parsed.message
    return 1
  }
}

/** What a reply route may do to the request that is being answered. */
const IN_REPLIES: ReadonlySet<string> = new Set(['cancel', 'transaction', 'reply'])

function requestOf(run: ScriptRun, op: string): RequestContext {
  const context = run.failure ?? run.context
  if (!context || (run.kind === 'reply' && !IN_REPLIES.has(op)))
    throw wrongArguments(`${op} has no request in this route`)
  return context
}

function cancelChoice(args: unknown): 'all' | 'others' | 'this' {
  const which = (args as { branches?: unknown } | null)?.branches
  return which === 'others' || which === 'this' ? which : 'all'
}

/** Kamailio's levels: L_ALERT -5, L_BUG -4, L_CRIT -3, L_ERR -1, L_WARN 0, L_NOTICE 1, L_INFO 2, L_DBG 3. */
function levelOf(level: number): LogLevel {
  if (level < 0) return 'error'
  if (level === 0) return 'warn'
  return level >= 3 ? 'debug' : 'info'
}

/** A script's text comes partly from the wire: no control character may reach a terminal or forge a line. */
function printable(line: string): string {
  return line
    .replace(/(?<![\r\n])[\r\n]+$/, '')
    .replace(/[\x00-\x08\x0a-\x1f\x7f-\x9f]/g, (c) => (c === '\n' || c === '\r' ? ' ' : '?'))
}
