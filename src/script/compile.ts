// Owns the choice of the compiler by the file's ending.
import { readFileSync } from 'node:fs'
import { extname, resolve } from 'node:path'
import { type CompileOutcome, compileTypescript } from './compile-typescript.ts'
import { compileDsl } from './dsl/index.ts'

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
  const result = compileDsl(file, {
    defines: options.defines ?? new Map(),
    readFile: options.readFile ?? readLatin1,
    env: options.env ?? process.env,
  })
  if (!result.ok || result.code === undefined)
    return { ok: false, diagnostics: result.diagnostics, files: result.files }
  return {
    ok: true,
    diagnostics: result.diagnostics,
    script: {
      file,
      language: 'cfg',
      code: result.code,
      sourceMap: result.sourceMap,
      files: result.files,
      settings: result.settings,
    },
  }
}

function readLatin1(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return undefined
  }
}
