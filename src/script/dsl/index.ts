// Owns the door of the Kamailio language: a .cfg file in, a program in JavaScript and its settings out.
import { type Diagnostic, sortDiagnostics } from '../diagnostic.ts'
import { type CompileDslOptions, compileFile } from './compile.ts'
import { placeAt, Report } from './report.ts'
import { type CfgSettings, emptySettings } from './settings.ts'
import type { RawSourceMap } from './source-map.ts'

export type { CompileDslOptions } from './compile.ts'
export { type ConvertedFile, type ConvertedProgram, convertDsl } from './convert.ts'
export type { CfgSettings } from './settings.ts'
export type { RawSourceMap } from './source-map.ts'

export interface CompileDslResult {
  /** True when there is no diagnostic of severity error. */
  ok: boolean
  diagnostics: Diagnostic[]
  /** JavaScript that calls `__signalbox.define(...)`; present when `ok`. */
  code?: string
  /** From `code` to the file and everything it includes. */
  sourceMap?: RawSourceMap
  settings: CfgSettings
  /** Every file that was read or looked for, the main file first: what a watcher should watch. */
  files: string[]
}

/** Compiles a `.cfg` file. Never throws: an internal failure becomes a diagnostic that names the place. */
export function compileDsl(file: string, options: CompileDslOptions): CompileDslResult {
  const report = new Report()
  let settings = emptySettings()
  let files = [file]
  let compiled: { code: string; sourceMap: RawSourceMap } | undefined
  try {
    const result = compileFile(file, options, report)
    settings = result.settings
    files = result.files
    compiled = result.program
  } catch (error) {
    const place = report.last ?? placeAt({ path: file, text: options.readFile(file) ?? '' }, 0)
    const message = error instanceof Error ? error.message : String(error)
    if (error instanceof RangeError && message.includes('call stack')) {
      report.error('too-deep', 'Brackets, blocks or operators are nested too deeply near here', place)
    } else {
      report.error(
        'internal',
        `The compiler itself failed here: ${message}`,
        place,
        'This is a fault of signalbox; the place is the last one that it looked at.',
      )
    }
  }
  const diagnostics = sortDiagnostics(report.diagnostics)
  const ok = !report.failed && compiled !== undefined
  return ok && compiled !== undefined
    ? { ok, diagnostics, ...compiled, settings, files }
    : { ok: false, diagnostics, settings, files }
}
