// Owns the place of the store that workers share: made with the supervisor, gone with it.
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Memory rather than disk, where the system has such a folder. */
const MEMORY_FOLDER = '/dev/shm'

export interface SharedStore {
  readonly file: string
  remove(): void
}

/** Makes the folder of the store; its file is made by the first worker that opens it. */
export function createSharedStore(): SharedStore {
  const folder = mkdtempSync(join(existsSync(MEMORY_FOLDER) ? MEMORY_FOLDER : tmpdir(), 'signalbox-'))
  return { file: join(folder, 'store'), remove: () => rmSync(folder, { recursive: true, force: true }) }
}
