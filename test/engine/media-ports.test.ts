// Owns the attack by port exhaustion: the script is told, the caller gets 503, and calls go on once ports are free again.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RouteUnderTest } from 'signalbox/testkit'
import { afterEach, expect, test } from 'vitest'

const SCRIPTS = {
  'route.ts': `import { rtpManage, sendReply, tRelay, rewriteHostPort } from 'signalbox'
export const config = { listen: ['udp:10.0.0.5:5060'] }
export async function request_route() {
  if (!(await rtpManage('replace-session-connection'))) return sendReply(503, 'No Media Ports')
  rewriteHostPort('10.0.0.9:5060')
  return tRelay()
}
`,
  'route.cfg': `#!KAMAILIO
listen=udp:10.0.0.5:5060
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "rtpengine.so"
modparam("rtpengine", "rtpengine_sock", "udp:127.0.0.1:22222")
request_route {
  if (!rtpengine_manage("replace-session-connection")) { sl_send_reply("503", "No Media Ports"); exit; }
  $du = "sip:10.0.0.9:5060";
  t_relay();
}
`,
}
const SDP = 'v=0\r\no=- 1 1 IN IP4 10.0.0.8\r\ns=-\r\nc=IN IP4 10.0.0.8\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n'
const invite = (callId: string): string =>
  [
    'INVITE sip:bob@10.0.0.9 SIP/2.0',
    `Via: SIP/2.0/UDP 10.0.0.8:5060;branch=z9hG4bK${callId}`,
    'From: <sip:alice@10.0.0.8>;tag=alice',
    'To: <sip:bob@10.0.0.9>',
    `Call-ID: ${callId}`,
    'CSeq: 1 INVITE',
    'Contact: <sip:alice@10.0.0.8>',
    'Max-Forwards: 70',
    'Content-Type: application/sdp',
    `Content-Length: ${SDP.length}`,
    '',
    SDP,
  ].join('\r\n')

const folder = mkdtempSync(join(tmpdir(), 'media-ports-'))
let route: RouteUnderTest | undefined
afterEach(async () => {
  await route?.close()
  route = undefined
})
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

test.each(Object.entries(SCRIPTS))('port exhaustion in a %s', async (name, text) => {
  const file = join(folder, name)
  writeFileSync(file, text)
  route = await RouteUnderTest.load(file)
  const alice = route.party('udp:10.0.0.8:5060')
  const bob = route.party('udp:10.0.0.9:5060')
  const { native } = route.relay
  const taken: number[] = []
  try {
    for (;;) taken.push(native.openStream({ address: '10.0.0.5', portMin: 30_000, portMax: 40_000 }).id)
  } catch (error) {
    expect(error).toMatchObject({ code: 'ERR_MEDIA_PORTS' })
  }
  await alice.send(invite('full'))
  expect((await alice.reply(503)).message.raw).toMatch(/^SIP\/2.0 503 No Media Ports/)
  expect(route.lines.find((line) => line.level === 'error')?.fields).toMatchObject({
    callId: 'full',
    code: 'ERR_MEDIA_PORTS',
  })
  expect([route.relay.sessions.size, native.open.size]).toEqual([0, taken.length])
  for (const id of taken.slice(0, 4)) native.close(id)
  await alice.send(invite('room'))
  expect((await bob.request('INVITE')).message.raw).toContain('Call-ID: room')
})
