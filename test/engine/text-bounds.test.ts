// Owns the proof, through the engine, that a call whose route wants more text than it may have costs itself alone.
import { afterEach, expect, test } from 'vitest'
import { request } from '../../src/testkit/index.ts'
import { type CfgRoute, cfgRoute } from '../services/cfg-route.ts'

let cfg: CfgRoute | undefined
afterEach(() => cfg?.close())

test('a text that is doubled in a loop in a loop: 500 and a line, and the next call goes through', async () => {
  cfg = await cfgRoute(
    'pv xlog sl tm textops',
    `request_route {
  if ($rU == "good") { sl_send_reply("200", "OK"); exit; }
  $var(x) = "ab"; $var(i) = 0;
  while ($var(i) < 90) {
    $var(i) = $var(i) + 1; $var(j) = 0;
    while ($var(j) < 90) {
      $var(j) = $var(j) + 1;
      $var(x) = $var(x) + $var(x);
    }
  }
}
`,
  )
  const { route } = cfg
  const alice = route.party('udp:127.0.0.6:5070')
  const call = (user: string) =>
    alice.send(request('OPTIONS', { from: 'udp:127.0.0.6:5070', uri: `sip:${user}@127.0.0.1` }))
  await call('bad')
  expect((await alice.reply()).message.raw).toMatch(/^SIP\/2.0 500/)
  const [line, ...more] = route.lines.filter(({ level }) => level === 'error')
  expect(more).toEqual([])
  expect(line?.fields).toMatchObject({ code: 'ERR_SCRIPT_MEMORY', route: 'request' })
  expect(line?.fields.error).toMatch(/route\.cfg:16:\d+: a text of 1048576 characters is longer than 1000000/)
  await call('good')
  expect((await alice.reply()).message.raw).toMatch(/^SIP\/2.0 200/)
})

test.each([
  ['a URI', '$ru = "sip:bob@127.0.0.1;x=" + $var(x);'],
  ['a next hop', '$du = "sip:127.0.0.1;x=" + $var(x);'],
  ['a header', 'append_hf("X-Long: $var(x)\\r\\n");'],
  ['lines of replies', 'append_to_reply("X-Long: $var(x)\\r\\n");'],
  ['a Record-Route', 'record_route(); add_rr_param(";x=$var(x)");'],
  ['a host of Via', 'set_advertised_address("a$var(x)");'],
])('%s too long for any message is not relayed', async (_name, change) => {
  cfg = await cfgRoute(
    'pv xlog sl tm rr textops',
    `request_route {
  $var(x) = "ab"; $var(i) = 0;
  while ($var(i) < 16) { $var(i) = $var(i) + 1; $var(x) = $var(x) + $var(x); }
  ${change}
  t_relay();
}
`,
  )
  const { route } = cfg
  const alice = route.party('udp:127.0.0.6:5070')
  await alice.send(request('OPTIONS', { from: 'udp:127.0.0.6:5070', uri: 'sip:bob@127.0.0.9' }))
  expect((await alice.reply()).message.raw).toMatch(/^SIP\/2.0 500/)
})
