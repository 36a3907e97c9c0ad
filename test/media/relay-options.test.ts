// Owns the tests of what a relay's options change of its calls: whom it believes, how it learns, when it is full, its threads.
import { afterEach, describe, expect, test } from 'vitest'
import { createFakeNative, type FakeNative } from '../../src/media/fake-native.ts'
import { createEmbeddedRelay, runRelay } from '../../src/media/index.ts'
import { createNativeRelay, type NativeRelay } from '../../src/media/native-relay.ts'
import type { NgDictionary } from '../../src/media/ng/bencode.ts'
import { readSessionOptions } from '../../src/media/session-options.ts'
import { RtpPeer, rtp } from './rtp-peer.ts'

const SDP = 'v=0\r\no=- 1 1 IN IP4 10.0.0.8\r\ns=-\r\nc=IN IP4 10.0.0.8\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n'
const CALL = { 'call-id': 'c', 'from-tag': 'a', 'received-from': ['IP4', '192.0.2.7'], sdp: SDP }

/** What the streams of a call become; the keys are of its offer. */
function configured(options: object, keys: NgDictionary = {}) {
  let native!: FakeNative
  const relay = createEmbeddedRelay({
    interfaces: ['10.0.0.5'],
    offerTimeout: 0,
    native: (callbacks) => (native = createFakeNative(callbacks)),
    ...options,
  })
  relay.perform({ ...CALL, ...keys, command: 'offer' })
  relay.perform({ ...CALL, command: 'answer', 'to-tag': 'b' })
  const [config] = [...native.open.values()].map((stream) => stream.config)
  void relay.close()
  return config!
}

describe('defaults of all calls', () => {
  test('--sip-source believes the SIP message, unless flags trust the SDP', () => {
    expect(configured({}).remote?.address).toBe('10.0.0.8')
    expect(configured({ sipSource: true }).remote?.address).toBe('192.0.2.7')
    expect(configured({ sipSource: true }, { flags: ['trust address'] }).remote?.address).toBe('10.0.0.8')
  })

  test('--endpoint-learning', async () => {
    const learned = (how?: string) => {
      const { latching, learningMillis } = configured({ endpointLearning: how })
      return [latching, learningMillis]
    }
    expect(learned()).toEqual(['learn', undefined])
    expect(learned('heuristic')).toEqual(['learn', undefined])
    expect(learned('immediate')).toEqual(['learn', 0])
    expect(learned('off')).toEqual(['off', undefined])
    const wrong = runRelay({ interface: ['127.0.0.1'], listenNg: '127.0.0.1:0', endpointLearning: 'never' })
    await expect(wrong).rejects.toMatchObject({ code: 'ERR_USAGE' })
  })

  test('--dtls-passive', () => {
    const role = (keys: NgDictionary) => readSessionOptions(keys, { dtlsPassive: true }).dtls
    expect([role({}), role({ DTLS: 'active' }), role({ DTLS: 'off' })]).toEqual(['passive', 'active', 'off'])
    expect(readSessionOptions({}).dtls).toBeUndefined()
  })
})

test('a full relay says so in the words that a proxy asks for, so that it goes to the next one', () => {
  const relay = createEmbeddedRelay({
    interfaces: ['10.0.0.5'],
    offerTimeout: 0,
    maxSessions: 1,
    native: createFakeNative,
  })
  expect(relay.perform({ ...CALL, command: 'offer' }).result).toBe('ok')
  const more = { ...CALL, 'call-id': 'd', command: 'offer' }
  expect(relay.perform({ ...more, supports: ['load limit'] })).toMatchObject({ result: 'load limit' })
  expect(relay.perform(more)).toMatchObject({ result: 'error' })
  void relay.close()
})

describe('threads', () => {
  let native: NativeRelay | undefined
  const peers: RtpPeer[] = []
  afterEach(() => {
    native?.shutdown()
    for (const peer of peers.splice(0)) peer.close()
  })

  test.each([undefined, 1, 3])('%s of them carry calls, whichever their streams began in', async (threads) => {
    native = createNativeRelay({ onEvent: () => undefined, ...(threads === undefined ? {} : { threads }) })
    const peer = async () => {
      const opened = await RtpPeer.open()
      peers.push(opened)
      return opened
    }
    const [a, b] = [await peer(), await peer()]
    for (let call = 0; call < 5; call++) {
      const [left, right] = [a, b].map(({ port }) => {
        const stream = native!.openStream({ address: '127.0.0.1', portMin: 41_000, portMax: 41_799 })
        native!.configure(stream.id, {
          latching: 'learn',
          remote: { address: '127.0.0.1', rtpPort: port, rtcpPort: port },
        })
        return stream
      })
      native.link(left!.id, right!.id)
      await a.send(rtp(call), left!.rtpPort)
      await b.send(rtp(call), right!.rtpPort)
      expect((await b.hear(call + 1))[call]).toEqual(rtp(call))
      await a.hear(call + 1)
    }
  })
})

test('drop-traffic stops all RTP of a call, events too, until it is told to go on', () => {
  const blocked = (keys: NgDictionary) => {
    const { media, blockDtmf } = configured({}, keys)
    return [media, blockDtmf]
  }
  expect(blocked({})).toEqual(['pass', false])
  expect(blocked({ 'drop-traffic': 'start' })).toEqual(['block', true])
  expect(readSessionOptions({ 'drop-traffic': 'soon' }).warnings).toHaveLength(1)
  let native!: FakeNative
  const again = createEmbeddedRelay({
    interfaces: ['10.0.0.5'],
    offerTimeout: 0,
    native: (on) => (native = createFakeNative(on)),
  })
  again.perform({ ...CALL, command: 'offer', 'drop-traffic': 'start' })
  again.perform({ ...CALL, command: 'answer', 'to-tag': 'b', 'drop-traffic': 'stop' })
  expect([...native.open.values()].map(({ config }) => config?.media)).toEqual(['pass', 'pass'])
  // What else is withheld stays so.
  again.perform({ ...CALL, command: 'block DTMF' })
  again.perform({ ...CALL, command: 'offer', 'drop-traffic': 'start' })
  again.perform({ ...CALL, command: 'answer', 'to-tag': 'b', 'drop-traffic': 'stop' })
  expect([...native.open.values()].map(({ config }) => [config?.media, config?.blockDtmf])).toEqual([
    ['pass', true],
    ['pass', false],
  ])
  void again.close()
})
