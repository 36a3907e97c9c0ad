// Owns the command `run`: starts the supervisor, listens for signals, and gives its exit status.
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { type AudioConfig, createLogger, type LimitConfig } from '../engine/index.ts'
import { SignalboxError } from '../errors.ts'
import { Supervisor } from '../supervisor/index.ts'
import { mustBeScript } from './files.ts'
import type { LogFlags, RelayFlags } from './options.ts'
import { onSignals } from './signals.ts'

export interface RunFlags extends RelayFlags, LogFlags {
  listen?: string[]
  limit?: Partial<LimitConfig>
  workers?: number | 'auto'
  control?: string
  metrics?: string
  drainSeconds: number
}

/** Runs a script until a signal ends it. */
export async function runCommand(
  file: string,
  flags: RunFlags & { defines: ReadonlyMap<string, string> },
): Promise<number> {
  mustBeScript(file)
  if (flags.portMin !== undefined && flags.portMax !== undefined && flags.portMin >= flags.portMax)
    throw new SignalboxError('ERR_USAGE', '--port-min must be less than --port-max')
  const logFormat = flags.logFormat ?? (process.stdout.isTTY ? 'pretty' : 'json')
  const log = await createLogger({ level: flags.logLevel ?? 'info', format: logFormat })
  const relayAsked = [flags.interface, flags.portMin, flags.portMax, flags.timeout, flags.silentTimeout, flags.listenNg]
  const { listen, portMin, portMax, timeout, silentTimeout } = flags
  const { mediaDir: mediaFolders, recordingDir, recordingMethod, recordingFormat, dtmfLogDest } = flags
  const audioGiven = { mediaFolders, recordingDir, recordingMethod, recordingFormat, dtmfLogDest }
  const audio: AudioConfig = Object.fromEntries(Object.entries(audioGiven).filter(([, value]) => value !== undefined))
  const supervisor = new Supervisor({
    file: resolve(file),
    defines: flags.defines,
    override: {
      ...(listen ? { listen } : {}),
      ...(flags.limit ? { limits: flags.limit } : {}),
      ...(flags.interface ? { interfaces: flags.interface } : {}),
      ...(portMin === undefined ? {} : { portMin }),
      ...(portMax === undefined ? {} : { portMax }),
      ...(timeout === undefined ? {} : { timeout }),
      ...(silentTimeout === undefined ? {} : { silentTimeout }),
      ...(Object.keys(audio).length > 0 ? { audio } : {}),
      ...([...relayAsked, ...Object.values(audio)].some((flag) => flag !== undefined)
        ? { embedded: true as const }
        : {}),
    },
    workers: workerCount(flags.workers ?? 1),
    ...(flags.listenNg === undefined ? {} : { listenNg: flags.listenNg }),
    log,
    logFormat,
    logLevelGiven: flags.logLevel !== undefined,
    ...(flags.control === undefined ? {} : { control: resolve(flags.control) }),
    ...(flags.metrics === undefined ? {} : { metrics: flags.metrics }),
    drainSeconds: flags.drainSeconds,
  })
  const signals = onSignals({
    stop: () => supervisor.stop('drain'),
    stopNow: () => supervisor.stop('now'),
    reload: () => void supervisor.reload(),
  })
  try {
    await supervisor.start()
    return await supervisor.ended
  } finally {
    signals.close()
  }
}

/** `auto` leaves one processor to the front, the relay and the kernel. */
function workerCount(wanted: number | 'auto'): number {
  return wanted === 'auto' ? Math.max(1, availableParallelism() - 1) : wanted
}
