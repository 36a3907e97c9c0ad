// Owns the torture run over the wire: each message of RFC 4475 and RFC 5118 goes to the engine, which forwards all to a sink, over
// UDP and over TCP; what comes back and what comes out must be what a proxy owes it, and the engine must live on.
// TORTURE_SCORE=FILE writes a line a message in the form of the shared Kamailio baseline.

import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildReply, parseMessage, SipRequest } from '../../src/sip/index.ts'
import { shared } from '../sip/fixtures.ts'
import {
  listedReactions,
  type Reaction,
  RFC4475,
  rfc4475Archive,
  rfc5118AsSent,
  table4475,
  table5118,
} from '../sip/torture-messages.ts'
import { EngineUnderTest, scratch } from './engine.ts'

const SENDER = '127.0.49.1'
const ENGINE = { address: '127.0.49.2', port: 49_060 }
const SINK = { address: '127.0.49.3', port: 49_070 }

/** The route that forwards all to the sink, in both languages. */
const ROUTES: Record<string, string> = {
  // In a .ts the checks of RFC 3261 16.3 are the engine's; in a .cfg they are the script's, as in Kamailio.
  ts: `
import { type SipRequest, tRelay } from 'signalbox'
export const config = { listen: ['udp:${ENGINE.address}:${ENGINE.port}', 'tcp:${ENGINE.address}:${ENGINE.port}'] }
export async function request_route(request: SipRequest) {
  request.destination = 'sip:${SINK.address}:${SINK.port};transport=udp'
  await tRelay()
}
`,
  cfg: `
listen=udp:${ENGINE.address}:${ENGINE.port}
listen=tcp:${ENGINE.address}:${ENGINE.port}
loadmodule "tm.so"
loadmodule "pv.so"
loadmodule "sl.so"
loadmodule "maxfwd.so"
loadmodule "sanity.so"
request_route {
    if (!sanity_check("17895", "7")) exit;
    if (!mf_process_maxfwd_header("70")) { sl_send_reply("483", "Too Many Hops"); exit; }
    $du = "sip:${SINK.address}:${SINK.port};transport=udp";
    if (!t_relay()) sl_reply_error();
    exit;
}
`,
}

interface Torture {
  readonly id: string
  readonly raw: string
  readonly allowed: readonly Reaction[]
}

/** How long a reaction is waited for where none may come. */
const PATIENCE = 400

const rfc4475 = rfc4475Archive()
const messages: Torture[] = [
  ...(table4475.length > 0
    ? table4475.map((row) => ({
        id: row.id!,
        raw: shared(`corpora/rfc4475/${row.file}`)!,
        allowed: listedReactions(row.expected!),
      }))
    : []),
  // What the table leaves out is in the RFC's own archive.
  ...Object.entries(RFC4475)
    .filter(([id]) => rfc4475.has(id) && !table4475.some((row) => row.id === id))
    .map(([id, reaction]) => ({ id, raw: rfc4475.get(id)!, allowed: [reaction] })),
  ...table5118.map((row) => ({
    id: row.id!,
    raw: rfc5118AsSent(row.id!),
    allowed: [row.class === 'valid' ? ('forward' as const) : 400],
  })),
]

/** What the wire showed for one message. */
class Observation {
  readonly codes: number[] = []
  readonly forwarded: SipRequest[] = []
  closed = false
}

let engine: EngineUnderTest | undefined
const files = scratch()
const sockets: Socket[] = []
const score: string[] = []
let current = new Observation()
let currentId: string | undefined
let changed: () => void = () => {}

async function bind(address: string, port: number): Promise<Socket> {
  const socket = createSocket('udp4')
  socket.bind(port, address)
  await once(socket, 'listening')
  sockets.push(socket)
  return socket
}

/** Notes replies to the message under way; others are late ones of earlier messages. */
function noteReply(wire: string): void {
  // Not by the parser: an answer may have to repeat what no parser takes, such as the CSeq of scalar02.
  const status = Number(/^SIP\/2\.0 (\d{3}) /.exec(wire)?.[1] ?? 0)
  const callId = /^(?:call-id|i)[ \t]*:[ \t]*(\S*)/im.exec(wire)?.[1] ?? ''
  alive.get(callId)?.()
  if (callId !== (currentId ?? '') || status < 200 || current.codes.includes(status)) return
  current.codes.push(status)
  changed()
}

const alive = new Map<string, () => void>()

/** Resolves when `done` says so, or after PATIENCE. */
async function settle(done: () => boolean, millis = PATIENCE): Promise<void> {
  const until = Date.now() + millis
  while (!done() && Date.now() < until) {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.max(1, until - Date.now()))
      changed = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

let serial = 0

/** An OPTIONS through the engine to the sink and back. */
async function lives(socket: Socket): Promise<boolean> {
  const callId = `live-${++serial}-${process.pid}`
  const answered = new Promise<boolean>((resolve) => {
    const timer = setTimeout(() => resolve(false), 3000)
    alive.set(callId, () => {
      clearTimeout(timer)
      resolve(true)
    })
  })
  const probe = [
    `OPTIONS sip:${ENGINE.address} SIP/2.0`,
    `Via: SIP/2.0/UDP ${SENDER}:5060;branch=z9hG4bK${callId}`,
    'Max-Forwards: 10',
    `From: <sip:live@t>;tag=${serial}`,
    'To: <sip:live@t>',
    `Call-ID: ${callId}`,
    'CSeq: 1 OPTIONS',
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n')
  socket.send(probe, ENGINE.port, ENGINE.address)
  const result = await answered
  alive.delete(callId)
  return result
}

/** How long to wait for a reaction: where silence is one, no longer than it takes to be sure. */
function patience(torture: { raw: string; allowed: readonly Reaction[] }): number {
  return isReply(torture.raw) || torture.allowed.includes('drop') ? PATIENCE : 5000
}

/** The Call-ID under which reactions to the message show; '' where it has none or two. */
function callIdOf(raw: string): string {
  const result = parseMessage(raw)
  const message = result.ok ? result.message : result.partial
  return message?.callId ?? /^(?:call-id|i)\s*:\s*(\S+)/im.exec(raw)?.[1] ?? ''
}

function isReply(raw: string): boolean {
  return raw.startsWith('SIP/')
}

async function overUdp(socket: Socket, raw: string, millis: number): Promise<Observation> {
  socket.send(Buffer.from(raw, 'latin1'), ENGINE.port, ENGINE.address)
  await settle(() => current.codes.length > 0, millis)
  return current
}

async function overTcp(raw: string, millis: number): Promise<Observation> {
  const observation = current
  const connection = connect(ENGINE.port, ENGINE.address)
  connection.on('error', () => {})
  await once(connection, 'connect')
  let text = ''
  connection.on('data', (bytes) => {
    text += bytes.toString('latin1')
    for (const part of text.split(/(?=SIP\/2\.0 \d{3})/)) if (part.includes('\r\n\r\n')) noteReply(part)
  })
  connection.on('close', () => {
    observation.closed = true
    changed()
  })
  connection.write(Buffer.from(raw, 'latin1'))
  await settle(() => current.codes.length > 0 || observation.closed, millis)
  // A reply may be followed by the close.
  if (!observation.closed) await settle(() => observation.closed, 20)
  connection.destroy()
  return observation
}

/** The reaction that was seen. A forwarded request was answered by the sink, so both show. */
function reactionOf(seen: Observation): Reaction {
  if (seen.forwarded.length > 0) return 'forward'
  return seen.codes[0] ?? 'drop'
}

afterAll(() => files.remove())

describe.skipIf(messages.length === 0).each(Object.keys(ROUTES))('torture messages through a .%s route', (language) => {
  let sender: Socket

  beforeAll(async () => {
    sender = await bind(SENDER, 5060)
    sender.on('message', (bytes) => noteReply(bytes.toString('latin1')))
    const ports = new Set(messages.map(({ raw }) => viaPort(raw)).filter((port) => port !== 5060))
    for (const port of ports) {
      const socket = await bind(SENDER, port)
      socket.on('message', (bytes) => noteReply(bytes.toString('latin1')))
    }
    const sink = await bind(SINK.address, SINK.port)
    sink.on('message', (bytes, from) => {
      const result = parseMessage(bytes.toString('latin1'))
      if (!result.ok || !(result.message instanceof SipRequest)) return
      const request = result.message
      if (request.callId === currentId) {
        current.forwarded.push(request)
        changed()
      }
      if (request.method === 'ACK') return
      sink.send(Buffer.from(buildReply(request, 480, 'Sink', { toTag: 'sink' }), 'latin1'), from.port, from.address)
    })
    engine = await EngineUnderTest.run([files.write(`torture.${language}`, ROUTES[language]!)])
    expect(await lives(sender)).toBe(true)
  }, 30_000)

  afterAll(async () => {
    await engine?.stop()
    engine = undefined
    for (const socket of sockets.splice(0)) socket.close()
    if (process.env.TORTURE_SCORE !== undefined) writeFileSync(process.env.TORTURE_SCORE, `${score.join('\n')}\n`)
  })

  const begin = (raw: string) => {
    current = new Observation()
    currentId = callIdOf(raw)
  }

  const judge = (torture: Torture, transport: string, seen: Observation) => {
    const lines = [...new Set(seen.forwarded.map((one) => `${one.method} ${one.requestUri} SIP/2.0`))]
    score.push(
      [
        torture.id,
        `${language} ${transport}`,
        seen.codes.join(',') || '-',
        lines.join(' | ') || '-',
        seen.closed ? 'closed' : '',
      ].join('\t'),
    )
    const reaction = reactionOf(seen)
    // A reply without a transaction of ours may go on by its Via or be dropped; neither shows here.
    if (isReply(torture.raw)) expect(reaction).toBe('drop')
    else if (transport === 'tcp' && seen.closed && torture.allowed.includes(400))
      expect([400, 'drop']).toContain(reaction)
    else expect(torture.allowed).toContain(reaction)
    const sent = parseMessage(torture.raw)
    for (const one of seen.forwarded) {
      if (!sent.ok || !(sent.message instanceof SipRequest) || one.method !== sent.message.method) continue
      expect(one.requestUri).toBe(sent.message.requestUri)
      expect(one.body).toBe(sent.message.body)
      expect(one.vias().length).toBe(sent.message.vias().length + 1)
      // Everything a proxy has no business with goes through byte by byte.
      for (let i = 0; i < sent.message.headerCount; i++) {
        const name = sent.message.headerName(i)
        if (/^(v|via|max-forwards|l|content-length)$/i.test(name)) continue
        const line = sent.message.raw.slice(sent.message.headerStart(i), sent.message.headerEnd(i))
        expect(one.raw).toContain(line)
      }
    }
  }

  test.each(messages.map((torture) => [torture.id, torture] as const))('UDP %s', async (_, torture) => {
    const raw = withOtherIds(torture.raw)
    begin(raw)
    judge({ ...torture, raw }, 'udp', await overUdp(sender, raw, patience(torture)))
    currentId = undefined
    expect(await lives(sender)).toBe(true)
  })

  test.each(messages.map((torture) => [torture.id, torture] as const))('TCP %s', async (id, torture) => {
    const raw = withOtherIds(torture.raw)
    begin(raw)
    const waited = id === 'clerr' || !/\r\n\r\n/.test(raw)
    const seen = await overTcp(raw, waited ? PATIENCE : patience(torture))
    const expected = { ...torture, raw }
    // RFC 3261 18.3: on a stream a head or body that is too short is waited for, and a missing length ends the connection.
    if (waited) expect(reactionOf(seen)).toBe('drop')
    else if (!/^(content-length|l)\s*:/im.test(raw) && !isReply(raw)) expect([400, 'drop']).toContain(reactionOf(seen))
    else judge(expected, 'tcp', seen)
    currentId = undefined
    expect(await lives(sender)).toBe(true)
  })

  test('"test" is survived', async () => {
    const raw = shared('corpora/rfc4475/archive/test.dat') ?? rfc4475.get('test') ?? 'x'
    sender.send(Buffer.from(raw, 'latin1'), ENGINE.port, ENGINE.address)
    expect(await lives(sender)).toBe(true)
  })
})

/** The port to which a reply over UDP goes. */
function viaPort(raw: string): number {
  const result = parseMessage(raw)
  const message = result.ok ? result.message : result.partial
  return message?.topVia?.port ?? 5060
}

/** Another Call-ID and branch: many share theirs, and one may not be taken for a retransmission of another. */
function withOtherIds(raw: string): string {
  const mark = `t${++serial}`
  return raw
    .replace(/^((?:call-id|i)\s*:\s*)(\S)/im, `$1${mark}$2`)
    .replace(/(branch\s*=\s*z9hG4bK)(?=[^\s;,])/i, `$1${mark}`)
}
