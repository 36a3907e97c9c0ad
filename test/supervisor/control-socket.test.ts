// Owns the tests of the control socket: whose place it may take.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { silentLog } from '../../src/log.ts'
import { openControlSocket, sendControl } from '../../src/supervisor/control-socket.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'signalbox-control-'))
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

const open = (path: string) => openControlSocket(path, async () => ({ ok: true }), silentLog)

test('a file or a folder in the place of the socket stays, and is named', async () => {
  const file = join(folder, 'kamailio.cfg')
  writeFileSync(file, 'request_route {}\n')
  await expect(open(file)).rejects.toMatchObject({
    code: 'ERR_LISTEN',
    message: expect.stringMatching(/kamailio\.cfg: .*is there already, and is no socket/),
  })
  expect(readFileSync(file, 'utf8')).toBe('request_route {}\n')
  const inner = join(folder, 'inner')
  mkdirSync(inner)
  await expect(open(inner)).rejects.toMatchObject({ code: 'ERR_LISTEN' })
  expect(statSync(inner).isDirectory()).toBe(true)
})

test('what a process left that is gone is taken, what one has open is not', async () => {
  const path = join(folder, 'control')
  const first = await open(path)
  await expect(open(path)).rejects.toThrow(/another signalbox has it open/)
  expect(await sendControl(path, { command: 'status' })).toEqual({ ok: true })
  first.close()
  const { spawnSync } = await import('node:child_process')
  // Ends without a word, and leaves its socket behind.
  const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
  spawnSync(process.execPath, ['-e', script])
  expect(statSync(path).isSocket()).toBe(true)
  const second = await open(path)
  expect(await sendControl(path, { command: 'status' })).toEqual({ ok: true })
  second.close()
})

test('one that does not answer is not waited for without end', async () => {
  const path = join(folder, 'control')
  const server = await openControlSocket(path, () => new Promise(() => {}), silentLog)
  await expect(sendControl(path, { command: 'status' }, 50)).rejects.toMatchObject({
    code: 'ERR_TRANSPORT',
    message: expect.stringMatching(/no answer in 0\.05 s/),
  })
  server.close()
})

test('a path longer than a socket may have is told as such', async () => {
  await expect(open(join(folder, 'x'.repeat(120)))).rejects.toThrow(/longer than 107 bytes/)
})
