// Owns the proof that arrows point one way: who may import whom, and only by the door.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { cruise, type ICruiseResult } from 'dependency-cruiser'
import { beforeAll, describe, expect, test } from 'vitest'

const root = new URL('..', import.meta.url).pathname

/** Room -> rooms it may import by their doors. `types:` marks an arrow that only types may travel. */
const ARROWS: Record<string, readonly string[]> = {
  sip: [],
  sdp: [],
  store: [],
  database: [],
  transport: ['sip'],
  transaction: ['sip', 'transport'],
  proxy: ['sip', 'transaction', 'transport'],
  media: ['sdp'],
  script: ['sip', 'stdlib'],
  services: ['sip', 'sdp', 'store', 'database', 'transport', 'proxy', 'stdlib'],
  engine: ['sip', 'sdp', 'transport', 'transaction', 'proxy', 'media', 'script', 'services', 'store', 'stdlib'],
  admin: ['engine'],
  supervisor: ['engine', 'media', 'script', 'transport', 'sip', 'admin', 'store'],
  cli: ['engine', 'script', 'supervisor', 'media', 'admin', 'testkit', 'demo'],
  testkit: ['sip', 'sdp', 'transport', 'transaction', 'proxy', 'media', 'script', 'engine'],
  demo: ['sip', 'sdp', 'testkit', 'engine'],
  stdlib: ['sip', 'sdp'],
}

/** Files at the top of src that every room may import. */
const OPEN = ['src/errors.ts', 'src/clock.ts', 'src/log.ts']

/** npm package -> the files that may import it, one each. */
function packageImporters(modules: ICruiseResult['modules']): Map<string, Set<string>> {
  const importers = new Map<string, Set<string>>()
  for (const module of modules) {
    if (!/^(src|stdlib)\//.test(module.source)) continue
    for (const dependency of module.dependencies) {
      const name = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(dependency.resolved)?.[1]
      if (!name || name.startsWith('@types')) continue
      const files = importers.get(name) ?? new Set()
      files.add(module.source)
      importers.set(name, files)
    }
  }
  return importers
}

function room(path: string): string | undefined {
  return path.startsWith('stdlib/') ? 'stdlib' : /^src\/([^/]+)\//.exec(path)?.[1]
}

function sourceFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
}

describe('the arrows of src and stdlib', () => {
  let modules: ICruiseResult['modules'] = []

  beforeAll(async () => {
    const result = await cruise(['src', 'stdlib'], {
      baseDir: root,
      tsPreCompilationDeps: true,
      doNotFollow: { path: 'node_modules' },
      tsConfig: { fileName: 'tsconfig.json' },
      enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'node'] },
    })
    modules = (result.output as ICruiseResult).modules
  }, 60_000)

  test('every module was seen', () => {
    const seen = modules.filter((module) => /^(src|stdlib)\/.*\.ts$/.test(module.source)).length
    expect(seen).toBe(sourceFiles('src').length + sourceFiles('stdlib').length)
    expect(modules.some((module) => module.dependencies.length > 3)).toBe(true)
  })

  test('rooms import only whom they may, and only by the door', () => {
    const wrong: string[] = []
    for (const module of modules) {
      const from = room(module.source)
      if (!from) continue
      for (const dependency of module.dependencies) {
        const to = room(dependency.resolved)
        if (!to) {
          if (dependency.resolved.startsWith('src/') && !OPEN.includes(dependency.resolved))
            wrong.push(`${module.source} -> ${dependency.resolved}: not an open file`)
          continue
        }
        if (to === from) continue
        if (!(ARROWS[from] ?? []).includes(to))
          wrong.push(`${module.source} -> ${dependency.resolved}: ${from} may not import ${to}`)
        else if (!/^(src\/[^/]+|stdlib)\/(index|contract|registry)\.ts$/.test(dependency.resolved))
          wrong.push(`${module.source} -> ${dependency.resolved}: past the door`)
      }
    }
    expect(wrong).toEqual([])
  })

  test('no cycle', () => {
    const cycles = modules.flatMap((module) =>
      module.dependencies
        .filter((dependency) => dependency.circular && !dependency.dependencyTypes?.includes('type-only'))
        .map((dependency) => `${module.source} -> ${dependency.resolved}`),
    )
    expect(cycles).toEqual([])
  })

  test('protocol is pure: sip, sdp and stdlib import nothing of Node', () => {
    const wrong = modules
      .filter((module) => /^(src\/sip|src\/sdp|stdlib)\//.test(module.source))
      .flatMap((module) =>
        module.dependencies
          .filter((dependency) => dependency.coreModule)
          .map((dependency) => `${module.source} -> ${dependency.module}`),
      )
    expect(wrong).toEqual([])
  })

  test('each npm package has one file that imports it', () => {
    const shared = [...packageImporters(modules)].filter(([, files]) => files.size > 1)
    expect(shared.map(([name, files]) => `${name}: ${[...files].join(', ')}`)).toEqual([])
  })
})

test('the table of errors in the README is the table in the code', async () => {
  const { ERROR_CODES } = await import('../src/errors.ts')
  const readme = readFileSync(join(root, 'README.md'), 'utf8')
  const rows = [...readme.matchAll(/^\| `(ERR_\w+)` \| (.*) \|$/gm)].map(([, code, meaning]) => [code, meaning])
  expect(rows).toEqual(Object.entries(ERROR_CODES))
})

test('each source file says in its first line what it owns', () => {
  const silent = [...sourceFiles('src'), ...sourceFiles('stdlib')].filter(
    (file) => !/^(#!.*\n)?\/\/ \S/.test(readFileSync(file, 'utf8')),
  )
  expect(silent.map((file) => file.slice(root.length))).toEqual([])
})
