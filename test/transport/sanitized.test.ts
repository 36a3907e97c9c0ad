// Owns the run of the sip_sockets addon under ASan and UBSan.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { expect, test } from 'vitest'
import { runSanitized } from '../native/sanitized-build.ts'
import { nodeHeaders } from '../setup/build.ts'

const root = new URL('../..', import.meta.url).pathname
const folder = `${root}src/transport/native/`
const addon = `${root}build/sanitized/sip_sockets.node`

function build(): void {
  const files = readdirSync(folder).map((name) => folder + name)
  const newest = Math.max(...files.map((file) => statSync(file).mtimeMs))
  if (existsSync(addon) && statSync(addon).mtimeMs >= newest) return
  mkdirSync(`${root}build/sanitized`, { recursive: true })
  const { status, stderr } = spawnSync(
    process.env.CXX ?? 'g++',
    [
      ...['-std=c++20', '-O1', '-g1', '-fPIC', '-shared', '-Wall', '-Wextra', '-fno-exceptions', '-fno-rtti'],
      ...['-fsanitize=address,undefined', '-fno-sanitize-recover=undefined', '-DNAPI_VERSION=9'],
      ...[`-I${nodeHeaders()}`, '-DNODE_GYP_MODULE_NAME=sip_sockets', '-o', addon],
      ...files.filter((file) => file.endsWith('.cc')),
    ],
    { encoding: 'utf8' },
  )
  if (status !== 0) throw new Error(stderr)
}

test('a storm finds nothing', () => {
  build()
  expect(runSanitized('../transport/run-sockets.ts', [addon])).toEqual({ received: 2 * 8 * 63, wrong: 0 })
}, 180_000)

test('nor does one over the lane', () => {
  build()
  expect(runSanitized('../transport/run-lane.ts', [addon])).toEqual({ wrong: 0, missing: [] })
}, 180_000)

test('a thread that ends takes along what it left open', () => {
  build()
  expect(runSanitized('../transport/run-ended.ts', [addon])).toEqual({ ended: 6 })
}, 180_000)

test('nor does one over loans', () => {
  build()
  expect(runSanitized('../transport/run-loans.ts', [addon])).toEqual({ wrong: 0, missing: [] })
}, 180_000)
