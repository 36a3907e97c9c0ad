// Owns the run under way in a program: its message, its edits, its way to the host, and how a script ends it.
import {
  type MessageEdit,
  parseMessage,
  type SipMessage,
  type SipReply,
  SipRequest,
  UNBOUNDED_PARSE_LIMITS,
} from '../src/sip/index.ts'
import type { HostOperation, HostOperations, RouteKind, RunMeta } from './contract.ts'
import { Pending } from './pending.ts'
import { decodeMeta } from './run-meta.ts'
import { checkLength, LONGEST_TEXT, startTexts, TextBoundError } from './text-bounds.ts'
import { Target, TransactionState } from './transaction-state.ts'

export { after, drive, Pending, toPromise } from './pending.ts'
export { Target, TransactionState } from './transaction-state.ts'

/** Thrown to end a script. One object each, so that ending costs no stack trace. */
export class EndOfScript {
  readonly exit: 'exit' | 'drop'
  constructor(exit: 'exit' | 'drop') {
    this.exit = exit
  }
}
export const EXIT = new EndOfScript('exit')
export const DROP = new EndOfScript('drop')

/** More changes than this are no message any more. */
const MOST_EDITS = 10_000

function insertedBy(edits: readonly MessageEdit[]): number {
  return edits.reduce((sum, { text }) => sum + text.length, 0)
}

/** One run of one route block over one message. */
export class Run {
  readonly id: number
  readonly kind: RouteKind
  /** Name of the route block, '' for request_route and reply_route. */
  readonly name: string
  /** Changes to the message, on offsets of `raw`. Readers do not see them until msg_apply_changes. */
  edits: MessageEdit[] = []
  /** Flags that last until the script ends (setsflag). */
  scriptFlags = 0
  /** setdebug: log lines of the script above this level are left out. */
  logLevel: number | undefined
  /** `$rc`: the raw code of the last call. */
  lastCode = 1
  /** branch: the target that the block decides about. */
  branchTarget: Target | undefined
  /** The index of the branch, see RunMeta.branch. */
  branch: number
  #raw: string
  #message: SipMessage | undefined
  #state: TransactionState | undefined
  #meta: RunMeta | string
  /** Characters of the edits made so far, those taken back too. */
  #inserted = 0
  readonly #transactionId: number
  /** Of a reply: the request that it answers, null until asked for. */
  #answered: SipRequest | undefined | null = null

  constructor(
    id: number,
    kind: RouteKind,
    name: string,
    raw: string,
    transactionId: number,
    meta: RunMeta | string,
    of?: { parent: Run; target: Target; branch: number },
    message?: SipMessage,
  ) {
    this.id = id
    this.kind = kind
    this.name = name
    this.#raw = raw
    this.#transactionId = transactionId
    this.#meta = meta
    this.branchTarget = of?.target
    this.branch = of ? of.branch : -1
    this.#message = message
    if (of) {
      this.#message = of.parent.message
      this.#state = of.parent.state
      this.scriptFlags = of.parent.scriptFlags
    }
  }

  get raw(): string {
    return this.#raw
  }

  get transactionId(): number {
    return this.#transactionId
  }

  get meta(): RunMeta {
    if (typeof this.#meta === 'string') this.#meta = decodeMeta(this.#meta)
    return this.#meta
  }

  /** Corrects what the run knows of where its message came from. */
  overrideMeta(changes: Partial<RunMeta>): void {
    this.#meta = { ...this.meta, ...changes }
  }

  get message(): SipMessage {
    if (this.#message === undefined) {
      const parsed = parseMessage(this.#raw, UNBOUNDED_PARSE_LIMITS)
      if (!parsed.ok) throw new Error(`The message of this run does not parse: ${parsed.reason}`)
      this.#message = parsed.message
    }
    return this.#message
  }

  /** The request of the run; in a reply route, the request that was answered, when the transaction is known. */
  get request(): SipRequest | undefined {
    const message = this.message
    if (message instanceof SipRequest) return message
    // Kept by the host: a copy here would weigh on every transaction.
    if (this.#answered === null) {
      const raw = this.#transactionId === 0 ? null : opNow('request', null)
      const parsed = raw === null ? undefined : parseMessage(raw, UNBOUNDED_PARSE_LIMITS)
      this.#answered = parsed?.ok && parsed.message instanceof SipRequest ? parsed.message : undefined
    }
    return this.#answered
  }

  get reply(): SipReply | undefined {
    const message = this.message
    return message instanceof SipRequest ? undefined : (message as SipReply)
  }

  /** What is kept between the runs of one transaction. */
  get state(): TransactionState {
    if (this.#state === undefined) {
      this.#state = states.get(this.#transactionId)
      if (this.#state === undefined) {
        this.#state = new TransactionState()
        if (this.#transactionId !== 0) states.set(this.#transactionId, this.#state)
      }
      if (this.kind === 'request' || this.kind === 'failure')
        this.#state.attach(this.message as SipRequest, this.kind, this.meta.branch)
      else if (this.kind === 'event' && this.#state.request === undefined && this.message instanceof SipRequest)
        this.#state.attach(this.message, 'request', this.meta.branch)
    }
    return this.#state
  }

  /** The state, if the run has asked for it. */
  get reachedState(): TransactionState | undefined {
    return this.#state
  }

  /** Records a change to the message. Throws a TextBoundError when there are more than any message has. */
  addEdit(change: MessageEdit): void {
    const { edits } = this
    this.#inserted += change.text.length
    if (this.#inserted > LONGEST_TEXT) checkLength((this.#inserted = insertedBy(edits) + change.text.length))
    if (edits.length >= MOST_EDITS)
      throw new TextBoundError(`the run has made more than ${MOST_EDITS} changes to its message`)
    edits.push(change)
  }

  /** The target that `$ru` and `$du` mean here: the branch's own in a branch route, none in a reply route. */
  get target(): Target | undefined {
    if (this.branchTarget) return this.branchTarget
    return this.kind === 'reply' ? undefined : this.state.target
  }

  /** The failure of one branch: `$ru` and `$du` are that branch's. */
  takeFailedBranch(): void {
    const { branchUri, branchNextHop = '', branch } = this.meta
    if (branchUri === undefined) return
    this.branch = branch
    this.branchTarget = new Target(branchUri)
    this.branchTarget.nextHop = branchNextHop
    this.branchTarget.branchFlags = this.state.sentFlags?.[branch] ?? 0
    this.edits = this.state.requestEdits.slice()
  }

  /** Makes `raw` the message of the run, edits so far having gone into it. */
  replaceMessage(raw: string, edits: MessageEdit[]): void {
    this.#raw = raw
    this.#message = undefined
    // Offsets of later edits are those of the message as parsed: a bare LF that the script wrote is a CRLF there.
    this.#raw = this.message.raw
    this.edits = edits
    if (this.#state && this.message instanceof SipRequest) this.#state.request = this.message
  }
}

const states = new Map<number, TransactionState>()

let current: Run | undefined

/** The run that the calling code belongs to. */
export function currentRun(): Run {
  if (current === undefined) throw new Error('No message is being handled: builtins act on the message of a run.')
  return current
}

/** The level that setdebug has set for the run, when there is a run and it has. */
export function runningLogLevel(): number | undefined {
  return current?.logLevel
}

/** Runs `body` as `run`, then goes back to the run before. */
export function within<T>(run: Run | undefined, body: () => T): T {
  const before = current
  current = run
  try {
    return body()
  } finally {
    current = before
  }
}

/** Makes `run` the current one until the next call; for continuations that follow in the same entry. */
export function resumeRun(run: Run | undefined): void {
  current = run
}

/** A run is over: the state of its transaction gives up what no later run needs. */
export function settleState(run: Run): void {
  const { transactionId, kind } = run
  if (kind !== 'request' && kind !== 'failure') {
    if (transactionId !== 0) run.reachedState?.outlive()
    return
  }
  const state = states.get(transactionId)
  if (state === undefined) return
  if (!state.settle()) forget(transactionId, state)
  else if (!state.outlive())
    opNow('log', {
      level: -1,
      text: 'transactions keep more values than there is room for: those of this one are gone',
    })
}

function forget(id: number, state: TransactionState): void {
  state.release()
  states.delete(id)
}

/** Forgets what was kept for transactions that have ended. */
export function releaseTransactions(ids: readonly number[]): void {
  for (const id of ids) {
    const state = states.get(id)
    if (state !== undefined) forget(id, state)
  }
}

export function keptTransactions(): number {
  return states.size
}

/** The host's side of {@link op}; undefined: the answer comes later. */
export type HostCall = (runId: number, opId: number, name: HostOperation, args: unknown) => unknown

let host: HostCall = () => {
  throw new Error('No host is attached.')
}
let opCounter = 0
const waiting = new Map<number, { pending: Pending<unknown>; run: Run | undefined }>()

export function attachHost(call: HostCall): void {
  host = call
}

/** Asks the host for something of the world. */
export function op<O extends HostOperation>(
  name: O,
  args: HostOperations[O]['args'],
): HostOperations[O]['result'] | Pending<HostOperations[O]['result']> {
  const opId = ++opCounter
  const answer = host(current === undefined ? 0 : current.id, opId, name, args)
  if (answer !== undefined) return answer as HostOperations[O]['result']
  const pending = new Pending<HostOperations[O]['result']>()
  waiting.set(opId, { pending: pending as Pending<unknown>, run: current })
  return pending
}

/** As {@link op}, for an operation that the host never delays. */
export function opNow<O extends HostOperation>(name: O, args: HostOperations[O]['args']): HostOperations[O]['result'] {
  const answer = op(name, args)
  if (answer instanceof Pending) throw new Error(`The host delayed ${name}, which has to be answered at once.`)
  return answer
}

/** The host's answer to a delayed {@link op}. */
export function settle(opId: number, answer: unknown, error: string | undefined): void {
  const entry = waiting.get(opId)
  if (entry === undefined) return
  waiting.delete(opId)
  current = entry.run
  if (error !== undefined) entry.pending.fail(new Error(error))
  else entry.pending.settle(answer)
}

/** Drops what a run that is over still waits for. */
export function abandon(runId: number): void {
  for (const [opId, entry] of waiting) if (entry.run?.id === runId) waiting.delete(opId)
}

/** Replaces the pseudo-variables in a text. */
export type Interpolate = (format: string) => string

let interpolation: Interpolate = (format) => format
let programLanguage: 'ts' | 'cfg' = 'ts'

export function setInterpolation(interpolate: Interpolate): void {
  interpolation = interpolate
}

export function setLanguage(language: 'ts' | 'cfg'): void {
  programLanguage = language
}

export function language(): 'ts' | 'cfg' {
  return programLanguage
}

export function interpolate(format: string): string {
  return interpolation(format)
}

/** In a `.cfg` they count in the replacement of an expression too; a `.ts` has templates, whose values must not be read again. */
export function interpolateReplacement(text: string): string {
  return programLanguage === 'cfg' ? interpolation(text) : text
}

let runMillis = 50
let deadline = 0
let ticks = 0

export function setRunMillis(milliseconds: number): void {
  runMillis = milliseconds
}

/** Starts what an entry may use: its time, which costs nothing until {@link tick} asks, and its texts. */
export function startEntry(message: number): void {
  startTexts(message)
  deadline = 0
  ticks = 0
}

/** Called once a loop turn and route call of a `.cfg`: throws when the run has used up its time. */
export function tick(): void {
  if ((++ticks & 63) !== 0) return
  const now = Date.now()
  if (deadline === 0) deadline = now + runMillis
  else if (now > deadline) throw new RunTimeout(runMillis)
}

/** A run that noticed by itself that its time is up. */
export class RunTimeout extends Error {
  constructor(milliseconds: number) {
    super(`the run took longer than its time; it was stopped after ${milliseconds} ms`)
    this.name = 'RunTimeout'
  }
}
