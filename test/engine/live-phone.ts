// Owns a phone of tests with real sockets: SIP over UDP by hand, and a peer that speaks and hears RTP.
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { buildReply, parseMessage, SipReply, SipRequest } from '../../src/sip/index.ts'
import { request } from '../../src/testkit/index.ts'
import { RtpPeer } from '../media/rtp-peer.ts'

export interface LiveCall {
  readonly callId: string
  readonly ownTag: string
  readonly peerTag: string
}

const ENGINE = { address: '127.0.0.1', port: 5060 }

export class LivePhone {
  readonly rtp: RtpPeer
  readonly at: string
  readonly #socket: Socket
  readonly #name: string
  readonly #heard: (SipRequest | SipReply)[] = []
  #wake = (): void => undefined

  private constructor(name: string, socket: Socket, rtp: RtpPeer) {
    this.#name = name
    this.#socket = socket
    this.rtp = rtp
    this.at = `udp:${rtp.address}:${socket.address().port}`
    socket.on('message', (bytes) => {
      const parsed = parseMessage(bytes.toString('latin1'))
      if (parsed.ok) this.#heard.push(parsed.message as SipRequest | SipReply)
      this.#wake()
    })
  }

  static async open(name: string, address: string, port: number): Promise<LivePhone> {
    const socket = createSocket('udp4')
    socket.bind(port, address)
    await once(socket, 'listening')
    return new LivePhone(name, socket, await RtpPeer.open(address))
  }

  /** A-law or mu-law and events, at the phone's own address. */
  get sdp(): string {
    const { address, port } = this.rtp
    return `v=0\r\no=${this.#name} 1 1 IN IP4 ${address}\r\ns=-\r\nc=IN IP4 ${address}\r\nt=0 0\r\nm=audio ${port} RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n`
  }

  get contact(): string {
    const [, address, port] = this.at.split(':')
    return `<sip:${this.#name}@${address}:${port}>`
  }

  send(wire: string): void {
    this.#socket.send(Buffer.from(wire, 'latin1'), ENGINE.port, ENGINE.address)
  }

  /** An INVITE that begins a call. */
  invite(callId: string, fromTag: string): void {
    const headers = { Contact: this.contact }
    this.send(request('INVITE', { from: this.at, callId, fromTag, headers, body: this.sdp }))
  }

  /** A request within a call. */
  within(
    method: string,
    call: LiveCall,
    uri: string,
    cseq: number,
    more: { body?: string; contentType?: string } = {},
  ): void {
    const { callId, ownTag, peerTag } = call
    const headers = { Route: `<sip:${ENGINE.address};lr>` }
    this.send(request(method, { from: this.at, callId, fromTag: ownTag, toTag: peerTag, uri, cseq, headers, ...more }))
  }

  answer(given: SipRequest, toTag: string, body = ''): void {
    const type = body === '' ? '' : 'Content-Type: application/sdp\r\n'
    this.send(buildReply(given, 200, 'OK', { toTag, headers: `Contact: ${this.contact}\r\n${type}`, body }))
  }

  /** The oldest request of a method that was not taken yet. */
  request(method: string, millis = 8_000): Promise<SipRequest> {
    return this.#take(
      (each): each is SipRequest => each instanceof SipRequest && each.method === method,
      method,
      millis,
    )
  }

  reply(method: string): Promise<SipReply> {
    const wanted = (each: SipRequest | SipReply): each is SipReply =>
      each instanceof SipReply && each.cseqMethod === method && each.status >= 200
    return this.#take(wanted, `reply to ${method}`, 8_000)
  }

  async #take<T extends SipRequest | SipReply>(
    wanted: (each: SipRequest | SipReply) => each is T,
    what: string,
    millis: number,
  ): Promise<T> {
    const until = performance.now() + millis
    for (;;) {
      const at = this.#heard.findIndex(wanted)
      if (at >= 0) return this.#heard.splice(at, 1)[0] as T
      const left = until - performance.now()
      if (left <= 0)
        throw new Error(
          `${this.#name} heard no ${what}, but ${this.#heard.map(({ raw }) => raw.split('\r\n', 1)[0]).join(', ')}`,
        )
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }

  close(): void {
    this.#socket.close()
    this.rtp.close()
  }
}
