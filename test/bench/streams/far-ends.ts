// Owns the far ends of the load over TCP and TLS, each a process of its own: callers, and the one that answers.
// usage: far-ends.ts answer|call JSON; speaks with its parent by process messages.
import { connect as connectTcp, createServer as createTcpServer, type Socket } from 'node:net'
import { connect as connectTls, createServer as createTlsServer } from 'node:tls'
import { StreamFramer } from '../../../src/sip/index.ts'

export interface AnswerOrder {
  readonly transport: 'tcp' | 'tls'
  /** What it answers with. */
  readonly media: 'rtp' | 'srtp'
  readonly address: string
  readonly port: number
  readonly key: string
  readonly cert: string
}

export interface CallOrder {
  readonly transport: 'tcp' | 'tls'
  readonly address: string
  readonly port: number
  readonly ca: string
  readonly connections: number
  /** Calls a second, and how many in all. */
  readonly rate: number
  readonly calls: number
  readonly holdMillis: number
  /** After which a call that has not gone on is taken for failed. */
  readonly patienceMillis: number
}

/** What a caller tells at its end. */
export interface CallReport {
  readonly completed: number
  readonly failed: number
  /** Answered 503. */
  readonly refused: number
  /** From INVITE to 200, milliseconds: median, 99th percentile. */
  readonly setup: readonly [median: number, p99: number]
  readonly seconds: number
}

const SDP =
  'v=0\r\no=CiscoSystemsCCM-SIP 94213 1 IN IP4 10.0.2.52\r\ns=SIP Call\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 31182 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n'

const SECURE_SDP = SDP.replace('RTP/AVP', 'RTP/SAVP').concat(
  'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n',
)

function lines(raw: string, name: string): string[] {
  const head = raw.slice(0, raw.indexOf('\r\n\r\n') + 2)
  const prefix = `\r\n${name}:`
  const found: string[] = []
  for (let at = head.indexOf(prefix); at >= 0; at = head.indexOf(prefix, at + 2))
    found.push(head.slice(at + 2, head.indexOf('\r\n', at + 2)))
  return found
}

const value = (line: string | undefined): string => (line ?? '').slice((line ?? '').indexOf(':') + 1).trim()

/** Gives each message of a connection to `take`; writes of one turn leave together. */
function speak(socket: Socket, take: (raw: string, send: (wire: string) => void) => void): (wire: string) => void {
  const framer = new StreamFramer()
  let text = ''
  const send = (wire: string): void => {
    if (text === '') {
      process.nextTick(() => {
        socket.write(text, 'latin1')
        text = ''
      })
    }
    text += wire
  }
  socket.setNoDelay(true)
  socket.on('error', () => {})
  socket.on('data', (chunk) => {
    for (const item of framer.push(chunk.toString('latin1'))) if (item.kind === 'message') take(item.raw, send)
  })
  return send
}

function answer({ transport, media, address, port, key, cert }: AnswerOrder): void {
  const sdp = media === 'srtp' ? SECURE_SDP : SDP
  const contact = `Contact: <sip:87000@${address}:${port};transport=${transport}>`
  const reply = (raw: string, status: string, more: readonly string[], body = ''): string =>
    [
      `SIP/2.0 ${status}`,
      ...lines(raw, 'Via'),
      ...lines(raw, 'Record-Route'),
      ...lines(raw, 'From'),
      lines(raw, 'To').map((to) => (to.includes(';tag=') ? to : `${to};tag=answer`))[0],
      ...lines(raw, 'Call-ID'),
      ...lines(raw, 'CSeq'),
      ...more,
      `Content-Length: ${body.length}`,
      '',
      body,
    ].join('\r\n')
  const serve = (socket: Socket): void => {
    speak(socket, (raw, send) => {
      if (raw.startsWith('INVITE ')) {
        send(reply(raw, '180 Ringing', [contact]))
        send(reply(raw, '200 OK', [contact, 'Content-Type: application/sdp'], sdp))
      } else if (!raw.startsWith('ACK ') && !raw.startsWith('SIP/2.0 ')) send(reply(raw, '200 OK', []))
    })
  }
  const server = transport === 'tls' ? createTlsServer({ key, cert }, serve) : createTcpServer(serve)
  server.listen(port, address, () => process.send?.('listening'))
}

interface Call {
  readonly id: string
  readonly send: (wire: string) => void
  readonly began: number
  timer: NodeJS.Timeout
  to: string
  next: string
  routes: string[]
  answered: boolean
}

function call(order: CallOrder): void {
  const { transport, address, port, ca, connections, rate, calls, holdMillis, patienceMillis } = order
  const under = new Map<string, Call>()
  const setups: number[] = []
  const via = `Via: SIP/2.0/${transport.toUpperCase()} ${address}:9;branch=z9hG4bK`
  const from = 'From: "10048 - Armstrong, Clint" <sip:10048@127.0.0.1>;tag='
  const contact = `Contact: <sip:10048@${address}:9;transport=${transport}>`
  let [made, completed, failed, refused] = [0, 0, 0, 0]
  let began = 0

  const over = (one: Call): void => {
    clearTimeout(one.timer)
    under.delete(one.id)
    if (made === calls && under.size === 0) finish()
  }
  const finish = (): void => {
    setups.sort((a, b) => a - b)
    const at = (share: number) => Math.round((setups[Math.floor(setups.length * share)] ?? 0) * 10) / 10
    const seconds = (performance.now() - began) / 1000
    const report: CallReport = { completed, failed, refused, setup: [at(0.5), at(0.99)], seconds }
    process.send?.(report, () => process.exit(0))
  }
  const request = (one: Call, method: string, uri: string, to: string, more: readonly string[], body = ''): string =>
    [
      `${method} ${uri} SIP/2.0`,
      `${via}${one.id}${method === 'INVITE' ? '' : method}`,
      ...more,
      `${from}${one.id}`,
      `To: ${to}`,
      `Call-ID: ${one.id}`,
      `CSeq: ${method === 'BYE' ? 102 : 101} ${method}`,
      contact,
      'Max-Forwards: 70',
      `Content-Length: ${body.length}`,
      '',
      body,
    ].join('\r\n')
  const giveUp = (one: Call): void => {
    failed++
    over(one)
  }
  const begin = (send: (wire: string) => void): void => {
    const id = `${process.pid}-${++made}`
    const one: Call = {
      id,
      send,
      began: performance.now(),
      timer: setTimeout(() => giveUp(one), patienceMillis),
      to: '',
      next: '',
      routes: [],
      answered: false,
    }
    under.set(id, one)
    const uri = `sip:87000@${address}:${port}`
    const more = [
      'Date: Mon, 24 Aug 2015 12:22:29 GMT',
      'Supported: timer,resource-priority,replaces',
      'User-Agent: Cisco-CUCM9.1',
      'Allow: INVITE, OPTIONS, INFO, BYE, CANCEL, ACK, PRACK, UPDATE, REFER, SUBSCRIBE, NOTIFY',
      'Cisco-Guid: 3357373952-0000065536-0000032693-0872546314',
      'Session-Expires: 1800',
      'P-Asserted-Identity: "10048 - Armstrong, Clint" <sip:10048@10.0.2.52>',
      'Content-Type: application/sdp',
    ]
    send(request(one, 'INVITE', uri, `<${uri}>`, more, SDP))
  }
  const take = (raw: string): void => {
    const one = under.get(value(lines(raw, 'Call-ID')[0]))
    if (!one || !raw.startsWith('SIP/2.0 ')) return
    const status = Number(raw.slice(8, 11))
    if (status < 200) return
    const method = value(lines(raw, 'CSeq')[0]).split(' ')[1]
    if (method === 'BYE') {
      if (status === 200) completed++
      else {
        failed++
        process.stderr.write(`a BYE got ${status}\n`)
      }
      over(one)
      return
    }
    if (method !== 'INVITE' || one.answered) return
    one.answered = true
    one.to = value(lines(raw, 'To')[0])
    if (status >= 300) {
      one.send(request(one, 'ACK', `sip:87000@${address}:${port}`, one.to, []).replace(`${one.id}ACK`, one.id))
      if (status === 503) refused++
      else failed++
      over(one)
      return
    }
    setups.push(performance.now() - one.began)
    one.next = /<([^>]+)>/.exec(value(lines(raw, 'Contact')[0]))?.[1] ?? ''
    one.routes = lines(raw, 'Record-Route')
      .reverse()
      .map((line) => `Route: ${value(line)}`)
    one.send(request(one, 'ACK', one.next, one.to, one.routes))
    setTimeout(() => one.send(request(one, 'BYE', one.next, one.to, one.routes)), holdMillis)
  }

  const sockets: ((wire: string) => void)[] = []
  const start = (): void => {
    began = performance.now()
    const pace = setInterval(() => {
      const due = Math.min(calls, Math.floor(((performance.now() - began) / 1000) * rate) + 1)
      while (made < due) begin(sockets[made % sockets.length]!)
      if (made === calls) clearInterval(pace)
    }, 5)
  }
  for (let n = 0; n < connections; n++) {
    const opened = (): void => {
      sockets.push(speak(socket, take))
      if (sockets.length === connections) start()
    }
    const socket: Socket =
      transport === 'tls'
        ? connectTls({ host: address, port, ca, checkServerIdentity: () => undefined }, opened)
        : connectTcp({ host: address, port }, opened)
    socket.on('error', (error) => {
      process.stderr.write(`a caller's connection: ${error.message}\n`)
      process.exitCode = 1
    })
    socket.on('close', () => {
      for (const one of [...under.values()]) giveUp(one)
    })
  }
}

// Whoever started it is gone.
process.on('disconnect', () => process.exit(0))
const [, , role, order] = process.argv
if (role === 'answer') answer(JSON.parse(order!) as AnswerOrder)
else if (role === 'call') call(JSON.parse(order!) as CallOrder)
