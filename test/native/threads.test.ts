// Owns the run of the relay's threads under ThreadSanitizer: THREAD_ROUNDS of a storm with each kind of sockets, or 2000.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  compiler,
  compileStale,
  FLAGS,
  isNewer,
  isOfAddon,
  LIBRARIES,
  newestOf,
  RELAY_SOURCES,
  sourcesIn,
} from './sanitized-build.ts'

const root = new URL('../..', import.meta.url).pathname
const out = `${root}build/threads/`
const storm = `${out}storm`
const run = promisify(execFile)
const SANITIZE = ['-fsanitize=thread', '-fno-omit-frame-pointer']
const rounds = process.env.THREAD_ROUNDS ?? '2000'

async function build(): Promise<void> {
  const files = [RELAY_SOURCES, `${root}test/native/threads/`].flatMap(sourcesIn).filter((file) => !isOfAddon(file))
  if (isNewer(storm, newestOf(files))) return
  const objects = await compileStale(out, files, compiler, [...FLAGS, ...SANITIZE])
  await run(compiler, [...SANITIZE, '-o', storm, ...objects.values(), ...LIBRARIES])
}

describe('the native relay under ThreadSanitizer', () => {
  beforeAll(build, 400_000)

  test.each(['own', 'shared'])(
    'streams with %s sockets come, go, and change threads',
    async (sockets) => {
      const env = { ...process.env, TSAN_OPTIONS: 'halt_on_error=1' }
      const { stdout } = await run(storm, [rounds, process.env.THREAD_SEED ?? '3711', sockets], { env })
      const seen = JSON.parse(stdout) as Record<'opened' | 'taken' | 'checked' | 'shaken' | 'events', number>
      expect(seen.opened).toBeGreaterThan(Number(rounds) / 8)
      expect(Math.min(seen.taken, seen.checked, seen.shaken, seen.events)).toBeGreaterThan(0)
    },
    60_000 + 10 * Number(rounds),
  )
})
