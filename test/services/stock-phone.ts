// Owns phones of tests: they register, with digest where they are asked to, and place, answer and end calls.
import { digestAlgorithm, digestResponse, ha1 } from '../../src/services/auth-digest.ts'
import { parseDigest } from '../../src/sip/index.ts'
import { type Arrived, type Party, type RouteUnderTest, request } from '../../src/testkit/index.ts'

export interface PhoneOptions {
  readonly user: string
  readonly password?: string
  /** Where it sends from: `udp:127.0.0.11:5060`. */
  readonly at: string
  /** What it believes its address to be; where it sends from unless given. */
  readonly believes?: string
  /** Domain of its address of record. */
  readonly domain?: string
}

export class Phone {
  readonly party: Party
  readonly options: PhoneOptions
  readonly aor: string
  readonly contact: string
  #cseq = 0
  #calls = 0
  /** What answered the last challenge. */
  lastCredentials: Record<string, string> | undefined

  constructor(route: RouteUnderTest, options: PhoneOptions) {
    this.options = options
    this.party = route.party(options.at)
    this.aor = `sip:${options.user}@${options.domain ?? '127.0.0.1'}`
    const [, address, port] = (options.believes ?? options.at).split(':')
    this.contact = `sip:${options.user}@${address}:${port}`
  }

  /** Sends a request of a dialog-less kind, again with credentials when challenged; the final reply. */
  async ask(method: string, uri: string, headers: Record<string, string> = {}, body = ''): Promise<Arrived> {
    const callId = `${this.options.user}-${method}-${++this.#calls}`
    const to = method === 'REGISTER' ? this.aor : uri
    const wire = (more: Record<string, string>) =>
      request(method, {
        from: this.options.believes ?? this.options.at,
        uri,
        callId,
        fromTag: `${this.options.user}${this.#calls}`,
        cseq: ++this.#cseq,
        headers: {
          From: `<${this.aor}>;tag=${this.options.user}${this.#calls}`,
          To: `<${to}>`,
          Contact: `<${this.contact}>`,
          ...headers,
          ...more,
        },
        ...(body === '' ? {} : { body }),
      })
    await this.party.send(wire({}))
    const first = await this.party.reply()
    const challenge = this.#answerTo(first, method, uri)
    if (challenge === undefined) return first
    await this.party.send(wire(challenge))
    return this.party.reply()
  }

  register(expires = 600): Promise<Arrived> {
    return this.ask('REGISTER', this.aor.replace(/[^:]*@/, ''), { Expires: String(expires) })
  }

  /** The credentials that a challenge asks for; undefined where it is none, or there is no password. */
  #answerTo(reply: Arrived, method: string, uri: string): Record<string, string> | undefined {
    const { password, user } = this.options
    const www = reply.message.header('WWW-Authenticate')
    const text = www ?? reply.message.header('Proxy-Authenticate')
    const params = text === undefined ? undefined : parseDigest(text)
    if (params === undefined || password === undefined) return undefined
    const algorithm = digestAlgorithm(params.get('algorithm') ?? '')!
    const [realm, nonce] = [params.get('realm') ?? '', params.get('nonce') ?? '']
    const key = ha1(algorithm, user, realm, password)
    const response = digestResponse({ algorithm, ha1: key, nonce, method, uri, qop: '', nc: '', cnonce: '', body: '' })
    const named = params.has('algorithm') ? `, algorithm=${algorithm}` : ''
    const value = `Digest username="${user}", realm="${realm}", nonce="${nonce}", uri="${uri}", response="${response}"${named}`
    this.lastCredentials = { [www === undefined ? 'Proxy-Authorization' : 'Authorization']: value }
    return this.lastCredentials
  }

  /** Sends an INVITE, again with credentials when challenged; what comes of it is for the caller to read. */
  async invite(uri: string, sdp: string): Promise<{ callId: string; fromTag: string }> {
    const callId = `${this.options.user}-call-${++this.#calls}`
    const fromTag = `${this.options.user}${this.#calls}`
    const send = async (more: Record<string, string>) => {
      await this.party.send(
        request('INVITE', {
          from: this.options.believes ?? this.options.at,
          uri,
          callId,
          fromTag,
          cseq: ++this.#cseq,
          headers: { From: `<${this.aor}>;tag=${fromTag}`, To: `<${uri}>`, Contact: `<${this.contact}>`, ...more },
          body: sdp,
        }),
      )
    }
    await send({})
    const challenged = (await this.party.unread()).find(
      ({ message }) => message.cseqMethod === 'INVITE' && message.header('Proxy-Authenticate') !== undefined,
    )
    if (challenged !== undefined && this.options.password !== undefined) {
      const reply = await this.party.reply(407)
      await send(this.#answerTo(reply, 'INVITE', uri) ?? {})
    }
    return { callId, fromTag }
  }

  /** A request within a dialog that this phone began; `answer` is the 200 that made it. */
  async within(method: 'ACK' | 'BYE', answer: Arrived, fromTag: string): Promise<void> {
    const { message } = answer
    const target = message.nameAddrs('Contact')[0]!.uri
    await this.party.send(
      request(method, {
        from: this.options.believes ?? this.options.at,
        uri: target,
        callId: message.callId,
        fromTag,
        cseq: method === 'ACK' ? message.cseqNumber : ++this.#cseq,
        headers: {
          From: `<${this.aor}>;tag=${fromTag}`,
          To: `<${message.to!.uri}>;tag=${message.toTag}`,
          Route: message.headers('Record-Route').reverse().join(', '),
          Contact: `<${this.contact}>`,
        },
      }),
    )
  }
}
