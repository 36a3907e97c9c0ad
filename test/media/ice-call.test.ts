// Owns the tests of ICE and DTLS-SRTP in calls: what is read of descriptions, what streams are told, what the log and the counters say.
import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../src/clock.ts'
import { DtlsIdentities } from '../../src/media/dtls-negotiation.ts'
import { readDtls } from '../../src/media/dtls-statement.ts'
import { createEmbeddedRelay } from '../../src/media/embedded-relay.ts'
import { createFakeNative, type FakeNative } from '../../src/media/fake-native.ts'
import { readCandidates, readIce } from '../../src/media/ice-statement.ts'
import type { ConnectionEvent } from '../../src/media/native-relay.ts'
import { dictionary, type NgDictionary } from '../../src/media/ng/bencode.ts'
import { parseSdp } from '../../src/sdp/index.ts'

const digest = (bytes: number, value = 'AB'): string => Array.from({ length: bytes }, () => value).join(':')
const CREDENTIALS = 'a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\n'
const FINGERPRINT = `a=fingerprint:sha-256 ${digest(32)}\r\na=setup:actpass\r\n`
const HEAD = 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n'
const BROWSER = `${HEAD}m=audio 9 UDP/TLS/RTP/SAVPF 0\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=rtcp-mux\r\na=candidate:1 1 udp 2122260223 192.0.2.7 40000 typ host\r\na=ice-options:trickle\r\n${CREDENTIALS}${FINGERPRINT}`
const PBX = `${HEAD}m=audio 5004 RTP/AVP 0\r\nc=IN IP4 192.0.2.9\r\n`
const INWARDS = 'RTP/AVP ICE=remove rtcp-mux-demux'

function statements(sdp: string) {
  const parsed = parseSdp(sdp)
  if (!parsed.ok) throw new Error(parsed.reason)
  const { document } = parsed
  return { ice: readIce(document, document.media[0]!), dtls: readDtls(document, document.media[0]!) }
}

function relayWithFake() {
  let native: FakeNative | undefined
  let report: ((event: ConnectionEvent) => void) | undefined
  const lines: { level: string; fields: object; text: string }[] = []
  const note = (level: string) => (fields: object, text: string) => void lines.push({ level, fields, text })
  const relay = createEmbeddedRelay({
    interfaces: ['192.0.2.1'],
    log: { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') },
    native(options) {
      report = options.onConnection
      native = createFakeNative(options)
      return native
    },
  })
  const call = { callId: 'c', fromTag: 'A' }
  const config = (index: number) => [...native!.open.values()][index]?.config
  return { relay, call, config, lines, report: (event: ConnectionEvent) => report?.(event), native: () => native! }
}

describe('what a description says', () => {
  test('credentials and fingerprints of the session hold for its media, those of the media go before', () => {
    const session = `${HEAD}a=ice-lite\r\n${CREDENTIALS}${FINGERPRINT}m=audio 9 UDP/TLS/RTP/SAVPF 0\r\nc=IN IP4 192.0.2.7\r\n`
    expect(statements(session)).toMatchObject({
      ice: { remote: { ufrag: 'abcd' }, lite: true, trickle: false },
      dtls: { setup: 'actpass', fingerprint: { hash: 'sha-256' } },
    })
    const own = `${session}a=ice-ufrag:wxyz\r\na=ice-pwd:zyxwvutsrqponmlkjihgfedcba\r\na=setup:passive\r\n`
    expect(statements(own)).toMatchObject({ ice: { remote: { ufrag: 'wxyz' } }, dtls: { setup: 'passive' } })
  })

  test.each([
    ['short fragment', BROWSER.replace('abcd\r', 'abc\r')],
    ['short password', BROWSER.replace('pwd:abc', 'pwd:')],
    ['letters that are none of ICE', BROWSER.replace('abcd\r', 'ab d\r')],
    ['a password of 257', BROWSER.replace(/pwd:.*\r/, `pwd:${'x'.repeat(257)}\r`)],
  ])('%s: no ICE', (_, sdp) => {
    expect(statements(sdp).ice).toBeUndefined()
  })

  test('of several fingerprints the strongest counts; what cannot be checked is none', () => {
    const lines = [
      `sha-1 ${digest(20)}`,
      `sha-512 ${digest(64, 'CD')}`,
      `md5 ${digest(16)}`,
      `sha-256 ${digest(31)}`,
      'sha-256 XY',
    ]
    const sdp = (some: string[]) =>
      BROWSER.replace(/a=fingerprint.*\r\n/, some.map((line) => `a=fingerprint:${line}\r\n`).join(''))
    expect(statements(sdp(lines)).dtls?.fingerprint).toEqual({ hash: 'sha-512', digest: new Uint8Array(64).fill(0xcd) })
    expect(statements(sdp(lines.slice(2))).dtls).toBeUndefined()
  })

  test('candidates that the relay may send to: of one host, over UDP, 32 at most', () => {
    const good = '1 1 UDP 2130706431 192.0.2.7 4000 typ host'
    const bad = [
      '1 1 TCP 2130706431 192.0.2.7 9 typ host tcptype active',
      '1 1 UDP 2130706431 224.0.0.1 4000 typ host',
      '1 1 UDP 2130706431 0.0.0.0 4000 typ host',
      '1 1 UDP 2130706431 b7a1.local 4000 typ host',
      '1 3 UDP 2130706431 192.0.2.7 4000 typ host',
      '1 1 UDP 2130706431 192.0.2.7 0 typ host',
      '1 1 UDP 99999999999 192.0.2.7 4000 typ host',
      '1 1 UDP 2130706431 fe80::1%eth0 4000 typ host',
      '1 1 UDP 2130706431 192.0.2.7 4000',
      '',
    ]
    expect(readCandidates([...bad, good, '1 2 udp 1 2001:db8::1 4001 typ srflx raddr 10.0.0.1 rport 5'])).toEqual([
      { component: 1, priority: 2130706431, address: '192.0.2.7', port: 4000 },
      { component: 2, priority: 1, address: '2001:db8::1', port: 4001 },
    ])
    expect(readCandidates(new Array(100).fill(good))).toHaveLength(32)
  })
})

describe('what streams are told', () => {
  test('a browser and a PBX: ICE and DTLS on one side, neither on the other', async () => {
    const { relay, call, config } = relayWithFake()
    await relay.offer({ ...call, sdp: BROWSER, flags: `${INWARDS} ICE-lite=backward` })
    await relay.answer({ ...call, toTag: 'B', sdp: PBX, flags: 'DTLS=passive' })
    expect(config(0)).toMatchObject({
      rtcpMux: true,
      send: true,
      ice: { remote: { ufrag: 'abcd' }, lite: true, role: 'controlled', candidates: [{ port: 40000 }] },
      dtls: { role: 'passive', fingerprint: { hash: 'sha-256' } },
      srtpIn: null,
      srtpOut: null,
    })
    expect(config(1)).toMatchObject({ ice: null, dtls: null, remote: { address: '192.0.2.9', rtpPort: 5004 } })
    const { tags } = relay.perform(dictionary({ command: 'query', 'call-id': 'c' }))
    const [media] = ((tags as NgDictionary).A as NgDictionary).medias as NgDictionary[]
    expect(media!.flags).toEqual(expect.arrayContaining(['DTLS-SRTP', 'DTLS role passive', 'ICE', 'trickle ICE']))
    await relay.close()
  })

  test('a restart by the browser changes our credentials, a re-offer without one does not', async () => {
    const { relay, call, config } = relayWithFake()
    const exchange = async (sdp: string) => {
      await relay.offer({ ...call, toTag: 'B', sdp, flags: INWARDS })
      const answer = await relay.answer({ ...call, toTag: 'B', sdp: PBX, flags: '' })
      return /ice-ufrag:(\S+)/.exec(answer.sdp)![1]!
    }
    const first = await exchange(BROWSER)
    const { identity } = config(0)!.dtls!
    expect(await exchange(BROWSER)).toBe(first)
    const restarted = await exchange(BROWSER.replace('abcd\r', 'efgh\r'))
    expect(restarted).not.toBe(first)
    expect(config(0)).toMatchObject({
      ice: { local: { ufrag: restarted }, remote: { ufrag: 'efgh' } },
      dtls: { role: 'active' },
    })
    expect(config(0)!.dtls!.identity).toBe(identity)
    await relay.close()
  })

  test('an offer that is refused leaves ICE as it was agreed: fax to a browser', async () => {
    const { relay, call, config } = relayWithFake()
    await relay.offer({ ...call, sdp: BROWSER, flags: INWARDS })
    const { sdp: told } = await relay.answer({ ...call, toTag: 'B', sdp: PBX, flags: '' })
    const [ufrag] = /^a=ice-ufrag:.*$/m.exec(told)!
    const back = { callId: 'c', fromTag: 'B', toTag: 'A', flags: '' }
    await relay.offer({ ...back, sdp: PBX.replace('audio 5004 RTP/AVP 0', 'image 5006 udptl t38') })
    await relay.control({ callId: 'c', fromTag: 'A', flags: '', control: 'block DTMF' })
    expect(config(0)).toMatchObject({ ice: { remote: { ufrag: 'abcd' } }, blockDtmf: true })
    expect((await relay.offer({ ...back, sdp: PBX })).sdp).toContain(`\r\n${ufrag}\r\n`)
    await relay.answer({ ...back, sdp: BROWSER.replace('actpass', 'active'), flags: 'RTP/AVP' })
    expect(config(0)).toMatchObject({ ice: { remote: { ufrag: 'abcd' }, role: 'controlling' } })
    await relay.close()
  })

  test('who does not answer with ICE is met by its address, who answers with keys in the description by those', async () => {
    const { relay, call, config } = relayWithFake()
    const offer = await relay.offer({ ...call, sdp: PBX, flags: 'RTP/SAVP ICE=force' })
    expect(offer.sdp).toMatch(/a=crypto:1 .*a=setup:actpass\r\na=fingerprint:sha-256 .*a=candidate/s)
    const line = 'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:FHoHEZk7wM6b/frTeX+fzQ/K0PtuAvfIzRqjol9K\r\n'
    await relay.answer({ ...call, toTag: 'B', sdp: PBX.replace('AVP', 'SAVP') + line, flags: 'RTP/AVP' })
    expect(config(1)).toMatchObject({ ice: null, dtls: null, srtpIn: {}, remote: { rtpPort: 5004 } })
    await relay.close()
  })

  test('checks are answered from the offer on, before the answer tells whose they are', async () => {
    const { relay, call, config } = relayWithFake()
    const { sdp } = await relay.offer({ ...call, sdp: PBX, flags: 'UDP/TLS/RTP/SAVPF ICE=force' })
    const ufrag = /ice-ufrag:(\S+)/.exec(sdp)![1]!
    expect(config(1)).toMatchObject({ send: false, receive: false, ice: { local: { ufrag }, role: 'controlling' } })
    expect(config(1)!.ice!.remote).toBeUndefined()
    await relay.answer({ ...call, toTag: 'B', sdp: BROWSER.replace('actpass', 'active'), flags: 'RTP/AVP ICE=remove' })
    expect(config(1)).toMatchObject({
      send: true,
      ice: { local: { ufrag }, remote: { ufrag: 'abcd' } },
      dtls: { role: 'passive' },
    })
    await relay.close()
  })

  test('further candidates come as fragments, to the session that they name', async () => {
    const { relay, call, config } = relayWithFake()
    await relay.offer({ ...call, sdp: BROWSER.replace(/a=candidate.*\r\n/, ''), flags: INWARDS })
    const fragment = (ufrag: string, port: number) =>
      relay.perform(
        dictionary({
          command: 'offer',
          'call-id': 'c',
          'from-tag': 'A',
          flags: ['fragment'],
          sdp: `${CREDENTIALS.replace('abcd', ufrag)}m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\na=candidate:1 1 udp 5 192.0.2.7 ${port} typ host\r\n`,
        }),
      )
    expect(fragment('abcd', 4001)).toEqual({ result: 'ok' })
    await relay.answer({ ...call, toTag: 'B', sdp: PBX, flags: '' })
    expect(fragment('abcd', 4002)).toEqual({ result: 'ok' })
    expect(fragment('efgh', 4003)).toMatchObject({ result: 'ok', warning: expect.stringContaining('no ICE session') })
    expect(config(0)!.ice!.candidates.map(({ port }) => port)).toEqual([4001, 4002])
    await relay.close()
  })

  test('media that is refused forgets its association', async () => {
    const { relay, call, native } = relayWithFake()
    await relay.offer({ ...call, sdp: BROWSER, flags: INWARDS })
    await relay.answer({ ...call, toTag: 'B', sdp: PBX.replace('5004', '0'), flags: '' })
    expect(native().open.size).toBe(0)
    await relay.close()
  })
})

test('what became of ICE and DTLS is logged with its call; a wrong certificate as an error', async () => {
  const { relay, call, lines, report, native } = relayWithFake()
  await relay.offer({ ...call, sdp: BROWSER, flags: INWARDS })
  const stream = [...native().open.keys()][0]!
  for (const outcome of ['dtls-connected', 'dtls-wrong-fingerprint', 'dtls-failed', 'ice-failed'] as const)
    report({ type: 'connection', stream, outcome })
  report({ type: 'connection', stream: 999, outcome: 'ice-failed' })
  const told = lines.filter(({ fields }) => 'stream' in fields)
  expect(told.map(({ level }) => level)).toEqual(['debug', 'error', 'warn', 'warn'])
  expect(told[1]).toMatchObject({ fields: { callId: 'c' }, text: expect.stringContaining('certificate') })
  await relay.close()
})

test('certificates are shown to new calls for a day', () => {
  const clock = new ManualClock()
  const native = createFakeNative({ onEvent() {} })
  const identities = new DtlsIdentities(
    () => ({ ...native.makeIdentity() }),
    () => clock.now(),
  )
  const first = identities.current()
  clock.advance(23 * 3_600_000)
  expect(identities.current()).toBe(first)
  clock.advance(3_600_000)
  expect(identities.current()).not.toBe(first)
})
