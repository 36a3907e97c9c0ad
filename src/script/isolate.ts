// Owns the V8 isolate that a program runs in: the one file that imports isolated-vm.
import ivm from 'isolated-vm'
import type { RunEnd } from '../../stdlib/contract.ts'
import { encodeHead } from '../../stdlib/registry.ts'
import { SignalboxError } from '../errors.ts'
import { GUEST_FILE, type GuestBundle, isolateCode } from './guest-bundle.ts'
import type { RunInput } from './program.ts'
import { type FailureCause, type HomeOptions, ProgramFailure, type ProgramHome } from './program-home.ts'
import { readOutcome } from './run-outcome.ts'

/** Operations carry edits and texts of one message, which are never this long. */
const MOST_ARGUMENTS = 4 * 1024 * 1024

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

const snapshots = new WeakMap<GuestBundle, ivm.ExternalCopy<ArrayBuffer>>()

/** The heap after evaluating the bundle: an isolate that begins with it stands in a third of the time. */
function snapshotOf(bundle: GuestBundle): ivm.ExternalCopy<ArrayBuffer> {
  let snapshot = snapshots.get(bundle)
  if (snapshot === undefined) {
    snapshot = ivm.Isolate.createSnapshot([{ code: isolateCode(bundle), filename: GUEST_FILE }], WARM_UP)
    snapshots.set(bundle, snapshot)
  }
  return snapshot
}

/** An isolate with one program loaded, to which texts and numbers cross. Throws {@link ProgramFailure} when it does not load. */
export class ScriptIsolate implements ProgramHome {
  readonly #isolate: ivm.Isolate
  readonly #enter: Entry
  readonly #resume: Entry
  readonly #abandon: Entry
  readonly #described: Entry

  constructor(options: HomeOptions) {
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
      const call = new ivm.Callback(textCall(options.call), { sync: true })
      const finished = new ivm.Callback(
        (runId: number, outcome: string | number) => options.finished(runId, readEnd(outcome)),
        { sync: true },
      )
      start.applySync(undefined, [call, finished, JSON.stringify(options.settings)] as never)
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

  enter(input: RunInput, released: readonly number[], millis: number): RunEnd | undefined {
    const { runId, kind, name, raw, meta } = input
    const head = encodeHead(runId, kind, name, released.length === 0 ? '' : released.join(','), meta)
    // Each further argument would cost about half a microsecond.
    const args = [head, raw] as never
    const answer = this.#guarded(() =>
      millis === 0
        ? this.#enter.applySync(undefined, args)
        : this.#enter.applySync(undefined, args, { timeout: millis }),
    ) as string | number | undefined
    return answer === undefined ? undefined : readEnd(answer)
  }

  resume(opId: number, answer: unknown, error: string | undefined, millis: number): void {
    const args = [opId, encodeAnswer(answer), error] as never
    this.#guarded(() => this.#resume.applySync(undefined, args, millis === 0 ? {} : { timeout: millis }))
  }

  abandon(runId: number): void {
    this.#guarded(() => this.#abandon.applySync(undefined, [runId] as never))
  }

  described(millis: number): string {
    return this.#guarded(() => this.#described.applySync(undefined, [], { timeout: millis })) as string
  }

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
      throw new ProgramFailure(this.#failureOf(message), message, guestStack)
    }
  }

  #failureOf(message: string): FailureCause {
    if (this.#isolate.isDisposed || message.includes('memory limit')) return 'memory'
    return message === 'Script execution timed out.' ? 'timeout' : 'error'
  }
}

/** An operation of the guest. Its text is the script's: names are looked up by the host, never trusted. */
function textCall(call: HomeOptions['call']) {
  return (runId: number, opId: number, name: string, args: string): string | number | undefined => {
    if (args.length > MOST_ARGUMENTS)
      throw new Error(`${name}: ${args.length} characters are more than any message holds.`)
    const answer = call(runId, opId, name as never, args === '' ? null : JSON.parse(args))
    return answer === undefined ? undefined : encodeAnswer(answer)
  }
}

function encodeAnswer(answer: unknown): string | number {
  return typeof answer === 'number' ? answer : JSON.stringify(answer ?? null)
}

function readEnd(outcome: string | number): RunEnd {
  try {
    return readOutcome(outcome)
  } catch (error) {
    throw new SignalboxError('ERR_SCRIPT', String(error))
  }
}
