// Owns the proof that continuous integration has every peer that a test asks for.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { PACKAGES } from './peers.ts'

test('.ci/run installs the package of every peer', () => {
  const text = readFileSync(new URL('../../.ci/run', import.meta.url), 'utf8')
  const installed = /^peers=\((.*)\)$/m.exec(text)?.[1]?.split(' ') ?? []
  expect(Object.values(PACKAGES).filter((name) => !installed.includes(name))).toEqual([])
})
