// Checks the border between RTP and SRTP, route.ts and route.cfg alike.
import { matchers, type Party, RouteUnderTest, request, sdp } from 'signalbox/testkit'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

expect.extend(matchers)

const INSIDE = 'udp:127.0.0.6:5060'
const OUTSIDE = 'tls:127.0.0.7:5061'
const KEY = 'FHoHEZk7wM6b/frTeX+fzQ/K0PtuAvfIzRqjol9K'
const SECURE = (port: number) =>
  sdp('127.0.0.7', port, [`a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${KEY}`]).replace('RTP/AVP', 'RTP/SAVP')

describe.each(['examples/srtp-border/route.ts', 'examples/srtp-border/route.cfg'])('%s', (file) => {
  let route: RouteUnderTest
  let phone: Party
  let carrier: Party

  beforeEach(async () => {
    route = await RouteUnderTest.load(file, { interfaces: ['internal/127.0.0.1', 'external/127.0.0.1'] })
    phone = route.party(INSIDE)
    carrier = route.party(OUTSIDE)
  })

  afterEach(() => route.close())

  const invite = (callId: string) =>
    request('INVITE', { from: INSIDE, uri: 'sip:100@127.0.0.1', callId, fromTag: 'a', body: sdp('127.0.0.6', 4000) })

  test('from inside: SRTP is offered, and what is answered goes inside as RTP', async () => {
    await phone.send(invite('out'))
    const offer = await carrier.request('INVITE')
    expect(offer).toRelayTo('sip:100@127.0.0.7:5061;transport=tls')
    expect(offer).toHaveSdp({ protocol: 'RTP/SAVP', has: [/^a=crypto:\d+ AES_CM_128_HMAC_SHA1_80 inline:/] })
    await carrier.answer(offer, 200, {
      toTag: 'b',
      headers: 'Contact: <sip:100@127.0.0.7:5061;transport=tls>\r\n',
      body: SECURE(5000),
      contentType: 'application/sdp',
    })
    const answer = await phone.reply(200)
    expect(answer).toHaveSdp({ protocol: 'RTP/AVP', address: '127.0.0.1', lacks: [/^a=crypto/] })
    expect(route.relay.sessions.size).toBe(1)

    const bye = request('BYE', {
      from: INSIDE,
      uri: 'sip:100@127.0.0.7:5061;transport=tls',
      callId: 'out',
      fromTag: 'a',
      toTag: 'b',
      cseq: 2,
      headers: { Route: answer.message.headers('record-route').reverse().join(', ') },
    })
    await phone.send(bye)
    await carrier.answer(await carrier.request('BYE'), 200)
    expect(await phone.reply(200)).toReplyWith(200)
    expect(route.relay.sessions.size).toBe(0)
  })

  test('from outside: RTP is offered inside, and SRTP is answered', async () => {
    await carrier.send(request('INVITE', { from: OUTSIDE, uri: 'sip:200@127.0.0.1', callId: 'in', body: SECURE(5002) }))
    const offer = await phone.request('INVITE')
    expect(offer).toRelayTo('sip:200@127.0.0.6:5060')
    expect(offer).toHaveSdp({ protocol: 'RTP/AVP', lacks: [/^a=crypto/] })
    await phone.answer(offer, 200, { toTag: 'p', body: sdp('127.0.0.6', 4002), contentType: 'application/sdp' })
    expect(await carrier.reply(200)).toHaveSdp({ protocol: 'RTP/SAVP', has: [/^a=crypto:1 /] })
  })

  test('a call that is refused leaves no media behind', async () => {
    await phone.send(invite('refused'))
    await carrier.answer(await carrier.request('INVITE'), 486, { toTag: 'b' })
    expect(await phone.reply()).toReplyWith(486)
    expect(route.relay.sessions.size).toBe(0)
  })

  test('a border without a relay refuses the call', async () => {
    route.relay.down = true
    await phone.send(invite('none'))
    expect(await phone.reply()).toReplyWith(503, 'No Media Relay')
    expect(await carrier.unread()).toEqual([])
  })
})
