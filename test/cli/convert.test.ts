// Checks `signalbox convert`: what is written where, and that converted files pass the specs of their sources.
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { main } from '../../src/cli/index.ts'

const root = new URL('../..', import.meta.url).pathname
/** With CONVERT_ALL every example; without, what does not keep the other tests waiting. */
const EXAMPLES =
  process.env.CONVERT_ALL === undefined
    ? ['basic-proxy']
    : ['basic-proxy', 'load-balancer', 'registrar-with-nat', 'srtp-border', 'trunk-failover']
const SOURCES = ['routes/o365', 'routes/teams', ...EXAMPLES.map((name) => `examples/${name}/route`)]
/** Defines of a source besides those of all: what its spec gives when it loads it. */
const DEFINES: Readonly<Record<string, readonly string[]>> = {
  'routes/teams': ['DESTINATIONS', 'ADDRESSES'].map(
    (name) => `${name}="${join(root, 'routes/teams', `${name.toLowerCase()}.list`)}"`,
  ),
}
let out = ''
let folder = ''
beforeEach(() => {
  out = ''
  folder = mkdtempSync(join(tmpdir(), 'convert-'))
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text)
    return true
  })
  vi.spyOn(process.stderr, 'write').mockImplementation(() => true)
})
afterEach(() => {
  vi.restoreAllMocks()
  rmSync(folder, { recursive: true, force: true })
})

function save(text: string): string {
  const file = join(folder, 'x.cfg')
  writeFileSync(file, text)
  return file
}

async function converted(text: string): Promise<string> {
  expect(await main(['convert', save(text)])).toBe(0)
  return out
}

describe('what is written', () => {
  test('comments, route names, variables, conditions', async () => {
    const text = await converted(`#!KAMAILIO
# What this file does.
#!define WITH_X
loadmodule "pv.so"
loadmodule "sl.so"
loadmodule "textops.so"
loadmodule "xlog.so"
listen=udp:127.0.0.1:5060
modparam("pv", "varset", "limit=i:3")

# The main block.
request_route {
    $var(count) = 1; # how many
    # Asked for twice.
    if (is_method("INVITE") && $rU =~ "^[0-9]+") {
        $var(count) = $var(count) + 1;
    } else if ($avp(x) == $null) {
        xlog("L_INFO", "nothing for $rU\\n");
    }
#!ifdef WITH_X
    if (!route(CHECK)) exit;
#!else
    drop;
#!endif
    switch ($rm) {
        case "BYE": sl_send_reply("200", "OK"); break;
        default: sl_send_reply("404", "Not $rd");
    }
}

route[CHECK] {
    if ($var(count) > 1) return;
    return -1;
}
`)
    expect(text).toMatchSnapshot()
  })

  test('the code of the last call, a break outside of loops, null in a variable', async () => {
    const text = await converted(`#!KAMAILIO
loadmodule "pv.so"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "textops.so"
listen=udp:127.0.0.1:5060
request_route {
    $var(user) = $rU;
    if (!lookup("location")) {
        $var(rc) = $rc;
        switch ($var(rc)) {
            case -2: sl_send_reply("405", "No"); break;
        }
        break;
    }
    route(HERE);
    if ($rc > 0) exit;
}
route[HERE] {
    if (is_method("BYE")) break;
}
`)
    expect(text).toContain("user = pv('$rU') ?? 0")
    expect(text).toMatch(/rc = pv\('\$rc'\) \?\? 0[\s\S]*break\n {6}}\n {4}}\n {4}return\n/)
    expect(await main(['check', join(folder, 'x.cfg')])).toBe(0)
    writeFileSync(join(root, 'build/x.ts'), text)
    expect(await main(['check', join(root, 'build/x.ts')])).toBe(0)
    rmSync(join(root, 'build/x.ts'))
  })

  test('a timer that is seconds by mistake becomes the least that a .ts takes', async () => {
    const text = await converted(
      'loadmodule "tm.so"\nmodparam("tm", "fr_timer", 10)\nrequest_route { t_relay(); exit; }\n',
    )
    expect(text).toMatch(/fr: 500\b/)
  })

  test('a file that does not compile: 1, and nothing is written', async () => {
    expect(await main(['convert', save('request_route { nonsense(); }'), '-o', join(folder, 'out.ts')])).toBe(1)
    expect(() => readFileSync(join(folder, 'out.ts'))).toThrow()
  })

  test('only a .cfg can be converted', async () => {
    expect(await main(['convert', join(root, 'routes/o365.ts')])).toBe(2)
  })
})

test('converted files pass the specs of their sources', { timeout: 120_000 }, async () => {
  const there = join(root, 'build/converted')
  rmSync(there, { recursive: true, force: true })
  for (const source of SOURCES) {
    const target = join(there, dirname(source))
    mkdirSync(target, { recursive: true })
    cpSync(join(root, dirname(source)), target, { recursive: true, filter: (path) => !/\.(?:ts|cfg)$/.test(path) })
    const name = basename(source)
    expect(
      await main([
        'convert',
        join(root, `${source}.cfg`),
        ...['TLS_CONFIG="/nowhere/tls.cfg"', ...(DEFINES[source] ?? [])].flatMap((define) => ['-A', define]),
        '-o',
        join(target, `${name}.ts`),
      ]),
    ).toBe(0)
    const spec = readFileSync(join(root, `${source}.test.ts`), 'utf8')
    const list = new RegExp(`\\['${source}\\.ts', '${source}\\.cfg'\\]`)
    expect(spec).toMatch(list)
    writeFileSync(join(target, `${name}.test.ts`), spec.replace(list, `['build/converted/${source}.ts']`))
  }
  writeFileSync(
    join(there, 'vitest.config.ts'),
    `export default { test: { root: '${root}', include: ['build/converted/**/*.test.ts'], pool: 'forks', execArgv: ['--no-node-snapshot'], maxWorkers: 1, testTimeout: 20_000 } }\n`,
  )
  const run = promisify(execFile)(
    process.execPath,
    [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--config', join(there, 'vitest.config.ts')],
    { cwd: root, maxBuffer: 1 << 24 },
  )
  const { stdout } = await run.catch((error: { stdout: string; stderr: string }) => {
    throw new Error(`${error.stdout}\n${error.stderr}`)
  })
  expect(stdout).toMatch(/Tests .*passed/)
})
