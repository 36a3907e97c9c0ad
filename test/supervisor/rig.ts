// Owns what the supervisor's tests share: a supervisor on a script of its own, its log kept, and a party that speaks SIP over UDP.
import { createSocket, type Socket } from 'node:dgram'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLogger } from '../../src/engine/index.ts'
import { buildReply, parseMessage, type SipReply, SipRequest } from '../../src/sip/index.ts'
import { Supervisor, type SupervisorOptions } from '../../src/supervisor/index.ts'

export type Line = Record<string, unknown> & { msg: string; level: string; event?: string }

/** A port that nobody holds now, in the range of these tests: others may run them at the same time. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 50; tries++) {
    const port = 47_600 + Math.floor(Math.random() * 1300)
    const socket = createSocket('udp4')
    const free = await new Promise<boolean>((resolve) => {
      socket.once('error', () => resolve(false))
      socket.bind(port, '127.0.0.1', () => resolve(true))
    })
    if (free) await new Promise<void>((resolve) => socket.close(resolve))
    if (free) return port
  }
  throw new Error('no port is free')
}

/** A script in a folder of its own, and a supervisor that runs it. */
export class Rig {
  readonly folder = mkdtempSync(join(tmpdir(), 'signalbox-supervisor-'))
  readonly lines: Line[] = []
  readonly #parties: Party[] = []
  supervisor: Supervisor | undefined

  path(name: string): string {
    return join(this.folder, name)
  }

  save(text: string, name = 'route.ts'): string {
    writeFileSync(this.path(name), text)
    return this.path(name)
  }

  async start(script: string, options: Partial<SupervisorOptions> = {}, name = 'route.ts'): Promise<Supervisor> {
    const file = this.save(script, name)
    const log = await createLogger({
      level: 'info',
      format: 'json',
      destination: { write: (line) => void this.lines.push(JSON.parse(line) as Line) },
    })
    this.supervisor = new Supervisor({
      file,
      defines: new Map(),
      override: {},
      log,
      logFormat: 'json',
      drainSeconds: 0,
      logLevelGiven: false,
      ...options,
    })
    await this.supervisor.start()
    return this.supervisor
  }

  async party(): Promise<Party> {
    const party = await Party.open()
    this.#parties.push(party)
    return party
  }

  /** Waits for something to become so. */
  async until(what: string, holds: () => boolean | Promise<boolean>, millis = 15_000): Promise<void> {
    for (const end = Date.now() + millis; !(await holds()); ) {
      if (Date.now() > end)
        throw new Error(
          `${what}: not within ${millis} ms; the log:\n${this.lines.map((l) => JSON.stringify(l)).join('\n')}`,
        )
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  /** A worker answers messages a moment before the supervisor hears that it serves. */
  async known(): Promise<void> {
    await this.until('it is known who serves', async () => (await this.supervisor?.status())?.engine !== undefined)
  }

  async close(): Promise<void> {
    for (const party of this.#parties) party.close()
    if (this.supervisor) {
      this.supervisor.stop('drain')
      await this.supervisor.ended
    }
    rmSync(this.folder, { recursive: true, force: true })
  }
}

let serial = 0

export class Party {
  readonly #socket: Socket
  readonly #waiting: {
    wanted: (message: SipReply | SipRequest) => boolean
    resolve: (message: SipReply | SipRequest) => void
  }[] = []
  readonly received: (SipReply | SipRequest)[] = []
  readonly port: number
  /** Answers every request with this; set by who plays the far end. */
  answer:
    | ((request: SipRequest) => { status: number; headers?: string; body?: string; contentType?: string } | undefined)
    | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    this.port = socket.address().port
    socket.on('message', (bytes, from) => {
      const parsed = parseMessage(bytes.toString('latin1'))
      if (!parsed.ok) return
      const message = parsed.message as SipReply | SipRequest
      this.received.push(message)
      if (message instanceof SipRequest && this.answer && message.method !== 'ACK') {
        const reply = this.answer(message)
        if (reply) {
          const { status, ...rest } = reply
          const wire = buildReply(message, status, '', { toTag: 'far', ...rest })
          socket.send(Buffer.from(wire, 'latin1'), from.port, from.address)
        }
      }
      const index = this.#waiting.findIndex((entry) => entry.wanted(message))
      if (index >= 0) this.#waiting.splice(index, 1)[0]!.resolve(message)
    })
  }

  static open(): Promise<Party> {
    return new Promise((resolve) => {
      const socket = createSocket('udp4')
      socket.bind(0, '127.0.0.1', () => resolve(new Party(socket)))
    })
  }

  close(): void {
    this.#socket.close()
  }

  /** A request with what every request has; `lines` come after. */
  request(
    method: string,
    uri: string,
    lines: readonly string[] = [],
    body = '',
    callId = `call-${process.pid}-${++serial}`,
  ): string {
    const to = lines.some((line) => line.startsWith('To:')) ? [] : [`To: <${uri}>`]
    const cseq = lines.some((line) => line.startsWith('CSeq:')) ? [] : [`CSeq: 1 ${method}`]
    return [
      `${method} ${uri} SIP/2.0`,
      `Via: SIP/2.0/UDP 127.0.0.1:${this.port};branch=z9hG4bK${process.pid}x${++serial};rport`,
      'From: <sip:alice@127.0.0.1>;tag=alice',
      ...to,
      `Call-ID: ${callId}`,
      ...cseq,
      `Contact: <sip:alice@127.0.0.1:${this.port}>`,
      'Max-Forwards: 70',
      ...lines,
      `Content-Length: ${body.length}`,
      '',
      body,
    ].join('\r\n')
  }

  send(wire: string, port: number): void {
    this.#socket.send(Buffer.from(wire, 'latin1'), port, '127.0.0.1')
  }

  /** The final reply to a request that is sent now, sent again every half second as RFC 3261 says. */
  async ask(wire: string, port: number, millis = 5000): Promise<SipReply & { millis: number }> {
    const branch = /branch=([^;\r]+)/.exec(wire)![1]!
    const began = Date.now()
    const reply = this.next(
      (message) => message.topVia?.branch === branch && 'status' in message && message.status >= 200,
      millis,
    )
    this.send(wire, port)
    const again = setInterval(() => this.send(wire, port), 500)
    try {
      return Object.assign((await reply) as SipReply, { millis: Date.now() - began })
    } finally {
      clearInterval(again)
    }
  }

  next(wanted: (message: SipReply | SipRequest) => boolean, millis = 5000): Promise<SipReply | SipRequest> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`nothing came within ${millis} ms`)), millis)
      this.#waiting.push({
        wanted,
        resolve: (message) => {
          clearTimeout(timer)
          resolve(message)
        },
      })
    })
  }
}
