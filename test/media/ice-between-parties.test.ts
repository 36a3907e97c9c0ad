// Owns the tests of ICE that the parties do with one another, the relay being one candidate among theirs (ICE=optional, force-relay).
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createFakeRelay } from '../../src/media/index.ts'
import { NativeRig } from './native-rig.ts'
import { rtp } from './rtp-peer.ts'

const described = (who: string, address: string, port: number, more = '') =>
  [
    'v=0',
    `o=${who} 1 1 IN IP4 ${address}`,
    's=-',
    `c=IN IP4 ${address}`,
    't=0 0',
    `m=audio ${port} RTP/AVP 0`,
    `a=ice-ufrag:${who}`,
    `a=ice-pwd:${who.repeat(8)}`,
    `a=candidate:1 1 UDP 2130706431 ${address} ${port} typ host`,
    `a=candidate:1 2 UDP 2130706430 ${address} ${port + 1} typ host`,
    `a=candidate:9 1 UDP 16777215 192.0.2.9 6000 typ relay raddr ${address} rport ${port}`,
    more,
  ].join('\r\n')
const ALICE = described('alice', '10.0.0.8', 4000)
const BOB = described('bobby', '10.0.0.9', 5000)
const CALL = { callId: 'c', fromTag: 'a' }

async function exchange(flags: string, answerFlags = '', offer = ALICE) {
  const relay = createFakeRelay()
  const offered = await relay.offer({ ...CALL, sdp: offer, flags })
  const answered = await relay.answer({ ...CALL, toTag: 'b', sdp: BOB, flags: answerFlags })
  const configs = [...relay.native.open.values()].map(({ config }) => config!)
  return { offered: offered.sdp, answered: answered.sdp, configs, warnings: offered.warnings }
}
const lines = (sdp: string, what: RegExp) => sdp.split('\r\n').filter((line) => what.test(line))

describe('candidates', () => {
  test('ICE=optional: those of the parties go on with their credentials, the relay comes last, as a host', async () => {
    const { offered, answered, configs, warnings } = await exchange('ICE=optional')
    expect(warnings).toBeUndefined()
    for (const [sdp, who, address] of [
      [offered, 'alice', '10.0.0.8'],
      [answered, 'bobby', '10.0.0.9'],
    ] as const) {
      expect(lines(sdp, /^a=ice-/)).toEqual([`a=ice-ufrag:${who}`, `a=ice-pwd:${who.repeat(8)}`])
      const candidates = lines(sdp, /^a=candidate/)
      expect(candidates.slice(0, 3)).toEqual(lines(who === 'alice' ? ALICE : BOB, /^a=candidate/))
      expect(candidates.slice(3)).toEqual([
        expect.stringMatching(/^a=candidate:\S+ 1 UDP 255 10\.0\.0\.5 \d+ typ host$/),
        expect.stringMatching(/^a=candidate:\S+ 2 UDP 254 10\.0\.0\.5 \d+ typ host$/),
      ])
      expect(sdp).not.toContain(`c=IN IP4 ${address}`)
    }
    expect(configs).toMatchObject([
      // Media may go past the relay, which is no reason to end the call.
      { passStun: true, ice: null, timeoutMillis: 3_600_000 },
      { passStun: true, ice: null, timeoutMillis: 3_600_000 },
    ])
  })

  test('ICE=force-relay: in the place of other relays; the address of the description stays', async () => {
    const { offered } = await exchange('ICE=force-relay')
    expect(lines(offered, /^[cm]=/)).toEqual(['c=IN IP4 10.0.0.8', 'm=audio 4000 RTP/AVP 0'])
    const candidates = lines(offered, /^a=candidate/)
    expect(candidates).toHaveLength(4)
    expect(candidates[2]).toMatch(/^a=candidate:\S+ 1 UDP 255 10\.0\.0\.5 (\d+) typ relay raddr 10\.0\.0\.5 rport \1$/)
  })

  test('where nobody speaks ICE, or media has keys of the relay, it is done as ICE=force', async () => {
    const plain = ALICE.replace(/a=(ice|candidate).*\r\n/g, '')
    for (const flags of ['ICE=optional', 'ICE=force-relay']) {
      const { offered, configs } = await exchange(flags, '', plain)
      expect(lines(offered, /^a=candidate/)).toHaveLength(2)
      expect(offered).not.toContain('alice\r\na=ice')
      expect(configs.some(({ passStun }) => passStun)).toBe(false)
    }
    const relay = createFakeRelay()
    const { sdp } = await relay.offer({ ...CALL, sdp: ALICE, flags: 'ICE=optional RTP/SAVP' })
    expect(lines(sdp, /^a=ice-ufrag:alice|192\.0\.2\.9/)).toEqual([])
  })

  test('an answer without ICE ends it', async () => {
    const relay = createFakeRelay()
    await relay.offer({ ...CALL, sdp: ALICE, flags: 'ICE=optional' })
    const plain = BOB.replace(/a=(ice|candidate).*\r\n/g, '')
    const { sdp } = await relay.answer({ ...CALL, toTag: 'b', sdp: plain, flags: '' })
    expect(sdp).not.toMatch(/a=(ice|candidate)/)
    expect([...relay.native.open.values()].map(({ config }) => config?.passStun)).toEqual([false, false])
  })
})

describe('checks', () => {
  let rig: NativeRig
  beforeEach(() => {
    rig = new NativeRig()
  })
  afterEach(() => rig.close())

  /** A binding request without attributes (RFC 5389 6). */
  const check = (id: number) => {
    const message = Buffer.alloc(20, id)
    message.writeUInt32BE(0x0001_0000, 0)
    message.writeUInt32BE(0x2112_a442, 4)
    return message
  }

  test('they pass from any place, on either port, and teach nothing; what is no STUN does not', async () => {
    const [a, b] = await rig.call({ passStun: true, latching: 'strict' }, { passStun: true, send: false })
    const stranger = await rig.peer()
    await stranger.send(check(1), a.rtpPort)
    await a.rtcp.send(check(2), a.rtcpPort)
    expect(await b.rtp.hear(1)).toEqual([check(1)])
    expect(await b.rtcp.hear(1)).toEqual([check(2)])
    await stranger.send(rtp(1), a.rtpPort)
    await stranger.send(check(3).subarray(0, 19), a.rtpPort)
    await rig.counted(a.id, { unknownSource: 1, malformed: 1, stunPacketsIn: 2, relearned: 0, rtpPacketsIn: 0 })
    expect(b.rtp.heard).toHaveLength(1)
  })

  test('not to a side that does not pass them, and no more than a party needs', async () => {
    const [a, b] = await rig.call({ passStun: true }, {})
    await a.rtp.send(check(1), a.rtpPort)
    await rig.counted(b.id, { discarded: 1 })
    for (let i = 0; i < 600; i++) await a.rtp.send(check(i & 0xff), a.rtpPort)
    await expect.poll(() => rig.relay.stats(a.id).rateLimited, { interval: 5 }).toBeGreaterThan(0)
    expect(b.rtp.heard).toEqual([])
  })
})
