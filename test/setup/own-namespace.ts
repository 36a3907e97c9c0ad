// Owns where a test file runs: in a network namespace of its own where the machine lets it, so that fixed ports never clash.
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { ADDON } from './build.ts'

if (process.getuid?.() === 0 && existsSync(ADDON)) {
  const { enter } = createRequire(import.meta.url)(ADDON) as { enter(): number }
  const error = enter()
  if (error !== 0 && process.env.CI) throw new Error(`no network namespace of its own for this file: errno ${error}`)
}
