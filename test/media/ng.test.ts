// Owns the NG protocol on loopback: the server's framing and cache, the client's sets and retransmissions.
import { createSocket, type Socket } from 'node:dgram'
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { createFakeNative } from '../../src/media/fake-native.ts'
import {
  createEmbeddedRelay,
  createNgClient,
  createNgServer,
  createNgTcpServer,
  type NgClientOptions,
  type NgServer,
  parseListenNg,
  runRelay,
} from '../../src/media/index.ts'
import { answerFrame } from '../../src/media/ng/answers.ts'
import { decodeBencode, dictionary, encodeBencode, type NgDictionary } from '../../src/media/ng/bencode.ts'
import { decodeBody, encodeBody, splitFrame } from '../../src/media/ng/message.ts'
import { NgStreamFrames } from '../../src/media/ng/stream-frames.ts'
import { CALL_MANAGER_OFFER, OFFICE_ANSWER, TO_MANAGER, TO_OFFICE } from './o365.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

function fakeRelay() {
  const relay = createEmbeddedRelay({ interfaces: ['10.0.0.5'], offerTimeout: 0, native: createFakeNative })
  closers.push(() => relay.close())
  return relay
}

async function serve(relay: { perform(request: NgDictionary): NgDictionary }): Promise<NgServer> {
  const server = await createNgServer({ listen: '127.0.0.1:0', relay })
  closers.push(() => server.close())
  return server
}

/** A socket that sends as it is told and keeps what comes. */
function wire(port: number) {
  const socket: Socket = createSocket('udp4')
  closers.push(() => socket.close())
  const queue: string[] = []
  let wake: (() => void) | undefined
  socket.on('message', (bytes) => {
    queue.push(bytes.toString('latin1'))
    wake?.()
  })
  return {
    send: (text: string) => socket.send(Buffer.from(text, 'latin1'), port, '127.0.0.1'),
    async next(): Promise<string> {
      while (queue.length === 0) await new Promise<void>((resolve) => (wake = resolve))
      return queue.shift()!
    },
  }
}

describe('bencode', () => {
  test('what rtpengine writes is read', () => {
    expect(decodeBencode('d7:command4:ping1:ni-5e1:lli1e0:ee')).toEqual(
      dictionary({ command: 'ping', n: -5, l: [1, ''] }),
    )
    expect(encodeBencode({ b: 'x', a: ['é', 7] })).toBe('d1:al1:éi7ee1:b1:xe')
  })
  test.each([
    '',
    'd',
    'i5',
    'i05e',
    'i-0e',
    'ie',
    '5:abc',
    '-1:a',
    '01:a',
    'd1:a',
    'd1:ae',
    'di1e1:ae',
    'd1:ai1e1:ai2ee',
    'i1ei2e',
    'l',
    'x',
    `${'l'.repeat(40)}${'e'.repeat(40)}`,
    `i${'9'.repeat(19)}e`,
    `l${'i1e'.repeat(5000)}e`,
  ])('%j is refused', (text) => expect(() => decodeBencode(text)).toThrow(/bencode:/))
})

describe('server', () => {
  test('bencode and JSON are answered in kind, what is wrong with a reason, noise with silence', async () => {
    const server = await serve(fakeRelay())
    const { send, next } = wire(server.port)
    send('noise')
    send('1 d7:command4:pinge')
    expect(await next()).toBe('1 d6:result4:ponge')
    send('2 {"command":"ping"}')
    expect(await next()).toBe('2 {"result":"pong"}')
    send('3 l4:pinge')
    expect(await next()).toBe('3 d12:error-reason22:Invalid NG data format6:result5:errore')
    send('4 d3:foo3:bare')
    expect(await next()).toContain('Dictionary contains no key "command"')
    send('5 d7:command5:dancee')
    expect(await next()).toContain('Unrecognized command')
    send('6 d7:command')
    expect(await next()).toMatch(/^6 d12:error-reason\d+:bencode/)
  })

  test('a retransmission gets the first reply and does nothing', async () => {
    const relay = fakeRelay()
    const server = await serve(relay)
    const { send, next } = wire(server.port)
    const offer = encodeBencode({ command: 'offer', 'call-id': 'c', 'from-tag': 'A', sdp: CALL_MANAGER_OFFER })
    send(`7 ${offer}`)
    const first = await next()
    send(`7 ${encodeBencode({ command: 'delete', 'call-id': 'c' })}`)
    expect(await next()).toBe(first)
    expect(relay.sessions).toBe(1)
    // Another peer's cookie is another request.
    const other = wire(server.port)
    other.send('7 d7:command4:pinge')
    expect(await other.next()).toBe('7 d6:result4:ponge')
  })

  test('what JSON says beyond ASCII comes back as it was', () => {
    const relay = fakeRelay()
    const ask = (request: object) => {
      const body = Buffer.from(JSON.stringify(request), 'utf8').toString('latin1')
      const reply = answerFrame({ cookie: '8', body }, relay).slice(2)
      return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(reply, 'latin1')))
    }
    const sdp = CALL_MANAGER_OFFER.replace('s=SIP Call', 's=Zoë')
    expect(ask({ command: 'offer', 'call-id': 'é', 'from-tag': 'A', sdp }).sdp).toContain('\r\ns=Zoë\r\n')
    expect(ask({ command: 'list' }).calls).toEqual(['é'])
    // A warning quotes a part of a key, and may cut it within a character.
    expect(ask({ command: 'query', 'call-id': 'é', [`a${'é'.repeat(40)}`]: 1 }).result).toBe('ok')
  })

  test('a whole call in rtpengine words', () => {
    const relay = fakeRelay()
    const base = { 'call-id': 'c', 'from-tag': 'A' }
    const offer = relay.perform({
      ...base,
      command: 'offer',
      sdp: CALL_MANAGER_OFFER,
      'transport-protocol': 'RTP/SAVP',
      flags: ['unheard-of'],
    })
    expect(offer).toMatchObject({ result: 'ok', warning: 'flag "unheard-of" is not supported and was ignored' })
    expect(relay.perform({ ...base, command: 'answer', 'to-tag': 'B', sdp: OFFICE_ANSWER }).result).toBe('ok')
    const query = relay.perform({ command: 'query', 'call-id': 'c' }) as unknown as Record<
      string,
      Record<string, unknown>
    >
    expect(query.tags).toMatchObject({
      A: {
        subscriptions: [{ tag: 'B', type: 'offer/answer' }],
        medias: [{ index: 1, type: 'audio', protocol: 'RTP/AVP' }],
      },
      B: { medias: [{ protocol: 'RTP/SAVP', flags: ['initialized', 'send', 'recv', 'SDES'] }] },
    })
    expect(query.totals).toEqual(
      dictionary({
        RTP: dictionary({ packets: 0, bytes: 0, errors: 0 }),
        RTCP: dictionary({ packets: 0, bytes: 0, errors: 0 }),
      }),
    )
    expect(relay.perform({ command: 'list' })).toEqual(dictionary({ calls: ['c'], result: 'ok' }))
    expect(relay.perform({ ...base, command: 'delete' })).toMatchObject({ result: 'ok', tags: { A: {}, B: {} } })
    expect(relay.perform({ ...base, command: 'delete', flags: ['fatal'] }).result).toBe('error')
  })

  test.each(['22222', '127.0.0.1:22222', '[::1]:22222'])('listens on %s', (text) =>
    expect(parseListenNg(text).port).toBe(22222),
  )
  test.each(['', 'x', 'host:22222', '127.0.0.1', '127.0.0.1:99999', '::1:22222'])('%j is refused', (text) =>
    expect(() => parseListenNg(text)).toThrow(/listen-ng/),
  )
  test('a port in use is named', async () => {
    const server = await serve(fakeRelay())
    await expect(createNgServer({ listen: `127.0.0.1:${server.port}`, relay: fakeRelay() })).rejects.toMatchObject({
      code: 'ERR_LISTEN',
    })
  })
})

describe('server over TCP', () => {
  async function connection(): Promise<{
    send(text: string): void
    read(bytes: number): Promise<string>
    closed: Promise<void>
    relay: ReturnType<typeof fakeRelay>
  }> {
    const relay = fakeRelay()
    const server = await createNgTcpServer({ listen: '127.0.0.1:0', relay })
    closers.push(() => server.close())
    const socket = connect(server.port, '127.0.0.1')
    closers.push(() => socket.destroy())
    let got = ''
    let wake: (() => void) | undefined
    socket.on('data', (bytes) => {
      got += bytes.toString('latin1')
      wake?.()
    })
    socket.on('error', () => undefined)
    return {
      relay,
      send: (text) => void socket.write(Buffer.from(text, 'latin1')),
      async read(bytes) {
        while (got.length < bytes) await new Promise<void>((resolve) => (wake = resolve))
        const text = got.slice(0, bytes)
        got = got.slice(bytes)
        return text
      },
      closed: new Promise((resolve) => socket.on('close', () => resolve())),
    }
  }
  const PONG = ' d6:result4:ponge'

  test('requests follow each other, in pieces or together, in both encodings', async () => {
    const { send, read, relay } = await connection()
    send('1 d7:command4:pinge2 d7:command4:pinge\r\n3 {"command":"ping","x":"}\\"{"}4 d7:comm')
    const first = `1${PONG}2${PONG}3 {"result":"pong"}`
    expect(await read(first.length)).toBe(first)
    send('and4:pinge')
    expect(await read(18)).toBe(`4${PONG}`)
    const offer = `5 ${encodeBencode({ command: 'offer', 'call-id': 'c', 'from-tag': 'A', sdp: CALL_MANAGER_OFFER })}`
    for (const letter of offer) send(letter)
    expect(await read(20)).toMatch(/^5 d6:result2:ok3:sdp/)
    expect(relay.sessions).toBe(1)
  })

  test.each([
    'noise\r\n\r\n'.padEnd(300, 'x'),
    '1 x',
    '1 d99999999999999999999999999:',
    `1 d1:a${'l'.repeat(70_000)}`,
    '1 di5'.padEnd(60, '5'),
  ])('what is no request ends the connection: %.20s', async (text) => {
    const { send, closed } = await connection()
    send(text)
    await closed
  })

  test('however a stream is cut, its requests are the same; noise is refused or waited out', () => {
    const word = fc.string({ unit: 'binary-ascii', maxLength: 12 })
    const message = fc.dictionary(
      word,
      fc.oneof(word, fc.integer({ min: -9, max: 9_999 }), fc.array(word, { maxLength: 3 })),
    )
    const frame = fc
      .tuple(fc.stringMatching(/^[a-z0-9_]{1,9}$/), message, fc.boolean())
      .map(([cookie, body, json]) => `${cookie} ${encodeBody(dictionary(body), json ? 'json' : 'bencode')}`)
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 5 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
        (frames, cuts) => {
          const stream = new NgStreamFrames()
          const text = frames.join('')
          const got: string[] = []
          for (let at = 0, index = 0; at < text.length; index++) {
            const size = cuts[index % cuts.length]!
            got.push(...stream.push(text.slice(at, at + size)))
            at += size
          }
          expect(got).toEqual(frames)
        },
      ),
    )
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary-ascii', maxLength: 60 }), { maxLength: 8 }), (chunks) => {
        const stream = new NgStreamFrames()
        try {
          for (const chunk of chunks) stream.push(`1 d${chunk}`)
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_PARSE' })
        }
      }),
    )
  })

  test('the relay command serves both', async () => {
    const running = await runRelay({
      interface: ['127.0.0.1'],
      listenNg: [],
      listenTcpNg: '127.0.0.1:0',
      portMin: 44_900,
      portMax: 44_990,
    })
    closers.push(() => running.close())
    expect(running.servers).toHaveLength(1)
    await expect(
      createNgTcpServer({ listen: `127.0.0.1:${running.servers[0]!.port}`, relay: fakeRelay() }),
    ).rejects.toMatchObject({ code: 'ERR_LISTEN' })
  })
})

describe('client', () => {
  /** A node that does as told. */
  async function node(reply: (request: NgDictionary, cookie: string) => string | undefined) {
    const socket = createSocket('udp4')
    closers.push(() => socket.close())
    const heard: NgDictionary[] = []
    socket.on('message', (bytes, peer) => {
      const frame = splitFrame(bytes.toString('latin1'))!
      const request = decodeBody(frame.body)
      heard.push(request)
      const text = reply(request, frame.cookie)
      if (text !== undefined) socket.send(Buffer.from(text, 'latin1'), peer.port, peer.address)
    })
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
    return { port: socket.address().port, heard }
  }
  const client = (...nodes: { port: number }[]) => {
    const made = createNgClient({
      sets: new Map([[0, nodes.map(({ port }) => `udp:127.0.0.1:${port}`)]]),
      retryMillis: 20,
      retries: 2,
    })
    closers.push(() => made.close())
    return made
  }
  const request = { callId: 'c', fromTag: 'A', sdp: CALL_MANAGER_OFFER, flags: TO_OFFICE }

  test('drives our own server through a call', async () => {
    const relay = fakeRelay()
    const server = await serve(relay)
    const ng = client(server)
    await ng.ping()
    const offer = await ng.offer(request)
    expect(offer.sdp).toContain('RTP/SAVP')
    await ng.answer({ ...request, toTag: 'B', sdp: OFFICE_ANSWER, flags: TO_MANAGER })
    expect((await ng.query(request)).streams).toHaveLength(2)
    expect((await ng.delete(request)).streams.map((stream) => stream.protocol)).toEqual(['RTP/AVP', 'RTP/SAVP'])
    expect(relay.sessions).toBe(0)
    await expect(ng.delete(request)).rejects.toMatchObject({ code: 'ERR_MEDIA' })
    await expect(ng.query(request)).rejects.toThrow(/Unknown call-id/)
  })

  test('sends again with the same cookie until it is answered', async () => {
    const cookies: string[] = []
    const lazy = await node((_, cookie) =>
      cookies.push(cookie) < 3 ? undefined : `${cookie} d3:sdp3:v=06:result2:oke`,
    )
    expect(await client(lazy).offer(request)).toEqual({ sdp: 'v=0' })
    expect(new Set(cookies).size).toBe(1)
    expect(lazy.heard).toHaveLength(3)
  })

  test('a silent node is left aside for the next of the set; when none answers that is told', async () => {
    const dead = await node(() => undefined)
    const server = await serve(fakeRelay())
    const ng = client(dead, server)
    for (let index = 0; index < 8; index++) await ng.offer({ ...request, callId: `call ${index}` })
    expect(ng.nodes.map((view) => view.disabled)).toEqual([true, false])
    // Two attempts of the one call that hashed to it first; the last node that is left gets all of them.
    expect(dead.heard.length).toBe(2)
    const lonely = client(dead)
    await expect(lonely.offer(request)).rejects.toMatchObject({ code: 'ERR_MEDIA_UNREACHABLE' })
    await expect(lonely.ping()).rejects.toMatchObject({ code: 'ERR_MEDIA_UNREACHABLE' })
    await expect(client().offer(request)).rejects.toThrow(/set 0 has no nodes/)
  })

  test('replies of somebody else, and those that do not parse, are not taken', async () => {
    let cookie = ''
    const target = await node((_, given) => {
      cookie = given
      forger.send(Buffer.from(`${cookie} d3:sdp4:evil6:result2:oke`, 'latin1'), clientPort, '127.0.0.1')
      return `${given} garbage`
    })
    const forger = createSocket('udp4')
    closers.push(() => forger.close())
    let clientPort = 0
    const spy = createSocket('udp4')
    closers.push(() => spy.close())
    await new Promise<void>((resolve) => spy.bind(0, '127.0.0.1', resolve))
    spy.on('message', (_, peer) => {
      clientPort = peer.port
    })
    const ng = createNgClient({
      sets: new Map([
        [0, [`udp:127.0.0.1:${target.port}`]],
        [1, [`udp:127.0.0.1:${spy.address().port}`]],
      ]),
      retryMillis: 15,
      retries: 1,
    })
    closers.push(() => ng.close())
    await expect(ng.offer({ ...request, set: 1 })).rejects.toThrow()
    expect(clientPort).toBeGreaterThan(0)
    await expect(ng.offer(request)).rejects.toMatchObject({ code: 'ERR_MEDIA_UNREACHABLE' })
  })

  /** Nodes that answer as long as they are alive. */
  async function pair(options: Partial<NgClientOptions> = {}) {
    const make = async () => {
      const state = { alive: true }
      const answering = await node((_, cookie) =>
        state.alive ? `${cookie} d3:sdp3:v=06:result2:ok4:tagsdee` : undefined,
      )
      return { ...answering, state, offers: () => answering.heard.filter((each) => each.command === 'offer').length }
    }
    const [a, b] = [await make(), await make()]
    const ng = createNgClient({
      sets: new Map([[0, [`udp:127.0.0.1:${a.port}`, `udp:127.0.0.1:${b.port}`]]]),
      retryMillis: 15,
      retries: 1,
      disabledMillis: 30,
      ...options,
    })
    closers.push(() => ng.close())
    const offer = (callId: string) => ng.offer({ ...request, callId })
    const until = async (condition: () => boolean) => {
      while (!condition()) await pause(5)
    }
    return { a, b, ng, offer, until, disabled: () => ng.nodes.map((each) => each.disabled) }
  }
  /** Calls of which the first node gets some, and the second one. */
  const calls = Array.from({ length: 12 }, (_, index) => `call ${index}`)

  test('a node that dies loses no call: new ones and re-offers go elsewhere, until it answers again', async () => {
    const { a, b, ng, offer, until, disabled } = await pair()
    for (const call of calls) await offer(call)
    expect(a.offers()).toBeGreaterThan(0)
    expect(b.offers()).toBeGreaterThan(0)
    expect(a.offers() + b.offers()).toBe(12)
    const onIt = a.heard.filter((each) => each.command === 'offer').map((each) => each['call-id'])
    const lost: string[][] = []
    ng.onLost = (callIds) => lost.push([...callIds])
    a.state.alive = false
    for (const call of calls) await offer(call)
    expect(disabled()).toEqual([true, false])
    // Told once, before any of them was offered again.
    expect(lost).toEqual([onIt])
    // All calls are on the other node now, and stay there.
    await ng.answer({ ...request, callId: calls[0]!, toTag: 'B' })
    expect(b.heard.some((each) => each.command === 'answer')).toBe(true)
    a.state.alive = true
    await until(() => !disabled()[0])
    const before = a.offers()
    for (const call of calls) await offer(call)
    expect(a.offers()).toBe(before)
    for (const call of calls) await offer(`new ${call}`)
    expect(a.offers()).toBeGreaterThan(before)
  })

  test('pings find out that a node died before a call has to', async () => {
    const { a, offer, until, disabled } = await pair({ pingMillis: 10 })
    a.state.alive = false
    await until(() => disabled()[0]!)
    const before = a.offers()
    for (const call of calls) await offer(call)
    expect(a.offers()).toBe(before)
  })

  test('when all are left aside they are asked all the same', async () => {
    const { a, b, offer, disabled } = await pair({ disabledMillis: 60_000 })
    a.state.alive = b.state.alive = false
    await expect(offer('c')).rejects.toMatchObject({ code: 'ERR_MEDIA_UNREACHABLE' })
    expect(disabled()).toEqual([true, true])
    a.state.alive = b.state.alive = true
    expect(await offer('c')).toEqual({ sdp: 'v=0' })
  })

  test('a node that has no room passes the call on', async () => {
    const full = await node((_, cookie) => `${cookie} d7:message4:full6:result10:load limite`)
    const server = await serve(fakeRelay())
    const ng = client(full, server)
    for (const call of calls) expect((await ng.offer({ ...request, callId: call })).sdp).toContain('RTP/SAVP')
    await expect(client(full).offer(request)).rejects.toThrow(/refused offer: full/)
  })

  test('weights share new calls out', async () => {
    const { a, b } = await pair()
    const ng = createNgClient({
      sets: new Map([[0, [`udp:127.0.0.1:${a.port}=3`, `udp:127.0.0.1:${b.port}=1`, 'udp:127.0.0.1:9=0']]]),
    })
    closers.push(() => ng.close())
    await Promise.all(Array.from({ length: 200 }, (_, index) => ng.offer({ ...request, callId: `${index}@host` })))
    expect(a.offers() / b.offers()).toBeGreaterThan(2)
    expect(a.offers() / b.offers()).toBeLessThan(4.5)
  })

  test('a node by name is looked up, again where it fell silent', async () => {
    const { a, b } = await pair()
    const asked: string[] = []
    let address = '127.0.0.2'
    const ng = createNgClient({
      sets: new Map([[0, [`udp:rtp.example.com:${a.port}`]]]),
      retryMillis: 15,
      retries: 1,
      lookup: async (name) => {
        asked.push(name)
        if (address === '') throw new Error('no such name')
        return address
      },
    })
    closers.push(() => ng.close())
    expect(ng.nodes).toMatchObject([{ address: 'rtp.example.com', port: a.port }])
    await expect(ng.offer(request)).rejects.toMatchObject({ code: 'ERR_MEDIA_UNREACHABLE' })
    address = '127.0.0.1'
    await ng.offer(request)
    await ng.offer(request)
    expect(asked).toEqual(['rtp.example.com', 'rtp.example.com'])
    expect(ng.nodes).toMatchObject([{ address: '127.0.0.1', disabled: false }])
    const lost = createNgClient({
      sets: new Map([[0, ['udp:nowhere.invalid:1', `udp:127.0.0.1:${b.port}`]]]),
      lookup: () => Promise.reject(new Error('no such name')),
    })
    closers.push(() => lost.close())
    for (const call of calls) await lost.offer({ ...request, callId: call })
    expect(b.offers()).toBe(12)
  })

  test('a wrong node is a configuration error', () => {
    for (const text of ['udp:300.1.1.1:1', 'udp:-x:1', 'udp:a b:1', 'udp:127.0.0.1', 'tcp:127.0.0.1:1', '127.0.0.1:0'])
      expect(() => createNgClient({ sets: new Map([[0, [text]]]) })).toThrow(/media relay/)
  })
})

describe('relay command', () => {
  test('options are checked by name', async () => {
    const good = { interface: ['127.0.0.1'], listenNg: '127.0.0.1:0' }
    await expect(runRelay({ ...good, interface: [] })).rejects.toThrow(/--interface/)
    await expect(runRelay({ ...good, interface: ['x/y'] })).rejects.toThrow(/external\/10\.0\.0\.5/)
    await expect(runRelay({ ...good, portMin: 'abc' })).rejects.toThrow(/--port-min=abc/)
    await expect(runRelay({ ...good, tos: 300 })).rejects.toThrow(/--tos=300/)
    await expect(runRelay({ ...good, portMin: 50_000, portMax: 40_000 })).rejects.toMatchObject({ code: 'ERR_CONFIG' })
    await expect(runRelay({ ...good, listenNg: '1.2.3.4.5:1' })).rejects.toMatchObject({ code: 'ERR_CONFIG' })
  })
})
