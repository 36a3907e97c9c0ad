// Owns the far end of Microsoft Teams Direct Routing: a TLS server that refuses what Microsoft refuses and answers what
// passes with SRTP, and a client that probes and calls the border over connections of its own (T09).
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect as connectPlain } from 'node:net'
import { connect, createServer, type Server, type TLSSocket } from 'node:tls'
import { buildReply, parseMessage, type SipMessage, type SipReply, SipRequest } from '../../sip/index.ts'
import { AudioEnd, type AudioReport } from './audio.ts'
import { certificateNames } from './certificate-names.ts'
import type { RuleFinding } from './rule-finding.ts'
import { readSdesOffer } from './sdes-offer.ts'
import { SipConnection } from './sip-connection.ts'
import { checkTeamsInvite, checkTeamsProbe } from './teams-rules.ts'

/** What Microsoft's own hosts are called, in the order in which they are to be tried. */
export const TEAMS_HOSTS = [
  'sip.pstnhub.microsoft.com',
  'sip2.pstnhub.microsoft.com',
  'sip3.pstnhub.microsoft.com',
] as const

export interface TeamsOptions {
  readonly address: string
  readonly port: number
  /** Which of Microsoft's hosts it plays; default the first. */
  readonly host?: string
  /** The paired name of the border. */
  readonly trunk: string
  /** Where the border accepts TLS. */
  readonly border?: { readonly address: string; readonly port: number }
  /** PEM texts. */
  readonly key: string
  readonly cert: string
  readonly ca: string
}

/** One call, in either direction. */
export interface TeamsCall {
  /** The INVITE as it came, or as it was sent. */
  readonly invite: SipRequest
  readonly findings: readonly RuleFinding[]
  /** Final status. */
  readonly status: number
  readonly audio: AudioEnd | undefined
  /** From and To of requests that Teams sends in the dialog. */
  readonly local: string
  readonly remote: string
  /** The border's Contact and route set, in the order of our Route headers. */
  readonly target: string
  readonly routes: readonly string[]
}

export class TeamsFarEnd {
  readonly #options: TeamsOptions
  readonly #server: Server
  readonly #connections = new Set<SipConnection>()
  readonly #calls = new Map<string, TeamsCall>()
  readonly #acknowledged = new Set<string>()
  /** A connection of our own to the border: it carries our requests and their replies only. */
  #own: SipConnection | undefined
  /** Status for INVITEs instead of taking them, such as 503. */
  refuseWith: number | undefined
  /** OPTIONS that kept every rule. */
  probes = 0
  /** Sees each message in or out. */
  onTrace: ((direction: 'in' | 'out', wire: string) => void) | undefined
  onCall: ((call: TeamsCall) => void) | undefined

  constructor(options: TeamsOptions) {
    this.#options = options
    const { key, cert, ca } = options
    const tls = { key, cert, ca, requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.2' } as const
    this.#server = createServer(tls, (socket) => this.#adopt(new SipConnection(socket), socket))
  }

  get host(): string {
    return this.#options.host ?? TEAMS_HOSTS[0]
  }

  /** Starts to listen; resolves with the port. */
  async listen(): Promise<number> {
    const listening = once(this.#server, 'listening')
    this.#server.listen(this.#options.port, this.#options.address)
    await listening
    return (this.#server.address() as { port: number }).port
  }

  call(callId: string): TeamsCall | undefined {
    return this.#calls.get(callId)
  }

  /** T42: whether the border acknowledged the 200 of a call. */
  acknowledged(callId: string): boolean {
    return this.#acknowledged.has(callId)
  }

  audio(callId: string): AudioReport | undefined {
    return this.#calls.get(callId)?.audio?.report()
  }

  /** T22: asks whether the trunk is there; resolves with the reply. */
  async probe(): Promise<SipReply> {
    const connection = await this.#connection()
    const { trunk } = this.#options
    connection.send(
      this.#request(
        'OPTIONS',
        `sip:${trunk}:5061;transport=tls`,
        `<sip:${this.host}:5061>;tag=${tag()}`,
        `<sip:${trunk}:5061>`,
        { contact: true },
      ),
    )
    return connection.reply('OPTIONS', 200)
  }

  /** Calls a number of the border, as Teams writes it; resolves with the final reply, acknowledged. */
  async place(number: string, from = '+4971560000'): Promise<{ callId: string; final: SipReply }> {
    const connection = await this.#connection()
    const { trunk, address } = this.#options
    const audio = await AudioEnd.open(address, 1000)
    const key = randomBytes(30)
    const callId = randomBytes(16).toString('hex')
    const local = `VoIP <sip:${from}@${this.host}:5061;user=phone>;tag=${tag()}`
    const uri = `sip:${number}@${trunk}:5061;user=phone;transport=tls`
    // T34: no angle brackets around To.
    const invite = this.#request('INVITE', uri, local, `sip:${number}@${trunk}:5061;user=phone`, {
      callId,
      contact: true,
      body: description(address, audio.port, '1', key),
    })
    connection.send(invite)
    const final = await connection.reply('INVITE', 200, 20_000)
    const routes = final
      .nameAddrs('record-route')
      .map(({ uri: route }) => route)
      .reverse()
    const call: TeamsCall = {
      invite: parsed(invite),
      findings: [],
      status: final.status,
      audio,
      local,
      remote: final.header('to') ?? '',
      target: final.nameAddrs('contact')[0]?.uri ?? uri,
      routes,
    }
    this.#remember(callId, call)
    if (final.status === 200) {
      connection.send(this.#request('ACK', call.target, local, call.remote, { callId, routes }))
      const theirs = readSdesOffer(final.body)
      audio.start({ address: theirs.address, port: theirs.port, sendKey: key, receiveKey: theirs.key })
    } else {
      const via = call.invite.header('via') ?? ''
      connection.send(
        `ACK ${uri} SIP/2.0\r\nVIA: ${via}\r\nFROM: ${local}\r\nTO: ${call.remote}\r\nCALL-ID: ${callId}\r\nCSEQ: 1 ACK\r\nMAX-FORWARDS: 70\r\nCONTENT-LENGTH: 0\r\n\r\n`,
      )
    }
    return { callId, final }
  }

  /** Hangs up from this side, over our own connection; resolves with the status of the reply. */
  async hangUp(callId: string): Promise<number> {
    const call = this.#calls.get(callId)
    if (!call) throw new Error(`no call ${callId}`)
    const connection = await this.#connection()
    connection.send(
      this.#request('BYE', call.target, call.local, call.remote, { callId, routes: call.routes, cseq: 2 }),
    )
    const reply = await connection.reply('BYE', 200)
    call.audio?.close()
    return reply.status
  }

  async close(): Promise<void> {
    for (const call of this.#calls.values()) call.audio?.close()
    for (const connection of this.#connections) connection.close()
    if (!this.#server.listening) return
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  /** Our own connection to the border, opened when it is first needed. */
  async #connection(): Promise<SipConnection> {
    if (this.#own && !this.#own.socket.destroyed) return this.#own
    const { border, trunk, address, key, cert, ca } = this.#options
    if (!border) throw new Error('this far end was not told where the border is')
    const plain = connectPlain({ host: border.address, port: border.port, localAddress: address })
    const socket = connect({ socket: plain, servername: trunk, key, cert, ca })
    await once(socket, 'secureConnect')
    const connection = new SipConnection(socket)
    this.#adopt(connection, socket)
    this.#own = connection
    return connection
  }

  #adopt(connection: SipConnection, socket: TLSSocket): void {
    this.#connections.add(connection)
    socket.on('close', () => this.#connections.delete(connection))
    connection.onSend = (wire) => this.onTrace?.('out', wire)
    connection.onMessage = (message) => {
      this.onTrace?.('in', message.raw)
      this.#onMessage(connection, socket, message).catch((error: unknown) => {
        process.stderr.write(`teams far end: ${String(error)}\n`)
      })
    }
  }

  async #onMessage(connection: SipConnection, socket: TLSSocket, message: SipMessage): Promise<void> {
    if (!(message instanceof SipRequest)) return
    // T09: a connection that Teams opened carries no requests of the border.
    if (connection === this.#own && message.method !== 'ACK') {
      connection.send(
        buildReply(message, 403, 'Forbidden', { headers: 'Reason: Q.850;cause=63;text="wrong connection"\r\n' }),
      )
      return
    }
    const names = socket.authorized ? certificateNames(socket) : []
    switch (message.method) {
      case 'OPTIONS':
        return this.#answerProbe(connection, message, names)
      case 'INVITE':
        return this.#answerInvite(connection, message, names)
      case 'ACK':
        this.#acknowledged.add(message.callId)
        return
      case 'BYE':
        this.#calls.get(message.callId)?.audio?.stop()
        connection.send(buildReply(message, 200, 'OK'))
        return
      case 'CANCEL':
        connection.send(buildReply(message, 200, 'OK'))
        return
      default:
        connection.send(buildReply(message, 405, 'Method Not Allowed'))
    }
  }

  #answerProbe(connection: SipConnection, request: SipRequest, names: readonly string[]): void {
    const broken = checkTeamsProbe({ request, certificateNames: names, trunk: this.#options.trunk }).find(isRefused)
    if (!broken) this.probes++
    const reason = `Reason: Q.850;cause=63;text="${broken?.rule}: ${broken?.saw}"\r\n`
    connection.send(
      broken
        ? buildReply(request, broken.status, '', { headers: reason })
        : buildReply(request, 200, 'OK', {
            headers: 'ALLOW: INVITE,ACK,CANCEL,BYE,INFO,NOTIFY,PRACK,UPDATE,OPTIONS\r\n',
          }),
    )
  }

  async #answerInvite(connection: SipConnection, invite: SipRequest, names: readonly string[]): Promise<void> {
    const again = this.#calls.get(invite.callId)
    const findings = checkTeamsInvite({ request: invite, certificateNames: names, trunk: this.#options.trunk })
    const broken = again ? undefined : findings.find(isRefused)
    const status = broken?.status ?? this.refuseWith ?? 200
    const toTag = invite.toTag || tag()
    const audio = status === 200 ? (again?.audio ?? (await AudioEnd.open(this.#options.address, 1000))) : undefined
    this.#remember(invite.callId, {
      invite,
      findings,
      status,
      audio,
      local: invite.toTag ? (invite.header('to') ?? '') : `${invite.header('to')};tag=${toTag}`,
      remote: invite.header('from') ?? '',
      target: invite.nameAddrs('contact')[0]?.uri ?? '',
      routes: invite.nameAddrs('record-route').map(({ uri }) => uri),
    })
    if (!audio) {
      const headers = broken ? `Reason: Q.850;cause=63;text="${broken.rule}: ${broken.saw}"\r\n` : ''
      connection.send(buildReply(invite, status, '', { toTag, headers }))
      return
    }
    connection.send(buildReply(invite, 180, 'Ringing', { toTag, headers: this.#contact() }))
    const theirs = readSdesOffer(invite.body)
    const key = randomBytes(30)
    audio.start({ address: theirs.address, port: theirs.port, sendKey: key, receiveKey: theirs.key })
    connection.send(
      buildReply(invite, 200, 'OK', {
        toTag,
        headers: `${this.#contact()}SERVER: Microsoft.PSTNHub.SIPProxy\r\nALLOW: INVITE,ACK,CANCEL,BYE,INFO,NOTIFY,PRACK,UPDATE,OPTIONS\r\n`,
        contentType: 'application/sdp',
        body: description(this.#options.address, audio.port, theirs.tag, key),
      }),
    )
  }

  /** T35: opaque, and to be kept byte by byte; requests for it go to the host of our Record-Route. */
  #contact(): string {
    return `CONTACT: <sip:api-du-b-euwe.pstnhub.microsoft.com:443;x-i=ca73510a-42a0-47d5-a927-dcbdfc234279;x-c=b96f2e1b/d/8/dd0bff16>\r\n`
  }

  /** A request as Teams writes it, header names in capitals (T34). */
  #request(
    method: string,
    uri: string,
    from: string,
    to: string,
    parts: { callId?: string; cseq?: number; routes?: readonly string[]; contact?: true; body?: string } = {},
  ): string {
    const { callId = randomBytes(16).toString('hex'), cseq = 1, routes = [], body = '' } = parts
    const { address, port } = this.#options
    return [
      `${method} ${uri} SIP/2.0`,
      `FROM: ${from}`,
      `TO: ${to}`,
      `CSEQ: ${cseq} ${method}`,
      `CALL-ID: ${callId}`,
      'MAX-FORWARDS: 70',
      `VIA: SIP/2.0/TLS ${address}:${port};branch=z9hG4bK${randomBytes(4).toString('hex')}`,
      ...routes.map((route) => `ROUTE: <${route}>`),
      ...(parts.contact ? [`RECORD-ROUTE: <sip:${this.host}:5061;transport=tls;lr>`, this.#contact().trimEnd()] : []),
      'USER-AGENT: Microsoft.PSTNHub.SIPProxy v.2020.7.31.1 i.EUWE.1',
      'ALLOW: INVITE, ACK, OPTIONS, CANCEL, BYE, NOTIFY',
      ...(body ? ['CONTENT-TYPE: application/sdp', 'MIN-SE: 300', 'SUPPORTED: timer', 'SESSION-EXPIRES: 3600'] : []),
      `CONTENT-LENGTH: ${body.length}`,
      '',
      body,
    ].join('\r\n')
  }

  #remember(callId: string, call: TeamsCall): void {
    this.#calls.set(callId, call)
    this.onCall?.(call)
  }
}

function isRefused(finding: RuleFinding): boolean {
  return !finding.kept && finding.status > 0
}

function tag(): string {
  return randomBytes(16).toString('hex')
}

function parsed(wire: string): SipRequest {
  const result = parseMessage(wire)
  if (!result.ok || !(result.message instanceof SipRequest)) throw new Error('a request of our own does not parse')
  return result.message
}

/** T64, T66, T67: offer and answer alike. */
function description(address: string, port: number, cryptoTag: string, key: Buffer): string {
  return `v=0\r\no=- 0 0 IN IP4 ${address}\r\ns=session\r\nc=IN IP4 ${address}\r\nb=CT:10000000\r\nt=0 0\r\nm=audio ${port} RTP/SAVP 0 101\r\nc=IN IP4 ${address}\r\na=rtcp:${port}\r\na=rtcp-mux\r\na=label:Audio\r\na=sendrecv\r\na=crypto:${cryptoTag} AES_CM_128_HMAC_SHA1_80 inline:${key.toString('base64')}|2^31\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\n`
}
