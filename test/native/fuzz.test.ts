// Owns the fuzzing of the native relay's packet paths with libFuzzer under ASan and UBSan: FUZZ_SECONDS a target, or 1.
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeWithPeers } from '../interop/peers.ts'
import { rtcp, rtp } from '../media/rtp-peer.ts'
import {
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
const out = `${root}build/fuzz/`
const run = promisify(execFile)
const seconds = Number(process.env.FUZZ_SECONDS ?? 1)
const TARGETS = ['rtp', 'rtcp', 'srtp', 'stun', 'dtls', 'audio']
const SANITIZE = ['-fsanitize=fuzzer,address,undefined', '-fno-sanitize-recover=undefined']

/** Compiles what is older than its sources. */
async function build(): Promise<void> {
  const own = `${root}test/native/fuzz/`
  const files = [RELAY_SOURCES, own].flatMap(sourcesIn).filter((file) => !isOfAddon(file))
  if (TARGETS.every((target) => isNewer(out + target, newestOf(files)))) return
  const objects = await compileStale(out, files, 'clang++', [...FLAGS, '-Wno-c99-designator', ...SANITIZE])
  const relay = [...objects].flatMap(([source, object]) => (source.startsWith(RELAY_SOURCES) ? [object] : []))
  for (const target of TARGETS) {
    const parts = [...relay, objects.get(`${own}${target}_fuzz.cc`)!]
    await run('clang++', [...SANITIZE, '-o', out + target, ...parts, ...LIBRARIES])
  }
}

/** A fuzzer finds its way from packets that are good: choices, then each packet behind a byte of its own and its length. */
function seeds(): Buffer[] {
  const report = Buffer.concat([rtcp(5), Buffer.from('81c90007000000060000000540000005', 'hex'), Buffer.alloc(16)])
  const packets = [rtp(1), rtp(2, { type: 101, payload: Buffer.alloc(4) }), rtp(65_535), rtcp(), report]
  const framed = packets.map((packet) => {
    const whole = packet.subarray(0, packet.length - (packet.length % 4))
    return Buffer.concat([Buffer.from([1, 0x80 | (whole.length / 4)]), whole])
  })
  return [0, 1, 2, 6, 7, 0x81].map((choice) => Buffer.concat([Buffer.from([choice, 3, 0, 0, 101, 0, 0]), ...framed]))
}

describeWithPeers('fuzzing', ['clang++'], () => {
  const scratch = mkdtempSync(join(tmpdir(), 'fuzz-'))
  afterAll(() => rmSync(scratch, { recursive: true, force: true }))
  beforeAll(build, 400_000)

  test.concurrent.each(TARGETS)(
    '%s: no finding',
    async (target) => {
      const corpus = join(scratch, target)
      mkdirSync(corpus)
      for (const [i, seed] of seeds().entries()) writeFileSync(join(corpus, `seed-${i}`), seed)
      const limits = [`-max_total_time=${seconds}`, '-max_len=4096', '-timeout=10', '-rss_limit_mb=2048']
      const options = { cwd: corpus, maxBuffer: 1 << 26, env: { ...process.env, UBSAN_OPTIONS: 'print_stacktrace=1' } }
      const finding = await run(out + target, [...limits, '-print_final_stats=1', corpus], options).then(
        ({ stderr }) => {
          expect(Number(/number_of_executed_units: (\d+)/.exec(stderr)?.[1])).toBeGreaterThan(100)
          return undefined
        },
        (error: { stderr?: string }) => {
          const kept = readdirSync(corpus).find((name) => /^(crash|leak|timeout|oom|slow-unit)-/.test(name))
          const input = kept ? readFileSync(join(corpus, kept)).toString('base64') : 'none'
          return `${(error.stderr ?? String(error)).slice(-6000)}\ninput: ${input}`
        },
      )
      expect(finding).toBeUndefined()
    },
    1000 * seconds + 60_000,
  )
})
