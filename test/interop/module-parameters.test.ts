// Owns the agreement with 5.6.3 on the parameters of modules: what its manuals name and it takes, check knows.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { compileDsl } from '../../src/script/dsl/index.ts'
import { describeWithPeers } from './peers.ts'

/** Images without documentation have none. */
const MANUALS = '/usr/share/doc/kamailio/modules'
const MODULES = '/usr/lib/x86_64-linux-gnu/kamailio/modules'
const present = existsSync(MANUALS)
if (!present) process.stderr.write(`SKIPPED the parameters of modules: ${MANUALS} is not there\n`)

/** `3.2. fr_timer (integer)`: a parameter, and whether it is a number. */
const HEADING = /^\s*\d+\.\d+\.(?:\d+\.)?\s+(\w+)\s*\((int|bool|unsigned|long|str)\w*[^)\n]*\)\s*$/gm

function modparams(module: string, file: string): string[] {
  const content = readFileSync(join(MANUALS, file))
  const text = (file.endsWith('.gz') ? gunzipSync(content) : content).toString('latin1')
  const lines = [...text.matchAll(HEADING)].map(
    ([, name, type]) => `modparam("${module}", "${name}", ${type === 'str' ? '"x"' : '1'})`,
  )
  return [...new Set(lines)]
}

describeWithPeers('the parameters of modules', ['kamailio'], () => {
  test.skipIf(!present)('are known with their types', () => {
    const manuals = readdirSync(MANUALS)
      .map((file) => ({ file, module: file.split('.')[1] ?? '' }))
      .filter(({ module }) => existsSync(`${MODULES}/${module}.so`))
    const loads = manuals.map(({ module }) => `loadmodule "${module}.so"`)
    const lines = [
      ...loads,
      ...manuals.flatMap(({ file, module }) => modparams(module, file)),
      'request_route { exit; }',
    ]
    expect(lines.length).toBeGreaterThan(1000)
    const folder = mkdtempSync(join(tmpdir(), 'module-parameters-'))
    const file = join(folder, 'all.cfg')
    writeFileSync(file, `${lines.join('\n')}\n`)
    const run = spawnSync('kamailio', ['-c', '-E', '-f', file, '-Y', folder], { encoding: 'latin1' })
    rmSync(folder, { recursive: true })
    const refused = new Set(
      [...`${run.stdout}${run.stderr}`.matchAll(/line (\d+), column/g)].map(([, line]) => Number(line)),
    )
    const { diagnostics } = compileDsl(file, { defines: new Map(), env: {}, readFile: () => lines.join('\n') })
    const ours = diagnostics.filter(({ code, line }) => /unknown-modparam|wrong-type/.test(code) && !refused.has(line))
    expect(ours.map(({ line, message }) => `${lines[line - 1]}: ${message}`)).toEqual([])
  })
})
