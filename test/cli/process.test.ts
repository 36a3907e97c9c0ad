// Owns the tests of the command as a process: signals, exit status, the control socket, the metrics, what is left behind.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type SupervisorStatus, sendControl } from '../../src/supervisor/index.ts'
import { freePort } from '../supervisor/rig.ts'

const COMMAND = new URL('../../bin/signalbox.mjs', import.meta.url).pathname
const ROUTE = (
  port: number,
) => `import { hasTotag, isMethod, recordRoute, rewriteHostPort, sendReply, tRelay, type SipRequest } from 'signalbox'
export const config = { listen: ['udp:127.0.0.1:${port}'] }
export async function request_route(_req: SipRequest) {
  if (hasTotag() || isMethod('OPTIONS')) return sendReply(200, 'OK')
  recordRoute()
  rewriteHostPort('127.0.0.1:9')
  return tRelay()
}
`

let folder: string
let child: ChildProcess
let output = ''
let port: number
let metrics: number

beforeEach(async () => {
  port = await freePort()
  metrics = await freePort()
  folder = mkdtempSync(join(tmpdir(), 'signalbox-process-'))
  output = ''
})

afterEach(() => {
  if (child.exitCode === null) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

function start(args: readonly string[]): Promise<number | null> {
  child = spawn(process.execPath, ['--no-node-snapshot', COMMAND, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (output += chunk.toString()))
  return new Promise((resolve) => child.once('exit', (code) => resolve(code)))
}

async function said(what: RegExp, millis = 20_000): Promise<void> {
  for (const end = Date.now() + millis; !what.test(output); ) {
    if (Date.now() > end || child.exitCode !== null) throw new Error(`it never said ${what}:\n${output}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

function children(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return (
          Number(
            readFileSync(`/proc/${name}/stat`, 'latin1')
              .replace(/^.*\) \S /s, '')
              .split(' ')[0],
          ) === pid
        )
      } catch {
        return false
      }
    })
    .map(Number)
}

/** Nothing of what was started is left, also not with another parent. */
async function gone(pids: readonly number[]): Promise<void> {
  const alive = () => pids.filter((pid) => children(1).includes(pid))
  for (const end = Date.now() + 5000; alive().length > 0 && Date.now() < end; )
    await new Promise((resolve) => setTimeout(resolve, 50))
  expect(alive()).toEqual([])
}

test('run: SIGHUP reloads, SIGTERM ends with 0 in time, workers with it', { timeout: 60_000 }, async () => {
  const file = join(folder, 'route.ts')
  const control = join(folder, 'control')
  writeFileSync(file, ROUTE(port))
  const ended = start(['run', file, '--metrics', String(metrics), '--control', control])
  await said(/"event":"ready"/)
  const workers = children(child.pid!)
  expect(workers.length).toBeGreaterThan(0)
  expect(await (await fetch(`http://127.0.0.1:${metrics}/healthz`)).json()).toMatchObject({ ok: true, program: 1 })
  expect(await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text()).toContain('signalbox_requests_total 0')
  child.kill('SIGHUP')
  // Nothing changed, so nothing is said; a change is.
  writeFileSync(file, ROUTE(port).replace("'OK'", "'Fine'"))
  child.kill('SIGHUP')
  await said(/"event":"reload"/)
  const began = Date.now()
  child.kill('SIGTERM')
  expect(await ended).toBe(0)
  expect(Date.now() - began).toBeLessThan(5000)
  await gone(workers)
  expect(readdirSync(folder)).toEqual(['route.ts'])
})

test('run: SIGUSR1 and SIGUSR2, which Kamailio and rtpengine know, do nothing to any process', {
  timeout: 60_000,
}, async () => {
  const file = join(folder, 'route.ts')
  writeFileSync(file, ROUTE(port))
  const control = join(folder, 'control')
  const ended = start(['run', file, '--metrics', String(metrics), '--control', control])
  await said(/"event":"ready"/)
  const standby = async () => ((await sendControl(control, { command: 'status' })).result as SupervisorStatus).standby
  for (const end = Date.now() + 20_000; (await standby()) === undefined && Date.now() < end; )
    await new Promise((resolve) => setTimeout(resolve, 50))
  for (const signal of ['SIGUSR1', 'SIGUSR2'] as const)
    for (const pid of [child.pid!, ...children(child.pid!)]) process.kill(pid, signal)
  writeFileSync(file, ROUTE(port).replace("'OK'", "'Fine'"))
  await said(/"event":"reload"/)
  expect(await (await fetch(`http://127.0.0.1:${metrics}/healthz`)).json()).toMatchObject({ ok: true, restarts: 0 })
  expect(output).not.toMatch(/Debugger|worker/)
  child.kill('SIGTERM')
  expect(await ended).toBe(0)
})

test('run: a second SIGTERM ends at once what drains', { timeout: 60_000 }, async () => {
  const file = join(folder, 'route.ts')
  writeFileSync(file, ROUTE(port))
  const ended = start(['run', file, '--drain-seconds', '60'])
  await said(/"event":"ready"/)
  // A call that nobody answers keeps the drain waiting.
  const { createSocket } = await import('node:dgram')
  const socket = createSocket('udp4')
  const answered = new Promise<string>((resolve) => socket.once('message', (bytes) => resolve(bytes.toString())))
  const invite = `INVITE sip:a@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5;rport;branch=z9hG4bKp1\r\nFrom: <sip:b@c>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: p1\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n`
  socket.send(invite, port, '127.0.0.1')
  expect(await answered).toMatch(/^SIP\/2.0 100/)
  socket.close()
  child.kill('SIGTERM')
  await said(/draining/)
  await new Promise((resolve) => setTimeout(resolve, 500))
  expect(child.exitCode).toBeNull()
  const began = Date.now()
  child.kill('SIGTERM')
  expect(await ended).toBe(0)
  expect(Date.now() - began).toBeLessThan(2000)
})

test('relay: serves NG until SIGTERM', { timeout: 60_000 }, async () => {
  const ended = start([
    'relay',
    '--interface=127.0.0.1',
    `--listen-ng=127.0.0.1:${port}`,
    '--port-min=47930',
    '--port-max=47960',
  ])
  await said(/"event":"ready"/)
  const { createSocket } = await import('node:dgram')
  const socket = createSocket('udp4')
  const answered = new Promise<string>((resolve) => socket.once('message', (bytes) => resolve(bytes.toString())))
  socket.send('c1 d7:command4:pinge', port, '127.0.0.1')
  expect(await answered).toBe('c1 d6:result4:ponge')
  socket.close()
  child.kill('SIGTERM')
  expect(await ended).toBe(0)
})

test('relay: ends with 1 when its metrics cannot be served', { timeout: 60_000 }, async () => {
  const { createServer } = await import('node:net')
  const holder = createServer().listen(metrics, '127.0.0.1')
  const args = ['--interface=127.0.0.1', `--listen-ng=${port}`, '--port-min=47930', '--port-max=47960']
  expect(await start(['relay', ...args, '--metrics', String(metrics)])).toBe(1)
  expect(output).toMatch(/cannot serve metrics on \d+: the port is in use/)
  holder.close()
})

test('who reads the output may go; where it cannot be written, that is told: 1', { timeout: 60_000 }, async () => {
  const shell = (line: string) => {
    child = spawn('bash', ['-c', line, 'bash', process.execPath, '--no-node-snapshot', COMMAND])
    output = ''
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => (output += chunk.toString()))
    return new Promise((resolve) => child.once('close', (code) => resolve(code)))
  }
  // The reader is gone before the first line.
  expect(await shell('"$@" --help | exec true; exit $PIPESTATUS')).toBe(0)
  expect(output).toBe('')
  writeFileSync(join(folder, 'a.cfg'), 'request_route { exit; }\n')
  for (const command of ['--help', `check ${folder}/a.cfg`, `convert ${folder}/a.cfg`]) {
    expect(await shell(`"$@" ${command} > /dev/full`)).toBe(1)
    expect(output).toMatch(/^signalbox: the output could not be written: ENOSPC.*\n$/)
  }
})

test('a supervisor that is killed leaves no worker behind', { timeout: 60_000 }, async () => {
  const file = join(folder, 'route.ts')
  writeFileSync(file, ROUTE(port))
  const ended = start(['run', file])
  await said(/"event":"ready"/)
  const workers = children(child.pid!)
  child.kill('SIGKILL')
  await ended
  await gone(workers)
})

test('run: SIGTERM while it starts ends with 0, and leaves nothing', { timeout: 60_000 }, async () => {
  const file = join(folder, 'route.ts')
  writeFileSync(file, ROUTE(port))
  for (const millis of [300, 700, 1100]) {
    const ended = start(['run', file])
    await new Promise((resolve) => setTimeout(resolve, millis))
    const pid = child.pid!
    child.kill('SIGTERM')
    // Before its listener for signals is there, the signal itself ends it.
    expect([0, null]).toContain(await ended)
    await gone(children(pid))
  }
})

test('run: goes on when nobody reads its log any more', { timeout: 60_000 }, async () => {
  const file = join(folder, 'route.ts')
  writeFileSync(file, ROUTE(port))
  const ended = start(['run', file, '--metrics', String(metrics)])
  await said(/"event":"ready"/)
  child.stdout?.destroy()
  const health = async () => (await (await fetch(`http://127.0.0.1:${metrics}/healthz`)).json()) as { program: number }
  for (const [index, reply] of ['Second', 'Third'].entries()) {
    writeFileSync(file, ROUTE(port).replace("'OK'", `'${reply}'`))
    const program = index + 2
    for (const end = Date.now() + 20_000; (await health()).program !== program && Date.now() < end; )
      await new Promise((resolve) => setTimeout(resolve, 50))
    expect(await health()).toMatchObject({ ok: true, program, restarts: 0 })
  }
  child.kill('SIGTERM')
  expect(await ended).toBe(0)
})
