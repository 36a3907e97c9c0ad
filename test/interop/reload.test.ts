// Owns the proof that saving the script loses no call: 30 s of calls at 100 a second, ten saves, two of them broken.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { EngineUnderTest, scratch } from './engine.ts'
import { describeWithPeers } from './peers.ts'

const bench = new URL('../../../shared/bench/', import.meta.url).pathname

const TYPESCRIPT = (port: number, target: number, note: string) => `
import { appendHf, hasTotag, isMethod, looseRoute, recordRoute, sendReply, rewriteHostPort, tOnReply, tRelay, removeHf, type SipRequest } from 'signalbox'
export const config = { listen: ['udp:127.0.0.1:${port}'] }
export async function request_route(_req: SipRequest) {
  if (hasTotag()) {
    if (looseRoute()) return tRelay()
    return sendReply(404, 'Not Here')
  }
  if (isMethod('INVITE')) {
    recordRoute()
    tOnReply('BACK')
    appendHf('X-Note: ${note}\\r\\n')
  }
  rewriteHostPort('127.0.0.1:${target}')
  return tRelay()
}
export const onreply_route = { async BACK() { removeHf('Server') } }
`

const KAMAILIO = (port: number, target: number, note: string) =>
  readFileSync(`${bench}proxy.cfg`, 'latin1')
    .replaceAll('127.0.0.1:5060', `127.0.0.1:${port}`)
    .replaceAll('127.0.0.1:5080', `127.0.0.1:${target}`)
    .replace('t_on_reply("O365");', `t_on_reply("O365"); append_hf("X-Note: ${note}\\r\\n");`)

function sipp(args: readonly string[]): { ended: Promise<{ code: number | null; text: string }>; stop(): void } {
  const child = spawn('sipp', [...args, '-nostdin'], { stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  child.stdout.on('data', (chunk: Buffer) => {
    text = (text + chunk.toString('latin1')).slice(-20_000)
  })
  return {
    ended: new Promise((resolve) => child.once('exit', (code) => resolve({ code, text }))),
    stop: () => child.kill('SIGTERM'),
  }
}

const BROKEN = { ts: '\nexport const broken = (\n', cfg: '\nroute[BROKEN] { if (is_method("INVITE") }\n' }

async function saveUnderLoad(language: 'ts' | 'cfg', port: number): Promise<void> {
  const source = language === 'ts' ? TYPESCRIPT : KAMAILIO
  const files = scratch()
  const script = files.write(`route.${language}`, source(port, port + 1, 'first'))
  const engine = await EngineUnderTest.run([script])
  const answering = sipp(['-sf', `${bench}uas.xml`, '-i', '127.0.0.1', '-p', String(port + 1), '-t', 'u1'])
  try {
    await delay(500)
    const calls = sipp([
      ...['-sf', `${bench}uac.xml`, '-i', '127.0.0.1', '-p', String(port + 2), `127.0.0.1:${port}`, '-t', 'u1'],
      ...['-r', '100', '-m', '3000', '-d', '200', '-timeout', '60'],
    ])
    for (let save = 1; save <= 10; save++) {
      await delay(2700)
      const from = engine.lines.length
      const broken = save === 4 || save === 8
      writeFileSync(script, `${source(port, port + 1, `save ${save}`)}${broken ? BROKEN[language] : ''}`)
      await engine.line(
        (line) => line.event === (broken ? 'reload-failed' : 'reload'),
        `save ${save} was seen`,
        5000,
        from,
      )
    }
    const { code, text } = await calls.ended
    expect(text).toMatch(/Successful call\s+\|\s+\d+\s+\|\s+3000/)
    expect(code, text).toBe(0)
    const refused = engine.lines.filter((line) => line.event === 'reload-failed')
    expect(refused).toHaveLength(2)
    for (const line of refused) expect(JSON.stringify(line)).toMatch(/route\.\w+:\d+:\d+: error: .*\^/)
  } finally {
    answering.stop()
    await engine.stop()
    files.remove()
  }
}

describeWithPeers('a script saved under load', ['sipp'], () => {
  test.skipIf(!existsSync(bench)).concurrent.each([
    ['ts', 49_100],
    ['cfg', 49_110],
  ] as const)(
    '.%s: ten saves in 30 s at 100 calls a second, two broken: no call fails',
    { timeout: 90_000 },
    saveUnderLoad,
  )
})
