// Owns the first look at a file that was named on the command line, and what is said of one that cannot be written.
import { statSync } from 'node:fs'
import { SignalboxError } from '../errors.ts'

/** Throws ERR_USAGE unless `file` is there and is a .ts or a .cfg. */
export function mustBeScript(file: string): void {
  if (!/\.(ts|mts|cfg)$/.test(file))
    throw new SignalboxError('ERR_USAGE', `${file}: a routing script is a .ts or a Kamailio .cfg`)
  let isFile: boolean
  try {
    isFile = statSync(file).isFile()
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    throw new SignalboxError(
      'ERR_USAGE',
      `${file}: ${code === 'ENOENT' ? 'there is no such file' : (error as Error).message}`,
    )
  }
  if (!isFile) throw new SignalboxError('ERR_USAGE', `${file} is not a file`)
}

/** Writes what the command line asked for. Throws ERR_CONFIG, with the reason, where that cannot be. */
export function writing(what: string, write: () => void): void {
  try {
    write()
  } catch (error) {
    throw new SignalboxError('ERR_CONFIG', `${what} cannot be written: ${(error as Error).message}`, { cause: error })
  }
}
