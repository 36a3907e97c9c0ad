// Owns the tests of ICE and DTLS-SRTP through the native relay's door: two streams of the relay meet each other over them.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { DtlsConfig, DtlsIdentity, IceConfig } from '../../src/media/connection-settings.ts'
import type { StreamConfig } from '../../src/media/native-relay.ts'
import { NativeRig, PORTS, type Side } from './native-rig.ts'
import { rtcp, rtp } from './rtp-peer.ts'

let rig: NativeRig

beforeEach(() => {
  rig = new NativeRig()
})
afterEach(() => rig.close())

const CREDENTIALS = [
  { ufrag: 'left', password: 'leftleftleftleftleftleft' },
  { ufrag: 'rght', password: 'rightrightrightrightright' },
] as const

interface Meeting {
  ice?: Partial<IceConfig>[]
  dtls?: boolean
  mux?: boolean
  identities?: [DtlsIdentity, DtlsIdentity]
  /** What each is told of the other's certificate. */
  told?: [DtlsIdentity, DtlsIdentity]
  address?: string
}

/** Plain RTP, stream, its partner in the middle, partner, stream, plain RTP: what one side says is heard at the other end. */
async function meet(
  meeting: Meeting,
): Promise<{ a: Side; b: Side; left: number; right: number; configure: () => void }> {
  const address = meeting.address ?? '127.0.0.1'
  const [a, b] = [await rig.side(address), await rig.side(address)]
  const [left, right] = [0, 1].map(() => rig.relay.openStream({ address, ...PORTS })) as [
    ReturnType<NativeRig['relay']['openStream']>,
    ReturnType<NativeRig['relay']['openStream']>,
  ]
  const identities = meeting.identities ?? [rig.relay.makeIdentity(), rig.relay.makeIdentity()]
  const told = meeting.told ?? identities
  const ice = (own: 0 | 1, other: typeof left): IceConfig | undefined =>
    meeting.ice && {
      local: CREDENTIALS[own],
      remote: CREDENTIALS[own === 0 ? 1 : 0],
      lite: false,
      remoteLite: meeting.ice[own === 0 ? 1 : 0]?.lite ?? false,
      role: own === 0 ? 'controlling' : 'controlled',
      candidates: [
        { component: 1, priority: 2_130_706_431, address, port: other.rtpPort },
        { component: 2, priority: 2_130_706_430, address, port: other.rtcpPort },
      ],
      ...meeting.ice[own],
    }
  const dtls = (own: 0 | 1): DtlsConfig | undefined =>
    meeting.dtls
      ? {
          identity: identities[own],
          role: own === 0 ? 'active' : 'passive',
          fingerprint: { hash: 'sha-256', digest: told[own === 0 ? 1 : 0].fingerprints['sha-256'] },
        }
      : undefined
  const facing = (own: 0 | 1, other: typeof left): StreamConfig => ({
    latching: 'learn',
    remote: { address, rtpPort: other.rtpPort, rtcpPort: other.rtcpPort },
    rtcpMux: meeting.mux ?? false,
    ice: ice(own, other) ?? null,
    dtls: dtls(own) ?? null,
  })
  rig.relay.link(a.id, left.id)
  rig.relay.link(right.id, b.id)
  rig.relay.configure(a.id, { latching: 'learn', remote: a.remote })
  rig.relay.configure(b.id, { latching: 'learn', remote: b.remote })
  const configure = (): void => {
    rig.relay.configure(right.id, facing(1, left))
    rig.relay.configure(left.id, facing(0, right))
  }
  configure()
  return { a, b, left: left.id, right: right.id, configure }
}

/** Sends until something comes through. */
async function passes(from: Side, to: Side, how: 'rtp' | 'rtcp' = 'rtp'): Promise<void> {
  const heard = to[how].heard.length
  let sequence = 1000 * (heard + 1)
  await expect
    .poll(
      async () => {
        if (how === 'rtp') await from.rtp.send(rtp(sequence++), from.rtpPort)
        else await from.rtcp.send(rtcp(sequence++), from.rtcpPort)
        return to[how].heard.length
      },
      { interval: 10, timeout: 4000 },
    )
    .toBeGreaterThan(heard)
}

const both = async ({ a, b }: { a: Side; b: Side }): Promise<void> => {
  await passes(a, b)
  await passes(b, a)
  await passes(a, b, 'rtcp')
  await passes(b, a, 'rtcp')
}

describe('ICE (RFC 8445)', () => {
  test.each([
    ['full and full', [{}, {}]],
    ['full and lite', [{}, { lite: true }]],
    ['lite and lite', [{ lite: true }, { lite: true }]],
    ['both controlling: a role conflict is settled', [{}, { role: 'controlling' }]],
    ['both controlled: a role conflict is settled', [{ role: 'controlled' }, {}]],
    ['candidates of one side alone: the other is peer-reflexive', [{}, { candidates: [] }]],
    [
      'a candidate that leads nowhere does not hold up the others',
      [
        {},
        {
          candidates: [
            { component: 1, priority: 2_130_706_431, address: '127.0.0.1', port: 9 },
            { component: 2, priority: 2_130_706_431, address: '127.0.0.1', port: 9 },
          ],
        },
      ],
    ],
  ] as [string, Partial<IceConfig>[]][])('%s', async (_, ice) => {
    await both(await meet({ ice }))
  })

  test('over IPv6, with RTCP on RTP’s port', async () => {
    await both(await meet({ ice: [{}, {}], mux: true, address: '::1' }))
  })

  test('a check with a wrong password changes nothing, and no media is taken from who made none', async () => {
    const { left, right, a } = await meet({
      ice: [{}, { remote: CREDENTIALS[1], local: { ufrag: 'rght', password: 'wrongwrongwrongwrongwrong' } }],
    })
    await rig.counted(right, { learnedRtp: '' })
    await expect.poll(() => rig.relay.stats(right).stunRefused).toBeGreaterThan(0)
    const stranger = await rig.peer()
    await stranger.send(rtp(1), (await rig.relay.stats(left)) && a.rtpPort)
    expect(rig.relay.stats(left)).toMatchObject({ learnedRtp: '', rtpPacketsOut: 0 })
  })
})

describe('DTLS-SRTP (RFC 5763, RFC 5764)', () => {
  test('with ICE, RTCP on a port of its own, each with its own association', async () => {
    await both(await meet({ ice: [{}, {}], dtls: true }))
  })

  test('with ICE-lite, one port, what is agreed again goes on without another handshake', async () => {
    const met = await meet({ ice: [{}, { lite: true }], dtls: true, mux: true })
    await both(met)
    const { dtlsPacketsIn } = rig.relay.stats(met.right)
    expect(dtlsPacketsIn).toBeGreaterThan(0)
    met.configure()
    await both(met)
    expect(rig.relay.stats(met.right).dtlsPacketsIn).toBe(dtlsPacketsIn)
    expect(rig.relay.stats(met.right).srtpAuthFailures).toBe(0)
  })

  test('without ICE', async () => {
    await both(await meet({ dtls: true }))
    expect(rig.connections.filter(({ outcome }) => outcome !== 'dtls-connected')).toEqual([])
  })

  test('another certificate than was signalled: no media passes, and it is told', async () => {
    const [one, two, other] = [rig.relay.makeIdentity(), rig.relay.makeIdentity(), rig.relay.makeIdentity()]
    const { a, b, left, right } = await meet({ ice: [{}, {}], dtls: true, identities: [one, two], told: [one, other] })
    await rig.counted(left, { dtlsWrongFingerprints: 1 })
    await expect
      .poll(() => rig.connections)
      .toContainEqual({ type: 'connection', stream: left, outcome: 'dtls-wrong-fingerprint' })
    const before = [left, right].map((id) => rig.relay.stats(id).discarded)
    await a.rtp.send(rtp(1), a.rtpPort)
    await b.rtp.send(rtp(1), b.rtpPort)
    await rig.counted(left, { discarded: before[0]! + 1 })
    await rig.counted(right, { discarded: before[1]! + 1 })
    expect([a.rtp.heard, b.rtp.heard]).toEqual([[], []])
  })

  test('before the handshake nothing passes, not even in the clear', async () => {
    const address = '127.0.0.1'
    const [a, b] = [await rig.side(), await rig.side()]
    rig.relay.link(a.id, b.id)
    rig.relay.configure(a.id, { latching: 'learn', remote: a.remote })
    const identity = rig.relay.makeIdentity()
    const fingerprint = { hash: 'sha-1', digest: identity.fingerprints['sha-1'] } as const
    rig.relay.configure(b.id, {
      latching: 'learn',
      remote: { address, rtpPort: b.rtp.port, rtcpPort: b.rtcp.port },
      dtls: { identity, role: 'passive', fingerprint },
    })
    await b.rtp.send(rtp(1), b.rtpPort)
    await a.rtp.send(rtp(1), a.rtpPort)
    await rig.counted(b.id, { discarded: 2, rtpPacketsIn: 0, rtpPacketsOut: 0 })
    expect(a.rtp.heard).toEqual([])
    expect(b.rtp.heard).toEqual([])
  })
})
