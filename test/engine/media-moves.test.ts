// Owns the tests of calls that leave a media relay which died: re-INVITEs to both parties, and what their own requests become.
import { afterEach, describe, expect, test } from 'vitest'
import { SipRequest } from '../../src/sip/index.ts'
import { type Party, request } from '../../src/testkit/index.ts'
import { type CfgRoute, cfgRoute } from '../services/cfg-route.ts'

const ALICE = 'udp:127.0.0.6:5060'
const BOB = 'udp:127.0.0.2:5070'
const CFG = `
modparam("rtpengine", "rtpengine_sock", "udp:127.0.0.1:22222")
modparam("rtpengine", "move_calls", 1)
request_route {
  if (has_totag()) {
    loose_route();
    if (is_method("BYE")) rtpengine_delete();
    t_relay();
    exit;
  }
  dlg_manage();
  record_route();
  rtpengine_offer("RTP/SAVP DTLS=off SDES-only-AES_CM_128_HMAC_SHA1_80");
  t_on_reply("back");
  $du = "sip:127.0.0.2:5070";
  t_relay();
}
onreply_route[back] { if (has_body("application/sdp")) rtpengine_answer("replace-origin"); }
`
const MODULES = 'tm sl rr pv textops siputils dialog rtpengine'
const offer = (port: number, version = 1) =>
  `v=0\r\no=alice 1 ${version} IN IP4 127.0.0.6\r\ns=-\r\nc=IN IP4 127.0.0.6\r\nt=0 0\r\nm=audio ${port} RTP/AVP 0\r\n`
const answer = (port: number, key: string) =>
  `v=0\r\no=bob 7 7 IN IP4 127.0.0.2\r\ns=-\r\nc=IN IP4 127.0.0.2\r\nt=0 0\r\nm=audio ${port} RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${key.repeat(40)}\r\n`
const described = (body: string) => ({ headers: 'Content-Type: application/sdp\r\n', body })
const versionOf = (body: string) => /^o=\S+ \S+ (\d+)/m.exec(body)?.[1]

let cfg: CfgRoute
afterEach(() => cfg?.close())

/** A call that was answered and acknowledged. */
async function establish(): Promise<{
  alice: Party
  bob: Party
  offered: string
  within: (method: string, cseq: number) => string
}> {
  const [alice, bob] = [cfg.route.party(ALICE), cfg.route.party(BOB)]
  const contact = { Contact: '<sip:alice@127.0.0.6:5060>' }
  await alice.send(request('INVITE', { from: ALICE, callId: 'c', fromTag: 'a', headers: contact, body: offer(4000) }))
  const invite = await bob.request('INVITE')
  await bob.answer(invite, 200, {
    toTag: 'b',
    headers: 'Contact: <sip:bob@127.0.0.2:5070>\r\nContent-Type: application/sdp\r\n',
    body: answer(5000, 'A'),
  })
  await alice.reply(200)
  const within = (method: string, cseq: number) =>
    request(method, {
      from: ALICE,
      callId: 'c',
      fromTag: 'a',
      toTag: 'b',
      uri: 'sip:bob@127.0.0.2:5070',
      cseq,
      headers: { Route: '<sip:127.0.0.1;lr>' },
    })
  await alice.send(within('ACK', 1))
  await bob.request('ACK')
  return { alice, bob, offered: invite.message.body, within }
}

/** The node with the call is gone; the next one has never heard of it. */
async function lose(): Promise<void> {
  await cfg.route.relay.delete({ callId: 'c', fromTag: '', flags: '' })
  cfg.route.relay.onLost?.(['c', 'unknown'])
}

const invitesTo = async (party: Party) =>
  (await party.unread()).filter(({ message }) => message instanceof SipRequest && message.method === 'INVITE')

describe('a call whose relay died', () => {
  test('is offered to another one at once, and to both parties; their own requests go on as before', async () => {
    cfg = await cfgRoute(MODULES, CFG)
    const { alice, bob, offered, within } = await establish()
    await lose()
    const toBob = await bob.request('INVITE')
    expect(toBob.message).toMatchObject({ callId: 'c', fromTag: 'a', toTag: 'b', cseqNumber: 2 })
    expect(toBob.message.header('Contact')).toBe('<sip:alice@127.0.0.6:5060>')
    expect(toBob.message.body).toMatch(/^m=audio \d+ RTP\/SAVP 0\r$/m)
    expect(Number(versionOf(toBob.message.body))).toBeGreaterThan(Number(versionOf(offered)))
    await bob.answer(toBob, 200, described(answer(5002, 'B')))
    expect((await bob.request('ACK')).message).toMatchObject({ cseqNumber: 2, toTag: 'b' })

    const toAlice = await alice.request('INVITE')
    expect(toAlice.message).toMatchObject({ callId: 'c', fromTag: 'b', toTag: 'a', cseqNumber: 1 })
    expect(toAlice.message.body).toMatch(/^m=audio \d+ RTP\/AVP 0\r$/m)
    expect(toAlice.message.body).not.toContain('crypto')
    await alice.answer(toAlice, 200, described(offer(4002, 2)))
    await alice.request('ACK')
    expect(cfg.route.lines.map(({ message }) => message)).toContain('a call was moved to another media relay')
    const exchanges = cfg.route.relay.operations.map(({ command, request: { fromTag, toTag } }) => [
      command,
      fromTag,
      toTag,
    ])
    expect(exchanges.slice(-4)).toEqual([
      ['offer', 'a', 'b'],
      ['answer', 'a', 'b'],
      ['offer', 'b', 'a'],
      ['answer', 'b', 'a'],
    ])
    const remotes = [...cfg.route.relay.native.open.values()].map(({ config }) => config?.remote?.rtpPort)
    expect(remotes).toEqual([4002, 5002])

    // RFC 3261 12.2.1.1: what alice sends next comes after our INVITE, and she hears her own number.
    await alice.send(within('BYE', 2))
    const bye = await bob.request('BYE')
    expect(bye.message.cseqNumber).toBe(3)
    await bob.answer(bye, 200)
    expect((await alice.reply(200)).message.cseqNumber).toBe(2)
  })

  test('is offered again where a party has an offer of its own under way', async () => {
    cfg = await cfgRoute(MODULES, CFG)
    const { bob } = await establish()
    await lose()
    await bob.answer(await bob.request('INVITE'), 491)
    await cfg.route.advance(2_000)
    expect(await invitesTo(bob)).toEqual([])
    await cfg.route.advance(2_000)
    expect((await bob.request('INVITE')).message.cseqNumber).toBe(3)
  })

  test('that a party refuses stays, and is told of', async () => {
    cfg = await cfgRoute(MODULES, CFG)
    const { bob, alice } = await establish()
    await lose()
    await bob.answer(await bob.request('INVITE'), 488)
    await cfg.route.settle()
    const line = cfg.route.lines.find(({ message }) => message === 'a call was not moved')
    expect(line?.fields.error).toMatch(/^b answered 488 /)
    expect(await invitesTo(alice)).toHaveLength(0)
  })

  test('that ends in the meantime leaves nothing at the other relay', async () => {
    cfg = await cfgRoute(MODULES, CFG)
    const { alice, bob, within } = await establish()
    await lose()
    const invite = await bob.request('INVITE')
    await alice.send(within('BYE', 2))
    await bob.answer(await bob.request('BYE'), 200)
    await bob.answer(invite, 481)
    await expect.poll(() => cfg.route.relay.native.open.size).toBe(0)
  })

  test('waits for its next offer where the script does not ask, or does not follow the dialog', async () => {
    for (const text of [CFG.replace('"move_calls", 1', '"move_calls", 0'), CFG.replace('dlg_manage();', '')]) {
      cfg = await cfgRoute(MODULES, text)
      const { bob } = await establish()
      await lose()
      await cfg.route.settle()
      expect(await invitesTo(bob)).toEqual([])
      await cfg.close()
    }
  })
})
