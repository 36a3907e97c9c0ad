// Checks the failover of trunks, route.ts and route.cfg alike.
import { matchers, type Party, RouteUnderTest, request } from 'signalbox/testkit'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

expect.extend(matchers)

const FROM = 'udp:127.0.0.6:5060'

describe.each(['examples/trunk-failover/route.ts', 'examples/trunk-failover/route.cfg'])('%s', (file) => {
  let route: RouteUnderTest
  let pbx: Party
  let first: Party
  let second: Party

  beforeEach(async () => {
    route = await RouteUnderTest.load(file)
    pbx = route.party(FROM)
    first = route.party('udp:127.0.0.11:5060')
    second = route.party('udp:127.0.0.12:5060')
  })

  afterEach(() => route.close())

  const invite = (callId: string) => request('INVITE', { from: FROM, uri: 'sip:+4912345@127.0.0.1', callId })

  test('the first carrier takes the call', async () => {
    await pbx.send(invite('one'))
    const call = await first.request('INVITE')
    expect(call).toHaveHeader('Record-Route', /^<sip:127\.0\.0\.1/)
    await first.answer(call, 200, { toTag: 'c' })
    expect(await pbx.reply()).toReplyWith(200)
    expect(await second.unread()).toEqual([])
  })

  test('a carrier that fails hands over to the next', async () => {
    await pbx.send(invite('two'))
    await first.answer(await first.request('INVITE'), 503)
    await second.answer(await second.request('INVITE'), 200, { toTag: 'c' })
    expect(await pbx.reply()).toReplyWith(200)
  })

  test('what the callee says is no failure of the carrier', async () => {
    await pbx.send(invite('three'))
    await first.answer(await first.request('INVITE'), 486)
    expect(await pbx.reply()).toReplyWith(486)
    expect(await second.unread()).toEqual([])
  })

  test('a carrier that is silent is left, and after twice no longer asked', async () => {
    for (const callId of ['four', 'five']) {
      await pbx.send(invite(callId))
      await first.request('INVITE')
      await route.advance(2100)
      await second.answer(await second.request('INVITE'), 486)
      expect(await pbx.reply()).toReplyWith(486)
    }
    const before = first.history.length
    await pbx.send(invite('six'))
    await second.answer(await second.request('INVITE'), 486)
    expect(await pbx.reply()).toReplyWith(486)
    expect(first.history.slice(before).some((each) => each.message.raw.startsWith('INVITE'))).toBe(false)
  })

  test('no carrier left: 503', async () => {
    await pbx.send(invite('seven'))
    await first.answer(await first.request('INVITE'), 500)
    await second.answer(await second.request('INVITE'), 500)
    expect(await pbx.reply()).toReplyWith(503, 'No Carrier')
  })

  test('carriers are probed', async () => {
    await route.advance(20_000)
    const probe = await first.request('OPTIONS')
    expect(probe).toHaveHeader('From', /^<sip:probe@127\.0\.0\.1>/)
    await first.answer(probe, 200)
    await second.answer(await second.request('OPTIONS'), 200)
  })
})
