// Owns the benchmark of transactions alone: an INVITE and an OPTIONS in, forwarded by a client transaction, answered, run out.
// Run: node test/bench/transaction.bench.ts
import { ManualClock } from '../../src/clock.ts'
import { silentLog } from '../../src/log.ts'
import { buildReply, parseMessage, type SipReply, type SipRequest } from '../../src/sip/index.ts'
import { type ClientUser, TransactionLayer } from '../../src/transaction/index.ts'
import type { Flow, Hop, TransportLayer } from '../../src/transport/index.ts'
import { benchInvite } from '../sip/fixtures.ts'
import { report } from './figures.ts'

const ROUNDS = 41
const BATCH = 500

const clock = new ManualClock()
const nobody: ClientUser = { onReply() {}, onTimeout() {}, onTimerC() {}, onTransportError() {}, onReleased() {} }
const flow = { transport: 'udp', remoteAddress: '127.0.0.1', remotePort: 5090, reliable: false } as unknown as Flow
const hop = { transport: 'udp', address: '127.0.0.1', port: 5080 } as unknown as Hop
const transport = { send() {}, reply() {}, replyTarget() {} } as unknown as TransportLayer
const layer = new TransactionLayer({ clock, transport, log: silentLog, limits: { transactionsPerSource: 1e6 } })

function parsed(wire: string): SipRequest | SipReply {
  const result = parseMessage(wire)
  if (!result.ok) throw new Error(result.reason)
  return result.message
}

const ending = { onServerTerminated() {} }
let number = 0
layer.user = {
  onRequest(request) {
    const server = layer.createServer(request, flow, ending)!
    const branch = `z9hG4bKbench${number}`
    const wire = request.raw.replace('Via:', `Via: SIP/2.0/UDP 127.0.0.1:5060;branch=${branch}\r\nVia:`)
    const { method } = request
    if (method === 'INVITE') layer.startInvite(branch, hop, wire, nobody)
    else layer.startRequest(branch, method, hop, wire, nobody)
    layer.onMessage(parsed(buildReply(parsed(wire) as SipRequest, 200)), flow)
    server.respond(buildReply(request, 200), 200)
  },
  onAck() {},
  onCancel() {},
  onStrayReply() {},
}

for (const method of ['INVITE', 'OPTIONS']) {
  const figures: number[] = []
  const template = benchInvite.replace(/^INVITE/, method).replace(/^(CSeq: \d+) INVITE/m, `$1 ${method}`)
  for (let round = 0; round < ROUNDS; round++) {
    const messages = Array.from({ length: BATCH }, () => {
      const wire = template.replace(/branch=[^;\r]+/, `branch=z9hG4bKin${++number}`)
      return Buffer.from(wire, 'latin1').toString('latin1')
    })
    const started = process.threadCpuUsage()
    for (const wire of messages) layer.onMessage(parsed(wire), flow)
    const spent = process.threadCpuUsage(started)
    figures.push((spent.user + spent.system) / BATCH)
    clock.advance(40_000)
  }
  figures.sort((a, b) => a - b)
  report({
    group: 'transaction',
    name: `${method}: parsed, server and client transaction, 200 passed back`,
    unit: 'us',
    value: figures[ROUNDS >> 1]!,
    best: figures[0]!,
  })
}
