// Owns the proof that a .cfg, which runs in the engine's heap, costs no more of it than its message: its texts, its variables and its changes are bounded.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { SignalboxError } from '../../src/errors.ts'
import { input, type Loaded, loaded, reply, request } from './run-script.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Characters of V8's heap and of texts outside of it, in millions of bytes, after collecting. */
function megabytes(): number {
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / 1e6
}

const MODULES = ['pv', 'xlog', 'textops', 'textopsx', 'avpops', 'jansson', 'kex', 'corex', 'rr', 'tm', 'tmx', 'mqueue']
const HEAD = `#!KAMAILIO\nmax_while_loops=500\n${MODULES.map((name) => `loadmodule "${name}.so"`).join('\n')}\n`

/** Times of an entry in which nothing is stopped by the clock: what is told here has to come from the bounds. */
const limits = { runMillis: 60_000, isolateMegabytes: 32 }

async function program(body: string, rest = ''): Promise<Loaded> {
  return loaded(`${HEAD}request_route {\n${body}\n}\n${rest}\n`, { name: 'route.cfg', limits })
}

/** What the run ended with. */
async function told(run: () => unknown): Promise<string> {
  try {
    await run()
    return 'done'
  } catch (error) {
    if (!(error instanceof SignalboxError)) throw error
    return `${error.code}: ${error.message}`
  }
}

/** A loop in a loop around `body`. */
const often = (body: string) =>
  `$var(i) = 0; while ($var(i) < 400) { $var(i) = $var(i) + 1; $var(j) = 0; while ($var(j) < 400) { $var(j) = $var(j) + 1; ${body} } }`

const BIG =
  '$var(big) = "0123456789abcdef"; $var(k) = 0; while ($var(k) < 15) { $var(k) = $var(k) + 1; $var(big) = $var(big) + $var(big); }'

/** Runs `body` as the first call, then a call that does nothing. */
async function attempt(body: string): Promise<{ said: string; grown: number; peak: number }> {
  const { program: loadedProgram, request: run } = await program(
    `if ($rm == "OPTIONS") { exit; } ${body}`,
    'failure_route[F] { exit; }',
  )
  const before = megabytes()
  const said = await told(() => run())
  const { heapUsed, external } = process.memoryUsage()
  const peak = (heapUsed + external) / 1e6 - before
  const next = await loadedProgram.run(input('request', '', request('OPTIONS')))
  expect(next).toMatchObject({ exit: 'done' })
  return { said, grown: megabytes() - before, peak }
}

const BOUND = /^ERR_SCRIPT_MEMORY: .*(?:characters|values|changes)/

describe('texts of a run', () => {
  test.each([
    ['doubled by +', `$var(x) = "ab"; ${often('$var(x) = $var(x) + "abcdef" + $var(x);')}`],
    ['doubled by a text on the left', often('$var(x) = "a" + $var(x) + $var(x);')],
    ['doubled in a format', often('$var(x) = $_s(a$var(x)$var(x));')],
    ['doubled in an AVP', `$avp(x) = "ab"; ${often('$(avp(x)[*]) = $avp(x) + $avp(x);')}`],
    ['doubled in a log line', `${BIG} ${often('xlog("$var(big)$var(big)");')}`],
    ['as long as it may be, again and again', `${BIG} ${often('$var(x) = $var(big) + $var(j);')}`],
    ['each character replaced', `${BIG} $var(x) = $(var(big){s.replace,0,$var(big)});`],
    ['each match replaced', `${BIG} $var(x) = $(var(big){re.subst,/[0-9]/$var(big)/g});`],
    ['groups that stand for the whole', `${BIG} $var(x) = $(var(big){re.subst,/(.*)/${'\\1'.repeat(600)}/});`],
    ['lines of one character', `${BIG} $var(x) = $(var(big){s.fmtlines,1,256});`],
    ['encoded over and over', `${BIG} $var(x) = $(var(big){s.encode.hexa}{s.encode.hexa}{s.encode.hexa});`],
    [
      'values of an AVP joined',
      `${BIG} $var(j) = 0; while ($var(j) < 400) { $var(j) = $var(j) + 1; $avp(x) = $var(big); } $var(x) = $(avp(x)[*]);`,
    ],
    [
      'values of a record joined',
      `${BIG} $xavp(x=>a) = "1"; $var(j) = 0; while ($var(j) < 400) { $var(j) = $var(j) + 1; $xavp(x[0]=>a) = $var(big); } $var(x) = $xavp(x[0]=>a[*]);`,
    ],
  ])('%s', async (_name, body) => {
    const { said, grown, peak } = await attempt(body)
    expect(said).toMatch(BOUND)
    expect(peak).toBeLessThan(120)
    expect(grown).toBeLessThan(40)
  })

  test('given to services again and again', async () => {
    const { said, grown, peak } = await attempt(`${BIG} ${often('mq_add("q", "$var(j)", "$var(big)");')}`)
    expect(said).toMatch(BOUND)
    expect(peak).toBeLessThan(250)
    expect(grown).toBeLessThan(60)
  })

  test('the run is told where it went wrong', async () => {
    const { request: run, file } = await program(`${BIG}\n$var(x) = $var(big) + $var(big);`)
    expect(await told(() => run())).toBe(
      `ERR_SCRIPT_MEMORY: ${file}:${HEAD.split('\n').length + 2}:1: a text of 1048576 characters is longer than 1000000, which no text of a run may be`,
    )
  })

  test('what is long but within the bound is made', async () => {
    const { request: run, host } = await program(
      `${BIG} $var(x) = $(var(big){s.replace,0,zz}); xlog("L_INFO", "$(var(x){s.len}) $(var(big){s.encode.base64}{s.len})\\n");`,
    )
    expect(await told(() => run())).toBe('done')
    expect(host.of('log')).toMatchObject([{ text: '557056 699052\n' }])
  })

  test('each entry has all of it again', async () => {
    const { request: run } = await program(`${BIG} $var(x) = $(var(big){s.encode.base64});`)
    for (let i = 0; i < 60; i++) expect(await told(() => run())).toBe('done')
  })
})

/** The heap after so many calls of `body`, each with a transaction that lives on for its failure route. */
async function afterCalls(count: number, body: string, rest = ''): Promise<{ grown: number; said: Set<string> }> {
  const { request: run } = await program(body, rest)
  const before = megabytes()
  const said = new Set<string>()
  for (let i = 1; i <= count; i++)
    said.add((await told(() => run(request(), { transactionId: i, messageNumber: i }))).slice(0, 17))
  return { grown: megabytes() - before, said }
}

describe('what outlives a run', () => {
  test('variables with names made while running hold a bounded sum', async () => {
    const body = `${BIG} $var(j) = 0; while ($var(j) < 50) { $var(j) = $var(j) + 1; $shv(x$mi-$var(j)) = $(var(big){s.replace,f,$var(j)}); }`
    const { grown, said } = await afterCalls(6, body)
    expect([...said]).toEqual(['done'])
    expect(grown).toBeLessThan(60)
  })

  test('parts of messages do not keep the messages', async () => {
    const { request: run } = await program('$var(x$mi) = $(hdr(X-Long){s.substr,0,20});')
    const before = megabytes()
    for (let i = 1; i <= 2000; i++) {
      await run(request('INVITE', [`X-Long: ${`${i}`.padEnd(60_000, 'x')}`]), { transactionId: i, messageNumber: i })
    }
    expect(megabytes() - before).toBeLessThan(20)
  })

  test('short values stay when the long ones go', async () => {
    const { request: run, host } = await program(
      `${BIG} if ($var(n) == 0) { $var(kept) = "short"; } $var(n) = $var(n) + 1; $var(j) = 0; while ($var(j) < 40) { $var(j) = $var(j) + 1; $vn(x$mi-$var(j)) = $(var(big){s.replace,f,$var(j)}); } xlog("L_INFO", "$var(kept) $var(n)\\n");`,
    )
    for (let i = 1; i <= 3; i++) await run(request(), { transactionId: i, messageNumber: i })
    expect(host.of('log').map((line) => (line as { text: string }).text)).toEqual([
      'short 1\n',
      expect.stringContaining('variables held texts of more than'),
      'short 2\n',
      expect.stringContaining('variables held texts of more than'),
      'short 3\n',
    ])
  })

  test.each([
    ['values', often('$avp(x$var(i)) = "$var(i) $var(j)";')],
    ['names', often('$avp(x$var(i)-$var(j)) = 1;')],
    ['names of records', often('$xavp(x$var(i)-$var(j)=>a) = 1;')],
    ['records in records', often('$xavu(x=>a$var(i)=>b$var(j)) = 1;')],
    ['fields of records', often('xavp_params_explode("a=1;b=2;c=3;d$var(i)=4;e$var(j)=5", "x$var(i)");')],
    ['long values', `${BIG} ${often('$avp(x) = $var(big);')}`],
    [
      'lists in JSON',
      '$var(x) = "{\\"a\\":[1"; $var(j) = 0; while ($var(j) < 300) { $var(j) = $var(j) + 1; $var(x) = $var(x) + ",{},{},{},{}"; } $var(x) = $var(x) + "]}"; $var(j) = 0; while ($var(j) < 300) { $var(j) = $var(j) + 1; jansson_xdecode("$var(x)", "r"); }',
    ],
  ])('%s of one transaction', async (_name, body) => {
    const { grown, peak, said } = await attempt(`t_on_failure("F"); ${body}`)
    expect(said).toMatch(BOUND)
    expect(peak).toBeLessThan(150)
    expect(grown).toBeLessThan(40)
  })

  test('values of many transactions', async () => {
    const body = `if ($rm == "OPTIONS") { $avp(y) = "fine"; xlog("L_INFO", "$avp(y)\\n"); exit; } t_on_failure("F"); ${BIG} $avp(a) = $(var(big){s.replace,f,1}); $avp(b) = $(var(big){s.replace,f,2}); t_relay();`
    const {
      request: run,
      program: held,
      host,
    } = await program(body, 'failure_route[F] { xlog("L_INFO", "$(avp(a){s.len})\\n"); }')
    const before = megabytes()
    for (let i = 1; i <= 100; i++) await run(request(), { transactionId: i })
    expect(megabytes() - before).toBeLessThan(80)
    // A call that keeps little has what it keeps, and what is over makes room.
    await run(request('OPTIONS'), { transactionId: 101 })
    expect(host.of('log').at(-1)).toMatchObject({ text: 'fine\n' })
    for (let i = 1; i <= 100; i++) held.releaseTransaction(i)
    await run(request(), { transactionId: 102 })
    await held.run(input('failure', 'F', request(), { transactionId: 102 }))
    expect(host.of('log').at(-1)).toMatchObject({ text: '524288\n' })
  })
})

describe('changes to a message', () => {
  test.each([
    ['appended', often('append_hf("X-More: 1\\r\\n");')],
    ['long ones', `${BIG} ${often('append_hf("X-More: $var(big)\\r\\n");')}`],
    ['headers removed', often('remove_hf("Via");')],
    [
      'applied each time',
      often(
        'append_hf("X-More: $var(i) $var(j) 0123456789012345678901234567890123456789\\r\\n"); msg_apply_changes();',
      ),
    ],
    ['lines of replies', often('append_to_reply("X-More: 1\\r\\n");')],
    ['parameters of Record-Route', often('add_rr_param(";x=$var(i)");')],
    ['a URI that grows', often('prefix("0123456789");')],
  ])('%s', async (_name, body) => {
    const { said, grown, peak } = await attempt(body)
    expect(said).toMatch(BOUND)
    expect(peak).toBeLessThan(150)
    expect(grown).toBeLessThan(40)
  })

  test('in a reply route', async () => {
    const { program: held } = await program('exit;', `onreply_route { ${often('append_hf("X-More: 1\\r\\n");')} }`)
    expect(await told(() => held.run(input('reply', '', reply())))).toMatch(BOUND)
    expect(await told(() => held.run(input('request', '', request())))).toBe('done')
  })
})
