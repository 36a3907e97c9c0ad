// Owns the running of a .cfg that a test writes, on a network and a clock in memory.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RouteOptions, RouteUnderTest } from '../../src/testkit/index.ts'

const HEAD = `#!KAMAILIO
debug=2
listen=udp:127.0.0.1:5060
`

export interface CfgRoute {
  readonly route: RouteUnderTest
  /** What xlog wrote, oldest first. */
  said(): string[]
  /** Puts another file in its place, as an operator does under way. */
  reload(modules: string, text: string): Promise<void>
  close(): Promise<void>
}

/** Runs `text` below a head with a listener; `modules` are loaded. Further files lie beside it. */
export async function cfgRoute(
  modules: string,
  text: string,
  files: Readonly<Record<string, string>> = {},
  options: RouteOptions = {},
): Promise<CfgRoute> {
  const folder = mkdtempSync(join(tmpdir(), 'cfg-route-'))
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content)
  const file = join(folder, 'route.cfg')
  const write = (names: string, routes: string): void => {
    const loads = names.split(' ').map((name) => `loadmodule "${name}.so"\n`)
    writeFileSync(file, `${HEAD}${loads.join('')}${routes}`)
  }
  write(modules, text)
  const route = await RouteUnderTest.load(file, options)
  return {
    route,
    said: () => route.lines.flatMap(({ fields, message }) => (fields.script === true ? [message] : [])),
    async reload(names, routes) {
      write(names, routes)
      const reloaded = await route.engine.reload()
      if (!reloaded.ok) throw new Error(JSON.stringify(reloaded))
    },
    async close() {
      await route.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
