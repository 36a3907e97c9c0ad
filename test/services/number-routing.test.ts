// Checks dialplan, mtree and drouting on rows of a database, contacts of a redirection, and copies for a capture server.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Database } from '../../src/database/index.ts'
import { hepPacket } from '../../src/services/hep.ts'
import { createMtree } from '../../src/services/mtree.ts'
import type { ServiceHost, ServiceRun } from '../../src/services/service.ts'
import { request } from '../../src/testkit/index.ts'
import { type CfgRoute, cfgRoute } from './cfg-route.ts'

const FROM = 'udp:127.0.0.6:5060'
let cfg: CfgRoute
let folder: string
let url: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'numbers-'))
  url = `sqlite://${join(folder, 'numbers.sqlite')}`
})

afterEach(async () => {
  await cfg?.close()
  rmSync(folder, { recursive: true, force: true })
})

function tables(sql: string): void {
  const database = new DatabaseSync(join(folder, 'numbers.sqlite'))
  database.exec(sql)
  database.close()
}

async function said(modules: string, text: string, uri: string): Promise<string[]> {
  cfg = await cfgRoute(`tm sl pv xlog textops ${modules}`, text)
  await cfg.route.party(FROM).send(request('OPTIONS', { from: FROM, uri }))
  return cfg.said()
}

test('dialplan rewrites by regular expressions, texts and shell patterns', async () => {
  tables(`CREATE TABLE dialplan (id INTEGER PRIMARY KEY, dpid INTEGER, pr INTEGER, match_op INTEGER, match_exp TEXT, match_len INTEGER, subst_exp TEXT, repl_exp TEXT, attrs TEXT);
INSERT INTO dialplan (dpid, pr, match_op, match_exp, match_len, subst_exp, repl_exp, attrs) VALUES
 (1, 2, 1, '^0049[1-9]\\d+$', 0, '^0049(.*)$', '+49\\1', 'german'), (1, 1, 0, '112', 0, '', 'emergency', ''), (1, 3, 2, '7?', 2, '', '', 'short')`)
  const lines = await said(
    'dialplan',
    `modparam("dialplan", "db_url", "${url}")
modparam("dialplan", "attrs_pvar", "$var(attrs)")
request_route {
  dp_translate("1"); xlog("$rc $rU $var(attrs)\\n");
  dp_replace("1", "112", "$var(n)"); xlog("$rc $var(n)\\n");
  dp_match("1", "75"); xlog("$rc $var(attrs)\\n");
  dp_match("1", "755"); xlog("$rc\\n");
  dp_match("9", "1"); xlog("$rc\\n");
}`,
    'sip:004930123@example.com',
  )
  expect(lines).toEqual(['1 +4930123 german', '1 emergency', '1 short', '-1', '-2'])
})

test('mtree finds the longest prefix', async () => {
  tables("CREATE TABLE routes (tprefix TEXT, tvalue TEXT); INSERT INTO routes VALUES ('49', 'de'), ('4930', 'berlin')")
  const lines = await said(
    'mtree',
    `modparam("mtree", "db_url", "${url}")
modparam("mtree", "mtree", "name=t;dbtable=routes;type=0;")
modparam("mtree", "pv_value", "$var(v)")
modparam("mtree", "pv_values", "$avp(all)")
request_route { mt_match("t", "$rU", "0"); xlog("$rc $var(v)\\n"); mt_match("t", "$rU", "2"); xlog("$avp(all) $(avp(all)[1])\\n"); mt_match("t", "33", "0"); xlog("$rc\\n"); }`,
    'sip:4930123@example.com',
  )
  expect(lines).toEqual(['1 berlin', 'berlin de', '-1'])
})

test('drouting takes the gateways of the longest prefix in turn', async () => {
  tables(`CREATE TABLE dr_gateways (gwid INTEGER, type INTEGER, address TEXT, strip INTEGER, pri_prefix TEXT, attrs TEXT);
CREATE TABLE dr_rules (ruleid INTEGER, groupid TEXT, prefix TEXT, timerec TEXT, priority INTEGER, routeid TEXT, gwlist TEXT);
INSERT INTO dr_gateways VALUES (1, 10, '127.0.0.21:5080', 2, '0', 'a=1'), (2, 10, '127.0.0.22', 0, NULL, NULL);
INSERT INTO dr_rules VALUES (1, '8', '49', '', 1, '0', '1,2'), (2, '8', '', '', 0, '0', '2')`)
  const lines = await said(
    'drouting',
    `modparam("drouting", "db_url", "${url}")
request_route {
  do_routing("8"); xlog("$rc $ru\\n"); use_next_gw(); xlog("$rc $ru\\n"); use_next_gw(); xlog("$rc\\n");
  $ru = "sip:33@x"; do_routing("8"); xlog("$ru\\n"); do_routing("9"); xlog("$rc\\n"); is_from_gw(); xlog("$rc\\n");
}`,
    'sip:4930123@example.com',
  )
  expect(lines).toEqual([
    '1 sip:030123@127.0.0.21:5080',
    '1 sip:4930123@127.0.0.22',
    '-1',
    'sip:33@127.0.0.22',
    '-1',
    '-1',
  ])
})

test('drouting: a reload that fails leaves gateways and rules as they were', async () => {
  tables(`CREATE TABLE dr_gateways (gwid INTEGER, type INTEGER, address TEXT, strip INTEGER, pri_prefix TEXT, attrs TEXT);
CREATE TABLE dr_rules (groupid TEXT, prefix TEXT, priority INTEGER, gwlist TEXT);
CREATE TABLE dr_gw_lists (id INTEGER, gwlist TEXT);
INSERT INTO dr_gateways VALUES (1, 10, '127.0.0.21', 0, NULL, NULL); INSERT INTO dr_gw_lists VALUES (5, '1');
INSERT INTO dr_rules VALUES ('8', '49', 1, '#5')`)
  cfg = await cfgRoute(
    'tm sl pv xlog textops drouting',
    `modparam("drouting", "db_url", "${url}")\nrequest_route { do_routing("8"); xlog("$ru\\n"); }`,
  )
  const alice = cfg.route.party(FROM)
  let calls = 0
  const reloaded = async (sql: string) => {
    tables(sql)
    const outcome = await cfg.route.engine.command('drouting.reload', []).then(
      () => 'read',
      () => 'refused',
    )
    await alice.send(request('OPTIONS', { from: FROM, uri: 'sip:4930123@example.com', callId: `call${++calls}` }))
    return `${outcome}, ${cfg.said().at(-1)}`
  }
  expect(await reloaded('')).toBe('read, sip:4930123@127.0.0.21')
  expect(await reloaded('DELETE FROM dr_gateways; ALTER TABLE dr_rules RENAME TO away')).toBe(
    'refused, sip:4930123@127.0.0.21',
  )
  expect(
    await reloaded(
      "ALTER TABLE away RENAME TO dr_rules; DROP TABLE dr_gw_lists; INSERT INTO dr_gateways VALUES (1, 10, '127.0.0.22', 0, NULL, NULL)",
    ),
  ).toBe('read, sip:4930123@127.0.0.22')
})

test('a number of any length costs what the longest prefix does', async () => {
  const database = { rows: async () => [{ tprefix: '49', tvalue: 'de' }] } as unknown as Database
  const databases = { open: () => database, close: async () => {} }
  const tree = createMtree({} as ServiceHost, databases)
  const parameter = (name: string, value: string) => ({ module: 'mtree', name, value })
  tree.configure?.([parameter('mtree', 'name=t;dbtable=t'), parameter('db_url', 'x')], true)
  await tree.start?.()
  const ask = (text: string) => tree.operations!.match!({} as ServiceRun, { tree: 't', text, mode: 0 })
  expect(ask('4930')).toEqual({ values: ['de'], type: 0 })
  const cost = (text: string): number => {
    const began = performance.now()
    ask(text)
    return performance.now() - began
  }
  // 200 ms where each beginning of it is looked for.
  expect(Math.min(...Array.from({ length: 5 }, () => cost(`3${'1'.repeat(60_000)}`)))).toBeLessThan(20)
})

test('contacts of a redirection are called, the one preferred first', async () => {
  cfg = await cfgRoute(
    'tm sl pv xlog textops uac_redirect',
    `request_route { t_on_failure("R"); t_relay(); }
failure_route[R] { set_deny_filter(".*@127.0.0.9.*", ""); if (t_check_status("3..") && get_redirects("*")) { t_relay(); } }`,
  )
  const { route } = cfg
  const [alice, first] = [route.party(FROM), route.party('udp:127.0.0.2:5070')]
  const [second, denied] = [route.party('udp:127.0.0.3:5070'), route.party('udp:127.0.0.9:5070')]
  await alice.send(request('INVITE', { from: FROM, uri: 'sip:bob@127.0.0.2:5070' }))
  await first.answer(await first.request('INVITE'), 302, {
    headers: 'Contact: <sip:x@127.0.0.9:5070>, "B" <sip:b@127.0.0.3:5070>;q=0.5\r\n',
  })
  await second.answer(await second.request('INVITE'), 486)
  expect((await alice.reply()).message.raw).toMatch(/^SIP\/2.0 486/)
  expect(await denied.unread()).toEqual([])
})

test('a HEP packet holds addresses, time and message', () => {
  const packet = hepPacket({
    payload: 'OPTIONS',
    transport: 'udp',
    source: { address: '10.0.0.1', port: 5060 },
    destination: { address: '10.0.0.2', port: 5070 },
    family: 4,
    milliseconds: 1500,
    capture: 7,
    correlation: 'call',
    key: '',
  })
  expect(packet.slice(0, 4)).toBe('HEP3')
  expect(packet.charCodeAt(4) * 256 + packet.charCodeAt(5)).toBe(packet.length)
  expect(packet).toContain('\x00\x00\x00\x03\x00\x0a\x0a\x00\x00\x01')
  expect(packet).toContain('\x00\x00\x00\x09\x00\x0a\x00\x00\x00\x01')
  expect(packet).toContain('\x00\x00\x00\x0f\x00\x0dOPTIONS')
})
