// Owns the tests of UDP and TCP on real sockets of the loopback.
import { createSocket } from 'node:dgram'
import { connect, createServer, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { buildReply, type SipMessage, type SipRequest } from '../../src/sip/index.ts'
import {
  createTransport,
  type Flow,
  type Hop,
  nativeSockets,
  type TransportLayer,
  type TransportOptions,
} from '../../src/transport/index.ts'
import { noFailure, optionsRequest } from './requests.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

interface Arrived {
  readonly message: SipMessage
  readonly flow: Flow
}

async function started(options: TransportOptions): Promise<{ layer: TransportLayer; next(): Promise<Arrived> }> {
  const layer = createTransport(options)
  const arrived: Arrived[] = []
  const waiting: ((one: Arrived) => void)[] = []
  await layer.start({
    onMessage(message, flow) {
      const first = waiting.shift()
      if (first) first({ message, flow })
      else arrived.push({ message, flow })
    },
  })
  closing.push(() => layer.close())
  return {
    layer,
    next() {
      const first = arrived.shift()
      return first ? Promise.resolve(first) : new Promise((resolve) => waiting.push(resolve))
    },
  }
}

function hopTo(layer: TransportLayer, index = 0): Hop {
  const { transport, address, port } = layer.listeners[index]!
  return { transport, address, port }
}

async function dialled(port: number): Promise<{ socket: Socket; text(): string; ended: Promise<void> }> {
  const socket = connect(port, '127.0.0.1')
  let text = ''
  socket.on('data', (chunk) => (text += chunk.toString('latin1')))
  socket.on('error', () => {})
  const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  await new Promise((resolve) => socket.once('connect', resolve))
  closing.push(() => socket.destroy())
  return { socket, text: () => text, ended }
}

const fails = (layer: TransportLayer, hop: Hop): Promise<Error> =>
  new Promise((resolve) => layer.send(hop, optionsRequest(), resolve))

describe.each(['127.0.0.1', '::1'])('between two layers on %s', (address) => {
  const host = address === '::1' ? '[::1]' : address

  test.each(['udp', 'tcp'] as const)(
    '%s carries a request, its bytes as they are, and its reply',
    async (transport) => {
      const a = await started({ listen: [`${transport}:${host}:0`] })
      const b = await started({ listen: [`${transport}:${host}:0`] })
      const sentBy = `${host}:${a.layer.listeners[0]!.port}`
      const wire = optionsRequest({
        via: `Via: SIP/2.0/${transport.toUpperCase()} ${sentBy};branch=z9hG4bK1;rport`,
        body: '\x00\xff\xe9\r\n',
      })
      a.layer.send(hopTo(b.layer), wire, noFailure)
      const { message, flow } = await b.next()
      expect(message.raw).toBe(wire)
      expect([flow.transport, flow.remoteAddress, flow.reliable]).toEqual([transport, address, transport === 'tcp'])
      b.layer.reply(
        flow,
        b.layer.replyTarget(flow, message as SipRequest),
        buildReply(message as SipRequest, 200, 'OK'),
        noFailure,
      )
      expect((await a.next()).message.raw).toMatch(/^SIP\/2\.0 200 OK\r\n/)
    },
  )
})

describe.each(['native', 'dgram'] as const)('UDP by %s', (datagrams) => {
  test.each(['127.0.0.1', '::1'])('carries hundreds in one turn, none lost or mixed up, on %s', async (address) => {
    const listen = [`udp:${address === '::1' ? '[::1]' : address}:0`]
    const a = await started({ listen, datagrams })
    const b = await started({ listen, datagrams })
    const bodies = Array.from({ length: 300 }, (_, i) => `${i} `.repeat(1 + (i % 400)))
    for (const [i, body] of bodies.entries())
      a.layer.send(hopTo(b.layer), optionsRequest({ callId: `c${i}`, body }), noFailure)
    const seen = new Map<string, string>()
    for (const _ of bodies) {
      const { message, flow } = await b.next()
      seen.set(message.callId, message.body)
      expect([flow.remoteAddress, flow.remotePort]).toEqual([address, a.layer.listeners[0]!.port])
    }
    expect(bodies.map((_, i) => seen.get(`c${i}`))).toEqual(bodies)
  })

  test('carries the longest datagram, and refuses a longer one', async () => {
    const a = await started({ listen: ['udp:127.0.0.1:0'], datagrams, parseLimits: { bodyBytes: 70_000 } })
    const b = await started({ listen: ['udp:127.0.0.1:0'], datagrams })
    const frame = optionsRequest({ body: 'x'.repeat(10_000) }).length - 10_000
    a.layer.send(hopTo(b.layer), optionsRequest({ body: 'x'.repeat(65_507 - frame) }), noFailure)
    expect((await b.next()).message.raw).toHaveLength(65_507)
    const error = await new Promise<Error>((resolve) =>
      a.layer.send(hopTo(b.layer), optionsRequest({ body: 'x'.repeat(65_508 - frame) }), resolve),
    )
    expect(error.message).toContain('do not fit into a datagram')
  })

  test('tells which send failed and why, the others go', async () => {
    const a = await started({ listen: ['udp:127.0.0.1:0'], datagrams })
    const b = await started({ listen: ['udp:127.0.0.1:0'], datagrams })
    const beyond: Hop = { transport: 'udp', address: '192.0.2.1', port: 5060 }
    const failing = fails(a.layer, beyond)
    a.layer.send(hopTo(b.layer), optionsRequest(), noFailure)
    expect(await failing).toMatchObject({
      code: 'ERR_TRANSPORT',
      message: expect.stringMatching(/udp 192\.0\.2\.1:5060: send E\w+/),
    })
    expect((await b.next()).message.callId).toBe('c1')
    expect(a.layer.stats().sendFailures).toBe(1)
  })
})

describe('a receive buffer that is full', () => {
  test('tells how many datagrams found no room to wait in', async () => {
    let [sent, read, lost, waited] = [0, 0, 0, 0]
    const { layer } = await started({
      listen: ['udp:127.0.0.1:0'],
      limits: { udpReceiveBytes: 65_536 },
      queued: (millis, count, _, dropped) => {
        waited = millis
        read += count
        lost += dropped
      },
    })
    const { port } = layer.listeners[0]!
    const from = nativeSockets().bind('udp', '127.0.0.1', 0)
    closing.push(() => nativeSockets().close(from))
    const wire = Buffer.from(optionsRequest({ body: 'x'.repeat(900) }), 'latin1')
    const send = (count: number): void => {
      for (let n = 0; n < count; n++, sent++) nativeSockets().sendTo(from, wire, '127.0.0.1', port)
      // Who reads within 2 ms does not ask for losses.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)
    }
    // The kernel begins to note arrivals some time after it was asked to.
    await expect
      .poll(() => {
        send(1)
        return waited
      })
      .toBeGreaterThan(2)
    send(1000)
    await expect.poll(() => read + lost).toBe(sent)
    expect(lost).toBeGreaterThan(500)
  })
})

describe('inherited descriptors', () => {
  test.each(['udp', 'tcp'] as const)('%s serves on one', async (transport) => {
    const native = nativeSockets()
    const fd = native.bind(transport, '127.0.0.1', 0)
    const port = native.localPort(fd)
    const a = await started({ listen: [{ transport, address: '127.0.0.1', port, fd }] })
    expect(a.layer.listeners[0]!.port).toBe(port)
    const b = await started({ listen: [`${transport}:127.0.0.1:0`] })
    b.layer.send(hopTo(a.layer), optionsRequest(), noFailure)
    expect((await a.next()).message.callId).toBe('c1')
  })
})

describe('what cannot be opened', () => {
  test('names address, reason and remedy', async () => {
    const taken = createSocket('udp4')
    await new Promise<void>((resolve) => taken.bind(0, '127.0.0.1', resolve))
    closing.push(() => taken.close())
    const { port } = taken.address()
    await expect(
      createTransport({ listen: [`udp:127.0.0.1:${port}`] }).start({ onMessage() {} }),
    ).rejects.toMatchObject({
      code: 'ERR_LISTEN',
      message: expect.stringMatching(new RegExp(`udp 127\\.0\\.0\\.1:${port}: EADDRINUSE: another program has it`)),
    })
    await expect(createTransport({ listen: ['tcp:192.0.2.9:0'] }).start({ onMessage() {} })).rejects.toMatchObject({
      code: 'ERR_LISTEN',
      message: expect.stringContaining('this machine does not have that address'),
    })
    expect(() => createTransport({ listen: ['udp:nosuchif0:5060'] })).toThrow(/no interface of that name/)
  })
})

describe('hostile TCP peers', () => {
  test('a half message, a trickle, garbage and a giant length cost their own connection only', async () => {
    const { layer, next } = await started({ listen: ['tcp:127.0.0.1:0'], limits: { partialMillis: 150 } })
    const { port } = layer.listeners[0]!
    const good = await dialled(port)
    const half = await dialled(port)
    const giant = await dialled(port)
    const garbage = await dialled(port)
    half.socket.write('OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/TCP')
    giant.socket.write(optionsRequest().replace('Content-Length: 0', 'Content-Length: 99999999999999999999'))
    garbage.socket.write(Buffer.alloc(100_000, 0xff))
    await Promise.all([half.ended, giant.ended, garbage.ended])
    expect(giant.text()).toMatch(/^SIP\/2\.0 4\d\d /)
    good.socket.write(optionsRequest())
    expect((await next()).message.callId).toBe('c1')
    expect(layer.stats().connections.open).toBe(1)
    expect(layer.stats().closed).toEqual({ partial: 1, framing: 2 })
  })

  test('messages are cut out of any chunks', async () => {
    const { layer, next } = await started({ listen: ['tcp:127.0.0.1:0'] })
    const { socket, text } = await dialled(layer.listeners[0]!.port)
    socket.setNoDelay(true)
    const stream = `${optionsRequest({ callId: 'one', body: 'body' })}\r\n\r\n${optionsRequest({ callId: 'two' })}`
    for (const byte of stream) {
      socket.write(byte, 'latin1')
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect((await next()).message.body).toBe('body')
    expect((await next()).message.callId).toBe('two')
    expect(text()).toBe('\r\n')
  })

  test('one that never reads is given up', async () => {
    const server = createServer((socket) => {
      socket.pause()
      closing.push(() => socket.destroy())
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closing.push(() => server.close())
    const { port } = server.address() as { port: number }
    const { layer } = await started({
      listen: ['tcp:127.0.0.1:0'],
      limits: { stallMillis: 300, writeBytesPerConnection: 64 << 20 },
    })
    const wire = optionsRequest({ body: 'x'.repeat(60_000) })
    const failed: Error[] = []
    for (let i = 0; i < 400; i++) {
      layer.send({ transport: 'tcp', address: '127.0.0.1', port }, wire, (error) => failed.push(error))
    }
    await expect.poll(() => failed.length, { timeout: 5000 }).toBeGreaterThan(0)
    expect(failed[0]).toMatchObject({ code: 'ERR_TRANSPORT', message: expect.stringContaining(`127.0.0.1:${port}`) })
    expect(layer.stats()).toMatchObject({ closed: { stall: 1 }, writeBytes: 0, connections: { open: 0 } })
  })
})

describe('connections', () => {
  test('a target that went away is dialled anew', async () => {
    const a = await started({ listen: ['tcp:127.0.0.1:0'] })
    const first = await started({ listen: ['tcp:127.0.0.1:0'] })
    const hop = hopTo(first.layer)
    a.layer.send(hop, optionsRequest({ callId: 'one' }), noFailure)
    await first.next()
    await first.layer.close()
    await expect.poll(() => a.layer.stats().connections.open).toBe(0)
    expect(await fails(a.layer, hop)).toMatchObject({
      code: 'ERR_TRANSPORT',
      message: expect.stringMatching(/ECONNREFUSED.*nobody listens there/),
    })
    const second = await started({ listen: [`tcp:127.0.0.1:${hop.port}`] })
    a.layer.send(hop, optionsRequest({ callId: 'two' }), noFailure)
    expect((await second.next()).message.callId).toBe('two')
  })

  test('leave by the address of their listener', async () => {
    const a = await started({ listen: ['tcp:127.0.0.9:0'] })
    const b = await started({ listen: ['tcp:127.0.0.1:0'] })
    a.layer.send(hopTo(b.layer), optionsRequest(), noFailure)
    expect((await b.next()).flow.remoteAddress).toBe('127.0.0.9')
  })
})
