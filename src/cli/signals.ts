// Owns what signals mean: SIGTERM and SIGINT stop, a second one stops at once, SIGHUP reloads.

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
  return {
    close() {
      process.off('SIGTERM', stop)
      process.off('SIGINT', stop)
      process.off('SIGHUP', reload)
    },
  }
}
