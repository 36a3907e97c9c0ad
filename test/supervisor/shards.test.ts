// Owns the tests of several workers, and of connections that outlive the worker that served them.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parseMessage, SipReply, StreamFramer } from '../../src/sip/index.ts'
import { shardOf } from '../../src/transport/index.ts'
import { freePort, Rig } from './rig.ts'

const script = (listen: string[], target = 9) => `
import { hasTotag, isMethod, looseRoute, recordRoute, rewriteHostPort, sendReply, tRelay, type SipRequest } from 'signalbox'
export const config = { listen: ${JSON.stringify(listen)}, limits: { runMillis: 8000 } }
export async function request_route(req: SipRequest) {
  if (req.requestUri.includes('loop')) for (;;) {}
  if (hasTotag()) return looseRoute() ? tRelay() : sendReply(404, 'Not Here')
  if (isMethod('OPTIONS')) return sendReply(200, 'OK')
  recordRoute()
  rewriteHostPort('127.0.0.1:${target}')
  return tRelay()
}
`

const webScript = (listen: string[]) => `
import { sendReply, wsClose, wsHandleHandshake, xlog, isMethod } from 'signalbox'
export const config = { listen: ${JSON.stringify(listen)} }
export const event_route = { 'xhttp:request': () => wsHandleHandshake(), 'websocket:closed': () => xlog('closed') }
export async function request_route() {
  if (isMethod('MESSAGE')) return wsClose(4001, 'enough')
  return sendReply(200, 'OK')
}
`

let rig: Rig
let port: number

beforeEach(async () => {
  port = await freePort()
})

afterEach(async () => {
  await rig.close()
})

/** A far end on one TCP connection. */
class Line {
  readonly replies: SipReply[] = []
  readonly #socket: Socket
  closed = false

  private constructor(socket: Socket) {
    this.#socket = socket
    const framer = new StreamFramer()
    socket.on('data', (chunk) => {
      for (const item of framer.push(chunk.toString('latin1'))) {
        const parsed = item.kind === 'message' ? parseMessage(item.raw) : undefined
        if (parsed?.ok && parsed.message instanceof SipReply) this.replies.push(parsed.message)
      }
    })
    socket.on('close', () => {
      this.closed = true
    })
  }

  static open(to: number): Promise<Line> {
    return new Promise((resolve, reject) => {
      const socket = connect(to, '127.0.0.1', () => resolve(new Line(socket)))
      socket.once('error', reject)
    })
  }

  options(uri: string, callId: string): void {
    this.#socket.write(
      `OPTIONS ${uri} SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:5;branch=z9hG4bK${callId}\r\nFrom: <sip:a@127.0.0.1>;tag=1\r\nTo: <${uri}>\r\nCall-ID: ${callId}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n`,
    )
  }

  /** Several in one write. */
  optionsOnce(uris: readonly (readonly [uri: string, callId: string])[]): void {
    this.#socket.cork()
    for (const [uri, callId] of uris) this.options(uri, callId)
    this.#socket.uncork()
  }

  get port(): number {
    return this.#socket.localPort ?? 0
  }

  statusOf(callId: string): number | undefined {
    return this.replies.find((reply) => reply.callId === callId && reply.status >= 200)?.status
  }

  close(): void {
    this.#socket.destroy()
  }
}

/** Whether a process has a descriptor of the connection between `port` and a client's port. */
function holds(pid: number, client: number): boolean {
  const hex = (number: number): string => `:${number.toString(16).toUpperCase().padStart(4, '0')} `
  const row = readFileSync('/proc/net/tcp', 'latin1')
    .split('\n')
    .find((one) => one.includes(`${hex(port)}0100007F${hex(client)}`))
  const inode = row?.trim().split(/\s+/)[9]
  const targets = readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`)
    } catch {
      return ''
    }
  })
  return inode !== undefined && targets.includes(`socket:[${inode}]`)
}

describe('a connection', () => {
  test('is lent to the one worker, and to the next when that is killed', { timeout: 90_000 }, async () => {
    rig = new Rig()
    const supervisor = await rig.start(script([`tcp:127.0.0.1:${port}`]), { hangMillis: 400 })
    await rig.until('a stand-by is ready', async () => (await supervisor.status()).standby !== undefined, 40_000)
    const line = await Line.open(port)
    const held = async (): Promise<boolean> => {
      const { workers } = await supervisor.status()
      return workers.length === 1 && holds(workers[0]!, line.port)
    }
    await rig.until('it is lent', held)
    const [before] = (await supervisor.status()).workers
    const behind = Array.from({ length: 20 }, (_, n) => ['sip:127.0.0.1', `behind-${n}`] as const)
    // Some are read with the deadly one, the others come while its route runs.
    line.optionsOnce([['sip:127.0.0.1', 'before'], ['sip:loop@127.0.0.1', 'deadly'], ...behind.slice(0, 10)])
    await new Promise((resolve) => setTimeout(resolve, 100))
    line.optionsOnce(behind.slice(10))
    await rig.until('the last is answered', () => line.statusOf('behind-19') !== undefined)
    expect(['before', 'deadly'].map((callId) => line.statusOf(callId))).toEqual([200, 500])
    expect(behind.map(([, callId]) => line.statusOf(callId))).toEqual(Array(20).fill(200))
    expect(line.replies.map(({ callId }) => callId).filter((callId) => callId.startsWith('behind'))).toEqual(
      behind.map(([, callId]) => callId),
    )
    await rig.until('it is lent again', held)
    await rig.known()
    expect((await supervisor.status()).workers).not.toEqual([before])
    // A killed worker that had nothing to do takes nothing along either.
    process.kill((await supervisor.status()).workers[0]!, 'SIGKILL')
    line.options('sip:127.0.0.1', 'after')
    await rig.until('it is answered', () => line.statusOf('after') === 200, 40_000)
    expect(line.closed).toBe(false)
    line.close()
    await rig.until('it is seen to be gone', async () => (await supervisor.status()).engine?.connections === 0)
  })

  test('outlives the worker: its message gets 500, what waits behind it is served by the next', {
    timeout: 90_000,
  }, async () => {
    rig = new Rig()
    const supervisor = await rig.start(script([`tcp:127.0.0.1:${port}`]), { hangMillis: 400 })
    await rig.until('a stand-by is ready', async () => (await supervisor.status()).standby !== undefined, 40_000)
    const line = await Line.open(port)
    line.options('sip:127.0.0.1', 'before')
    await rig.until('the first is answered', () => line.statusOf('before') === 200)
    line.options('sip:loop@127.0.0.1', 'deadly')
    for (let n = 0; n < 20; n++) line.options('sip:127.0.0.1', `behind-${n}`)
    await rig.until('the last is answered', () => line.statusOf('behind-19') !== undefined)
    expect(line.statusOf('deadly')).toBe(500)
    expect(Array.from({ length: 20 }, (_, n) => line.statusOf(`behind-${n}`))).toEqual(Array(20).fill(200))
    expect(line.closed).toBe(false)
    await rig.known()
    expect(await supervisor.status()).toMatchObject({ restarts: 1, engine: { connections: 1 } })
    line.close()
    await rig.until('it is seen to be gone', async () => (await supervisor.status()).engine?.connections === 0)
  })
})

describe('a WebSocket', () => {
  test('is served by the worker of each call, and closed by any of them', { timeout: 90_000 }, async () => {
    rig = new Rig()
    await rig.start(webScript([`tcp:127.0.0.1:${port}`]), { workers: 3 })
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, 'sip')
    const heard: string[] = []
    let end: CloseEvent | undefined
    socket.addEventListener('message', ({ data }) => heard.push(String(data)))
    socket.addEventListener('close', (event) => (end = event as CloseEvent))
    await new Promise((resolve) => socket.addEventListener('open', resolve))
    const send = (method: string, callId: string) =>
      socket.send(
        `${method} sip:a@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bK${callId}\r\nFrom: <sip:a@127.0.0.1>;tag=1\r\nTo: <sip:a@127.0.0.1>\r\nCall-ID: ${callId}\r\nCSeq: 1 ${method}\r\nMax-Forwards: 70\r\n\r\n`,
      )
    const calls = Array.from({ length: 9 }, (_, n) => `spread-${n}`)
    expect(new Set(calls.map((callId) => shardOf(callId, 3))).size).toBe(3)
    for (const callId of calls) send('OPTIONS', callId)
    await rig.until('all are answered', () => heard.filter((text) => text.startsWith('SIP/2.0 200')).length === 9)
    send('MESSAGE', 'last')
    await rig.until('it is closed', () => end !== undefined)
    expect(end).toMatchObject({ code: 4001, reason: 'enough' })
  })
})

describe('three workers', () => {
  test('share the calls by Call-ID over UDP and TCP; one that dies takes nobody along', {
    timeout: 150_000,
  }, async () => {
    rig = new Rig()
    const bob = await rig.party()
    bob.answer = () => ({ status: 200, headers: `Contact: <sip:bob@127.0.0.1:${bob.port}>\r\n` })
    const supervisor = await rig.start(script([`udp:127.0.0.1:${port}`, `tcp:127.0.0.1:${port}`], bob.port), {
      workers: 3,
      hangMillis: 400,
      metrics: '127.0.0.1:0',
    })
    expect((await supervisor.status()).workers).toHaveLength(3)
    const alice = await rig.party()
    const calls = Array.from({ length: 12 }, (_, n) => `spread-${n}`)
    expect(new Set(calls.map((callId) => shardOf(callId, 3))).size).toBe(3)
    const invites = calls.map((callId) =>
      alice.ask(alice.request('INVITE', `sip:bob@127.0.0.1:${bob.port}`, [], '', callId), port),
    )
    const answers = await Promise.all(invites)
    expect(answers.map((reply) => reply.status)).toEqual(Array(12).fill(200))
    expect(await supervisor.status()).toMatchObject({ engine: { calls: 12 } })

    const line = await Line.open(port)
    for (const callId of calls) line.options('sip:127.0.0.1', `tcp-${callId}`)
    await rig.until('all are answered', () => line.replies.length === 12)

    // While one is stuck, the calls of the others go on at once.
    await rig.until('a stand-by is ready', async () => (await supervisor.status()).standby !== undefined, 40_000)
    const before = (await supervisor.status()).workers
    line.options('sip:loop@127.0.0.1', 'deadly')
    const unharmed = calls.filter((callId) => shardOf(callId, 3) !== shardOf('deadly', 3))
    const byes = await Promise.all(
      unharmed.map((callId) => {
        const route = answers[calls.indexOf(callId)]!.header('record-route')
        const lines = ['To: <sip:bob@127.0.0.1>;tag=far', 'CSeq: 2 BYE', `Route: ${route}`]
        return alice.ask(alice.request('BYE', `sip:bob@127.0.0.1:${bob.port}`, lines, '', callId), port)
      }),
    )
    expect(byes.map((reply) => reply.status)).toEqual(Array(unharmed.length).fill(200))
    expect(Math.max(...byes.map((reply) => reply.millis))).toBeLessThan(400)
    await rig.until('the stuck message is answered', () => line.statusOf('deadly') === 500)
    await rig.until('three serve again', async () => (await supervisor.status()).workers.length === 3, 40_000)
    const after = (await supervisor.status()).workers
    expect(after.filter((pid) => before.includes(pid))).toHaveLength(2)

    // A reload reaches all of them, and the metrics are those of all.
    await rig.until('a stand-by is ready', async () => (await supervisor.status()).standby !== undefined, 40_000)
    rig.save(script([`udp:127.0.0.1:${port}`, `tcp:127.0.0.1:${port}`], bob.port).replace("'OK'", "'Second'"))
    expect(await supervisor.reload()).toMatchObject({ ok: true, version: 2 })
    const reasons = calls.map((callId) =>
      alice.ask(alice.request('OPTIONS', 'sip:127.0.0.1', [], '', `o-${callId}`), port),
    )
    expect(new Set((await Promise.all(reasons)).map((reply) => reply.reason))).toEqual(new Set(['Second']))
    const url = rig.lines.find((entry) => entry.event === 'ready')?.metrics as string
    const text = await (await fetch(url)).text()
    expect(text).toMatch(/^signalbox_worker_up 3$/m)
    expect(text).toMatch(/^signalbox_connections_accepted_total 1$/m)
    expect(text.match(/^signalbox_calls /gm)).toHaveLength(1)
    line.close()
  })
})
