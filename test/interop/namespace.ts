// Owns network namespaces for tests with real peers: addresses, names, processes, a wire between two, and their end.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { createWriteStream, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

let count = 0

export interface Started {
  readonly child: ChildProcess
  readonly log: string
  /** Resolves with the exit status. */
  readonly ended: Promise<number>
  output(): string
}

export class Namespace {
  readonly name: string
  readonly folder: string
  /** This end of the wire to another namespace. */
  link = 'lo'
  readonly #started: Started[] = []

  constructor(addresses: readonly string[], hosts: Record<string, string>) {
    this.name = `sb${process.pid}x${count++}`
    this.folder = mkdtempSync(join(tmpdir(), 'signalbox-netns-'))
    execFileSync('ip', ['netns', 'add', this.name])
    this.exec('ip', ['link', 'set', 'lo', 'up'])
    for (const address of addresses) this.exec('ip', ['addr', 'add', address, 'dev', 'lo'])
    // `ip netns exec` mounts these over /etc inside the namespace.
    mkdirSync(`/etc/netns/${this.name}`, { recursive: true })
    const lines = Object.entries(hosts).map(([host, address]) => `${address} ${host}`)
    writeFileSync(`/etc/netns/${this.name}/hosts`, `127.0.0.1 localhost\n${lines.join('\n')}\n`)
    writeFileSync(`/etc/netns/${this.name}/resolv.conf`, 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n')
    writeFileSync(`/etc/netns/${this.name}/nsswitch.conf`, 'hosts: files\n')
  }

  /** A wire to `other`; each pair is an address here and the address there that it talks to. */
  wire(other: Namespace, pairs: readonly (readonly [here: string, there: string])[]): void {
    const [near, far] = [`v${this.name}`.slice(0, 15), `w${this.name}`.slice(0, 15)]
    execFileSync('ip', [
      'link',
      'add',
      near,
      'netns',
      this.name,
      'type',
      'veth',
      'peer',
      'name',
      far,
      'netns',
      other.name,
    ])
    this.exec('ip', ['link', 'set', near, 'up'])
    other.exec('ip', ['link', 'set', far, 'up'])
    for (const [here, there] of pairs) {
      this.exec('ip', ['route', 'add', `${there}/32`, 'dev', near, 'src', here])
      other.exec('ip', ['route', 'add', `${here}/32`, 'dev', far, 'src', there])
    }
    this.link = near
    other.link = far
  }

  path(name: string): string {
    return join(this.folder, name)
  }

  write(name: string, text: string): string {
    const path = this.path(name)
    mkdirSync(join(path, '..'), { recursive: true })
    writeFileSync(path, text)
    return path
  }

  exec(program: string, args: readonly string[]): string {
    return execFileSync('ip', ['netns', 'exec', this.name, program, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  }

  start(title: string, program: string, args: readonly string[], env: Record<string, string> = {}): Started {
    const log = this.path(`${title}.log`)
    const child = spawn('ip', ['netns', 'exec', this.name, program, ...args], {
      cwd: this.folder,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    writeFileSync(log, '')
    const sink = createWriteStream(log, { flags: 'a' })
    child.stdout?.pipe(sink, { end: false })
    child.stderr?.pipe(sink, { end: false })
    const ended = new Promise<number>((resolve) => child.once('exit', (code) => resolve(code ?? -1)))
    const started = { child, log, ended, output: () => readFileSync(log, 'latin1') }
    this.#started.push(started)
    return started
  }

  /** Waits until something in the namespace listens on this port (`tcp` or `udp`). */
  async listening(protocol: 'tcp' | 'udp', port: number, millis = 15_000): Promise<void> {
    const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
    const until = Date.now() + millis
    while (Date.now() < until) {
      const table = this.exec('cat', [`/proc/net/${protocol}`])
      const found = table
        .split('\n')
        .slice(1)
        .some((line) => {
          const [, local, , state] = line.trim().split(/\s+/)
          return local?.endsWith(wanted) && (protocol === 'udp' || state === '0A')
        })
      if (found) return
      await delay(100)
    }
    throw new Error(`nothing listens on ${protocol} port ${port} of ${this.name}: ${this.logs()}`)
  }

  /** Waits until a process has written this. */
  async shows(started: Started, wanted: RegExp, millis = 20_000): Promise<void> {
    const until = Date.now() + millis
    while (Date.now() < until) {
      if (wanted.test(started.output())) return
      await delay(100)
    }
    throw new Error(`${started.log} never showed ${wanted}: ${this.logs()}`)
  }

  logs(): string {
    return this.#started.map((each) => `--- ${each.log}\n${each.output().slice(-3000)}`).join('\n')
  }

  async stop(started: Started, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (started.child.exitCode !== null || started.child.signalCode !== null) return
    started.child.kill(signal)
    const timer = setTimeout(() => started.child.kill('SIGKILL'), 6000)
    await started.ended
    clearTimeout(timer)
  }

  /** Stops what was started, last first, and takes the namespace away. */
  async close(): Promise<void> {
    for (const started of this.#started.reverse()) await this.stop(started)
    // A process that forked away from its parent is still in the namespace.
    const pids = execFileSync('ip', ['netns', 'pids', this.name], { encoding: 'utf8' })
      .trim()
      .split('\n')
      .filter(Boolean)
    for (const pid of pids) {
      try {
        process.kill(Number(pid), 'SIGKILL')
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
      }
    }
    execFileSync('ip', ['netns', 'del', this.name])
    rmSync(`/etc/netns/${this.name}`, { recursive: true, force: true })
    rmSync(this.folder, { recursive: true, force: true })
  }
}
