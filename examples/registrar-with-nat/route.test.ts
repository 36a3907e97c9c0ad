// Checks the registrar for phones behind NAT, route.ts and route.cfg alike.
import { matchers, type Party, RouteUnderTest, request, sdp } from 'signalbox/testkit'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

expect.extend(matchers)

const ALICE = 'udp:127.0.0.11:6001'
const BOB = 'udp:127.0.0.12:6002'
/** What the phones believe their addresses to be. */
const INSIDE = { alice: 'udp:10.0.0.5:5060', bob: 'udp:10.0.0.6:5060' }

describe.each(['examples/registrar-with-nat/route.ts', 'examples/registrar-with-nat/route.cfg'])('%s', (file) => {
  let route: RouteUnderTest
  let alice: Party
  let bob: Party

  beforeEach(async () => {
    route = await RouteUnderTest.load(file, { interfaces: ['127.0.0.1'] })
    alice = route.party(ALICE)
    bob = route.party(BOB)
  })

  afterEach(() => route.close())

  const register = (user: 'alice' | 'bob', headers: Record<string, string> = {}) =>
    request('REGISTER', {
      from: INSIDE[user],
      uri: 'sip:127.0.0.1',
      headers: {
        To: `<sip:${user}@127.0.0.1>`,
        Contact: `<sip:${user}@${INSIDE[user].slice(4)}>`,
        Expires: '600',
        ...headers,
      },
    })

  test('a phone behind NAT is kept with the address that it was seen at', async () => {
    await alice.send(register('alice'))
    const reply = await alice.reply()
    expect(reply).toReplyWith(200)
    expect(reply).toHaveHeader('Contact', '<sip:alice@10.0.0.5:5060>;expires=600;received="sip:127.0.0.11:6001"')
  })

  test('a phone that is not behind NAT is kept as it says', async () => {
    const open = route.party('udp:127.0.0.13:5060')
    const contact = '<sip:carol@127.0.0.13:5060>'
    const wire = request('REGISTER', {
      from: 'udp:127.0.0.13:5060',
      uri: 'sip:127.0.0.1',
      headers: { To: '<sip:carol@127.0.0.1>', Contact: contact },
    })
    await open.send(wire)
    expect(await open.reply()).toHaveHeader('Contact', `${contact};expires=3600`)
  })

  test('a call between two of them, to its end', async () => {
    await bob.send(register('bob'))
    await bob.reply(200)
    await alice.send(
      request('INVITE', {
        from: INSIDE.alice,
        uri: 'sip:bob@127.0.0.1',
        callId: 'one',
        fromTag: 'a',
        body: sdp('10.0.0.5', 4000),
      }),
    )
    const invite = await bob.request('INVITE')
    expect(invite).toRelayTo('sip:bob@10.0.0.6:5060')
    expect(invite).toHaveHeader('Record-Route', /^<sip:127\.0\.0\.1(:5060)?;lr.*;nat=yes>$/)
    expect(invite).toHaveHeader('Contact', /;alias=127\.0\.0\.11~6001~1>/)
    expect(invite.message.body).toContain('c=IN IP4 127.0.0.1')

    await bob.answer(invite, 200, {
      toTag: 'b',
      headers: 'Contact: <sip:bob@10.0.0.6:5060>\r\n',
      body: sdp('10.0.0.6', 5000),
      contentType: 'application/sdp',
    })
    const ok = await alice.reply(200)
    expect(ok).toHaveHeader('Contact', /;alias=127\.0\.0\.12~6002~1>/)
    expect(ok.message.body).toContain('c=IN IP4 127.0.0.1')

    const dialog = {
      from: INSIDE.alice,
      uri: ok.message.nameAddrs('Contact')[0]!.uri,
      callId: 'one',
      fromTag: 'a',
      toTag: 'b',
      headers: { Route: ok.message.header('Record-Route')! },
    }
    await alice.send(request('ACK', dialog))
    expect(await bob.request('ACK')).toRelayTo('sip:bob@10.0.0.6:5060')
    await alice.send(request('BYE', { ...dialog, cseq: 2 }))
    const bye = await bob.request('BYE')
    expect(bye).toRelayTo('sip:bob@10.0.0.6:5060')
    await bob.answer(bye, 200)
    expect(await alice.reply(200)).toReplyWith(200)
    expect(route.relay.sessions.size).toBe(0)
  })

  test('nobody is registered: 404', async () => {
    await alice.send(request('INVITE', { from: INSIDE.alice, uri: 'sip:bob@127.0.0.1' }))
    expect(await alice.reply()).toReplyWith(404, 'Not Found')
  })

  test('phones behind NAT are pinged through their opening', async () => {
    await alice.send(register('alice'))
    await alice.reply(200)
    for (let second = 0; second < 61; second++) await route.advance(1000)
    expect(await alice.request('OPTIONS')).toRelayTo('sip:alice@10.0.0.5:5060')
  })
})
