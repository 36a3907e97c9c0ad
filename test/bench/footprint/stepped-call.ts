// Owns the process that is stepped through: an engine in memory, warm, and the messages of one call between marks.
// usage: stepped-call STEPPER FILE-OF-STEPS FILE-OF-MAPS ROUTES
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { createEngine } from '../../../src/engine/index.ts'
import { createLayer } from '../../../src/transport/transport-layer.ts'
import { passCall } from '../call-messages.ts'
import { DirectSockets } from '../direct-sockets.ts'

/** Calls until V8 has compiled what it will. */
const WARM = 20_000

const [stepper = '', steps = '', maps = '', file = ''] = process.argv.slice(2)
const sockets = new DirectSockets()
const engine = await createEngine({ file, transport: (options) => createLayer(options, sockets) })
await engine.start()
let marked = false

/** Gives the engine a message; what it sent to that port in return. */
function pass(wire: string, from: number, to: number, start: string): string {
  // A string from the wire is flat and hashes nothing yet.
  const fresh = Buffer.from(wire, 'latin1').toString('latin1')
  if (marked) process.kill(process.pid, 'SIGTRAP')
  sockets.deliver(fresh, from)
  if (marked) process.kill(process.pid, 'SIGTRAP')
  const sent = sockets.take().find((one) => one.port === to && one.wire.startsWith(start))
  if (sent === undefined) throw new Error(`the engine sent no ${start}`)
  return sent.wire
}

for (let number = 1; number <= WARM; number++) {
  passCall(number, pass)
  if (number % 50 === 0) await delay(0)
}
globalThis.gc?.()
const tracer = spawn(stepper, [String(process.pid), steps], { stdio: 'inherit' })
await Promise.race([
  delay(500),
  once(tracer, 'exit').then(() => {
    throw new Error('the stepper ended')
  }),
])
for (let number = WARM + 1; number <= WARM + 500; number++) passCall(number, pass)
marked = true
passCall(WARM + 501, pass)
marked = false
writeFileSync(maps, readFileSync('/proc/self/maps'))
process.exit(0)
