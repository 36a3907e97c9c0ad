// Owns the builds of native sources for tests: of the checks and the relay under ASan and UBSan, with the run of a script inside them.
import { execFile, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { nodeHeaders } from '../setup/build.ts'

const root = new URL('../..', import.meta.url).pathname
const out = `${root}build/sanitized/`
export const RELAY_SOURCES = `${root}src/media/native/`
const run = promisify(execFile)
export const compiler = process.env.CXX ?? 'g++'
export const FLAGS = ['-std=c++20', '-O1', '-g1', '-fPIC', '-Wall', '-Wextra', '-Wno-missing-field-initializers']
const SANITIZE = ['-fsanitize=address,undefined', '-fno-sanitize-recover=undefined', '-fno-omit-frame-pointer']

/** What a program of its own needs, which in the addons is Node's. */
export const LIBRARIES = ['-l:libssl.so.3', '-l:libcrypto.so.3', '-lpthread']

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
  const folders = [RELAY_SOURCES, `${root}test/native/`]
  const files = folders.flatMap(sourcesIn)
  const sources = files.filter((file) => file.endsWith('.cc'))
  if ([CHECKS, RELAY].every((file) => isNewer(file, newestOf(files)))) return
  const objects = await compileStale(out, files, compiler, [...FLAGS, ...SANITIZE])
  const link = (target: string, parts: string[]): Promise<unknown> =>
    run(compiler, ['-shared', ...SANITIZE, '-o', target, ...parts.map((part) => objects.get(part)!)])
  await link(
    RELAY,
    sources.filter((source) => source.startsWith(RELAY_SOURCES)),
  )
  await link(
    CHECKS,
    sources.filter((source) => !isOfAddon(source)),
  )
}

/** Sources and headers of a folder. */
export function sourcesIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => /\.(cc|h)$/.test(name))
    .map((name) => folder + name)
}

/** What is of the addon alone, and needs Node around it. */
export function isOfAddon(file: string): boolean {
  return /\/addon[^/]*\.cc$/.test(file)
}

/** Compiles, two at a time, the sources among `files` that are newer than their objects or whose headers are; the objects, by source. */
export async function compileStale(
  folder: string,
  files: readonly string[],
  command: string,
  flags: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  mkdirSync(folder, { recursive: true })
  const headers = newestOf(files.filter((file) => file.endsWith('.h')))
  const objects = new Map(
    files
      .filter((file) => file.endsWith('.cc'))
      .map((source) => [source, `${folder}${source.slice(root.length).replaceAll('/', '-')}.o`]),
  )
  const waiting = [...objects].filter(([source, object]) => !isNewer(object, Math.max(headers, newestOf([source]))))
  const include = nodeHeaders()
  const work = async (): Promise<void> => {
    for (let next = waiting.pop(); next; next = waiting.pop())
      await run(command, [...flags, '-DNAPI_VERSION=9', `-I${include}`, '-c', next[0], '-o', next[1]])
  }
  await Promise.all([work(), work()])
  return objects
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
