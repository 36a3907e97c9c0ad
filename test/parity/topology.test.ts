// Checks modules topoh and topos beside Kamailio 5.6.3: what both phones hear of the same calls, with masks made equal.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { describeWithPeers } from '../interop/peers.ts'
import { HERE, PROXY_PORT, THERE } from './case.ts'
import { startKamailio, startSignalbox } from './proxies.ts'
import { BOB_PORT, neutral, talk } from './two-phones.ts'

const route = (modules: string, parameters: string) => `debug=1
listen=udp:${HERE}:${PROXY_PORT}
${`tm sl rr pv xlog textops siputils ${modules}`
  .split(' ')
  .map((name) => `loadmodule "${name}.so"`)
  .join('\n')}
${parameters}
request_route {
  if ($ci == "ping") { sl_send_reply("200", "OK"); exit; }
  if (is_method("ACK") && !has_totag()) exit;
  xlog("L_ERR", "P|x|$rm $ru ct=$ct rt=$(hdr(Route)[*])|E\\n");
  t_on_reply("R");
  if (has_totag()) { loose_route(); t_relay(); exit; }
  record_route();
  $ru = "sip:bob@${HERE}:${BOB_PORT}";
  t_relay();
}
onreply_route[R] { xlog("L_ERR", "P|x|$rs ct=$ct ci=$ci|E\\n"); }
`

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'topology-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Empty tables of db_text, whose columns may all be empty: 5.6.3 leaves some so. */
function tables(): string {
  const path = join(folder, 'db')
  mkdirSync(path)
  const version = ['table_name(string) table_version(int) ']
  for (const name of ['topos_d', 'topos_t']) {
    const columns = readFileSync(`/usr/share/kamailio/dbtext/kamailio/${name}`, 'latin1')
    writeFileSync(join(path, name), columns.replaceAll('(string)', '(string,null)'))
    version.push(`${name}:2`)
  }
  writeFileSync(join(path, 'version'), `${version.join('\n')}\n`)
  return path
}

async function heardThrough(
  start: typeof startKamailio,
  text: string,
  address: string,
  upstream: boolean,
): Promise<{ heard: string[]; said: string[]; raw: string[] }> {
  const proxy = await start(folder, text)
  try {
    const raw = await talk(address, upstream)
    const said = [...proxy.printed().matchAll(/P\|x\|([\s\S]*?)\|E/g)].map(([, line]) => line!.replace(/[\r\n]/g, ' '))
    return { heard: raw.map((each) => neutral(each, address)), said, raw }
  } finally {
    await proxy.stop()
  }
}

async function agree(theirs: string, ours: string, upstream = false): Promise<string[]> {
  const [kamailio, signalbox] = await Promise.all([
    heardThrough(startKamailio, theirs, HERE, upstream),
    heardThrough(startSignalbox, ours, THERE, upstream),
  ])
  expect(signalbox.heard.map((each) => each.split('\n')[0])).toEqual(kamailio.heard.map((each) => each.split('\n')[0]))
  expect(signalbox.heard).toEqual(kamailio.heard)
  // Routes see messages as if nothing were hidden.
  expect(signalbox.said).toEqual(kamailio.said)
  return signalbox.raw
}

describeWithPeers('topology hiding as Kamailio', ['kamailio'], () => {
  test.each([false, true])('topoh, behind another proxy: %s', { timeout: 60_000 }, async (upstream) => {
    const text = route('topoh', 'modparam("topoh", "mask_key", "some secret")')
    const raw = await agree(text, text, upstream)
    const contact = /\r\nContact: [^\r]*sr-[^\r]*/
    expect(raw.filter((each) => contact.test(each)).length).toBeGreaterThan(8)
  })

  test('topoh with Call-IDs', { timeout: 60_000 }, async () => {
    const text = route('topoh', 'modparam("topoh", "mask_callid", 1)')
    const raw = await agree(text, text)
    expect(raw.some((each) => each.startsWith('bob: INVITE') && each.includes('\r\nCall-ID: !!:'))).toBe(true)
  })

  test.each([false, true])('topos, behind another proxy: %s', { timeout: 60_000 }, async (upstream) => {
    const database = `modparam("topos", "db_url", "text://${tables()}")\n`
    const raw = await agree(route('db_text topos', database), route('topos', ''), upstream)
    // Nothing of one side is seen by the other.
    const requests = raw.filter((text) => text.startsWith('bob: INVITE') || text.startsWith('bob: UPDATE'))
    expect(requests.length).toBeGreaterThan(3)
    for (const each of requests) expect(each).not.toMatch(/alice@127|49611|10\.9\.9\.9/)
  })
})
