// Owns the benchmark of whole calls through an engine in memory: INVITE 180 200 ACK BYE 200 on the routing file of the
// signalling benchmark, far ends not counted. Run by hand:
// node --no-node-snapshot --expose-gc test/bench/call.bench.ts [FILE] [ROUNDS] [1: after a rehearsal] [MEGABYTES]
// With MEGABYTES, so many are walked over before each message: its caches are as cold as those of a process that was not running.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { BEFORE_READY, createEngine, type PreparedEngine, rehearse } from '../../src/engine/index.ts'
import { createLayer } from '../../src/transport/transport-layer.ts'
import { ANSWER, answer, CALLEE, CALLER, CONTACT, inDialog, invite, OK_LINES } from './call-messages.ts'
import { DirectSockets, type Sent } from './direct-sockets.ts'
import { report } from './figures.ts'

const CALLS = 200

const [given, roundsText, rehearsal = '0', cold = '0'] = process.argv.slice(2)
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

const halves = [0, 1].map((fill) => Buffer.alloc(Number(cold) << 19, fill))
/** Drives what the last message left out of the caches; both halves are read to their ends. */
const cool = (): void => {
  halves[0]!.indexOf(2)
  halves[1]!.indexOf(2)
}

let spentMain = 0
let spentAll = 0
const stages: Record<string, number> = {}

/** Delivers a batch as the event loop would, and counts the time of it; from where `port` is. */
function timed(stage: string, wires: readonly string[], port: number): Sent[] {
  // A string from the wire is flat and hashes nothing yet.
  const fresh = wires.map((wire) => Buffer.from(wire, 'latin1').toString('latin1'))
  for (const turn of cold === '0' ? [fresh] : fresh.map((wire) => [wire])) {
    if (cold !== '0') cool()
    const cpu = process.cpuUsage()
    const own = process.threadCpuUsage()
    const began = performance.now()
    for (const wire of turn) sockets.deliver(wire, port)
    const main = process.threadCpuUsage(own)
    const all = process.cpuUsage(cpu)
    // The kernel counts processor time by the tick: too coarse for one message.
    const spent = cold === '0' ? main.user + main.system : (performance.now() - began) * 1000
    spentMain += spent
    spentAll += all.user + all.system
    stages[stage] = (stages[stage] ?? 0) + spent
  }
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
  if (cold === '0' && round >= 2 && round < 18) early += spentAll / CALLS / 16
  await new Promise((resolve) => setImmediate(resolve))
  if ([0, 1, 2, 4, 9, 19, 39, 79].includes(round))
    console.log(
      `calls ${first}-${call}: ${(spentMain / CALLS).toFixed(1)} us on the main thread, ${(spentAll / CALLS).toFixed(1)} us CPU in all`,
    )
  if (round === rounds >> 1) for (const stage of Object.keys(stages)) stages[stage] = 0
}
const late = figures.slice(rounds >> 1).sort((a, b) => a - b)
if (cold === '0')
  report({ group: 'call', name: 'a call in memory, calls 401-3600 with all threads', unit: 'us', value: early })
console.log(`${whole} of ${call} calls whole`)
const name = cold === '0' ? 'a call in memory, warm' : `a call in memory, each message after ${cold} MB of other work`
report({ group: 'call', name, unit: 'us', value: late[late.length >> 1]!, best: late[0]! })
const counted = (rounds - (rounds >> 1) - 1) * CALLS
for (const [stage, us] of Object.entries(stages)) console.log(`  ${stage.padEnd(8)} ${(us / counted).toFixed(1)} us`)
globalThis.gc?.()
console.log(
  `heap ${(process.memoryUsage().heapUsed / 1e6).toFixed(1)} MB, resident ${(process.memoryUsage().rss / 1e6).toFixed(0)} MB`,
)
process.exit(0)
