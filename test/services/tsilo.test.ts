// Checks module tsilo: a call waits for its callee to register, and rings at every contact that comes.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import type { Party } from '../../src/testkit/index.ts'
import { RouteUnderTest, request } from '../../src/testkit/index.ts'
import { type CfgRoute, cfgRoute } from './cfg-route.ts'

let cfg: CfgRoute
afterEach(() => cfg?.close())

const ROUTE = `
request_route {
  if (is_method("REGISTER")) {
    save("location");
    if ($hdr(X-Only) != $null) ts_append_by_contact("location", "$tu");
    else if ($hdr(X-Index) != $null) ts_append_to("$hdr(X-Index)", "0", "location", "$tu");
    else ts_append("location", "$tu");
    xlog("append $rc\\n");
    exit;
  }
  if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
  record_route();
  t_on_reply("R");
  t_on_failure("F");
  if (!t_newtran()) exit;
  ts_store();
  xlog("store $rc $T(id_index)\\n");
  if (lookup("location")) t_relay();
}
onreply_route[R] { xlog("reply $rs\\n"); }
failure_route[F] { xlog("failed $T_reply_code\\n"); }
`

const start = async (parameters = '') => {
  cfg = await cfgRoute('tm sl rr pv xlog textops tmx siputils usrloc registrar tsilo jsonrpcs', `${parameters}${ROUTE}`)
  return cfg.route
}

async function register(phone: Party, at: string, headers: Record<string, string> = {}, user = 'bob'): Promise<void> {
  await phone.send(
    request('REGISTER', {
      uri: 'sip:127.0.0.1',
      from: at,
      callId: `register-${at}`,
      headers: { To: `<sip:${user}@127.0.0.1>`, Expires: '600', ...headers },
    }),
  )
  await phone.reply(200)
}

const invite = (callId: string) => request('INVITE', { uri: 'sip:bob@127.0.0.1', callId, fromTag: 'alice' })

test('a call waits until its callee registers, and rings then', async () => {
  const route = await start()
  const alice = route.party('udp:10.0.0.6:5060')
  await alice.send(invite('waits'))
  expect(cfg.said()).toEqual([expect.stringMatching(/^store 1 \d+$/)])
  const bob = route.party('udp:10.0.0.7:5060')
  await register(bob, 'udp:10.0.0.7:5060')
  const ringing = await bob.request('INVITE')
  // What the route had changed before it stored the call holds for what is added.
  expect(ringing.message.raw).toMatch(/^INVITE sip:alice@10\.0\.0\.7:5060/)
  expect(ringing.message.raw).toContain('\r\nRecord-Route: <sip:127.0.0.1;')
  const tablet = route.party('udp:10.0.0.8:5060')
  await register(tablet, 'udp:10.0.0.8:5060')
  await tablet.answer(await tablet.request('INVITE'), 180, { toTag: 'tablet' })
  await bob.answer(ringing, 200, { toTag: 'bob', headers: 'Contact: <sip:bob@10.0.0.7>\r\n' })
  await alice.reply(200)
  await tablet.request('CANCEL')
  expect(cfg.said()).toContain('reply 200')
  // It does not wait any more.
  await register(bob, 'udp:10.0.0.7:5060')
  expect(cfg.said().at(-1)).toBe('append -1')
})

test('one that rings gets the contacts that it was not sent to', async () => {
  const route = await start()
  const [bob, tablet] = [route.party('udp:10.0.0.7:5060'), route.party('udp:10.0.0.8:5060')]
  await register(bob, 'udp:10.0.0.7:5060')
  const alice = route.party('udp:10.0.0.6:5060')
  await alice.send(invite('rings'))
  await bob.request('INVITE')
  await register(bob, 'udp:10.0.0.7:5060')
  expect(cfg.said().at(-1)).toBe('append -1')
  expect(bob.history.filter(({ message }) => message.raw.startsWith('INVITE'))).toHaveLength(1)
  await register(tablet, 'udp:10.0.0.8:5060', { 'X-Only': '1' })
  await tablet.answer(await tablet.request('INVITE'), 180, { toTag: 'tablet' })
  await alice.reply(180)
})

test('a failure of all that were added is the failure of the call', async () => {
  const route = await start()
  const alice = route.party('udp:10.0.0.6:5060')
  await alice.send(invite('fails'))
  const bob = route.party('udp:10.0.0.7:5060')
  await register(bob, 'udp:10.0.0.7:5060')
  await bob.answer(await bob.request('INVITE'), 486)
  await alice.reply(486)
  expect(cfg.said()).toContain('failed 486')
})

test('nobody comes: the caller is told in the end; one who gives up is let go', async () => {
  const route = await start()
  const alice = route.party('udp:10.0.0.6:5060')
  await alice.send(invite('alone'))
  await route.advance(121_000)
  await alice.reply(408)
  const sizes = async () => ((await route.engine.command('ts.dump', [])) as { Stats: unknown }).Stats
  expect(await sizes()).toEqual({ RURIs: 0, Transactions: 0 })
  const second = invite('gives-up')
  await alice.send(second)
  expect(await sizes()).toEqual({ RURIs: 1, Transactions: 1 })
  await alice.send(second.replaceAll('INVITE', 'CANCEL'))
  await alice.reply(487)
  expect(await sizes()).toEqual({ RURIs: 0, Transactions: 0 })
})

test('a transaction is named by its number, and an address by its domain', async () => {
  const route = await start('modparam("tsilo", "use_domain", 1)\n')
  const alice = route.party('udp:10.0.0.6:5060')
  await alice.send(invite('numbered'))
  const index = cfg.said()[0]!.split(' ')[2]!
  const bob = route.party('udp:10.0.0.7:5060')
  await register(bob, 'udp:10.0.0.7:5060', { 'X-Index': '999999' })
  expect(cfg.said().at(-1)).toBe('append -1')
  await register(bob, 'udp:10.0.0.7:5060', { 'X-Index': index })
  await bob.request('INVITE')
  expect(await route.engine.command('ts.lookup', ['sip:bob@127.0.0.1'])).toEqual([{ Tindex: Number(index), Tlabel: 0 }])
  await expect(route.engine.command('ts.lookup', ['sip:bob@elsewhere'])).rejects.toThrow('RURI not found')
})

test('a hostile script: changes that it makes up are left out, and what it fails at is answered', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tsilo-'))
  const file = join(folder, 'route.ts')
  writeFileSync(
    file,
    `import { save, slSendReply, tsAppend, tsStore, xlog } from 'signalbox'
    export const config = { listen: ['udp:127.0.0.1:5060'] }
    const honest = JSON.stringify
    export async function request_route(request: any) {
      if (request.header('X-Fails')) {
        tsStore()
        throw new Error('after all')
      }
      if (request.method === 'REGISTER') {
        await save('location')
        xlog('L_INFO', \`append \${await tsAppend('location', 'sip:bob@127.0.0.1')}\`)
        return
      }
      const edit = { at: 0, remove: 0, text: '' }
      const edits = [5, null, { ...edit, at: -1 }, { ...edit, recordRoute: null }, { ...edit, recordRoute: {} }]
      JSON.stringify = ((v: any) => honest(v?.operation === 'store' ? { ...v, args: { ...v.args, edits } } : v)) as never
      tsStore()
      JSON.stringify = honest
    }`,
  )
  const route = await RouteUnderTest.load(file)
  try {
    const alice = route.party('udp:10.0.0.6:5060')
    await alice.send(invite('waits'))
    const bob = route.party('udp:10.0.0.7:5060')
    await register(bob, 'udp:10.0.0.7:5060')
    expect((await bob.request('INVITE')).message.raw).toMatch(/^INVITE sip:alice@10\.0\.0\.7:5060/)
    expect(route.lines.map(({ message }) => message)).toContain('append true')
    // A route that fails leaves nobody waiting, whatever it stored.
    await alice.send(request('INVITE', { uri: 'sip:bob@127.0.0.1', callId: 'fails', headers: { 'X-Fails': '1' } }))
    await alice.reply(500)
    expect(await route.engine.command('ts.dump', [])).toMatchObject({ Stats: { Transactions: 1 } })
  } finally {
    await route.close()
    rmSync(folder, { recursive: true, force: true })
  }
})
