// Owns loading a program only to learn what it configures, and whether it serves requests.
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

/** The configuration as the script gives it, and whether there is a request route. Rejects with ERR_SCRIPT and its kin when the program does not load. */
export async function loadOnly(
  script: CompiledScript,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<{ config: unknown; requests: boolean }> {
  const program = await loadProgram(script, { version: 0, host: loadHost(env), limits: DEFAULT_LIMITS })
  try {
    return { config: program.config, requests: program.has('request') }
  } finally {
    program.release()
  }
}
