// Checks Microsoft's rules for Direct Routing, and calls both ways, on routes/teams.ts and routes/teams.cfg alike.
import {
  type Arrived,
  checkTeamsInvite,
  checkTeamsProbe,
  matchers,
  type Party,
  RouteUnderTest,
  request,
  sdp,
} from 'signalbox/testkit'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

expect.extend(matchers)

const folder = new URL('teams/', import.meta.url).pathname
const SBC = 'sbc.example.com'
const HOSTS = ['sip', 'sip2', 'sip3'].map((host) => `${host}.pstnhub.microsoft.com`)
const OWN = 'sip:api-du-b-euwe.pstnhub.microsoft.com:443;x-i=ca73510a-42a0-47d5;x-c=b96f2e1b/d/8/dd0bff16'
const CRYPTO = 'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:FHoHEZk7wM6b/frTeX+fzQ/K0PtuAvfIzRqjol9K|2^31'
const secure = (port: number) => sdp('52.112.0.1', port, ['a=rtcp-mux', CRYPTO]).replace('RTP/AVP', 'RTP/SAVP')

describe.each(['routes/teams.ts', 'routes/teams.cfg'])('%s', (file) => {
  let route: RouteUnderTest
  let teams: Party[]
  let caller: Party
  let phone: Party
  let pbx: Party

  beforeEach(async () => {
    const lists = { DESTINATIONS: `${folder}destinations.list`, ADDRESSES: `${folder}addresses.list` }
    const quoted = Object.entries(lists).map(([name, path]) => [name, `"${path}"`])
    route = await RouteUnderTest.load(file, {
      env: lists,
      defines: Object.fromEntries(quoted),
      interfaces: ['internal/10.0.0.5', 'external/10.0.0.5!25.25.25.5'],
      hosts: Object.fromEntries(HOSTS.map((host, index) => [host, [`52.112.0.${index + 1}`]])),
    })
    teams = HOSTS.map((host, index) => route.party(`tls:52.112.0.${index + 1}:5061`, { names: [host] }))
    // Teams calls from any address of its networks, over connections of its own.
    caller = route.party('tls:52.114.7.7:40000', { names: [HOSTS[0]!] })
    phone = route.party('udp:10.0.0.6:5060')
    pbx = route.party('udp:10.0.0.20:5060')
  })

  afterEach(() => route.close())

  async function register(): Promise<void> {
    const to = '<sip:+4930100@sbc.example.com>'
    const headers = { From: `${to};tag=r`, To: to, Contact: '<sip:alice@10.0.0.6:5060>', Expires: '600' }
    await phone.send(request('REGISTER', { from: 'udp:10.0.0.6:5060', uri: 'sip:sbc.example.com', headers }))
    expect(await phone.reply()).toReplyWith(200)
  }

  /** An INVITE as Teams writes it: names in capitals, To without brackets. */
  const fromTeams = (number: string, callId: string): string =>
    request('INVITE', {
      from: 'tls:52.114.7.7:40000',
      uri: `sip:${number}@${SBC}:5061;user=phone;transport=tls`,
      callId,
      body: secure(5000),
      headers: {
        From: `VoIP <sip:+497156000@${HOSTS[0]}:5061;user=phone>;tag=t`,
        To: `sip:${number}@${SBC}:5061;user=phone`,
        Contact: `<${OWN}>`,
        'Record-Route': `<sip:sip-du-a-eu.pstnhub.microsoft.com:5061;transport=tls;lr>`,
      },
    }).replace(/^(From|To|CSeq|Call-ID|Via|Contact|Record-Route|Content-Type):/gm, (name) => name.toUpperCase())

  const fromInside = (uri: string, callId: string, body = sdp('10.0.0.6', 4000), from = 'udp:10.0.0.6:5060'): string =>
    request('INVITE', {
      from,
      uri,
      callId,
      fromTag: 'a',
      body,
      headers: { From: '<sip:+4930100@10.0.0.5>;tag=a', Contact: '<sip:+4930100@10.0.0.6:5060>' },
    })

  const rules = (arrived: Arrived) => {
    const input = { request: arrived.message as never, certificateNames: [SBC], trunk: SBC }
    const findings =
      (arrived.message as { method?: string }).method === 'OPTIONS' ? checkTeamsProbe(input) : checkTeamsInvite(input)
    return findings.filter((finding) => !finding.kept)
  }

  describe('health', () => {
    test('T20, T21: each of the three hosts is probed every minute, with our name in Contact', async () => {
      await route.advance(60_500)
      for (const [index, host] of teams.entries()) {
        const probe = await host.request('OPTIONS')
        expect(probe).toRelayTo(`sip:${HOSTS[index]}:5061;transport=tls`)
        expect(probe).toHaveHeader('From', /^<sip:sbc\.example\.com:5061>;tag=/)
        expect(rules(probe)).toEqual([])
        await host.answer(probe, 200)
      }
      await route.advance(60_500)
      expect(await teams[2]!.request('OPTIONS')).toHaveHeader('Contact', `<sip:${SBC}:5061;transport=tls>`)
    })

    test('T22: a probe of Teams is answered with our Contact and what we allow', async () => {
      await caller.send(request('OPTIONS', { from: 'tls:52.114.7.7:40000', uri: `sip:${SBC}:5061;transport=tls` }))
      const reply = await caller.reply(200)
      expect(reply).toHaveHeader('Contact', `<sip:${SBC}:5061;transport=tls>`)
      expect(reply).toHaveHeader('Allow', /^INVITE, .*BYE/)
    })

    test('T25: a host that answers 503 gets no calls until it answers otherwise', async () => {
      await route.advance(60_500)
      await teams[0]!.answer(await teams[0]!.request('OPTIONS'), 503)
      await route.advance(60_500)
      await teams[0]!.answer(await teams[0]!.request('OPTIONS'), 503)
      await phone.send(fromInside('sip:+4930200@10.0.0.5', 'down'))
      expect(await teams[1]!.request('INVITE')).toRelayTo('tls:52.112.0.2:5061')
      await route.advance(60_500)
      await teams[0]!.answer(await teams[0]!.request('OPTIONS'), 404)
      await phone.send(fromInside('sip:+4930200@10.0.0.5', 'up'))
      expect(await teams[0]!.request('INVITE')).toRelayTo('tls:52.112.0.1:5061')
    })
  })

  describe('to Teams', () => {
    test('the INVITE keeps every rule of Microsoft, and the answer goes inside as RTP', async () => {
      await phone.send(fromInside('sip:4930200@10.0.0.5', 'out'))
      const invite = await teams[0]!.request('INVITE')
      expect(rules(invite)).toEqual([])
      expect(invite).toRelayTo(`sip:+4930200@${HOSTS[0]}:5061;user=phone;transport=tls`)
      expect(invite).toHaveSdp({
        protocol: 'RTP/SAVP',
        address: '25.25.25.5',
        has: [/^a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:/, 'a=rtcp-mux'],
        lacks: [/^a=crypto:2/, /^a=(candidate|fingerprint)/],
      })
      const routes = invite.message.headers('record-route').join(',')
      expect(routes).toMatch(/^<sip:sbc\.example\.com:5061;transport=tls;/)

      await teams[0]!.answer(invite, 200, {
        toTag: 'm',
        headers: `Record-Route: <sip:sip-du-a-eu.pstnhub.microsoft.com:5061;transport=tls;lr>\r\nContact: <${OWN}>\r\n`,
        body: secure(5100),
        contentType: 'application/sdp',
      })
      const answer = await phone.reply(200)
      expect(answer).toHaveSdp({ protocol: 'RTP/AVP', address: '10.0.0.5', lacks: [/^a=crypto/, 'a=rtcp-mux'] })
      // T35: what Teams calls itself is kept byte by byte.
      expect(answer).toHaveHeader('Contact', `<${OWN}>`)
      expect(route.relay.sessions.size).toBe(1)
    })

    test('T44: a host that refuses with 503 is passed over, and when all do the caller gets 503', async () => {
      await phone.send(fromInside('sip:+4930200@10.0.0.5', 'over'))
      for (const host of teams) {
        const invite = await host.request('INVITE')
        expect(rules(invite)).toEqual([])
        await host.answer(invite, 503, { headers: 'Retry-After: 60\r\n' })
      }
      expect(await phone.reply()).toReplyWith(503, 'Teams Unavailable')
      expect(route.relay.sessions.size).toBe(0)
    })

    test('a host that does not answer is passed over after eight seconds', async () => {
      await phone.send(fromInside('sip:+4930200@10.0.0.5', 'silent'))
      await teams[0]!.request('INVITE')
      await route.advance(8_500)
      expect(await teams[1]!.request('INVITE')).toRelayTo('tls:52.112.0.2:5061')
    })

    test('T41: a busy Teams is busy, without the cause that makes carriers try again', async () => {
      await phone.send(fromInside('sip:+4930200@10.0.0.5', 'busy'))
      const invite = await teams[0]!.request('INVITE')
      await teams[0]!.answer(invite, 486, { toTag: 'm', headers: 'Reason: Q.850;cause=34\r\n' })
      const reply = await phone.reply()
      expect(reply).toReplyWith(486)
      expect(reply.message.headers('reason')).toEqual([])
      expect(route.relay.sessions.size).toBe(0)
    })

    test('T39: a call without an offer is refused here', async () => {
      await phone.send(fromInside('sip:+4930200@10.0.0.5', 'late', ''))
      expect(await phone.reply()).toReplyWith(488)
    })

    test('T62: hold is inactive', async () => {
      await phone.send(fromInside('sip:+4930200@10.0.0.5', 'held', sdp('10.0.0.6', 4000, ['a=sendonly'])))
      expect(await teams[0]!.request('INVITE')).toHaveSdp({ has: ['a=inactive'], lacks: ['a=sendonly'] })
    })
  })

  describe('from Teams', () => {
    test('to the phone that registered the number, and hung up from either side', async () => {
      await register()
      await caller.send(fromTeams('+4930100', 'in'))
      const invite = await phone.request('INVITE')
      expect(invite).toRelayTo('sip:alice@10.0.0.6:5060')
      expect(invite).toHaveSdp({ protocol: 'RTP/AVP', address: '10.0.0.5', lacks: [/^a=crypto/] })
      await phone.answer(invite, 200, {
        toTag: 'p',
        headers: 'Contact: <sip:alice@10.0.0.6:5060>\r\n',
        body: sdp('10.0.0.6', 4002),
        contentType: 'application/sdp',
      })
      const answer = await caller.reply(200)
      expect(answer).toHaveSdp({ protocol: 'RTP/SAVP', address: '25.25.25.5', has: [/^a=crypto:1 /] })
      const contact = /^<(sip:alice@sbc\.example\.com:5061;transport=tls[^>]*)>$/.exec(
        answer.message.header('contact')!,
      )
      expect(contact).not.toBeNull()

      const routes = answer.message.nameAddrs('record-route').map(({ uri }) => `<${uri}>`)
      const dialog = {
        from: 'tls:52.114.7.7:40000',
        uri: contact![1]!,
        callId: 'in',
        headers: {
          From: `VoIP <sip:+497156000@${HOSTS[0]}:5061;user=phone>;tag=t`,
          To: `<sip:+4930100@${SBC}:5061;user=phone>;tag=p`,
          Route: routes.slice(0, -1).reverse().join(', '),
        },
      }
      await caller.send(request('ACK', dialog))
      expect(await phone.request('ACK')).toRelayTo('sip:alice@10.0.0.6:5060')
      await caller.send(request('BYE', { ...dialog, cseq: 2 }))
      const bye = await phone.request('BYE')
      expect(bye).toRelayTo('sip:alice@10.0.0.6:5060')
      await phone.answer(bye, 200)
      expect(await caller.reply(200)).toReplyWith(200)
      expect(route.relay.sessions.size).toBe(0)
    })

    test('to the PBX when nobody registered the number; 503 when there is none', async () => {
      await caller.send(fromTeams('+4930999', 'pbx'))
      const invite = await pbx.request('INVITE')
      expect(invite).toHaveSdp({ protocol: 'RTP/AVP' })
      await pbx.answer(invite, 503)
      expect(await caller.reply()).toReplyWith(503, 'No PBX')
      expect(route.relay.sessions.size).toBe(0)
    })

    test('a stranger is refused, whatever it shows', async () => {
      const stranger = route.party('tls:198.51.100.9:40000', { names: [HOSTS[0]!] })
      await stranger.send(fromTeams('+4930100', 'stranger').replaceAll('52.114.7.7', '198.51.100.9'))
      expect(await stranger.reply()).toReplyWith(403)
      const outside = route.party('udp:198.51.100.9:5060')
      await outside.send(fromInside('sip:+4930200@10.0.0.5', 'outside', undefined, 'udp:198.51.100.9:5060'))
      expect(await outside.reply()).toReplyWith(403)
    })
  })

  test('the PBX calls Teams as the phones do', async () => {
    await pbx.send(fromInside('sip:4930200@10.0.0.5', 'trunk', sdp('10.0.0.20', 4000), 'udp:10.0.0.20:5060'))
    expect(rules(await teams[0]!.request('INVITE'))).toEqual([])
  })
})
