// Owns the tests of the install script: what is missing is said in two lines, and a fresh build is left alone.
import { spawnSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

const root = new URL('../..', import.meta.url).pathname
const addon = `${root}build/Release/media_relay.node`

function build(args: string[], env: Record<string, string> = {}) {
  const result = spawnSync(process.execPath, [`${root}src/media/native/build.mjs`, ...args], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  })
  return { status: result.status, said: result.stderr }
}

describe('building the native parts', () => {
  test('a missing compiler is named, with the way to get it', () => {
    expect(build(['--force'], { CXX: 'no-such-compiler' })).toEqual({
      status: 1,
      said: [
        'signalbox: cannot build its native parts: missing a C++20 compiler (no-such-compiler).',
        '  On Debian and Ubuntu: apt-get install g++ make python3',
        '',
      ].join('\n'),
    })
  })

  test('with nothing newer than the addons, nothing is built', () => {
    const before = statSync(addon).mtimeMs
    expect(build([], { CXX: 'no-such-compiler' })).toEqual({ status: 0, said: '' })
    expect(statSync(addon).mtimeMs).toBe(before)
  })
})
