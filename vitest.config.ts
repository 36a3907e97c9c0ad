import { defineConfig } from 'vitest/config'

// As root every file has a network namespace of its own (test/setup): several may then run at once without meeting on a port, and most of them wait.
const isolated = process.getuid?.() === 0

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts', 'routes/**/*.test.ts', 'examples/**/*.test.ts'],
    globalSetup: ['test/setup/build.ts'],
    setupFiles: ['test/setup/own-namespace.ts'],
    // isolated-vm needs --no-node-snapshot in every process that loads it, so tests run in forked processes.
    pool: 'forks',
    execArgv: ['--no-node-snapshot'],
    maxWorkers: isolated ? 3 : 1,
    testTimeout: 20_000,
    hookTimeout: 30_000,
    reporters: process.env.CI ? ['default', './test/summary-reporter.ts'] : ['default'],
  },
})
