// Owns the type check of TypeScript scripts: the compiler that is installed, over the script and the types of its builtins.
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { readLatin1 } from '../engine/index.ts'
import type { Diagnostic } from '../script/index.ts'

const VOCABULARY = fileURLToPath(new URL('../../stdlib/index.ts', import.meta.url))
const CHECK_MILLIS = 60_000

const OPTIONS = {
  noEmit: true,
  strict: true,
  target: 'es2024',
  lib: ['es2024'],
  module: 'nodenext',
  moduleResolution: 'nodenext',
  allowImportingTsExtensions: true,
  erasableSyntaxOnly: true,
  skipLibCheck: true,
  types: [],
  paths: { signalbox: [VOCABULARY] },
}

/** What the compiler finds in these files; a note when no compiler is installed. */
export async function checkTypes(files: readonly string[]): Promise<Diagnostic[]> {
  const first = files[0]
  if (first === undefined) return []
  const compiler = findCompiler(first)
  if (!compiler) return [note(first)]
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-check-'))
  try {
    const config = join(folder, 'tsconfig.json')
    writeFileSync(config, JSON.stringify({ compilerOptions: OPTIONS, files }))
    return parse(await run(compiler, config), folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The operator's own compiler first, then the one beside us. */
function findCompiler(file: string): string | undefined {
  for (const from of [pathToFileURL(file).href, import.meta.url]) {
    try {
      const root = dirname(createRequire(from).resolve('typescript/package.json'))
      return join(root, 'bin', 'tsc')
    } catch {
      // Looked for at the next place.
    }
  }
  return undefined
}

function run(compiler: string, config: string): Promise<string> {
  return new Promise((done) => {
    const args = [compiler, '-p', config, '--pretty', 'false']
    // The compiler names files from where it runs; parse() reads the names from the configuration's folder.
    const options = { cwd: dirname(config), timeout: CHECK_MILLIS, maxBuffer: 16_000_000 }
    execFile(process.execPath, args, options, (_error, stdout) => done(stdout))
  })
}

/** `path(line,column): error TS1234: text`, with further lines indented. */
function parse(output: string, folder: string): Diagnostic[] {
  const diagnostics: Diagnostic[] = []
  for (const line of output.split(/\r?\n/)) {
    const match = /^(.+?)\((\d+),(\d+)\): (error|warning) (TS\d+): (.*)$/.exec(line)
    if (match) {
      const file = resolve(folder, match[1]!)
      const number = Number(match[2])
      diagnostics.push({
        severity: match[4] as 'error' | 'warning',
        code: match[5]!,
        message: match[6]!,
        file,
        line: number,
        column: Number(match[3]),
        sourceLine: (readLatin1(file)?.split('\n')[number - 1] ?? '').replace(/\r$/, ''),
      })
    } else if (line.startsWith(' ')) {
      const last = diagnostics.at(-1)
      if (last) last.message += ` ${line.trim()}`
    }
  }
  return diagnostics
}

function note(file: string): Diagnostic {
  return {
    severity: 'note',
    code: 'types-unchecked',
    message: 'types are not checked: no TypeScript compiler is installed',
    file,
    line: 1,
    column: 1,
    sourceLine: '',
    hint: 'npm install --save-dev typescript',
  }
}
