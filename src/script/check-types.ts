// Owns the type check of a TypeScript script: tsc as a child process, its findings as diagnostics.
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Diagnostic } from './diagnostic.ts'
import { sourceLine } from './source-line.ts'

const CHECK_MILLIS = 60_000
const OUTPUT_BYTES = 4 * 1024 * 1024
const FINDING = /^(.+?)\((\d+),(\d+)\): (error|warning) (TS\d+): (.*)$/

/** The program that checks, from the package typescript; undefined when that is not installed. */
function typescriptProgram(): string | undefined {
  try {
    const manifest = createRequire(import.meta.url).resolve('typescript/package.json')
    const { bin } = JSON.parse(readFileSync(manifest, 'utf8')) as { bin?: { tsc?: string } }
    const program = join(dirname(manifest), bin?.tsc ?? 'bin/tsc')
    return existsSync(program) ? program : undefined
  } catch {
    return undefined
  }
}

/** Checks the types of a script and of the files that it imports. */
export async function checkTypes(file: string): Promise<Diagnostic[]> {
  const absolute = resolve(file)
  const program = typescriptProgram()
  if (program === undefined) {
    return [
      {
        severity: 'note',
        code: 'no-typescript',
        message: 'types are not checked: the package typescript is not installed',
        file: absolute,
        line: 1,
        column: 1,
        sourceLine: '',
        hint: 'npm install --save-dev typescript',
      },
    ]
  }
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-types-'))
  try {
    const project = join(folder, 'tsconfig.json')
    writeFileSync(project, JSON.stringify(settings(absolute)))
    return parseFindings(await run(program, project), folder, dirname(absolute))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function settings(file: string): object {
  return {
    compilerOptions: {
      target: 'es2024',
      lib: ['es2024'],
      module: 'esnext',
      moduleResolution: 'bundler',
      types: [],
      strict: true,
      noEmit: true,
      allowImportingTsExtensions: true,
      skipLibCheck: true,
      paths: { signalbox: [fileURLToPath(new URL('../../stdlib/index.ts', import.meta.url))] },
    },
    files: [file],
  }
}

function run(program: string, project: string): Promise<string> {
  const options = { timeout: CHECK_MILLIS, maxBuffer: OUTPUT_BYTES }
  return new Promise((resolve_) => {
    execFile(process.execPath, [program, '--project', project, '--pretty', 'false'], options, (_error, stdout) =>
      resolve_(stdout),
    )
  })
}

/** tsc tells paths relative to where it runs; lines that begin with a space go on with the finding before. */
function parseFindings(output: string, folder: string, scriptFolder: string): Diagnostic[] {
  const found: Diagnostic[] = []
  for (const line of output.split('\n')) {
    const match = FINDING.exec(line)
    if (match === null) {
      const last = found.at(-1)
      if (last && line.startsWith('  ') && last.hint === undefined) last.hint = line.trim()
      continue
    }
    const [, path, at, column, severity, code, message] = match
    const file = resolvePath(path!, folder)
    // stdlib is checked with its own settings, by its own tests.
    if (file.startsWith(fileURLToPath(new URL('../../stdlib/', import.meta.url)))) continue
    if (file.startsWith(fileURLToPath(new URL('../../src/', import.meta.url))) && !file.startsWith(scriptFolder))
      continue
    found.push({
      severity: severity as 'error' | 'warning',
      code: code!,
      message: message!,
      file,
      line: Number(at),
      column: Number(column),
      sourceLine: sourceLine(file, Number(at)),
    })
  }
  return found
}

function resolvePath(path: string, folder: string): string {
  const fromHere = resolve(path)
  return existsSync(fromHere) ? fromHere : resolve(folder, path)
}
