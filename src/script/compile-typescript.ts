// Owns the compiling of a TypeScript script: bundled for the isolate, with errors that show the operator's own line.
import { builtinModules } from 'node:module'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import * as vocabulary from '../../stdlib/index.ts'
import type { Diagnostic } from './diagnostic.ts'
import type { RawSourceMap } from './dsl/index.ts'
import { bundle, type Message, type Plugin } from './esbuild.ts'
import type { CompiledScript } from './program.ts'
import { ENTRY_FILE } from './script-position.ts'
import { sourceLine } from './source-line.ts'

/** The module names that mean stdlib. */
const VOCABULARY = /^signalbox$/
const FOLDER_PREFIX = 'signalbox-vocabulary:'

/** Each builtin by its name, so that a wrong import is an error of compiling, with the nearest name told. */
function vocabularyModule(): string {
  return Object.keys(vocabulary)
    .map((name) => `export const ${name} = globalThis.__signalbox.api.${name}`)
    .join('\n')
}

const resolveImports: Plugin = {
  name: 'signalbox',
  setup(build) {
    build.onResolve({ filter: VOCABULARY }, () => ({ path: 'signalbox', namespace: FOLDER_PREFIX, sideEffects: false }))
    build.onLoad({ filter: /.*/, namespace: FOLDER_PREFIX }, () => ({ contents: vocabularyModule(), loader: 'js' }))
    build.onResolve({ filter: /^[^./]/ }, ({ path, kind }) => {
      if (kind === 'entry-point' || isAbsolute(path)) return undefined
      return { errors: [{ text: refusal(path), notes: [{ text: refusalHint(path) }] }] }
    })
  },
}

function isNode(path: string): boolean {
  return path.startsWith('node:') || builtinModules.includes(path.split('/', 1)[0]!)
}

function refusal(path: string): string {
  return isNode(path)
    ? `A route script runs without Node: "${path}" is not available`
    : `A route script imports its own files and signalbox only: "${path}" is neither`
}

function refusalHint(path: string): string {
  if (path.startsWith('signalbox/')) return "the builtins come from 'signalbox'"
  return isNode(path)
    ? 'files, sockets and processes are out of reach by design; take values from env() in config'
    : 'for a file of your own write a relative path, such as ./numbers.ts'
}

export type CompileOutcome =
  | { readonly ok: true; readonly script: CompiledScript; readonly diagnostics: Diagnostic[] }
  | { readonly ok: false; readonly diagnostics: Diagnostic[]; readonly files: readonly string[] }

/** Bundles `file` and what it imports. */
export async function compileTypescript(file: string): Promise<CompileOutcome> {
  const absolute = resolve(file)
  const folder = dirname(absolute)
  const text = `import * as routes from ${JSON.stringify(absolute)}\nglobalThis.__signalbox.collect(routes)\n`
  const result = await bundle({ text, folder, name: ENTRY_FILE }, { folder, plugins: [resolveImports] })
  if ('errors' in result) {
    return {
      ok: false,
      diagnostics: result.errors.map((error) => toDiagnostic(inOurWords(error), absolute, folder)),
      files: [absolute],
    }
  }
  const inputs = result.inputs
    .filter((input) => !input.startsWith(FOLDER_PREFIX) && input !== ENTRY_FILE)
    .map((input) => (isAbsolute(input) ? input : join(folder, input)))
  return {
    ok: true,
    diagnostics: [],
    script: {
      file: absolute,
      language: 'ts',
      code: result.code,
      sourceMap: absoluteSources(JSON.parse(result.map) as RawSourceMap, folder),
      files: [absolute, ...inputs.filter((input) => input !== absolute)],
      settings: undefined,
    },
  }
}

function absoluteSources(map: RawSourceMap, folder: string): RawSourceMap {
  return {
    ...map,
    sources: map.sources.map((source) => (source.startsWith(FOLDER_PREFIX) ? source : resolve(folder, source))),
  }
}

/** What esbuild says of the form of a bundle that no operator has asked for. */
function inOurWords(message: Message): Message {
  if (!message.text.startsWith('Top-level await')) return message
  const hint = { text: 'write await inside of a route', location: null }
  return { ...message, text: 'Nothing can be waited for while a script is loaded', notes: [hint] }
}

/** esbuild counts lines from 1 and columns from 0, in bytes. */
function toDiagnostic(message: Message, file: string, folder: string): Diagnostic {
  const { location } = message
  const note = message.notes.map((entry) => entry.text).join(' ')
  const hint = location?.suggestion ? `did you mean ${location.suggestion}?` : note
  if (location === null || location.file === ENTRY_FILE) {
    const missing = message.text.includes('Could not resolve') ? `The file ${file} cannot be read` : message.text
    return {
      severity: 'error',
      code: 'compile',
      message: missing,
      file,
      line: 1,
      column: 1,
      sourceLine: sourceLine(file, 1),
    }
  }
  if (location.lineText === '') return atEndOfText(message.text, resolve(folder, location.file), location.line, hint)
  const column = Buffer.from(location.lineText).subarray(0, location.column).toString().length + 1
  return {
    severity: 'error',
    code: 'compile',
    message: message.text,
    file: resolve(folder, location.file),
    line: location.line,
    column,
    endColumn: column + Math.max(1, location.length),
    sourceLine: location.lineText,
    ...(hint ? { hint } : {}),
  }
}

/** What is wrong on an empty line is wrong after the last line that holds something: a caret needs a text to stand under. */
function atEndOfText(message: string, file: string, from: number, hint: string): Diagnostic {
  let line = from
  while (line > 1 && sourceLine(file, line).trim() === '') line--
  const text = sourceLine(file, line)
  const column = text.trimEnd().length + 1
  return {
    severity: 'error',
    code: 'compile',
    message,
    file,
    line,
    column,
    sourceLine: text,
    ...(hint ? { hint } : {}),
  }
}
