// Checks the RPC commands of users' modules, asked by a script, and pings and parameters that need no phone to answer.
import { afterEach, expect, test } from 'vitest'
import { checkParameters } from '../../src/services/index.ts'
import { request } from '../../src/testkit/index.ts'
import { type CfgRoute, cfgRoute } from './cfg-route.ts'

let cfg: CfgRoute | undefined
afterEach(async () => {
  await cfg?.close()
  cfg = undefined
})

const RPC = (method: string, params: readonly unknown[]) =>
  `jsonrpc_exec('{"jsonrpc":"2.0","method":"${method}","params":${JSON.stringify(params)},"id":1}'); xlog("$jsonrpl(code) $jsonrpl(body)\\n");`

test('ul.add, ul.lookup, ul.dump, ul.rm_contact and ul.rm', async () => {
  cfg = await cfgRoute(
    'sl pv xlog usrloc registrar jsonrpcs',
    `request_route {
      ${RPC('ul.add', ['location', 'bob', 'sip:bob@10.0.0.9:5070', 300, 0.5, 0, 0, 64, -1])}
      ${RPC('ul.lookup', ['location', 'bob'])}
      ${RPC('ul.dump', ['brief'])}
      ${RPC('ul.rm_contact', ['location', 'bob', 'sip:nobody@10.0.0.9'])}
      ${RPC('ul.rm', ['location', 'bob'])}
      ${RPC('ul.lookup', ['location', 'bob'])}
      sl_send_reply("200", "OK");
    }`,
  )
  const alice = cfg.route.party('udp:10.0.0.6:5060')
  await alice.send(request('OPTIONS'))
  await alice.reply(200)
  const answers = cfg.said().map((line) => JSON.parse(line.slice(line.indexOf('{'))) as Record<string, unknown>)
  expect(answers[1]).toMatchObject({
    result: {
      AoR: 'bob',
      Contacts: [{ Contact: { Address: 'sip:bob@10.0.0.9:5070', Expires: 300, Q: 0.5, CFlags: 64 } }],
    },
  })
  expect(answers[2]).toMatchObject({
    result: { Domains: [{ Domain: { Domain: 'location', AoRs: [{ Info: { AoR: 'bob' } }], Stats: { Records: 1 } } }] },
  })
  expect(answers[3]).toMatchObject({ error: { message: 'Contact not found' } })
  expect(answers[5]).toMatchObject({ error: { message: 'AOR not found' } })
})

test('nat_traversal: the source is pinged as long as its registration lasts', async () => {
  cfg = await cfgRoute(
    'sl pv xlog nat_traversal',
    `modparam("nat_traversal", "keepalive_interval", 30)
     request_route {
       force_rport();
       if (client_nat_test("3")) nat_keepalive();
       sl_send_reply("200", "OK");
     }`,
  )
  const phone = cfg.route.party('udp:10.0.0.6:6000')
  await phone.send(request('REGISTER', { from: 'udp:192.168.0.5:5060', headers: { Expires: '70' } }))
  await phone.reply(200)
  await cfg.route.advance(30_000)
  const ping = await phone.request('NOTIFY')
  expect(ping.message.header('Event')).toBe('keep-alive')
  await phone.answer(ping, 200)
  await cfg.route.advance(30_000)
  await phone.answer(await phone.request('NOTIFY'), 200)
  await cfg.route.advance(60_000)
  expect(await phone.unread()).toEqual([])
})

test('contacts behind NAT get an empty datagram where they want no OPTIONS', async () => {
  cfg = await cfgRoute(
    'sl pv xlog kex usrloc registrar nathelper',
    `modparam("nathelper", "natping_interval", 10)
     request_route { save("location"); }`,
  )
  const phone = cfg.route.party('udp:10.0.0.6:5060')
  const contact = cfg.route.network.endpoint('udp', '10.0.0.7', 5060)
  const heard: string[] = []
  contact.onMessage = ({ wire }) => heard.push(wire)
  await phone.send(request('REGISTER', { headers: { To: '<sip:al@127.0.0.1>', Contact: '<sip:al@10.0.0.7:5060>' } }))
  await phone.reply(200)
  for (let second = 0; second < 21; second++) await cfg.route.advance(1000)
  expect(heard).toEqual(['\0\0\0\0', '\0\0\0\0'])
})

test('parameters that name no database are refused', () => {
  const problems = checkParameters([
    { module: 'usrloc', name: 'db_url', value: 'mysql://nonsense' },
    { module: 'sqlops', name: 'sqlcon', value: 'ca=>' },
    { module: 'sqlops', name: 'sqlcon', value: 'ca=>sqlite:///x.db' },
    { module: 'acc', name: 'db_url', value: 'text:///somewhere' },
  ])
  expect(problems.map(({ index }) => index)).toEqual([0, 1])
})
