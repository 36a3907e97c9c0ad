// Owns the tests of the lane: plain messages pass the front below JavaScript, everything else as if there were none.
import { createServer, type Socket } from 'node:net'
import { describe, expect, test, vi } from 'vitest'
import { ManualClock } from '../../src/clock.ts'
import { type SipRequest, StreamFramer } from '../../src/sip/index.ts'
import { Connection } from '../../src/transport/connection.ts'
import { ConnectionPool } from '../../src/transport/connection-pool.ts'
import { Kind, OUT_AT, RING_CAPACITY } from '../../src/transport/front-rings.ts'
import { SHARD_BYTES, shardOf } from '../../src/transport/index.ts'
import { RingReader } from '../../src/transport/shared-ring.ts'
import { WakingWriter } from '../../src/transport/waking-rings.ts'
import { dice } from './dice.ts'
import { bare, closing, dialled, met, native, ok, streams, tick, until } from './front-rig.ts'
import { body, streamOf, writeInPieces } from './random-streams.ts'
import { optionsRequest } from './requests.ts'

describe('what comes in', () => {
  test.each(['plain', 'none'] as const)(
    'random streams, cut anywhere, are cut into the messages of the framer: %s',
    async (lane) => {
      const rig = await bare(3, lane, { connectionsPerSource: 1000 })
      const expected = new Map<number, string[]>()
      await Promise.all(
        Array.from({ length: 60 }, async (_, n) => {
          const { socket } = await dialled(rig.port)
          socket.setNoDelay(true)
          const wire = streamOf(n)
          const framed = new StreamFramer().push(wire)
          expected.set(
            socket.localPort!,
            framed.flatMap((item) => (item.kind === 'message' ? [item.raw] : [])),
          )
          await writeInPieces(socket, wire, n)
        }),
      )
      const count = [...expected.values()].flat().length
      await until(() => rig.texts().length >= count)
      await tick(30)
      for (const [port, messages] of expected) {
        const own = rig.records.filter((record) => record.kind === Kind.message && record.b === port)
        // Each shard has its own in their order.
        for (let shard = 0; shard < 3; shard++) {
          expect(own.filter((record) => record.shard === shard).map(({ text }) => text)).toEqual(
            messages.filter((raw) => shardOf(callIdIn(raw), 3) === shard),
          )
        }
        expect(own.every(({ prefix, c }) => prefix === 'tcp 127.0.0.1' && c === 0)).toBe(true)
        expect(new Set(own.map(({ a }) => a)).size).toBeLessThanOrEqual(1)
      }
    },
  )

  test('a message cut at any byte arrives whole', async () => {
    const rig = await bare(1)
    const { socket } = await dialled(rig.port)
    socket.setNoDelay(true)
    const wire = optionsRequest({ body: 'v=0' }) + optionsRequest()
    for (let cut = 1; cut < wire.length; cut += 3) {
      socket.write(wire.slice(0, cut))
      await tick(0)
      socket.write(wire.slice(cut))
      if (cut % 2 === 0) await tick(0)
    }
    const count = 2 * Math.ceil((wire.length - 1) / 3)
    await until(() => rig.texts().length === count)
    expect(rig.texts().join('')).toBe(wire.repeat(count / 2))
  })

  test('plain messages are not seen by JavaScript; a keep-alive between them is answered, and changes nothing', async () => {
    const seen = vi.spyOn(ConnectionPool.prototype, 'message')
    closing.push(() => seen.mockRestore())
    const rig = await bare(2)
    const client = await dialled(rig.port)
    for (let round = 0; round < 3; round++) {
      client.socket.write(optionsRequest({ callId: `a${round}` }) + optionsRequest({ callId: `b${round}` }))
      await until(() => rig.texts().length === 2 * round + 2)
      client.socket.write('\r\n\r\n')
      await until(() => client.text() === '\r\n'.repeat(round + 1))
    }
    expect(seen).not.toHaveBeenCalled()
    expect(rig.front.stats().keepAlives).toBe(3)
    // A single one may be half of two: what follows it is seen.
    client.socket.write('\r\n')
    await tick(20)
    client.socket.write(optionsRequest())
    await until(() => rig.front.stats().keepAlives === 4)
    expect(seen).toHaveBeenCalledOnce()
    client.socket.write(optionsRequest())
    await until(() => rig.texts().length === 8)
    expect(seen).toHaveBeenCalledOnce()
  })

  test('of a long run JavaScript sees the messages that reads cut, and no others', async () => {
    const seen = vi.spyOn(ConnectionPool.prototype, 'message')
    closing.push(() => seen.mockRestore())
    const rig = await bare(1)
    const { socket } = await dialled(rig.port)
    const wire = optionsRequest({ body: body(700) }).repeat(2000)
    socket.write(wire)
    await until(() => rig.texts().length === 2000)
    expect(rig.texts().join('')).toBe(wire)
    expect(seen.mock.calls.length).toBeLessThan(200)
  })

  test('silence counts from what passed by', async () => {
    const clock = new ManualClock()
    const rig = await bare(1, 'plain', { idleMillis: 60_000 }, clock)
    const client = await dialled(rig.port)
    const ended = new Promise((resolve) => client.socket.once('close', resolve))
    for (let n = 1; n <= 3; n++) {
      client.socket.write(optionsRequest())
      await until(() => rig.texts().length === n)
      clock.advance(45_000)
    }
    expect(rig.front.stats().connections.open).toBe(1)
    clock.advance(60_000)
    await until(() => rig.front.stats().connections.open === 0)
    expect(rig.front.stats().closed).toEqual({ idle: 1 })
    await ended
  })

  test('a far end that leaves, in order or not, is told once to each shard', async () => {
    const rig = await bare(2)
    for (const leave of [(socket: Socket) => socket.end(), (socket: Socket) => socket.resetAndDestroy()]) {
      const client = await dialled(rig.port)
      client.socket.write(optionsRequest())
      const before = rig.texts().length
      await until(() => rig.texts().length > before)
      leave(client.socket)
      await until(() => rig.front.stats().connections.open === 0)
    }
    rig.read()
    expect(rig.records.map(({ kind, shard }) => [kind, shard]).filter(([kind]) => kind !== Kind.message)).toEqual([
      [Kind.flowClosed, 0],
      [Kind.flowClosed, 1],
      [Kind.flowClosed, 0],
      [Kind.flowClosed, 1],
    ])
  })
})

function callIdIn(raw: string): string {
  return /\n(?:call-id|i)[ \t]*:\s*(.*?)\s*\n/i.exec(raw)?.[1] ?? ''
}

describe('what goes out', () => {
  test('replies and requests over a known connection are not seen by JavaScript', async () => {
    const seen = vi.spyOn(Connection.prototype, 'send')
    closing.push(() => seen.mockRestore())
    const rig = await bare(2)
    const client = await met(rig)
    const to = (n: number) =>
      rig.writers[0]!.push(Kind.send, n, client.socket.localPort!, 0, 'tcp 127.0.0.1', `send ${n}\r\n`)
    rig.writers[0]!.push(Kind.reply, 1, client.flow, 0, '', 'reply 1\r\n')
    await until(() => client.text() === 'reply 1\r\n')
    expect(seen).not.toHaveBeenCalled()
    to(2)
    await until(() => client.text().includes('send 2'))
    // The first was led by the pool, the others go where it went.
    expect(seen).toHaveBeenCalledOnce()
    await tick(20)
    for (const n of [3, 4]) to(n)
    await until(() => client.text().includes('send 4'))
    expect(seen).toHaveBeenCalledOnce()
    const other = await met(rig)
    to(5)
    await until(() => client.text().includes('send 5'))
    expect(seen).toHaveBeenCalledTimes(2)
    expect(client.text()).toBe('reply 1\r\nsend 2\r\nsend 3\r\nsend 4\r\nsend 5\r\n')
    client.socket.end()
    await until(() => rig.front.stats().connections.open === 1)
    to(6)
    await until(() => {
      rig.read()
      return rig.records.some(({ kind, a, shard }) => kind === Kind.sendFailed && a === 6 && shard === 0)
    })
    expect(other.text()).toBe('')
  })

  test('a far end that reads late is given everything in its order', async () => {
    const rig = await bare(1, 'plain', { writeBytesPerConnection: 64 << 20 })
    const client = await met(rig)
    client.socket.pause()
    const length = 30_000
    const line = (n: number): string => `${String(n).padStart(8, '0')} ${'x'.repeat(length)}\r\n`
    const count = 500
    for (let n = 0; n < count; n++) {
      while (!rig.writers[0]!.push(Kind.reply, n, client.flow, 0, '', line(n))) await tick()
      if (n % 50 === 0) await tick(2)
      if (n === 300) client.socket.resume()
    }
    await until(() => client.text().length === count * line(0).length)
    expect(client.text()).toBe(Array.from({ length: count }, (_, n) => line(n)).join(''))
    await until(() => rig.front.stats().writeBytes === 0)
    rig.writers[0]!.push(Kind.reply, count, client.flow, 0, '', 'last')
    await until(() => client.text().endsWith('last'))
  })

  test('one that does not read at all is closed at the limit, and each send that was lost is told', async () => {
    const rig = await bare(1, 'plain', { writeBytesPerConnection: 200_000 })
    const client = await met(rig)
    client.socket.pause()
    const text = 'x'.repeat(50_000)
    let sent = 0
    await until(() => {
      if (rig.writers[0]!.push(Kind.reply, sent, client.flow, 0, '', text)) sent++
      return rig.front.stats().connections.open === 0
    })
    expect(rig.front.stats().closed).toEqual({ overflow: 1 })
    expect(rig.front.stats().writeBytes).toBe(0)
    await tick(20)
    rig.read()
    const failed = rig.records.filter(({ kind }) => kind === Kind.sendFailed).map(({ a }) => a)
    // The last ones, without a gap.
    expect(failed.toSorted((a, b) => a - b)).toEqual(failed.map((_, n) => sent - failed.length + n))
    expect(failed.length).toBeGreaterThanOrEqual(4)
  })

  test('a keep-alive is answered by any message that passes by', async () => {
    const clock = new ManualClock()
    const rig = await bare(1, 'plain', { keepAliveMillis: 30_000 }, clock)
    let far: Socket | undefined
    let heard = ''
    const server = createServer((socket) => {
      far = socket.on('data', (chunk) => {
        heard += chunk.toString('latin1')
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closing.push(() => server.close())
    const { port } = server.address() as { port: number }
    rig.writers[0]!.push(Kind.send, 1, port, 0, 'tcp 127.0.0.1', optionsRequest())
    await until(() => heard === optionsRequest())
    clock.advance(30_000)
    await until(() => heard.endsWith('\r\n\r\n\r\n\r\n'))
    far!.write(optionsRequest())
    await until(() => rig.texts().length === 1)
    clock.advance(10_000)
    expect(rig.front.stats().connections.open).toBe(1)
    clock.advance(30_000)
    await until(() => heard.endsWith('\r\n\r\n\r\n\r\n\r\n\r\n'))
    clock.advance(10_000)
    expect(rig.front.stats().closed).toEqual({ keepalive: 1 })
  })

  test('nothing that a shard wrote is trusted', async () => {
    const rig = await bare(1)
    const client = await met(rig)
    const words = new Int32Array(rig.links[0]!.memory, OUT_AT)
    const sizes = [-1, 0, 31, 33, 32, 64, 1 << 30, -32, RING_CAPACITY, RING_CAPACITY + 32, 4096]
    const lengths = [0, -1, 1 << 30, 2 ** 31 - 1, 40, 4000, -(2 ** 31)]
    const roll = dice(7)
    for (let n = 0; n < 400; n++) {
      const head = words[0]!
      const at = (256 + (head & (RING_CAPACITY - 1))) >> 2
      const record = [
        sizes[roll(sizes.length)]!,
        roll(8),
        n,
        roll(2) === 0 ? client.flow : n,
        0,
        lengths[roll(lengths.length)]!,
        lengths[roll(lengths.length)]!,
        0,
      ]
      for (const [i, value] of record.entries()) words[at + i] = value
      // The head as well, and now and then the tail, which is the reader's.
      Atomics.store(words, 0, (head + [32, 64, 4096, RING_CAPACITY, 1 << 30, 7][roll(6)]!) | 0)
      if (roll(10) === 0) Atomics.store(words, 16, roll(1 << 30))
      native.signalEvent(rig.event)
      if (n % 4 === 0) await tick(0)
    }
    await tick(20)
    // An honest writer in its place.
    Atomics.store(words, 0, 0)
    Atomics.store(words, 16, 0)
    const next = await met(rig)
    rig.writers[0]!.push(Kind.reply, 1, next.flow, 0, '', 'still here')
    native.signalEvent(rig.event)
    await until(() => next.text() === 'still here')
  })

  test('a connection that becomes a WebSocket leaves the lane for good', async () => {
    const rig = await bare(1)
    const client = await dialled(rig.port)
    client.socket.write('GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n')
    await until(() => rig.texts().length === 1)
    const flow = rig.records[0]!.a
    rig.writers[0]!.push(Kind.reply, 1, flow, 0, '', 'HTTP/1.1 101 Switching Protocols\r\n\r\n')
    rig.writers[0]!.push(Kind.reply, 2, flow, 0, '', 'SIP/2.0 200 OK\r\n\r\n')
    await until(() => client.text().includes('SIP/2.0'))
    expect(client.text()).toMatch(/^HTTP\/1.1 101 Switching Protocols\r\n\r\n[\x81\x82]\x12SIP\/2.0 200 OK\r\n\r\n$/)
    // A masked text frame, the mask all zeros.
    const wire = optionsRequest()
    const head = Buffer.from([0x81, 0x80 | 126, wire.length >> 8, wire.length & 255, 0, 0, 0, 0])
    client.socket.write(Buffer.concat([head, Buffer.from(wire, 'latin1')]))
    await until(() => rig.texts().length === 2)
    expect(rig.records[1]).toMatchObject({ a: flow, prefix: 'ws 127.0.0.1', text: wire })
  })
})

test('what is sent in one batch wakes the front once, and not at all while it reads', () => {
  const memory = new ArrayBuffer(SHARD_BYTES)
  let woken = 0
  const writer = new WakingWriter(memory, OUT_AT, 0, { signalEvent: () => woken++ }, RING_CAPACITY)
  const reader = new RingReader(memory, OUT_AT, RING_CAPACITY)
  const push = (): boolean => writer.push(Kind.reply, 1, 2, 0, '', 'text')
  expect(reader.sleep()).toBe(true)
  writer.beginBatch()
  push()
  push()
  expect(woken).toBe(0)
  writer.endBatch()
  expect(woken).toBe(1)
  push()
  writer.beginBatch()
  writer.endBatch()
  expect(woken).toBe(1)
  expect(reader.drain(9, () => {})).toBe(3)
  expect(reader.sleep()).toBe(true)
  push()
  expect(woken).toBe(2)
})

test('messages pass while a shard is replaced', async () => {
  const rig = await streams(1)
  const client = await dialled(rig.port)
  let sent = 0
  const more = setInterval(() => client.socket.write(optionsRequest({ callId: `n${sent++}.` })), 1)
  closing.push(() => clearInterval(more))
  let shard = rig.shards[0]!
  const answered: string[] = []
  for (let round = 0; round < 5; round++) {
    for (let n = 0; n < 20; n++) {
      const one = await shard.next()
      answered.push((one.message as SipRequest).callId)
      ok(one, shard.layer)
    }
    await shard.layer.close()
    await tick(10)
    shard = await rig.restart(0)
  }
  clearInterval(more)
  await shard.layer.close()
  await until(() => client.text().split('SIP/2.0 200').length === 101)
  expect([...client.text().matchAll(/Call-ID: (n\d+\.)/g)].map(([, id]) => id)).toEqual(answered)
})
