// Owns the folder snapshots of diagnostics: each folder has a file and what is said about it, carets included.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { formatDiagnostic } from '../../../src/script/diagnostic.ts'
import { compileDsl } from '../../../src/script/dsl/index.ts'

const folder = fileURLToPath(new URL('./diagnostics/', import.meta.url))
/** UPDATE_DIAGNOSTICS=1 writes what is said now; read the difference before it is committed. */
const update = process.env.UPDATE_DIAGNOSTICS === '1'

describe('diagnostics', () => {
  for (const name of readdirSync(folder)) {
    test(name, () => {
      const result = compileDsl('input.cfg', {
        defines: new Map(),
        env: {},
        readFile: (path) => {
          const real = `${folder}${name}/${path}`
          return existsSync(real) ? readFileSync(real, 'latin1') : undefined
        },
      })
      const said = result.diagnostics.map((diagnostic) => formatDiagnostic(diagnostic)).join('\n')
      const text = `${said}\n${result.ok ? 'ok' : 'refused'}\n`
      const expected = `${folder}${name}/expected.txt`
      if (update || !existsSync(expected)) writeFileSync(expected, text, 'latin1')
      expect(text).toBe(readFileSync(expected, 'latin1'))
    })
  }
})
