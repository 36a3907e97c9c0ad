// Owns noticing that a script, or a file that it includes, was saved (the only importer of chokidar).
import { type FSWatcher, watch } from 'chokidar'

/** Editors write in several steps: what happens within so many milliseconds is one save. */
const SETTLE_MILLIS = 60

export interface ScriptWatch {
  /** Watches these files from now on. */
  update(files: readonly string[]): void
  close(): void
}

/** Calls `changed` after one of the files was saved, made, replaced or removed. */
export function watchScript(files: readonly string[], changed: () => void): ScriptWatch {
  let watched = new Set(files)
  let timer: NodeJS.Timeout | undefined
  const watcher: FSWatcher = watch([...watched], {
    ignoreInitial: true,
    // An editor that replaces the file by renaming another over it has changed it, not removed it.
    atomic: true,
  })
  watcher.on('all', () => {
    clearTimeout(timer)
    timer = setTimeout(changed, SETTLE_MILLIS)
  })
  watcher.on('error', () => {})
  return {
    update(next) {
      const wanted = new Set(next)
      for (const file of watched) if (!wanted.has(file)) void watcher.unwatch(file)
      for (const file of wanted) if (!watched.has(file)) void watcher.add(file)
      watched = wanted
    },
    close() {
      clearTimeout(timer)
      void watcher.close()
    },
  }
}
