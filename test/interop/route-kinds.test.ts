// Owns the agreement with 5.6.3 on which function is legal in which kind of route, for every function that both have.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { compileDsl } from '../../src/script/dsl/index.ts'
import type { Parameter } from '../../stdlib/contract.ts'
import { type Builtin, builtins } from '../../stdlib/registry.ts'
import { describeWithPeers } from './peers.ts'

const MODULES = '/usr/lib/x86_64-linux-gnu/kamailio/modules'

/** Functions that do the same in more kinds here than 5.6.3 takes them in, challenges of who answered a request, and `t_next_contact_flow`, which it takes where it cannot work. */
const DIFFERENT = new Set(
  `www_challenge proxy_challenge auth_challenge is_rpid_user_e164 is_e164 remove_body_part append_body_part set_body_multipart t_next_contact_flow
   check_blocklist check_allowlist check_user_blocklist check_user_allowlist`.split(/\s+/),
)

/** An argument that the parser of both takes. */
function argument({ kind, name, values }: Parameter): string {
  if (kind === 'int' || kind === 'flag') return '1'
  if (kind === 'pv') return '"$var(x)"'
  if (kind === 'subst') return '"/a/b/"'
  if (kind === 'route') return '"x"'
  return `"${values?.[0] ?? (name === 'code' ? '404' : 'a')}"`
}

function call({ kamailio, parameters }: Builtin): string {
  return `${kamailio}(${parameters
    .filter(({ optional }) => !optional)
    .map(argument)
    .join(', ')});`
}

const KINDS = {
  request: () => 'request_route',
  reply: (i: number) => `onreply_route[r${i}]`,
  failure: (i: number) => `failure_route[r${i}]`,
  branch: (i: number) => `branch_route[r${i}]`,
  event: (i: number) => `event_route[tm:branch-failure:r${i}]`,
} as const

describeWithPeers('the route kinds of functions', ['kamailio'], () => {
  const folder = mkdtempSync(join(tmpdir(), 'route-kinds-'))
  afterAll(() => rmSync(folder, { recursive: true }))

  test.each(Object.entries(KINDS))('are those of 5.6.3: %s', (kind, head) => {
    const functions = [...builtins().values()].filter(
      ({ module, kamailio }) => module !== 'core' && existsSync(`${MODULES}/${module}.so`) && !DIFFERENT.has(kamailio),
    )
    expect(functions.length).toBeGreaterThan(300)
    const lines = ['#!KAMAILIO', 'listen=udp:127.0.0.1:47003']
    for (const module of new Set(functions.map((one) => one.module))) lines.push(`loadmodule "${module}.so"`)
    const first = lines.length + 1
    for (const [i, one] of functions.entries()) {
      lines.push(`${head(i)} { ${call(one)} }`)
    }
    const file = join(folder, `${kind}.cfg`)
    writeFileSync(file, `${lines.join('\n')}\n`)
    const run = spawnSync('kamailio', ['-c', '-E', '-f', file, '-Y', folder], { encoding: 'latin1' })
    const theirs = new Map<number, string>()
    for (const [, line, said] of `${run.stdout}${run.stderr}`.matchAll(/line (\d+), column [\d-]+: (.*)/g)) {
      if (!theirs.has(Number(line))) theirs.set(Number(line), said!)
    }
    const { diagnostics } = compileDsl(file, {
      defines: new Map(),
      env: {},
      readFile: (path) => (path === file ? lines.join('\n') : undefined),
    })
    const ours = new Set(diagnostics.filter(({ code }) => code === 'illegal-in-route').map(({ line }) => line))
    const differing = functions.flatMap(({ kamailio }, i) => {
      const said = theirs.get(first + i)
      // What 5.6.3 does not know, or not with these arguments, it says nothing about.
      if (said !== undefined && !said.includes('cannot be used')) return []
      const [they, we] = [said === undefined, !ours.has(first + i)]
      return they === we ? [] : [`${kamailio}: 5.6.3 ${they ? 'takes' : 'refuses'} it`]
    })
    expect(differing).toEqual([])
  })
})
