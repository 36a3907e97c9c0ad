// Checks what module dispatcher keeps over a reload and shares among workers: calls counted, states of destinations.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, afterEach, expect, test } from 'vitest'
import { ManualClock } from '../../src/clock.ts'
import { openDatabases } from '../../src/database/index.ts'
import { createDispatcher } from '../../src/services/dispatcher.ts'
import type { Service, ServiceRun } from '../../src/services/service.ts'
import { request } from '../../src/testkit/index.ts'
import { type CfgRoute, cfgRoute } from './cfg-route.ts'
import { sharedWorkers } from './shared-workers.ts'

const FROM = 'udp:127.0.0.6:5060'
let cfg: CfgRoute | undefined
afterEach(() => cfg?.close())
const folder = mkdtempSync(join(tmpdir(), 'dispatcher-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('calls that were up at a reload, and end after it, leave their destination free', async () => {
  cfg = await cfgRoute(
    'tm sl rr pv xlog textops siputils dispatcher',
    `modparam("dispatcher", "list_file", "list")
modparam("dispatcher", "flags", 2)
request_route {
  if (!has_totag()) { record_route(); ds_select_dst("1", "10"); } else { ds_load_update(); $du = "sip:127.0.0.2:5070"; }
  t_relay();
}`,
    { list: '1 sip:127.0.0.2:5070 0 0 duid=a;maxload=1\n' },
  )
  const { route } = cfg
  const [alice, bob] = [route.party(FROM), route.party('udp:127.0.0.2:5070')]
  await alice.send(request('INVITE', { from: FROM, callId: 'call', fromTag: 'a' }))
  await bob.answer(await bob.request('INVITE'), 200, { toTag: 'b' })
  await alice.reply(200)
  const load = async () => /"DLGLOAD":\d+/.exec(JSON.stringify(await route.engine.command('dispatcher.list', [])))?.[0]
  expect(await load()).toBe('"DLGLOAD":1')
  await route.engine.command('dispatcher.reload', [])
  expect(await load()).toBe('"DLGLOAD":1')
  await alice.send(request('BYE', { from: FROM, callId: 'call', fromTag: 'a', toTag: 'b', cseq: 2 }))
  await bob.answer(await bob.request('BYE'), 200)
  expect(await load()).toBe('"DLGLOAD":0')
})

test.each(['list_file', 'db_url'])(
  'destinations that a saved file has for the first time, by %s, are read and probed',
  async (by) => {
    const database = new DatabaseSync(join(folder, by))
    database.exec(
      `CREATE TABLE dispatcher (id INTEGER PRIMARY KEY, setid INTEGER, destination TEXT, flags INTEGER, priority INTEGER, attrs TEXT, description TEXT);
     INSERT INTO dispatcher (setid, destination, flags, priority, attrs, description) VALUES (1, 'sip:127.0.0.2:5070', 0, 0, '', '')`,
    )
    database.close()
    cfg = await cfgRoute('tm sl pv dispatcher', '', { list: '1 sip:127.0.0.2:5070\n' })
    await cfg.reload(
      'tm sl pv dispatcher',
      `modparam("dispatcher", "${by}", "${by === 'list_file' ? 'list' : `sqlite:///${join(folder, by)}`}")
modparam("dispatcher", "ds_probing_mode", 1)
modparam("dispatcher", "ds_ping_interval", 10)
request_route { ds_select_dst("1", "4"); t_relay(); }`,
    )
    await cfg.route.settle()
    const bob = cfg.route.party('udp:127.0.0.2:5070')
    await cfg.route.advance(11_000)
    expect((await bob.request('OPTIONS')).message.raw).toContain('dispatcher')
    await cfg.route.party(FROM).send(request('INVITE', { from: FROM, callId: 'call', fromTag: 'a' }))
    await bob.request('INVITE')
  },
)

test('a worker that takes the place of another knows what is switched off; new weights count at once', async () => {
  writeFileSync(join(folder, 'list'), '1 sip:127.0.0.2:5070\n1 sip:127.0.0.3:5070 0 0 rweight=100\n')
  const clock = new ManualClock()
  const workers = sharedWorkers(clock)
  const databases = openDatabases({ folder })
  const told: string[] = []
  const begun = async (): Promise<Service> => {
    const service = createDispatcher(
      workers.host(({ name }) => void told.push(name), { folder }),
      databases,
    )
    service.configure?.([{ module: 'dispatcher', name: 'list_file', value: 'list' }], true)
    await service.start?.()
    return service
  }
  const run = { id: 1, message: { callId: 'x' } } as ServiceRun
  const chosen = (service: Service, algorithm: number) =>
    (service.operations!.select!(run, { set: 1, algorithm, hash: ['x'] }) as { uri: string }[]).map(({ uri }) => uri)
  const [one, two] = [await begun(), await begun()]
  for (const state of ['ip', 'ap'])
    for (const each of [one, two]) await each.commands!['dispatcher.set_state']!([state, 1, 'sip:127.0.0.2:5070'])
  expect(told).toEqual(['dispatcher:dst-down', 'dispatcher:dst-up'])
  for (const each of [one, two]) await each.commands!['dispatcher.set_state']!(['d', 1, 'sip:127.0.0.3:5070'])
  const three = await begun()
  for (const each of [one, two, three]) expect(chosen(each, 8)).toEqual(['sip:127.0.0.2:5070'])
  clock.advance(2000)
  for (const each of [one, two, three]) expect(chosen(each, 8)).toEqual(['sip:127.0.0.2:5070'])

  await one.commands!['dispatcher.reload']!([])
  expect(chosen(one, 11)[0]).toBe('sip:127.0.0.3:5070')
  await one.commands!['dispatcher.remove']!([1, 'sip:127.0.0.3:5070'])
  await one.commands!['dispatcher.add']!([1, 'sip:127.0.0.4:5070', 0, 0, 'rweight=100'])
  expect(chosen(one, 11)[0]).toBe('sip:127.0.0.4:5070')
  for (const each of [one, two, three]) await each.close?.()
  await databases.close()
  await workers.close()
})

test('the calls of all workers count for maxload, until a worker has died', async () => {
  writeFileSync(join(folder, 'loads'), '1 sip:127.0.0.2:5070 0 0 duid=a;maxload=3\n')
  const clock = new ManualClock()
  const workers = sharedWorkers(clock)
  const databases = openDatabases({ folder })
  const begun = async (): Promise<Service> => {
    const service = createDispatcher(workers.host(undefined, { folder }), databases)
    service.configure?.([{ module: 'dispatcher', name: 'list_file', value: 'loads' }], true)
    await service.start?.()
    return service
  }
  const [one, two] = [await begun(), await begun()]
  const goes = (service: Service, callId: string): boolean =>
    service.operations!.select!({ id: 1, message: { callId } } as ServiceRun, { set: 1, algorithm: 10 }) !== null
  expect([goes(one, 'a'), goes(two, 'b'), goes(one, 'c'), goes(two, 'd'), goes(one, 'e')]).toEqual([
    true,
    true,
    true,
    false,
    false,
  ])
  clock.advance(60_000)
  expect(goes(two, 'd')).toBe(false)
  expect(JSON.stringify(two.commands!['dispatcher.list']!([]))).toContain('"DLGLOAD":3')
  one.operations!.loadUnset!({ id: 1, message: { callId: 'a' } } as ServiceRun, {})
  expect([goes(two, 'd'), goes(two, 'f')]).toEqual([true, false])
  await one.close?.()
  clock.advance(6_000)
  expect([goes(two, 'f'), goes(two, 'g')]).toEqual([true, false])
  await two.close?.()
  await databases.close()
  await workers.close()
})
