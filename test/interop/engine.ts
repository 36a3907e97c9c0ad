// Owns the engine as a process of its own for interop tests: started as an operator starts it, its log read, and stopped.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export const root = new URL('../..', import.meta.url).pathname

/** `--workers` of every engine under test: SIGNALBOX_WORKERS=3 runs a whole suite with three. */
export const WORKERS: readonly string[] = process.env.SIGNALBOX_WORKERS
  ? ['--workers', process.env.SIGNALBOX_WORKERS]
  : []

export type LogLine = Record<string, unknown> & { readonly msg?: string }

/** A folder for one test's files. */
export function scratch(): { folder: string; write(name: string, text: string): string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-interop-'))
  return {
    folder,
    write(name, text) {
      const path = join(folder, name)
      writeFileSync(path, text)
      return path
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

export class EngineUnderTest {
  readonly child: ChildProcess
  readonly lines: LogLine[] = []
  readonly #text: string[] = []
  readonly #waiters = new Set<() => void>()
  #code: number | null | undefined

  constructor(args: readonly string[], env: Record<string, string> = {}) {
    this.child = spawn(process.execPath, ['--no-node-snapshot', join(root, 'bin/signalbox.mjs'), ...args], {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [this.child.stdout, this.child.stderr]) {
      if (stream) createInterface({ input: stream }).on('line', (line) => this.#onLine(line))
    }
    this.child.once('exit', (code) => {
      this.#code = code
      this.#wake()
    })
  }

  /** `signalbox run` with logs as JSON; resolves when it serves. */
  static async run(args: readonly string[], env: Record<string, string> = {}): Promise<EngineUnderTest> {
    const engine = new EngineUnderTest(['run', ...WORKERS, ...args, '--log-format', 'json'], env)
    try {
      await engine.line((line) => line.event === 'ready', 'it was ready', WORKERS.length > 0 ? 60_000 : 25_000)
    } catch (error) {
      await engine.stop()
      throw error
    }
    return engine
  }

  get text(): string {
    return this.#text.join('\n')
  }

  async line(wanted: (line: LogLine) => boolean, what: string, millis = 15_000, from = 0): Promise<LogLine> {
    const until = Date.now() + millis
    for (;;) {
      const found = this.lines.slice(from).find(wanted)
      if (found) return found
      if (this.#code !== undefined || Date.now() >= until) {
        throw new Error(
          `the engine ${this.#code === undefined ? 'was silent' : `ended with ${this.#code}`} before ${what}:\n${this.text.slice(-4000)}`,
        )
      }
      await new Promise<void>((resolve) => {
        const done = () => {
          clearTimeout(timer)
          this.#waiters.delete(done)
          resolve()
        }
        const timer = setTimeout(done, Math.max(1, until - Date.now()))
        this.#waiters.add(done)
      })
    }
  }

  /** Waits for its end; resolves with the exit status. */
  async ended(): Promise<number | null> {
    while (this.#code === undefined) await new Promise<void>((resolve) => this.#waiters.add(resolve))
    return this.#code
  }

  /** SIGTERM, and the exit status. */
  async stop(): Promise<number | null> {
    if (this.#code === undefined) this.child.kill('SIGTERM')
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 8000)
    const code = await this.ended()
    clearTimeout(timer)
    return code
  }

  #onLine(line: string): void {
    this.#text.push(line)
    if (this.#text.length > 2000) this.#text.shift()
    if (line.startsWith('{')) this.lines.push(JSON.parse(line) as LogLine)
    this.#wake()
  }

  #wake(): void {
    for (const waiter of [...this.#waiters]) waiter()
  }
}
