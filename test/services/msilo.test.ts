// Checks module msilo: what is kept, who is told, what is sent when its owner comes, and what stays when it does not arrive.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { request } from '../../src/testkit/index.ts'
import { type CfgRoute, cfgRoute } from './cfg-route.ts'

let cfg: CfgRoute
let folder: string
let database: DatabaseSync
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'msilo-'))
  database = new DatabaseSync(join(folder, 'silo.db'))
  database.exec(
    'CREATE TABLE silo (id INTEGER PRIMARY KEY AUTOINCREMENT, src_addr TEXT, dst_addr TEXT, username TEXT, domain TEXT, inc_time INTEGER, exp_time INTEGER, snd_time INTEGER, ctype TEXT, body TEXT, extra_hdrs TEXT, callid TEXT, status INTEGER)',
  )
})
afterEach(async () => {
  await cfg?.close()
  database.close()
  rmSync(folder, { recursive: true, force: true })
})

const rows = () => database.prepare('SELECT * FROM silo ORDER BY id').all() as Record<string, string | number>[]

const start = async (parameters = '') => {
  cfg = await cfgRoute(
    'tm sl pv xlog textops siputils msilo',
    `modparam("msilo", "db_url", "sqlite:///${folder}/silo.db")
modparam("msilo", "outbound_proxy", "sip:10.0.0.7:5060")
${parameters}
request_route {
  if (is_method("REGISTER")) { m_dump(); xlog("dump $rc\\n"); sl_send_reply("200", "OK"); exit; }
  if ($hdr(X-At) != $null) $avp(at) = $hdr(X-At);
  if ($hdr(X-Owner) != $null) { $avp(kept) = "X-Kept: 1\\r\\n"; m_store("$hdr(X-Owner)"); } else m_store();
  xlog("store $rc\\n");
  sl_send_reply("202", "Accepted");
}`,
  )
  return cfg.route
}

const message = (
  body: string,
  headers: Record<string, string> = {},
  uri = 'sip:bob@example.com',
  type = 'text/plain',
) =>
  request('MESSAGE', {
    uri,
    body,
    contentType: type,
    headers: { From: '<sip:alice@example.com>;tag=1', To: '<sip:bob@example.com>', ...headers },
  })
const register = (expires: string) =>
  request('REGISTER', { uri: 'sip:example.com', headers: { To: '<sip:bob@example.com>', Expires: expires } })

test('messages are kept, and sent when their owner comes', async () => {
  const route = await start(
    'modparam("msilo", "extra_hdrs_avp", "$avp(kept)")\nmodparam("msilo", "extra_hdrs", "X-Extra: $tu\\r\\n")',
  )
  const alice = route.party('udp:10.0.0.6:5060')
  await alice.send(message('hello'))
  await alice.reply(202)
  // The R-URI names nobody: To does.
  await alice.send(message('<b>two', { 'X-Owner': 'sip:bob@example.com' }, 'sip:example.com', 'text/html'))
  await alice.reply(202)
  await alice.send(message(''))
  await alice.reply(202)
  expect(cfg.said()).toEqual(['store 1', 'store 1', 'store -1'])
  expect(rows()).toMatchObject([
    {
      src_addr: 'sip:alice@example.com',
      username: 'bob',
      domain: 'example.com',
      body: 'hello',
      ctype: 'text/plain',
      snd_time: 0,
    },
    { body: '<b>two', ctype: 'text/html', extra_hdrs: 'X-Kept: 1\r\n' },
  ])
  expect(Number(rows()[0]!.exp_time) - Number(rows()[0]!.inc_time)).toBe(259_200)

  const bob = route.party('udp:10.0.0.7:5060')
  await bob.send(register('0'))
  await bob.reply(200)
  expect(cfg.said().at(-1)).toBe('dump -1')
  await bob.send(register('600'))
  await bob.reply(200)
  const [first, second] = [await bob.request('MESSAGE'), await bob.request('MESSAGE')]
  expect(first.message.raw).toMatch(/^MESSAGE sip:bob@example\.com SIP/)
  expect(first.message.raw).toMatch(/\r\n\r\n\[Offline message - \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}\] hello$/)
  expect(first.message.raw).toMatch(/\r\nFrom: <sip:alice@example\.com>;tag=/)
  expect(first.message.raw).toMatch(/\r\nDate: .* GMT\r\n/)
  expect(second.message.raw).toMatch(/\r\nX-Extra: sip:bob@example\.com\r\nX-Kept: 1\r\n[\s\S]*\r\n\r\n<b>two$/)
  // What is under way is not sent again.
  await bob.send(register('600'))
  await bob.reply(200)
  await bob.answer(first, 200)
  await bob.answer(second, 415)
  expect(rows()).toMatchObject([{ body: '<b>two' }])
  expect(await route.engine.command('msilo.counts', [])).toMatchObject({ stored: 2, dumped: 1, failed: 1 })
  await bob.send(register('600'))
  expect((await bob.request('MESSAGE')).message.raw).toContain('<b>two')
})

test('the sender is told, where the file says how', async () => {
  const route = await start(`modparam("msilo", "from_address", "sip:silo@example.com")
modparam("msilo", "offline_message", "*** $rU is offline!")
modparam("msilo", "content_type_hdr", "Content-Type: text/plain\\r\\n")
modparam("msilo", "max_messages", 1)`)
  const alice = route.party('udp:10.0.0.6:5060')
  const proxy = route.party('udp:10.0.0.7:5060')
  await alice.send(message('hello', { Contact: '<sip:alice@10.0.0.6>' }))
  const told = (await proxy.request('MESSAGE')).message.raw
  expect(told).toMatch(/^MESSAGE sip:alice@10\.0\.0\.6 SIP/)
  expect(told).toMatch(
    /\r\nFrom: <sip:silo@example\.com>;tag=[\s\S]*\r\nContent-Type: text\/plain\r\n[\s\S]*\r\n\r\n\*\*\* bob is offline!$/,
  )
  await alice.send(message('one too many'))
  expect(cfg.said()).toEqual(['store 1', 'store -1'])
})

test('what nobody fetched goes, where a reload brought the module', async () => {
  cfg = await cfgRoute('tm', 'request_route { exit; }')
  await cfg.reload(
    'tm msilo',
    `modparam("msilo", "db_url", "sqlite:///${folder}/silo.db")
modparam("msilo", "clean_period", 1)
request_route { exit; }`,
  )
  database.exec("INSERT INTO silo (username, domain, exp_time, snd_time) VALUES ('bob', 'example.com', 1, 0)")
  await cfg.route.advance(60_000)
  expect(rows()).toEqual([])
})

test('a reminder waits for its time, and what nobody fetched goes', async () => {
  const route = await start(`modparam("msilo", "snd_time_avp", "$avp(at)")
modparam("msilo", "reminder", "sip:reminder@example.com")
modparam("msilo", "send_time", 10)
modparam("msilo", "clean_period", 2)
modparam("msilo", "expire_time", 60)`)
  const alice = route.party('udp:10.0.0.6:5060')
  await alice.send(message('stay away', { 'X-At': 'tomorrow' }))
  expect(cfg.said().at(-1)).toBe('store -1')
  const at = new Date(route.clock.wallclock() + 15_000)
  const two = (number: number) => String(number).padStart(2, '0')
  const time = `${at.getFullYear()}${two(at.getMonth() + 1)}${two(at.getDate())}${two(at.getHours())}${two(at.getMinutes())}${two(at.getSeconds())}`
  await alice.send(message('call home', { 'X-At': time }))
  expect(cfg.said().at(-1)).toBe('store 1')
  const bob = route.party('udp:10.0.0.7:5060')
  await route.advance(10_000)
  expect(bob.history).toEqual([])
  await route.advance(10_000)
  const reminded = await bob.request('MESSAGE')
  expect(reminded.message.raw).toMatch(/From: <sip:reminder@example\.com>[\s\S]*\[Reminder message - .*\] call home$/)
  await bob.answer(reminded, 200)
  expect(rows()).toEqual([])
  await alice.send(message('never fetched'))
  for (let i = 0; i < 10; i++) await route.advance(10_000)
  expect(rows()).toEqual([])
})
