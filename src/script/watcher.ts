// Owns the watching of script files: the one file that imports chokidar.
import { realpathSync } from 'node:fs'
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
/** Between two looks at where links on the way to a file lead: a link that is put in place of another changes no file that is watched. */
const LINK_MILLIS = 1000

/**
 * Calls `changed` once after each save of any of the files: written in place, replaced by a rename, or by a link on the way to it
 * (`current -> releases/6`) that leads elsewhere.
 */
export function watchScripts(files: readonly string[], changed: (file: string) => void): ScriptWatcher {
  let watched = new Set(files)
  let timer: NodeJS.Timeout | undefined
  const watcher: FSWatcher = watch([...watched], { ignoreInitial: true, persistent: false })
  const schedule = (file: string, delay: number) => {
    clearTimeout(timer)
    timer = setTimeout(() => changed(file), delay)
    timer.unref()
  }
  const places = new Map<string, string>()
  let links: NodeJS.Timeout | undefined
  const followLinks = (): void => {
    clearInterval(links)
    links = undefined
    places.clear()
    for (const file of watched) {
      const place = placeOf(file)
      if (place !== undefined && place !== file) places.set(file, place)
    }
    if (places.size > 0) links = setInterval(lookAtLinks, LINK_MILLIS).unref()
  }
  const lookAtLinks = (): void => {
    for (const [file, before] of places) {
      const place = placeOf(file)
      if (place === undefined || place === before) continue
      places.set(file, place)
      // What is watched is the folder that was there before.
      watcher.unwatch(file)
      watcher.add(file)
      schedule(file, SETTLE_MILLIS)
    }
  }
  followLinks()
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
      followLinks()
    },
    async close() {
      clearTimeout(timer)
      clearInterval(links)
      await watcher.close()
    },
  }
}

/** Where a file is, without links; undefined while it is not there. */
function placeOf(file: string): string | undefined {
  try {
    return realpathSync(file)
  } catch {
    return undefined
  }
}
