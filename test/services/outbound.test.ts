// Checks module outbound: flow tokens in Path and Record-Route, and that requests follow their flow or fail with it (RFC 5626).
import { afterEach, expect, test } from 'vitest'
import { matchers, request } from '../../src/testkit/index.ts'
import { type CfgRoute, cfgRoute } from './cfg-route.ts'

expect.extend(matchers)

const UA = 'tcp:127.0.0.6:40000'
const CORE = 'udp:127.0.0.2:5070'
const EDGE = `
modparam("outbound", "flow_token_secret", "s3cret")
listen=tcp:127.0.0.1:5060
failure_route[FLOW] { t_reply("430", "Flow Failed"); }
request_route {
  if (is_method("REGISTER")) { add_path(); $du = "sip:127.0.0.2:5070"; t_relay(); exit; }
  if (is_method("INVITE|SUBSCRIBE")) record_route();
  if (!loose_route()) {
    if ($rc == -2) { sl_send_reply("403", "Forbidden"); exit; }
    if (!has_totag() && $rc == -1) $du = "sip:127.0.0.2:5070";
  }
  if (!is_method("ACK")) t_on_failure("FLOW");
  t_relay();
}`
const MODULES = 'tm sl outbound rr path pv xlog textops siputils'
const OUTBOUND = { Supported: 'path, outbound', Contact: '<sip:alice@127.0.0.6:40000;transport=tcp;ob>' }

let cfg: CfgRoute
afterEach(() => cfg?.close())

const uriOf = (header: string | undefined) => /<(.*)>/.exec(header ?? '')?.[1] ?? ''

/** Registers over the edge; the Path that the registrar sees. */
async function registered() {
  const ua = cfg.route.party(UA)
  const core = cfg.route.party(CORE)
  const Contact = '<sip:alice@127.0.0.6:40000;transport=tcp;ob>;reg-id=1;+sip.instance="<urn:uuid:1>"'
  await ua.send(request('REGISTER', { from: UA, callId: 'reg', headers: { ...OUTBOUND, Contact } }))
  const register = await core.request('REGISTER')
  await core.answer(register, 200)
  await ua.reply(200)
  return { ua, core, path: uriOf(register.message.header('Path')) }
}

test('the Path of a REGISTER with reg-id names its flow, and a call follows it', async () => {
  cfg = await cfgRoute(MODULES, EDGE)
  const { ua, core, path } = await registered()
  expect(path).toMatch(/^sip:[\w-]{40,}@127\.0\.0\.1;transport=tcp;lr;ob$/)
  const headers = { Route: `<${path}>`, Contact: '<sip:bob@127.0.0.2:5070>' }
  // The Contact's own address is nobody's: the flow alone leads to the user agent.
  await core.send(request('INVITE', { from: CORE, callId: 'in', uri: 'sip:alice@192.0.2.9', headers }))
  const invite = await ua.request('INVITE')
  expect(invite.message.header('Route')).toBeUndefined()
  const token = path.slice(4, path.indexOf('@'))
  expect(invite.message.headers('Record-Route').every((value) => value.includes(`sip:${token}@`))).toBe(true)
  await ua.answer(invite, 200, { toTag: 'ua' })
  await core.reply(200)
})

test('a dialog that the user agent begins is recorded with its flow, which requests to it follow', async () => {
  cfg = await cfgRoute(MODULES, EDGE)
  const ua = cfg.route.party(UA)
  const core = cfg.route.party(CORE)
  await ua.send(request('INVITE', { from: UA, callId: 'out', fromTag: 'a', headers: OUTBOUND }))
  const invite = await core.request('INVITE')
  const recorded = invite.message.headers('Record-Route')
  expect(recorded).toHaveLength(2)
  for (const value of recorded) expect(uriOf(value)).toMatch(/^sip:[\w-]{40,}@127\.0\.0\.1;.*;ob$/)
  await core.answer(invite, 200, { toTag: 'b' })
  await ua.reply(200)
  const Route = recorded.join(', ')
  const within = { callId: 'out', uri: 'sip:alice@192.0.2.9' }
  await core.send(request('BYE', { ...within, from: CORE, fromTag: 'b', toTag: 'a', headers: { Route } }))
  await ua.answer(await ua.request('BYE'), 200)
  await core.reply(200)
  // From the user agent itself the same Route leads away from the flow.
  const uri = 'sip:bob@127.0.0.2:5070'
  await ua.send(request('BYE', { callId: 'out', uri, from: UA, fromTag: 'a', toTag: 'b', headers: { Route } }))
  await core.answer(await core.request('BYE'), 200)
})

test('a token that was changed is refused', async () => {
  cfg = await cfgRoute(MODULES, EDGE)
  const { core, path } = await registered()
  const first = path[4] === 'A' ? 'B' : 'A'
  for (const changed of [`sip:${first}${path.slice(5)}`, path.replace(/sip:[^@]+/, 'sip:edge')]) {
    await core.send(
      request('INVITE', {
        from: CORE,
        callId: changed.slice(4, 9),
        uri: 'sip:alice@192.0.2.9',
        headers: { Route: `<${changed}>` },
      }),
    )
    await core.reply(403)
  }
})

test('without reg-id, or behind another proxy, nothing names the flow', async () => {
  cfg = await cfgRoute(MODULES, EDGE)
  const ua = cfg.route.party(UA)
  const core = cfg.route.party(CORE)
  await ua.send(request('REGISTER', { from: UA, callId: 'plain', headers: OUTBOUND }))
  const plain = await core.request('REGISTER')
  expect(uriOf(plain.message.header('Path'))).toBe('sip:127.0.0.1;transport=tcp;lr')
  const Contact = `${OUTBOUND.Contact};reg-id=1;+sip.instance="<urn:uuid:1>"`
  const behind = request('REGISTER', { from: UA, callId: 'behind', headers: { ...OUTBOUND, Contact } })
  const below = 'Via: SIP/2.0/TCP 127.0.0.9:5060;branch=z9hG4bKbelow'
  await ua.send(behind.replace('\r\nFrom:', `\r\n${below}\r\nFrom:`))
  const passed = await core.request('REGISTER')
  expect(passed.message.raw).toContain(below)
  expect(uriOf(passed.message.header('Path'))).toBe('sip:127.0.0.1;transport=tcp;lr')
})

test('where the connection of a flow is gone, the call fails with 430 and nobody dials', async () => {
  cfg = await cfgRoute(MODULES, EDGE)
  const { ua, core, path } = await registered()
  ua.endpoint.close()
  await cfg.route.settle()
  // Somebody else listens there now.
  const other = cfg.route.party(UA)
  await core.send(
    request('INVITE', { from: CORE, callId: 'gone', uri: 'sip:alice@192.0.2.9', headers: { Route: `<${path}>` } }),
  )
  await core.reply(430)
  expect(other.history).toEqual([])
})

test('flags of the parameters force and forbid it', async () => {
  cfg = await cfgRoute(
    MODULES,
    EDGE.replace(
      'request_route {',
      `modparam("outbound", "force_outbound_flag", 1)
modparam("outbound", "force_no_outbound_flag", 2)
request_route {
  if ($ci == "forced") setflag(1);
  if ($ci == "forbidden") { setflag(1); setflag(2); }`,
    ),
  )
  const ua = cfg.route.party('udp:127.0.0.7:5060')
  const core = cfg.route.party(CORE)
  for (const [callId, user] of [
    ['forced', /^sip:[\w-]{40,}@127.0.0.1;lr;/],
    ['forbidden', /^sip:127.0.0.1;lr;/],
  ] as const) {
    await ua.send(request('INVITE', { from: 'udp:127.0.0.7:5060', callId }))
    const invite = await core.request('INVITE')
    expect(uriOf(invite.message.header('Record-Route'))).toMatch(user)
    await core.answer(invite, 486)
  }
})
