// Owns the watching of script files: the one file that imports chokidar.
import { type FSWatcher, watch } from 'chokidar'

export interface ScriptWatcher {
  /** Watches these files from now on, and no others. */
  update(files: readonly string[]): void
  close(): Promise<void>
  /** Resolves once changes are seen. */
  readonly ready: Promise<void>
}

/** Several writes of one save become one change. */
const SETTLE_MILLIS = 80
/** An editor that saves by renaming leaves no file for a moment: its loss is news only when it lasts. */
const GONE_MILLIS = 1000

/** Calls `changed` once after each save of any of the files: written in place, or replaced by a rename. */
export function watchScripts(files: readonly string[], changed: (file: string) => void): ScriptWatcher {
  let watched = new Set(files)
  let timer: NodeJS.Timeout | undefined
  const watcher: FSWatcher = watch([...watched], { ignoreInitial: true, persistent: false })
  const schedule = (file: string, delay: number) => {
    clearTimeout(timer)
    timer = setTimeout(() => changed(file), delay)
    timer.unref()
  }
  watcher.on('add', (file) => schedule(file, SETTLE_MILLIS))
  watcher.on('change', (file) => schedule(file, SETTLE_MILLIS))
  watcher.on('unlink', (file) => schedule(file, GONE_MILLIS))
  return {
    ready: new Promise((resolve) => watcher.once('ready', () => resolve())),
    update(next) {
      const wanted = new Set(next)
      watcher.unwatch([...watched].filter((file) => !wanted.has(file)))
      watcher.add([...wanted].filter((file) => !watched.has(file)))
      watched = wanted
    },
    async close() {
      clearTimeout(timer)
      await watcher.close()
    },
  }
}
