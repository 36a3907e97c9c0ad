// Owns the isolate's end of the boundary: the globals that programs are evaluated against, and the entries that the host calls.

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
  startTime,
} from './runtime.ts'
import { setModuleConfig, setModuleParameters } from './settings.ts'
import { replyView, requestView } from './views.ts'
import { warmRoute } from './warm-up.ts'

/** What the host tells the guest before the program is evaluated. */
interface GuestOptions {
  readonly language: 'ts' | 'cfg'
  readonly runMillis: number
  readonly modparams: { module: string; name: string; value: string | number }[]
}

/** An end without edits travels as one number: `code * 4 + exit`. */
const EXIT_NUMBERS = { done: 0, exit: 1, drop: 2 } as const

let finish: (runId: number, outcome: string | number) => void = () => {}

function start(host: HostCall, finished: typeof finish, options: string): void {
  const { language, runMillis, modparams } = JSON.parse(options) as GuestOptions
  raiseGuards()
  attachHost(host)
  finish = finished
  setLanguage(language)
  // A program of the other language brings its own.
  if (language === 'ts') setInterpolation(interpolateFormat)
  setRunMillis(runMillis)
  setModuleParameters(modparams)
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

function outcomeOf(run: Run, result: unknown): string | number {
  settleState(run)
  // What falls off its end, or returns nothing that Kamailio knows, has returned 1.
  const code = typeof result === 'number' && Number.isInteger(result) ? result : result === false ? -1 : 1
  return encode(run, 'done', code)
}

function encode(run: Run, exit: keyof typeof EXIT_NUMBERS, code: number): string | number {
  if ((run.kind === 'reply' || run.kind === 'event') && run.edits.length > 0)
    return JSON.stringify({ exit, code, edits: run.edits })
  return code * 4 + EXIT_NUMBERS[exit]
}

function outcomeOfThrow(run: Run, thrown: unknown): string | number {
  settleState(run)
  if (thrown instanceof EndOfScript) return encode(run, thrown.exit, thrown.exit === 'drop' ? 0 : 1)
  return JSON.stringify({ error: describe(thrown) })
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
function enter(head: string, raw: string): string | number | undefined {
  const { runId, kind, name, transactionId, released, meta } = decodeHead(head)
  if (released !== '') releaseTransactions(released.split(',').map(Number))
  startTime()
  const run = new Run(runId, kind, name, raw, transactionId, meta)
  resumeRun(run)
  // The dry run of a new program must not leave its variables to the first message.
  const restore = runId === DRY_RUN && name !== WARM_ROUTE ? keepVariables() : undefined
  try {
    const route = name === WARM_ROUTE ? warmRoute(kind) : routeOf(kind, name)
    if (route === undefined)
      return JSON.stringify({ error: { name: 'Error', message: `There is no ${kind} route ${name}.`, stack: '' } })
    if (kind === 'failure') run.edits = run.state.requestEdits.slice()
    // A request that was suspended goes on with what its route had changed.
    else if (kind === 'request' && name !== '' && name !== WARM_ROUTE) resumeRequest(run)
    else if (kind === 'event' && run.transactionId !== 0) run.takeFailedBranch()
    else if (kind === 'event') beginEvent(name)
    const result = drive(route(kind === 'reply' ? replyView : requestView))
    if (!(result instanceof Pending)) return outcomeOf(run, result)
    result.when(
      (value) => finish(runId, outcomeOf(run, value)),
      (error) => finish(runId, outcomeOfThrow(run, error)),
    )
    return undefined
  } catch (error) {
    return outcomeOfThrow(run, error)
  } finally {
    restore?.()
  }
}

/** The host's answer to an operation that had to wait. */
function resume(opId: number, answer: string | number, error: string | undefined): void {
  startTime()
  settle(opId, answer, error)
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
/** For the host, which takes them and deletes this. */
global.__signalboxEntries = { start, enter, resume, abandon, described }
