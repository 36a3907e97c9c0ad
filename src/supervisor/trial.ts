// Owns trying a program in a process of its own: it may do there what it likes, and what it configures comes back.
import type { LogFormat, LogLevel } from '../engine/index.ts'
import { guestBundle } from '../script/index.ts'
import type { NumberedScript } from './messages.ts'
import { WorkerProcess } from './worker-process.ts'

const TRIAL_MILLIS = 15_000

/**
 * The program's configuration: the settings of a .cfg as they are, the `config` of a .ts by loading it.
 * Rejects when it does not load, loops, or takes its process down.
 */
export async function tryProgram(program: NumberedScript, logLevel: LogLevel, logFormat: LogFormat): Promise<unknown> {
  if (program.script.language === 'cfg') return program.script.settings
  const worker = new WorkerProcess({
    descriptors: [],
    heapMegabytes: 512,
    slot: undefined,
    rings: undefined,
    message() {},
    exited() {},
  })
  try {
    const { config } = await worker.ask(
      'start',
      {
        program,
        guestBundle: await guestBundle(),
        config: undefined,
        logLevel,
        logFormat,
        storeFile: undefined,
        slotFd: undefined,
        relayRings: undefined,
        seats: undefined,
        workers: 1,
        serving: true,
      },
      TRIAL_MILLIS,
    )
    return config
  } finally {
    void worker.end()
  }
}
