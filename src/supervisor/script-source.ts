// Owns the way from the operator's file to a program with its configuration: compiled, tried, checked.
import { type ConfigOverride, type EngineConfig, type EngineLog, loadConfig, readLatin1 } from '../engine/index.ts'
import { SignalboxError } from '../errors.ts'
import { type CompiledScript, compileScript, type Diagnostic, formatDiagnostic } from '../script/index.ts'
import { RefusedScript } from './refused-script.ts'

export interface ScriptSourceOptions {
  readonly file: string
  readonly defines: ReadonlyMap<string, string>
  readonly override: ConfigOverride
  readonly log: EngineLog
}

export class ScriptSource {
  readonly #options: ScriptSourceOptions

  constructor(options: ScriptSourceOptions) {
    this.#options = options
  }

  /** @throws RefusedScript */
  async compile(): Promise<CompiledScript> {
    const { file, defines } = this.#options
    const result = await compileScript(file, { defines, env: process.env })
    if (!result.ok) throw new RefusedScript(result.diagnostics, result.files)
    this.#warn(result.diagnostics)
    return result.script
  }

  /**
   * The configuration of a script, from what it says when it is loaded.
   * @throws RefusedScript, or SignalboxError ERR_CONFIG when nothing is listened on
   */
  configOf(script: CompiledScript, raw: unknown): EngineConfig {
    const { file, language } = script
    const { override } = this.#options
    const result = loadConfig({ file, language, raw, override, tlsFiles: 'required', readFile: readLatin1 })
    if (!result.ok) throw new RefusedScript(result.diagnostics, script.files)
    this.#warn(result.diagnostics)
    if (result.config.listen.length === 0)
      throw new SignalboxError(
        'ERR_CONFIG',
        `${file} names no address to listen on; add \`listen\` to its config, or give -l udp:ADDRESS:PORT`,
      )
    return result.config
  }

  #warn(diagnostics: readonly Diagnostic[]): void {
    const { log } = this.#options
    for (const d of diagnostics) {
      if (d.severity === 'warning') log.warn({}, formatDiagnostic(d))
      else if (d.severity === 'note') log.info({}, formatDiagnostic(d))
    }
  }
}
