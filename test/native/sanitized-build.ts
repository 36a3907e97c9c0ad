// Owns the build of the native checks and of the relay itself under ASan and UBSan, and the run of a script inside them.
import { execFile, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { nodeHeaders } from '../setup/build.ts'

const root = new URL('../..', import.meta.url).pathname
const out = `${root}build/sanitized/`
const run = promisify(execFile)
const compiler = process.env.CXX ?? 'g++'
const SANITIZE = ['-fsanitize=address,undefined', '-fno-sanitize-recover=undefined', '-fno-omit-frame-pointer']
const FLAGS = ['-std=c++20', '-O1', '-g1', '-fPIC', '-Wall', '-Wextra', '-Wno-missing-field-initializers', ...SANITIZE]

export const CHECKS = `${out}checks.node`
export const RELAY = `${out}media_relay.node`

/** Compiles what is older than its sources. Returns at once when nothing is; a second caller waits for the first. */
export async function buildSanitized(): Promise<void> {
  mkdirSync(out, { recursive: true })
  const lock = `${out}.building`
  for (;;) {
    try {
      mkdirSync(lock)
      break
    } catch {
      const since = existsSync(lock) ? statSync(lock).mtimeMs : Date.now()
      if (Date.now() - since > 400_000) rmSync(lock, { recursive: true, force: true })
      await sleep(200)
    }
  }
  try {
    await build()
  } finally {
    rmSync(lock, { recursive: true, force: true })
  }
}

async function build(): Promise<void> {
  const folders = [`${root}src/media/native/`, `${root}test/native/`]
  const files = folders.flatMap((folder) => readdirSync(folder).map((name) => folder + name))
  const sources = files.filter((file) => file.endsWith('.cc'))
  const newest = newestOf(files.filter((file) => /\.(cc|h)$/.test(file)))
  if ([CHECKS, RELAY].every((file) => isNewer(file, newest))) return
  const headers = newestOf(files.filter((file) => file.endsWith('.h')))
  const object = (source: string): string => `${out}${source.slice(root.length).replaceAll('/', '-')}.o`
  const include = nodeHeaders()
  const waiting = sources.filter((source) => !isNewer(object(source), Math.max(headers, newestOf([source]))))
  const work = async (): Promise<void> => {
    for (let source = waiting.pop(); source; source = waiting.pop()) {
      await run(compiler, [...FLAGS, '-DNAPI_VERSION=9', `-I${include}`, '-c', source, '-o', object(source)])
    }
  }
  await Promise.all([work(), work()])
  const relay = sources.filter((source) => source.startsWith(folders[0]!))
  const checks = sources.filter((source) => source.startsWith(folders[1]!))
  const addon = (source: string): boolean => /\/addon[^/]*\.cc$/.test(source)
  const link = (target: string, parts: string[]): Promise<unknown> =>
    run(compiler, ['-shared', ...SANITIZE, '-o', target, ...parts.map(object)])
  await link(RELAY, relay)
  await link(CHECKS, [...relay.filter((source) => !addon(source)), ...checks])
}

/** When the last of these files was changed. */
export function newestOf(files: readonly string[]): number {
  return Math.max(...files.map((file) => statSync(file).mtimeMs))
}

/** Whether what was made of sources is there, and made after they were changed. */
export function isNewer(file: string, changed: number): boolean {
  return existsSync(file) && statSync(file).mtimeMs >= changed
}

/** Runs a script of test/native under the sanitizers; a finding of theirs ends it, and comes back as the error. */
export function runSanitized(script: string, args: string[]): unknown {
  const runtime = spawnSync(compiler, ['-print-file-name=libasan.so'], { encoding: 'utf8' }).stdout.trim()
  const result = spawnSync(process.execPath, [`${root}test/native/${script}`, ...args], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    env: {
      ...process.env,
      LD_PRELOAD: runtime,
      NODE_OPTIONS: '',
      // Node itself is not built for leak checking.
      ASAN_OPTIONS: 'detect_leaks=0:abort_on_error=0',
      UBSAN_OPTIONS: 'print_stacktrace=1',
    },
  })
  if (result.status !== 0)
    throw new Error(`${script} ended with ${result.status ?? result.signal}:\n${result.stderr.slice(0, 8000)}`)
  return JSON.parse(result.stdout)
}
