// Checks the seed's five requirements, and the life of a call, on routes/o365.ts and routes/o365.cfg alike.
import { callManagerInvite, checkOffice365Rules, matchers, type Party, RouteUnderTest } from 'signalbox/testkit'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

expect.extend(matchers)

const HOST = 'df6b236d-056d-416a-8f5f-f2e8e1a0238d.um.outlook.com'
const CALL_ID = 'c81d7600-5db10c85-9501-3402000a@10.0.0.6'
const INVITE = callManagerInvite({
  address: '10.0.0.6',
  port: 5060,
  callId: CALL_ID,
  branch: 'z9hG4bK1fd3fd816943',
  target: 'sbc-o365.example.com',
  mediaPort: 24_580,
})
const WITH_ICE_AND_MUX = callManagerInvite({
  address: '10.0.0.6',
  port: 5060,
  callId: CALL_ID,
  branch: 'z9hG4bK1fd3fd816944',
  target: 'sbc-o365.example.com',
  mediaPort: 24_580,
  extraSdp:
    'a=rtcp-mux\r\na=ice-ufrag:F7gI\r\na=ice-pwd:x9cml/YzichV2+XlhiMu8g\r\na=candidate:1 1 UDP 2130706431 10.0.0.6 24580 typ host\r\n',
})
/** The seed's answer. */
const ANSWER =
  'v=0\r\no=- 85 0 IN IP4 207.46.198.124\r\ns=session\r\nc=IN IP4 207.46.198.124\r\nb=CT:10000000\r\nt=0 0\r\nm=audio 54532 RTP/SAVP 0 101\r\nc=IN IP4 207.46.198.124\r\na=label:main-audio\r\na=sendrecv\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16,36\r\na=ptime:20\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:FHoHEZk7wM6b/frTeX+fzQ/K0PtuAvfIzRqjol9K\r\n'
const CONTACT = 'Contact: <sip:207.46.198.124:5061;transport=tls>;automata;text;audio;video;image\r\n'
const OK = { toTag: 'ee195713eb', headers: CONTACT, body: ANSWER, contentType: 'application/sdp' }

/** A request of the call manager within the dialog. */
function within(method: string, cseq: number, body = ''): string {
  return [
    `${method} sip:207.46.198.124:5061;transport=tls SIP/2.0`,
    `Via: SIP/2.0/TCP 10.0.0.6:5060;branch=z9hG4bKin${method}${cseq}`,
    'Route: <sip:10.0.0.5;transport=tcp;r2=on;lr>',
    'Route: <sip:10.0.0.5;transport=tls;r2=on;lr>',
    'From: "10048 - Armstrong, Clint" <sip:10048@10.0.0.6>;tag=94213~3cc43a48-48ec-41b9-848c-fcefa428f2e7-21861219',
    `To: <sip:87000@${HOST}>;tag=ee195713eb`,
    `Call-ID: ${CALL_ID}`,
    `CSeq: ${cseq} ${method}`,
    'Contact: <sip:10048@10.0.0.6:5060;transport=tcp>',
    'Max-Forwards: 70',
    ...(body ? ['Content-Type: application/sdp'] : []),
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n')
}

/** A request of Office 365 within the dialog, on the connection that the border opened. */
function fromOffice365(method: string, cseq: number, body = ''): string {
  return [
    `${method} sip:10048@10.0.0.6:5060;transport=tcp SIP/2.0`,
    `Via: SIP/2.0/TLS 207.46.198.124:5061;branch=z9hG4bKout${method}${cseq}`,
    'Route: <sip:25.25.25.5;transport=tls;r2=on;lr>',
    'Route: <sip:25.25.25.5;transport=tcp;r2=on;lr>',
    `From: <sip:87000@${HOST}>;tag=ee195713eb`,
    'To: "10048 - Armstrong, Clint" <sip:10048@10.0.0.6>;tag=94213~3cc43a48-48ec-41b9-848c-fcefa428f2e7-21861219',
    `Call-ID: ${CALL_ID}`,
    `CSeq: ${cseq} ${method}`,
    'Contact: <sip:207.46.198.124:5061;transport=tls>',
    'Max-Forwards: 70',
    ...(body ? ['Content-Type: application/sdp'] : []),
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n')
}

const OFFER_INSIDE =
  'v=0\r\no=CiscoSystemsCCM-SIP 94213 2 IN IP4 10.0.0.6\r\ns=SIP Call\r\nc=IN IP4 10.0.0.6\r\nt=0 0\r\nm=audio 24580 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n'

describe.each(['routes/o365.ts', 'routes/o365.cfg'])('%s', (file) => {
  let route: RouteUnderTest
  let callManager: Party
  let office365: Party

  beforeEach(async () => {
    route = await RouteUnderTest.load(file, {
      env: { O365_ADDRESS: '207.46.198.124' },
      interfaces: ['internal/10.0.0.5', 'external/10.0.0.5!25.25.25.5'],
      hosts: { [HOST]: ['207.46.198.124'] },
    })
    callManager = route.party('tcp:10.0.0.6:5060')
    office365 = route.party('tls:207.46.198.124:5061', { names: [HOST] })
  })

  afterEach(() => route.close())

  /** INVITE, 180, 200, ACK. */
  async function establish(): Promise<void> {
    await callManager.send(INVITE)
    const invite = await office365.request('INVITE')
    await office365.answer(invite, 180, { toTag: 'ee195713eb' })
    await office365.answer(invite, 200, OK)
    await callManager.reply(180)
    await callManager.reply(200)
    await callManager.send(within('ACK', 101))
    await office365.request('ACK')
  }

  describe('what Office 365 demands', () => {
    test('1: the border shows its certificate to the name that it dials', async () => {
      await callManager.send(INVITE)
      const invite = await office365.request('INVITE')
      expect(invite).toRelayTo(`sip:87000@${HOST}:5061;transport=tls`)
      expect(invite).toRelayTo('tls:207.46.198.124:5061')
    })

    test('1: a far end whose certificate names another host is not given the call', async () => {
      office365.endpoint.close()
      const stranger = route.party('tls:207.46.198.124:5061', { names: ['other.example.com'] })
      await callManager.send(INVITE)
      expect(await callManager.reply()).toReplyWith(503)
      expect(await stranger.unread()).toEqual([])
    })

    test('2: To names Office 365', async () => {
      await callManager.send(INVITE)
      const invite = await office365.request('INVITE')
      expect(invite.message.headers('to')).toEqual([`<sip:87000@${HOST}>`])
    })

    test('3: SRTP is offered, one suite', async () => {
      await callManager.send(INVITE)
      const invite = await office365.request('INVITE')
      expect(invite).toHaveSdp({
        protocol: 'RTP/SAVP',
        address: '25.25.25.5',
        has: [/^a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:[A-Za-z0-9+/]{40}$/, /^a=rtcp:\d+$/],
        lacks: [/^a=crypto:2 /],
      })
    })

    test('4: RTCP multiplexing is not offered, though the call manager offers it', async () => {
      await callManager.send(WITH_ICE_AND_MUX)
      expect(await office365.request('INVITE')).toHaveSdp({ lacks: [/rtcp-mux/] })
    })

    test('5: no ICE is left in, though the call manager offers it', async () => {
      await callManager.send(WITH_ICE_AND_MUX)
      expect(await office365.request('INVITE')).toHaveSdp({ lacks: [/ice|candidate/] })
    })

    test('the far end that enforces the rules finds none broken', async () => {
      await callManager.send(WITH_ICE_AND_MUX)
      const { message } = await office365.request('INVITE')
      const findings = checkOffice365Rules({
        invite: message as never,
        certificateNames: ['sbc.example.com'],
        gateway: 'sbc.example.com',
        host: HOST,
        transport: 'tls',
      })
      expect(findings.filter((finding) => !finding.kept)).toEqual([])
    })
  })

  describe('the exchange of 2015', () => {
    test('the INVITE leaves as the capture prints it', async () => {
      await callManager.send(INVITE)
      const { message } = await office365.request('INVITE')
      expect(message.headers('record-route').map((value) => value.replace(/;ftag=[^;>]*/, ''))).toEqual([
        '<sip:25.25.25.5;transport=tls;r2=on;lr>',
        '<sip:25.25.25.5;transport=tcp;r2=on;lr>',
      ])
      expect(message.headers('via')).toEqual([
        expect.stringMatching(/^SIP\/2\.0\/TLS sbc\.example\.com:5061;branch=z9hG4bK/),
        expect.stringMatching(/^SIP\/2\.0\/TCP 10\.0\.0\.6:5060;branch=z9hG4bK1fd3fd816943/),
      ])
      expect(message.header('call-id')).toBe(CALL_ID)
      expect(message.header('cisco-guid')).toBe('3357373952-0000065536-0000032693-0872546314')
    })

    test('the answer comes back as RTP, its Record-Route turned inside', async () => {
      await callManager.send(INVITE)
      await office365.answer(await office365.request('INVITE'), 200, OK)
      const ok = await callManager.reply(200)
      expect(ok).toHaveSdp({ protocol: 'RTP/AVP', address: '10.0.0.5', lacks: [/^a=crypto/] })
      const routes = ok.message.headers('record-route').join(', ')
      expect(routes).not.toContain('25.25.25.5')
      expect(routes).toContain('10.0.0.5;transport=tcp')
    })

    test('100 goes back at once, 180 with it', async () => {
      await callManager.send(INVITE)
      expect(await callManager.reply(100)).toReplyWith(100)
      await office365.answer(await office365.request('INVITE'), 180)
      expect(await callManager.reply(180)).toReplyWith(180)
    })
  })

  describe('the life of a call', () => {
    test('BYE from the call manager ends it and its media', async () => {
      await establish()
      expect(route.relay.sessions.size).toBe(1)
      await callManager.send(within('BYE', 102))
      const bye = await office365.request('BYE')
      expect(bye).toRelayTo('sip:207.46.198.124:5061;transport=tls')
      expect(bye.message.headers('route')).toEqual([])
      await office365.answer(bye, 200)
      expect(await callManager.reply(200)).toReplyWith(200)
      expect(route.relay.sessions.size).toBe(0)
    })

    test('BYE from Office 365 ends it and its media', async () => {
      await establish()
      await office365.send(fromOffice365('BYE', 1))
      const bye = await callManager.request('BYE')
      expect(bye).toRelayTo('sip:10048@10.0.0.6:5060;transport=tcp')
      await callManager.answer(bye, 200)
      expect(await office365.reply(200)).toReplyWith(200)
      expect(route.relay.sessions.size).toBe(0)
    })

    test('hold from the call manager goes out as SRTP', async () => {
      await establish()
      await callManager.send(within('INVITE', 102, `${OFFER_INSIDE}a=sendonly\r\n`))
      const hold = await office365.request('INVITE')
      expect(hold).toHaveSdp({ protocol: 'RTP/SAVP', address: '25.25.25.5', has: ['a=sendonly'] })
      await office365.answer(hold, 200, { ...OK, body: ANSWER.replace('a=sendrecv', 'a=recvonly') })
      expect(await callManager.reply(200)).toHaveSdp({ protocol: 'RTP/AVP', address: '10.0.0.5', has: ['a=recvonly'] })
    })

    test('a re-INVITE from Office 365 comes in as RTP, and its answer goes out as SRTP', async () => {
      await establish()
      await office365.send(fromOffice365('INVITE', 1, ANSWER))
      const again = await callManager.request('INVITE')
      expect(again).toHaveSdp({ protocol: 'RTP/AVP', address: '10.0.0.5' })
      await callManager.answer(again, 200, {
        headers: 'Contact: <sip:10048@10.0.0.6:5060;transport=tcp>\r\n',
        body: OFFER_INSIDE,
        contentType: 'application/sdp',
      })
      expect(await office365.reply(200)).toHaveSdp({ protocol: 'RTP/SAVP', address: '25.25.25.5' })
    })

    test('CANCEL: 200 to it, 487 to the INVITE, CANCEL onward, and no media left', async () => {
      await callManager.send(INVITE)
      const invite = await office365.request('INVITE')
      await office365.answer(invite, 180, { toTag: 'ee195713eb' })
      const cancel = INVITE.replace(/^INVITE/, 'CANCEL')
        .replace('101 INVITE', '101 CANCEL')
        .replace(/Content-Type: .*\r\n/, '')
        .replace(/Content-Length: [\s\S]*$/, 'Content-Length: 0\r\n\r\n')
      await callManager.send(cancel)
      const replies = (await callManager.unread()).map((each) => each.message)
      expect(replies.some((each) => each.cseqMethod === 'CANCEL' && each.raw.startsWith('SIP/2.0 200'))).toBe(true)
      const onward = await office365.request('CANCEL')
      await office365.answer(onward, 200)
      await office365.answer(invite, 487, { toTag: 'ee195713eb' })
      expect(await callManager.reply(487)).toReplyWith(487)
      await office365.request('ACK')
      expect(route.relay.sessions.size).toBe(0)
    })

    test('a refusal comes back as it is, and no media is left', async () => {
      await callManager.send(INVITE)
      await office365.answer(await office365.request('INVITE'), 488, { toTag: 'x' })
      expect(await callManager.reply()).toReplyWith(488)
      expect(route.relay.sessions.size).toBe(0)
    })
  })

  describe('a border', () => {
    test('OPTIONS to itself is answered 200', async () => {
      await callManager.send(
        within('OPTIONS', 1)
          .replace(/^OPTIONS \S+/, 'OPTIONS sip:10.0.0.5:5060')
          .replace(/Route: .*\r\n/g, '')
          .replace(';tag=ee195713eb', ''),
      )
      expect(await callManager.reply()).toReplyWith(200)
    })

    test('a source outside the list is refused', async () => {
      const stranger = route.party('tcp:203.0.113.9:5060')
      await stranger.send(INVITE.replaceAll('10.0.0.6', '203.0.113.9'))
      expect(await stranger.reply()).toReplyWith(403)
      expect(await office365.unread()).toEqual([])
    })

    test('no relay: 503', async () => {
      route.relay.down = true
      await callManager.send(INVITE)
      expect(await callManager.reply()).toReplyWith(503)
    })

    test('Office 365 cannot be reached: 503, and no media left', async () => {
      route.network.refuse('207.46.198.124', 5061)
      await callManager.send(INVITE)
      await route.advance(15_000)
      expect(await callManager.reply()).toReplyWith(503)
      expect(route.relay.sessions.size).toBe(0)
    })

    test('Office 365 rings and nobody answers: 408, not 503', async () => {
      await callManager.send(INVITE)
      await office365.answer(await office365.request('INVITE'), 180, { toTag: 'ee195713eb' })
      await route.advance(125_000)
      const cancel = await office365.request('CANCEL')
      await office365.answer(cancel, 200)
      expect(await callManager.reply()).toReplyWith(408)
      expect(route.relay.sessions.size).toBe(0)
    })

    test('another number than the trunk of Office 365 is not found', async () => {
      await callManager.send(INVITE.replaceAll('@sbc-o365.example.com', '@pbx.example.com'))
      expect(await callManager.reply()).toReplyWith(404)
    })
  })
})
