// Owns the tests of how log lines leave the process: warnings at once, what calls leave in batches, all of it before an exit.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const LOGGER = fileURLToPath(new URL('../../src/engine/logger.ts', import.meta.url))

interface Written {
  /** What came in each piece, by its messages. */
  readonly pieces: string[][]
  readonly signal: NodeJS.Signals | null
}

/** Runs `body` in a process of its own, with `log` open. */
async function written(body: string): Promise<Written> {
  const code = `import(${JSON.stringify(LOGGER)}).then(async ({ createLogger }) => { const log = await createLogger({ format: 'json' }); ${body} })`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
  const pieces: string[][] = []
  child.stdout.on('data', (piece: Buffer) =>
    pieces.push(
      piece
        .toString()
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).msg as string),
    ),
  )
  const signal = await new Promise<NodeJS.Signals | null>((resolve) => child.on('close', (_code, by) => resolve(by)))
  return { pieces, signal }
}

test('lines of calls wait for one another, and a process that ends leaves none behind', async () => {
  const { pieces } = await written("log.info({}, 'one'); log.info({}, 'two'); log.debug({}, 'unseen'); process.exit(0)")
  expect(pieces).toEqual([['one', 'two']])
})

test('they leave without another line', async () => {
  const { pieces, signal } = await written(
    "log.info({}, 'one'); log.info({}, 'two'); setTimeout(() => process.kill(process.pid, 'SIGKILL'), 1000)",
  )
  expect(signal).toBe('SIGKILL')
  expect(pieces).toEqual([['one', 'two']])
})

test('a warning is written before the call returns, behind what waited', async () => {
  const { pieces, signal } = await written(
    "log.info({}, 'one'); log.warn({}, 'two'); log.info({}, 'lost'); process.kill(process.pid, 'SIGKILL')",
  )
  expect(signal).toBe('SIGKILL')
  expect(pieces.flat()).toEqual(['one', 'two'])
})
