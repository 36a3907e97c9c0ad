// Owns the first look at a file that was named on the command line.
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
