// Owns the proof that Kamailio's rtpengine module takes the relay for rtpengine: a call through it, and its end.
import { type ChildProcess, spawn } from 'node:child_process'
import { createSocket, type Socket } from 'node:dgram'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RunningRelay, runRelay } from '../../src/media/index.ts'
import { describeWithPeers } from './peers.ts'

const KAMAILIO = 49_301
const CALLER = 49_302
const CALLEE = 49_303
const NG = 49_304

const CONFIG = `
debug=1
log_stderror=yes
children=1
listen=udp:127.0.0.1:${KAMAILIO}
mpath="/usr/lib/x86_64-linux-gnu/kamailio/modules/"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "tm.so"
loadmodule "tmx.so"
loadmodule "rr.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "rtpengine.so"
modparam("rtpengine", "rtpengine_sock", "udp:127.0.0.1:${NG}")
request_route {
  if (is_method("CANCEL|BYE")) { rtpengine_manage(); sl_send_reply("200", "OK"); exit; }
  rtpengine_manage("SRTP DTLS=off replace-session-connection ICE=remove direction=internal direction=external");
  t_on_reply("back");
  $du = "sip:127.0.0.1:${CALLEE}";
  t_relay();
}
onreply_route[back] {
  rtpengine_manage("RTP DTLS=off ICE=remove replace-session-connection direction=external direction=internal");
}
`

const OFFER =
  'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 49340 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n'

describeWithPeers("Kamailio's rtpengine module drives the relay", ['kamailio'], () => {
  const folder = mkdtempSync(join(tmpdir(), 'kamailio-relay-'))
  let relay: RunningRelay
  let kamailio: ChildProcess
  let caller: Socket
  let callee: Socket
  const heard = new Map<Socket, string[]>()

  async function open(port: number): Promise<Socket> {
    const socket = createSocket('udp4')
    heard.set(socket, [])
    socket.on('message', (bytes) => heard.get(socket)!.push(bytes.toString('latin1')))
    await new Promise<void>((resolve) => socket.bind(port, '127.0.0.1', resolve))
    return socket
  }

  async function next(socket: Socket, start: string): Promise<string> {
    for (let waited = 0; waited < 8_000; waited += 20) {
      const found = heard.get(socket)!.find((message) => message.startsWith(start))
      if (found) return found
      await pause(20)
    }
    throw new Error(`no ${start}; heard ${JSON.stringify(heard.get(socket))}`)
  }

  const message = (first: string, headers: string[], body = '') =>
    `${first}\r\n${headers.join('\r\n')}\r\n${body === '' ? '' : 'Content-Type: application/sdp\r\n'}Content-Length: ${body.length}\r\n\r\n${body}`
  const request = (method: string, toTag: string, body = '') =>
    message(
      `${method} sip:b@127.0.0.1:${KAMAILIO} SIP/2.0`,
      [
        `Via: SIP/2.0/UDP 127.0.0.1:${CALLER};branch=z9hG4bK${method}`,
        'From: <sip:a@127.0.0.1>;tag=A',
        `To: <sip:b@127.0.0.1>${toTag}`,
        'Call-ID: kamailio-relay',
        `CSeq: ${method === 'INVITE' ? 1 : 2} ${method}`,
        'Max-Forwards: 70',
      ],
      body,
    )

  beforeAll(async () => {
    relay = await runRelay({
      interface: ['internal/127.0.0.1', 'external/127.0.0.1!25.25.25.5'],
      listenNg: `127.0.0.1:${NG}`,
      portMin: 49_310,
      portMax: 49_330,
      deleteDelay: 0,
    })
    const file = join(folder, 'kamailio.cfg')
    writeFileSync(file, CONFIG)
    kamailio = spawn('kamailio', ['-f', file, '-DD', '-E', '-w', folder, '-Y', folder, '-P', join(folder, 'pid')], {
      stdio: 'ignore',
    })
    caller = await open(CALLER)
    callee = await open(CALLEE)
    // Kamailio listens when it answers.
    for (let attempt = 0; attempt < 100 && heard.get(caller)!.length === 0; attempt++) {
      caller.send(request('BYE', ';tag=none'), KAMAILIO, '127.0.0.1')
      await pause(100)
    }
    heard.set(caller, [])
  })

  afterAll(async () => {
    const ended = new Promise((resolve) => kamailio.once('exit', resolve))
    kamailio.kill('SIGTERM')
    await Promise.race([ended, pause(5_000)])
    caller.close()
    callee.close()
    await relay.close()
    rmSync(folder, { recursive: true, force: true })
  })

  test('offer, answer and delete', async () => {
    caller.send(request('INVITE', '', OFFER), KAMAILIO, '127.0.0.1')
    const invite = await next(callee, 'INVITE')
    expect(invite).toContain('c=IN IP4 25.25.25.5\r\n')
    const [, port] = /^m=audio (\d+) RTP\/SAVP 0\r$/m.exec(invite)!
    expect(invite).toContain(`a=rtcp:${Number(port) + 1}\r\n`)
    expect(invite.match(/a=crypto:/g)).toHaveLength(1)
    const crypto = /a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:\S+/.exec(invite)![0]
    const vias = [...invite.matchAll(/^Via:.*$/gim)].map((match) => match[0].trim())
    const answer = OFFER.replace('RTP/AVP 0', 'RTP/SAVP 0').replace('49340', '49350').concat(`${crypto}\r\n`)
    const ok = [
      ...vias,
      'From: <sip:a@127.0.0.1>;tag=A',
      'To: <sip:b@127.0.0.1>;tag=B',
      'Call-ID: kamailio-relay',
      'CSeq: 1 INVITE',
    ]
    callee.send(message('SIP/2.0 200 OK', ok, answer), KAMAILIO, '127.0.0.1')
    const reply = await next(caller, 'SIP/2.0 200')
    expect(reply).toMatch(/c=IN IP4 127\.0\.0\.1\r\n.*m=audio 493[123]\d RTP\/AVP 0\r\n/s)
    expect(reply).not.toContain('a=crypto')
    expect([relay.relay.sessions, relay.relay.streams]).toEqual([1, 2])
    heard.set(caller, [])
    caller.send(request('BYE', ';tag=B'), KAMAILIO, '127.0.0.1')
    await next(caller, 'SIP/2.0 200')
    expect([relay.relay.sessions, relay.relay.streams]).toEqual([0, 0])
  })
})
