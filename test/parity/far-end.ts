// Owns the sender and the sink of one proxy under comparison: sends a case's messages, answers what comes, keeps what was seen.
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { type Answer, HERE, type ParityCase, PROXY_PORT, SENDER_PORT, type Sent, SINK_PORT, textOf } from './case.ts'

/** A case has ended when nothing came for so long: after a final reply, and without one. */
const QUIET_MILLIS = 150
const SILENT_MILLIS = 800
/** How long a question waits for its answer before it is asked again, and how often that is. */
const ASK_MILLIS = 500
const MOST_ASKED = 60
/** So many messages that nobody may have read are under way before a case waits to begin: a socket keeps not many more. */
const MOST_UNREAD = 12
/** Call-ID of a question. */
const QUESTION = 'ping'

interface Running {
  readonly name: string
  readonly parity: ParityCase
  readonly replies: string[]
  readonly forwarded: string[]
  readonly sentTexts: string[]
  /** Requests that the sink has answered, by method and topmost Via. */
  readonly heard: Set<string>
  waiting: { sent: Sent; number: number }[]
  answered: boolean
  began: number
  last: number
}

const COMPACT: Readonly<Record<string, string>> = { Via: 'v', From: 'f', To: 't', 'Call-ID': 'i' }
const header = (text: string, name: string): string[] => {
  const wanted = [name, COMPACT[name] ?? name].map((each) => `${each.toLowerCase()}:`)
  const lines = text.split('\r\n\r\n', 1)[0]!.split('\r\n')
  return lines.filter((line) => wanted.some((start) => line.toLowerCase().startsWith(start)))
}
const fieldOf = (text: string, name: string): string =>
  header(text, name)[0]
    ?.slice(name.length + 1)
    .trim() ?? ''

export class FarEnd {
  readonly #address: string
  #sender!: Socket
  #sink!: Socket
  readonly #running = new Map<string, Running>()
  /** Questions without an answer, by number: how many messages went before each, and whom it tells. */
  readonly #questions = new Map<number, { before: number; told: () => void }>()
  #asked = 0
  #sent = 0
  #read = 0
  #silent = false

  constructor(address: string) {
    this.#address = address
  }

  async open(): Promise<void> {
    this.#sender = await this.#bind(SENDER_PORT, (text) => this.#onReply(text))
    this.#sink = await this.#bind(SINK_PORT, (text, port) => this.#onForwarded(text, port))
  }

  close(): void {
    this.#sender.close()
    this.#sink.close()
  }

  /** Runs one case to its end. */
  async run(parity: ParityCase, name: string): Promise<{ replies: string[]; forwarded: string[] }> {
    while (this.#sent - this.#read >= MOST_UNREAD && (await this.hasRead()));
    const now = Date.now()
    const running: Running = {
      name,
      parity,
      replies: [],
      forwarded: [],
      sentTexts: [],
      heard: new Set(),
      waiting: (parity.sent ?? [{}]).map((sent, number) => ({ sent, number })),
      answered: false,
      began: now,
      last: now,
    }
    this.#running.set(name, running)
    this.#advance(running, '')
    for (;;) {
      await pause(30)
      const time = Date.now()
      const quiet = running.answered ? QUIET_MILLIS : SILENT_MILLIS
      if (time - running.last < quiet || time - running.began < (parity.wait ?? 0)) continue
      // Quiet is the end only of what was read: a busy machine is silent as well.
      const { last } = running
      if (!(await this.hasRead())) break
      await pause(5)
      if (running.last === last) break
    }
    this.#running.delete(name)
    return {
      replies: running.replies.map((t) => this.#neutral(t)),
      forwarded: running.forwarded.map((t) => this.#neutral(t)),
    }
  }

  /**
   * Whether the proxy answers a question, and so has read all that was sent before it. Asked until it does, or `ended`
   * says that nobody is there to answer. `lines` are added to the question.
   */
  async hasRead(lines: readonly string[] = [], ended: () => boolean = () => false): Promise<boolean> {
    for (let tries = 0; tries < MOST_ASKED && !this.#silent && !ended(); tries++) {
      const number = ++this.#asked
      const told = Promise.withResolvers<boolean>()
      const timer = setTimeout(() => told.resolve(false), ASK_MILLIS)
      this.#questions.set(number, { before: this.#sent, told: () => told.resolve(true) })
      const text = textOf({ headers: lines }, QUESTION, number)
      this.#sender.send(Buffer.from(this.#local(text), 'latin1'), PROXY_PORT, this.#address)
      const answered = await told.promise
      clearTimeout(timer)
      if (answered) return true
    }
    this.#silent = true
    return false
  }

  /** The proxy has read the question of this number, and what came before it. */
  #onAnswer(number: number): void {
    for (const [earlier, { before, told }] of this.#questions) {
      if (earlier > number) continue
      this.#questions.delete(earlier)
      this.#read = Math.max(this.#read, before)
      told()
    }
  }

  async #bind(port: number, heard: (text: string, port: number) => void): Promise<Socket> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 22 })
    socket.on('message', (bytes, from) => heard(bytes.toString('latin1'), from.port))
    socket.bind(port, this.#address)
    await once(socket, 'listening')
    return socket
  }

  /** Texts of the case speak of Kamailio's address. */
  #local(text: string): string {
    return text.replaceAll(HERE, this.#address)
  }

  #neutral(text: string): string {
    return text.replaceAll(this.#address, HERE)
  }

  #send(running: Running, text: string): void {
    running.last = Date.now()
    this.#sent++
    this.#sender.send(Buffer.from(this.#local(text), 'latin1'), PROXY_PORT, this.#address)
  }

  /** Sends what is due: everything up to the first message that waits for a reply that has not come. */
  #advance(running: Running, firstLine: string): void {
    let line = firstLine
    for (let next = running.waiting[0]; next !== undefined; next = running.waiting[0]) {
      if (next.sent.after !== undefined && !next.sent.after.test(line)) return
      if (next.sent.after !== undefined) line = ''
      running.waiting.shift()
      const text = textOf(next.sent, running.name, next.number)
      running.sentTexts.push(text)
      this.#send(running, text)
    }
  }

  #onReply(text: string): void {
    const callId = fieldOf(text, 'Call-ID')
    if (callId === QUESTION) this.#onAnswer(Number(/;branch=z9hG4bKourpingx(\d+)/.exec(text)?.[1]))
    const running = this.#running.get(callId)
    if (running === undefined) return
    running.last = Date.now()
    running.replies.push(text)
    const line = text.slice(0, text.indexOf('\r\n'))
    const status = Number(line.slice(8, 11))
    if (status >= 200) running.answered = running.waiting.length === 0
    if (status >= 300 && /\bINVITE$/.test(fieldOf(text, 'CSeq'))) {
      const invite = running.sentTexts.find((sent) => sent.startsWith('INVITE '))
      if (invite !== undefined) this.#send(running, ackOf(invite, text, running.parity.acks === true))
    }
    this.#advance(running, line)
  }

  #onForwarded(text: string, port: number): void {
    const running = this.#running.get(fieldOf(text, 'Call-ID'))
    if (running === undefined) return
    running.last = Date.now()
    running.forwarded.push(text)
    const [method = '', uri = ''] = text.split(' ', 2)
    if (method === 'ACK') return
    // A proxy that was late sends again; an answer that comes again would run its reply routes once more.
    const transaction = `${method} ${header(text, 'Via')[0]}`
    if (running.heard.has(transaction)) return
    running.heard.add(transaction)
    const answer = (
      status: number,
      reason: string,
      lines: readonly string[] = [],
      cseq = fieldOf(text, 'CSeq'),
    ): void => {
      const to = header(text, 'To')[0] ?? 'To: <sip:missing>'
      const head = [
        `SIP/2.0 ${status} ${reason}`,
        ...header(text, 'Via'),
        ...header(text, 'Record-Route'),
        ...header(text, 'From'),
        /;tag=/.test(to) || status === 100 ? to : `${to};tag=uas1`,
        ...header(text, 'Call-ID'),
        `CSeq: ${cseq}`,
        ...lines.map((line) => this.#local(line)),
        'Content-Length: 0',
      ]
      this.#sent++
      this.#sink.send(Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'), port, this.#address)
    }
    const user = /^sips?:([^@:;?]*)@/.exec(uri)?.[1] ?? ''
    const plan: readonly Answer[] = running.parity.answers?.[user] ?? running.parity.answers?.['*'] ?? [[200, 'OK']]
    if (method === 'CANCEL') {
      answer(200, 'canceling')
      // RFC 3261 9.2: what was answered finally is not answered again.
      if (plan.every(([status]) => status < 200))
        answer(487, 'Request Terminated', [], fieldOf(text, 'CSeq').replace('CANCEL', 'INVITE'))
      return
    }
    for (const [status, reason, ...lines] of plan) answer(status, reason, lines)
  }
}

/** RFC 3261 17.1.1.3: the sender's ACK of a final reply that is no success. */
function ackOf(invite: string, reply: string, routed: boolean): string {
  const target = invite.split(' ', 2)[1]!
  const lines = [
    `ACK ${target} SIP/2.0`,
    header(invite, 'Via')[0]!,
    ...header(invite, 'Route'),
    header(invite, 'From')[0]!,
    header(reply, 'To')[0]!,
    header(invite, 'Call-ID')[0]!,
    `CSeq: ${Number.parseInt(fieldOf(invite, 'CSeq'), 10)} ACK`,
    'Max-Forwards: 70',
    ...(routed ? header(invite, 'X-Case') : []),
    'Content-Length: 0',
  ]
  return `${lines.join('\r\n')}\r\n\r\n`
}
