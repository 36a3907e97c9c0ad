// Owns the files of module sipdump: what waits to be written, one file after another, and how long they are kept.
import { accessSync, constants } from 'node:fs'
import { appendFile, lstat, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { ServiceHost } from './service.ts'

/** Characters that may wait; what comes while the disk is slower than the network is counted, and left out. */
const MOST_WAITING = 8_388_608
/** Names can be foretold, and the usual folder is everybody's: nothing is written through a link. */
const FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW

export interface DumpFilesOptions {
  readonly folder: string
  readonly prefix: string
  /** How long one file is written to. */
  readonly rotateSeconds: number
  /** Files older than that are deleted; 0: none is. */
  readonly ageSeconds: number
  /** Between two writings. */
  readonly waitMillis: number
}

/** Why nothing can be written to a folder; undefined: it can. */
export function problemOfFolder(folder: string): string | undefined {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK)
    return undefined
  } catch (error) {
    return `sipdump cannot write to ${folder} (${(error as NodeJS.ErrnoException).code}): name a folder in parameter folder that this user may write to`
  }
}

export class DumpFiles {
  readonly #host: ServiceHost
  readonly #options: DumpFilesOptions
  #waiting: string[] = []
  #size = 0
  #lost = 0
  #timer: { cancel(): void } | undefined
  #file = { path: '', until: 0 }
  #writing: Promise<void> = Promise.resolve()

  constructor(host: ServiceHost, options: DumpFilesOptions) {
    this.#host = host
    this.#options = options
  }

  add(text: string): void {
    if (this.#size + text.length > MOST_WAITING) {
      this.#lost++
      return
    }
    this.#waiting.push(text)
    this.#size += text.length
    this.#timer ??= this.#host.clock.setTimer(this.#options.waitMillis, () => {
      this.#timer = undefined
      void this.flush()
    })
  }

  /** Resolves when everything so far is written; never rejects. */
  flush(): Promise<void> {
    const text = this.#waiting.join('')
    if (text === '') return this.#writing
    const lost = this.#lost
    this.#waiting = []
    this.#lost = 0
    this.#writing = this.#writing.then(async () => {
      const { log, clock } = this.#host
      try {
        const now = clock.wallclock()
        if (now >= this.#file.until) await this.#next(now)
        await appendFile(this.#file.path, text, { encoding: 'latin1', flag: FLAGS, mode: 0o640 })
        if (lost > 0) log.warn({ messages: lost }, 'sipdump left messages out: the disk is too slow')
      } catch (error) {
        log.error({ err: error }, 'sipdump could not write its file')
      } finally {
        // What is handed to the disk waits until it is there.
        this.#size -= text.length
      }
    })
    return this.#writing
  }

  async close(): Promise<void> {
    this.#timer?.cancel()
    this.#timer = undefined
    await this.flush()
  }

  async #next(now: number): Promise<void> {
    const { folder, prefix, rotateSeconds, ageSeconds } = this.#options
    const stamp = new Date(now).toISOString().slice(0, 19).replace('T', '--').replaceAll(':', '-')
    // Workers write beside one another.
    this.#file = { path: join(folder, `${prefix}${stamp}-${process.pid}.data`), until: now + rotateSeconds * 1000 }
    if (ageSeconds <= 0) return
    await this.#remove(now - ageSeconds * 1000).catch((error: unknown) =>
      this.#host.log.error({ err: error }, 'sipdump could not delete old files'),
    )
  }

  /** Deletes files that were last written before. Another worker may be doing the same. */
  async #remove(before: number): Promise<void> {
    const { folder, prefix } = this.#options
    for (const name of await readdir(folder)) {
      if (!name.startsWith(prefix) || !name.endsWith('.data')) continue
      const path = join(folder, name)
      const found = await lstat(path).catch(() => undefined)
      if (found !== undefined && found.mtimeMs < before) await rm(path, { force: true })
    }
  }
}
