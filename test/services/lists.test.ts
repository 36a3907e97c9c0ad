// Checks modules secfilter and userblocklist: what 5.6.3 answered for the same tables and messages.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, expect, test } from 'vitest'
import { request } from '../../src/testkit/index.ts'
import { type CfgRoute, cfgRoute } from './cfg-route.ts'

const folder = mkdtempSync(join(tmpdir(), 'lists-'))
const url = `sqlite:///${folder}/lists.db`
const database = new DatabaseSync(join(folder, 'lists.db'))
database.exec(`
CREATE TABLE secfilter (id INTEGER PRIMARY KEY, action INTEGER, type INTEGER, data TEXT);
INSERT INTO secfilter (action, type, data) VALUES (0,0,'friendly'), (1,0,'friendly-ok'), (0,2,'bad.com'), (1,2,'bad.com.good'),
  (0,3,'127.0.0.9'), (0,4,'sipvic'), (1,4,'sipvicious-good'), (0,1,'ru'), (1,1,'es'), (2,0,'5551');
CREATE TABLE globalblacklist (id INTEGER PRIMARY KEY, prefix TEXT, whitelist INTEGER, description TEXT);
INSERT INTO globalblacklist (prefix, whitelist) VALUES ('49',0), ('4930',1), ('123',0);
CREATE TABLE userblocklist (id INTEGER PRIMARY KEY, username TEXT, domain TEXT, prefix TEXT, allowlist INTEGER);
INSERT INTO userblocklist (username, domain, prefix, allowlist) VALUES ('alice','a.com','555',0), ('alice','a.com','5551',1), ('bob','a.com','555',1);
CREATE TABLE globalblocklist (id INTEGER PRIMARY KEY, prefix TEXT, allowlist INTEGER, description TEXT);
`)

let cfg: CfgRoute
afterEach(async () => {
  parties.clear()
  await cfg?.close()
})
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))

interface Asked {
  readonly uri?: string
  readonly from?: string
  readonly headers?: Record<string, string>
  readonly source?: string
}

const parties = new Map<string, ReturnType<CfgRoute['route']['party']>>()
async function asked({
  uri,
  from = '<sip:alice@a.com>',
  headers,
  source = 'udp:127.0.0.6:5060',
}: Asked): Promise<string> {
  let party = parties.get(source)
  if (party === undefined) parties.set(source, (party = cfg.route.party(source)))
  const contact = { Contact: '<sip:alice@127.0.0.6>' }
  const message = request('OPTIONS', {
    from: source,
    headers: { ...contact, From: `${from};tag=1`, ...headers },
    ...(uri === undefined ? {} : { uri }),
  })
  await party.send(message)
  await cfg.route.settle()
  return cfg.said().at(-1) ?? ''
}

test('secfilter lets through and blocks by beginnings, names and users before domains', async () => {
  cfg = await cfgRoute(
    'sl pv xlog textops secfilter',
    `modparam("secfilter", "db_url", "${url}")
request_route {
  secf_check_ip(); $var(ip) = $?;
  secf_check_ua(); $var(ua) = $?;
  secf_check_from_hdr(); $var(f) = $?;
  secf_check_contact_hdr(); $var(c) = $?;
  secf_check_dst($rU); $var(d) = $?;
  secf_check_country($hdr(X-C)); $var(co) = $?;
  xlog("$var(ip) $var(ua) $var(f) $var(c) $var(d) $var(co)\\n");
  secf_check_sqli_all();
  xlog("clean\\n");
}`,
  )
  const codes = async (options: Asked) => {
    await asked(options)
    return cfg.said().at(-2)
  }
  expect(await codes({})).toBe('1 1 1 1 1 1')
  expect(await codes({ source: 'udp:127.0.0.90:5060' })).toBe('-2 1 1 1 1 1')
  expect(await codes({ headers: { 'User-Agent': 'friendly-scanner', 'X-C': 'RUS' } })).toBe('1 -2 1 1 1 -2')
  expect(await codes({ headers: { 'User-Agent': 'Friendly-OK yes', 'X-C': 'es' } })).toBe('1 2 1 1 1 2')
  expect(await codes({ uri: 'sip:5551@127.0.0.1' })).toBe('1 1 1 1 -2 1')
  expect(await codes({ uri: 'sip:55512@127.0.0.1' })).toBe('1 1 1 1 1 1')
  const from = async (text: string) => (await codes({ from: text }))?.split(' ')[2]
  expect(await from('"sipvic" <sip:sipvic@a.com>')).toBe('-4')
  expect(await from('"sipvic" <sip:x@bad.com.good>')).toBe('-4')
  expect(await from('"sipvicious-good" <sip:sipvic@bad.com>')).toBe('4')
  expect(await from('"sipvic" <sip:sipvicious-good@bad.com>')).toBe('2')
  expect(await from('<sip:sipvic@bad.com.good>')).toBe('-2')
  expect(await from('<sip:x@BAD.com.au>')).toBe('-3')
  expect(await from('<sip:x@bad.com.good>')).toBe('3')
  expect((await codes({ headers: { Contact: '"sipvic" <sip:x@bad.com>' } }))?.split(' ')[3]).toBe('-3')
})

test('a message with bits of SQL ends the script', async () => {
  cfg = await cfgRoute(
    'sl pv xlog textops secfilter',
    'request_route { xlog("began\\n"); secf_check_sqli_all(); xlog("clean\\n"); }',
  )
  for (const bad of ["a'b", 'a"b', 'a--b', 'a%27b', 'a%24b', 'a%60b'])
    expect(await asked({ headers: { 'User-Agent': bad } })).toBe('began')
  for (const good of ['a;b', 'a=b', 'a$b', 'a%b', 'drop table'])
    expect(await asked({ headers: { 'User-Agent': good } })).toBe('clean')
  expect(await asked({ from: "<sip:al'ice@a.com>" })).toBe('began')
  expect(await asked({ headers: { Contact: '"al--ice" <sip:x@a.com>' } })).toBe('clean')
})

const rpc = (method: string, params: readonly unknown[]) =>
  `jsonrpc_exec('{"jsonrpc":"2.0","method":"${method}","params":${JSON.stringify(params)},"id":1}');`

test('commands of secfilter add to the lists and tell them', async () => {
  cfg = await cfgRoute(
    'sl pv xlog secfilter jsonrpcs',
    `request_route {
  secf_check_ua(); xlog("$?\n");
  ${rpc('secfilter.add_bl', ['ua', 'Scan'])}
  secf_check_ua(); xlog("$?\n");
  ${rpc('secfilter.print', ['ua'])} xlog("$jsonrpl(body)\n");
  ${rpc('secfilter.add_wl', ['colour', 'red'])} xlog("$jsonrpl(body)\n");
}`,
  )
  await asked({ headers: { 'User-Agent': 'scan' } })
  expect(cfg.said().slice(0, 2)).toEqual(['1', '-2'])
  expect(JSON.parse(cfg.said()[2]!).result).toEqual([{ type: 'ua', blacklist: ['scan'], whitelist: [] }])
  expect(JSON.parse(cfg.said()[3]!).error.message).toMatch(/the type is one of ua, country/)
})

test('the longest number of a list decides, under the old names too', async () => {
  cfg = await cfgRoute(
    'sl pv xlog userblacklist userblocklist',
    `modparam("userblacklist", "db_url", "${url}")
modparam("userblocklist", "db_url", "${url}")
request_route {
  check_blacklist(); $var(a) = $?;
  check_whitelist("globalblacklist"); $var(b) = $?;
  check_user_blocklist("$fU", "$fd"); $var(c) = $?;
  check_user_allowlist("$fU", "$fd"); $var(d) = $?;
  xlog("$var(a) $var(b) $var(c) $var(d)\\n");
}`,
  )
  const of = (user: string) => asked({ uri: `sip:${user}@127.0.0.1` })
  expect(await of('491')).toBe('-1 -1 1 -1')
  expect(await of('4')).toBe('1 -1 1 -1')
  expect(await of('49301')).toBe('1 1 1 -1')
  expect(await of('+49')).toBe('-1 -1 1 -1')
  expect(await of('tel123')).toBe('-1 -1 1 -1')
  expect(await of('12-3')).toBe('1 -1 1 -1')
  expect(await of('5552')).toBe('1 -1 -1 -1')
  expect(await of('55512')).toBe('1 -1 1 1')
})
