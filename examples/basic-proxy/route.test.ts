// Checks the basic proxy, route.ts and route.cfg alike.
import { matchers, type Party, RouteUnderTest, request, sdp } from 'signalbox/testkit'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

expect.extend(matchers)

const FROM = 'udp:127.0.0.6:5060'

describe.each(['examples/basic-proxy/route.ts', 'examples/basic-proxy/route.cfg'])('%s', (file) => {
  let route: RouteUnderTest
  let alice: Party
  let bob: Party

  beforeEach(async () => {
    route = await RouteUnderTest.load(file)
    alice = route.party(FROM)
    bob = route.party('udp:127.0.0.1:5080')
  })

  afterEach(() => route.close())

  test('a call goes to the next hop, and the proxy stays in its path', async () => {
    await alice.send(
      request('INVITE', { from: FROM, uri: 'sip:bob@example.com', callId: 'one', body: sdp('127.0.0.6', 4000) }),
    )
    const invite = await bob.request('INVITE')
    expect(invite).toRelayTo('sip:bob@127.0.0.1:5080')
    expect(invite).toHaveHeader('Record-Route', /^<sip:127\.0\.0\.1(:5060)?;lr/)
    expect(invite).toHaveHeader('Max-Forwards', '69')
    expect(invite.message.headers('via')).toHaveLength(2)

    await bob.answer(invite, 180, { toTag: 'b' })
    expect(await alice.reply(180)).toReplyWith(180, 'Ringing')
    await bob.answer(invite, 200, { toTag: 'b', headers: 'Contact: <sip:bob@127.0.0.1:5080>\r\n' })
    const ok = await alice.reply(200)
    expect(ok.message.headers('via')).toHaveLength(1)

    const dialog = {
      from: FROM,
      uri: 'sip:bob@127.0.0.1:5080',
      callId: 'one',
      toTag: 'b',
      headers: { Route: '<sip:127.0.0.1;lr>' },
    }
    await alice.send(request('ACK', dialog))
    expect(await bob.request('ACK')).toRelayTo('sip:bob@127.0.0.1:5080')
    await alice.send(request('BYE', { ...dialog, cseq: 2 }))
    const bye = await bob.request('BYE')
    expect(bye.message.headers('route')).toEqual([])
    await bob.answer(bye, 200)
    expect(await alice.reply(200)).toReplyWith(200)
  })

  test('a request within a dialog that is not ours is answered 404', async () => {
    await alice.send(request('BYE', { from: FROM, toTag: 'x' }))
    expect(await alice.reply()).toReplyWith(404, 'Not Here')
  })

  test('OPTIONS to the proxy itself is answered 200', async () => {
    await alice.send(request('OPTIONS', { from: FROM, uri: 'sip:127.0.0.1:5060' }))
    expect(await alice.reply()).toReplyWith(200)
  })

  test('no hops left: 483', async () => {
    await alice.send(request('INVITE', { from: FROM, headers: { 'Max-Forwards': '0' } }))
    expect(await alice.reply()).toReplyWith(483)
    expect(await bob.unread()).toEqual([])
  })

  test('nobody answers: 408', async () => {
    await alice.send(request('INVITE', { from: FROM }))
    await route.advance(35_000)
    expect(await alice.reply()).toReplyWith(408)
  })
})
