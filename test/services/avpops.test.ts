// Checks what avpops does with a database, each line as 5.6.3 prints it over the same table.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, expect, test } from 'vitest'
import { OWN_SCHEMA } from '../../src/database/schema.ts'
import { checkParameters } from '../../src/services/index.ts'
import { request } from '../../src/testkit/index.ts'
import { type CfgRoute, cfgRoute } from './cfg-route.ts'

const folder = mkdtempSync(join(tmpdir(), 'avpops-'))
const file = join(folder, 'avp.db')
let cfg: CfgRoute | undefined
afterEach(async () => {
  await cfg?.close()
  cfg = undefined
  rmSync(folder, { recursive: true, force: true })
})

const SCHEME = 'sch:table=usr_preferences;username_col=username;domain_col=domain;value_col=value;value_type=string'

test('attributes are read, written and taken away; statements fill AVPs', async () => {
  const database = new DatabaseSync(file)
  database.exec(`${OWN_SCHEMA}
    INSERT INTO usr_preferences (uuid, username, domain, attribute, type, value) VALUES
      ('', 'bob', 'x.y', 'color', 0, 'red'), ('', 'bob', 'x.y', 'color', 0, 'blue'), ('', 'bob', 'x.y', 'age', 1, '42'),
      ('', 'bob', 'x.y', '17', 2, 'seventeen'), ('u1', '', '', 'vip', 1, '7'), ('', 'bob', 'other', 'color', 0, 'green')`)
  cfg = await cfgRoute(
    'tm sl pv xlog avpops',
    `modparam("avpops", "db_url", "sqlite://${file}")
modparam("avpops", "use_domain", 1)
modparam("avpops", "db_scheme", "${SCHEME}")
request_route {
  avp_db_load("$ru", "$avp(color)"); xlog("1 $rc $(avp(color)[*])\\n");
  avp_db_load("$ru", "$avp(age)"); xlog("2 $rc $avp(age)\\n"); if ($avp(age) == 42) xlog("int\\n");
  avp_db_load("$ru", "$avp(none)"); xlog("3 $rc $avp(none)\\n");
  avp_delete("$avp(color)/g");
  avp_db_load("$ru/username", "$avp(color)"); xlog("4 $rc $(avp(color)[*])\\n");
  avp_delete("$avp(color)/g");
  avp_db_load("$ru/domain", "$avp(color)"); xlog("5 $rc $(avp(color)[*])\\n");
  avp_delete("$avp(color)/g"); avp_delete("$avp(age)/g");
  avp_db_load("$ru", "s"); xlog("6 $rc $(avp(color)[*]) $avp(age) $avp(i:17)\\n");
  avp_delete("$avp(color)/g"); avp_delete("$avp(age)/g");
  avp_db_load("$ru", "a"); xlog("7 $rc $(avp(color)[*]) $avp(age) $avp(i:17)\\n");
  $var(u) = "u1"; avp_db_load("$var(u)", "$avp(vip)"); xlog("8 $rc $avp(vip)\\n");
  avp_db_load("u1/uuid", "$avp(vip)"); xlog("9 $rc $(avp(vip)[*])\\n");
  avp_db_load("$ru", "$avp(got)/$sch"); xlog("10 $rc $(avp(got)[*])\\n");
  avp_db_load("$ru", "$avp(got)/usr_preferences"); xlog("11 $rc\\n");
  $avp(new) = "n1"; $avp(new) = "n2"; $avp(num) = 5;
  avp_db_store("$ru", "$avp(new)"); xlog("12 $rc\\n");
  avp_db_store("$ru", "$avp(num)"); xlog("13 $rc\\n");
  avp_db_store("u2/uuid", "$avp(num)"); xlog("14 $rc\\n");
  avp_db_store("$ru", "$avp(absent)"); xlog("15 $rc\\n");
  avp_db_delete("$ru", "$avp(age)"); xlog("16 $rc\\n");
  avp_db_delete("$ru", "$avp(absent)"); xlog("17 $rc\\n");
  avp_db_load("sip:bob@x.y/uri", "$avp(color)"); xlog("19 $rc $(avp(color)[*])\\n");
  avp_db_load("$fu", "$avp(color)"); xlog("20 $rc\\n");
  avp_db_query("select attribute, value, type from usr_preferences where username='$rU' and domain='x.y' order by id", "$avp(a);$avp(v);$avp(t)");
  xlog("q1 $rc $(avp(a)[*]) | $(avp(v)[*]) | $(avp(t)[*])\\n"); if ($avp(t) == 0) xlog("int\\n");
  avp_db_query("select value from usr_preferences where username='nobody'", "$avp(a)"); xlog("q2 $rc\\n");
  avp_db_query("select attribute, value from usr_preferences where uuid='u1'"); xlog("q3 $rc $avp(i:1) $avp(i:2)\\n");
  avp_db_query("selec nonsense"); xlog("q4 $rc\\n");
  avp_db_query("delete from usr_preferences where username='bob'"); xlog("q7 $rc\\n");
}`,
  )
  await cfg.route.party('udp:10.0.0.6:5060').send(request('OPTIONS', { uri: 'sip:bob@x.y' }))
  expect(cfg.said()).toEqual([
    '1 1 blue, red',
    '2 1 42',
    'int',
    '3 -1 <null>',
    '4 1 green, blue, red',
    '5 1 blue, red',
    '6 1 blue, red 42 <null>',
    '7 1 blue, red 42 seventeen',
    '8 1 7',
    '9 1 7, 7',
    '10 1 seventeen, 42, blue, red',
    '11 -1',
    '12 1',
    '13 1',
    '14 -1',
    '15 -1',
    '16 1',
    '17 1',
    '19 1 blue, red, blue, red',
    '20 -1',
    'q1 1 color, color, 17, new, new, num | red, blue, seventeen, n2, n1, 5 | 0, 0, 2, 0, 0, 1',
    'int',
    'q2 -2',
    'q3 1 vip 7',
    'q4 -1',
    'q7 1',
  ])
  expect(database.prepare('SELECT uuid, domain FROM usr_preferences').all()).toEqual([{ uuid: 'u1', domain: '' }])
  database.close()
})

test('a scheme that is none is told', () => {
  const problems = (value: string) => checkParameters([{ module: 'avpops', name: 'db_scheme', value }])
  expect(problems(SCHEME)).toEqual([])
  for (const value of ['sch', 'sch:table=x', 'sch:value_col=a b', 'sch:value_col=a;other=b'])
    expect(problems(value)).toMatchObject([{ message: `db_scheme ${value} is none` }])
})

test('what the database refused is written when it is asked again', async () => {
  const scratch = mkdtempSync(join(tmpdir(), 'avpops-'))
  try {
    const path = join(scratch, 'avp.db')
    const database = new DatabaseSync(path)
    database.exec(OWN_SCHEMA)
    cfg = await cfgRoute(
      'tm sl pv xlog avpops',
      `modparam("avpops", "db_url", "sqlite://${path}")
request_route {
  $avp(speed) = "fast";
  avp_db_store("$avp(nobody)", "$avp(speed)"); xlog("$rc\\n");
  avp_db_store("u1/uuid", "$avp(speed)/absent"); xlog("$rc\\n");
  avp_db_store("u1/uuid", "$avp(speed)"); xlog("$rc\\n");
  avp_db_store("u1/uuid", "$avp(speed)"); xlog("$rc\\n");
  sl_send_reply("200", "OK");
}`,
    )
    const alice = cfg.route.party('udp:10.0.0.6:5060')
    await alice.send(request('OPTIONS', { uri: 'sip:bob@x.y' }))
    await alice.reply(200)
    expect(cfg.said()).toEqual(['-1', '-1', '1', '-1'])
    expect(database.prepare('SELECT uuid, value FROM usr_preferences').all()).toEqual([{ uuid: 'u1', value: 'fast' }])
    database.close()
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
})
