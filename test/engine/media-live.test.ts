// Owns the tests of media and signalling together, with real packets: keys that become INFOs and INFOs that become keys,
// and a call whose relay dies.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { createEngine, createRelay } from '../../src/engine/index.ts'
import { asEngineLog } from '../../src/engine/logger.ts'
import { silentLog } from '../../src/log.ts'
import { createEmbeddedRelay, createNgServer, type MediaRelay } from '../../src/media/index.ts'
import { rtp } from '../media/rtp-peer.ts'
import { LivePhone } from './live-phone.ts'

const MODULES = ['tm', 'sl', 'rr', 'pv', 'textops', 'siputils', 'dialog', 'rtpengine', 'xlog']
const head = `listen=udp:127.0.0.1:5060\n${MODULES.map((name) => `loadmodule "${name}.so"\n`).join('')}`
const ROUTES = `
request_route {
  if (is_method("INFO")) {
    if (play_dtmf()) { sl_send_reply("200", "Pressed"); } else { sl_send_reply("500", "Not pressed"); }
    exit;
  }
  if (has_totag()) { loose_route(); t_relay(); exit; }
  dlg_manage();
  record_route();
  rtpengine_offer("replace-origin");
  t_on_reply("back");
  $du = "sip:127.0.0.3:5060";
  t_relay();
}
onreply_route[back] { if (has_body("application/sdp")) { rtpengine_answer("replace-origin"); } }
event_route[rtpengine:dtmf-event] { send_dtmf_info(); }
`
const portOf = (body: string) => Number(/^m=audio (\d+)/m.exec(body)?.[1])

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function serve(text: string, relay: MediaRelay): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'media-live-'))
  closers.push(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'route.cfg')
  writeFileSync(file, head + text)
  const engine = await createEngine({ file, relay })
  closers.push(() => engine.close())
  await engine.start()
}

async function phone(name: string, address: string): Promise<LivePhone> {
  const opened = await LivePhone.open(name, address, 5060)
  closers.push(() => opened.close())
  return opened
}

/** A call between two phones; the ports of the relay that face them. */
async function establish(alice: LivePhone, bob: LivePhone) {
  alice.invite('live', 'a')
  const invite = await bob.request('INVITE')
  bob.answer(invite, 'b', bob.sdp)
  const answer = await alice.reply('INVITE')
  const fromAlice = { callId: 'live', ownTag: 'a', peerTag: 'b' }
  alice.within('ACK', fromAlice, 'sip:bob@127.0.0.3:5060', 1)
  await bob.request('ACK')
  const fromBob = { callId: 'live', ownTag: 'b', peerTag: 'a' }
  return { fromAlice, fromBob, toAlice: portOf(answer.body), toBob: portOf(invite.body) }
}

/** RFC 4733 2.5: a key, its end three times. */
async function press(by: LivePhone, port: number, event: number): Promise<void> {
  for (const [sequence, last] of [0, 0, 1, 1, 1].entries()) {
    const duration = 400 * Math.min(sequence + 1, 3)
    const payload = Buffer.from([event, (last << 7) | 10, duration >> 8, duration & 0xff])
    const packet = rtp(100 + sequence, { type: 101, payload })
    packet.writeUInt32BE(16_000, 4)
    await by.rtp.send(packet, port, '127.0.0.1')
  }
}

test('a key in the media becomes an INFO to the other side, and an INFO becomes a key in the media; both ways', async () => {
  await serve(ROUTES, createEmbeddedRelay({ interfaces: ['127.0.0.1'] }))
  const [alice, bob] = [await phone('alice', '127.0.0.2'), await phone('bob', '127.0.0.3')]
  const { fromBob, toAlice, toBob } = await establish(alice, bob)

  await press(alice, toAlice, 11)
  const toBobInfo = await bob.request('INFO')
  expect([toBobInfo.contentType, toBobInfo.body]).toEqual(['application/dtmf-relay', 'Signal=#\r\nDuration=150\r\n'])
  expect(toBobInfo).toMatchObject({ fromTag: 'a', toTag: 'b', cseqNumber: 2 })
  bob.answer(toBobInfo, 'b')
  await press(bob, toBob, 7)
  const toAliceInfo = await alice.request('INFO')
  expect([toAliceInfo.fromTag, toAliceInfo.body]).toEqual(['b', 'Signal=7\r\nDuration=150\r\n'])
  alice.answer(toAliceInfo, 'a')

  const before = alice.rtp.heard.length
  bob.within('INFO', fromBob, 'sip:alice@127.0.0.2:5060', 2, {
    body: 'Signal=5\r\nDuration=120\r\n',
    contentType: 'application/dtmf-relay',
  })
  expect((await bob.reply('INFO')).status).toBe(200)
  const heard = (await alice.rtp.hear(before + 5)).slice(before)
  expect(heard.every((packet) => (packet[1]! & 0x7f) === 101 && packet[12] === 5)).toBe(true)
})

test('a call whose relay dies goes on by another one, which both phones are offered at once', async () => {
  const nodes = await Promise.all(
    [1, 2].map(async () => {
      const relay = createEmbeddedRelay({ interfaces: ['127.0.0.1'] })
      const server = await createNgServer({ listen: '127.0.0.1:0', relay })
      let open = true
      const close = async () => {
        if (!open) return
        open = false
        await server.close()
        await relay.close()
      }
      closers.push(close)
      return { relay, port: server.port, close }
    }),
  )
  const sockets = nodes.map(({ port }) => `udp:127.0.0.1:${port}`).join(' ')
  const parameters = { rtpengine_sock: `"${sockets}"`, rtpengine_tout_ms: 50, rtpengine_retr: 1, move_calls: 1 }
  const modparams = Object.entries(parameters).map(([name, value]) => `modparam("rtpengine", "${name}", ${value})\n`)
  const modules = Object.entries(parameters).map(([name, value]) => ({ module: 'rtpengine', name, value }))
  const media = { sets: { 0: nodes.map(({ port }) => `udp:127.0.0.1:${port}`) } }
  const relay = (await createRelay({ media, modules }, undefined, asEngineLog(silentLog)))!
  closers.push(() => relay.close())
  await serve(modparams.join('') + ROUTES, relay)
  const [alice, bob] = [await phone('alice', '127.0.0.2'), await phone('bob', '127.0.0.3')]
  const { toAlice } = await establish(alice, bob)
  await alice.rtp.send(rtp(1), toAlice, '127.0.0.1')
  await bob.rtp.hear(1)

  const [dead, other] = nodes[0]!.relay.sessions > 0 ? nodes : nodes.toReversed()
  await dead!.close()
  // Whatever is asked next finds out, a ping too; this is of no call.
  await relay.query({ callId: 'live', fromTag: 'a', flags: '' }).catch(() => undefined)
  const toBob = await bob.request('INVITE')
  bob.answer(toBob, 'b', bob.sdp.replace(' 1 1 IN', ' 1 2 IN'))
  await bob.request('ACK')
  const again = await alice.request('INVITE')
  alice.answer(again, 'a', alice.sdp.replace(' 1 1 IN', ' 1 2 IN'))
  await alice.request('ACK')
  expect(other!.relay.sessions).toBe(1)
  for (const [from, to, port] of [
    [alice, bob, portOf(again.body)],
    [bob, alice, portOf(toBob.body)],
  ] as const) {
    const before = to.rtp.heard.length
    const packet = rtp(9, { payload: Buffer.alloc(160, port & 0xff) })
    await expect
      .poll(
        async () => {
          await from.rtp.send(packet, port, '127.0.0.1')
          return to.rtp.heard.length
        },
        { interval: 20 },
      )
      .toBeGreaterThan(before)
    expect(to.rtp.heard.at(-1)!.data.subarray(12)).toEqual(packet.subarray(12))
  }
})
