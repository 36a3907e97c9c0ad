// Owns the benchmark of whole calls through an engine in memory: INVITE 180 200 ACK BYE 200 on the routing file of the
// signalling benchmark, far ends not counted. Run by hand:
// node --no-node-snapshot --expose-gc test/bench/call.bench.ts [FILE] [ROUNDS] [1: after a rehearsal]
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { BEFORE_READY, createEngine, type PreparedEngine, rehearse } from '../../src/engine/index.ts'
import { createLayer } from '../../src/transport/transport-layer.ts'
import { DirectSockets, type Sent } from './direct-sockets.ts'

const CALLS = 200
const CALLER = 5090
const CALLEE = 5080
const FROM = `"10048 - Armstrong, Clint" <sip:10048@127.0.0.1:${CALLER}>`

const OFFER = [
  'v=0\r\no=CiscoSystemsCCM-SIP 94213 1 IN IP4 10.0.2.52\r\ns=SIP Call\r\nc=IN IP4 127.0.0.1\r\nt=0 0',
  'm=audio 31182 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n',
].join('\r\n')
const ANSWER = [
  'v=0\r\no=- 85 0 IN IP4 127.0.0.1\r\ns=session\r\nc=IN IP4 127.0.0.1\r\nb=CT:10000000\r\nt=0 0',
  'm=audio 54532 RTP/AVP 0 101\r\nc=IN IP4 127.0.0.1\r\na=label:main-audio\r\na=sendrecv\r\na=rtpmap:0 PCMU/8000',
  'a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16,36\r\na=ptime:20\r\n',
].join('\r\n')

function invite(call: number): string {
  const head = [
    'INVITE sip:87000@127.0.0.1:5060 SIP/2.0',
    `Via: SIP/2.0/UDP 127.0.0.1:${CALLER};branch=z9hG4bK-${call}-1-0`,
    `From: ${FROM};tag=${process.pid}a${call}`,
    'To: <sip:87000@127.0.0.1:5060>',
    `Call-ID: ${call}-${process.pid}@127.0.0.1`,
    'CSeq: 101 INVITE',
    'Date: Mon, 24 Aug 2015 12:22:29 GMT',
    'Supported: timer,resource-priority,replaces',
    'Min-SE: 1800',
    'User-Agent: Cisco-CUCM9.1',
    'Allow: INVITE, OPTIONS, INFO, BYE, CANCEL, ACK, PRACK, UPDATE, REFER, SUBSCRIBE, NOTIFY',
    'Expires: 180',
    'Allow-Events: presence, kpml',
    'Supported: X-cisco-srtp-fallback,X-cisco-original-called',
    'Cisco-Guid: 3357373952-0000065536-0000032693-0872546314',
    'Session-Expires: 1800',
    'P-Asserted-Identity: "10048 - Armstrong, Clint" <sip:10048@10.0.2.52>',
    'Remote-Party-ID: "10048 - Armstrong, Clint" <sip:10048@10.0.2.52>;party=calling;screen=yes;privacy=off',
    `Contact: <sip:10048@127.0.0.1:${CALLER}>`,
    'Max-Forwards: 70',
    'Content-Type: application/sdp',
    `Content-Length: ${OFFER.length}`,
  ]
  return `${head.join('\r\n')}\r\n\r\n${OFFER}`
}

/** Lines of these names, as they stand. */
function lines(wire: string, ...names: string[]): string[] {
  const head = wire.slice(0, wire.indexOf('\r\n\r\n')).split('\r\n')
  return names.flatMap((name) => head.filter((line) => line.startsWith(`${name}:`)))
}

function answer(request: string, status: string, more: string[], body: string): string {
  const copied = lines(request, 'Via', 'Record-Route', 'From', 'To', 'Call-ID', 'CSeq').map((line) =>
    line.startsWith('To:') && !line.includes('tag=') ? `${line};tag=b${request.length}` : line,
  )
  return `${[`SIP/2.0 ${status}`, ...copied, ...more, `Content-Length: ${body.length}`].join('\r\n')}\r\n\r\n${body}`
}

function inDialog(ok: string, call: number, method: 'ACK' | 'BYE'): string {
  const routes = lines(ok, 'Record-Route').map((line) => line.replace('Record-Route', 'Route'))
  const head = [
    `${method} sip:127.0.0.1:${CALLEE};transport=UDP SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:${CALLER};branch=z9hG4bK-${call}-1-${method}`,
    ...routes.reverse(),
    ...lines(ok, 'From', 'To', 'Call-ID'),
    `CSeq: ${method === 'ACK' ? 101 : 102} ${method}`,
    `Contact: <sip:10048@127.0.0.1:${CALLER}>`,
    'Max-Forwards: 70',
    'Content-Length: 0',
  ]
  return `${head.join('\r\n')}\r\n\r\n`
}

const CONTACT = `Contact: <sip:127.0.0.1:${CALLEE};transport=UDP>`
const OK_LINES = [
  CONTACT,
  'Server: RTCC/5.0.0.0 MSExchangeUM/15.01.0231.021',
  'Supported: Replaces',
  'Supported: timer',
  'Session-Expires: 1800;refresher=uac',
  'Content-Type: application/sdp',
]

const [given, roundsText, rehearsal = '0'] = process.argv.slice(2)
const file = given || fileURLToPath(new URL('../../../shared/bench/proxy.cfg', import.meta.url))
const rounds = Number(roundsText ?? 60)
if (!existsSync(file)) throw new Error(`there is no ${file}`)

const sockets = new DirectSockets()
const engine = await createEngine({ file, transport: (options) => createLayer(options, sockets) })
await engine.start()
if (Number(rehearsal) > 0) {
  const began = process.cpuUsage()
  const keep = setInterval(() => {}, 1000)
  const whole = await rehearse(engine as PreparedEngine, BEFORE_READY)
  console.log(`rehearsal: ${whole} calls`)
  clearInterval(keep)
  const { user, system } = process.cpuUsage(began)
  console.log(`rehearsal: ${((user + system) / 1000).toFixed(0)} ms CPU`)
}

let spentMain = 0
let spentAll = 0
const stages: Record<string, number> = {}

/** Delivers a batch as the event loop would, and counts the time of it; from where `port` is. */
function timed(stage: string, wires: readonly string[], port: number): Sent[] {
  // A string from the wire is flat and hashes nothing yet.
  const fresh = wires.map((wire) => Buffer.from(wire, 'latin1').toString('latin1'))
  const cpu = process.cpuUsage()
  const own = process.threadCpuUsage()
  for (const wire of fresh) sockets.deliver(wire, port)
  const main = process.threadCpuUsage(own)
  const all = process.cpuUsage(cpu)
  const spent = main.user + main.system
  spentMain += spent
  spentAll += all.user + all.system
  stages[stage] = (stages[stage] ?? 0) + spent
  return sockets.take()
}

const to = (sent: readonly Sent[], port: number, start: string): string[] =>
  sent.filter((one) => one.port === port && one.wire.startsWith(start)).map((one) => one.wire)

let call = 0
let early = 0
let whole = 0
const figures: number[] = []
for (let round = 0; round < rounds; round++) {
  spentMain = 0
  spentAll = 0
  const first = call + 1
  const invites = Array.from({ length: CALLS }, () => invite(++call))
  const arrived = to(timed('INVITE', invites, CALLER), CALLEE, 'INVITE')
  timed(
    '180',
    arrived.map((wire) => answer(wire, '180 Ringing', [CONTACT], '')),
    CALLEE,
  )
  const answered = arrived.map((wire) => answer(wire, '200 OK', OK_LINES, ANSWER))
  const oks = to(timed('200', answered, CALLEE), CALLER, 'SIP/2.0 200')
  timed(
    'ACK',
    oks.map((ok, i) => inDialog(ok, first + i, 'ACK')),
    CALLER,
  )
  const byes = to(
    timed(
      'BYE',
      oks.map((ok, i) => inDialog(ok, first + i, 'BYE')),
      CALLER,
    ),
    CALLEE,
    'BYE',
  )
  const ended = to(
    timed(
      '200 BYE',
      byes.map((wire) => answer(wire, '200 OK', [], '')),
      CALLEE,
    ),
    CALLER,
    'SIP/2.0 200',
  )
  whole += ended.length
  figures.push(spentMain / CALLS)
  // What the signalling benchmark counts: 3200 calls after the first 400.
  if (round >= 2 && round < 18) early += spentAll / CALLS / 16
  await new Promise((resolve) => setImmediate(resolve))
  if ([0, 1, 2, 4, 9, 19, 39, 79].includes(round))
    console.log(
      `calls ${first}-${call}: ${(spentMain / CALLS).toFixed(1)} us on the main thread, ${(spentAll / CALLS).toFixed(1)} us CPU in all`,
    )
  if (round === rounds >> 1) for (const stage of Object.keys(stages)) stages[stage] = 0
}
const late = figures.slice(rounds >> 1).sort((a, b) => a - b)
console.log(`calls 401-3600: ${early.toFixed(1)} us CPU in all`)
console.log(`${whole} of ${call} calls whole`)
console.log(
  `second half: best ${late[0]!.toFixed(1)}, median ${late[late.length >> 1]!.toFixed(1)} us on the main thread a call`,
)
const counted = (rounds - (rounds >> 1) - 1) * CALLS
for (const [stage, us] of Object.entries(stages)) console.log(`  ${stage.padEnd(8)} ${(us / counted).toFixed(1)} us`)
globalThis.gc?.()
console.log(
  `heap ${(process.memoryUsage().heapUsed / 1e6).toFixed(1)} MB, resident ${(process.memoryUsage().rss / 1e6).toFixed(0)} MB`,
)
process.exit(0)
