// Owns the tests of the front: datagrams spread over shards, connections that outlive a shard, errors that come back.
import { createSocket, type Socket as Datagrams } from 'node:dgram'
import { createServer } from 'node:net'
import { describe, expect, test } from 'vitest'
import { ManualClock, systemClock } from '../../src/clock.ts'
import { buildReply, type SipRequest } from '../../src/sip/index.ts'
import { RING_CAPACITY } from '../../src/transport/front-rings.ts'
import { callIdOf, DATAGRAMS_AT, DATAGRAMS_CAPACITY, frontFlow, shardOf } from '../../src/transport/index.ts'
import { RingReader } from '../../src/transport/shared-ring.ts'
import { callIdFor, closing, dialled, links, native, ok, Shard, streams, until } from './front-rig.ts'
import { noFailure, optionsRequest } from './requests.ts'

describe('streams', () => {
  test('each message goes to the shard of its call, and the reply back over the connection', async () => {
    const { shards, port } = await streams(3)
    const client = await dialled(port)
    const ids = [0, 1, 2].map((shard) => callIdFor(shard, 3))
    // All in one write, and the last one in two.
    const wire = ids.map((callId) => optionsRequest({ callId })).join('')
    client.socket.write(wire.slice(0, -40))
    client.socket.write(wire.slice(-40))
    for (const [index, shard] of shards.entries()) {
      const one = await shard.next()
      expect((one.message as SipRequest).callId).toBe(ids[index])
      expect(one.flow).toMatchObject({ transport: 'tcp', remoteAddress: '127.0.0.1', reliable: true })
      expect(one.flow.remotePort).toBe(client.socket.localPort)
      ok(one, shard.layer)
    }
    await until(() => client.text().split('SIP/2.0 200').length === 4)
    expect(shards.map((shard) => shard.waits.length > 0)).toEqual([true, true, true])
    client.socket.end()
    await until(() => shards.every((shard) => shard.closedFlows.length === 1))
  })

  test('a shard that dies leaves its connections, and what waits, to the next', async () => {
    const { front, shards, port, restart } = await streams(1)
    const client = await dialled(port)
    client.socket.write(optionsRequest({ callId: 'deadly' }))
    const deadly = await shards[0]!.next()
    await shards[0]!.layer.close()
    client.socket.write(optionsRequest({ callId: 'after' }))
    const words = buildReply(deadly.message as SipRequest, 500, 'Server Internal Error')
    expect(front.reply(frontFlow(deadly.flow), words)).toBe(true)
    const heir = await restart(0)
    closing.push(() => heir.layer.close())
    const after = await heir.next()
    expect((after.message as SipRequest).callId).toBe('after')
    ok(after, heir.layer)
    await until(() => client.text().includes('SIP/2.0 200'))
    expect(client.text()).toMatch(/^SIP\/2.0 500 /)
    expect(front.reply(12_345, words)).toBe(false)
    expect(front.stats().connections).toEqual({ open: 1, accepted: 1, dialled: 0 })
  })

  test('dialling is shared by all shards; what could not be sent is told to who sent it', async () => {
    const { front, shards } = await streams(2)
    const heard: string[] = []
    const server = createServer((socket) => socket.on('data', (chunk) => heard.push(chunk.toString('latin1'))))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    closing.push(() => new Promise((resolve) => server.close(resolve)))
    const hop = { transport: 'tcp' as const, address: '127.0.0.1', port }
    for (const { layer } of shards) layer.send(hop, optionsRequest(), noFailure)
    await until(() => heard.join('').split('OPTIONS sip:').length === 3)
    expect(front.stats().connections.dialled).toBe(1)
    const errors = await Promise.all(
      shards.map(
        ({ layer }) => new Promise<Error>((failed) => layer.send({ ...hop, port: 1 }, optionsRequest(), failed)),
      ),
    )
    for (const error of errors) expect(error).toMatchObject({ code: 'ERR_TRANSPORT', message: /ECONNREFUSED|refused/ })
    front.close()
  })

  test.each(['none', 'plain', 'lent'] as const)(
    'where none shall be made, only an open connection is used (lane: %s)',
    async (lane) => {
      const { front, shards } = await streams(1, {}, systemClock, lane)
      const { layer } = shards[0]!
      const heard: string[] = []
      const server = createServer((socket) => socket.on('data', (chunk) => heard.push(chunk.toString('latin1'))))
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      const { port } = server.address() as { port: number }
      closing.push(() => new Promise((resolve) => server.close(resolve)))
      closing.push(() => front.close())
      const hop = { transport: 'tcp' as const, address: '127.0.0.1', port }
      const only = { ...hop, noConnect: true }
      const refused = () => new Promise<Error>((failed) => layer.send(only, optionsRequest({ callId: 'no' }), failed))
      expect(await refused()).toMatchObject({ code: 'ERR_TRANSPORT', message: /none shall be made/ })
      expect(front.stats().connections.dialled).toBe(0)
      layer.send(hop, optionsRequest({ callId: 'one' }), noFailure)
      await until(() => heard.join('').includes('one'))
      layer.send(only, optionsRequest({ callId: 'two' }), noFailure)
      await until(() => heard.join('').includes('two'))
      expect(heard.join('')).not.toContain('Call-ID: no')
      expect(front.stats().connections.dialled).toBe(1)
    },
  )

  test('bytes that are not SIP are answered and the connection closed by the front alone', async () => {
    const { shards, port } = await streams(1)
    const client = await dialled(port)
    const ended = new Promise((resolve) => client.socket.once('close', resolve))
    client.socket.write(optionsRequest().replace('Content-Length: 0', 'Content-Length: x'))
    await ended
    expect(client.text()).toMatch(/^SIP\/2.0 400 /)
    expect(shards[0]!.arrived).toEqual([])
  })

  test('what came whole before such bytes is answered before the connection goes', async () => {
    const clock = new ManualClock()
    const { shards, port } = await streams(1, {}, clock)
    const client = await dialled(port)
    const ended = new Promise((resolve) => client.socket.once('close', resolve))
    client.socket.write(optionsRequest() + optionsRequest().replace('Content-Length: 0', 'Content-Length: x'))
    ok(await shards[0]!.next(), shards[0]!.layer)
    await until(() => client.text().includes('SIP/2.0 200'))
    clock.advance(200)
    await ended
    expect(client.text()).toMatch(/SIP\/2.0 400 [\s\S]*SIP\/2.0 200 /)
  })

  test('what finds no room in the ring of its shard is refused at once', async () => {
    const { front, shards, port } = await streams(1, { writeBytesPerConnection: 64 << 20 })
    await shards[0]!.layer.close()
    const client = await dialled(port)
    const body = 'x'.repeat(20_000)
    const count = Math.ceil(RING_CAPACITY / 20_000) + 20
    for (let n = 0; n < count; n++) client.socket.write(optionsRequest({ callId: `c${n}`, body }))
    await until(() => client.text().includes('SIP/2.0 503 '))
    expect(front.stats().unparsable['503']).toBeGreaterThan(0)
  })
})

describe('datagrams', () => {
  async function spread(count: number) {
    const { shards: made, event } = links(count)
    const fd = native.bind('udp', '127.0.0.1', 0)
    const port = native.localPort(fd)
    const thread = native.startSpread([{ fd, listener: 0 }], made, {
      offset: DATAGRAMS_AT,
      capacity: DATAGRAMS_CAPACITY,
    })
    const shards = await Promise.all(
      made.map((link) =>
        new Shard(
          [{ transport: 'udp', address: '127.0.0.1', port, fd: native.duplicate(fd) }],
          link,
          event,
          'spread',
        ).start(),
      ),
    )
    closing.push(async () => {
      thread.close()
      thread.close()
      for (const { layer } of shards) await layer.close()
      native.close(fd)
    })
    return { shards, port, links: made }
  }

  function client(): Promise<{ socket: Datagrams; heard: string[] }> {
    return new Promise((resolve) => {
      const socket = createSocket('udp4')
      const heard: string[] = []
      socket.on('message', (bytes) => heard.push(bytes.toString('latin1')))
      closing.push(() => socket.close())
      socket.bind(0, '127.0.0.1', () => resolve({ socket, heard }))
    })
  }

  test('that find no room in the ring of their shard are told of', async () => {
    const { shards, port, links: made } = await spread(2)
    const rings = made.map(({ memory }) => new RingReader(memory, DATAGRAMS_AT, DATAGRAMS_CAPACITY))
    const from = native.bind('udp', '127.0.0.1', 0)
    closing.push(() => native.close(from))
    const wire = Buffer.from(optionsRequest({ body: 'x'.repeat(50_000) }), 'latin1')
    // The thread spreads while this one writes and waits for it, and the shards do not read meanwhile.
    const pause = (): unknown => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2)
    const count = Math.ceil(DATAGRAMS_CAPACITY / 50_000) + 40
    for (let n = 0; n < count; n++) {
      native.sendTo(from, wire, '127.0.0.1', port)
      if (n % 8 === 0) pause()
    }
    for (let n = 0; n < 1000 && rings.every(({ dropped }) => dropped <= 20); n++) pause()
    const told = (): number => shards.reduce((sum, { arrived, lost }) => sum + arrived.length + lost, 0)
    await until(() => told() === count)
    expect(shards.reduce((sum, { lost }) => sum + lost, 0)).toBeGreaterThan(20)
  })

  test('that are read as they come use the beginning of their ring again and again', async () => {
    const { shards, port, links: made } = await spread(1)
    const { socket } = await client()
    const body = 'x'.repeat(4000)
    for (let n = 0; n < 120; n++) {
      socket.send(Buffer.from(optionsRequest({ callId: `c${n}`, body }), 'latin1'), port, '127.0.0.1')
      const { message } = await shards[0]!.next()
      expect(message.raw).toContain(`Call-ID: c${n}\r\n`)
    }
    const ring = Buffer.from(made[0]!.memory, DATAGRAMS_AT, DATAGRAMS_CAPACITY)
    const used = ring.findLastIndex((byte) => byte !== 0)
    expect(used).toBeGreaterThan(100_000)
    expect(used).toBeLessThan(150_000)
  })

  test('follow their Call-ID, as both sides reckon it, and are answered from the socket they came to', async () => {
    const { shards, port } = await spread(3)
    const { socket, heard } = await client()
    const forms = ['Call-ID: ', 'i:', 'CALL-ID \t: ', 'Call-ID:\r\n ']
    const count = 240
    for (let n = 0; n < count; n++) {
      const wire = optionsRequest({ callId: `c-${n}`, via: 'Via: SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bK1' })
      socket.send(Buffer.from(wire.replace('Call-ID: ', forms[n % forms.length]!), 'latin1'), port, '127.0.0.1')
    }
    await until(() => shards.reduce((sum, shard) => sum + shard.arrived.length, 0) === count)
    for (const [index, shard] of shards.entries()) {
      expect(shard.arrived.length).toBeGreaterThan(count / 6)
      for (const one of shard.arrived) {
        expect(shardOf(callIdOf(one.message.raw), 3)).toBe(index)
        ok(one, shard.layer)
      }
    }
    await until(() => heard.length === count)
    const waits = shards.flatMap((shard) => shard.waits)
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...waits)).toBeLessThan(2000)
  })
})
