// Checks what a hostile script can hand to builtins: objects, cycles, getters, numbers out of range and long texts cost its own message at most.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Party, RouteUnderTest, request } from '../../src/testkit/index.ts'
import { builtins } from '../../stdlib/registry.ts'

const FROM = 'udp:127.0.0.6:5070'

/** Each is made anew inside the isolate. */
const HOSTILE = [
  ...['{}', '[1, [2]]', 'null', 'undefined', 'true', '() => 1', "Symbol('s')"],
  ...['NaN', '-1', '0.5', '1e308', '-2147483649', '4294967296'],
  '(() => { const cycle = {}; cycle.cycle = cycle; return cycle })()',
  "({ get length() { throw new Error('a getter') } })",
  "({ toString() { throw new Error('toString') } })",
  '({ toString: 1, valueOf: 1 })',
  "({ toJSON() { return { module: 'x', operation: 'constructor' } } })",
  `JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}')`,
  ...[
    "'__proto__'",
    "'constructor'",
    "'hasOwnProperty'",
    "''",
    "'\\u0000'",
    "'\\u20ac'",
    "'\\r\\nX-Injected: 1\\r\\n'",
  ],
  ...["'x'.repeat(900_000)", "' '.repeat(900_000)", "'a,'.repeat(100_000)", "';a=b'.repeat(100_000)"],
  ...["'('.repeat(20_000)", "'['.repeat(20_000)", "'$'.repeat(20_000)", "'{'.repeat(20_000)", "'<'.repeat(100_000)"],
  ...["'a=>'.repeat(20_000)", "'/'.repeat(20_000)", "'%'.repeat(100_000)", "'\"'.repeat(100_000)"],
]

/** Of the core, of what keeps state, asks databases or timers, and of every module that came last. */
const SAMPLE =
  'tRelay tReply tOnFailure tSetFr slSendReply rewriteHostPort setFlag appendHf removeHf subst insertHf msgApplyChanges ' +
  'dlgManage dlgSetTimeout setDlgProfile dlgGetVar shtRmNameRe shtSetxi dsSelectDst dsMarkDst pikeCheckIp plCheck mqAdd ' +
  'xavpChildSeti pvVarToXavp sqlQuery pvWwwAuthenticate save lookup addPath ' +
  'secfCheckDst secfCheckCountry checkBlocklist checkUserBlocklist mStore mDump tsStore tsAppend tsAppendTo geoip2Match ' +
  'kaAddDestination kaDelDestination kaIsAlive sipdumpSend asyncTaskRoute dispatchXhttpRpc wsClose wsHandleHandshake tpsSetContext ' +
  'hfIteratorStart hfIteratorInsert'
const MODULES =
  'tm sl rr pv textops dialog htable dispatcher pike pipelimit mqueue sqlops auth usrloc registrar path topoh topos websocket secfilter userblocklist msilo tsilo keepalive outbound sipdump xhttp_rpc uuid'

const declared = new Set([...builtins().values()].map(({ name }) => name))
/** HOSTILE=all: every builtin there is. */
const names = process.env.HOSTILE === 'all' ? [...declared] : SAMPLE.split(' ')

const folder = mkdtempSync(join(tmpdir(), 'hostile-arguments-'))
let route: RouteUnderTest
let alice: Party
const outOfHand: unknown[] = []
const noted = (error: unknown) => outOfHand.push(error)

beforeAll(async () => {
  process.on('unhandledRejection', noted)
  process.on('uncaughtException', noted)
  const file = join(folder, 'route.ts')
  const configured = MODULES.split(' ').map((module) => `${module}: {}`)
  writeFileSync(
    file,
    `import * as all from 'signalbox'
export const config = {
  listen: ['udp:127.0.0.1:5060'],
  modules: { ${configured.join(', ')}, topoh: { mask_key: 'k' }, sipdump: { folder: ${JSON.stringify(folder)} } },
}
const hostile: (() => unknown)[] = [${HOSTILE.map((value) => `(): any => ${value.replace('const cycle =', 'const cycle: any =')}`).join(', ')}]
export async function request_route(request: any) {
  const builtin = (all as any)[request.header('X-Builtin')]
  const told: string[] = []
  for (const [i, value] of builtin === undefined ? [] : hostile.entries())
    for (const count of [1, 2, 4]) {
      try {
        await builtin(...[1, 2, 3, 4].slice(0, count).map(() => value()))
      } catch (error: any) {
        told.push(error instanceof Error ? \`\${i}/\${count} \${error.name}: \${error.message}\` : 'end')
      }
    }
  all.xlog('L_INFO', told.map((text) => text.slice(0, 300)).join(' | '))
  ;(globalThis as any).polluted ??= ({} as any).polluted
  await all.slSendReply((globalThis as any).polluted === undefined ? 200 : 500, 'Done')
}
`,
  )
  route = await RouteUnderTest.load(file)
  alice = route.party(FROM)
})
afterAll(async () => {
  await route?.close()
  process.off('unhandledRejection', noted)
  process.off('uncaughtException', noted)
  rmSync(folder, { recursive: true, force: true })
})

async function ask(builtin: string, callId: string): Promise<number> {
  await alice.send(request('INFO', { from: FROM, callId, headers: { 'X-Builtin': builtin } }))
  const finals = () => alice.history.filter(({ message }) => message.callId === callId && 'status' in message)
  // Some wait, for a second or for an answer that does not come.
  for (let turn = 0; turn < 100 && finals().length === 0; turn++)
    await (turn < 10 ? route.settle() : route.advance(1000))
  return (finals().at(-1)?.message as { status?: number } | undefined)?.status ?? 0
}

test('there are the builtins that are tried', () => {
  expect(names.filter((name) => !declared.has(name))).toEqual([])
})

test.each(names)('%s', { timeout: 30_000 }, async (name) => {
  const lines = route.lines.length
  const before = process.cpuUsage()
  const status = await ask(name, `hostile-${name}`)
  const { user, system } = process.cpuUsage(before)
  // Its own message may come to nothing: its calls take longer than a run may.
  expect(status).toBeGreaterThanOrEqual(200)
  expect((user + system) / 1000).toBeLessThan(5000)
  for (const { message, fields } of route.lines.slice(lines))
    expect(message.length + JSON.stringify(fields).length).toBeLessThan(20_000)
  // Other messages find the engine as it was, and what was left behind harms nobody when its time comes.
  expect(await ask('none', `honest-${name}`)).toBe(200)
  await route.advance(3000)
  expect(outOfHand).toEqual([])
})
