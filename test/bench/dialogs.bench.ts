// Owns the benchmark of calls that are held: what one costs in memory, and whether a new call costs more beside many. In one process, in memory.
// usage: node --no-node-snapshot --expose-gc test/bench/dialogs.bench.ts [FILE] [CALLS HELD]
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { ManualClock } from '../../src/clock.ts'
import { createEngine } from '../../src/engine/index.ts'
import { createLayer } from '../../src/transport/transport-layer.ts'
import { ANSWER, answer, CALLEE, CALLER, CONTACT, inDialog, invite, OK_LINES } from './call-messages.ts'
import { DirectSockets } from './direct-sockets.ts'
import { median, report } from './figures.ts'

const BATCH = 200
const FEW = 1000
/** Calls by which the cost of a new one is measured. */
const MEASURED = 8000

const [given, heldText = '50000'] = process.argv.slice(2)
const file = given || fileURLToPath(new URL('../../../shared/bench/proxy.cfg', import.meta.url))
if (!existsSync(file)) throw new Error(`there is no ${file}`)
const most = Number(heldText)

const clock = new ManualClock()
const sockets = new DirectSockets()
const engine = await createEngine({ file, clock, transport: (options) => createLayer(options, sockets) })
await engine.start()

const oks = new Map<number, string>()
let last = 0

function deliver(wires: readonly string[], port: number): void {
  for (const wire of wires) sockets.deliver(Buffer.from(wire, 'latin1').toString('latin1'), port)
}

function sent(port: number, start: string): string[] {
  return sockets
    .take()
    .filter((one) => one.port === port && one.wire.startsWith(start))
    .map((one) => one.wire)
}

/** Microseconds of this thread a call: set up until the ACK. */
async function setUp(count: number): Promise<number> {
  const figures: number[] = []
  for (let done = 0; done < count; done += BATCH) {
    const numbers = Array.from({ length: BATCH }, () => ++last)
    const invites = numbers.map(invite)
    const before = process.threadCpuUsage()
    deliver(invites, CALLER)
    const arrived = sent(CALLEE, 'INVITE')
    deliver(
      arrived.map((wire) => answer(wire, '180 Ringing', [CONTACT], '')),
      CALLEE,
    )
    deliver(
      arrived.map((wire) => answer(wire, '200 OK', OK_LINES, ANSWER)),
      CALLEE,
    )
    const answered = sent(CALLER, 'SIP/2.0 200')
    if (answered.length !== BATCH) throw new Error(`${answered.length} of ${BATCH} calls were answered`)
    deliver(
      answered.map((ok, n) => inDialog(ok, numbers[n]!, 'ACK')),
      CALLER,
    )
    const spent = process.threadCpuUsage(before)
    sockets.take()
    figures.push((spent.user + spent.system) / BATCH)
    answered.forEach((ok, n) => void oks.set(numbers[n]!, Buffer.from(ok, 'latin1').toString('latin1')))
    await turn()
  }
  return median(figures)
}

async function hangUp(count: number): Promise<void> {
  const numbers = [...oks.keys()].slice(0, count)
  for (let done = 0; done < numbers.length; done += BATCH) {
    const some = numbers.slice(done, done + BATCH)
    deliver(
      some.map((n) => inDialog(oks.get(n)!, n, 'BYE')),
      CALLER,
    )
    deliver(
      sent(CALLEE, 'BYE').map((wire) => answer(wire, '200 OK', [], '')),
      CALLEE,
    )
    sockets.take()
    for (const n of some) oks.delete(n)
    await turn()
  }
  passTime()
}

/** The transactions of what was done run out. */
function passTime(): void {
  for (let n = 0; n < 40; n++) clock.advance(1000)
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Bytes of this process after a collection: what is shared counted once. The load's own texts are taken off. */
async function bytes(): Promise<number> {
  for (let n = 0; n < 4; n++) {
    globalThis.gc?.()
    await turn()
  }
  const texts = [...oks.values()].reduce((sum, ok) => sum + ok.length + 32, 0)
  const pss = /^Pss:\s+(\d+)/m.exec(readFileSync('/proc/self/smaps_rollup', 'latin1'))
  return Number(pss?.[1] ?? 0) * 1024 - texts
}

// Warm, with a peak of what is open that is that of the measurement.
await setUp(MEASURED)
await hangUp(MEASURED)
await setUp(FEW)
passTime()
const few = await bytes()
const heap = process.memoryUsage().heapUsed
const costFew = await setUp(MEASURED)
await hangUp(MEASURED)
await setUp(most - oks.size)
passTime()
const many = await bytes()
const costMany = await setUp(MEASURED)
await hangUp(oks.size)
await bytes()
const after = process.memoryUsage().heapUsed

report({ group: 'held calls', name: `a new call beside ${FEW}`, unit: 'us', value: costFew })
report({ group: 'held calls', name: `a new call beside ${most}`, unit: 'us', value: costMany })
report({ group: 'held calls', name: 'memory of a held call', unit: 'KB', value: (many - few) / (most - FEW) / 1024 })
report({
  group: 'held calls',
  name: `heap in use after all have ended, beyond that with ${FEW}`,
  unit: 'MB',
  value: (after - heap) / 1e6,
})
process.exit(0)
