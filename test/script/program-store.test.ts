// Owns the proof of reload: a new program is prepared aside, a broken one changes nothing, transactions keep theirs.
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { ProgramStore, type ProgramStoreOptions, watchScripts } from '../../src/script/index.ts'
import { input, RecordingHost, request } from './run-script.ts'

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'signalbox-store-'))
  onTestFinished(() => rmSync(made, { recursive: true, force: true }))
  return made
}

function store(options: Partial<ProgramStoreOptions> = {}): ProgramStore {
  const made = new ProgramStore({ host: new RecordingHost(), ...options })
  onTestFinished(() => made.close())
  return made
}

const returning = (code: number) => `export function request_route() { return ${code} }\n`
const code = (program: { run: ProgramStore['active']['run'] }) => program.run(input('request', '', request()))

describe('the store', () => {
  test('takes a new program for new transactions; those under way keep theirs', async () => {
    const file = join(folder(), 'route.ts')
    const programs = store()
    const seen: number[] = []
    programs.onChange = (program) => seen.push(program.version)
    writeFileSync(file, returning(2))
    expect(await programs.load(file)).toMatchObject({ ok: true })
    const first = programs.active
    first.retain()
    writeFileSync(file, returning(3))
    await programs.reload()
    expect(code(programs.active)).toMatchObject({ code: 3 })
    expect(code(first)).toMatchObject({ code: 2 })
    expect(seen).toEqual([1, 2])
    first.release()
  })

  test('keeps the program when the file breaks, and says why', async () => {
    const file = join(folder(), 'route.ts')
    const programs = store()
    writeFileSync(file, returning(2))
    await programs.load(file)
    writeFileSync(file, 'export function request_route( { return 3 }\n')
    expect(await programs.reload()).toMatchObject({ ok: false, diagnostics: [{ severity: 'error', file, line: 1 }] })
    writeFileSync(file, `const list: string[] = null as never\nexport const config = { alias: [list.length] }\n`)
    expect(await programs.reload()).toMatchObject({
      ok: false,
      diagnostics: [
        {
          code: 'load',
          file,
          line: 2,
          message: expect.stringContaining('Cannot read properties of null'),
          sourceLine: expect.stringContaining('alias'),
        },
      ],
    })
    expect(code(programs.active)).toMatchObject({ code: 2 })
  })

  test('refuses what the engine does not accept', async () => {
    const file = join(folder(), 'route.ts')
    const refused = {
      severity: 'error' as const,
      code: 'config',
      message: 'no',
      file,
      line: 1,
      column: 1,
      sourceLine: '',
    }
    const programs = store({ accept: (program) => (program.config === null ? [] : [refused]) })
    writeFileSync(file, returning(2))
    await programs.load(file)
    writeFileSync(file, `export const config = {}\n${returning(3)}`)
    expect(await programs.reload()).toMatchObject({ ok: false, diagnostics: [refused] })
    expect(code(programs.active)).toMatchObject({ code: 2 })
  })

  test('warms without reaching the world', async () => {
    const file = join(folder(), 'route.ts')
    const host = new RecordingHost()
    writeFileSync(
      file,
      `import { tRelay, xlog } from 'signalbox'\nexport async function request_route() { xlog('x'); await tRelay() }\n`,
    )
    expect(await store({ host }).load(file)).toMatchObject({ ok: true })
    expect(host.asked).toEqual([])
  })

  test('goes back to the predecessor of a program that is withdrawn', async () => {
    const file = join(folder(), 'route.ts')
    const programs = store()
    writeFileSync(file, returning(2))
    await programs.load(file)
    expect(programs.withdraw(1)).toBe(false)
    writeFileSync(file, returning(3))
    await programs.load(file)
    expect(programs.withdraw(1)).toBe(false)
    expect(programs.withdraw(2)).toBe(true)
    expect(programs.active.version).toBe(1)
    expect(code(programs.active)).toMatchObject({ code: 2 })
  })
})

describe('the watcher', () => {
  async function watching(files: string[]) {
    const changed = vi.fn()
    const watcher = watchScripts(files, changed)
    onTestFinished(() => watcher.close())
    await watcher.ready
    return { changed, watcher }
  }

  test('tells a file written in place once, and one replaced by a rename', async () => {
    const at = folder()
    const file = join(at, 'route.ts')
    writeFileSync(file, 'a')
    const { changed } = await watching([file])
    writeFileSync(file, 'b')
    writeFileSync(file, 'bc')
    await vi.waitFor(() => expect(changed).toHaveBeenCalledTimes(1), 5000)
    writeFileSync(`${file}.tmp`, 'cd')
    renameSync(`${file}.tmp`, file)
    await vi.waitFor(() => expect(changed).toHaveBeenCalledTimes(2), 5000)
    writeFileSync(file, 'again')
    await vi.waitFor(() => expect(changed).toHaveBeenCalledTimes(3), 5000)
  })

  test('follows the files that it is told', async () => {
    const at = folder()
    const [file, other] = [join(at, 'route.ts'), join(at, 'numbers.ts')]
    writeFileSync(file, 'a')
    writeFileSync(other, 'a')
    const { changed, watcher } = await watching([file])
    watcher.update([file, other])
    // The new watch is set asynchronously: write until it is heard.
    await vi.waitFor(
      () => {
        writeFileSync(other, String(performance.now()))
        expect(changed).toHaveBeenCalledWith(other)
      },
      { timeout: 5000, interval: 200 },
    )
  })
})
