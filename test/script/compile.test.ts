// Owns the proof that what is wrong with a TypeScript script is told at its place, with a way out.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { checkAwaits, compileScript, formatDiagnostic } from '../../src/script/index.ts'
import { blankText } from '../../src/script/typescript-text.ts'
import { loaded } from './run-script.ts'

function folder(files: Record<string, string>): string {
  const made = mkdtempSync(join(tmpdir(), 'signalbox-compile-'))
  onTestFinished(() => rmSync(made, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(made, name), text)
  return made
}

async function told(text: string): Promise<string> {
  const at = folder({ 'route.ts': text })
  const outcome = await compileScript(join(at, 'route.ts'))
  return outcome.diagnostics.map((diagnostic) => formatDiagnostic(diagnostic).replaceAll(`${at}/`, '')).join('\n')
}

describe('compiling', () => {
  test('a wrong name is told with the nearest one', async () => {
    expect(
      await told(`import { tRelai } from 'signalbox'\nexport const request_route = tRelai\n`),
    ).toMatchInlineSnapshot(`
      "route.ts:1:10: error: No matching export in "signalbox-vocabulary::signalbox" for import "tRelai" [compile]
        import { tRelai } from 'signalbox'
                 ^^^^^^
        hint: did you mean tRelay?"
    `)
  })

  test('Node and packages are refused', async () => {
    expect(
      await told(`import { readFileSync } from 'node:fs'\nexport const request_route = readFileSync\n`),
    ).toMatchInlineSnapshot(`
      "route.ts:1:30: error: A route script runs without Node: "node:fs" is not available [compile]
        import { readFileSync } from 'node:fs'
                                     ^^^^^^^^^
        hint: files, sockets and processes are out of reach by design; take values from env() in config"
    `)
    expect(await told(`import _ from 'lodash'\nexport const request_route = _\n`)).toContain(
      'A route script imports its own files and signalbox only: "lodash" is neither',
    )
  })

  test('a syntax error shows its line', async () => {
    expect(await told(`export function request_route() {\n  if (true {\n}\n`)).toMatchInlineSnapshot(`
      "route.ts:2:12: error: Expected ")" but found "{" [compile]
          if (true {
                   ^
        hint: did you mean )?"
    `)
  })

  test('a missing file and a wrong ending are named', async () => {
    const at = folder({ 'route.txt': '' })
    expect((await compileScript(join(at, 'none.ts'))).diagnostics[0]).toMatchObject({
      message: `The file ${at}/none.ts cannot be read`,
    })
    expect((await compileScript(join(at, 'route.txt'))).diagnostics[0]).toMatchObject({ code: 'unknown-language' })
  })

  test('every file that goes in is known, for the watcher', async () => {
    const at = folder({
      'route.ts': `import { here } from './numbers.ts'\nexport function request_route() { return here }\n`,
      'numbers.ts': 'export const here = 5\n',
    })
    const outcome = await compileScript(join(at, 'route.ts'))
    expect(outcome.ok && outcome.script.files).toEqual([join(at, 'route.ts'), join(at, 'numbers.ts')])
  })
})

describe('errors of a run', () => {
  test('show file, line and column of the script', async () => {
    const { request, file } = await loaded(`
      import { type SipRequest } from 'signalbox'
      function deeper(req: SipRequest) {
        return (req.header('X') as string).length
      }
      export function request_route(req: SipRequest) { deeper(req) }`)
    expect(() => request()).toThrow(`${file}:4:`)
    expect(() => request()).toThrow(/Cannot read properties of undefined/)
  })

  test('an error at load has its place', async () => {
    await expect(
      loaded(`\nexport const config = { alias: [env('X')] }\nexport function request_route() {}`),
    ).rejects.toMatchObject({
      code: 'ERR_SCRIPT',
      message: expect.stringMatching(/route\.ts:2:\d+: env is not defined/),
    })
  })

  test('an unknown route kind is refused', async () => {
    await expect(loaded('export function request_rout_route() {}')).rejects.toThrow(
      'There is no route kind request_rout_route',
    )
  })
})

describe('unawaited builtins', () => {
  const check = (text: string) =>
    checkAwaits('route.ts', `import { tRelay, rtpManage as media, isMethod } from 'signalbox'\n${text}`).map(
      (diagnostic) => `${diagnostic.line}:${diagnostic.column}`,
    )

  test.each([
    ['async function request_route() { tRelay() }', ['2:34']],
    ['async function f() { if (tRelay()) return }', ['2:26']],
    ['async function f() { if (!tRelay()) return }', ['2:27']],
    ['async function f() { isMethod("A") && tRelay() }', ['2:39']],
    ['async function f() {\n  media("x")\n}', ['3:3']],
    ['async function f() { await tRelay() }', []],
    ['async function f() { return tRelay() }', []],
    ['const f = async () => tRelay()', []],
    ['async function f() { await Promise.all([tRelay(), media()]) }', []],
    ['async function f() { const sent = tRelay(); await sent }', []],
    ['async function f() { tRelay().catch(() => {}) }', []],
    ['// tRelay()\nconst text = "tRelay()" + `tRelay()`', []],
  ])('%s', (text, places) => {
    expect(check(text)).toEqual(places)
  })

  test('a namespace import is seen too', () => {
    expect(
      checkAwaits('r.ts', `import * as sb from 'signalbox'\nasync function f() { sb.tRelay(); await sb.tRelay() }`),
    ).toHaveLength(1)
  })

  test('text is blanked, code stays where it is', () => {
    expect(blankText('a /* x */ = "s" + /r[/]"/.test(b) / 2 // c')).toBe('a         =     +        .test(b) / 2     ')
  })
})
