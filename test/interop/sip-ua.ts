// Owns small user agents of interop tests: they place and answer calls over UDP with audio-like packets both ways, and
// know how long each has gone without hearing one.
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { buildReply, parseMessage, SipReply, SipRequest } from '../../src/sip/index.ts'

async function bind(address: string, port = 0): Promise<Socket> {
  const socket = createSocket('udp4')
  socket.bind(port, address)
  await once(socket, 'listening')
  return socket
}

/** A stream that sends a packet every 100 ms and notes the longest silence. */
export class Stream {
  readonly socket: Socket
  received = 0
  longestGapMillis = 0
  #last = 0
  #sequence = 0
  #timer: NodeJS.Timeout | undefined
  #closed = false

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('message', () => {
      const now = performance.now()
      if (this.received++ > 0) this.longestGapMillis = Math.max(this.longestGapMillis, now - this.#last)
      this.#last = now
    })
  }

  static async open(address: string): Promise<Stream> {
    return new Stream(await bind(address))
  }

  get port(): number {
    return this.socket.address().port
  }

  /** Longest silence so far, the one that lasts included; Infinity before the first packet. */
  get silenceMillis(): number {
    return this.received === 0
      ? Number.POSITIVE_INFINITY
      : Math.max(this.longestGapMillis, performance.now() - this.#last)
  }

  send(address: string, port: number): void {
    clearInterval(this.#timer)
    this.#timer = setInterval(() => {
      const packet = Buffer.alloc(172, 0xd5)
      packet.writeUInt16BE(0x8000, 0)
      packet.writeUInt16BE(this.#sequence++ & 0xffff, 2)
      packet.writeUInt32BE((this.#sequence * 800) >>> 0, 4)
      packet.writeUInt32BE(this.port, 8)
      this.socket.send(packet, port, address)
    }, 100)
  }

  close(): void {
    clearInterval(this.#timer)
    if (this.#closed) return
    this.#closed = true
    this.socket.close()
  }
}

function description(address: string, port: number): string {
  return `v=0\r\no=- 1 1 IN IP4 ${address}\r\ns=-\r\nc=IN IP4 ${address}\r\nt=0 0\r\nm=audio ${port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n`
}

function mediaOf(body: string): { address: string; port: number } {
  return { address: /c=IN IP4 (\S+)/.exec(body)?.[1] ?? '', port: Number(/m=audio (\d+)/.exec(body)?.[1] ?? 0) }
}

/** Answers every INVITE at once, with media. */
export class AnsweringAgent {
  readonly address: string
  readonly port: number
  readonly streams: Stream[] = []
  byes = 0
  readonly #socket: Socket

  private constructor(socket: Socket) {
    this.#socket = socket
    this.address = socket.address().address
    this.port = socket.address().port
    socket.on('message', (bytes, from) => void this.#onMessage(bytes.toString('latin1'), from))
  }

  static async open(address: string, port: number): Promise<AnsweringAgent> {
    return new AnsweringAgent(await bind(address, port))
  }

  close(): void {
    for (const stream of this.streams) stream.close()
    this.#socket.close()
  }

  async #onMessage(wire: string, from: { address: string; port: number }): Promise<void> {
    const parsed = parseMessage(wire)
    if (!parsed.ok || !(parsed.message instanceof SipRequest)) return
    const request = parsed.message
    const send = (reply: string) => this.#socket.send(Buffer.from(reply, 'latin1'), from.port, from.address)
    if (request.method === 'ACK') return
    if (request.method === 'BYE') this.byes++
    if (request.method !== 'INVITE' || !request.body) {
      send(buildReply(request, 200, 'OK', { toTag: request.toTag ? '' : 'answer' }))
      return
    }
    const stream = await Stream.open(this.address)
    this.streams.push(stream)
    const media = mediaOf(request.body)
    stream.send(media.address, media.port)
    send(
      buildReply(request, 200, 'OK', {
        toTag: `b${stream.port}`,
        headers: `Contact: <sip:bob@${this.address}:${this.port}>\r\n`,
        body: description(this.address, stream.port),
        contentType: 'application/sdp',
      }),
    )
  }
}

export interface Call {
  readonly callId: string
  readonly final: SipReply
  readonly stream: Stream | undefined
  readonly millis: number
}

/** Places calls through a proxy. */
export class CallingAgent {
  readonly #socket: Socket
  readonly #proxy: { address: string; port: number }
  readonly #waiting = new Map<string, (reply: SipReply) => void>()
  #serial = 0

  private constructor(socket: Socket, proxy: { address: string; port: number }) {
    this.#socket = socket
    this.#proxy = proxy
    socket.on('message', (bytes, from) => {
      const parsed = parseMessage(bytes.toString('latin1'))
      if (!parsed.ok) return
      if (parsed.message instanceof SipReply) {
        if (parsed.message.status >= 200)
          this.#waiting.get(`${parsed.message.callId} ${parsed.message.cseqMethod}`)?.(parsed.message)
        return
      }
      this.#socket.send(
        Buffer.from(buildReply(parsed.message as SipRequest, 200, 'OK'), 'latin1'),
        from.port,
        from.address,
      )
    })
  }

  static async open(address: string, proxy: { address: string; port: number }): Promise<CallingAgent> {
    return new CallingAgent(await bind(address), proxy)
  }

  close(): void {
    this.#socket.close()
  }

  /** Places a call to `user`; the stream talks where it was answered. No answer in `millis` is an error. */
  async call(user: string, millis = 5000, withMedia = true): Promise<Call> {
    const { address } = this.#socket.address()
    const stream = withMedia ? await Stream.open(address) : undefined
    return this.#place(user, stream ? description(address, stream.port) : '', stream, millis)
  }

  /** Places a call on behalf of somebody else's media. */
  callWith(user: string, body: string, millis = 5000): Promise<Call> {
    return this.#place(user, body, undefined, millis)
  }

  async #place(user: string, body: string, stream: Stream | undefined, millis: number): Promise<Call> {
    const { port } = this.#socket.address()
    const callId = `call-${process.pid}-${port}-${++this.#serial}`
    const began = performance.now()
    const final = await this.#transact('INVITE', `sip:${user}@${this.#proxy.address}:${this.#proxy.port}`, callId, {
      body,
      to: `<sip:${user}@example.com>`,
      routes: [],
      millis,
    })
    const answered = performance.now() - began
    if (final.status === 200) {
      this.#send('ACK', final.nameAddrs('contact')[0]?.uri ?? '', callId, {
        body: '',
        to: final.header('to') ?? '',
        routes: routes(final),
      })
      const media = mediaOf(final.body)
      stream?.send(media.address, media.port)
    } else {
      stream?.close()
    }
    return { callId, final, stream: final.status === 200 ? stream : undefined, millis: answered }
  }

  /** Hangs up; resolves with the status of the reply to the BYE. */
  async hangUp(call: Call): Promise<number> {
    const to = call.final.header('to') ?? ''
    const target = call.final.nameAddrs('contact')[0]?.uri ?? ''
    const reply = await this.#transact('BYE', target, call.callId, {
      body: '',
      to,
      routes: routes(call.final),
      millis: 5000,
    })
    call.stream?.close()
    return reply.status
  }

  #transact(
    method: string,
    uri: string,
    callId: string,
    parts: { body: string; to: string; routes: string[]; millis: number },
  ): Promise<SipReply> {
    return new Promise((resolve, reject) => {
      const key = `${callId} ${method}`
      const wire = this.#send(method, uri, callId, parts)
      // RFC 3261 17.1.1.2, Timer A: the request again until something final comes.
      let wait = 500
      const again = (): void => {
        this.#socket.send(Buffer.from(wire, 'latin1'), this.#proxy.port, this.#proxy.address)
        wait = Math.min(wait * 2, 4000)
        timer = setTimeout(again, wait)
      }
      let timer = setTimeout(again, wait)
      const limit = setTimeout(() => {
        clearTimeout(timer)
        this.#waiting.delete(key)
        reject(new Error(`no final answer to ${method} of ${callId} within ${parts.millis} ms`))
      }, parts.millis)
      this.#waiting.set(key, (reply) => {
        clearTimeout(timer)
        clearTimeout(limit)
        this.#waiting.delete(key)
        resolve(reply)
      })
    })
  }

  #send(method: string, uri: string, callId: string, parts: { body: string; to: string; routes: string[] }): string {
    const { address, port } = this.#socket.address()
    const cseq = method === 'BYE' ? 2 : 1
    const wire = `${method} ${uri} SIP/2.0\r\nVia: SIP/2.0/UDP ${address}:${port};branch=z9hG4bK${callId}${method}\r\n${parts.routes.map((route) => `Route: <${route}>\r\n`).join('')}From: <sip:alice@${address}:${port}>;tag=a${callId}\r\nTo: ${parts.to}\r\nCall-ID: ${callId}\r\nCSeq: ${cseq} ${method}\r\nContact: <sip:alice@${address}:${port}>\r\nMax-Forwards: 70\r\n${parts.body ? 'Content-Type: application/sdp\r\n' : ''}Content-Length: ${parts.body.length}\r\n\r\n${parts.body}`
    this.#socket.send(Buffer.from(wire, 'latin1'), this.#proxy.port, this.#proxy.address)
    return wire
  }
}

function routes(reply: SipReply): string[] {
  return reply
    .nameAddrs('record-route')
    .map((route) => route.uri)
    .reverse()
}
