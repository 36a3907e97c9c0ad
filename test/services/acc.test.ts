// Checks the legs of a call that acc notes: sets of AVPs, all in one line of the log, each in a row of its own.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, expect, test } from 'vitest'
import { request } from '../../src/testkit/index.ts'
import { type CfgRoute, cfgRoute } from './cfg-route.ts'

let cfg: CfgRoute | undefined
const folder = mkdtempSync(join(tmpdir(), 'acc-'))
afterEach(async () => {
  await cfg?.close()
  rmSync(folder, { recursive: true, force: true })
})

/** The legs as 5.6.3 writes them, by the user of the R-URI. */
const LEGS: readonly (readonly [user: string, ...rows: (readonly [src: string, dst: string])[]])[] = [
  ['none', ['', '']],
  ['two', ['a2', 'b2'], ['a1', 'b1']],
  ['uneven', ['a2', 'b1'], ['a1', '']],
  ['number', ['5', 'b1']],
]

test('multi_leg_info: sets of AVPs, the newest first', async () => {
  const file = join(folder, 'acc.db')
  const database = new DatabaseSync(file)
  const columns = 'method, from_tag, to_tag, callid, sip_code, sip_reason, time, ua, src, dst'
  database.exec(`CREATE TABLE acc (${columns})`)
  cfg = await cfgRoute(
    'tm sl pv xlog textops acc db_sqlite',
    `modparam("acc", "log_flag", 1)
modparam("acc", "db_flag", 1)
modparam("acc", "failed_transaction_flag", 2)
modparam("acc", "log_extra", "ua=$ua")
modparam("acc", "db_extra", "ua=$ua")
modparam("acc", "multi_leg_info", "src=$avp(src);dst=$avp(dst)")
modparam("acc", "db_url", "sqlite://${file}")
request_route {
  setflag(1); setflag(2);
  switch ($rU) {
    case "two": $avp(src) = "a1"; $avp(dst) = "b1"; $avp(src) = "a2"; $avp(dst) = "b2"; break;
    case "uneven": $avp(src) = "a1"; $avp(dst) = "b1"; $avp(src) = "a2"; break;
    case "number": $avp(src) = 5; $avp(dst) = "b1"; break;
  }
  t_newtran();
  t_reply("404", "Not Found");
}`,
  )
  const alice = cfg.route.party('udp:10.0.0.6:5060')
  for (const [user] of LEGS) {
    await alice.send(request('OPTIONS', { uri: `sip:${user}@127.0.0.1` }))
    await alice.reply(404)
  }
  const lines = cfg.route.lines.filter(({ fields }) => fields.event === 'acc').map(({ message }) => message)
  expect(lines.map((line) => line.slice(line.indexOf(';src=')))).toEqual(
    LEGS.map(([, ...rows]) => rows.map(([src, dst]) => `;src=${src};dst=${dst}`).join('')),
  )
  expect(database.prepare('SELECT src, dst FROM acc ORDER BY rowid').all()).toEqual(
    LEGS.flatMap(([, ...rows]) => rows.map(([src, dst]) => ({ src, dst }))),
  )
  database.close()
})
