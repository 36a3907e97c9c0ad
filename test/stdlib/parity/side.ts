// Owns one side of a comparison: a server under test, the caller and the callee around it, and what came out of each case.
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { setTimeout as after } from 'node:timers/promises'

const SDP =
  'v=0\r\no=- 1 1 IN IP4 1.1.1.1\r\ns=-\r\nc=IN IP4 1.1.1.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\na=rtcp:1\r\na=sendrecv\r\nm=video 5000 RTP/AVP 96\r\na=rtcp:2\r\n'

/** Both servers retransmit after 500 ms what a busy machine lost; silence for longer means that all is said. */
const QUIET_MILLIS = 2500

/** Header lines that a case adds to its INVITE, and the tag of its To. */
export interface Case {
  readonly name: string
  readonly headers?: readonly string[]
  readonly toTag?: string
}

export interface Ports {
  readonly server: number
  readonly caller: number
  readonly callee: number
}

function invite({ name, headers = [], toTag = '' }: Case, { server, caller }: Ports): string {
  return [
    `INVITE sip:${name}@127.0.0.1:${server} SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:${caller};branch=z9hG4bKc-${name}`,
    `From: "T" <sip:t@127.0.0.1:${caller}>;tag=1`,
    `To: <sip:${name}@127.0.0.1:${server}>${toTag}`,
    `Call-ID: ${name}@case`,
    'CSeq: 1 INVITE',
    `Contact: <sip:t@127.0.0.1:${caller}>`,
    'Max-Forwards: 70',
    'X-A: one',
    'X-A: two one',
    'X-B: one',
    ...headers.map((line) => line.replaceAll('PORT', String(server))),
    'Content-Type: application/sdp',
    `Content-Length: ${SDP.length}`,
    '',
    SDP,
  ].join('\r\n')
}

function header(text: string, name: string): string | undefined {
  return new RegExp(`^${name}: ([^\\r\\n]*)`, 'm').exec(text)?.[1]
}

function busy(request: string): string | undefined {
  const [from, to, callId] = ['From', 'To', 'Call-ID'].map((name) => header(request, name))
  const vias = request.split('\r\n').filter((line) => line.startsWith('Via: '))
  if (from === undefined || to === undefined || callId === undefined || vias.length === 0) return undefined
  return [
    'SIP/2.0 486 Busy',
    ...vias,
    `From: ${from}`,
    `To: ${to};tag=u`,
    `Call-ID: ${callId}`,
    'CSeq: 1 INVITE',
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n')
}

function ack(reply: string, name: string, { server, caller }: Ports): string {
  return [
    `ACK sip:${name}@127.0.0.1:${server} SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:${caller};branch=z9hG4bKc-${name}`,
    `From: "T" <sip:t@127.0.0.1:${caller}>;tag=1`,
    `To: ${header(reply, 'To')}`,
    `Call-ID: ${name}@case`,
    'CSeq: 1 ACK',
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n')
}

/** Branches, generated tags and the port of the server differ by nature. */
function masked(text: string, { server }: Ports): string {
  return text
    .replace(/branch=z9hG4bK(?!c-)[^;\r\n]*/g, 'branch=*')
    .replace(/^(To: [^\r\n]*;tag=)[^;\r\n]*/gm, '$1*')
    .replaceAll(String(server), 'PORT')
    .split('\r\n')
    .filter((line) => !/^(Server|Warning):/.test(line))
    .join('\n')
}

async function bound(port: number): Promise<Socket> {
  const socket = createSocket('udp4')
  socket.bind(port, '127.0.0.1')
  await once(socket, 'listening')
  return socket
}

/** How long a question waits for its answer before it is asked again. */
const ASK_MILLIS = 500
/** 30 seconds of a server that does not answer. */
const MOST_ASKED = 60

function question(number: number, { server, caller }: Ports): string {
  return [
    `OPTIONS sip:here@127.0.0.1:${server} SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:${caller};branch=z9hG4bKc-here${number}`,
    `From: <sip:t@127.0.0.1:${caller}>;tag=1`,
    `To: <sip:here@127.0.0.1:${server}>`,
    `Call-ID: here${number}`,
    'CSeq: 1 OPTIONS',
    'Max-Forwards: 70',
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n')
}

/** Returns when the server has answered a question: then it runs, and has read what was sent before. */
function asker(caller: Socket, ports: Ports): () => Promise<void> {
  let number = 0
  let answered = 0
  caller.on('message', (data) => {
    const asked = /^Call-ID: here(\d+)\r$/m.exec(data.toString('latin1'))?.[1]
    if (asked !== undefined) answered = Math.max(answered, Number(asked))
  })
  return async () => {
    const first = number + 1
    while (answered < first) {
      number++
      if (number - first === MOST_ASKED) throw new Error(`port ${ports.server} of 127.0.0.1 answers nothing`)
      caller.send(question(number, ports), ports.server, '127.0.0.1')
      for (let waited = 0; answered < first && waited < ASK_MILLIS; waited += 5) await after(5)
    }
  }
}

/** Sends each case, plays a callee that is busy, and gives what left the server by case: requests and replies, masked and sorted. */
export async function outcomes(cases: readonly Case[], ports: Ports): Promise<Map<string, string[]>> {
  const seen = new Map<string, Set<string>>(cases.map(({ name }) => [name, new Set()]))
  const caller = await bound(ports.caller)
  const callee = await bound(ports.callee)
  let heard = performance.now()
  const note = (text: string, direction: string) => {
    heard = performance.now()
    const name = /^(?:Call-ID|i): ([^@\r\n]*)@case/m.exec(text)?.[1] ?? ''
    if (!/^(ACK|SIP\/2.0 1)/.test(text)) seen.get(name)?.add(`${direction} ${masked(text, ports)}`)
    return name
  }
  callee.on('message', (data, from) => {
    const text = data.toString('latin1')
    note(text, '->')
    const answer = text.startsWith('INVITE') ? busy(text) : undefined
    if (answer) callee.send(answer, from.port, from.address)
  })
  caller.on('message', (data) => {
    const text = data.toString('latin1')
    const name = note(text, '<-')
    if (/^SIP\/2\.0 [2-6]/.test(text) && name !== '') caller.send(ack(text, name, ports), ports.server, '127.0.0.1')
  })
  const askWhetherRead = asker(caller, ports)
  await askWhetherRead()
  for (const one of cases) {
    caller.send(Buffer.from(invite(one, ports), 'latin1'), ports.server, '127.0.0.1')
    // One at a time: nobody sends an INVITE again that a server had no room for.
    await askWhetherRead()
  }
  while (performance.now() - heard < QUIET_MILLIS) await after(100)
  caller.close()
  callee.close()
  return new Map([...seen].map(([name, texts]) => [name, [...texts].sort()]))
}
