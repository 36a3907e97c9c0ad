import { configDefaults, defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

// As root every file has a network namespace of its own (test/setup): several may then run at once without meeting on a port, and most of them wait.
const isolated = process.getuid?.() === 0

/** Those that wait for processes and peers begin first: what computes fills the time they leave. */
class WaitersFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const waits = (file: TestSpecification) => /\/test\/(interop|parity|supervisor|cli|native)\//.test(file.moduleId)
    const sorted = await super.sort(files)
    return [...sorted.filter(waits), ...sorted.filter((file) => !waits(file))]
  }
}

// Their builds take half a minute each: `npm run test:threads`, `npm run test:fuzz` and .ci/run have them.
const elsewhere = [
  ...(process.env.THREAD_ROUNDS ? [] : ['test/native/threads.test.ts']),
  ...(process.env.FUZZ_SECONDS ? [] : ['test/native/fuzz.test.ts']),
]

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts', 'routes/**/*.test.ts', 'examples/**/*.test.ts'],
    exclude: [...configDefaults.exclude, ...elsewhere],
    globalSetup: ['test/setup/build.ts'],
    setupFiles: ['test/setup/own-namespace.ts'],
    // isolated-vm needs --no-node-snapshot in every process that loads it, so tests run in forked processes.
    pool: 'forks',
    execArgv: ['--no-node-snapshot'],
    sequence: { sequencer: WaitersFirst },
    maxWorkers: isolated ? 3 : 1,
    testTimeout: 20_000,
    hookTimeout: 30_000,
    reporters: process.env.CI ? ['default', './test/summary-reporter.ts'] : ['default'],
  },
})
