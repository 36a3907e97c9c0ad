// Owns a program that runs in the engine's own heap: that of a `.cfg`, which is put together from the library's functions and can name nothing else.
import { compileFunction, Script } from 'node:vm'
import type { HostOperation, RouteKind, RunEnd, RunMeta } from '../../stdlib/contract.ts'
import { SignalboxError } from '../errors.ts'
import * as sip from '../sip/index.ts'
import { GUEST_FILE, type GuestBundle, libraryCode } from './guest-bundle.ts'
import type { RunInput } from './program.ts'
import {
  type GuestCall,
  type HomeOptions,
  type HomeSettings,
  ProgramFailure,
  type ProgramHome,
} from './program-home.ts'

/** The entries that stdlib/guest.ts leaves for the host. */
interface Entries {
  startBeside(call: GuestCall, finished: HomeOptions['finished'], settings: HomeSettings): void
  enterBeside(runId: number, kind: RouteKind, name: string, message: sip.SipMessage, meta: RunMeta): RunEnd | undefined
  resumeBeside(opId: number, answer: unknown, error: string | undefined): void
  releaseTransactions(ids: readonly number[]): void
  abandon(runId: number): void
  described(): string
}

/** What the library puts on its globalThis. */
interface LibraryScope {
  __signalbox?: unknown
  __signalboxEntries?: Entries
}

type Library = (sip: unknown, scope: LibraryScope) => void

/** One compilation for all programs: what V8 knows of the code stays when a program is replaced. */
const libraries = new WeakMap<GuestBundle, Library>()

function libraryOf(bundle: GuestBundle): Library {
  let library = libraries.get(bundle)
  if (library === undefined) {
    library = new Script(libraryCode(bundle), { filename: GUEST_FILE }).runInThisContext() as Library
    libraries.set(bundle, library)
  }
  return library
}

/** Names of the engine that an emitted program has no use for: a fault of the emitter must not reach them. */
const ABSENT = ['global', 'process', 'require', 'Function', 'WebAssembly', 'fetch']

/** A program with a library of its own. Throws {@link ProgramFailure} when it does not load. */
export class ProgramRealm implements ProgramHome {
  readonly #entries: Entries
  disposed = false

  constructor(options: HomeOptions) {
    const scope: LibraryScope = {}
    libraryOf(options.bundle)(sip, scope)
    this.#entries = scope.__signalboxEntries!
    this.#entries.startBeside(copying(options.call), options.finished, options.settings)
    this.#guarded(() => {
      const program = compileFunction(options.code, ['globalThis', ...ABSENT], { filename: options.codeFile })
      program(Object.freeze({ __signalbox: scope.__signalbox }))
    })
  }

  enter({ runId, kind, name, raw, message, meta }: RunInput, released: readonly number[]): RunEnd | undefined {
    if (released.length > 0) this.#entries.releaseTransactions(released)
    return this.#entries.enterBeside(runId, kind, name, message ?? parsed(raw), meta)
  }

  resume(opId: number, answer: unknown, error: string | undefined): void {
    this.#guarded(() => this.#entries.resumeBeside(opId, given(answer), error))
  }

  abandon(runId: number): void {
    this.#entries.abandon(runId)
  }

  described(): string {
    return this.#guarded(() => this.#entries.described())
  }

  /** Part of the engine's. */
  heapBytes(): number {
    return 0
  }

  dispose(): void {
    this.disposed = true
  }

  #guarded<T>(entry: () => T): T {
    try {
      return entry()
    } catch (error) {
      // An operation of the host that throws is the host's error.
      if (error instanceof SignalboxError) throw error
      const { message, stack } = error instanceof Error ? error : { message: String(error), stack: '' }
      throw new ProgramFailure('error', message, stack ?? '')
    }
  }
}

/** Services keep and give out objects of their own: what they are asked and what they answer is copied, as at the border of an isolate. */
function copying(call: GuestCall): GuestCall {
  return (runId, opId, name: HostOperation, args) => {
    const answer = call(runId, opId, name, name === 'service' ? copy(args) : args)
    return given(answer)
  }
}

function given(answer: unknown): unknown {
  return typeof answer === 'object' ? copy(answer) : answer
}

function copy(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value ?? null))
}

function parsed(raw: string): sip.SipMessage {
  const result = sip.parseMessage(raw, sip.UNBOUNDED_PARSE_LIMITS)
  if (result.ok) return result.message
  throw new SignalboxError('ERR_SCRIPT', `the message of this run does not parse: ${result.reason}`)
}
