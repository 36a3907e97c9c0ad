// Owns the tests of loans: the only shard reads and writes plain connections itself, and nobody can tell but by the cost.
import { createServer, type Socket } from 'node:net'
import { describe, expect, test, vi } from 'vitest'
import { type Clock, ManualClock, systemClock } from '../../src/clock.ts'
import { silentLog } from '../../src/log.ts'
import type { SipRequest } from '../../src/sip/index.ts'
import { ConnectionPool } from '../../src/transport/connection-pool.ts'
import { Kind, Returned } from '../../src/transport/front-rings.ts'
import { frontFlow, openStreamFront, type TransportLimits } from '../../src/transport/index.ts'
import { bare, closing, dialled, native, ok, tick, until } from './front-rig.ts'
import { answering, idsIn, repliesIn, rigOf } from './loan-rig.ts'
import { body } from './random-streams.ts'
import { noFailure, optionsRequest } from './requests.ts'

describe('a lent connection', () => {
  test('is read and written by the shard alone', async () => {
    const seen = vi.spyOn(ConnectionPool.prototype, 'message')
    closing.push(() => seen.mockRestore())
    const rig = await rigOf()
    const client = await rig.client()
    const before = rig.heads()
    const wire = (n: number): string => optionsRequest({ callId: `a${n}`, body: body(n * 30) })
    const wires = Array.from({ length: 60 }, (_, n) => wire(n))
    for (let n = 0; n < 60; n += 20) {
      client.socket.write(wires.slice(n, n + 20).join(''))
      await until(() => rig.shard.arrived.length === n + 20)
    }
    expect(rig.shard.arrived.map(({ message }) => message.raw)).toEqual(wires)
    expect(rig.shard.arrived[0]!.flow).toMatchObject({ transport: 'tcp', remoteAddress: '127.0.0.1', reliable: true })
    expect(rig.shard.arrived[0]!.flow.remotePort).toBe(client.socket.localPort)
    for (const one of rig.shard.arrived) ok(one, rig.shard.layer)
    await until(() => repliesIn(client.text()).length === 60)
    expect(idsIn(client.text())).toEqual(wires.map((_, n) => `a${n}`))
    const after = rig.heads()
    expect({ ...after, loaned: 0 }).toEqual({ ...before, loaned: 0 })
    expect(after.loaned).not.toBe(before.loaned)
    expect(seen).not.toHaveBeenCalled()
    expect(rig.back).not.toHaveBeenCalled()
    expect(rig.shard.waits.length).toBeGreaterThan(0)
  })

  test('takes requests as well, once the front has said that they go there', async () => {
    const rig = await rigOf()
    const client = await rig.client()
    const hop = { transport: 'tcp' as const, address: '127.0.0.1', port: client.socket.localPort! }
    const send = (callId: string): void => rig.shard.layer.send(hop, optionsRequest({ callId }), noFailure)
    send('first')
    send('second')
    await until(() => idsIn(client.text()).length === 2)
    const before = rig.heads()
    send('third')
    send('fourth')
    await until(() => idsIn(client.text()).length === 4)
    expect(rig.heads()).toEqual(before)
    expect(idsIn(client.text())).toEqual(['first', 'second', 'third', 'fourth'])
    // Another connection may lead there better: the front is asked again.
    await rig.client()
    send('fifth')
    await until(() => idsIn(client.text()).length === 5)
    expect(rig.heads().out).not.toBe(before.out)
    expect(rig.back).not.toHaveBeenCalled()
    expect(rig.front.stats().connections).toEqual({ open: 2, accepted: 2, dialled: 0 })
  })

  test('is given back for what is not plain, and lent again', async () => {
    const rig = await rigOf()
    const client = await rig.client()
    for (let round = 1; round <= 3; round++) {
      client.socket.write(`${optionsRequest({ callId: `a${round}` })}\r\n\r\n`)
      await until(() => client.text() === '\r\n'.repeat(round) && rig.shard.arrived.length === round)
      expect(rig.back).toHaveBeenCalledTimes(round)
      await until(() => rig.lent() === round + 1)
      await tick(5)
    }
    expect(rig.front.stats().keepAlives).toBe(3)
    const before = rig.heads().streams
    // Cut in the middle: the front has the rest, and the shard each once.
    const wire = optionsRequest({ callId: 'cut' })
    client.socket.write(optionsRequest({ callId: 'whole' }) + wire.slice(0, 50))
    await until(() => rig.back.mock.calls.length === 4)
    client.socket.write(wire.slice(50))
    await until(() => rig.shard.arrived.length === 5)
    expect(rig.shard.arrived.slice(3).map(({ message }) => (message as SipRequest).callId)).toEqual(['whole', 'cut'])
    expect(rig.heads().streams).not.toBe(before)
  })

  test('that comes back late is read by the front before it is lent again', async () => {
    let now = 0
    // A second passes between any two looks: whenever something is given back, it may be lent again.
    const late: Clock = {
      ...systemClock,
      now: () => (now += 1000),
      setTimer: (_, fire) => systemClock.setTimer(0, fire),
    }
    const never = { idleMillis: 1e12, partialMillis: 1e12, stallMillis: 1e12, connectMillis: 1e12 }
    const rig = await rigOf(never, late)
    const client = await rig.client()
    for (const [n, callId] of ['a', 'b', 'c'].entries()) {
      client.socket.write(optionsRequest({ callId, extra: 'X: one\r\n\ttwo' }))
      await until(() => rig.shard.arrived.length === n + 1)
    }
  })

  test('is read in its order when the front goes on while the shard is behind', async () => {
    const rig = await rigOf()
    const client = await rig.client()
    const short = (callId: string, extra = ''): string =>
      `OPTIONS sip:a SIP/2.0\r\nv:SIP/2.0/TCP a;branch=z9hG4bK1\r\nf:<sip:a@b>;tag=1\r\nt:<sip:a>\r\ni:${callId}\r\nCSeq:1 OPTIONS\r\n${extra}l:0\r\n\r\n`
    // As many as one read holds: the shard comes to them in some turns.
    const ids = Array.from({ length: 520 }, (_, n) => `a${n}`)
    client.socket.write(ids.map((id) => short(id)).join('') + short('folded', 'X: one\r\n two\r\n') + short('z'))
    await until(() => rig.shard.arrived.length === ids.length + 2)
    expect(rig.shard.arrived.map(({ message }) => (message as SipRequest).callId)).toEqual([...ids, 'folded', 'z'])
    expect(rig.back).toHaveBeenCalledOnce()
  })

  test('gives a far end that reads late everything in its order', async () => {
    const rig = await rigOf({ writeBytesPerConnection: 64 << 20 })
    const client = await rig.client()
    client.socket.write(optionsRequest())
    const { message, flow } = await rig.shard.next()
    client.socket.pause()
    const { layer } = rig.shard
    const line = (n: number): string => `${String(n).padStart(8, '0')} ${'x'.repeat(30_000)}\r\n`
    const write = (n: number): void =>
      layer.reply(flow, layer.replyTarget(flow, message as SipRequest), line(n), noFailure)
    const count = 400
    for (let n = 0; n < count; n++) {
      write(n)
      if (n % 7 === 0) await tick()
      if (n === 300) client.socket.resume()
    }
    await until(() => client.text().length === count * line(0).length)
    expect(client.text() === Array.from({ length: count }, (_, n) => line(n)).join('')).toBe(true)
    expect(rig.back).toHaveBeenCalled()
    await until(() => rig.front.stats().writeBytes === 0)
  })

  test('is wanted back while the shard writes: each message stays whole', async () => {
    const rig = await rigOf()
    const client = await rig.client()
    answering(rig.shard.layer, rig.shard.arrived)
    client.socket.write(optionsRequest({ callId: 'w0' }))
    await until(() => repliesIn(client.text()).length === 1)
    let flow = 0
    for (let n = 1; flow === 0; n++) if (rig.front.reply(n, '')) flow = n
    let fronts = 0
    for (let n = 1; n < 400; n++) {
      client.socket.write(optionsRequest({ callId: `w${n}`, body: body(n) }))
      if (n % 3 === 0) rig.front.reply(flow, optionsRequest({ callId: `front-${fronts++}` }))
      if (n % 5 === 0) await tick(n % 100 === 0 ? 110 : 1)
    }
    await until(() => repliesIn(client.text()).length === 400 + fronts)
    const ids = idsIn(client.text())
    expect(ids.filter((id) => id.startsWith('w'))).toEqual(Array.from({ length: 400 }, (_, n) => `w${n}`))
    expect(ids.filter((id) => id.startsWith('f'))).toEqual(Array.from({ length: fronts }, (_, n) => `front-${n}`))
    expect(rig.lent()).toBeGreaterThan(3)
  })

  test.each(['in order', 'by a reset'])(
    'that the far end leaves %s is gone for the front and the shard',
    async (how) => {
      const rig = await rigOf()
      const client = await rig.client()
      client.socket.write(optionsRequest({ callId: 'last' }).repeat(3))
      if (how === 'in order') client.socket.end()
      else await until(() => rig.shard.arrived.length === 3)
      if (how !== 'in order') client.socket.resetAndDestroy()
      await until(() => rig.front.stats().connections.open === 0)
      await until(() => rig.shard.closedFlows.length === 1)
      expect(rig.shard.arrived).toHaveLength(3)
      expect(frontFlow(rig.shard.arrived[0]!.flow)).toBe(rig.shard.closedFlows[0])
    },
  )

  test('silence counts from what passed', async () => {
    const clock = new ManualClock()
    const rig = await rigOf({ idleMillis: 60_000 }, clock)
    const client = await rig.client()
    const ended = new Promise((resolve) => client.socket.once('close', resolve))
    for (let n = 1; n <= 3; n++) {
      client.socket.write(optionsRequest())
      await until(() => rig.shard.arrived.length === n)
      await tick(20)
      clock.advance(45_000)
      await tick(20)
    }
    expect(rig.front.stats().connections.open).toBe(1)
    expect(rig.back).not.toHaveBeenCalled()
    clock.advance(60_000)
    await ended
    expect(rig.front.stats().closed).toEqual({ idle: 1 })
    await until(() => rig.shard.closedFlows.length === 1)
  })

  test('becomes a WebSocket', async () => {
    const rig = await rigOf()
    const client = await rig.client()
    client.socket.write('GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n')
    await until(() => rig.shard.pages.length === 1)
    // It is lent again before the answer comes.
    await until(() => rig.lent() === 2)
    await tick(5)
    const { layer, pages } = rig.shard
    const { flow, message } = pages[0]!
    const target = layer.replyTarget(flow, message as SipRequest)
    layer.reply(flow, target, 'HTTP/1.1 101 Switching Protocols\r\n\r\n', noFailure)
    layer.reply(flow, target, 'SIP/2.0 200 OK\r\n\r\n', noFailure)
    await until(() => client.text().includes('SIP/2.0'))
    expect(client.text()).toMatch(/^HTTP\/1.1 101 Switching Protocols\r\n\r\n[\x81\x82]\x12SIP\/2.0 200 OK\r\n\r\n$/)
    const wire = optionsRequest()
    const head = Buffer.from([0x81, 0x80 | 126, wire.length >> 8, wire.length & 255, 0, 0, 0, 0])
    client.socket.write(Buffer.concat([head, Buffer.from(wire, 'latin1')]))
    await until(() => rig.shard.arrived.length === 1)
    expect(rig.shard.arrived[0]!.flow.transport).toBe('ws')
    expect(rig.lent()).toBe(2)
  })
})

/** A far end that listens, the connection to it lent after the first request. */
async function far(limits: Partial<TransportLimits> = {}, clock: Clock = systemClock) {
  const rig = await rigOf(limits, clock)
  const end = { socket: undefined as Socket | undefined, heard: '' }
  const server = createServer((socket) => {
    end.socket = socket.on('error', () => {})
    socket.on('data', (chunk) => {
      end.heard += chunk.toString('latin1')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => server.close())
  const { port } = server.address() as { port: number }
  const errors: Error[] = []
  const send = (callId: string): void =>
    rig.shard.layer.send({ transport: 'tcp', address: '127.0.0.1', port }, optionsRequest({ callId }), (error) =>
      errors.push(error),
    )
  send('s0')
  await until(() => end.heard.includes('s0'))
  await until(() => rig.lent() === 1)
  // The kernel tells ages in steps.
  await tick(15)
  return { ...rig, end, errors, send }
}

describe('a connection of ours that is lent', () => {
  test('is asked whether its far end lives, which any message answers', async () => {
    const clock = new ManualClock()
    const rig = await far({ keepAliveMillis: 30_000 }, clock)
    const probe = '\r\n\r\n'
    clock.advance(30_000)
    await until(() => rig.end.heard.endsWith(`\r\n\r\n${probe}`))
    await until(() => rig.lent() === 2)
    await tick(20)
    rig.end.socket!.write(optionsRequest())
    await until(() => rig.shard.arrived.length === 1)
    clock.advance(10_000)
    expect(rig.front.stats().connections.open).toBe(1)
    await tick(20)
    clock.advance(30_000)
    await until(() => rig.end.heard.endsWith(`\r\n\r\n${probe}${probe}`))
    await until(() => rig.lent() === 3)
    await tick(20)
    clock.advance(10_000)
    await until(() => rig.front.stats().connections.open === 0)
    expect(rig.front.stats().closed).toEqual({ keepalive: 1 })
  })

  test('tells what was lost with a far end that resets; what came before something was heard is not', async () => {
    const rig = await far()
    rig.send('s1')
    await until(() => rig.end.heard.includes('s1'))
    rig.end.socket!.write(optionsRequest())
    await until(() => rig.shard.arrived.length === 1)
    const before = rig.heads().out
    rig.send('s2')
    rig.send('s3')
    await until(() => rig.end.heard.includes('s3'))
    expect(rig.heads().out).toBe(before)
    rig.end.socket!.resetAndDestroy()
    await until(() => rig.errors.length === 2)
    expect(rig.errors[0]).toMatchObject({
      code: 'ERR_TRANSPORT',
      message: /^cannot send to tcp 127.0.0.1:\d+: .*reset/,
    })
    await tick(20)
    expect(rig.errors).toHaveLength(2)
  })
})

describe('whoever begins anew', () => {
  test('a shard that follows another goes on where that one stopped', async () => {
    const rig = await rigOf()
    const client = await rig.client()
    let shard = rig.shard
    let sent = 0
    const more = setInterval(() => client.socket.write(optionsRequest({ callId: `n${sent++}.` })), 1)
    closing.push(() => clearInterval(more))
    const answered: string[] = []
    for (let round = 0; round < 5; round++) {
      for (let n = 0; n < 30; n++) {
        const one = await shard.next()
        answered.push((one.message as SipRequest).callId)
        ok(one, shard.layer)
      }
      await shard.layer.close()
      // What it had not come to is lost with it here; a message in a ring is not.
      answered.push(...shard.arrived.map(({ message }) => (message as SipRequest).callId))
      await tick(10)
      shard = await rig.restart(0)
    }
    clearInterval(more)
    closing.push(() => shard.layer.close())
    await until(() => answered.length + shard.arrived.length === sent)
    answered.push(...shard.arrived.map(({ message }) => (message as SipRequest).callId))
    expect(answered).toEqual(Array.from({ length: sent }, (_, n) => `n${n}.`))
    expect(rig.lent()).toBeGreaterThan(5)
    expect(rig.front.stats().connections.open).toBe(1)
  })

  test('a front that follows another ends its connections, and lends its own', async () => {
    const rig = await rigOf()
    const client = await rig.client()
    const ended = new Promise((resolve) => client.socket.once('close', resolve))
    rig.front.close()
    await ended
    const fd = native.bind('tcp', '127.0.0.1', 0)
    const port = native.localPort(fd)
    const listen = [{ transport: 'tcp' as const, address: '127.0.0.1', port, fd }]
    const front = await openStreamFront({
      ...{ listen, shards: rig.links, event: rig.event, log: silentLog, passage: rig.passage! },
      ...{ tls: { profiles: {} }, limits: {}, parseLimits: {} },
    })
    closing.push(() => front.close())
    await tick(10)
    const next = await dialled(port)
    await until(() => rig.lent() === 2)
    await tick(15)
    const before = rig.heads().streams
    next.socket.write(optionsRequest())
    ok(await rig.shard.next(), rig.shard.layer)
    await until(() => repliesIn(next.text()).length === 1)
    expect(rig.heads().streams).toBe(before)
  })
})

test('a worker that is behind keeps no reply from leaving, and is lent nothing more until it says so', async () => {
  const rig = await bare(1, 'lent')
  const out = rig.writers[0]!
  out.push(Kind.attached, 1, 1, 0, '', '')
  const client = await dialled(rig.port)
  const loans = () => {
    rig.read()
    return rig.records.filter(({ kind }) => kind === Kind.lent)
  }
  await until(() => loans().length === 1)
  const flow = loans()[0]!.a
  for (const id of [1, 2]) out.push(Kind.reply, id, flow, 0, '', optionsRequest({ callId: `reply-${id}` }))
  await until(() => idsIn(client.text()).length === 2)
  expect(idsIn(client.text())).toEqual(['reply-1', 'reply-2'])
  await tick(250)
  expect(loans()).toHaveLength(1)
  out.push(Kind.returned, 0, flow, Returned.later, '', '')
  await until(() => loans().length === 2)
})
