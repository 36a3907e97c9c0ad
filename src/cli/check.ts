// Owns the command `check`: what is wrong with scripts and their configuration, as text, JSON or SARIF.
import { resolve } from 'node:path'
import { loadConfig, loadOnly, readLatin1, usesMedia } from '../engine/index.ts'
import { SignalboxError } from '../errors.ts'
import {
  applyRules,
  type CompiledScript,
  checkAwaits,
  compileScript,
  type Diagnostic,
  diagnosticsToJson,
  exportPlace,
  formatDiagnostic,
  loadDiagnostic,
  type RuleSetting,
  sortDiagnostics,
} from '../script/index.ts'
import { mustBeScript } from './files.ts'
import { toSarif } from './sarif.ts'
import { checkTypes } from './type-check.ts'

export type CheckFormat = 'text' | 'json' | 'sarif'

export interface CheckFlags {
  format: CheckFormat
}

/** 0 when there is no error, 1 otherwise. */
export async function checkCommand(
  files: readonly string[],
  flags: CheckFlags & { defines: ReadonlyMap<string, string>; rules: ReadonlyMap<string, RuleSetting> },
): Promise<number> {
  for (const file of files) mustBeScript(file)
  const diagnostics: Diagnostic[] = []
  for (const file of files) diagnostics.push(...(await checkFile(resolve(file), flags.defines)))
  const shown = applyRules(sortDiagnostics(diagnostics), flags.rules)
  const errors = shown.filter((d) => d.severity === 'error').length
  switch (flags.format) {
    case 'json':
      process.stdout.write(`${diagnosticsToJson(shown)}\n`)
      break
    case 'sarif':
      process.stdout.write(`${toSarif(shown)}\n`)
      break
    case 'text': {
      const color = process.stdout.isTTY === true && !process.env.NO_COLOR
      for (const diagnostic of shown) process.stdout.write(`${formatDiagnostic(diagnostic, { color })}\n`)
      const warnings = shown.filter((d) => d.severity === 'warning').length
      process.stdout.write(
        `${files.length} ${files.length === 1 ? 'file' : 'files'}, ${errors} errors, ${warnings} warnings\n`,
      )
    }
  }
  return errors > 0 ? 1 : 0
}

async function checkFile(file: string, defines: ReadonlyMap<string, string>): Promise<Diagnostic[]> {
  const compiled = await compileScript(file, { defines, env: process.env })
  const diagnostics = [...compiled.diagnostics]
  if (!compiled.ok) return diagnostics
  const { script } = compiled
  if (script.language === 'ts') {
    for (const path of script.files) diagnostics.push(...checkAwaits(path, readLatin1(path) ?? ''))
    diagnostics.push(...(await checkTypes([file])))
  }
  const loaded = await configOf(script)
  if ('diagnostic' in loaded) return [...diagnostics, loaded.diagnostic]
  if (!loaded.requests) diagnostics.push(noRequestRoute(file))
  const { language } = script
  const config = loadConfig({ file, language, raw: loaded.config, tlsFiles: 'wanted', readFile: readLatin1 })
  diagnostics.push(...config.diagnostics)
  if (
    config.ok &&
    !config.config.media.embedded &&
    Object.keys(config.config.media.sets).length === 0 &&
    usesMedia(script)
  )
    diagnostics.push({
      severity: 'note',
      code: 'no-relay',
      message: 'media functions are used, but no relay is set up: they will fail',
      file,
      line: 1,
      column: 1,
      sourceLine: '',
      hint:
        language === 'ts'
          ? 'set config.media.interfaces, or start with --interface=ADDRESS'
          : 'set modparam("rtpengine", "rtpengine_sock", ...), or start with --interface=ADDRESS',
    })
  return diagnostics
}

/** At the export that was meant for it, where there is one. */
function noRequestRoute(file: string): Diagnostic {
  const meant = (name: string) => name === 'default' || /^(?:on)?request_?(?:route)?$/i.test(name)
  return {
    severity: 'warning',
    code: 'no-request-route',
    message: 'The file exports no request_route',
    ...exportPlace(file, meant),
    hint: 'write export async function request_route(req: SipRequest) { ... }',
  }
}

/** The settings of a .cfg, or what the `config` of a .ts turns out to be when it is loaded. */
async function configOf(
  script: CompiledScript,
): Promise<{ config: unknown; requests: boolean } | { diagnostic: Diagnostic }> {
  // Of a .cfg the compiler has said it.
  if (script.language === 'cfg') return { config: script.settings, requests: true }
  try {
    return await loadOnly(script)
  } catch (error) {
    if (!(error instanceof SignalboxError)) throw error
    return { diagnostic: loadDiagnostic(error, script.file) }
  }
}
