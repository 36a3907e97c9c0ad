// Owns the relay as a whole on loopback: packets through a negotiated call, plain on one side and SRTP on the other.
import { createSocket, type Socket } from 'node:dgram'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createEmbeddedRelay, type EmbeddedRelay } from '../../src/media/index.ts'
import { createNativeRelay } from '../../src/media/native-relay.ts'

let relay: EmbeddedRelay
const sockets: Socket[] = []

beforeEach(() => {
  relay = createEmbeddedRelay({
    interfaces: ['internal/127.0.0.1', 'external/127.0.0.1', 'external/::1'],
    portMin: 43_000,
    portMax: 43_490,
  })
})

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.close()
  await relay.close()
})

async function end(
  address = '127.0.0.1',
): Promise<{ port: number; send(bytes: Buffer, port: number): void; next(): Promise<Buffer> }> {
  const socket = createSocket(address === '::1' ? 'udp6' : 'udp4')
  sockets.push(socket)
  await new Promise<void>((resolve) => socket.bind(0, address, resolve))
  const queue: Buffer[] = []
  let wake: (() => void) | undefined
  socket.on('message', (bytes) => {
    queue.push(bytes)
    wake?.()
  })
  return {
    port: socket.address().port,
    send: (bytes, port) => socket.send(bytes, port, address),
    async next() {
      while (queue.length === 0) await new Promise<void>((resolve) => (wake = resolve))
      return queue.shift()!
    },
  }
}

const sdp = (port: number, profile = 'RTP/AVP', extra = '') =>
  `v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio ${port} ${profile} 0\r\n${extra}`
const portOf = (text: string) => Number(/^m=audio (\d+)/m.exec(text)![1])
const keyOf = (text: string) => /inline:(\S+)/.exec(text)![1]!

function rtp(sequence: number): Buffer {
  const packet = Buffer.alloc(172, sequence & 0xff)
  packet.writeUInt16BE(0x8000, 0)
  packet.writeUInt16BE(sequence, 2)
  packet.writeUInt32BE(sequence * 160, 4)
  packet.writeUInt32BE(0x1234, 8)
  return packet
}

test('plain RTP passes unchanged both ways, and is counted', async () => {
  const [a, b] = [await end(), await end()]
  const call = { callId: 'plain', fromTag: 'A' }
  const toB = portOf(
    (await relay.offer({ ...call, sdp: sdp(a.port), flags: 'direction=internal direction=external' })).sdp,
  )
  const toA = portOf((await relay.answer({ ...call, toTag: 'B', sdp: sdp(b.port), flags: '' })).sdp)
  a.send(rtp(1), toA)
  expect(await b.next()).toEqual(rtp(1))
  b.send(rtp(9), toB)
  expect(await a.next()).toEqual(rtp(9))
  const { streams } = await relay.delete({ ...call, flags: '' })
  expect(streams.map((stream) => [stream.tag, stream.rtpIn.packets, stream.rtpOut.packets])).toEqual([
    ['A', 1, 1],
    ['B', 1, 1],
  ])
  expect([relay.sessions, relay.streams]).toEqual([0, 0])
})

test('IPv4 on one side, IPv6 on the other', async () => {
  const [a, b] = [await end(), await end('::1')]
  const call = { callId: 'families', fromTag: 'A' }
  const offer = await relay.offer({
    ...call,
    sdp: sdp(a.port),
    flags: 'direction=internal direction=external address-family=IP6 replace-origin',
  })
  expect(offer.sdp).toMatch(/^o=.* IN IP6 ::1\r\n.*\r\nc=IN IP6 ::1\r\n/m)
  const answer = await relay.answer({
    ...call,
    toTag: 'B',
    sdp: sdp(b.port).replaceAll('IP4 127.0.0.1', 'IP6 ::1'),
    flags: '',
  })
  expect(answer.sdp).toContain('c=IN IP4 127.0.0.1\r\n')
  a.send(rtp(1), portOf(answer.sdp))
  expect(await b.next()).toEqual(rtp(1))
  b.send(rtp(9), portOf(offer.sdp))
  expect(await a.next()).toEqual(rtp(9))
  await relay.delete({ ...call, flags: '' })
})

test('fax and blocked media: datagrams pass that are no RTP, and RTP that is withheld does not', async () => {
  const [a, b] = [await end(), await end()]
  const call = { callId: 'fax', fromTag: 'A' }
  const fax = (port: number) => sdp(port).replace(/m=.*/, `m=audio ${port} RTP/AVP 0`).replace('RTP/AVP 0', 'udptl t38')
  const toB = portOf((await relay.offer({ ...call, sdp: fax(a.port), flags: '' })).sdp)
  const toA = portOf((await relay.answer({ ...call, toTag: 'B', sdp: fax(b.port), flags: '' })).sdp)
  const datagram = Buffer.from([0, 1, 6, 192, 1, 128, 0])
  a.send(datagram, toA)
  expect(await b.next()).toEqual(datagram)
  b.send(datagram, toB)
  expect(await a.next()).toEqual(datagram)
  await relay.offer({ ...call, toTag: 'B', sdp: sdp(a.port), flags: '' })
  await relay.answer({ ...call, toTag: 'B', sdp: sdp(b.port), flags: '' })
  const control = (command: string) => relay.perform({ command, 'call-id': 'fax', 'from-tag': 'A' })
  expect(control('block media').result).toBe('ok')
  a.send(rtp(1), toA)
  b.send(rtp(2), toB)
  expect(await a.next()).toEqual(rtp(2))
  expect(control('unblock media').result).toBe('ok')
  a.send(rtp(3), toA)
  expect(await b.next()).toEqual(rtp(3))
  await relay.delete({ ...call, flags: '' })
})

test('RTP on one side, SRTP on the other: two relays in a row give the packet back', async () => {
  // The far end is a second call of the same relay, which speaks SRTP towards the first.
  const [a, z] = [await end(), await end()]
  const near = { callId: 'near', fromTag: 'A' }
  const far = { callId: 'far', fromTag: 'N' }
  const offer = (await relay.offer({ ...near, sdp: sdp(a.port), flags: 'SRTP DTLS=off ICE=remove' })).sdp
  const onward = (await relay.offer({ ...far, sdp: offer, flags: 'RTP' })).sdp
  expect(onward).toContain('RTP/AVP')
  const back = (await relay.answer({ ...far, toTag: 'Z', sdp: sdp(z.port), flags: '' })).sdp
  expect(back).toMatch(/RTP\/SAVP 0\r\n.*crypto:1 AEAD_AES_256_GCM/s)
  expect(keyOf(back)).not.toBe(keyOf(offer))
  const toA = portOf((await relay.answer({ ...near, toTag: 'N', sdp: back, flags: 'RTP' })).sdp)
  for (let sequence = 1; sequence <= 20; sequence++) {
    a.send(rtp(sequence), toA)
    expect(await z.next()).toEqual(rtp(sequence))
    z.send(rtp(sequence + 100), portOf(onward))
    expect(await a.next()).toEqual(rtp(sequence + 100))
  }
  const { streams } = await relay.query({ ...near, flags: '' })
  expect(streams.map((stream) => [stream.suite, stream.rtpIn.packets, stream.srtpFailures])).toEqual([
    [undefined, 20, {}],
    ['AEAD_AES_256_GCM', 20, {}],
  ])
  await relay.delete({ ...near, flags: '' })
  await relay.delete({ ...far, flags: '' })
  expect(relay.streams).toBe(0)
})

test('silence ends the call with a reason', async () => {
  const quick = createEmbeddedRelay({
    interfaces: ['127.0.0.1'],
    portMin: 43_500,
    portMax: 43_590,
    timeout: 1,
    native: createNativeRelay,
  })
  try {
    const ended = new Promise<string>((resolve) => {
      quick.onTimeout = (callId, reason) => resolve(`${callId} ${reason}`)
    })
    const call = { callId: 'silent', fromTag: 'A' }
    await quick.offer({ ...call, sdp: sdp(9), flags: '' })
    await quick.answer({ ...call, toTag: 'B', sdp: sdp(9), flags: '' })
    expect(await ended).toBe('silent media timeout')
    expect([quick.sessions, quick.streams]).toEqual([0, 0])
  } finally {
    await quick.close()
  }
})

test('500 calls set up and torn down leave no stream', async () => {
  for (let round = 0; round < 25; round++) {
    const calls = Array.from({ length: 20 }, (_, index) => ({ callId: `${round}-${index}`, fromTag: 'A' }))
    for (const call of calls) {
      await relay.offer({ ...call, sdp: sdp(9), flags: 'SRTP' })
    }
    for (const call of calls) await relay.delete({ ...call, flags: '' })
  }
  expect([relay.sessions, relay.streams]).toEqual([0, 0])
})
