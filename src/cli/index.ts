// The door of the command line: `main` takes the arguments and gives the exit status.
import { SignalboxError } from '../errors.ts'
import { buildProgram, isUsageExit } from './program.ts'

/** Exit statuses of every command. */
export const EXIT = { good: 0, errors: 1, usage: 2 } as const

/** Runs one command line (without `node` and the script's name). Never rejects. */
export async function main(args: readonly string[]): Promise<number> {
  try {
    return await buildProgram().run(args)
  } catch (error) {
    const usage = isUsageExit(error)
    if (usage) return usage.help ? EXIT.good : EXIT.usage
    if (error instanceof SignalboxError) {
      process.stderr.write(`signalbox: ${error.message}\n`)
      return error.code === 'ERR_USAGE' ? EXIT.usage : EXIT.errors
    }
    process.stderr.write(`signalbox: internal error: ${error instanceof Error ? error.stack : String(error)}\n`)
    return EXIT.errors
  }
}
