// Owns reading files for scripts and configuration: as latin1, one character a byte.
import { readFileSync } from 'node:fs'

/** Text of a file, undefined where it cannot be read. */
export type ReadFile = (path: string) => string | undefined

/** From the file system. */
export const readLatin1: ReadFile = (path) => {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return undefined
  }
}
