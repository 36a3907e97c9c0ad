// Owns the proof that our client drives rtpengine as Kamailio does: the Office 365 call, its counters and its end.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createNgClient, type NgClient } from '../../src/media/index.ts'
import { CALL_MANAGER_OFFER, OFFICE_ANSWER, TO_MANAGER, TO_OFFICE } from '../media/o365.ts'
import { RtpPeer, rtp } from '../media/rtp-peer.ts'
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

describeWithPeers('two rtpengines, one of which dies', ['rtpengine'], () => {
  const FIRST = [49_410, [43_000, 43_098]] as const
  const SECOND = [49_411, [43_100, 43_198]] as const
  const nodes: Awaited<ReturnType<typeof startRtpengine>>[] = []
  const peers: RtpPeer[] = []
  let client: NgClient

  beforeAll(async () => {
    for (const [port, range] of [FIRST, SECOND]) nodes.push(await startRtpengine(port, ['127.0.0.1'], [...range]))
    const sets = new Map([[0, [`udp:127.0.0.1:${FIRST[0]}`, `udp:127.0.0.1:${SECOND[0]}`]]])
    client = createNgClient({ sets, retryMillis: 60, retries: 3, disabledMillis: 200 })
  })

  afterAll(async () => {
    for (const peer of peers) peer.close()
    await client?.close()
    for (const node of nodes) await node.stop()
  })

  const sdp = (port: number): string =>
    `v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio ${port} RTP/AVP 0\r\n`
  const portOf = (description: string): number => Number(/^m=audio (\d+)/m.exec(description)![1])
  const within = (port: number, [, [low, high]]: typeof FIRST | typeof SECOND): boolean => port >= low && port <= high

  /** Sets up, or sets up anew, and proves that packets pass both ways; the ports that rtpengine gave. */
  async function connect(callId: string, a: RtpPeer, b: RtpPeer, sequence: number): Promise<[number, number]> {
    const call = { callId, fromTag: 'A', flags: '' }
    const toB = portOf((await client.offer({ ...call, sdp: sdp(a.port) })).sdp)
    const toA = portOf((await client.answer({ ...call, toTag: 'B', sdp: sdp(b.port) })).sdp)
    const before = [a.heard.length, b.heard.length] as const
    await a.send(rtp(sequence), toA)
    await b.send(rtp(sequence), toB)
    await Promise.all([a.hear(before[0] + 1), b.hear(before[1] + 1)])
    return [toA, toB]
  }

  test('no new call is lost, and those that it carried are heard again after their next offer', async () => {
    const calls: { callId: string; a: RtpPeer; b: RtpPeer; ports: [number, number] }[] = []
    for (let i = 0; i < 6; i++) {
      const [a, b] = [await RtpPeer.open(), await RtpPeer.open()]
      peers.push(a, b)
      calls.push({ callId: `moves-${i}`, a, b, ports: await connect(`moves-${i}`, a, b, i) })
    }
    const stranded = calls.filter(({ ports }) => within(ports[0], FIRST))
    expect(stranded.length).toBeGreaterThan(0)
    expect(stranded.length).toBeLessThan(6)
    await nodes[0]!.kill()
    for (let i = 6; i < 10; i++) {
      const [a, b] = [await RtpPeer.open(), await RtpPeer.open()]
      peers.push(a, b)
      const ports = await connect(`moves-${i}`, a, b, i)
      expect(ports.every((port) => within(port, SECOND))).toBe(true)
    }
    for (const { callId, a, b } of calls) {
      const ports = await connect(callId, a, b, 100)
      expect(ports.every((port) => within(port, SECOND))).toBe(true)
    }
    expect(client.nodes.map((node) => node.disabled)).toEqual([true, false])
    nodes[0] = await startRtpengine(FIRST[0], ['127.0.0.1'], [...FIRST[1]])
    await expect.poll(() => client.nodes.map((node) => node.disabled), { timeout: 5_000 }).toEqual([false, false])
  })
})
