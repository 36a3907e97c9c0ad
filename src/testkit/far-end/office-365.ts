// Owns the Office 365 far end: a TLS server that refuses what Microsoft refuses (U01 to U08), answers what passes,
// and speaks SRTP.
import { randomBytes } from 'node:crypto'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import { buildReply, type SipMessage, SipRequest } from '../../sip/index.ts'
import { AudioEnd, type AudioReport } from './audio.ts'
import { certificateNames } from './certificate-names.ts'
import { checkOffice365Rules } from './office-365-rules.ts'
import type { RuleFinding } from './rule-finding.ts'
import { readSdesOffer } from './sdes-offer.ts'
import { SipConnection } from './sip-connection.ts'

export interface Office365Options {
  readonly address: string
  readonly port: number
  /** guid.um.outlook.com, the name its certificate carries. */
  readonly host: string
  /** The name of the UM IP gateway, which the border's certificate must carry exactly. */
  readonly gateway: string
  /** PEM texts. */
  readonly key: string
  readonly cert: string
  readonly ca: string
}

/** One INVITE as the far end saw it. */
export interface Office365Call {
  readonly invite: SipRequest
  readonly findings: readonly RuleFinding[]
  /** 200, or Microsoft's refusal. */
  readonly status: number
  readonly audio: AudioEnd | undefined
  readonly connection: SipConnection
  readonly toTag: string
}

export class Office365FarEnd {
  readonly #options: Office365Options
  readonly #server: Server
  readonly #connections = new Set<SipConnection>()
  readonly #calls = new Map<string, Office365Call>()
  /** Sees each message in or out, for a ladder. */
  onTrace: ((direction: 'in' | 'out', wire: string) => void) | undefined
  onCall: ((call: Office365Call) => void) | undefined

  constructor(options: Office365Options) {
    this.#options = options
    this.#server = createServer(
      {
        key: options.key,
        cert: options.cert,
        ca: options.ca,
        requestCert: true,
        rejectUnauthorized: false,
        minVersion: 'TLSv1.2',
      },
      (socket) => this.#onConnection(socket),
    )
  }

  /** Starts to listen; resolves with the port. */
  async listen(): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(this.#options.port, this.#options.address, resolve)
    })
    return (this.#server.address() as { port: number }).port
  }

  call(callId: string): Office365Call | undefined {
    return this.#calls.get(callId)
  }

  /** Hangs up from this side; resolves with the status of the reply to the BYE. */
  async hangUp(callId: string): Promise<number> {
    const call = this.#calls.get(callId)
    if (!call) throw new Error(`no call ${callId}`)
    const { invite, connection } = call
    const routes = invite.nameAddrs('record-route').map((route) => `Route: <${route.uri}>\r\n`)
    const contact = invite.nameAddrs('contact')[0]?.uri ?? invite.from?.uri
    connection.send(
      `BYE ${contact} SIP/2.0\r\nVia: SIP/2.0/TLS ${this.#options.address}:${this.#options.port};branch=z9hG4bK${randomBytes(6).toString('hex')}\r\n${routes.join('')}From: ${invite.header('to')};tag=${call.toTag}\r\nTo: ${invite.header('from')}\r\nCall-ID: ${callId}\r\nCSeq: 1 BYE\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n`,
    )
    const reply = await connection.reply('BYE', 200)
    call.audio?.close()
    return reply.status
  }

  audio(callId: string): AudioReport | undefined {
    return this.#calls.get(callId)?.audio?.report()
  }

  async close(): Promise<void> {
    for (const call of this.#calls.values()) call.audio?.close()
    for (const connection of this.#connections) connection.close()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  #onConnection(socket: TLSSocket): void {
    const connection = new SipConnection(socket)
    this.#connections.add(connection)
    socket.on('close', () => this.#connections.delete(connection))
    connection.onSend = (wire) => this.onTrace?.('out', wire)
    connection.onMessage = (message) => {
      this.onTrace?.('in', message.raw)
      this.#onMessage(connection, socket, message).catch((error: unknown) => {
        process.stderr.write(`office 365 far end: ${String(error)}\n`)
      })
    }
  }

  async #onMessage(connection: SipConnection, socket: TLSSocket, message: SipMessage): Promise<void> {
    if (!(message instanceof SipRequest)) return
    switch (message.method) {
      case 'INVITE':
        return this.#onInvite(connection, socket, message)
      case 'ACK':
        return
      case 'BYE': {
        this.#calls.get(message.callId)?.audio?.stop()
        connection.send(buildReply(message, 200, 'OK'))
        return
      }
      case 'OPTIONS':
      case 'CANCEL':
        connection.send(buildReply(message, 200, 'OK'))
        return
      default:
        connection.send(buildReply(message, 405, 'Method Not Allowed'))
    }
  }

  async #onInvite(connection: SipConnection, socket: TLSSocket, invite: SipRequest): Promise<void> {
    const findings = checkOffice365Rules({
      invite,
      certificateNames: socket.authorized ? certificateNames(socket) : [],
      gateway: this.#options.gateway,
      host: this.#options.host,
      transport: 'tls',
    })
    const broken = findings.find((finding) => !finding.kept && finding.status > 0)
    const toTag = invite.toTag || randomBytes(5).toString('hex')
    if (broken) {
      const call = { invite, findings, status: broken.status, audio: undefined, connection, toTag }
      this.#remember(call)
      const reason = broken.status === 403 ? 'Forbidden' : 'Not Acceptable Here'
      connection.send(
        buildReply(invite, broken.status, reason, { toTag, headers: `ms-diagnostics: 0;reason="${broken.rule}"\r\n` }),
      )
      return
    }
    connection.send(buildReply(invite, 180, 'Ringing', { toTag }))
    const audio = this.#calls.get(invite.callId)?.audio ?? (await AudioEnd.open(this.#options.address, 1000))
    const theirs = readSdesOffer(invite.body)
    const ourKey = randomBytes(30)
    const call = { invite, findings, status: 200, audio, connection, toTag }
    this.#remember(call)
    audio.start({ address: theirs.address, port: theirs.port, sendKey: ourKey, receiveKey: theirs.key })
    connection.send(
      buildReply(invite, 200, 'OK', {
        toTag,
        headers: `Contact: <sip:${this.#options.address}:${this.#options.port};transport=tls>;automata;text;audio;video;image\r\nSUPPORTED: Replaces\r\nSUPPORTED: timer\r\nP-ASSERTED-IDENTITY: <sip:87000@${this.#options.host}>\r\nSERVER: RTCC/5.0.0.0 MSExchangeUM/15.01.0231.021\r\nSession-Expires: 1800;refresher=uac\r\nMin-SE: 1800\r\n`,
        contentType: 'application/sdp',
        body: answer(this.#options.address, audio.port, theirs.tag, ourKey),
      }),
    )
  }

  #remember(call: Office365Call): void {
    this.#calls.set(call.invite.callId, call)
    this.onCall?.(call)
  }
}

/** The answer of U07, as the seed's capture prints it. */
function answer(address: string, port: number, tag: string, key: Buffer): string {
  return `v=0\r\no=- 85 0 IN IP4 ${address}\r\ns=session\r\nc=IN IP4 ${address}\r\nb=CT:10000000\r\nt=0 0\r\nm=audio ${port} RTP/SAVP 0 101\r\nc=IN IP4 ${address}\r\na=label:main-audio\r\na=sendrecv\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16,36\r\na=ptime:20\r\na=crypto:${tag} AES_CM_128_HMAC_SHA1_80 inline:${key.toString('base64')}\r\n`
}
