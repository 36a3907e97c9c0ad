// Checks module dialog: variables, profiles, events, time limits, BYEs of its own.
import { afterEach, expect, test } from 'vitest'
import { matchers, type Party, request, sdp } from '../../src/testkit/index.ts'
import { type CfgRoute, cfgRoute } from './cfg-route.ts'

expect.extend(matchers)

const MODULES = 'tm sl rr pv xlog textops siputils dialog'
const FROM = 'udp:127.0.0.6:5060'
const ROUTES = `
modparam("dialog", "profiles_with_value", "caller")
modparam("dialog", "default_timeout", 3600)
event_route[dialog:start] { xlog("start $dlg_var(x)\\n"); }
event_route[dialog:end] { xlog("end $dlg_var(x) $dlg(state)\\n"); }
event_route[dialog:failed] { xlog("failed $dlg_var(x)\\n"); }
request_route {
  if (has_totag()) {
    loose_route();
    if (is_method("INFO")) dlg_bye("all");
    t_relay();
    exit;
  }
  if (is_method("OPTIONS")) { get_profile_size("caller", "alice", "$var(n)"); xlog("size $var(n) up $DLG_count\\n"); exit; }
  $dlg_var(x) = $ci;
  $dlg_ctx(timeout_bye) = 1;
  dlg_manage();
  if ($ci == "short") dlg_set_timeout("60");
  set_dlg_profile("caller", "alice");
  record_route();
  $du = "sip:127.0.0.2:5070";
  t_relay();
}`

let cfg: CfgRoute
afterEach(() => cfg?.close())

async function call(callId: string, status = 200, body = ''): Promise<{ alice: Party; bob: Party }> {
  const alice = cfg.route.party(FROM)
  const bob = cfg.route.party('udp:127.0.0.2:5070')
  const headers = { Contact: '<sip:alice@127.0.0.6:5060>' }
  await alice.send(request('INVITE', { from: FROM, callId, fromTag: 'a', headers, body }))
  const invite = await bob.request('INVITE')
  expect(invite.message.header('Record-Route')).toMatch(/;did=[0-9a-f]+\.[0-9a-f]+>$/)
  await bob.answer(invite, status, { toTag: 'b', headers: 'Contact: <sip:bob@127.0.0.2:5070>\r\n' })
  await alice.reply()
  await cfg.route.settle()
  return { alice, bob }
}

test('a call is followed from its INVITE to its BYE', async () => {
  cfg = await cfgRoute(MODULES, ROUTES)
  const { alice, bob } = await call('one')
  await alice.send(request('OPTIONS', { from: FROM }))
  const headers = { Route: '<sip:127.0.0.1;lr>' }
  await alice.send(
    request('BYE', {
      from: FROM,
      callId: 'one',
      fromTag: 'a',
      uri: 'sip:bob@127.0.0.2:5070',
      toTag: 'b',
      cseq: 2,
      headers,
    }),
  )
  await bob.answer(await bob.request('BYE'), 200)
  await alice.send(request('OPTIONS', { from: FROM, callId: 'later' }))
  await cfg.route.settle()
  expect(cfg.said()).toEqual(['start one', 'size 1 up 1', 'end one 5', 'size 0 up 0'])
})

test('a refused call fails', async () => {
  cfg = await cfgRoute(MODULES, ROUTES)
  await call('busy', 486)
  expect(cfg.said()).toEqual(['failed busy'])
})

test('a call that is challenged is followed when it comes again with credentials', async () => {
  cfg = await cfgRoute(MODULES, ROUTES)
  const { alice, bob } = await call('asked', 407)
  await bob.request('ACK')
  const headers = { Contact: '<sip:alice@127.0.0.6:5060>' }
  await alice.send(request('INVITE', { from: FROM, callId: 'asked', fromTag: 'a', cseq: 2, headers }))
  await bob.answer(await bob.request('INVITE'), 200, {
    toTag: 'c',
    headers: 'Contact: <sip:bob@127.0.0.2:5070>\r\n',
  })
  await alice.reply(200)
  await cfg.route.settle()
  expect(cfg.said()).toEqual(['failed asked', 'start asked'])
  await cfg.route.advance(10_000)
  await alice.send(request('OPTIONS', { from: FROM }))
  expect(cfg.said()).toContain('size 1 up 1')
})

test('dlg_bye hangs up on both sides', async () => {
  cfg = await cfgRoute(MODULES, ROUTES)
  const { alice, bob } = await call('two')
  const headers = { Route: '<sip:127.0.0.1;lr>' }
  await alice.send(
    request('INFO', {
      from: FROM,
      callId: 'two',
      fromTag: 'a',
      uri: 'sip:bob@127.0.0.2:5070',
      toTag: 'b',
      cseq: 2,
      headers,
    }),
  )
  const toBob = await bob.request('BYE')
  expect(toBob.message).toMatchObject({
    callId: 'two',
    toTag: 'b',
    cseqNumber: 3,
    requestUri: 'sip:bob@127.0.0.2:5070',
  })
  const toAlice = await alice.request('BYE')
  expect(toAlice.message).toMatchObject({ fromTag: 'b', requestUri: 'sip:alice@127.0.0.6:5060' })
  await bob.answer(toBob, 200)
  await alice.answer(toAlice, 200)
  expect(cfg.said()).toEqual(['start two', 'end two 5'])
  expect(cfg.route.engine.view.status().calls).toBe(0)
})

test('a call that is too long is ended', async () => {
  cfg = await cfgRoute(MODULES, ROUTES)
  const { alice, bob } = await call('short')
  await cfg.route.advance(59_000)
  expect(cfg.said()).toEqual(['start short'])
  await cfg.route.advance(2000)
  await bob.answer(await bob.request('BYE'), 200)
  await alice.answer(await alice.request('BYE'), 200)
  expect(cfg.said()).toEqual(['start short', 'end short 5'])
})

test('a call that goes on beyond its first lifetime is still counted in its profile', async () => {
  cfg = await cfgRoute(MODULES, ROUTES)
  const { alice, bob } = await call('short')
  for (let cseq = 2; cseq < 6; cseq++) {
    await cfg.route.advance(45_000)
    const headers = { Route: '<sip:127.0.0.1;lr>' }
    const within = { from: FROM, callId: 'short', fromTag: 'a', toTag: 'b', cseq, headers }
    await alice.send(request('UPDATE', { ...within, uri: 'sip:bob@127.0.0.2:5070' }))
    await bob.answer(await bob.request('UPDATE'), 200)
  }
  await alice.send(request('OPTIONS', { from: FROM }))
  expect(cfg.said()).toEqual(['start short', 'size 1 up 1'])
})

test('a call in which no media flows any more is hung up on both sides, with the reason', async () => {
  const socket = 'modparam("rtpengine", "rtpengine_sock", "udp:127.0.0.1:22222")\n'
  cfg = await cfgRoute(
    `${MODULES} rtpengine`,
    socket + ROUTES.replace('record_route();', 'record_route(); rtpengine_manage();'),
  )
  const { alice, bob } = await call('silent', 200, sdp('127.0.0.6', 4000))
  cfg.route.relay.timeOut('silent', 'media timeout')
  await cfg.route.settle()
  for (const party of [alice, bob])
    expect(await party.request('BYE')).toHaveHeader('Reason', 'SIP;cause=408;text="media timeout"')
})
