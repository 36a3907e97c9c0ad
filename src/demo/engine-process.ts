// Owns the engine that the demo talks to: the real command in a process of its own, its log read line by line.
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const COMMAND = fileURLToPath(new URL('../../bin/signalbox.mjs', import.meta.url))

export type LogLine = Record<string, unknown> & { readonly msg?: string }

export class EngineProcess {
  readonly #child: ChildProcess
  readonly lines: LogLine[] = []
  readonly #output: string[] = []
  readonly #waiters = new Set<() => void>()
  #ended = false

  /** Starts `signalbox run` with these arguments. */
  constructor(args: readonly string[], env: Record<string, string>) {
    this.#child = spawn(process.execPath, ['--no-node-snapshot', COMMAND, 'run', ...args, '--log-format', 'json'], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream) createInterface({ input: stream }).on('line', (line) => this.#onLine(line))
    }
    this.#child.once('exit', () => {
      this.#ended = true
      this.#wake()
    })
  }

  /** Waits for a line of the log; the error shows what the engine said instead. */
  async line(wanted: (line: LogLine) => boolean, what: string, millis = 15_000, from = 0): Promise<LogLine> {
    const until = performance.now() + millis
    for (;;) {
      const found = this.lines.slice(from).find(wanted)
      if (found) return found
      const left = until - performance.now()
      if (this.#ended || left <= 0) {
        throw new Error(
          `the engine ${this.#ended ? 'ended' : 'was silent'} before ${what}:\n${this.#output.slice(-12).join('\n')}`,
        )
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(done, left)
        const waiters = this.#waiters
        function done(): void {
          clearTimeout(timer)
          waiters.delete(done)
          resolve()
        }
        waiters.add(done)
      })
    }
  }

  /** Ends it as an operator would, and waits until it is gone. */
  async stop(): Promise<void> {
    if (this.#ended) return
    const gone = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()))
    this.#child.kill('SIGTERM')
    const kill = setTimeout(() => this.#child.kill('SIGKILL'), 6000)
    await gone
    clearTimeout(kill)
  }

  #onLine(line: string): void {
    this.#output.push(line)
    if (this.#output.length > 500) this.#output.shift()
    if (line.startsWith('{')) {
      try {
        this.lines.push(JSON.parse(line) as LogLine)
      } catch (error) {
        this.#output.push(`(not JSON: ${String(error)})`)
      }
    }
    this.#wake()
  }

  #wake(): void {
    for (const waiter of [...this.#waiters]) waiter()
  }
}
