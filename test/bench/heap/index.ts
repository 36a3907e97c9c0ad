// Owns the measuring of a call's objects: bytes that its messages allocate in the engine, and bytes that rest until its last timer.
// The clock stands still, and no collection runs between marks, so that the figures are the same on any machine however busy.
// usage: node --expose-gc --min-semi-space-size=256 --max-semi-space-size=256 test/bench/heap/index.ts [FILE] [--top N]
import { Session } from 'node:inspector/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { getHeapStatistics } from 'node:v8'
import { ManualClock } from '../../../src/clock.ts'
import { createEngine } from '../../../src/engine/index.ts'
import { createLayer } from '../../../src/transport/transport-layer.ts'
import { passCall } from '../call-messages.ts'
import { DirectSockets } from '../direct-sockets.ts'
import { report } from '../figures.ts'

/** Calls of a round; few enough that none is hurried out as one too many that linger. */
const BATCH = 1000
const WARM_ROUNDS = 15
/** Longer than any transaction stays. */
const PAST_TIMERS_MS = 60_000
const SAMPLE_BYTES = 2048
const ENGINE = /\/src\/|^signalbox-/

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { top: { type: 'string', default: '30' } },
})
const { gc } = globalThis
if (gc === undefined) throw new Error('--expose-gc is needed')
const file = positionals[0] ?? fileURLToPath(new URL('../../../../shared/bench/proxy.cfg', import.meta.url))
const sockets = new DirectSockets()
const clock = new ManualClock()
const engine = await createEngine({ file, clock, transport: (options) => createLayer(options, sockets) })
await engine.start()

const used = (): number => getHeapStatistics().used_heap_size
let counting = false
let allocated = 0

/** What looking at the heap allocates itself. */
function ownBytes(): number {
  const before = used()
  return used() - before
}

/** Gives the engine a message; what it sent to that port in return. */
function pass(wire: string, from: number, to: number, start: string): string {
  // A string from the wire is flat and hashes nothing yet.
  const fresh = Buffer.from(wire, 'latin1').toString('latin1')
  if (counting) {
    const own = ownBytes()
    const before = used()
    sockets.deliver(fresh, from)
    allocated += used() - before - own
  } else sockets.deliver(fresh, from)
  const sent = sockets.take().find((one) => one.port === to && one.wire.startsWith(start))
  if (sent === undefined) throw new Error(`the engine sent no ${start}`)
  return sent.wire
}

let number = 0
async function round(): Promise<void> {
  for (let i = 0; i < BATCH; i++) {
    passCall(++number, pass)
    // What waits for nothing goes on between two datagrams, as it does in a process.
    await new Promise(setImmediate)
  }
}

for (let i = 0; i < WARM_ROUNDS; i++) {
  await round()
  clock.advance(PAST_TIMERS_MS)
  await new Promise(setImmediate)
}

gc()
gc()
counting = true
await round()
counting = false
clock.advance(PAST_TIMERS_MS)

gc()
gc()
const before = used()
await round()
gc()
gc()
const resting = used() - before
clock.advance(PAST_TIMERS_MS)

report({ group: 'call', name: 'a call in memory: allocated', unit: 'bytes', value: allocated / BATCH })
report({ group: 'call', name: 'a call in memory: resting', unit: 'bytes', value: resting / BATCH })

interface SampledNode {
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  readonly selfSize: number
  readonly children: SampledNode[]
}

/** Runs a round and prints which functions allocated the most: all of it, or what was not collected. */
async function sample(title: string, collected: boolean): Promise<void> {
  const session = new Session()
  session.connect()
  await session.post('HeapProfiler.startSampling', {
    samplingInterval: SAMPLE_BYTES,
    includeObjectsCollectedByMajorGC: collected,
    includeObjectsCollectedByMinorGC: collected,
  })
  await round()
  if (!collected) gc?.()
  const { profile } = await session.post('HeapProfiler.stopSampling')
  session.disconnect()
  const bySite = new Map<string, number>()
  const visit = ({ callFrame, selfSize, children }: SampledNode, within: boolean): void => {
    // What V8 has inlined has no frame of its own, so that no one function is the door.
    const inEngine = within || ENGINE.test(callFrame.url)
    const place = callFrame.url.replace(/^.*\/(?=(?:src|stdlib|test)\/)/, '')
    const site = `${callFrame.functionName || '(anonymous)'} ${place}:${callFrame.lineNumber + 1}`
    if (inEngine) bySite.set(site, (bySite.get(site) ?? 0) + selfSize)
    for (const child of children) visit(child, inEngine)
  }
  visit(profile.head as SampledNode, false)
  console.log(`\n${title}: bytes a call`)
  for (const [site, bytes] of [...bySite].sort((a, b) => b[1] - a[1]).slice(0, Number(values.top)))
    console.log(`  ${String(Math.round(bytes / BATCH)).padStart(6)}  ${site}`)
  clock.advance(PAST_TIMERS_MS)
}

await sample('allocated', true)
await sample('resting', false)
process.exit(0)
