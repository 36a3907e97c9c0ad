// Checks dlg_refer and dlg_bridge: requests as 5.6.3 sends them, and addresses that are none.
import { afterEach, expect, test } from 'vitest'
import { request } from '../../src/testkit/index.ts'
import { type CfgRoute, cfgRoute } from './cfg-route.ts'

let cfg: CfgRoute
afterEach(() => cfg?.close())

const MODULES = 'tm sl rr pv xlog textops siputils dialog'
const FROM = 'udp:127.0.0.6:5060'
const ROUTES = `
modparam("dialog", "bridge_controller", "sip:ctl@127.0.0.1")
modparam("dialog", "bridge_contact", "sip:ctl@127.0.0.1:5060")
request_route {
  if (is_method("OPTIONS")) { dlg_bridge("$hdr(X-From)", "$hdr(X-To)", "$hdr(X-Over)"); xlog("$rc\\n"); exit; }
  if (has_totag()) {
    loose_route();
    if (is_method("INFO")) { dlg_refer("$hdr(X-Side)", "$hdr(X-To)"); xlog("$rc\\n"); sl_send_reply("200", "OK"); exit; }
    t_relay(); exit;
  }
  dlg_manage(); record_route(); $du = "sip:127.0.0.2:5070"; t_relay();
}`

async function answered() {
  cfg = await cfgRoute(MODULES, ROUTES)
  const alice = cfg.route.party(FROM)
  const bob = cfg.route.party('udp:127.0.0.2:5070')
  const headers = { Contact: '<sip:alice@127.0.0.6:5060>' }
  await alice.send(request('INVITE', { from: FROM, callId: 'call', fromTag: 'a', uri: 'sip:bob@x.y', headers }))
  await bob.answer(await bob.request('INVITE'), 200, {
    toTag: 'b',
    headers: 'Contact: <sip:bob@127.0.0.2:5070>\r\n',
  })
  await alice.reply()
  const within = async (side: string, to: string) => {
    const headers = { Route: '<sip:127.0.0.1;lr>', 'X-Side': side, 'X-To': to }
    const uri = 'sip:bob@127.0.0.2:5070'
    await alice.send(request('INFO', { from: FROM, callId: 'call', fromTag: 'a', toTag: 'b', uri, cseq: 2, headers }))
    await alice.reply(200)
    return cfg.said().at(-1)
  }
  return { alice, bob, within }
}

test('dlg_refer asks the other side of the one named, and takes leave of him', async () => {
  const { bob, within } = await answered()
  expect(await within('caller', 'sip:ann@x.y;a=1')).toBe('1')
  const { message } = await bob.request('REFER')
  expect(message.raw).toMatch(/^REFER sip:bob@127\.0\.0\.2:5070 /)
  expect([message.fromTag, message.toTag, message.callId]).toEqual(['a', 'b', 'call'])
  expect(message.header('Refer-To')).toBe('<sip:ann@x.y;a=1>')
  expect(message.header('Referred-By')).toBe('sip:ctl@127.0.0.1')
  expect(message.header('Contact')).toBe('<sip:ctl@127.0.0.1:5060>')
  await bob.answer(bob.history.findLast(({ message: { raw } }) => raw.startsWith('REFER'))!, 202)
  const bye = await bob.request('BYE')
  expect(bye.message.fromTag).toBe('a')
  await bob.answer(bye, 200)
})

test('dlg_refer of the callee reaches the caller; what is no address or no side is refused', async () => {
  const { alice, within } = await answered()
  expect(await within('callee', 'sip:ann@x.y')).toBe('1')
  const refer = await alice.request('REFER')
  expect([refer.message.fromTag, refer.message.toTag]).toEqual(['b', 'a'])
  expect(refer.message.header('Refer-To')).toBe('sip:ann@x.y')
  for (const to of ['', 'nobody', 'sip:a@b>', 'sip:a b@c']) expect(await within('callee', to)).toBe('-1')
})

test('dlg_bridge calls one address on hold, refers it and takes leave', async () => {
  cfg = await cfgRoute(MODULES, ROUTES)
  const alice = cfg.route.party(FROM)
  const first = cfg.route.party('udp:127.0.0.2:5070')
  const headers = { 'X-From': 'sip:from@x.y', 'X-To': 'sip:to@x.y', 'X-Over': 'sip:127.0.0.2:5070' }
  await alice.send(request('OPTIONS', { from: FROM, headers }))
  const invite = await first.request('INVITE')
  expect(cfg.said()).toEqual(['1'])
  expect(invite.message.raw).toMatch(/^INVITE sip:from@x\.y /)
  expect(invite.message.header('CSeq')).toBe('10 INVITE')
  expect(invite.message.body).toContain('c=IN IP4 0.0.0.0\r\n')
  const Record = 'Record-Route: <sip:127.0.0.2:5070;lr;n=2>, <sip:127.0.0.2:5070;lr;n=1>\r\n'
  await first.answer(invite, 200, { toTag: 'f', headers: `Contact: <sip:from@127.0.0.9>\r\n${Record}` })
  const ack = await first.request('ACK')
  expect(ack.message.raw).toMatch(/^ACK sip:from@127\.0\.0\.9 /)
  expect(ack.message.headers('Route')).toEqual(['<sip:127.0.0.2:5070;lr;n=1>', '<sip:127.0.0.2:5070;lr;n=2>'])
  const refer = await first.request('REFER')
  expect(refer.message.header('CSeq')).toBe('11 REFER')
  expect(refer.message.header('Refer-To')).toBe('sip:to@x.y')
  expect([refer.message.fromTag, refer.message.toTag]).toEqual([invite.message.fromTag, 'f'])
  await first.answer(refer, 202)
  const bye = await first.request('BYE')
  expect(bye.message.header('CSeq')).toBe('12 BYE')
  await first.answer(bye, 200)
})

test('dlg_bridge of what does not answer ends there; its command takes an offer of its own', async () => {
  cfg = await cfgRoute(MODULES, ROUTES)
  const alice = cfg.route.party(FROM)
  const first = cfg.route.party('udp:127.0.0.2:5070')
  for (const from of ['nobody', 'sip:a b@c'])
    await alice.send(
      request('OPTIONS', { from: FROM, headers: { 'X-From': from, 'X-To': 'sip:to@x.y', 'X-Over': '.' } }),
    )
  expect(cfg.said()).toEqual(['-1', '-1'])
  const command = (...given: string[]) => cfg.route.engine.command('dlg.bridge_dlg', given)
  await command('sip:from@127.0.0.2:5070', 'sip:to@x.y', '.', '_')
  const invite = await first.request('INVITE')
  expect(invite.message.body).toBe('')
  await first.answer(invite, 486)
  await first.request('ACK')
  await cfg.route.settle()
  expect(await first.unread()).toEqual([])
  await expect(command('nobody', 'sip:to@x.y')).rejects.toThrow('Invalid address')
})
