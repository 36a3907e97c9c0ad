// Owns what is built once before the tests: the addon by which a test file enters a network namespace of its own.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

const root = new URL('../..', import.meta.url).pathname
const source = `${root}test/setup/own-namespace.c`
export const ADDON = `${root}build/test/own-namespace.node`

/** The headers that the addons were built with: node-gyp notes where they are. */
export function nodeHeaders(): string {
  const config = existsSync(`${root}build/config.gypi`) ? readFileSync(`${root}build/config.gypi`, 'latin1') : ''
  const folder = /"nodedir": "([^"]+)"/.exec(config)?.[1]
  if (!folder || !existsSync(`${folder}/include/node/node_api.h`))
    throw new Error('The addons are not built: npm run build:native')
  return `${folder}/include/node`
}

export default function setup(): void {
  if (process.getuid?.() !== 0) return
  if (existsSync(ADDON) && statSync(ADDON).mtimeMs >= statSync(source).mtimeMs) return
  mkdirSync(dirname(ADDON), { recursive: true })
  const args = ['-shared', '-fPIC', '-O1', `-I${nodeHeaders()}`, '-o', ADDON, source]
  const built = spawnSync(process.env.CC ?? 'cc', args, { encoding: 'utf8' })
  if (built.status !== 0) throw new Error(`the addon of the tests does not build: ${built.stderr || built.error}`)
}
