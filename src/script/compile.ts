// Owns the choice of the compiler by the file's ending.
import { readFileSync } from 'node:fs'
import { dirname, extname, resolve } from 'node:path'
import { type CompileOutcome, compileTypescript } from './compile-typescript.ts'
import { type CfgSettings, compileDsl } from './dsl/index.ts'

export type { CompileOutcome } from './compile-typescript.ts'

export interface CompileOptions {
  /** `-A NAME=VALUE`, for a `.cfg`. */
  readonly defines?: ReadonlyMap<string, string>
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Text as latin1, a character a byte; undefined when the file cannot be read. For a `.cfg`. */
  readonly readFile?: (path: string) => string | undefined
}

/** Compiles a `.ts` or `.cfg` to what is evaluated where programs live; what is wrong comes back as diagnostics. */
export async function compileScript(file: string, options: CompileOptions = {}): Promise<CompileOutcome> {
  const absolute = resolve(file)
  const ending = extname(absolute)
  if (ending === '.ts' || ending === '.mts') return compileTypescript(absolute)
  if (ending === '.cfg') return compileCfg(absolute, options)
  return {
    ok: false,
    files: [absolute],
    diagnostics: [
      {
        severity: 'error',
        code: 'unknown-language',
        message: `signalbox runs .ts and .cfg files, this one ends in ${ending || 'neither'}`,
        file: absolute,
        line: 1,
        column: 1,
        sourceLine: '',
      },
    ],
  }
}

function compileCfg(file: string, options: CompileOptions): CompileOutcome {
  const readFile = options.readFile ?? readLatin1
  const result = compileDsl(file, {
    defines: options.defines ?? new Map(),
    readFile,
    env: options.env ?? process.env,
  })
  if (!result.ok || result.code === undefined)
    return { ok: false, diagnostics: result.diagnostics, files: result.files }
  const tlsConfig = tlsConfigOf(file, result.settings, readFile)
  return {
    ok: true,
    diagnostics: result.diagnostics,
    script: {
      file,
      language: 'cfg',
      code: result.code,
      sourceMap: result.sourceMap,
      files: tlsConfig ? [...result.files, tlsConfig.file] : result.files,
      settings: tlsConfig ? { ...result.settings, tlsConfig } : result.settings,
    },
  }
}

function tlsConfigOf(file: string, settings: CfgSettings, readFile: (path: string) => string | undefined) {
  const named = settings.modparams.findLast(({ module, name }) => module === 'tls' && name === 'config')
  if (!named) return undefined
  const path = resolve(dirname(file), String(named.value))
  const text = readFile(path)
  return { file: path, ...(text === undefined ? {} : { text }) }
}

function readLatin1(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return undefined
  }
}
