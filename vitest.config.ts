import { defineConfig } from 'vitest/config'

// isolated-vm needs --no-node-snapshot in every process that loads it, so tests run in forked processes.
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts', 'routes/**/*.test.ts', 'examples/**/*.test.ts'],
    pool: 'forks',
    execArgv: ['--no-node-snapshot'],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    reporters: process.env.CI ? ['default', './test/summary-reporter.ts'] : ['default'],
  },
})
