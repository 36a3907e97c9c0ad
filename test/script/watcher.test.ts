// Checks the watching of script files whose folders are links that are put in place of one another.
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { type ScriptWatcher, watchScripts } from '../../src/script/watcher.ts'

const folder = mkdtempSync(join(tmpdir(), 'watcher-'))
let watcher: ScriptWatcher | undefined
afterEach(async () => {
  await watcher?.close()
  rmSync(folder, { recursive: true, force: true })
})

const link = (to: string, name: string): void => {
  symlinkSync(to, join(folder, 'new'))
  renameSync(join(folder, 'new'), join(folder, name))
}

test.each([
  ['the folder', (n: number) => link(`releases/${n}`, 'current'), 'current/route.cfg'],
  ['a link that the file leads through', (n: number) => link(`releases/${n}`, '..data'), 'route.cfg'],
  ['the file', (n: number) => link(`releases/${n}/route.cfg`, 'route.cfg'), 'route.cfg'],
])(
  '%s is another one: the file has changed, and is watched where it is now',
  { timeout: 20_000 },
  async (_, lead, file) => {
    for (const n of [5, 6]) {
      mkdirSync(join(folder, `releases/${n}`), { recursive: true })
      writeFileSync(join(folder, `releases/${n}/route.cfg`), `# ${n}\n`)
    }
    lead(5)
    if (_.startsWith('a link')) symlinkSync('..data/route.cfg', join(folder, 'route.cfg'))
    const changed = vi.fn()
    watcher = watchScripts([join(folder, file)], changed)
    await watcher.ready
    lead(6)
    await vi.waitFor(() => expect(changed).toHaveBeenCalledWith(join(folder, file)), 10_000)
    // What the watch began with may come late.
    await vi.waitFor(
      () => {
        changed.mockClear()
        writeFileSync(join(folder, 'releases/6/route.cfg'), `# ${Math.random()}\n`)
        return vi.waitFor(() => expect(changed).toHaveBeenCalledWith(join(folder, file)), 1500)
      },
      { timeout: 10_000, interval: 100 },
    )
  },
)
