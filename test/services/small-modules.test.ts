// Checks functions of modules that have few: xhttp_rpc's pages, $uuid, is_peer_verified, $sqlrows, t_relay_to, and what is not here.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, expect, test } from 'vitest'
import { createEngine } from '../../src/engine/index.ts'
import { request } from '../../src/testkit/index.ts'
import { compileText } from '../script/dsl/run-cfg.ts'
import { type CfgRoute, cfgRoute } from './cfg-route.ts'

let cfg: CfgRoute
afterEach(() => cfg?.close())

test('dispatch_xhttp_rpc lists groups and commands, carries them out, and shows their answers as text', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'xhttp-rpc-'))
  const file = join(folder, 'route.cfg')
  writeFileSync(
    file,
    `#!KAMAILIO
listen=tcp:127.0.0.1:46090
${'sl pv xlog xhttp xhttp_rpc htable'
  .split(' ')
  .map((name) => `loadmodule "${name}.so"`)
  .join('\n')}
modparam("xhttp_rpc", "xhttp_rpc_root", "http_rpc")
modparam("htable", "htable", "a=>size=4;")
event_route[xhttp:request] { dispatch_xhttp_rpc(); }
request_route { exit; }
`,
  )
  const engine = await createEngine({ file })
  await engine.start()
  const get = async (path: string) => {
    const reply = await fetch(`http://127.0.0.1:46090${path}`)
    return { status: reply.status, body: await reply.text() }
  }
  try {
    const home = await get('/http_rpc')
    expect(home.status).toBe(200)
    expect(home.body).toContain('<a href="/http_rpc/htable">htable</a>')
    expect((await get('/http_rpc/htable')).body).toContain('<a href="/http_rpc/htable/htable.dump">htable.dump</a>')
    expect((await get('/http_rpc/htable/htable.sets?arg=a%20k%20%3Cb%3E')).body).toContain(': 200 OK')
    // What a table holds is no part of the page.
    const dump = (await get('/http_rpc/htable/htable.dump?arg=a')).body
    expect(dump).toContain('&#60;b&#62;')
    expect(dump).not.toContain('<b>k')
    expect((await get('/http_rpc/htable/htable.get?arg=a+none')).body).toMatch(/htable\.get<\/a>: 500 /)
    for (const bad of ['/other', '/http_rpcx', '/http_rpc/nope', '/http_rpc/htable/no.such', '/http_rpc/a/b/c'])
      expect(await get(bad)).toMatchObject({ status: 500, body: expect.stringContaining('500: Bad URL') })
  } finally {
    await engine.close()
    rmSync(folder, { recursive: true, force: true })
  }
})

test('$uuid is another one each time, in the version asked for', async () => {
  cfg = await cfgRoute('sl pv xlog uuid', 'request_route { xlog("$uuid(g) $uuid(r) $uuid(t) $uuid(s)\\n"); }')
  const alice = cfg.route.party('udp:10.0.0.6:5060')
  await alice.send(request('OPTIONS'))
  await alice.send(request('OPTIONS'))
  const all = cfg.said().flatMap((line) => line.split(' '))
  expect(new Set(all).size).toBe(8)
  const form = (version: number) =>
    new RegExp(`^[0-9a-f]{8}-[0-9a-f]{4}-${version}[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
  for (const [i, uuid] of all.entries()) expect(uuid).toMatch(form(i % 4 < 2 ? 4 : 1))
})

test('is_peer_verified tells who showed a certificate', async () => {
  cfg = await cfgRoute(
    'sl pv xlog tls',
    'listen=tls:127.0.0.1:5061\nrequest_route { if (is_peer_verified()) xlog("verified\\n"); else xlog("not\\n"); }',
  )
  const known = cfg.route.party('tls:10.0.0.7:5061', { names: ['peer.example'], verified: true })
  await known.send(request('OPTIONS', { from: 'tls:10.0.0.7:5061' }))
  const unknown = cfg.route.party('tls:10.0.0.8:5061', { names: ['peer.example'], verified: false })
  await unknown.send(request('OPTIONS', { from: 'tls:10.0.0.8:5061' }))
  await cfg.route.party('udp:10.0.0.6:5060').send(request('OPTIONS'))
  expect(cfg.said()).toEqual(['verified', 'not', 'not'])
})

test('$sqlrows tells how many rows a statement changed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sqlrows-'))
  new DatabaseSync(join(folder, 't.db')).exec('CREATE TABLE t (a)')
  cfg = await cfgRoute(
    'sl pv xlog sqlops',
    `modparam("sqlops", "sqlcon", "ca=>sqlite:///${folder}/t.db")
request_route {
  xlog("$sqlrows(ca)\\n");
  sql_query("ca", "insert into t values (1), (2), (3)"); xlog("$sqlrows(ca)\\n");
  sql_query("ca", "delete from t where a > 1"); xlog("$sqlrows(ca) $sqlrows(other)\\n");
}`,
  )
  await cfg.route.party('udp:10.0.0.6:5060').send(request('OPTIONS'))
  expect(cfg.said()).toEqual(['<null>', '3', '2 <null>'])
  rmSync(folder, { recursive: true, force: true })
})

test('t_relay_to takes an address, flags, or both', async () => {
  cfg = await cfgRoute(
    'tm sl pv xlog textops',
    `listen=tcp:127.0.0.1:5060
request_route {
  switch ($hdr(X-To)) {
    case "flags": $du = "sip:10.0.0.7:5060"; t_relay_to("0x01"); break;
    case "tcp": t_relay_to("tcp:10.0.0.8:5060"); break;
    case "both": t_relay_to("10.0.0.7:5060", "1"); break;
  }
}`,
  )
  const { route } = cfg
  const [alice, bob, carol] = [
    route.party('udp:10.0.0.6:5060'),
    route.party('udp:10.0.0.7:5060'),
    route.party('tcp:10.0.0.8:5060'),
  ]
  for (const to of ['flags', 'tcp', 'both']) await alice.send(request('INVITE', { headers: { 'X-To': to } }))
  await bob.request('INVITE')
  await bob.request('INVITE')
  await carol.request('INVITE')
  // Flags that stand alone change nothing in 5.6.3.
  const begun = alice.history.map(({ message }) => message.raw.split('\r\n')[0])
  expect(begun).toEqual([expect.stringMatching(/^SIP\/2.0 100/), expect.stringMatching(/^SIP\/2.0 100/)])
})

test('hf_iterator_*: headers walked through, taken out, written beside others', async () => {
  cfg = await cfgRoute(
    'tm sl pv xlog textops textopsx',
    `request_route {
  hf_iterator_start("i");
  xlog("before [$hfitname(i)]\\n");
  while (hf_iterator_next("i")) {
    if ($hfitname(i) =~ "^X-") xlog("[$hfitname(i)] [$hfitbody(i)]\\n");
    if ($hfitname(i) == "X-A") hf_iterator_rm("i");
    if ($hfitname(i) == "X-B") {
      hf_iterator_append("i", "X-After: 1\r\n");
      hf_iterator_insert("i", "X-Before: 1\r\n");
    }
  }
  hf_iterator_next("i");
  xlog("after [$hfitname(i)] $rc\\n");
  hf_iterator_prev("i");
  xlog("back $rc\\n");
  hf_iterator_end("i");
  hf_iterator_next("i");
  xlog("ended $rc\\n");
  hf_iterator_start("j");
  hf_iterator_next("j"); hf_iterator_next("j"); hf_iterator_prev("j");
  xlog("first [$hfitname(j)]\\n");
  hf_iterator_prev("j");
  hf_iterator_rm("j");
  xlog("none $rc\\n");
  msg_apply_changes();
  xlog("$hdr(X-Before) $hdr(X-After) [$hdr(X-A)]\\n");
}`.replaceAll('\r\n', '\\r\\n'),
  )
  const alice = cfg.route.party('udp:10.0.0.6:5060')
  await alice.send(request('OPTIONS', { headers: { 'X-A': 'one', 'X-B': ' two, three ' } }))
  await cfg.route.settle()
  expect(cfg.said()).toEqual([
    'before [<null>]',
    '[X-A] [one]',
    '[X-B] [two, three ]',
    'after [<null>] -1',
    'back -1',
    'ended -1',
    'first [Via]',
    'none -1',
    '1 1 [<null>]',
  ])
})

test('sht_setxs and sht_setxi write with a time of their own', async () => {
  cfg = await cfgRoute(
    'tm sl pv xlog htable',
    `modparam("htable", "htable", "a=>size=4;autoexpire=100;")
request_route {
  sht_setxs("a", "k", "v", "5");
  xlog("$rc $sht(a=>k) $shtex(a=>k)\\n");
  sht_setxi("a", "n", "7", "9");
  $var(sum) = $sht(a=>n) + 1;
  xlog("$rc $var(sum) $shtex(a=>n)\\n");
}`,
  )
  const alice = cfg.route.party('udp:10.0.0.6:5060')
  await alice.send(request('OPTIONS'))
  await cfg.route.settle()
  expect(cfg.said()).toEqual(['1 v 5', '1 8 9'])
})

test.each([
  ['exec', 'exec_avp("date");', 'Routes have no shell'],
  ['app_python3', 'python_exec("f");', 'signalbox convert'],
  ['kazoo', 'kazoo_publish("a", "b", "c");', 'no message broker'],
  ['lcr', 'load_gws("1");', 'do_routing()'],
  ['statsd', 'statsd_gauge("a", "1");', '/metrics'],
  ['dmq', 'dmq_handle_message();', 'share their tables'],
  ['cfgutils', 'abort();', 'write exit, or drop'],
])('check says what to use in place of what %s does', (module, call, way) => {
  const { diagnostics } = compileText(`loadmodule "${module}.so"\nrequest_route { ${call} }\n`)
  const errors = diagnostics.filter(({ severity }) => severity === 'error')
  expect(errors.map(({ code }) => code)).toEqual(['function-not-provided'])
  expect(errors[0]!.hint).toContain(way)
})

test('stop-watches of benchmark: off until they are allowed, logged each time that granularity counts', async () => {
  cfg = await cfgRoute(
    'sl pv xlog cfgutils benchmark',
    `modparam("benchmark", "granularity", 2)
modparam("benchmark", "loglevel", 1)
modparam("benchmark", "register", "known")
request_route {
  bm_start_timer("a"); xlog("$rc\\n"); bm_log_timer("a"); xlog("$rc\\n");
  bm_log_timer("never"); xlog("$rc $BM_time_diff\\n");
}`,
  )
  const { route } = cfg
  const alice = route.party('udp:10.0.0.6:5060')
  const lines = () => route.lines.flatMap(({ message }) => (message.startsWith('benchmark') ? [message] : []))
  const ask = (name: string, ...parameters: unknown[]) => route.engine.command(`benchmark.${name}`, parameters)
  const send = async () => alice.send(request('OPTIONS'))
  await send()
  expect(cfg.said()).toEqual(['1', '1', '1 0'])
  const silent = { state: 'disabled', calls: 0, global_min: 4_294_967_295, global_max: 0 }
  expect(await ask('timer_list')).toMatchObject([
    { name: 'known', id: 0, ...silent },
    { name: 'a', id: 1, granularity: 2, ...silent },
    { name: 'never', id: 2, ...silent },
  ])
  await ask('enable_timer', 'a', 1)
  await send()
  expect(lines()).toEqual([])
  await send()
  expect(lines()).toEqual([
    expect.stringMatching(
      /^benchmark \(timer a \[1\]\): 0 \[ msgs\/total\/min\/max\/avg - LR: 2\/0\/0\/0\/0\.0+ \| GB: 2\/0\/0\/0\/0\.0+\]$/,
    ),
  ])
  expect(await ask('timer_name_list', 'a')).toMatchObject({
    state: 'enabled',
    calls: 2,
    period_min: 0,
    global_media: 0,
  })
  await ask('enable_global', -1)
  await send()
  expect(await ask('timer_name_list', 'a')).toMatchObject({ state: 'disabled', calls: 2 })
  for (const [name, ...given] of [
    ['enable_timer', 'a', 5],
    ['enable_global', 2],
    ['granularity', 0],
    ['loglevel', 9],
  ] as const)
    await expect(ask(name, ...given)).rejects.toThrow('Invalid Parameter Value')
  await expect(ask('timer_name_list', 'nope')).rejects.toThrow('Register timer failure')
})

test('$http_req_id names a question in its own route and in that of the answer', async () => {
  const server = createServer((asked, reply) => void reply.end(asked.url))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  cfg = await cfgRoute(
    'tm sl pv xlog http_async_client',
    `request_route {
  xlog("$http_req_id\\n");
  http_async_query("http://127.0.0.1:${port}/$rU", "ANSWERED"); xlog("$http_req_id\\n");
  exit;
}
route[ANSWERED] { xlog("$http_req_id $http_rb\\n"); t_reply("200", "OK"); }`,
    {},
    { patience: 5000 },
  )
  const alice = cfg.route.party('udp:10.0.0.6:5060')
  for (const user of ['one', 'two']) {
    await alice.send(request('OPTIONS', { uri: `sip:${user}@x.y` }))
    await alice.reply(200)
  }
  const [none, id, answered, , other] = cfg.said()
  expect(none).toBe('<null>')
  expect(answered).toBe(`${id} /one`)
  expect(id).not.toBe(other)
  expect(await cfg.route.engine.command('tm.clean', [])).toBeUndefined()
  await new Promise((resolve) => server.close(resolve))
})
