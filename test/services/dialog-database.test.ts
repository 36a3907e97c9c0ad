// Checks module dialog's database: what is written when, and that calls go on after a start without anything in memory.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openDatabases } from '../../src/database/index.ts'
import { matchers, type Party, request } from '../../src/testkit/index.ts'
import { type CfgRoute, cfgRoute } from './cfg-route.ts'

expect.extend(matchers)

const MODULES = 'tm sl rr pv xlog textops siputils dialog'
const FROM = 'udp:127.0.0.6:5060'
const ROUTES = `
modparam("dialog", "profiles_with_value", "caller")
modparam("dialog", "profiles_no_value", "all")
modparam("dialog", "default_timeout", 3600)
event_route[dialog:start] { xlog("start\\n"); }
event_route[dialog:end] { xlog("end $dlg_var(x) $dlg(from_uri)\\n"); }
request_route {
  if (has_totag()) {
    loose_route();
    if (is_method("INFO")) $dlg_var(y) = "later";
    t_relay();
    exit;
  }
  if (is_method("OPTIONS")) {
    get_profile_size("caller", "alice", "$var(n)");
    get_profile_size("all", "$var(m)");
    xlog("size $var(n) $var(m) up $DLG_count\\n");
    exit;
  }
  if (is_method("MESSAGE")) { xlog("load " + dlg_db_load_callid("one") + "\\n"); exit; }
  $dlg_var(x) = "kept; as=it is";
  $dlg_ctx(timeout_bye) = 1;
  dlg_manage();
  set_dlg_profile("caller", "alice");
  set_dlg_profile("all");
  dlg_setflag("3");
  record_route();
  $du = "sip:127.0.0.2:5070";
  t_relay();
}`

let folder: string
let url: string
let cfg: CfgRoute
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dialog-database-'))
  url = `sqlite:///${join(folder, 'dialogs.sqlite')}`
  // The tables of our own file, elsewhere.
  const own = openDatabases({ folder })
  void own.open('').query('SELECT 1')
  void own.open('').query(`VACUUM INTO '${join(folder, 'dialogs.sqlite')}'`)
})
afterEach(async () => {
  await cfg?.close()
  rmSync(folder, { recursive: true, force: true })
})

function rows(table = 'dialog'): Record<string, unknown>[] {
  const database = new DatabaseSync(join(folder, 'dialogs.sqlite'))
  const all = database.prepare(`SELECT * FROM ${table} ORDER BY 1`).all()
  database.close()
  return all
}

const start = (mode: number, more = '') =>
  cfgRoute(MODULES, `modparam("dialog", "db_url", "${url}")\nmodparam("dialog", "db_mode", ${mode})\n${more}${ROUTES}`)

function within(method: string, cseq: number) {
  const headers = { Route: '<sip:127.0.0.1;lr>' }
  const uri = 'sip:bob@127.0.0.2:5070'
  return request(method, { from: FROM, callId: 'one', fromTag: 'a', uri, toTag: 'b', cseq, headers })
}

async function call(): Promise<{ alice: Party; bob: Party }> {
  const alice = cfg.route.party(FROM)
  const bob = cfg.route.party('udp:127.0.0.2:5070')
  const headers = { Contact: '<sip:alice@127.0.0.6:5060>', 'Record-Route': '<sip:127.0.0.9;lr>' }
  await alice.send(request('INVITE', { from: FROM, callId: 'one', fromTag: 'a', headers }))
  const invite = await bob.request('INVITE')
  expect(rows()).toEqual([])
  await bob.answer(invite, 200, { toTag: 'b', headers: 'Contact: <sip:bob@127.0.0.2:5070>\r\n' })
  await alice.reply()
  await alice.send(within('ACK', 1))
  await bob.request('ACK')
  await cfg.route.settle()
  return { alice, bob }
}

/** What alice does last. */
async function hangUp(alice: Party, bob: Party): Promise<void> {
  await alice.send(within('BYE', 3))
  await bob.answer(await bob.request('BYE'), 200)
  await cfg.route.settle()
}

test('db_mode 1: a call is a row from its answer to its end, as 5.6.3 writes it', async () => {
  cfg = await start(1)
  const { alice, bob } = await call()
  const [row, ...others] = rows()
  expect(others).toEqual([])
  expect(row).toMatchObject({
    callid: 'one',
    from_tag: 'a',
    to_tag: 'b',
    caller_cseq: '1',
    callee_cseq: '0',
    caller_route_set: '<sip:127.0.0.9;lr>',
    callee_route_set: '',
    caller_contact: 'sip:alice@127.0.0.6:5060',
    callee_contact: 'sip:bob@127.0.0.2:5070',
    caller_sock: 'udp:127.0.0.1:5060',
    callee_sock: 'udp:127.0.0.1:5060',
    state: 4,
    sflags: 8,
    iflags: 1,
    toroute_name: null,
  })
  expect(Number(row!.timeout) - Number(row!.start_time)).toBe(3600)
  expect(JSON.parse(`${row!.xdata}`)).toMatchObject({ profiles: [{ name: 'caller', value: 'alice' }, { name: 'all' }] })
  expect(rows('dialog_vars')).toMatchObject([{ dialog_key: 'x', dialog_value: 'kept; as=it is' }])

  await alice.send(within('INFO', 2))
  await bob.answer(await bob.request('INFO'), 200)
  await cfg.route.settle()
  expect(rows()).toMatchObject([{ caller_cseq: '2' }])
  expect(rows('dialog_vars')).toMatchObject([{ dialog_key: 'x' }, { dialog_key: 'y', dialog_value: 'later' }])

  await hangUp(alice, bob)
  expect([...rows(), ...rows('dialog_vars')]).toEqual([])
})

test('a call goes on after a start: variables, profiles, its end', async () => {
  cfg = await start(1)
  await call()
  await cfg.close()

  cfg = await start(1)
  const alice = cfg.route.party(FROM)
  const bob = cfg.route.party('udp:127.0.0.2:5070')
  await alice.send(request('OPTIONS', { from: FROM }))
  await hangUp(alice, bob)
  await alice.send(request('OPTIONS', { from: FROM, callId: 'after' }))
  await cfg.route.settle()
  expect(cfg.said()).toEqual(['size 1 1 up 1', `end kept; as=it is sip:alice@127.0.0.6`, 'size 0 0 up 0'])
  expect([...rows(), ...rows('dialog_vars')]).toEqual([])
})

test('a call whose time was over while nobody served is hung up soon after the start, along its routes', async () => {
  cfg = await start(1)
  await call()
  await cfg.close()
  const database = new DatabaseSync(join(folder, 'dialogs.sqlite'))
  database.exec('UPDATE dialog SET timeout = 1000')
  database.close()

  cfg = await start(1)
  const callerRoute = cfg.route.party('udp:127.0.0.9:5060')
  const bob = cfg.route.party('udp:127.0.0.2:5070')
  await cfg.route.advance(1500)
  const toBob = await bob.request('BYE')
  expect(toBob.message).toMatchObject({ callId: 'one', fromTag: 'a', toTag: 'b', cseqNumber: 2 })
  expect((await callerRoute.request('BYE')).message).toMatchObject({ requestUri: 'sip:alice@127.0.0.6:5060' })
  await cfg.route.settle()
  expect(rows()).toEqual([])
})

test('db_mode 2 writes after db_update_period, and at the end what is left', async () => {
  cfg = await start(2, 'modparam("dialog", "db_update_period", 30)\n')
  const { alice, bob } = await call()
  expect(rows()).toEqual([])
  await cfg.route.advance(31_000)
  expect(rows()).toMatchObject([{ callid: 'one', state: 4 }])
  await hangUp(alice, bob)
  expect(rows()).toHaveLength(1)
  await cfg.close()
  expect([...rows(), ...rows('dialog_vars')]).toEqual([])
})

test('db_mode 3 writes at the end; with db_skip_load a call is read when it is asked for', async () => {
  cfg = await start(3)
  await call()
  expect(rows()).toEqual([])
  await cfg.close()
  expect(rows()).toMatchObject([{ callid: 'one', state: 4 }])

  cfg = await start(3, 'modparam("dialog", "db_skip_load", 1)\n')
  const alice = cfg.route.party(FROM)
  await alice.send(request('OPTIONS', { from: FROM }))
  for (const callId of ['m1', 'm2']) await alice.send(request('MESSAGE', { from: FROM, callId }))
  await alice.send(request('OPTIONS', { from: FROM, callId: 'again' }))
  await cfg.route.settle()
  expect(cfg.said()).toEqual(['size 0 0 up 0', 'load 1', 'load 0', 'size 1 1 up 1'])
})

test('a row of 5.6.3 is read; one that is no call, or would forge a header, is passed over', async () => {
  const database = new DatabaseSync(join(folder, 'dialogs.sqlite'))
  const insert = database.prepare(
    `INSERT INTO dialog (hash_entry, hash_id, callid, from_uri, from_tag, to_uri, to_tag, caller_cseq, callee_cseq,
       caller_contact, callee_contact, caller_sock, callee_sock, state, start_time, timeout, sflags, iflags, req_uri, xdata)
     VALUES (3943, ?, ?, ?, 'a', 'sip:bob@b.com', 'b', '2', '0', 'sip:alice@127.0.0.6:5060', 'sip:bob@127.0.0.2:5070',
       'udp:127.0.0.1:5060', 'udp:127.0.0.1:5060', ?, 1795350460, 4000000000, 8, 1, 'sip:bob@127.0.0.2:5070', ?)`,
  )
  const extra = '{"profiles":[{"name":"all","puid":"dlgp-2"},{"name":"caller","value":"alice","puid":"dlgp-1"}]}'
  insert.run(10977, 'one', 'sip:alice@a.com', 4, extra)
  insert.run(10978, 'two', 'sip:alice@a.com>\r\nX: y', 4, '{')
  insert.run(10979, 'three', 'sip:alice@a.com', 1, null)
  database.prepare("INSERT INTO dialog_vars VALUES (1, 3943, 10977, 'x', 'theirs')").run()
  database.close()
  cfg = await start(1)
  const alice = cfg.route.party(FROM)
  const bob = cfg.route.party('udp:127.0.0.2:5070')
  await alice.send(request('OPTIONS', { from: FROM }))
  await hangUp(alice, bob)
  expect(cfg.said()).toEqual(['size 1 1 up 1', 'end theirs sip:alice@a.com'])
  expect(rows()).toMatchObject([{ callid: 'two' }, { callid: 'three' }])
  expect(cfg.route.lines).toContainEqual(expect.objectContaining({ fields: expect.objectContaining({ rows: 2 }) }))
})

test('the end of a call that the database refuses is written later', async () => {
  cfg = await start(1, 'modparam("dialog", "db_update_period", 30)\n')
  const { alice, bob } = await call()
  const change = (sql: string) => {
    const database = new DatabaseSync(join(folder, 'dialogs.sqlite'))
    database.exec(sql)
    database.close()
  }
  change("CREATE TRIGGER never BEFORE DELETE ON dialog BEGIN SELECT RAISE(ABORT, 'no'); END")
  await hangUp(alice, bob)
  expect(rows()).toHaveLength(1)
  await cfg.route.advance(31_000)
  expect(rows()).toHaveLength(1)
  change('DROP TRIGGER never')
  await cfg.route.advance(31_000)
  expect(rows()).toEqual([])
})

test('a database that is not there is told, and calls are followed all the same', async () => {
  url = `sqlite:///${join(folder, 'nothing.sqlite')}`
  cfg = await start(1)
  await call()
  expect(cfg.said()).toEqual(['start'])
  const told = cfg.route.lines.filter(({ message }) => message.includes('database')).map(({ message }) => message)
  expect(told).toContain('dialogs could not be read from the database')
  expect(told).toContain('a dialog could not be written to the database')
})
