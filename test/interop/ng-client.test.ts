// Owns the proof that our client drives rtpengine as Kamailio does: the Office 365 call, its counters and its end.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createNgClient, type NgClient } from '../../src/media/index.ts'
import { CALL_MANAGER_OFFER, OFFICE_ANSWER, TO_MANAGER, TO_OFFICE } from '../media/o365.ts'
import { startRtpengine } from './ng-peers.ts'
import { describeWithPeers } from './peers.ts'

describeWithPeers('the NG client drives rtpengine', ['rtpengine'], () => {
  let theirs: Awaited<ReturnType<typeof startRtpengine>>
  let client: NgClient
  const call = { callId: `client-${process.pid}`, fromTag: 'A', receivedFrom: '10.0.0.6' }

  beforeAll(async () => {
    theirs = await startRtpengine(49_360, ['internal/127.0.0.1', 'external/127.0.0.1!25.25.25.5'], [49_362, 49_399])
    client = createNgClient({ sets: new Map([[0, ['udp:127.0.0.1:49360']]]) })
  })

  afterAll(async () => {
    await client?.close()
    await theirs?.stop()
  })

  test('offer, answer, query, delete', async () => {
    await client.ping()
    const offer = await client.offer({ ...call, sdp: CALL_MANAGER_OFFER, flags: TO_OFFICE })
    expect(offer.sdp).toMatch(/c=IN IP4 25\.25\.25\.5\r\n.*RTP\/SAVP 0 101\r\n/s)
    const tag = /a=crypto:(\d+) AES_CM_128_HMAC_SHA1_80/.exec(offer.sdp)![1]!
    const sdp = OFFICE_ANSWER.replace('crypto:1', `crypto:${tag}`)
    const answer = await client.answer({ ...call, toTag: 'B', sdp, flags: TO_MANAGER })
    expect(answer.sdp).toMatch(/RTP\/AVP 0 101\r\nc=IN IP4 127\.0\.0\.1\r\n/)
    const { streams } = await client.query({ ...call, flags: '' })
    expect(streams).toMatchObject([
      { tag: 'A', protocol: 'RTP/AVP', remoteAddress: '10.0.0.6', remotePort: 24580 },
      { tag: 'B', protocol: 'RTP/SAVP', remoteAddress: '207.46.198.124', remotePort: 54532 },
    ])
    const ended = await client.delete({ ...call, toTag: 'B', flags: 'delete-delay=0' })
    expect(ended.streams).toHaveLength(2)
    await expect(client.query({ ...call, flags: '' })).rejects.toThrow(/Unknown call-id/)
  })

  test('a wrong body is refused with its reason', async () => {
    await expect(client.offer({ ...call, callId: 'bad', sdp: 'hello', flags: '' })).rejects.toThrow(
      /Failed to parse SDP/,
    )
  })
})
