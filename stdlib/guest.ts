// Owns the library's end of the boundary: the globals that programs are evaluated against, and the entries that the host calls.

import type { MessageEdit, SipMessage } from '../src/sip/index.ts'
import type { RouteKind, RunEnd, RunMeta } from './contract.ts'

import * as dsl from './dsl-runtime.ts'
import { beginEvent } from './event-preludes.ts'
import { raiseGuards } from './guards.ts'
import * as api from './index.ts'
import {
  definedConfig,
  definedProgram,
  type ProgramDefinition,
  type RouteBlocks,
  routeOf,
  setProgram,
} from './program-table.ts'
import { bindFormat, keepVariables, PvSyntaxError } from './pseudo-variables.ts'
import { builtins } from './registry.ts'
import { decodeHead, WARM_ROUTE } from './run-head.ts'
import {
  abandon,
  attachHost,
  drive,
  EndOfScript,
  type HostCall,
  Pending,
  Run,
  releaseTransactions,
  resumeRun,
  setInterpolation,
  setLanguage,
  setRunMillis,
  settle,
  settleState,
  startEntry,
} from './runtime.ts'
import { setModuleConfig, setModuleParameters } from './settings.ts'
import { replyView, requestView } from './views.ts'
import { warmRoute } from './warm-up.ts'

/** What the host tells the guest before the program is evaluated. */
interface GuestOptions {
  readonly language: 'ts' | 'cfg'
  readonly runMillis: number
  readonly modparams: readonly { readonly module: string; readonly name: string; readonly value: string | number }[]
}

/** An end without edits travels as one number: `code * 4 + exit`. */
const EXIT_NUMBERS = { done: 0, exit: 1, drop: 2 } as const

let finish: (runId: number, end: RunEnd) => void = () => {}

/** In the host's own heap: everything crosses as it is. */
function startBeside(host: HostCall, finished: typeof finish, { language, runMillis, modparams }: GuestOptions): void {
  attachHost(host)
  finish = finished
  setLanguage(language)
  // A program of the other language brings its own.
  if (language === 'ts') setInterpolation(interpolateFormat)
  setRunMillis(runMillis)
  setModuleParameters(modparams)
}

/** The host's side of an operation seen from an isolate: a JSON text, a number, or undefined when the answer comes later. */
type TextCall = (runId: number, opId: number, name: string, args: string) => string | number | undefined

/** In an isolate: texts and numbers cross. */
function start(host: TextCall, finished: (runId: number, outcome: string | number) => void, options: string): void {
  raiseGuards()
  startBeside(
    (runId, opId, name, args) => {
      const answer = host(runId, opId, name, args === null ? '' : JSON.stringify(args))
      return typeof answer === 'string' ? JSON.parse(answer) : answer
    },
    (runId, end) => finished(runId, encode(end)),
    JSON.parse(options),
  )
}

const MOST_FORMATS = 1000
const formats = new Map<string, () => string>()

/** Pseudo-variables in the log formats of a TypeScript route; what is none stays as it stands. */
function interpolateFormat(format: string): string {
  let read = formats.get(format)
  if (read === undefined) {
    try {
      read = bindFormat(format)
    } catch (error) {
      if (!(error instanceof PvSyntaxError)) throw error
      read = () => format
    }
    if (formats.size < MOST_FORMATS) formats.set(format, read)
  }
  return read()
}

const NO_EDITS: MessageEdit[] = []

function endOf(run: Run, result: unknown): RunEnd {
  settleState(run)
  // What falls off its end, or returns nothing that Kamailio knows, has returned 1.
  const code = typeof result === 'number' && Number.isInteger(result) ? result : result === false ? -1 : 1
  return { exit: 'done', code, edits: changesOf(run) }
}

/** What a reply or an event route changed; changes of a request leave with its relay. */
function changesOf(run: Run): MessageEdit[] {
  return run.kind === 'reply' || run.kind === 'event' ? run.edits : NO_EDITS
}

function endOfThrow(run: Run, thrown: unknown): RunEnd {
  settleState(run)
  if (thrown instanceof EndOfScript)
    return { exit: thrown.exit, code: thrown.exit === 'drop' ? 0 : 1, edits: changesOf(run) }
  return { thrown: describe(thrown) }
}

function encode(end: RunEnd): string | number {
  if ('thrown' in end) return JSON.stringify({ error: end.thrown })
  const { exit, code, edits } = end
  return edits.length > 0 ? JSON.stringify(end) : code * 4 + EXIT_NUMBERS[exit]
}

function describe(thrown: unknown): { name: string; message: string; stack: string } {
  if (thrown instanceof Error) {
    return { name: String(thrown.name), message: String(thrown.message), stack: String(thrown.stack ?? '') }
  }
  return { name: 'Thrown', message: String(thrown), stack: '' }
}

/** The run that warms a program; messages have runs from 1 on. */
const DRY_RUN = 0

function resumeRequest(run: Run): void {
  run.state.suspended = false
  run.edits = run.state.requestEdits
}

/** Makes a run. Undefined: it waits, and `finish` will be called. */
function begin(run: Run): RunEnd | undefined {
  const { id, kind, name } = run
  startEntry(run.raw.length)
  resumeRun(run)
  // The dry run of a new program must not leave its variables to the first message.
  const restore = id === DRY_RUN && name !== WARM_ROUTE ? keepVariables() : undefined
  try {
    const route = name === WARM_ROUTE ? warmRoute(kind) : routeOf(kind, name)
    if (route === undefined)
      return {
        thrown: {
          name: 'Error',
          message: name === '' ? `There is no ${kind} route.` : `There is no ${kind} route ${name}.`,
          stack: '',
        },
      }
    if (kind === 'failure') run.edits = run.state.requestEdits.slice()
    // A request that was suspended goes on with what its route had changed.
    else if (kind === 'request' && name !== '' && name !== WARM_ROUTE) resumeRequest(run)
    else if (kind === 'event' && run.transactionId !== 0) run.takeFailedBranch()
    else if (kind === 'event') beginEvent(name)
    const result = drive(route(kind === 'reply' ? replyView : requestView))
    if (!(result instanceof Pending)) return endOf(run, result)
    result.when(
      (value) => finish(id, endOf(run, value)),
      (error) => finish(id, endOfThrow(run, error)),
    )
    return undefined
  } catch (error) {
    return endOfThrow(run, error)
  } finally {
    restore?.()
  }
}

/** From outside the isolate, see run-head.ts. */
function enter(head: string, raw: string): string | number | undefined {
  const { runId, kind, name, transactionId, released, meta } = decodeHead(head)
  if (released !== '') releaseTransactions(released.split(',').map(Number))
  const end = begin(new Run(runId, kind, name, raw, transactionId, meta))
  return end === undefined ? undefined : encode(end)
}

/** From the same heap: the message as it was parsed there. */
function enterBeside(
  runId: number,
  kind: RouteKind,
  name: string,
  message: SipMessage,
  meta: RunMeta,
): RunEnd | undefined {
  return begin(new Run(runId, kind, name, message.raw, meta.transactionId, meta, undefined, message))
}

/** The host's answer to an operation that had to wait. */
function resumeBeside(opId: number, answer: unknown, error: string | undefined): void {
  startEntry(0)
  settle(opId, answer, error)
}

function resume(opId: number, answer: string | number, error: string | undefined): void {
  resumeBeside(opId, typeof answer === 'string' ? JSON.parse(answer) : answer, error)
}

/** A TypeScript module's exports as a program. */
function collect(exports: Readonly<Record<string, unknown>>): void {
  const blocks = (name: string): Record<string, RouteBlocks[string]> => {
    const value = exports[name]
    if (value === undefined) return {}
    if (typeof value !== 'object' || value === null) throw new TypeError(`${name} must be an object of functions.`)
    for (const [key, route] of Object.entries(value)) {
      if (typeof route !== 'function') throw new TypeError(`${name}.${key} must be a function.`)
    }
    return value as Record<string, RouteBlocks[string]>
  }
  const unnamed = (name: string): Record<string, RouteBlocks[string]> => {
    const value = exports[name]
    if (value === undefined) return {}
    if (typeof value !== 'function') throw new TypeError(`${name} must be a function.`)
    return { '': value as RouteBlocks[string] }
  }
  const known = [
    'request_route',
    'reply_route',
    'onreply_route',
    'failure_route',
    'branch_route',
    'event_route',
    'config',
  ]
  const routes = Object.keys(exports).find((name) => name.endsWith('_route') && !known.includes(name))
  if (routes !== undefined)
    throw new TypeError(`There is no route kind ${routes}; known are ${known.slice(0, -1).join(', ')}.`)
  define(
    {
      request: unnamed('request_route'),
      reply: { ...blocks('onreply_route'), ...unnamed('reply_route') },
      failure: blocks('failure_route'),
      branch: blocks('branch_route'),
      event: blocks('event_route'),
    },
    exports.config,
  )
}

function define(definition: ProgramDefinition, config?: unknown): void {
  setModuleConfig((config as { modules?: unknown } | undefined)?.modules)
  setProgram(definition, config)
}

/** What the program turned out to be: its blocks by kind, and its configuration, as JSON. */
function described(): string {
  const program = definedProgram()
  if (program === undefined) throw new Error('The script defined no program.')
  const names = Object.fromEntries(Object.entries(program).map(([kind, blocks]) => [kind, Object.keys(blocks ?? {})]))
  return JSON.stringify({ names, config: definedConfig() ?? null })
}

// The engine of patterns fills its tables at its first use: here, so that they lie in the snapshot that isolates begin with.
dsl.regex('^(a|b)[0-9]{1,3}[^c].+$')

const raw: Record<string, (...args: never[]) => unknown> = {}
for (const [name, builtin] of builtins()) raw[name] = builtin.run

const global = globalThis as unknown as Record<string, unknown>
/** For programs: `define`, and what emitted code calls. `builtins` go by Kamailio name and give raw codes. */
global.__signalbox = Object.freeze({ define, collect, api, builtins: Object.freeze(raw), dsl })
/** For the host, which takes them and deletes this: those of an isolate, or those of a program beside it. */
global.__signalboxEntries = {
  start,
  enter,
  resume,
  startBeside,
  enterBeside,
  resumeBeside,
  releaseTransactions,
  abandon,
  described,
}
