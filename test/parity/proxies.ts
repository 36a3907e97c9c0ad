// Owns the two proxies as processes: the file each of them gets, what each refuses of it, and what each prints.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { compileText } from '../script/dsl/run-cfg.ts'
import { HERE, THERE } from './case.ts'
import { FarEnd } from './far-end.ts'

const root = new URL('../..', import.meta.url).pathname

/** A place in the file at which a proxy refuses it. */
export interface Refusal {
  readonly line: number
  readonly reason: string
}

/** One of the two. `said` grows while it runs. */
export interface ProxyProcess {
  readonly title: string
  readonly farEnd: FarEnd
  /** Everything printed, in order. */
  printed(): string
  /** What it complained about, for whoever looks for the cause of a difference. */
  complaints(): string
  alive(): boolean
  stop(): Promise<void>
}

/** The proxy ended at its start because of these lines: what a check does not see. */
export class RefusedAtStart extends Error {
  readonly refusals: readonly Refusal[]

  constructor(refusals: readonly Refusal[]) {
    super('the file is refused at the start')
    this.refusals = refusals
  }
}

/** The places of Kamailio's complaints about its file. */
function placesIn(output: string): Refusal[] {
  return output.split('\n').flatMap((line) => {
    if (/warning in config/.test(line)) return []
    const at = /\.cfg, (?:from )?line (\d+)/.exec(line) ?? /\.cfg:(\d+)/.exec(line)
    return at === null
      ? []
      : [
          {
            line: Number(at[1]),
            reason: output
              .split('\n')
              .filter((l) => /ERROR|CRITICAL/.test(l))
              .join(' / ')
              .slice(0, 500),
          },
        ]
  })
}

async function ready(child: ChildProcess, farEnd: FarEnd, output: () => string): Promise<void> {
  if (await farEnd.hasRead([], () => child.exitCode !== null)) return
  const refusals = child.exitCode === null ? [] : placesIn(output())
  if (refusals.length > 0) throw new RefusedAtStart(refusals)
  throw new Error(`no answer from the proxy:\n${output().slice(0, 6000)}`)
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 8000)
  await ended
  clearTimeout(timer)
}

let checks = 0

/** Lines that `kamailio -c` refuses. */
export async function refusedByKamailio(folder: string, text: string): Promise<Refusal[]> {
  const file = join(folder, `check-${++checks}.cfg`)
  writeFileSync(file, text, 'latin1')
  try {
    await promisify(execFile)('/usr/sbin/kamailio', ['-c', '-f', file, '-m', '256', '-M', '256'], {
      maxBuffer: 1 << 26,
    })
    return []
  } catch (error) {
    const output = String((error as { stderr?: string }).stderr ?? error)
    const found = placesIn(output)
    if (found.length === 0) throw new Error(`kamailio -c refuses the file nowhere:\n${output.slice(0, 4000)}`)
    return found
  }
}

/** Lines that our checker refuses. */
export function refusedBySignalbox(text: string): Refusal[] {
  return compileText(text)
    .diagnostics.filter(({ severity, message }) => severity === 'error' && !/which is not loaded/.test(message))
    .map((diagnostic) => ({ line: diagnostic.line, reason: diagnostic.message }))
}

export async function startKamailio(folder: string, text: string): Promise<ProxyProcess> {
  const file = join(folder, 'kamailio.cfg')
  writeFileSync(file, text, 'latin1')
  const farEnd = new FarEnd(HERE)
  await farEnd.open()
  const args = [
    '-f',
    file,
    '-DD',
    '-E',
    '-Y',
    folder,
    '-w',
    folder,
    '-P',
    join(folder, 'pid'),
    '-m',
    '256',
    '-M',
    '256',
  ]
  const child = spawn('/usr/sbin/kamailio', args, { stdio: ['ignore', 'ignore', 'pipe'] })
  let output = ''
  child.stderr.setEncoding('latin1').on('data', (chunk: string) => {
    output += chunk
  })
  const stop = async () => {
    farEnd.close()
    await end(child)
  }
  try {
    await ready(child, farEnd, () => output)
  } catch (error) {
    await stop()
    throw error
  }
  return {
    title: 'kamailio',
    farEnd,
    printed: () => output,
    complaints: () => output,
    alive: () => child.exitCode === null && child.signalCode === null,
    stop,
  }
}

export async function startSignalbox(folder: string, text: string): Promise<ProxyProcess> {
  const file = join(folder, 'signalbox.cfg')
  writeFileSync(file, text.replaceAll(HERE, THERE), 'latin1')
  const farEnd = new FarEnd(THERE)
  await farEnd.open()
  const child = spawn(
    process.execPath,
    ['--no-node-snapshot', join(root, 'bin/signalbox.mjs'), 'run', file, '--log-format', 'json'],
    { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk
    })
  }
  const stop = async () => {
    farEnd.close()
    await end(child)
  }
  try {
    while (!output.includes('"event":"ready"') && child.exitCode === null) await pause(50)
    await ready(child, farEnd, () => output)
  } catch (error) {
    await stop()
    throw error
  }
  const lines = () =>
    output.split('\n').flatMap((line) => (line.startsWith('{') && line.endsWith('}') ? [JSON.parse(line)] : []))
  return {
    title: 'signalbox',
    farEnd,
    printed: () =>
      lines()
        .flatMap((line) => (line.script === true ? [String(line.msg).replaceAll(THERE, HERE)] : []))
        .join('\n'),
    complaints: () =>
      lines()
        .filter((line) => line.script !== true && ['error', 'warn', 'fatal'].includes(line.level))
        .map((line) => JSON.stringify(line))
        .join('\n'),
    alive: () => child.exitCode === null && child.signalCode === null,
    stop,
  }
}
