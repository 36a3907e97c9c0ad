// Owns the tests of the transport layer's logic on the memory network.
import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../src/clock.ts'
import { type LogFields, silentLog } from '../../src/log.ts'
import { buildReply, parseUri, type SipMessage, type SipRequest } from '../../src/sip/index.ts'
import {
  createMemoryNetwork,
  type Flow,
  type Hop,
  type MemoryNetworkOptions,
  type TransportLayer,
  type TransportOptions,
} from '../../src/transport/index.ts'
import { optionsRequest } from './requests.ts'

async function layer(options: Partial<TransportOptions> = {}, network: MemoryNetworkOptions = {}, names?: string[]) {
  const clock = new ManualClock()
  const net = createMemoryNetwork(clock, network)
  const received: { message: SipMessage; flow: Flow }[] = []
  const transport = net.transport(
    { listen: ['udp:10.0.0.5:5060', 'tcp:10.0.0.5:5060', 'tls:10.0.0.5:5061 advertise 25.25.25.5:5061'], ...options },
    names ? { names } : undefined,
  )
  await transport.start({ onMessage: (message, flow) => void received.push({ message, flow }) })
  return { clock, net, transport, received }
}

function hop(transport: Hop['transport'], address: string, port: number, more: Partial<Hop> = {}): Hop {
  return { transport, address, port, ...more }
}

function sendFails(transport: TransportLayer, to: Hop, wire = optionsRequest()): Promise<Error> {
  return new Promise((resolve) => transport.send(to, wire, resolve))
}

describe('datagrams', () => {
  test('arrive with their source, and one far end stays one flow', async () => {
    const { net, received } = await layer()
    const far = net.endpoint('udp', '10.0.0.9', 5060)
    far.send(optionsRequest(), { address: '10.0.0.5', port: 5060 })
    far.send(optionsRequest(), { address: '10.0.0.5', port: 5060 })
    await net.settle()
    expect(received.map(({ flow }) => [flow.transport, flow.remoteAddress, flow.remotePort, flow.reliable])).toEqual([
      ['udp', '10.0.0.9', 5060, false],
      ['udp', '10.0.0.9', 5060, false],
    ])
    expect(received[0]!.flow).toBe(received[1]!.flow)
  })

  test.each([
    ['sent-by port without rport', 'Via: SIP/2.0/UDP 10.9.9.9:5099;branch=z9hG4bK1', '10.0.0.9', 5099],
    ['the default port where sent-by has none', 'Via: SIP/2.0/UDP pbx;branch=z9hG4bK1', '10.0.0.9', 5060],
    ['the source port with rport', 'Via: SIP/2.0/UDP 10.9.9.9:5099;rport;branch=z9hG4bK1', '10.0.0.9', 40000],
    ['maddr', 'Via: SIP/2.0/UDP pbx:5098;maddr=10.0.0.77;branch=z9hG4bK1', '10.0.0.77', 5098],
    ['the usual port where sent-by has port 0', 'Via: SIP/2.0/UDP 10.0.0.9:0;branch=z9hG4bK1', '10.0.0.9', 5060],
  ])('a reply goes to %s', async (_, via, address, port) => {
    const { net, received, transport } = await layer()
    const target = address === '10.0.0.9' && port === 40000 ? undefined : net.endpoint('udp', address, port)
    const source = net.endpoint('udp', '10.0.0.9', 40000)
    source.send(optionsRequest({ via }), { address: '10.0.0.5', port: 5060 })
    await net.settle()
    const { message, flow } = received[0]!
    const request = message as SipRequest
    transport.reply(flow, transport.replyTarget(flow, request), buildReply(request, 200, 'OK'), () => {})
    await net.settle()
    expect((target ?? source).received).toHaveLength(1)
  })

  test('force_rport sends a reply to the source port', async () => {
    const { net, received, transport } = await layer()
    const source = net.endpoint('udp', '10.0.0.9', 40000)
    source.send(optionsRequest({ via: 'Via: SIP/2.0/UDP pbx;branch=z9hG4bK1' }), { address: '10.0.0.5', port: 5060 })
    await net.settle()
    const request = received[0]!.message as SipRequest
    transport.reply(
      received[0]!.flow,
      transport.replyTarget(received[0]!.flow, request, { symmetric: true }),
      buildReply(request, 200),
      () => {},
    )
    await net.settle()
    expect(source.received).toHaveLength(1)
  })

  test('what does not parse is answered or dropped, counted, and the socket lives', async () => {
    const { net, received, transport } = await layer()
    const far = net.endpoint('udp', '10.0.0.9', 5060)
    const to = { address: '10.0.0.5', port: 5060 }
    far.send('\x00\x01\x02 garbage that is no SIP at all\r\n\r\n', to)
    far.send('\r\n\r\n', to)
    far.send(optionsRequest().replace('SIP/2.0\r\n', 'SIP/7.0\r\n'), to)
    far.send(optionsRequest(), to)
    await net.settle()
    expect(received).toHaveLength(1)
    expect(far.received.map(({ wire }) => wire.split('\r\n')[0])).toEqual([expect.stringMatching(/^SIP\/2\.0 505 /)])
    expect(transport.stats().unparsable).toEqual({ dropped: 1, 505: 1 })
    expect(transport.stats().keepAlives).toBe(1)
  })

  test('a user that throws costs that message only', async () => {
    const net = createMemoryNetwork(new ManualClock())
    const transport = net.transport({ listen: ['udp:10.0.0.5:5060'] })
    let calls = 0
    await transport.start({
      onMessage() {
        calls++
        throw new Error('boom')
      },
    })
    const far = net.endpoint('udp', '10.0.0.9', 5060)
    for (let i = 0; i < 2; i++) far.send(optionsRequest(), { address: '10.0.0.5', port: 5060 })
    await net.settle()
    expect([calls, transport.stats().userErrors]).toEqual([2, 2])
  })

  test('loss and delay are the network’s', async () => {
    const { clock, net, received } = await layer({}, { delay: 30, loss: (packet) => packet.wire.includes('lost') })
    const far = net.endpoint('udp', '10.0.0.9', 5060)
    far.send(optionsRequest({ extra: 'Subject: lost' }), { address: '10.0.0.5', port: 5060 })
    far.send(optionsRequest(), { address: '10.0.0.5', port: 5060 })
    clock.advance(29)
    expect(received).toHaveLength(0)
    clock.advance(1)
    expect(received).toHaveLength(1)
  })
})

describe('streams', () => {
  test('one connection serves both directions and is reused', async () => {
    const { net, transport, received } = await layer()
    const far = net.endpoint('tcp', '10.0.0.9', 5060)
    transport.send(hop('tcp', '10.0.0.9', 5060), optionsRequest(), () => {})
    transport.send(hop('tcp', '10.0.0.9', 5060), optionsRequest(), () => {})
    await net.settle()
    expect(far.received).toHaveLength(2)
    expect(far.connections).toHaveLength(1)
    far.connections[0]!.write(optionsRequest())
    await net.settle()
    const { message, flow } = received[0]!
    transport.reply(
      flow,
      transport.replyTarget(flow, message as SipRequest),
      buildReply(message as SipRequest, 200),
      () => {},
    )
    await net.settle()
    expect(far.received).toHaveLength(3)
    expect(transport.stats().connections).toEqual({ open: 1, accepted: 0, dialled: 1 })
  })

  test('a reply whose connection is gone opens one to the source and the port of sent-by', async () => {
    const { net, transport, received } = await layer()
    const far = net.endpoint('tcp', '10.0.0.9', 5070)
    far.send(optionsRequest({ via: 'Via: SIP/2.0/TCP pbx.example:5070;branch=z9hG4bK1' }), {
      address: '10.0.0.5',
      port: 5060,
    })
    await net.settle()
    net.breakConnections()
    await net.settle()
    const { message, flow } = received[0]!
    transport.reply(
      flow,
      transport.replyTarget(flow, message as SipRequest),
      buildReply(message as SipRequest, 200),
      () => {},
    )
    await net.settle()
    expect(far.received[0]?.wire).toMatch(/^SIP\/2\.0 200 /)
  })

  test('a refused connection fails what waits on it, naming the target', async () => {
    const { transport } = await layer()
    const error = await sendFails(transport, hop('tcp', '10.0.0.9', 5060))
    expect(error).toMatchObject({ code: 'ERR_TRANSPORT', message: expect.stringContaining('tcp 10.0.0.9:5060') })
  })

  test('a connection that never opens fails after connectMillis', async () => {
    const { clock, net, transport } = await layer({ limits: { connectMillis: 3000 } })
    net.silence('10.0.0.9', 5060)
    const failing = sendFails(transport, hop('tcp', '10.0.0.9', 5060))
    clock.advance(3000)
    expect((await failing).message).toContain('no connection within 3000 ms')
    expect(transport.stats().connections.open).toBe(0)
    net.heal('10.0.0.9', 5060)
    const far = net.endpoint('tcp', '10.0.0.9', 5060)
    transport.send(hop('tcp', '10.0.0.9', 5060), optionsRequest(), () => {})
    await net.settle()
    expect(far.received).toHaveLength(1)
  })

  test('a slow sender is cut off however it trickles', async () => {
    const { clock, net, transport } = await layer({ limits: { partialMillis: 5000 } })
    const far = net.endpoint('tcp', '10.0.0.9', 5060)
    far.send('OPTIONS sip:a SIP/2.0\r\n', { address: '10.0.0.5', port: 5060 })
    await net.settle()
    for (let i = 0; i < 6; i++) {
      clock.advance(1000)
      far.connections[0]?.write('X')
      await net.settle()
    }
    expect(far.connections).toHaveLength(0)
    expect(transport.stats().closed).toEqual({ partial: 1 })
  })

  test('an idle connection is closed', async () => {
    const { clock, net, transport } = await layer({ limits: { idleMillis: 60_000 } })
    const far = net.endpoint('tcp', '10.0.0.9', 5060)
    far.send(optionsRequest(), { address: '10.0.0.5', port: 5060 })
    await net.settle()
    clock.advance(30_000)
    far.connections[0]!.write(optionsRequest())
    await net.settle()
    clock.advance(59_000)
    expect(transport.stats().connections.open).toBe(1)
    clock.advance(1_000)
    await net.settle()
    expect(far.connections).toHaveLength(0)
    expect(transport.stats().closed).toEqual({ idle: 1 })
  })

  test('a far end that does not read is given up, and what waits fails', async () => {
    const { clock, net, transport } = await layer({ limits: { stallMillis: 4000 } })
    net.endpoint('tcp', '10.0.0.9', 5060)
    transport.send(hop('tcp', '10.0.0.9', 5060), optionsRequest(), () => {})
    await net.settle()
    net.stall('10.0.0.9', 5060)
    const failing = sendFails(transport, hop('tcp', '10.0.0.9', 5060))
    clock.advance(4000)
    expect(await failing).toMatchObject({
      code: 'ERR_TRANSPORT',
      message: expect.stringContaining('took no bytes for 4000 ms'),
    })
    expect(transport.stats()).toMatchObject({ closed: { stall: 1 }, writeBytes: 0 })
  })

  test('write buffers are bounded for each connection and in all', async () => {
    const { net, transport } = await layer({ limits: { writeBytesPerConnection: 2000, writeBytes: 3000 } })
    net.silence('10.0.0.8', 5060)
    net.silence('10.0.0.9', 5060)
    const wire = optionsRequest({ extra: `Subject: ${'x'.repeat(1000)}` })
    const held = sendFails(transport, hop('tcp', '10.0.0.8', 5060), wire)
    expect((await sendFails(transport, hop('tcp', '10.0.0.8', 5060), wire)).message).toContain('write buffer is full')
    expect((await held).message).toContain('write buffer is full')
    for (const last of [8, 9]) transport.send(hop('tcp', `10.0.0.${last}`, 5060), wire, () => {})
    net.silence('10.0.0.7', 5060)
    expect((await sendFails(transport, hop('tcp', '10.0.0.7', 5060), wire)).message).toContain('limits.writeBytes')
    expect(transport.stats().writeBytes).toBe(2 * wire.length)
  })

  test('connections are capped per source and in all', async () => {
    const warned: string[] = []
    const log = { ...silentLog, warn: (_: LogFields, text: string) => void warned.push(text) }
    const { net, transport } = await layer({ limits: { connectionsPerSource: 2, connections: 3 }, log })
    for (const port of [1, 2, 3]) net.endpoint('tcp', '10.0.0.9', port).send('OPT', { address: '10.0.0.5', port: 5060 })
    await net.settle()
    expect(transport.stats()).toMatchObject({ connections: { open: 2 }, closed: { 'source-cap': 1 } })
    expect(warned).toEqual(['connections from 10.0.0.9 are refused: limits.connectionsPerSource (2) of them are open'])
    for (const port of [1, 2]) net.endpoint('tcp', '10.0.0.8', port).send('OPT', { address: '10.0.0.5', port: 5060 })
    await net.settle()
    expect(transport.stats()).toMatchObject({ connections: { open: 3 }, closed: { 'source-cap': 1, cap: 1 } })
    expect((await sendFails(transport, hop('tcp', '10.0.0.7', 5060))).message).toContain('limits.connections')
    net.breakConnections()
    await net.settle()
    expect(transport.stats().connections.open).toBe(0)
  })

  test('a ping is answered by a pong, ours is sent and its silence noticed', async () => {
    const { clock, net, transport } = await layer({ limits: { keepAliveMillis: 20_000 } })
    net.endpoint('tcp', '10.0.0.9', 5060)
    transport.send(hop('tcp', '10.0.0.9', 5060), optionsRequest(), () => {})
    await net.settle()
    // The endpoint answers pings by itself.
    clock.advance(20_000)
    await net.settle()
    clock.advance(15_000)
    expect(transport.stats().connections.open).toBe(1)
    net.silence('10.0.0.9', 5060)
    net.stall('10.0.0.9', 5060)
    clock.advance(20_000)
    await net.settle()
    clock.advance(10_000)
    expect(transport.stats().connections.open).toBe(0)
  })

  test('a framing error is answered, then the connection closes; other connections live', async () => {
    const { net, transport, received } = await layer()
    const bad = net.endpoint('tcp', '10.0.0.9', 5060)
    const good = net.endpoint('tcp', '10.0.0.8', 5060)
    const to = { address: '10.0.0.5', port: 5060 }
    bad.send(optionsRequest().replace(/Content-Length: 0/, 'Content-Length: 999999999'), to)
    good.send(optionsRequest(), to)
    await net.settle()
    expect(bad.received.map(({ wire }) => wire.split('\r\n')[0])).toEqual([expect.stringMatching(/^SIP\/2\.0 413 /)])
    expect(bad.connections).toHaveLength(0)
    expect(good.connections).toHaveLength(1)
    expect(received).toHaveLength(1)
    expect(transport.stats().closed).toEqual({ framing: 1 })
  })

  test('a request that left just before the connection broke fails; one that was answered, or an orderly end, does not', async () => {
    const { net, transport } = await layer()
    const far = net.endpoint('tcp', '10.0.0.9', 5060)
    const failed: string[] = []
    const send = (callId: string): void =>
      transport.send(hop('tcp', '10.0.0.9', 5060), optionsRequest({ callId }), (error) =>
        failed.push(`${callId} ${error.message}`),
      )
    send('answered')
    await net.settle()
    far.connections[0]!.write('SIP/2.0 100 Trying\r\nContent-Length: 0\r\n\r\n')
    await net.settle()
    send('broken')
    await net.settle()
    net.breakConnections()
    send('new')
    await net.settle()
    far.connections[0]!.close()
    await net.settle()
    expect(failed).toEqual([
      expect.stringMatching(/^broken .*10\.0\.0\.9:5060: the far end closed the connection \(read ECONNRESET/),
    ])
  })

  test('closing the layer fails what waits', async () => {
    const { net, transport } = await layer()
    net.silence('10.0.0.9', 5060)
    const failing = sendFails(transport, hop('tcp', '10.0.0.9', 5060))
    await transport.close()
    expect((await failing).message).toContain('the transport is closing')
  })
})

describe('tls', () => {
  test('the names of the far end reach the flow; a wrong name is refused', async () => {
    const { net, transport, received } = await layer({ tls: { profiles: { default: {} } } }, {}, ['sbc.example.com'])
    const far = net.endpoint('tls', '52.0.0.1', 5061, { names: ['guid.um.outlook.com'] })
    transport.send(hop('tls', '52.0.0.1', 5061, { serverName: 'guid.um.outlook.com' }), optionsRequest(), () => {})
    await net.settle()
    expect(far.connections[0]!.peer).toEqual({ names: ['sbc.example.com'], verified: true })
    far.connections[0]!.write(optionsRequest())
    await net.settle()
    expect(received[0]!.flow.peer).toEqual({ names: ['guid.um.outlook.com'], verified: true })
    const error = await sendFails(transport, hop('tls', '52.0.0.1', 5061, { serverName: 'other.example.com' }))
    expect(error).toMatchObject({ code: 'ERR_TLS', message: expect.stringContaining('other.example.com') })
  })

  test('connections of two profiles to one target stay apart', async () => {
    const { net, transport } = await layer({
      listen: ['tls:10.0.0.5:5061 tls_profile one', 'tls:10.0.0.6:5061 tls_profile two'],
      tls: { profiles: { one: {}, two: {} } },
    })
    const far = net.endpoint('tls', '52.0.0.1', 5061)
    for (const listener of transport.listeners)
      transport.send(hop('tls', '52.0.0.1', 5061, { listener }), optionsRequest(), () => {})
    await net.settle()
    expect(far.connections).toHaveLength(2)
  })

  test('a profile may keep our requests off connections that the far end opened', async () => {
    const { net, transport, received } = await layer({ tls: { profiles: { default: { reuseAccepted: false } } } })
    const far = net.endpoint('tls', '52.0.0.1', 5061)
    far.send(optionsRequest(), { address: '10.0.0.5', port: 5061 })
    await net.settle()
    const { remotePort } = received[0]!.flow
    expect(await sendFails(transport, hop('tls', '52.0.0.1', remotePort))).toMatchObject({ code: 'ERR_TRANSPORT' })
  })
})

describe('listeners', () => {
  test('are chosen by transport, family, wish and kind of address', async () => {
    const { transport } = await layer({
      listen: ['udp:10.0.0.5:5060', 'udp:127.0.0.1:5060', 'udp:[2001:db8::5]:5060', 'tcp:10.0.0.5:5060'],
    })
    const [wan, loop, six, tcp] = transport.listeners
    expect(transport.listenerFor(hop('udp', '10.9.9.9', 5060))).toBe(wan)
    expect(transport.listenerFor(hop('udp', '127.0.0.9', 5060))).toBe(loop)
    expect(transport.listenerFor(hop('udp', '2001:db8::9', 5060))).toBe(six)
    expect(transport.listenerFor(hop('tcp', '10.9.9.9', 5060, { listener: loop! }))).toBe(tcp)
    expect(transport.listenerFor(hop('udp', '10.9.9.9', 5060, { listener: loop! }))).toBe(loop)
    expect(transport.listenerFor(hop('tls', '10.9.9.9', 5061))).toBeUndefined()
    expect((await sendFails(transport, hop('tls', '10.9.9.9', 5061))).message).toContain('add one to listen')
  })

  test('isLocal knows listeners, advertised addresses and aliases', async () => {
    const { transport } = await layer({
      alias: ['sbc.example.com', 'tcp:other.example.com:5070', '[2001:DB8::1]:5060'],
    })
    expect(transport.isLocal('10.0.0.5', 5060)).toBe(true)
    expect(transport.isLocal('10.0.0.5', undefined)).toBe(true)
    expect(transport.isLocal('10.0.0.5', 0)).toBe(true)
    expect(transport.isLocal('10.0.0.5', 5080)).toBe(false)
    expect(transport.isLocal('25.25.25.5', 5061)).toBe(true)
    expect(transport.isLocal('25.25.25.5', undefined)).toBe(false)
    expect(transport.isLocal('25.25.25.5', undefined, 'tls')).toBe(true)
    expect(transport.isLocal('SBC.example.com.', 1234)).toBe(true)
    expect(transport.isLocal('other.example.com', 5070, 'udp')).toBe(false)
    expect(transport.isLocal('other.example.com', 5070, 'tcp')).toBe(true)
    expect(transport.isLocal('[2001:db8:0:0::1]', undefined)).toBe(true)
    transport.update({ alias: ['new.example.com'] })
    expect(transport.isLocal('sbc.example.com', 5060)).toBe(false)
    expect(transport.isLocal('new.example.com', 5060)).toBe(true)
    expect(() => transport.update({ alias: ['a b:c:d'], hosts: {} })).toThrow(/alias/)
    expect(transport.isLocal('new.example.com', 5060)).toBe(true)
  })

  test('two on one address are refused with ERR_LISTEN', async () => {
    await expect(layer({ listen: ['udp:10.0.0.5:5060', 'udp:10.0.0.5:5060'] })).rejects.toMatchObject({
      code: 'ERR_LISTEN',
    })
  })
})

test('a numeric target resolves at once', async () => {
  const { transport } = await layer({ hosts: { 'Guid.um.outlook.com': ['198.51.100.7'] } })
  expect(transport.resolve(parseUri('sip:10.0.0.9')!)).toEqual([hop('udp', '10.0.0.9', 5060)])
  expect(transport.resolve(parseUri('sip:guid.um.outlook.com:5061;transport=tls')!)).toEqual([
    hop('tls', '198.51.100.7', 5061, { serverName: 'guid.um.outlook.com' }),
  ])
})
