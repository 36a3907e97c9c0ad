// Owns the command `test`: vitest with the flags that route tests need.
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { SignalboxError } from '../errors.ts'

export interface TestFlags {
  watch?: boolean
  testNamePattern?: string
  json?: boolean
}

/** Runs route tests; without files, every *.test.ts below the working directory. 0 when all passed. */
export async function testCommand(files: readonly string[], flags: TestFlags): Promise<number> {
  for (const file of files) {
    if (!existsSync(file)) throw new SignalboxError('ERR_USAGE', `${file}: there is no such file`)
  }
  const { startVitest } = await loadVitest()
  const before = process.exitCode
  const vitest = await startVitest('test', [...files], {
    watch: flags.watch === true,
    // isolated-vm needs the flag in every process that loads it; only forked processes take it.
    pool: 'forks',
    execArgv: ['--no-node-snapshot'],
    include: ['**/*.test.ts'],
    testTimeout: 20_000,
    ...(flags.testNamePattern === undefined ? {} : { testNamePattern: flags.testNamePattern }),
    ...(flags.json ? { reporters: ['json'] } : {}),
  })
  if (flags.watch) return new Promise(() => {})
  await vitest.close()
  const failed = process.exitCode !== undefined && process.exitCode !== 0
  process.exitCode = before
  return failed ? 1 : 0
}

async function loadVitest(): Promise<typeof import('vitest/node')> {
  try {
    createRequire(import.meta.url).resolve('vitest/node')
  } catch {
    throw new SignalboxError('ERR_USAGE', '`signalbox test` needs vitest beside it: npm install --save-dev vitest')
  }
  return import('vitest/node')
}
