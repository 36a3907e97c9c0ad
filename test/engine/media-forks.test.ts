// Owns the media of forked calls: a branch that fails takes its own ports with it, and the call's end takes the rest.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RouteUnderTest } from 'signalbox/testkit'
import { afterEach, beforeEach, expect, test } from 'vitest'

const CFG = `
listen=udp:10.0.0.5:5060
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "siputils.so"
loadmodule "rtpengine.so"
modparam("rtpengine", "rtpengine_sock", "udp:127.0.0.1:22222")
request_route {
  if (has_totag()) {
    rtpengine_manage("via-branch=auto");
    loose_route();
    t_relay();
    exit;
  }
  rtpengine_manage("via-branch=auto");
  record_route();
  t_on_reply("back");
  t_relay();
}
onreply_route[back] { rtpengine_manage("via-branch=auto"); }
`
const SDP = 'v=0\r\no=- 1 1 IN IP4 10.0.0.8\r\ns=-\r\nc=IN IP4 10.0.0.8\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n'

function request(method: string, cseq: number, to: string, lines: readonly string[], body = ''): string {
  return [
    `${method} sip:bob@${to} SIP/2.0`,
    `Via: SIP/2.0/UDP 10.0.0.8:5060;branch=z9hG4bK${method}${cseq}${to}`,
    'From: <sip:alice@10.0.0.8>;tag=alice',
    ...lines,
    'Call-ID: forked',
    `CSeq: ${cseq} ${method}`,
    'Contact: <sip:alice@10.0.0.8:5060>',
    'Max-Forwards: 70',
    ...(body === '' ? [] : ['Content-Type: application/sdp']),
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n')
}

let folder: string
let route: RouteUnderTest
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'media-forks-'))
  const file = join(folder, 'route.cfg')
  writeFileSync(file, CFG)
  route = await RouteUnderTest.load(file)
})
afterEach(async () => {
  await route.close()
  rmSync(folder, { recursive: true, force: true })
})

/** The reply of a far end to what it was sent. */
function replyTo(raw: string, status: string, tag: string, address: string, body = ''): string {
  const kept = raw.split('\r\n').filter((line) => /^(?:Via|From|To|Call-ID|CSeq|Record-Route):/i.test(line))
  return [
    `SIP/2.0 ${status}`,
    ...kept.map((line) => (/^To:/i.test(line) && !line.includes(';tag=') ? `${line};tag=${tag}` : line)),
    `Contact: <sip:bob@${address}:5060>`,
    ...(body === '' ? [] : ['Content-Type: application/sdp']),
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n')
}

test('a branch of an upstream fork that is refused takes its own ports with it, the end of the call takes the rest', async () => {
  const alice = route.party('udp:10.0.0.8:5060')
  const [first, second] = [route.party('udp:10.0.0.10:5060'), route.party('udp:10.0.0.11:5060')]
  const to = ['To: <sip:bob@10.0.0.9>']
  await alice.send(request('INVITE', 1, '10.0.0.10', to, SDP))
  await alice.send(request('INVITE', 1, '10.0.0.11', to, SDP))
  const [one, two] = [await first.request('INVITE'), await second.request('INVITE')]
  expect(route.relay.native.open.size).toBe(3)
  await first.send(replyTo(one.message.raw, '486 Busy Here', 'busy', '10.0.0.10'))
  await alice.reply(486)
  expect(route.relay.native.open.size).toBe(2)
  await second.send(replyTo(two.message.raw, '200 OK', 'bob', '10.0.0.11', SDP))
  const ok = (await alice.reply(200)).message.raw
  const dialog = [
    'To: <sip:bob@10.0.0.9>;tag=bob',
    ...ok
      .split('\r\n')
      .filter((line) => /^Record-Route:/i.test(line))
      .map((line) => line.replace(/^Record-/i, '')),
  ]
  await alice.send(request('ACK', 1, '10.0.0.11', dialog))
  expect(route.relay.native.open.size).toBe(2)
  await alice.send(request('BYE', 2, '10.0.0.11', dialog))
  const bye = await second.request('BYE')
  await second.send(replyTo(bye.message.raw, '200 OK', 'bob', '10.0.0.11'))
  await alice.reply(200)
  expect([route.relay.native.open.size, route.relay.sessions.size]).toEqual([0, 0])
  const deletes = route.relay.operations.filter(({ command }) => command === 'delete')
  expect(deletes.map(({ error }) => error)).toEqual([undefined, undefined])
})
