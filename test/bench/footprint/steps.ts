// Owns what the processes that are stepped through share: the stepper that follows, marks around what is counted, the maps at the end.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

/** Has `stepper` follow this process, and write its steps between marks to the file `steps`. */
export async function follow(stepper: string, steps: string): Promise<void> {
  globalThis.gc?.()
  const tracer = spawn(stepper, [String(process.pid), steps], { stdio: 'inherit' })
  await Promise.race([
    delay(500),
    once(tracer, 'exit').then(() => {
      throw new Error('the stepper ended')
    }),
  ])
}

const NOTHING = 0
const TRAP = 5

/** The beginning of what is counted, or its end; where nothing `counts`, what it costs is compiled meanwhile. */
export function mark(counts: boolean): void {
  process.kill(process.pid, counts ? TRAP : NOTHING)
}

/** Ends the process, and leaves behind what lay where in it. */
export function finish(maps: string): never {
  writeFileSync(maps, readFileSync('/proc/self/maps'))
  process.exit(0)
}
