// Checks module uac: URIs that the caller never sees, challenges answered, requests and registrations of our own.
import { createHash } from 'node:crypto'
import { afterEach, expect, test } from 'vitest'
import { ManualClock } from '../../src/clock.ts'
import { openDatabases } from '../../src/database/index.ts'
import { answerChallenge, readChallenge } from '../../src/services/digest-client.ts'
import type { Service, ServiceRun } from '../../src/services/service.ts'
import { createUac } from '../../src/services/uac.ts'
import { parseMessage, type SipReply } from '../../src/sip/index.ts'
import { request } from '../../src/testkit/index.ts'
import { base64, unbase64 } from '../../stdlib/uac-restore.ts'
import { type CfgRoute, cfgRoute } from './cfg-route.ts'
import { sharedWorkers } from './shared-workers.ts'

const MODULES = 'tm sl rr pv xlog textops siputils uac'
const FROM = 'udp:127.0.0.6:5060'
const FAR = 'udp:127.0.0.2:5070'

let cfg: CfgRoute
afterEach(() => cfg?.close())

test('a replaced From is put back in replies and within the dialog', async () => {
  cfg = await cfgRoute(
    MODULES,
    `request_route {
  if (has_totag()) { loose_route(); t_relay(); exit; }
  record_route();
  uac_replace_from("Hidden", "sip:hidden@border.example.com");
  $du = "sip:127.0.0.2:5070"; t_relay();
}`,
  )
  const { route } = cfg
  const [alice, bob] = [route.party(FROM), route.party(FAR)]
  const from = '<sip:alice@example.com>;tag=a'
  await alice.send(request('INVITE', { from: FROM, callId: 'one', headers: { From: from } }))
  const invite = await bob.request('INVITE')
  expect(invite.message.header('From')).toBe('Hidden <sip:hidden@border.example.com>;tag=a')
  await bob.answer(invite, 200, { toTag: 'b', headers: 'Contact: <sip:bob@127.0.0.2:5070>\r\n' })
  expect((await alice.reply()).message.header('From')).toBe(from)
  const own = /vsf=[^>;]+/.exec(invite.message.header('Record-Route')!)![0]
  const headers = { Route: `<sip:127.0.0.1;lr;ftag=a;${own}>` }
  const bye = { From: '<sip:bob@example.com>;tag=b', To: '<sip:hidden@border.example.com>;tag=a', ...headers }
  await bob.send(request('BYE', { from: FAR, callId: 'one', uri: 'sip:alice@127.0.0.6:5060', cseq: 2, headers: bye }))
  const ended = await alice.request('BYE')
  expect(ended.message.header('To')).toBe('<sip:alice@example.com>;tag=a')
  await alice.answer(ended, 200)
  expect((await bob.reply()).message.header('To')).toBe('<sip:hidden@border.example.com>;tag=a')
})

test('one URI gives the other, whichever is longer', () => {
  for (const [one, other] of [
    ['sip:alice@example.com', 'sip:new@new.example.com'],
    ['sip:a@b', 'sip:a-very-long-user@a-very-long-host.example.com'],
  ] as const) {
    expect(unbase64(one, base64(one, other))).toBe(other)
    expect(unbase64(other, base64(one, other))).toBe(one)
  }
  expect(base64('sip:alice@example.com', 'sip:new@new.example.com')).toBe('AAAAAA8JHiMLJRJWBBURARVCBkEOb20-')
})

test('a challenge is answered as RFC 2617 3.5 does it', () => {
  const challenge = readChallenge(
    'WWW-Authenticate',
    'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"',
  )
  const line = answerChallenge(challenge!, { user: 'Mufasa', password: 'Circle Of Life' }, 'GET', '/dir/index.html')
  expect(line).toMatch(/response="670fd8c2df070c60b045671b8b24ff02"/)
  expect(readChallenge('WWW-Authenticate', 'Basic realm="x"')).toBeUndefined()
})

test('a trunk that challenges a call gets it once more with credentials', async () => {
  cfg = await cfgRoute(
    MODULES,
    `modparam("uac", "auth_username_avp", "$avp(u)")
modparam("uac", "auth_password_avp", "$avp(p)")
modparam("uac", "auth_realm_avp", "$avp(r)")
request_route { $du = "sip:127.0.0.2:5070"; t_on_failure("AUTH"); t_relay(); }
failure_route[AUTH] {
  if (t_check_status("401|407")) { $avp(u) = "joe"; $avp(p) = "secret"; $avp(r) = "trunk"; if (uac_auth()) { t_relay(); exit; } }
}`,
  )
  const { route } = cfg
  const [alice, trunk] = [route.party(FROM), route.party(FAR)]
  await alice.send(request('INVITE', { from: FROM, callId: 'one', uri: 'sip:7@trunk' }))
  await trunk.answer(await trunk.request('INVITE'), 407, {
    headers: 'Proxy-Authenticate: Digest realm="trunk", nonce="n"\r\n',
  })
  const again = await trunk.request('INVITE')
  const md5 = (text: string) => createHash('md5').update(text).digest('hex')
  const response = md5(`${md5('joe:trunk:secret')}:n:${md5('INVITE:sip:7@trunk')}`)
  expect(again.message.header('Proxy-Authorization')).toContain(`response="${response}"`)
  await trunk.answer(again, 200, { toTag: 'b' })
  expect((await alice.reply()).message.raw).toMatch(/^SIP\/2.0 200/)
})

test('a request of our own is sent, authenticated, and its event route hears of both answers', async () => {
  cfg = await cfgRoute(
    MODULES,
    `event_route[uac:reply] { xlog("$uac_req(evcode) $uac_req(method) $rs\\n"); }
request_route {
  $uac_req(method) = "MESSAGE"; $uac_req(ruri) = "sip:bob@127.0.0.2:5070"; $uac_req(furi) = "sip:us@border"; $uac_req(turi) = "sip:bob@x";
  $uac_req(hdrs) = "X-One: 1\\r\\nContent-Type: text/plain\\r\\n"; $uac_req(body) = "hello"; $uac_req(evroute) = 1;
  $uac_req(auser) = "joe"; $uac_req(apasswd) = "secret"; $uac_req(callid) = "ours";
  uac_req_send(); sl_send_reply("200", "OK");
}`,
  )
  const { route } = cfg
  const [alice, bob] = [route.party(FROM), route.party(FAR)]
  await alice.send(request('OPTIONS', { from: FROM }))
  const sent = await bob.request('MESSAGE')
  expect(sent.message).toMatchObject({ callId: 'ours', requestUri: 'sip:bob@127.0.0.2:5070' })
  expect(sent.message.header('X-One')).toBe('1')
  await bob.answer(sent, 401, { headers: 'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"\r\n' })
  const again = await bob.request('MESSAGE')
  expect(again.message.header('Authorization')).toMatch(/qop=auth, nc=00000001/)
  await bob.answer(again, 202)
  await route.settle()
  await route.settle()
  expect(cfg.said()).toEqual(['401 MESSAGE 401', '202 MESSAGE 202'])
})

/** Fields of uac.reg_add for `trunk`, who registers at FAR. */
const TRUNK = [
  ...['trunk', 'alice', 'local', '4912', '127.0.0.2:5070', '127.0.0.2', 'user', 'pw'],
  ...['.', '.', '300', '0', '0', '.', '.'],
]

test('the time of our own binding counts among others, and a registrar that wants longer ones gets them', async () => {
  cfg = await cfgRoute(
    MODULES,
    'modparam("uac", "reg_contact_addr", "127.0.0.1:5060")\nmodparam("uac", "reg_timer_interval", 60)\nrequest_route { exit; }',
  )
  const { route } = cfg
  const registrar = route.party(FAR)
  await route.engine.command('uac.reg_add', TRUNK)
  await route.advance(2000)
  await registrar.answer(await registrar.request('REGISTER'), 423, { headers: 'Min-Expires: 600\r\n' })
  await route.advance(2000)
  const longer = await registrar.request('REGISTER')
  expect(longer.message.header('Expires')).toBe('600')
  await registrar.answer(longer, 200, {
    headers: 'Contact: <sip:other@10.0.0.9>;expires=3600\r\nContact: <sip:trunk@127.0.0.1:5060>;expires=120\r\n',
  })
  await route.advance(55_000)
  expect(await registrar.unread()).toEqual([])
  await route.advance(10_000)
  await registrar.request('REGISTER')
})

test('of several workers one registers, and all of them know how it stands', async () => {
  const clock = new ManualClock()
  const workers = sharedWorkers(clock)
  const databases = openDatabases({ folder: '/tmp' })
  let sent = 0
  const reply = parseMessage(
    'SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\nCall-ID: x\r\nCSeq: 1 REGISTER\r\nContact: <sip:trunk@127.0.0.1>;expires=300\r\nContent-Length: 0\r\n\r\n',
  )
  const begun = async (): Promise<Service> => {
    const send = async () => {
      sent++
      return { status: 200, reason: 'OK', ...(reply.ok ? { reply: reply.message as SipReply } : {}) }
    }
    const service = createUac(workers.host(undefined, { send }), databases)
    service.configure?.([{ module: 'uac', name: 'reg_contact_addr', value: '127.0.0.1:5060' }], true)
    await service.start?.()
    await service.commands!['uac.reg_add']!(TRUNK)
    return service
  }
  const all = [await begun(), await begun()]
  const run = { id: 1 } as ServiceRun
  const stands = () => all.map((each) => each.operations!.registrationStatus!(run, { uuid: 'trunk' }))
  clock.advance(3000)
  await new Promise(setImmediate)
  expect(sent).toBe(1)
  expect(stands()).toEqual([1, 1])
  // A script asks in the worker of its call.
  all[1]!.operations!.registrationSwitch!(run, { by: 'l_uuid', value: 'trunk', action: 'disable' })
  expect(stands()).toEqual([-3, -3])
  clock.advance(600_000)
  expect(sent).toBe(1)
  for (const each of all) await each.close?.()
  await databases.close()
  await workers.close()
})

test('a registration of our own is made, refreshed and shown', async () => {
  cfg = await cfgRoute(
    MODULES,
    `modparam("uac", "reg_contact_addr", "127.0.0.1:5060")
modparam("uac", "reg_timer_interval", 60)
request_route { uac_reg_status("trunk"); xlog("status $rc\\n"); }`,
  )
  const { route } = cfg
  const [alice, registrar] = [route.party(FROM), route.party(FAR)]
  await route.engine.command('uac.reg_add', TRUNK)
  await route.advance(2000)
  const first = await registrar.request('REGISTER')
  expect(first.message.header('To')).toBe('<sip:4912@127.0.0.2:5070>')
  await registrar.answer(first, 200, { headers: 'Contact: <sip:trunk@127.0.0.1:5060>;expires=300\r\n' })
  await alice.send(request('OPTIONS', { from: FROM }))
  expect(cfg.said()).toEqual(['status 1'])
  await route.advance(242_000)
  expect((await registrar.request('REGISTER')).message.callId).toBe(first.message.callId)
  expect(await route.engine.command('uac.reg_dump', [])).toMatchObject([
    { l_uuid: 'trunk', r_domain: '127.0.0.2:5070' },
  ])
})
