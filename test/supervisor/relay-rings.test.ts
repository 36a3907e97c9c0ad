// Owns the tests of the rings between a worker and the relay: everything that is asked and answered crosses whole, and nothing else is believed.
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { MediaRequest } from '../../src/media/index.ts'
import {
  createRelayRings,
  openSupervisorRings,
  openWorkerRings,
  RELAY_RINGS_BYTES,
  type RelayAsked,
  type RelayTold,
} from '../../src/supervisor/relay-rings.ts'
import { nativeSockets, WakingWriter } from '../../src/transport/index.ts'

const SDP = 'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=caf\u00e9\u0000\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n'
const CAPACITY = 1 << 18

const ends: { close(): void }[] = []
afterEach(() => {
  for (const end of ends.splice(0).reverse()) end.close()
})

function rig() {
  const native = nativeSockets()
  const made = createRelayRings(native)
  const asked: RelayAsked[] = []
  const told: RelayTold[] = []
  const broken = vi.fn()
  const supervisor = openSupervisorRings(native, made.seat, (message) => asked.push(message), broken)
  const worker = openWorkerRings(native, made.seat, (message) => told.push(message))
  ends.push(made, supervisor, worker)
  return { native, made, asked, told, broken, supervisor, worker }
}

function offer(id: number, request: Partial<MediaRequest> = {}): RelayAsked {
  return {
    type: 'media',
    id,
    command: 'offer',
    request: { callId: 'c', fromTag: 'f', flags: '', set: 0, sdp: SDP, ...request },
  }
}

describe('the rings of the relay', () => {
  test('carry every field of a request, in order', async () => {
    const { worker, asked } = rig()
    const whole: RelayAsked = {
      type: 'media',
      id: 2,
      command: 'control',
      request: {
        callId: 'a\u0000b "\u00e9"',
        fromTag: '',
        toTag: 't',
        message: 'reply',
        viaBranch: 'z9hG4bK',
        flags: 'ICE=remove\nlabel="x"',
        receivedFrom: '2001:db8::1',
        set: 3,
        control: 'play media',
        sdp: '',
      },
    }
    const bare: RelayAsked = {
      type: 'media',
      id: 3,
      command: 'ping',
      request: { callId: '', fromTag: '', flags: '', set: 0 },
    }
    for (const message of [offer(1), whole, bare]) expect(worker.say(message)).toBe(true)
    await vi.waitFor(() => expect(asked).toHaveLength(3))
    expect(asked).toEqual([offer(1), whole, bare])
  })

  test('carry every kind of result', async () => {
    const { supervisor, told } = rig()
    const results: RelayTold[] = [
      { type: 'media-result', id: 1, result: { sdp: SDP } },
      { type: 'media-result', id: 2, result: { sdp: SDP, warnings: ['one', 'two'] } },
      { type: 'media-result', id: 3, result: { callId: 'c', created: 1, streams: [] } },
      { type: 'media-result', id: 4, result: { durationMillis: 5 } },
      { type: 'media-result', id: 5 },
      { type: 'media-result', id: 6, error: { code: 'ERR_MEDIA_PORTS', message: 'no pair of ports' } },
    ]
    for (const result of results) expect(supervisor.say(result)).toBe(true)
    await vi.waitFor(() => expect(told).toHaveLength(results.length))
    expect(told).toEqual(results)
  })

  test('leave to another way what has no room or is no text of bytes', async () => {
    const { worker, supervisor, asked } = rig()
    expect(worker.say(offer(1, { flags: 'label=\u20ac' }))).toBe(false)
    expect(supervisor.say({ type: 'media-result', id: 1, error: { code: 'ERR_MEDIA', message: '\u20ac' } })).toBe(false)
    const long = offer(2, { sdp: 'x'.repeat(65_000) })
    let sent = 0
    while (worker.say({ ...long, id: sent })) sent++
    expect(sent).toBeGreaterThanOrEqual(3)
    await vi.waitFor(() => expect(asked).toHaveLength(sent))
    expect(worker.say(long)).toBe(true)
    await vi.waitFor(() => expect(asked).toHaveLength(sent + 1))
  })

  test('what a worker asked before it died is heard when its end is closed', () => {
    const { worker, supervisor, asked } = rig()
    for (let id = 0; id < 100; id++) expect(worker.say(offer(id))).toBe(true)
    supervisor.close()
    expect(asked.map(({ id }) => id)).toEqual(Array.from({ length: 100 }, (_, id) => id))
  })

  const good = JSON.stringify([0, 'c', 'f', '', 0, 0, 0, 0, 0])
  test.each([
    ['an unknown kind', 9, 0, good],
    ['an answer', 2, 0, ''],
    ['an unknown command', 1, 77, good],
    ['no JSON', 1, 0, '[0,"c'],
    ['no list', 1, 0, '{"callId":"c"}'],
    ['too few fields', 1, 0, '[0,"c","f"]'],
    ['a set that is no number', 1, 0, good.replace('[0', '["0"')],
    ['a Call-ID that is an object', 1, 0, good.replace('"c"', '{}')],
    ['no Call-ID', 1, 0, good.replace('"c"', '0')],
    ['a tag that is a list', 1, 0, good.replace('"",0', '"",["t"]')],
  ])('a request that no worker writes is refused: %s', async (_, kind, command, prefix) => {
    const { native, made, asked, broken, worker } = rig()
    const memory = native.mapSharedMemory(made.seat.memory, RELAY_RINGS_BYTES)
    new WakingWriter(memory, 0, made.seat.asked, native, CAPACITY).push(kind, 1, command, 0, prefix, '')
    await vi.waitFor(() => expect(broken).toHaveBeenCalledOnce())
    expect(asked).toEqual([])
    expect(worker.say(offer(1))).toBe(true)
    await vi.waitFor(() => expect(asked).toHaveLength(1))
  })
})
