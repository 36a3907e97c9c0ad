// Checks module websocket with Node's own client: handshakes, messages both ways, frames that are wrong, the end of a connection.
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createEngine, type Engine } from '../../src/engine/index.ts'
import type { LogFields } from '../../src/log.ts'
import { closeFrame, messageFrame, WebSocketFrames } from '../../src/transport/websocket-frames.ts'

const PORT = 46_080
const UDP_PORT = 46_060
const FILE = `#!KAMAILIO
debug=2
listen=udp:127.0.0.1:${UDP_PORT}
listen=tcp:127.0.0.1:${PORT}
${'tm sl rr pv xlog cfgutils textops siputils nathelper xhttp websocket'
  .split(' ')
  .map((name) => `loadmodule "${name}.so"`)
  .join('\n')}
modparam("websocket", "cors_mode", 2)
event_route[xhttp:request] {
  if ($hdr(X-Slow) != $null) { usleep("200000"); xlog("slow\n"); }
  if ($hdr(Upgrade) =~ "websocket" && ws_handle_handshake()) { xlog("shaken $ws_conid\\n"); exit; }
  xhttp_reply("404", "Not Found", "", "");
}
event_route[websocket:closed] { xlog("closed $si $proto\\n"); }
request_route {
  xlog("$rm $proto $si conid=$ws_conid\\n");
  if (is_method("MESSAGE")) { ws_close(4000, "$rb"); exit; }
  if (is_method("OPTIONS")) { sl_send_reply("200", "OK"); exit; }
  if (has_totag()) { handle_ruri_alias(); loose_route(); t_relay(); exit; }
  force_rport();
  if (nat_uac_test("64")) add_contact_alias();
  record_route();
  t_relay();
}
`

let folder: string
let engine: Engine
let lines: string[]
let phone: Socket

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'websocket-'))
  const file = join(folder, 'route.cfg')
  writeFileSync(file, FILE)
  lines = []
  const log = (fields: LogFields, text: string) => void (fields.script === true && lines.push(text))
  engine = await createEngine({ file, log: { debug: log, info: log, warn: log, error: log } })
  await engine.start()
  phone = createSocket('udp4')
  phone.bind(0, '127.0.0.1')
  await once(phone, 'listening')
})
afterEach(async () => {
  phone.close()
  await engine.close()
  rmSync(folder, { recursive: true, force: true })
})

class Browser {
  readonly socket: WebSocket
  readonly #heard: string[] = []
  #waiting: ((text: string) => void) | undefined

  constructor(protocol = 'sip') {
    this.socket = new WebSocket(`ws://127.0.0.1:${PORT}/`, protocol)
    this.socket.addEventListener('message', ({ data }) => {
      if (this.#waiting) this.#waiting(String(data))
      else this.#heard.push(String(data))
      this.#waiting = undefined
    })
  }

  async open(): Promise<void> {
    await new Promise((resolve, reject) => {
      this.socket.addEventListener('open', resolve)
      this.socket.addEventListener('error', () => reject(new Error('refused')))
    })
  }

  next(): Promise<string> {
    const heard = this.#heard.shift()
    if (heard !== undefined) return Promise.resolve(heard)
    return new Promise((resolve) => (this.#waiting = resolve))
  }

  closed(): Promise<{ code: number; reason: string }> {
    return new Promise((resolve) => this.socket.addEventListener('close', (event) => resolve(event as CloseEvent)))
  }
}

function message(method: string, uri: string, lines: readonly string[] = [], body = ''): string {
  return [
    `${method} ${uri} SIP/2.0`,
    'Via: SIP/2.0/WS df7jal23ls0d.invalid;branch=z9hG4bK56sdasks',
    'From: <sip:alice@example.com>;tag=asdyka899',
    'To: <sip:bob@example.com>',
    'Call-ID: asidkj3ss',
    `CSeq: 1 ${method}`,
    'Max-Forwards: 70',
    'Contact: <sip:alice@df7jal23ls0d.invalid;transport=ws>',
    ...lines,
    '',
    body,
  ].join('\r\n')
}

/** Answers of a raw connection, as one text. */
async function raw(text: string): Promise<string> {
  const socket = connect(PORT, '127.0.0.1')
  socket.setEncoding('latin1')
  let heard = ''
  socket.on('data', (chunk) => {
    heard += chunk
  })
  socket.write(text, 'latin1')
  await new Promise((resolve) => setTimeout(resolve, 300))
  socket.destroy()
  return heard
}

const HANDSHAKE = (change: (lines: string[]) => string[] = (lines) => lines) =>
  `GET / HTTP/1.1\r\n${change([
    'Host: border',
    'Origin: https://example.com',
    'Upgrade: websocket',
    'Connection: keep-alive, Upgrade',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Protocol: sip',
  ]).join('\r\n')}\r\n\r\n`

describe('a WebSocket', () => {
  test('carries a call both ways', async () => {
    const browser = new Browser()
    await browser.open()
    const { port } = phone.address()
    // A body in UTF-8 goes through as it is; no Content-Length is needed (RFC 7118 5).
    browser.socket.send(message('INVITE', `sip:bob@127.0.0.1:${port}`, ['Content-Type: text/plain'], 'grüße'))
    const [bytes] = (await once(phone, 'message')) as [Buffer]
    const invite = bytes.toString('utf8')
    expect(invite).toMatch(/^Via: SIP\/2\.0\/UDP 127\.0\.0\.1:46060;/m)
    expect(invite).toMatch(/^Via: SIP\/2\.0\/WS df7jal23ls0d\.invalid;.*received=127\.0\.0\.1/m)
    expect(invite).toMatch(/^Record-Route: <sip:127\.0\.0\.1:46060;r2=on;lr;ftag=\w+>/m)
    expect(invite).toMatch(/^Record-Route: <sip:127\.0\.0\.1:46080;transport=ws;r2=on;lr;ftag=\w+>/m)
    const contact = /^Contact: <(.*)>/m.exec(invite)![1]!
    expect(contact).toMatch(/^sip:alice@df7jal23ls0d\.invalid;alias=127\.0\.0\.1~\d+~5;transport=ws$/)
    expect(invite).toContain('\r\nContent-Length: 7\r\n\r\ngrüße')
    const via = invite.match(/^Via: .*$/gm)!.join('\r\n')
    const routes = invite.match(/^Record-Route: <(.*)>$/gm)!
    const head = `${via}\r\n${routes.join('\r\n')}\r\nFrom: <sip:alice@example.com>;tag=asdyka899\r\nTo: <sip:bob@example.com>;tag=b\r\nCall-ID: asidkj3ss\r\n`
    const answer = `SIP/2.0 200 OK\r\n${head}CSeq: 1 INVITE\r\nContact: <sip:bob@127.0.0.1:${port}>\r\nContent-Length: 0\r\n\r\n`
    phone.send(answer, UDP_PORT, '127.0.0.1')
    expect(await browser.next()).toMatch(/^SIP\/2\.0 100/)
    expect(await browser.next()).toMatch(/^SIP\/2\.0 200 OK\r\nVia: SIP\/2\.0\/WS /)
    const route = routes.map((line) => line.replace('Record-Route', 'Route')).join('\r\n')
    phone.send(
      `BYE ${contact} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:${port};branch=z9hG4bKbye\r\n${route}\r\nFrom: <sip:bob@example.com>;tag=b\r\nTo: <sip:alice@example.com>;tag=asdyka899\r\nCall-ID: asidkj3ss\r\nCSeq: 2 BYE\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n`,
      UDP_PORT,
      '127.0.0.1',
    )
    const bye = await browser.next()
    expect(bye).toMatch(
      /^BYE sip:alice@df7jal23ls0d\.invalid;transport=ws SIP\/2\.0\r\nVia: SIP\/2\.0\/WS 127\.0\.0\.1:46080;/,
    )
    expect(lines[0]).toMatch(/^shaken \d+$/)
    expect(lines[1]).toMatch(/^INVITE ws 127\.0\.0\.1 conid=\d+$/)
    expect(lines.at(-1)).toBe('BYE udp 127.0.0.1 conid=<null>')
    browser.socket.close()
    await expect.poll(() => lines.at(-1)).toBe('closed 127.0.0.1 ws')
  })

  test('is closed by a route with a code and a reason', async () => {
    const browser = new Browser()
    await browser.open()
    browser.socket.send(message('MESSAGE', 'sip:bob@127.0.0.1', [], 'go away'))
    expect(await browser.closed()).toMatchObject({ code: 4000, reason: 'go away' })
  })

  test('is told by its number, and closed by a command', async () => {
    const browser = new Browser()
    await browser.open()
    const { connections } = (await engine.command('ws.dump', [])) as { connections: { id: number; src: string }[] }
    expect(connections).toMatchObject([{ src: expect.stringMatching(/^ws:127\.0\.0\.1:\d+$/), sub_protocol: 'sip' }])
    await expect(engine.command('ws.close', [999_999])).rejects.toThrow('Cannot find connection ID')
    await engine.command('ws.close', [connections[0]!.id])
    expect(await browser.closed()).toMatchObject({ code: 1000 })
  })

  test('is none where the client left before the route was done', async () => {
    const socket = connect(PORT, '127.0.0.1')
    socket.write(HANDSHAKE((all) => [...all, 'X-Slow: yes']))
    setTimeout(() => socket.destroy(), 50)
    await expect.poll(() => lines).toContain('slow')
    await expect.poll(async () => await engine.command('ws.dump', [])).toMatchObject({ connections: [] })
    expect(lines).toEqual(['slow'])
  })

  test('is refused to who speaks another protocol', async () => {
    await expect(new Browser('chat').open()).rejects.toThrow('refused')
    await engine.command('ws.disable', [])
    await expect(new Browser().open()).rejects.toThrow('refused')
  })
})

describe('a handshake', () => {
  test('is answered as RFC 6455 1.3 has it, with the origin allowed', async () => {
    const answer = await raw(HANDSHAKE())
    expect(answer).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/)
    expect(answer).toContain('\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n')
    expect(answer).toContain('\r\nSec-WebSocket-Protocol: sip\r\n')
    expect(answer).toContain('\r\nAccess-Control-Allow-Origin: https://example.com\r\n')
    expect(answer).not.toMatch(/content-length/i)
  })

  const without = (name: string) => (lines: string[]) => lines.filter((line) => !line.startsWith(name))
  test.each([
    ['Connection', 400],
    ['Sec-WebSocket-Key', 400],
    ['Sec-WebSocket-Version', 426],
    ['Sec-WebSocket-Protocol', 400],
  ])('without %s is answered %i', async (name, status) => {
    expect(await raw(HANDSHAKE(without(name)))).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
  })

  test('of another kind is for the route', async () => {
    expect(await raw(HANDSHAKE(without('Upgrade')))).toMatch(/^HTTP\/1\.1 404 /)
  })
})

const masked = (opcode: number, payload: string, final = true): string => {
  const mask = 'abcd'
  const text = [...payload].map((c, i) => String.fromCharCode(c.charCodeAt(0) ^ mask.charCodeAt(i & 3))).join('')
  return `${String.fromCharCode((final ? 0x80 : 0) | opcode, 0x80 | payload.length)}${mask}${text}`
}

const closing = (code: number, reason = ''): string =>
  masked(8, `${String.fromCharCode(code >> 8, code & 0xff)}${reason}`)

describe('frames', () => {
  test('in pieces, in parts and with controls between them make one message', () => {
    const frames = new WebSocketFrames(1000)
    const wire = `${masked(1, 'hel', false)}${masked(9, 'x')}${masked(0, '', false)}${masked(0, 'lo')}`
    const items = [...wire].flatMap((byte) => frames.push(byte))
    expect(items).toEqual([
      { kind: 'ping', text: 'x' },
      { kind: 'message', text: 'hello' },
    ])
    expect(frames.partial).toBe(false)
  })

  test('of control between the parts of a message do not count as its bytes', () => {
    const frames = new WebSocketFrames(100)
    const items = frames.push(
      `${masked(1, 'a'.repeat(90), false)}${masked(9, 'p'.repeat(125))}${masked(0, 'b'.repeat(10))}`,
    )
    expect(items.map(({ kind }) => kind)).toEqual(['ping', 'message'])
  })

  test.each([
    ['unmasked', messageFrame('hello'), 1002],
    ['with a reserved bit', `\xc1${masked(1, 'x').slice(1)}`, 1002],
    ['of no known type', masked(3, 'x'), 1002],
    ['that goes on with nothing', masked(0, 'x'), 1002],
    ['that begins twice', `${masked(1, 'a', false)}${masked(1, 'b')}`, 1002],
    ['of control in parts', masked(9, 'x', false), 1002],
    ['of too many bytes', '\x81\xff\x00\x00\x00\x00\x00\x01\x00\x00', 1009],
    ['of close with half a code', masked(8, '\x03'), 1002],
    ['of close with a reason that is no UTF-8', closing(1000, '\xff'), 1007],
    ['of too many bytes in parts', `${masked(1, 'a'.repeat(60), false)}${masked(0, 'b'.repeat(60))}`, 1009],
  ])('%s end the connection', (_, wire, code) => {
    const frames = new WebSocketFrames(100)
    expect(frames.push(wire).at(-1)).toMatchObject({ kind: 'error', code })
    expect(frames.push(masked(1, 'later'))).toEqual([])
  })

  test.each([0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535])('of close with %d end it as wrong', (code) => {
    expect(new WebSocketFrames(100).push(closing(code))).toMatchObject([{ kind: 'error', code: 1002 }])
  })

  test.each([1000, 1001, 1003, 1007, 1011, 1014, 3000, 4999])('of close with %d are read', (code) => {
    expect(new WebSocketFrames(100).push(closing(code, 'gr\xc3\xbcn'))).toEqual([{ kind: 'close', code }])
    expect(closeFrame(code, '')).toBe(`\x88\x02${String.fromCharCode(code >> 8, code & 0xff)}`)
  })

  test('of close without a code are read, and a code that is never sent is none', () => {
    expect(new WebSocketFrames(100).push(masked(8, ''))).toEqual([{ kind: 'close', code: 1005 }])
    for (const code of [0, 1004, 1005, 1006, 1015, 2000, 5000]) expect(closeFrame(code, 'x')).toBe('\x88\x00')
  })

  test('of every length are written as they are read', () => {
    for (const length of [0, 125, 126, 65_535, 65_536]) {
      const frame = messageFrame('x'.repeat(length))
      expect(frame.length - length).toBe(length < 126 ? 2 : length < 65_536 ? 4 : 10)
    }
    expect(messageFrame('\xff').charCodeAt(0)).toBe(0x82)
    expect(messageFrame('a').charCodeAt(0)).toBe(0x81)
  })

  test('that are wrong are told on the wire, and a ping is answered', async () => {
    const ping = await raw(`${HANDSHAKE()}`)
    expect(ping).toMatch(/^HTTP\/1\.1 101/)
    const socket = connect(PORT, '127.0.0.1').setEncoding('latin1')
    socket.write(HANDSHAKE())
    await once(socket, 'data')
    socket.write(masked(9, 'alive?'), 'latin1')
    expect((await once(socket, 'data'))[0]).toBe('\x8a\x06alive?')
    socket.write(masked(1, '\r\n\r\n'), 'latin1')
    expect((await once(socket, 'data'))[0]).toBe('\x81\x02\r\n')
    socket.write('\x81\x01x', 'latin1')
    expect(String((await once(socket, 'data'))[0]).slice(0, 4)).toBe('\x88\x23\x03\xea')
    await once(socket, 'close')
  })
})
