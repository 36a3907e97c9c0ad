// Checks module htable: expiry and its event, tables of a database, what several workers share, definitions that are wrong.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, afterEach, expect, test } from 'vitest'
import { ManualClock } from '../../src/clock.ts'
import { openDatabases } from '../../src/database/index.ts'
import { OWN_SCHEMA } from '../../src/database/schema.ts'
import { createHtable } from '../../src/services/htable.ts'
import { checkParameters } from '../../src/services/index.ts'
import type { Service, ServiceRun } from '../../src/services/service.ts'
import { request } from '../../src/testkit/index.ts'
import { type CfgRoute, cfgRoute } from './cfg-route.ts'
import { sharedWorkers } from './shared-workers.ts'

let cfg: CfgRoute
afterEach(() => cfg?.close())
const folder = mkdtempSync(join(tmpdir(), 'htable-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A table `bans` in a database of its own, with one entry. */
function bans(name: string): DatabaseSync {
  const database = new DatabaseSync(join(folder, name))
  database.exec(
    `CREATE TABLE bans (id INTEGER PRIMARY KEY, key_name TEXT, key_type INTEGER, value_type INTEGER, key_value TEXT, expires INTEGER);
     INSERT INTO bans (key_name, key_type, value_type, key_value, expires) VALUES ('k', 0, 0, 'v', 0)`,
  )
  return database
}

test('an entry expires, and its event route hears of it', async () => {
  cfg = await cfgRoute(
    'tm sl pv xlog textops htable',
    `modparam("htable", "htable", "ban=>size=4;autoexpire=30;")
modparam("htable", "timer_interval", 5)
event_route[htable:mod-init] { xlog("begun [$sht(ban=>10.0.0.1)]\\n"); }
event_route[htable:expired:ban] { xlog("expired $shtrecord(key) $shtrecord(value)\\n"); }
request_route { $sht(ban=>$si) = $ci; xlog("left $shtex(ban=>$si)\\n"); sl_send_reply("200", "OK"); }`,
  )
  const alice = cfg.route.party('udp:127.0.0.6:5060')
  await alice.send(request('OPTIONS', { from: 'udp:127.0.0.6:5060', callId: 'one' }))
  await cfg.route.advance(29_000)
  expect(cfg.said()).toEqual(['begun [<null>]', 'left 30'])
  await cfg.route.advance(7000)
  await cfg.route.settle()
  expect(cfg.said()).toEqual(['begun [<null>]', 'left 30', 'expired 127.0.0.6 one'])
})

test('a definition that is none is refused with its reason', () => {
  const problem = (value: string) => checkParameters([{ module: 'htable', name: 'htable', value }])[0]?.message
  expect(problem('a=>size=8;autoexpire=60;')).toBeUndefined()
  expect(problem('a')).toMatch(/defined as/)
  expect(problem('a=>sise=8')).toBe('table a: unknown attribute sise')
  expect(problem('a=>size=big')).toBe('table a: size must be a number')
})

test('what a script, a walk or a command takes away has not expired', async () => {
  cfg = await cfgRoute(
    'tm sl pv xlog textops htable',
    `modparam("htable", "htable", "ban=>size=4;autoexpire=30;")
modparam("htable", "timer_interval", 5)
event_route[htable:expired:ban] { xlog("expired $shtrecord(key)\\n"); }
request_route { $sht(ban=>x1) = 1; $sht(ban=>x2) = 1; $sht(ban=>y) = 1; sht_rm_name_re("ban=>^x"); }`,
  )
  await cfg.route.party('udp:127.0.0.6:5060').send(request('OPTIONS', { from: 'udp:127.0.0.6:5060' }))
  await cfg.route.engine.command('htable.flush', ['ban'])
  await cfg.route.advance(11_000)
  expect(cfg.said()).toEqual([])
})

test('a table that cannot be read again stays as it is', async () => {
  const database = bans('again')
  cfg = await cfgRoute(
    'sl pv xlog htable',
    `modparam("htable", "db_url", "sqlite:///${folder}/again")
modparam("htable", "htable", "ban=>size=4;dbtable=bans;")
request_route { xlog("[$sht(ban=>k)]\\n"); }`,
  )
  database.exec('ALTER TABLE bans RENAME TO elsewhere')
  await expect(cfg.route.engine.command('htable.reload', ['ban'])).rejects.toThrow('no such table')
  const alice = cfg.route.party('udp:127.0.0.6:5060')
  await alice.send(request('OPTIONS', { from: 'udp:127.0.0.6:5060', callId: 'one' }))
  database.exec("ALTER TABLE elsewhere RENAME TO bans; UPDATE bans SET key_value = 'new'")
  database.close()
  await cfg.route.engine.command('htable.reload', ['ban'])
  await alice.send(request('OPTIONS', { from: 'udp:127.0.0.6:5060', callId: 'two' }))
  expect(cfg.said()).toEqual(['[v]', '[new]'])
})

test('a table that a saved file has more is read from the database', async () => {
  const database = bans('later')
  const modparams = `modparam("htable", "db_url", "sqlite:///${folder}/later")\nmodparam("htable", "htable", "old=>size=4;")\n`
  cfg = await cfgRoute('sl pv xlog htable', modparams)
  await cfg.reload(
    'sl pv xlog htable',
    `${modparams}modparam("htable", "htable", "ban=>size=4;dbtable=bans;")
request_route { xlog("[$sht(ban=>k)]\n"); }`,
  )
  await cfg.route.settle()
  await cfg.route.party('udp:127.0.0.6:5060').send(request('OPTIONS', { from: 'udp:127.0.0.6:5060' }))
  expect(cfg.said()).toEqual(['[v]'])
  database.close()
})

test('several workers: an end is told once, one writes the rows, and a worker that comes later finds what calls made', async () => {
  const database = bans('shared')
  const clock = new ManualClock()
  const workers = sharedWorkers(clock)
  const databases = openDatabases({ folder })
  const told: unknown[] = []
  const run = { id: 1 } as ServiceRun
  const begun = async (): Promise<Service> => {
    const service = createHtable(
      workers.host(({ name, data }) => void (name === 'htable:mod-init' || told.push([name, data]))),
      databases,
    )
    service.configure?.(
      [
        { module: 'htable', name: 'db_url', value: `sqlite:///${folder}/shared` },
        { module: 'htable', name: 'htable', value: 'ban=>size=4;dbtable=bans;' },
        { module: 'htable', name: 'htable', value: 'soon=>size=4;autoexpire=30;' },
      ],
      true,
    )
    await service.start?.()
    return service
  }
  const [one, two] = [await begun(), await begun()]
  for (const each of [one, two]) each.operations!.set!(run, { table: 'soon', key: 'a', value: 1 })
  one.operations!.set!(run, { table: 'soon', key: 'b', value: 1 })
  two.operations!.set!(run, { table: 'soon', key: 'b', value: null })
  clock.advance(61_000)
  expect(told).toEqual([['htable:expired:soon', { key: 'a', value: 1 }]])

  one.operations!.set!(run, { table: 'ban', key: 'k', value: 'of a call' })
  const three = await begun()
  expect(three.operations!.get!(run, { table: 'ban', key: 'k' })).toBe('of a call')

  const stores = [one, two, three].map(async (each) => each.commands!['htable.store']!(['ban']))
  const done = await Promise.allSettled(stores)
  expect(done.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected'])
  expect(database.prepare('SELECT key_name, key_value FROM bans').all()).toEqual([
    { key_name: 'k', key_value: 'of a call' },
  ])
  await expect(two.commands!['htable.store']!(['ban'])).resolves.toMatch(/^Ok/)
  for (const each of [one, two, three]) await each.close?.()
  database.close()
  await databases.close()
  await workers.close()
})

test('tables that cannot be written at the end keep nothing else from ending', async () => {
  const database = bans('end')
  database.exec(OWN_SCHEMA)
  cfg = await cfgRoute(
    'sl pv xlog htable usrloc registrar',
    `modparam("htable", "db_url", "sqlite:///${folder}/end")
modparam("htable", "htable", "ban=>size=4;dbtable=bans;dbmode=1;")
modparam("usrloc", "db_url", "sqlite:///${folder}/end")
modparam("usrloc", "db_mode", 2)
request_route { save("location"); }`,
  )
  database.exec('DROP TABLE bans')
  const headers = { To: '<sip:alice@127.0.0.1>', Contact: '<sip:alice@127.0.0.6>' }
  await cfg.route.party('udp:127.0.0.6:5060').send(request('REGISTER', { from: 'udp:127.0.0.6:5060', headers }))
  await cfg.close()
  expect(database.prepare('SELECT username FROM location').all()).toEqual([{ username: 'alice' }])
  database.close()
})

test('locks: who waits has them in turn, in one worker and between workers, and what a dead run held is taken', async () => {
  const clock = new ManualClock()
  const workers = sharedWorkers(clock)
  const databases = openDatabases({ folder })
  const order: string[] = []
  const begun = (name: string) => {
    const service = createHtable(workers.host(), databases)
    service.configure?.([{ module: 'htable', name: 'htable', value: 'a=>size=4;' }], true)
    const args = { table: 'a', key: 'k' }
    return {
      service,
      async lock(id: number) {
        await service.operations!.lock!({ id } as ServiceRun, args)
        order.push(`${name}${id}`)
      },
      unlock: (id: number) => service.operations!.unlock!({ id } as ServiceRun, args),
    }
  }
  const [one, two] = [begun('one'), begun('two')]
  const settle = async () => {
    for (let n = 0; n < 5; n++) await Promise.resolve()
  }
  for (const id of [1, 2, 3]) void one.lock(id)
  void two.lock(1)
  await settle()
  expect(order).toEqual(['one1'])
  one.unlock(1)
  await settle()
  one.unlock(2)
  await settle()
  expect(order).toEqual(['one1', 'one2', 'one3'])
  clock.advance(100)
  await settle()
  expect(order).toHaveLength(3)
  one.unlock(3)
  clock.advance(5)
  await settle()
  expect(order.at(-1)).toBe('two1')

  // Its run never gives it back.
  void one.lock(4)
  await settle()
  expect(order).toHaveLength(4)
  clock.advance(5_010)
  await settle()
  expect(order.at(-1)).toBe('one4')

  // Its run gives it back at last: another one has it by now.
  two.unlock(1)
  // It is held too long here too, and goes to the other worker: who waited here has it after that one.
  clock.advance(100)
  void one.lock(5)
  clock.advance(2_000)
  void two.lock(6)
  clock.advance(3_500)
  await settle()
  expect(order.slice(5)).toEqual(['two6'])
  two.unlock(6)
  clock.advance(5)
  await settle()
  expect(order.slice(5)).toEqual(['two6', 'one5'])
  for (const { service } of [one, two]) await service.close?.()
  await databases.close()
  await workers.close()
})
