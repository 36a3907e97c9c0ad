// Owns a proxy under measurement: started as an operator starts it, its processor time and memory read, and stopped.
import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

const TICK_MICROS = 10_000

/** A process with everything that it started. */
export function processTree(root: number): number[] {
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const parent = Number(fields(Number(name))?.[1])
    if (!Number.isNaN(parent)) children.set(parent, [...(children.get(parent) ?? []), Number(name)])
  }
  const found = [root]
  for (const pid of found) found.push(...(children.get(pid) ?? []))
  return found
}

function fields(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}

/** User and system time of the whole tree, microseconds. */
export function treeMicros(root: number): number {
  return processTree(root).reduce((sum, pid) => {
    const stat = fields(pid)
    return sum + (stat ? (Number(stat[11]) + Number(stat[12])) * TICK_MICROS : 0)
  }, 0)
}

/** Memory of the whole tree, what is shared counted once (PSS), megabytes. Of files it counts less where other processes on the machine map them too. */
export function treeMegabytes(root: number): number {
  return proportional(root, ['Pss'])
}

/** The same without mapped files, as Node's program text: what the tree keeps, whoever else runs. */
export function treeKeptMegabytes(root: number): number {
  return proportional(root, ['Pss_Anon', 'Pss_Shmem'])
}

function proportional(root: number, fields: readonly string[]): number {
  let kilobytes = 0
  for (const pid of processTree(root)) {
    try {
      const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1')
      for (const field of fields) kilobytes += Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(rollup)?.[1] ?? 0)
    } catch {
      // It is gone.
    }
  }
  return kilobytes / 1024
}

function listens(port: number): boolean {
  const want = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return ['udp', 'tcp'].some((kind) =>
    readFileSync(`/proc/net/${kind}`, 'latin1')
      .split('\n')
      .some((line) => {
        const [, local = '', , state] = line.trim().split(/\s+/)
        // Of TCP only what listens: a proxy before this one has left connections in TIME_WAIT.
        return local.endsWith(want) && (kind === 'udp' || state === '0A')
      }),
  )
}

export class ProxyProcess {
  readonly child: ChildProcess
  readonly #output: string[] = []

  private constructor(command: readonly string[]) {
    const [program = '', ...args] = command
    this.child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.on('data', (chunk) => {
        this.#output.push(String(chunk))
        if (this.#output.length > 200) this.#output.shift()
      })
  }

  /** Starts it; resolves a second after it listens. */
  static async start(command: readonly string[], port: number): Promise<ProxyProcess> {
    const proxy = new ProxyProcess(command)
    for (let n = 0; !listens(port); n++) {
      if (n > 400 || proxy.child.exitCode !== null)
        throw new Error(`${command.join(' ')} does not listen on port ${port}:\n${proxy.output}`)
      await delay(100)
    }
    await delay(1500)
    return proxy
  }

  get output(): string {
    return this.#output.join('')
  }

  get pid(): number {
    return this.child.pid!
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null) return
    const gone = new Promise((resolve) => this.child.once('exit', resolve))
    const tree = processTree(this.pid)
    this.child.kill('SIGTERM')
    const late = setTimeout(() => {
      for (const pid of tree) {
        try {
          process.kill(pid, 'SIGKILL')
        } catch {
          // It is gone.
        }
      }
    }, 8000)
    await gone
    clearTimeout(late)
    await delay(300)
  }
}
