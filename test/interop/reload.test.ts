// Owns the proof that saving the script loses no call: 30 s of calls at 100 a second, ten saves, two of them broken.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
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
    ended: new Promise((resolve) => child.once('close', (code) => resolve({ code, text }))),
    stop: () => child.kill('SIGTERM'),
  }
}

/**
 * The answering side, which passes over an INVITE that comes again after its 200. A proxy that had to wait for the processor
 * sends one (RFC 3261 17.1.1.2), and sipp would take it for the end of the call, and answer no BYE.
 */
function answeringScenario(): string {
  const scenario = readFileSync(`${bench}uas.xml`, 'latin1')
  const ack = '<recv request="ACK"'
  expect(scenario.split(ack)).toHaveLength(2)
  return scenario.replace(ack, `<label id="1"/><recv request="INVITE" optional="true" next="1"/>${ack}`)
}

const BROKEN = { ts: '\nexport const broken = (\n', cfg: '\nroute[BROKEN] { if (is_method("INVITE") }\n' }

type Language = keyof typeof BROKEN

interface Saved {
  readonly engine: EngineUnderTest
  readonly port: number
  /** The scenario of its far end. */
  readonly scenario: string
  save(text: string): void
  stop(): Promise<void>
}

const SOURCES = { ts: TYPESCRIPT, cfg: KAMAILIO }

async function start(language: Language, port: number): Promise<Saved> {
  const files = scratch()
  const name = `route.${language}`
  const script = files.write(name, SOURCES[language](port, port + 1, 'first'))
  // Calls that a machine which stands still has refused were not lost to a reload.
  const engine = await EngineUnderTest.run([script, '--limit', 'queueMillis=0'])
  return {
    engine,
    port,
    scenario: files.write('uas.xml', answeringScenario()),
    save: (text) => void files.write(name, text),
    async stop() {
      await engine.stop()
      files.remove()
    },
  }
}

async function saveUnderLoad(language: Language, { engine, port, scenario, save }: Saved): Promise<void> {
  const answering = sipp(['-sf', scenario, '-i', '127.0.0.1', '-p', String(port + 1), '-t', 'u1'])
  await delay(500)
  const calls = sipp([
    ...['-sf', `${bench}uac.xml`, '-i', '127.0.0.1', '-p', String(port + 2), `127.0.0.1:${port}`, '-t', 'u1'],
    ...['-r', '100', '-m', '3000', '-d', '200', '-timeout', '60'],
  ])
  try {
    for (let number = 1; number <= 10; number++) {
      await delay(2700)
      const from = engine.lines.length
      const broken = number === 4 || number === 8
      save(`${SOURCES[language](port, port + 1, `save ${number}`)}${broken ? BROKEN[language] : ''}`)
      await engine.line(
        (line) => line.event === (broken ? 'reload-failed' : 'reload'),
        `save ${number} was seen`,
        5000,
        from,
      )
    }
    const { code, text } = await calls.ended
    const said = engine.lines.filter((line) => line.level !== 'info').map((line) => JSON.stringify(line))
    expect(text, said.join('\n')).toMatch(/Successful call\s+\|\s+\d+\s+\|\s+3000/)
    expect(code, text).toBe(0)
    const refused = engine.lines.filter((line) => line.event === 'reload-failed')
    expect(refused).toHaveLength(2)
    for (const line of refused) expect(JSON.stringify(line)).toMatch(/route\.\w+:\d+:\d+: error: .*\^/)
  } finally {
    calls.stop()
    answering.stop()
  }
}

describeWithPeers('a script saved under load', ['sipp'], () => {
  const languages: readonly Language[] = existsSync(bench) ? ['ts', 'cfg'] : []
  const engines = new Map<Language, Saved>()

  // One after the other, before any call: each start is the start of several processes, and not what is proven here.
  beforeAll(async () => {
    for (const [i, language] of languages.entries()) engines.set(language, await start(language, 49_100 + 10 * i))
  }, 60_000)

  afterAll(async () => {
    for (const engine of engines.values()) await engine.stop()
  }, 60_000)

  test.concurrent.each(languages)(
    '.%s: ten saves in 30 s at 100 calls a second, two broken: no call fails',
    {
      timeout: 90_000,
    },
    (language) => saveUnderLoad(language, engines.get(language)!),
  )
})
