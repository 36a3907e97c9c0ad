// Owns loading a program only to learn what it configures.
import { SignalboxError } from '../errors.ts'
import { type CompiledScript, type HostOps, loadProgram } from '../script/index.ts'
import { DEFAULT_LIMITS } from './config.ts'

/** What a program may ask of the world while it is being loaded: the environment. */
function loadHost(env: Readonly<Record<string, string | undefined>>): HostOps {
  return {
    call(_runId, op, args) {
      if (op !== 'env')
        throw new SignalboxError('ERR_SCRIPT', `${op} needs a message, and there is none while a script is loaded`)
      const { name } = (args ?? {}) as { name?: unknown }
      return (env[String(name)] ?? null) as never
    },
  }
}

/** The configuration as the script gives it. Rejects with ERR_SCRIPT and its kin when the program does not load. */
export async function loadOnly(
  script: CompiledScript,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<unknown> {
  const program = await loadProgram(script, { version: 0, host: loadHost(env), limits: DEFAULT_LIMITS })
  try {
    return program.config
  } finally {
    program.release()
  }
}
