// Owns the order of the compiler's steps: read, parse, gather, check, emit.

import { checkProgram } from './checker.ts'
import type { Defines } from './defines.ts'
import { emitProgram } from './emitter.ts'
import { integerValue, readString } from './lexemes.ts'
import { modelOf } from './model.ts'
import { parseTokens } from './parser.ts'
import { readTokens } from './preprocess.ts'
import type { Report } from './report.ts'
import { type CfgSettings, settingsOf } from './settings.ts'
import type { RawSourceMap } from './source-map.ts'

const MAX_WHILE_LOOPS = 100

export interface CompileDslOptions {
  /** `-A NAME=value`; an empty value stands for `-A NAME`. */
  defines: ReadonlyMap<string, string>
  /** The text of a file as latin1 (one char a byte), undefined when it cannot be read. */
  readFile(path: string): string | undefined
  /** For `#!defenv` and `$env()`. */
  env: Readonly<Record<string, string | undefined>>
}

export interface CompiledFile {
  readonly settings: CfgSettings
  readonly files: string[]
  /** Absent when something is wrong. */
  readonly program: { code: string; sourceMap: RawSourceMap } | undefined
}

/** A define as `$def(NAME)` gives it: a number, the content of a string, or the text as it stands. */
function defineValues(defines: Defines): Record<string, string | number> {
  // Names are the file's: `__proto__` is one as any other.
  const values: Record<string, string | number> = Object.create(null)
  for (const name of defines.names()) {
    const text = defines.value(name) ?? ''
    const string = /^["']/.test(text) ? readString(text, 0) : undefined
    values[name] = string?.value ?? (/^\d+$/.test(text) ? integerValue(text) : text)
  }
  return values
}

/** `modparam("pv", "varset", "name=i:5")` and `shvset`: what variables hold before the first message. */
function initialValues(settings: CfgSettings): { name: string; value: string | number }[] {
  return settings.modparams.flatMap(({ module, name, value }) => {
    if (module !== 'pv' || (name !== 'varset' && name !== 'shvset')) return []
    const parts = /^([^=]+)=([si]):([\s\S]*)$/.exec(`${value}`)
    if (parts === null) return []
    const variable = `$${name === 'varset' ? 'var' : 'shv'}(${parts[1]!.trim()})`
    return [{ name: variable, value: parts[2] === 'i' ? Number(parts[3]) | 0 : parts[3]! }]
  })
}

function customValues(settings: CfgSettings): Record<string, Record<string, string | number>> {
  const groups: Record<string, Record<string, string | number>> = Object.create(null)
  for (const { group, name, value } of settings.custom) {
    groups[group] ??= Object.create(null) as Record<string, string | number>
    groups[group][name] = value
  }
  return groups
}

export function compileFile(file: string, options: CompileDslOptions, report: Report): CompiledFile {
  const read = readTokens(file, options, report)
  const { declarations, complete } = parseTokens(read.tokens, report)
  const settings = settingsOf(declarations, report)
  const model = modelOf(declarations)
  const flags = new Map(settings.flags.map(({ name, number }) => [name, number]))
  const used = checkProgram(
    { main: read.main, declarations, complete, model, settings, flags, strict: read.strict, defines: read.defines },
    report,
  )
  if (report.failed) return { settings, files: read.files, program: undefined }
  const loops = settings.core.findLast(({ name }) => name === 'max_while_loops')
  const defines = used.defines ? defineValues(read.defines) : {}
  const env: Record<string, string> = Object.create(null)
  for (const name of used.environment) {
    const value = Object.hasOwn(options.env, name) ? options.env[name] : undefined
    if (value !== undefined) env[name] = value
  }
  const program = emitProgram({
    file,
    model,
    flags,
    maxWhileLoops: loops === undefined ? MAX_WHILE_LOOPS : Number(loops.value) | 0,
    setup: { strict: read.strict, defines, env, custom: customValues(settings), initial: initialValues(settings) },
  })
  return { settings, files: read.files, program }
}
