// Owns the run of the relay's threads under ThreadSanitizer: THREAD_ROUNDS of a storm with each kind of sockets (npm run test:threads).
import { execFile, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
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
/** With more bits of chance in its addresses than these, ThreadSanitizer of g++ 12 and 13 finds no place for its own memory. */
const MOST_CHANCE = 28
const rounds = process.env.THREAD_ROUNDS ?? '6000'

async function build(): Promise<void> {
  const files = [RELAY_SOURCES, `${root}test/native/threads/`].flatMap(sourcesIn).filter((file) => !isOfAddon(file))
  if (isNewer(storm, newestOf(files))) return
  const objects = await compileStale(out, files, compiler, [...FLAGS, ...SANITIZE])
  await run(compiler, [...SANITIZE, '-o', storm, ...objects.values(), ...LIBRARIES])
}

const chance = Number(readFileSync('/proc/sys/vm/mmap_rnd_bits', 'latin1'))
const FIXED_ADDRESSES = chance > MOST_CHANCE ? ['setarch', '--addr-no-randomize', storm] : []
// A container may forbid a process to have its addresses without chance.
const isPossible = chance <= MOST_CHANCE || spawnSync('setarch', ['--addr-no-randomize', 'true']).status === 0
if (!isPossible)
  console.warn(`SKIPPED: ThreadSanitizer needs setarch to be allowed, or vm.mmap_rnd_bits of ${MOST_CHANCE} at most`)

describe.skipIf(!isPossible)('the native relay under ThreadSanitizer', () => {
  beforeAll(build, 400_000)

  test.each(['own', 'shared'])(
    'streams with %s sockets come, go, and change threads',
    async (sockets) => {
      const env = { ...process.env, TSAN_OPTIONS: 'halt_on_error=1' }
      const seed = process.env.THREAD_SEED ?? '3711'
      const [command = storm, ...before] = FIXED_ADDRESSES
      const { stdout } = await run(command, [...before, rounds, seed, sockets], { env })
      const seen = JSON.parse(stdout) as Record<'opened' | 'taken' | 'checked' | 'shaken' | 'events', number>
      expect(seen.opened).toBeGreaterThan(Number(rounds) / 8)
      expect(Math.min(seen.taken, seen.checked, seen.shaken, seen.events)).toBeGreaterThan(0)
    },
    60_000 + 10 * Number(rounds),
  )
})
