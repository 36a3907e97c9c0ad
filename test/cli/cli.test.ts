// Owns the tests of the command line: exit statuses, help, what check prints, and what is said about wrong usage.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { main } from '../../src/cli/index.ts'

let folder: string
let out = ''
let err = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'signalbox-cli-'))
  out = err = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text)
    return true
  })
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    err += String(text)
    return true
  })
})

afterEach(() => {
  vi.restoreAllMocks()
  rmSync(folder, { recursive: true, force: true })
})

function save(name: string, text: string): string {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

const GOOD = `import { sendReply, type SipRequest } from 'signalbox'
export const config = { listen: ['udp:127.0.0.1:5060'] }
export async function request_route(_req: SipRequest) { sendReply(200, 'OK') }
`

describe('usage', () => {
  test.each([
    [['--help'], 0, /run \[options\] <file>/],
    [['--version'], 0, /^\d+\.\d+\.\d+\n$/],
    [['run', '--help'], 0, /--silent-timeout <seconds>/],
    [['relay', '--help'], 0, /--listen-ng/],
    [['ctl', 'status', '--help'], 0, /--control <path>/],
    [['help', 'check'], 0, /--format <format>/],
    [['far-end', '--help'], 0, /o365 or teams/],
  ])('%j prints help and ends with %i', async (args, status, text) => {
    expect(await main(args)).toBe(status)
    expect(out).toMatch(text)
  })

  test.each([
    [[], /Usage/],
    [['runn'], /Did you mean run/],
    [['run'], /missing required argument 'file'/],
    [['run', 'nothing.ts'], /nothing\.ts: there is no such file/],
    [['run', 'a.js'], /a routing script is a \.ts or a Kamailio \.cfg/],
    [['run', 'a.ts', '--workers', 'many'], /--workers many: give a whole number/],
    [['run', 'a.ts', '--limit', 'queueMillis'], /--limit queueMillis: write NAME=NUMBER/],
    [['run', 'a.ts', '--limit', 'queueMilis=0'], /--limit queueMilis=0: unknown key .*did you mean `queueMillis`/],
    [['run', 'a.ts', '--limit', 'runMillis=0'], /--limit runMillis=0: `limits.runMillis` must be at least 1/],
    [['run', 'a.ts', '--interface', 'a b!c!d'], /--interface b!c!d: write \[NAME\/\]ADDRESS/],
    [['run', 'a.ts', '--log-level', 'loud'], /give one of error, warn, info, debug/],
    [['run', 'a.ts', '-A', '1x'], /-A 1x: write NAME or NAME=VALUE/],
    [['run', 'a.ts', '--nonsense'], /unknown option/],
    [['check', '--format', 'xml', 'a.ts'], /Allowed choices are text, json, sarif/],
    [['check', '--rule', 'nope=off', 'a.ts'], /there is no rule nope/],
    [['check', '--rule', 'syntax=off', 'a.ts'], /stays an error/],
    [['check'], /name the files/],
    [['relay', '--listen-ng', '127.0.0.1:2223'], /relay needs an --interface/],
    [['relay', '--interface', '127.0.0.1'], /relay needs --listen-ng/],
    [['relay', '--interface', '127.0.0.1', '--listen-ng', '99999'], /--listen-ng 99999: write \[ADDRESS:\]PORT/],
    [['relay', '--interface', '127.0.0.1', '--listen-ng', '2223', '--metrics', 'x'], /--metrics x: write ADDRESS:PORT/],
    [['run', 'a.ts', '--metrics', '70000'], /--metrics 70000: write ADDRESS:PORT/],
    [['far-end', 'o365', '--nonsense'], /Unknown option '--nonsense'/],
    [['ctl', 'status'], /--control <path>' not specified/],
    [['test', 'nothing.test.ts'], /there is no such file/],
  ])('%j is wrong usage: 2', async (args, text) => {
    expect(await main(args)).toBe(2)
    expect(out + err).toMatch(text)
  })

  test('what cannot be written is named: 1', async () => {
    const file = save('a.cfg', 'request_route { exit; }\n')
    expect(await main(['convert', file, '-o', join(file, 'a.ts')])).toBe(1)
    expect(err).toMatch(/^signalbox: .*a\.ts cannot be written: ENOTDIR/m)
    expect(await main(['docs', file])).toBe(1)
    expect(err).toMatch(/^signalbox: .* cannot be written: E\w+/m)
    expect(err).not.toContain('internal error')
  })

  test('nobody at the control socket: 1', async () => {
    expect(await main(['ctl', 'reload', '--control', join(folder, 'none')])).toBe(1)
    expect(err).toMatch(/no signalbox listens there/)
  })
})

describe('check', () => {
  test('a rule is as severe as the operator says', async () => {
    const file = save('unused.cfg', 'request_route { exit; }\nroute[NEVER] { exit; }\n')
    expect(await main(['check', file])).toBe(0)
    expect(out).toContain('unused-route')
    expect(await main(['check', file, '--rule', 'unused-route=error'])).toBe(1)
    expect(await main(['check', file, '--rule', 'unused-route=off', '--format', 'json'])).toBe(0)
    expect(await main(['check', '--rules'])).toBe(0)
    expect(out).toContain('never-matches')
  })

  test('the rules are listed as JSON as well', async () => {
    for (const asked of [['--json'], ['--format', 'json']]) {
      out = ''
      expect(await main(['check', '--rules', ...asked])).toBe(0)
      expect(JSON.parse(out)).toContainEqual({
        name: 'unused-route',
        severity: 'warning',
        doc: expect.stringMatching(/^.+\.$/),
      })
    }
    expect(await main(['check', '--rules', '--format', 'sarif'])).toBe(2)
  })

  test('a good file: 0', { timeout: 30_000 }, async () => {
    expect(await main(['check', save('good.ts', GOOD)])).toBe(0)
    expect(out).toBe('1 file, 0 errors, 0 warnings\n')
  })

  test('what is wrong is shown with file, line, column, source and caret: 1', { timeout: 30_000 }, async () => {
    const file = save('bad.ts', GOOD.replace('listen:', 'lissen:').replace("(200, 'OK')", '(200, 17)'))
    expect(await main(['check', file])).toBe(1)
    expect(out).toContain(`${file}:2:25: error: unknown key \`lissen\` in config [config]`)
    expect(out).toMatch(/\n {2}export const config = .*\n {26}\^{6}\n {2}hint: did you mean `listen`\?/)
    expect(out).toMatch(/bad\.ts:3:\d+: error: Argument of type 'number' is not assignable.*\[TS2345\]/)
    expect(out).toMatch(/1 file, 2 errors, 0 warnings\n$/)
  })

  test('what the compiler finds is shown with its place, wherever the command runs', { timeout: 30_000 }, async () => {
    const file = save('types.ts', GOOD.replace("(200, 'OK')", '(200, 17)'))
    const before = process.cwd()
    process.chdir(folder)
    try {
      expect(await main(['check', file])).toBe(1)
    } finally {
      process.chdir(before)
    }
    expect(out).toMatch(new RegExp(`^${file}:3:\\d+: error: Argument of type 'number'.*\\n {2}export async .*\\n +\\^`))
  })

  test('media functions without a relay are noted', { timeout: 30_000 }, async () => {
    const text = GOOD.replace('sendReply,', 'sendReply, rtpManage,').replace(
      "sendReply(200, 'OK')",
      'await rtpManage()',
    )
    expect(await main(['check', save('media.ts', text)])).toBe(0)
    expect(out).toMatch(/note: media functions are used, but no relay is set up/)
  })

  test('as JSON and as SARIF', { timeout: 30_000 }, async () => {
    const file = save('bad.ts', GOOD.replace('listen:', 'lissen:'))
    expect(await main(['check', file, '--json'])).toBe(1)
    expect(JSON.parse(out)).toMatchObject({ errors: 1, diagnostics: [{ code: 'config', line: 2, column: 25, file }] })
    out = ''
    expect(await main(['check', file, '--format', 'sarif'])).toBe(1)
    expect(JSON.parse(out)).toMatchObject({
      version: '2.1.0',
      runs: [
        {
          tool: { driver: { name: 'signalbox', rules: [{ id: 'config' }] } },
          results: [
            {
              ruleId: 'config',
              level: 'error',
              locations: [{ physicalLocation: { region: { startLine: 2, startColumn: 25 } } }],
            },
          ],
        },
      ],
    })
  })

  test('a script that throws or loops while it is loaded: 1, with the place', { timeout: 30_000 }, async () => {
    expect(await main(['check', save('throws.ts', `${GOOD}throw new Error('at load')\n`)])).toBe(1)
    expect(out).toMatch(/throws\.ts:4:\d+: error: at load/)
    out = ''
    expect(await main(['check', save('value.ts', 'export const config = {}\nexport const request_route = 5\n')])).toBe(
      1,
    )
    expect(out).toContain(
      'value.ts:2:14: error: request_route must be a function. [load]\n  export const request_route = 5\n',
    )
    expect(await main(['check', save('kind.ts', `${GOOD}export function failur_route() {}\n`)])).toBe(1)
    expect(out).toMatch(/kind\.ts:4:17: error: There is no route kind failur_route;/)
    out = ''
    expect(await main(['check', save('waits.ts', `${GOOD}await Promise.resolve(1)\n`)])).toBe(1)
    expect(out).toContain('waits.ts:4:1: error: Nothing can be waited for while a script is loaded [compile]')
    expect(out).toContain('hint: write await inside of a route')
    out = ''
    expect(await main(['check', save('loops.ts', `${GOOD}while (true) {}\n`)])).toBe(1)
    expect(out).toMatch(/loops\.ts:4:?.*: error: /)
  })

  test.each([
    ['export async function requestRoute(_req: SipRequest) {', '3:23'],
    ['export default async function (_req: SipRequest) {', '3:8'],
    ['async function request_route(_req: SipRequest) {', '1:1'],
  ])('a script that exports no request_route is told so: %s', async (line, place) => {
    const text = GOOD.replace('export async function request_route(_req: SipRequest) {', line)
    expect(await main(['check', save('none.ts', text)])).toBe(0)
    expect(out).toContain(`none.ts:${place}: warning: The file exports no request_route [no-request-route]`)
    expect(await main(['check', save('none.ts', text), '--rule', 'no-request-route=error'])).toBe(1)
  })
})

test('run: a configuration that cannot be served ends with 1 and says why', { timeout: 30_000 }, async () => {
  expect(await main(['run', save('none.ts', GOOD.replace("'udp:127.0.0.1:5060'", '')), '--log-level', 'error'])).toBe(1)
  expect(err).toMatch(/names no address to listen on/)
  err = ''
  expect(await main(['run', save('bad.ts', GOOD.replace('listen:', 'lissen:')), '--log-level', 'error'])).toBe(1)
  expect(err).toMatch(/did you mean `listen`\?/)
})
