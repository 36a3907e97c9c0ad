// Checks onsend_route: it sees where each request goes, and can keep it back.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { RouteUnderTest } from '../../src/testkit/index.ts'

const TEXT = `#!KAMAILIO
listen=udp:10.0.0.5:5060
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "xlog.so"
request_route {
    $du = "sip:10.0.0.7:5070";
    if (is_method("OPTIONS")) {
        forward();
        exit;
    }
    t_on_failure("AGAIN");
    if (!t_relay()) sl_reply_error();
}
failure_route[AGAIN] {
    $du = "sip:10.0.0.8:5070";
    t_relay();
}
onsend_route {
    xlog("L_ERR", "to $snd(ip):$snd(port) $snd(sproto) from $sndfrom(ip):$sndfrom(port) $rm\\n");
    if (is_present_hf("X-Keep")) drop;
}
`

let folder = ''
let route: RouteUnderTest
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'onsend-'))
  writeFileSync(join(folder, 'route.cfg'), TEXT)
  route = await RouteUnderTest.load(join(folder, 'route.cfg'))
})
afterEach(async () => {
  await route.close()
  rmSync(folder, { recursive: true, force: true })
})

function request(method: string, headers = ''): string {
  return `${method} sip:bob@10.0.0.5 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.6:5060;branch=z9hG4bK${method}\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:bob@y>\r\nCall-ID: ${method}\r\nCSeq: 1 ${method}\r\nMax-Forwards: 70\r\n${headers}Content-Length: 0\r\n\r\n`
}
const said = () => route.lines.flatMap(({ message }) => (message.startsWith('to ') ? [message] : []))

test('it sees each place, relayed, after a failure, and without a transaction', async () => {
  const caller = route.party('udp:10.0.0.6:5060')
  const [first, second] = [route.party('udp:10.0.0.7:5070'), route.party('udp:10.0.0.8:5070')]
  await caller.send(request('INVITE'))
  await first.answer(await first.request('INVITE'), 486)
  await second.request('INVITE')
  await caller.send(request('OPTIONS'))
  await first.request('OPTIONS')
  expect(said()).toEqual([
    'to 10.0.0.7:5070 udp from 10.0.0.5:5060 INVITE',
    'to 10.0.0.8:5070 udp from 10.0.0.5:5060 INVITE',
    'to 10.0.0.7:5070 udp from 10.0.0.5:5060 OPTIONS',
  ])
})

test('drop keeps a request back', async () => {
  const caller = route.party('udp:10.0.0.6:5060')
  const far = route.party('udp:10.0.0.7:5070')
  await caller.send(request('MESSAGE', 'X-Keep: 1\r\n'))
  expect(await far.unread()).toEqual([])
  expect((await caller.reply()).message.raw).toMatch(/^SIP\/2\.0 477 /)
})
