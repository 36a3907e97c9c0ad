// Owns the command `relay`: the media relay alone, driven over rtpengine's NG protocol.
import { startAdminServer } from '../admin/index.ts'
import { createLogger, type EngineLog, Metrics } from '../engine/index.ts'
import { SignalboxError } from '../errors.ts'
import { type RunningRelay, runRelay } from '../media/index.ts'
import type { StandaloneRelayFlags } from './options.ts'
import { onSignals } from './signals.ts'

/** Runs the relay until a signal ends it. */
export async function relayCommand(flags: StandaloneRelayFlags): Promise<number> {
  if (!flags.interface?.length)
    throw new SignalboxError(
      'ERR_USAGE',
      'relay needs an --interface=[NAME/]ADDRESS[!ADVERTISED], for example --interface=10.0.0.5',
    )
  if (flags.listenNg === undefined && flags.listenTcpNg === undefined)
    throw new SignalboxError(
      'ERR_USAGE',
      'relay needs --listen-ng=[ADDRESS:]PORT, for example --listen-ng=127.0.0.1:22222',
    )
  const log = await createLogger({
    level: flags.logLevel ?? 'info',
    ...(flags.logFormat ? { format: flags.logFormat } : {}),
  })
  const running = await runRelay({ ...flags, interface: flags.interface, listenNg: flags.listenNg ?? [], log })
  try {
    return await serve(running, flags, log)
  } finally {
    await running.close()
  }
}

async function serve(running: RunningRelay, flags: StandaloneRelayFlags, log: EngineLog): Promise<number> {
  const metrics = new Metrics()
  const startedAt = Date.now() / 1000
  metrics.gauge('signalbox_relay_sessions', 'Media sessions.', () => running.relay.sessions)
  metrics.gauge('signalbox_start_time_seconds', 'When the program started.', () => startedAt)
  const admin = flags.metrics
    ? await startAdminServer(
        flags.metrics,
        { metrics: () => metrics.text(), health: () => ({ ok: true, detail: {} }) },
        log,
      )
    : undefined
  log.info(
    { event: 'ready', interfaces: flags.interface, listenNg: flags.listenNg, listenTcpNg: flags.listenTcpNg },
    'the relay serves',
  )
  await new Promise<void>((resolve) => {
    onSignals({ stop: resolve, stopNow: () => process.exit(0) })
  })
  await admin?.close()
  return 0
}
