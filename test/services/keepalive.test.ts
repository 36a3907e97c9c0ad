// Checks module keepalive: destinations are asked by OPTIONS; their state reaches scripts, event routes and commands.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, expect, test } from 'vitest'
import { OWN_SCHEMA } from '../../src/database/schema.ts'
import type { Party } from '../../src/testkit/index.ts'
import { request } from '../../src/testkit/index.ts'
import { type CfgRoute, cfgRoute } from './cfg-route.ts'

let cfg: CfgRoute
let alice: Party
afterEach(() => cfg?.close())

const ROUTES = `
modparam("tm", "fr_timer", 1000)
request_route {
  $var(d) = $hdr(X-Destination);
  if ($hdr(X-Do) == "add") ka_add_destination("$var(d)", "config");
  else if ($hdr(X-Do) == "del") ka_del_destination("$var(d)", "config");
  else ka_is_alive("$var(d)");
  xlog("$rc\\n");
  sl_send_reply("200", "OK");
}
event_route[keepalive:dst-up] { xlog("up $ru\\n"); }
event_route[keepalive:dst-down] { xlog("down $ru\\n"); }
`
const start = async (parameters = '') => {
  cfg = await cfgRoute('tm sl pv xlog textops jsonrpcs keepalive', `${parameters}${ROUTES}`)
  alice = cfg.route.party('udp:127.0.0.6:5060')
  return cfg.route
}

let asked = 0
async function told(what: string, destination: string): Promise<string | undefined> {
  const headers = { 'X-Do': what, 'X-Destination': destination }
  await alice.send(request('OPTIONS', { from: 'udp:127.0.0.6:5060', callId: `asks-${++asked}`, headers }))
  await alice.reply(200)
  return cfg.said().at(-1)
}
const command = (name: string, parameters: string[] = []) => cfg.route.engine.command(`keepalive.${name}`, parameters)

test('a destination of the parameters is asked, and its state told', async () => {
  const route = await start(
    'modparam("keepalive", "destination", "127.0.0.2:5070")\nmodparam("keepalive", "ping_interval", 10)\nmodparam("keepalive", "ping_from", "sip:us@border.example.com")\n',
  )
  const far = route.party('udp:127.0.0.2:5070')
  expect(await told('ask', '127.0.0.2:5070')).toBe('1')
  await route.advance(500)
  const first = await far.request('OPTIONS')
  expect(first.message.raw).toMatch(/^OPTIONS sip:127\.0\.0\.2:5070 /)
  expect(first.message.header('From')).toMatch(/^<sip:us@border\.example\.com>;tag=/)
  await far.answer(first, 200)
  await route.settle()
  expect(cfg.said()).toContain('up sip:127.0.0.2:5070')
  expect(await told('ask', '127.0.0.2:5070')).toBe('1')
  expect(await command('list')).toMatchObject([
    { uri: 'sip:127.0.0.2:5070', owner: '_params', state: 1, 'last down': 'never' },
  ])
  // Workers share the times: those of a process' own clock would mean nothing to the others.
  expect(await command('list')).toMatchObject([{ 'last up': new Date(route.clock.wallclock()).toISOString() }])
  await route.advance(10_000)
  await far.answer(await far.request('OPTIONS'), 503)
  await route.settle()
  expect(cfg.said()).toContain('down sip:127.0.0.2:5070')
  expect(await told('ask', '127.0.0.2:5070')).toBe('2')
  // As in Kamailio, the name is what follows the scheme.
  expect(await told('ask', 'sip:127.0.0.2:5070')).toBe('-1')
})

test('a script adds and removes destinations', async () => {
  const route = await start('modparam("keepalive", "ping_interval", 10)\n')
  const far = route.party('udp:127.0.0.3:5070')
  expect(await told('ask', '127.0.0.3:5070')).toBe('-1')
  expect(await told('add', 'sip:127.0.0.3:5070')).toBe('1')
  expect(await told('add', 'sip:127.0.0.3:5070')).toBe('-2')
  expect(await told('add', 'no address')).toBe('-1')
  await route.advance(500)
  await far.answer(await far.request('OPTIONS'), 404)
  await route.settle()
  expect(await told('ask', '127.0.0.3:5070')).toBe('2')
  expect(await told('del', 'sip:127.0.0.3:5070')).toBe('1')
  expect(await told('del', 'sip:127.0.0.3:5070')).toBe('-1')
  await route.advance(20_000)
  expect(await far.unread()).toEqual([])
})

test('who stays silent is asked no more after delete_counter', async () => {
  const route = await start('modparam("keepalive", "ping_interval", 1)\nmodparam("keepalive", "delete_counter", 2)\n')
  const far = route.party('udp:127.0.0.4:5070')
  expect(await told('add', '127.0.0.4:5070')).toBe('1')
  let questions = 0
  for (let round = 0; round < 12; round++) {
    await route.advance(1000)
    for (const waiting of [...(await far.unread())]) {
      await far.request('OPTIONS')
      await far.answer(waiting, 500)
      questions++
    }
    await route.settle()
  }
  expect(questions).toBe(3)
  expect(cfg.said().filter((line) => line.startsWith('down'))).toEqual(['down sip:127.0.0.4:5070'])
})

test('commands add, show, remove and flush', async () => {
  await start()
  expect(await command('add', ['sip:127.0.0.5', 'ours'])).toBe('Ok. Destination added.')
  await expect(command('add', ['sip:127.0.0.5', 'ours'])).rejects.toThrow("couldn't add data to list")
  await expect(command('add', ['sip:127.0.0.5'])).rejects.toThrow('Not enough parameters')
  expect(await command('get', ['sip:127.0.0.5', 'ours'])).toEqual({
    uri: 'sip:127.0.0.5',
    owner: 'ours',
    state: 0,
  })
  expect(await command('del', ['sip:127.0.0.5', 'ours'])).toBe('Ok. Destination removed.')
  await expect(command('get', ['sip:127.0.0.5', 'ours'])).rejects.toThrow("couldn't get data from list")
  await command('add', ['sip:127.0.0.5', 'ours'])
  expect(await command('flush')).toBe('Ok. Destination list flushed.')
  expect(await command('list')).toEqual([])
})

test('drouting leaves out the gateways that do not answer', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'keepalive-'))
  const database = new DatabaseSync(join(folder, 'dr.db'))
  database.exec(`${OWN_SCHEMA}
    INSERT INTO dr_gateways (gwid, address) VALUES (1, '127.0.0.2:5070'), (2, '127.0.0.3:5070');
    INSERT INTO dr_rules (groupid, prefix, gwlist) VALUES ('8', '', '1,2')`)
  cfg = await cfgRoute(
    'tm sl pv xlog keepalive drouting',
    `modparam("drouting", "db_url", "sqlite://${folder}/dr.db")
modparam("drouting", "enable_keepalive", 1)
modparam("keepalive", "ping_interval", 10)
request_route { if (do_routing("8")) xlog("$rd\\n"); else xlog("none\\n"); sl_send_reply("200", "OK"); }`,
  )
  const { route } = cfg
  alice = route.party('udp:127.0.0.6:5060')
  const gateways = [route.party('udp:127.0.0.2:5070'), route.party('udp:127.0.0.3:5070')]
  const answer = async (...statuses: number[]) => {
    for (const [i, status] of statuses.entries())
      await gateways[i]!.answer(await gateways[i]!.request('OPTIONS'), status)
    await route.settle()
  }
  const chosen = async () => {
    await alice.send(request('OPTIONS', { from: 'udp:127.0.0.6:5060' }))
    await alice.reply(200)
    return cfg.said().at(-1)
  }
  expect(await command('list')).toMatchObject([{ owner: 'drouting' }, { owner: 'drouting' }])
  // Who was not asked yet counts as there.
  expect(await chosen()).toBe('127.0.0.2')
  await route.advance(500)
  await answer(503, 200)
  expect(await chosen()).toBe('127.0.0.3')
  await route.advance(10_000)
  await answer(503, 503)
  expect(await chosen()).toBe('none')
  await route.advance(10_000)
  await answer(200, 503)
  expect(await chosen()).toBe('127.0.0.2')
  // Gateways that are in the table no more are asked no more.
  database.exec('DELETE FROM dr_gateways WHERE gwid = 2')
  await route.engine.command('drouting.reload', [])
  expect(await command('list')).toMatchObject([{ uri: 'sip:127.0.0.2:5070' }])
  database.close()
  rmSync(folder, { recursive: true, force: true })
})
