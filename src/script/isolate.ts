// Owns the V8 isolate that a program runs in: the one file that imports isolated-vm.
import ivm from 'isolated-vm'
import { SignalboxError } from '../errors.ts'
import { GUEST_FILE } from './guest-bundle.ts'

/** How the host answers the guest: JSON text, a number, or undefined when it will answer later. */
export type GuestCall = (runId: number, opId: number, name: string, args: string) => string | number | undefined

export interface IsolateOptions {
  /** The guest bundle, see guest-bundle.ts. */
  readonly bundle: string
  readonly megabytes: number
  /** The program's code and the name it has in stack traces. */
  readonly code: string
  readonly codeFile: string
  /** GuestOptions of stdlib/guest.ts, as JSON. */
  readonly options: string
  /** Limit on evaluating the program, milliseconds. */
  readonly loadMillis: number
  readonly call: GuestCall
  /** A run that had to wait has ended. */
  readonly finished: (runId: number, outcome: string | number) => void
}

/** Why an entry ended without an answer. */
export type IsolateFailure = 'timeout' | 'memory' | 'error'

/** What V8 made of an entry: thrown with the guest's stack. */
export class IsolateError extends Error {
  readonly failure: IsolateFailure
  /** The stack inside the isolate. */
  readonly guestStack: string
  constructor(failure: IsolateFailure, message: string, guestStack: string) {
    super(message)
    this.failure = failure
    this.guestStack = guestStack
  }
}

type Entry = ivm.Reference<(...args: never[]) => unknown>

/** What loading every program calls: run once before the snapshot is taken, so that the code of it lies compiled in the heap. */
const WARM_UP = `{
  const dsl = __signalbox.dsl
  dsl.regex('^(a|b)[0-9]{1,3}[^c].+$')
  dsl.pv('$fu')
  dsl.pv('$(hdr(X)[0]{s.substr,1,2})')
  dsl.setter('$avp(a)')
  dsl.builtin('is_method')
  dsl.oldCondition('uri', '==', { kind: 'myself' })
}`

const snapshots = new Map<string, ivm.ExternalCopy<ArrayBuffer>>()

/** The heap after evaluating the bundle: an isolate that begins with it stands in a third of the time. */
function snapshotOf(bundle: string): ivm.ExternalCopy<ArrayBuffer> {
  let snapshot = snapshots.get(bundle)
  if (snapshot === undefined) {
    snapshot = ivm.Isolate.createSnapshot([{ code: bundle, filename: GUEST_FILE }], WARM_UP)
    snapshots.set(bundle, snapshot)
  }
  return snapshot
}

/** An isolate with one program loaded. Throws {@link IsolateError} when it does not load. */
export class ScriptIsolate {
  readonly #isolate: ivm.Isolate
  readonly #enter: Entry
  readonly #resume: Entry
  readonly #abandon: Entry
  readonly #described: Entry

  constructor(options: IsolateOptions) {
    // isolated-vm takes 8 MB at least.
    const memoryLimit = Math.max(8, options.megabytes)
    this.#isolate = new ivm.Isolate({ memoryLimit, snapshot: snapshotOf(options.bundle) })
    try {
      const context = this.#isolate.createContextSync()
      const entries = context.global.getSync('__signalboxEntries', { reference: true })
      const entry = (name: string) => entries.getSync(name, { reference: true }) as Entry
      this.#enter = entry('enter')
      this.#resume = entry('resume')
      this.#abandon = entry('abandon')
      this.#described = entry('described')
      const start = entry('start')
      // The entries are the host's: a program finds none of them.
      context.global.deleteSync('__signalboxEntries')
      const call = new ivm.Callback(options.call, { sync: true })
      const finished = new ivm.Callback(options.finished, { sync: true })
      start.applySync(undefined, [call, finished, options.options] as never)
      start.release()
      entries.release()
      context.evalClosureSync('delete globalThis.__signalboxEntries', [])
      this.#guarded(() => context.evalSync(options.code, { filename: options.codeFile, timeout: options.loadMillis }))
    } catch (error) {
      this.dispose()
      throw error
    }
  }

  get disposed(): boolean {
    return this.#isolate.isDisposed
  }

  /** Makes a run; undefined when it waits. `head` is written by stdlib/run-head.ts. `millis` 0: the run keeps its time by itself. */
  enter(head: string, raw: string, millis: number): string | number | undefined {
    // Each further argument would cost about half a microsecond.
    const args = [head, raw] as never
    return this.#guarded(() =>
      millis === 0
        ? this.#enter.applySync(undefined, args)
        : this.#enter.applySync(undefined, args, { timeout: millis }),
    ) as string | number | undefined
  }

  /** Hands over what an operation of the host came to. */
  resume(opId: number, answer: string | number, error: string | undefined, millis: number): void {
    const args = [opId, answer, error] as never
    this.#guarded(() => this.#resume.applySync(undefined, args, millis === 0 ? {} : { timeout: millis }))
  }

  /** Drops what a run still waits for. */
  abandon(runId: number): void {
    this.#guarded(() => this.#abandon.applySync(undefined, [runId] as never))
  }

  /** The program's blocks and configuration, as JSON. */
  described(millis: number): string {
    return this.#guarded(() => this.#described.applySync(undefined, [], { timeout: millis })) as string
  }

  /** Bytes in use, for metrics. */
  heapBytes(): number {
    return this.disposed ? 0 : this.#isolate.getHeapStatisticsSync().used_heap_size
  }

  dispose(): void {
    if (!this.#isolate.isDisposed) this.#isolate.dispose()
  }

  #guarded(entry: () => unknown): unknown {
    try {
      return entry()
    } catch (error) {
      // An operation of the host that throws is the host's error.
      if (error instanceof SignalboxError) throw error
      const { message, stack } = error instanceof Error ? error : { message: String(error), stack: '' }
      const boundary = stack?.indexOf('(<isolated-vm boundary>)') ?? -1
      const guestStack = boundary < 0 ? (stack ?? '') : stack!.slice(0, boundary)
      throw new IsolateError(this.#failureOf(message), message, guestStack)
    }
  }

  #failureOf(message: string): IsolateFailure {
    if (this.#isolate.isDisposed || message.includes('memory limit')) return 'memory'
    return message === 'Script execution timed out.' ? 'timeout' : 'error'
  }
}
