// Owns the call manager's far end: it sends the INVITE that the Office 365 exchange of 2015 began with, over TCP and
// with plain RTP, and carries the call to its end.
import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import type { SipMessage, SipReply, SipRequest } from '../../sip/index.ts'
import { AudioEnd } from './audio.ts'
import { SipConnection } from './sip-connection.ts'

export interface InviteOptions {
  /** The call manager's own address and SIP port, in Via, From and Contact. */
  readonly address: string
  readonly port: number
  readonly callId: string
  readonly branch: string
  /** The name it dials, in the Request-URI and To. */
  readonly target: string
  readonly mediaPort: number
  /** Lines put at the end of the SDP: a=rtcp-mux, ICE candidates. */
  readonly extraSdp?: string
}

/** The call manager's own INVITE, with true lengths. */
export function callManagerInvite(options: InviteOptions): string {
  const { address, port, target } = options
  const sdp = `v=0\r\no=CiscoSystemsCCM-SIP 94213 1 IN IP4 ${address}\r\ns=SIP Call\r\nc=IN IP4 ${address}\r\nt=0 0\r\nm=audio ${options.mediaPort} RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n${options.extraSdp ?? ''}`
  return [
    `INVITE sip:87000@${target} SIP/2.0`,
    `Via: SIP/2.0/TCP ${address}:${port};branch=${options.branch}`,
    `From: "10048 - Armstrong, Clint" <sip:10048@${address}>;tag=94213~3cc43a48-48ec-41b9-848c-fcefa428f2e7-21861219`,
    `To: <sip:87000@${target}>`,
    'Date: Mon, 24 Aug 2015 12:22:29 GMT',
    `Call-ID: ${options.callId}`,
    'Supported: timer,resource-priority,replaces',
    'Min-SE:  1800',
    'User-Agent: Cisco-CUCM9.1',
    'Allow: INVITE, OPTIONS, INFO, BYE, CANCEL, ACK, PRACK, UPDATE, REFER, SUBSCRIBE, NOTIFY',
    'CSeq: 101 INVITE',
    'Expires: 180',
    'Allow-Events: presence, kpml',
    'Supported: X-cisco-srtp-fallback,X-cisco-original-called',
    `Call-Info: <urn:x-cisco-remotecc:callinfo>; security= NotAuthenticated; gci= 1-4270982, <sip:${address}:${port}>;method="NOTIFY;Event=telephone-event;Duration=500"`,
    'Cisco-Guid: 3357373952-0000065536-0000032693-0872546314',
    'Session-Expires:  1800',
    `P-Asserted-Identity: "10048 - Armstrong, Clint" <sip:10048@${address}>`,
    `Remote-Party-ID: "10048 - Armstrong, Clint" <sip:10048@${address}>;party=calling;screen=yes;privacy=off`,
    `Contact: <sip:10048@${address}:${port};transport=tcp>`,
    'Max-Forwards: 70',
    'Content-Type: application/sdp',
    `Content-Length: ${sdp.length}`,
    '',
    sdp,
  ].join('\r\n')
}

export interface CallManagerOptions {
  /** Where the border listens. */
  readonly border: { readonly address: string; readonly port: number }
  readonly address: string
  readonly target: string
}

/** One call as the call manager placed it. */
export interface PlacedCall {
  readonly callId: string
  readonly final: SipReply
  readonly audio: AudioEnd
}

export class CallManager {
  readonly #options: CallManagerOptions
  #connection: SipConnection | undefined
  readonly #audio = new Set<AudioEnd>()
  /** Sees each message in or out, for a ladder. */
  onTrace: ((direction: 'in' | 'out', wire: string) => void) | undefined

  constructor(options: CallManagerOptions) {
    this.#options = options
  }

  /** Opens the trunk's TCP connection. */
  async open(): Promise<void> {
    const { border, address } = this.#options
    const socket = connect({ host: border.address, port: border.port, localAddress: address })
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    const connection = new SipConnection(socket)
    connection.onSend = (wire) => this.onTrace?.('out', wire)
    connection.onMessage = (message: SipMessage) => this.onTrace?.('in', message.raw)
    this.#connection = connection
  }

  get connection(): SipConnection {
    if (!this.#connection) throw new Error('the call manager has no connection yet')
    return this.#connection
  }

  /** Sends the INVITE, waits for its final answer, acknowledges it, and starts to talk if it was a 200. */
  async call(extraSdp = ''): Promise<PlacedCall> {
    const { address, target } = this.#options
    const audio = await AudioEnd.open(address, 440)
    this.#audio.add(audio)
    const callId = `${randomBytes(4).toString('hex')}-5db10c85-9501-3402000a@${address}`
    const branch = `z9hG4bK${randomBytes(6).toString('hex')}`
    const connection = this.connection
    const port = connection.socket.localPort ?? 5060
    connection.send(callManagerInvite({ address, port, callId, branch, target, mediaPort: audio.port, extraSdp }))
    const final = await connection.reply('INVITE', 200, 20_000)
    if (final.status === 200) {
      connection.send(this.#inDialog('ACK', final, 101))
      const media = /m=audio (\d+)/.exec(final.body)?.[1]
      const host = [...final.body.matchAll(/c=IN IP4 (\S+)/g)].at(-1)?.[1]
      if (media && host) audio.start({ address: host, port: Number(media) })
    } else {
      connection.send(
        `ACK sip:87000@${target} SIP/2.0\r\nVia: SIP/2.0/TCP ${address}:${port};branch=${branch}\r\nFrom: ${final.header('from')}\r\nTo: ${final.header('to')}\r\nCall-ID: ${callId}\r\nCSeq: 101 ACK\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n`,
      )
    }
    return { callId, final, audio }
  }

  /** Hangs up; resolves with the status of the reply to the BYE. */
  async hangUp(call: PlacedCall): Promise<number> {
    this.connection.send(this.#inDialog('BYE', call.final, 102))
    const reply = await this.connection.reply('BYE', 200)
    call.audio.stop()
    return reply.status
  }

  /** Answers a request that came within the dialog. */
  answer(request: SipRequest, wire: (request: SipRequest) => string): void {
    this.connection.send(wire(request))
  }

  close(): void {
    for (const audio of this.#audio) audio.close()
    this.#connection?.close()
  }

  /** RFC 3261 12.2.1.1: a request within the dialog that `reply` made, its routes being loose. */
  #inDialog(method: string, reply: SipReply, sequence: number): string {
    const { address } = this.#options
    const routes = reply.nameAddrs('record-route').reverse()
    const target = reply.nameAddrs('contact')[0]?.uri ?? ''
    const port = this.connection.socket.localPort ?? 5060
    return `${method} ${target} SIP/2.0\r\nVia: SIP/2.0/TCP ${address}:${port};branch=z9hG4bK${randomBytes(6).toString('hex')}\r\n${routes.map((route) => `Route: <${route.uri}>\r\n`).join('')}From: ${reply.header('from')}\r\nTo: ${reply.header('to')}\r\nCall-ID: ${reply.callId}\r\nCSeq: ${sequence} ${method}\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n`
  }
}
