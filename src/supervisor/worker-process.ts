// Owns one worker process from outside: starting it with its sockets, asking it things, and ending it.
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { SignalboxError } from '../errors.ts'
import type { FromWorker, ToWorker, WorkerRequestName, WorkerRequests } from './messages.ts'
import { knownCode } from './relay-client.ts'
import type { RelayAsked, RelayRings, RelayTold } from './relay-rings.ts'
import type { SlotReader } from './slot-memory.ts'

const ENTRY = fileURLToPath(new URL('./worker-main.ts', import.meta.url))

export interface WorkerProcessOptions {
  /** Descriptors that the worker inherits, from number 4 on. */
  readonly descriptors: readonly number[]
  /** Megabytes of V8's heap outside of isolates, programs of a `.cfg` included. */
  readonly heapMegabytes: number
  readonly slot: SlotReader | undefined
  /** Opens the way of what it asks of the relay; undefined: it asks nothing. */
  readonly rings: ((heard: (message: RelayAsked) => void, broken: () => void) => RelayRings<RelayTold>) | undefined
  /** A message that is no answer to a question. */
  message(message: FromWorker): void
  /** The process is gone; called once. */
  exited(worker: WorkerProcess, how: string): void
}

interface Waiting {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
  readonly timer: NodeJS.Timeout
}

/** How long a worker that was let go may take. */
const LEAVE_MILLIS = 500

/** First descriptor after standard streams and the channel. */
export const FIRST_INHERITED = 4

export class WorkerProcess {
  readonly slot: SlotReader | undefined
  /** Why the supervisor killed it; undefined when it went by itself. */
  killedFor: string | undefined
  /** It has loaded its program and can be asked to serve. */
  ready = false
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, Waiting>()
  readonly #exit: Promise<void>
  readonly #rings: RelayRings<RelayTold> | undefined
  #leave: () => void = () => {}
  #lastId = 0
  #gone = false

  constructor(options: WorkerProcessOptions) {
    this.slot = options.slot
    this.#exit = new Promise((resolve) => {
      this.#leave = resolve
    })
    this.#rings = options.rings?.(
      (message) => options.message(message),
      () => this.kill('it asked the relay what nobody can read'),
    )
    try {
      this.#child = fork(ENTRY, [], {
        execArgv: [
          '--no-node-snapshot',
          `--max-old-space-size=${options.heapMegabytes}`,
          // What a call keeps outlives a young generation of any size: small ones cost as much processor time and 80 MB less.
          '--max-semi-space-size=4',
          // What is alive may grow to two and a half times before all of it is marked: V8 would mark again at one and two thirds, every 8 s under load.
          '--heap-growing-percent=150',
          // Memory is given back when a process has been at rest for two minutes: after 8 s V8 would mark twice more for each time it had to.
          '--gc-memory-reducer-start-delay-ms=120000',
          // What runs once a call would wait for 3,000 of them to be compiled well: at 200 a second V8's threads worked on it for half a minute.
          '--invocation-count-for-turbofan=400',
        ],
        stdio: ['ignore', 'inherit', 'inherit', 'ipc', ...options.descriptors],
        serialization: 'json',
      })
    } catch (error) {
      this.#rings?.close()
      throw error
    }
    this.#child.on('message', (message) => this.#received(message as FromWorker, options))
    this.#child.on('error', () => {
      // Reported by exit as well, or the process never came to be.
      if (this.#child.pid === undefined) this.#ended(options, 'could not be started')
    })
    this.#child.on('exit', (code, signal) => this.#ended(options, signal ? `signal ${signal}` : `exit status ${code}`))
  }

  get pid(): number {
    return this.#child.pid ?? -1
  }

  get gone(): boolean {
    return this.#gone
  }

  /** Asks; rejects when the worker does not answer in `millis`, answers with an error, or dies. */
  ask<N extends WorkerRequestName>(
    name: N,
    args: WorkerRequests[N]['args'],
    millis: number,
  ): Promise<WorkerRequests[N]['result']> {
    return new Promise((resolve, reject) => {
      if (this.#gone) return reject(new SignalboxError('ERR_SCRIPT', 'the worker is gone'))
      const id = ++this.#lastId
      const timer = setTimeout(() => {
        this.#waiting.delete(id)
        reject(new SignalboxError('ERR_SCRIPT_TIMEOUT', `the worker did not finish ${name} in ${millis / 1000} s`))
      }, millis)
      this.#waiting.set(id, { resolve: resolve as Waiting['resolve'], reject, timer })
      this.send({ type: 'request', id, name, args })
    })
  }

  send(message: ToWorker): void {
    if (this.#gone || !this.#child.connected) return
    if (message.type === 'media-result' && this.#rings?.say(message)) return
    // A worker that dies while it is written to is reported by its exit.
    this.#child.send(message, () => {})
  }

  /** Lets it go: it ends by itself when its channel closes, and is killed when it does not. Resolves when it is gone. */
  async end(): Promise<void> {
    if (this.#gone) return
    this.killedFor ??= 'it was let go'
    if (this.#child.connected) this.#child.disconnect()
    const late = setTimeout(() => this.#child.kill('SIGKILL'), LEAVE_MILLIS)
    await this.#exit
    clearTimeout(late)
  }

  /** Ends it from outside, whatever it is doing. */
  kill(why: string): void {
    if (this.#gone) return
    this.killedFor ??= why
    this.#child.kill('SIGKILL')
  }

  #received(message: FromWorker, options: WorkerProcessOptions): void {
    if (message.type !== 'answer') {
      options.message(message)
      return
    }
    const waiting = this.#waiting.get(message.id)
    if (!waiting) return
    this.#waiting.delete(message.id)
    clearTimeout(waiting.timer)
    if (message.error) waiting.reject(new SignalboxError(knownCode(message.error.code), message.error.message))
    else waiting.resolve(message.result)
  }

  #ended(options: WorkerProcessOptions, how: string): void {
    if (this.#gone) return
    this.#gone = true
    // What it asked before is done all the same: the next worker has to know of it.
    this.#rings?.close()
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer)
      reject(new SignalboxError('ERR_SCRIPT', `the worker ended (${this.killedFor ?? how})`))
    }
    this.#waiting.clear()
    options.exited(this, how)
    this.#leave()
  }
}
