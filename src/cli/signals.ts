// Owns what signals mean: SIGTERM and SIGINT stop, a second one stops at once, SIGHUP reloads, SIGUSR1 and SIGUSR2 nothing.

export interface SignalActions {
  stop(): void
  stopNow(): void
  reload?(): void
}

/**
 * Ctrl-C reaches npx and us both, and npx passes its own on: what comes so soon after the first is the same wish.
 * Milliseconds.
 */
const SAME_WISH = 150

/** Kamailio and rtpengine take them for statistics and loudness: Node would open its debugger, or end. */
const WITHOUT_MEANING = ['SIGUSR1', 'SIGUSR2'] as const

/** Listens until `close` is called. */
export function onSignals(actions: SignalActions): { close(): void } {
  let first = 0
  const stop = () => {
    const now = performance.now()
    if (first === 0) {
      first = now
      actions.stop()
    } else if (now - first > SAME_WISH) actions.stopNow()
  }
  const reload = () => actions.reload?.()
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  process.on('SIGHUP', reload)
  const ignore = () => {}
  for (const signal of WITHOUT_MEANING) process.on(signal, ignore)
  return {
    close() {
      process.off('SIGTERM', stop)
      process.off('SIGINT', stop)
      process.off('SIGHUP', reload)
      for (const signal of WITHOUT_MEANING) process.off(signal, ignore)
    },
  }
}
