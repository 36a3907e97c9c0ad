// Owns the process that is stepped through: an engine in memory, warm, and the messages of one call between marks.
// usage: stepped-call STEPPER FILE-OF-STEPS FILE-OF-MAPS ROUTES
import { setTimeout as delay } from 'node:timers/promises'
import { createEngine } from '../../../src/engine/index.ts'
import { createLayer } from '../../../src/transport/transport-layer.ts'
import { passCall } from '../call-messages.ts'
import { DirectSockets } from '../direct-sockets.ts'
import { finish, follow, mark } from './steps.ts'

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
  mark(marked)
  sockets.deliver(fresh, from)
  mark(marked)
  const sent = sockets.take().find((one) => one.port === to && one.wire.startsWith(start))
  if (sent === undefined) throw new Error(`the engine sent no ${start}`)
  return sent.wire
}

for (let number = 1; number <= WARM; number++) {
  passCall(number, pass)
  if (number % 50 === 0) await delay(0)
}
await follow(stepper, steps)
for (let number = WARM + 1; number <= WARM + 500; number++) passCall(number, pass)
marked = true
for (let number = WARM + 501; number <= WARM + 503; number++) passCall(number, pass)
finish(maps)
