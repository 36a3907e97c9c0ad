// Owns the fuzzing of the NG protocol with libFuzzer: FUZZ_SECONDS, or 1. The parser and all that a request brings about are
// JavaScript, whose branches count for coverage; what would be a memory error elsewhere is an exception here.
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { afterAll, expect, test } from 'vitest'
import { dictionary, encodeBencode } from '../../src/media/ng/bencode.ts'
import { matrix } from '../interop/ng-requests.ts'
import { describeWithPeers } from '../interop/peers.ts'
import { nodeHeaders } from '../setup/build.ts'
import { instrument } from './ng/instrument.ts'

const root = new URL('../..', import.meta.url).pathname
const run = promisify(execFile)
const seconds = Number(process.env.FUZZ_SECONDS ?? 1)
const COUNTERS = 1 << 14
/** Of so many conversations one is a seed. */
const EACH = 40

describeWithPeers('fuzzing NG', ['clang++'], () => {
  const scratch = mkdtempSync(join(tmpdir(), 'ng-fuzz-'))
  afterAll(() => rmSync(scratch, { recursive: true, force: true }))

  async function make(): Promise<{ addon: string; program: string; corpus: string }> {
    const [addon, program, corpus] = [join(scratch, 'ng.node'), join(scratch, 'target.cjs'), join(scratch, 'corpus')]
    const { stdout } = await run('clang++', ['-print-file-name=libclang_rt.fuzzer_no_main-x86_64.a'])
    const library = stdout.trim().startsWith('/')
      ? stdout.trim()
      : `${(await run('clang++', ['-print-resource-dir'])).stdout.trim()}/lib/linux/libclang_rt.fuzzer_no_main-x86_64.a`
    const source = `${root}test/fuzz/ng/driver.cc`
    const flags = ['-std=c++20', '-O1', '-fPIC', '-shared', '-Wall', '-Wextra', `-I${nodeHeaders()}`]
    await run('clang++', [...flags, '-o', addon, source, library, '-lpthread'])
    const bundled = await build({
      entryPoints: [`${root}test/fuzz/ng/target.ts`],
      bundle: true,
      write: false,
      platform: 'node',
      format: 'cjs',
      // The native relay, which is not there, is looked for beside it.
      define: { 'import.meta.url': '"file:///"' },
    })
    writeFileSync(program, instrument(bundled.outputFiles[0]!.text, COUNTERS), 'latin1')
    mkdirSync(corpus)
    const seeds = matrix().flatMap(({ steps }, index) => (index % EACH === 0 ? steps : []))
    for (const [index, { command, keys }] of seeds.entries()) {
      const request = { command, 'call-id': 'c', ...keys }
      const body = index % 4 === 0 ? JSON.stringify(request) : encodeBencode(dictionary(request))
      writeFileSync(join(corpus, `seed-${index}`), Buffer.from(`${index} ${body}`, 'latin1'))
    }
    return { addon, program, corpus }
  }

  test(
    'no finding',
    async () => {
      const { addon, program, corpus } = await make()
      const limits = [`-max_total_time=${seconds}`, '-max_len=4096', '-timeout=10', '-rss_limit_mb=2048']
      const script = [`${root}test/fuzz/ng/run.ts`, addon, program, ...limits, '-print_final_stats=1', corpus]
      const options = { cwd: scratch, maxBuffer: 1 << 26 }
      const { stderr, code } = await run(process.execPath, script, options).then(
        ({ stderr }) => ({ stderr, code: 0 }),
        (error: { stderr?: string }) => ({ stderr: error.stderr ?? String(error), code: 1 }),
      )
      const kept = readdirSync(scratch).find((name) => /^(crash|leak|timeout|oom|slow-unit)-/.test(name))
      const input = kept ? `\ninput: ${readFileSync(join(scratch, kept)).toString('base64')}` : ''
      expect(code === 0 ? '' : stderr.slice(-6000) + input).toBe('')
      expect(Number(/number_of_executed_units: (\d+)/.exec(stderr)?.[1])).toBeGreaterThan(100)
      // It finds its way: what it was given reaches hundreds of places.
      expect(Number(/cov: (\d+)/.exec(stderr.split('INITED')[1] ?? '')?.[1])).toBeGreaterThan(300)
      if (process.env.FUZZ_REPORT) process.stdout.write(stderr.slice(-2000))
    },
    1000 * seconds + 60_000,
  )
})
