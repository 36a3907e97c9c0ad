// Owns the tests of keys that other relays tell of: rtpengine's JSON read, and everything else dropped.
import { createSocket } from 'node:dgram'
import { expect, test } from 'vitest'
import { ManualClock } from '../../src/clock.ts'
import { createDtmfListener, readDtmf } from '../../src/media/dtmf-listener.ts'
import { type DtmfEvent, dtmfJson } from '../../src/media/dtmf-log.ts'
import { createNgClient } from '../../src/media/index.ts'

const EVENT: DtmfEvent = {
  callId: 'c',
  tag: 'a',
  tags: ['a', 'b'],
  address: '10.0.0.8',
  event: 11,
  digit: '#',
  durationMillis: 150,
  volume: 10,
  timestamp: 1_700_000_000,
}

test('what the relay writes is read', () => {
  expect(readDtmf(dtmfJson(EVENT))).toEqual(EVENT)
})

test('what is no key is dropped; what is too much is cut', () => {
  const without = (change: object) => readDtmf(JSON.stringify({ ...JSON.parse(dtmfJson(EVENT)), ...change }))
  for (const text of ['', '{', 'null', '7', '[]', '{"callid":"c"}']) expect(readDtmf(text)).toBeUndefined()
  for (const change of [{ event: 16 }, { event: -1 }, { event: 1.5 }, { event: '1' }, { callid: 7 }])
    expect(without(change)).toBeUndefined()
  expect(
    without({ tags: Array(1000).fill('x'.repeat(5000)), duration: -5, volume: 'loud', source_ip: {} }),
  ).toMatchObject({
    tags: Array(64).fill('x'.repeat(1024)),
    durationMillis: 0,
    volume: 0,
    address: '',
  })
})

test('a client of relays is told of keys by datagrams', async () => {
  const free = createSocket('udp4')
  await new Promise<void>((resolve) => free.bind(0, '127.0.0.1', resolve))
  const { port } = free.address()
  free.close()
  const client = createNgClient({ sets: new Map(), dtmfEvents: `udp:127.0.0.1:${port}` })
  const sender = createSocket('udp4')
  try {
    const told = new Promise<DtmfEvent>((resolve) => {
      client.onDtmf = resolve
    })
    for (const text of ['garbage', dtmfJson(EVENT)]) sender.send(text, port, '127.0.0.1')
    expect(await told).toEqual(EVENT)
  } finally {
    sender.close()
    await client.close()
  }
})

test('a client that cannot be made leaves nothing behind', () => {
  const clock = new ManualClock()
  const sets = new Map([[0, ['udp:127.0.0.1:22222']]])
  expect(() => createNgClient({ sets, clock, dtmfEvents: 'localhost:5' })).toThrow('dtmf_events_sock')
  expect(clock.pending).toBe(0)
})

test('a place that is none is refused, one that is not ours is told of', async () => {
  const listen = (text: string) =>
    new Promise<Error>((resolve) => {
      createDtmfListener(text, () => undefined, resolve)
    })
  await expect(listen('localhost:5')).rejects.toMatchObject({ code: 'ERR_CONFIG' })
  expect((await listen('192.0.2.1:5555')).message).toContain('EADDRNOTAVAIL')
})
