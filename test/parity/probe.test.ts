// Owns the recorded probe: the files that were run on Kamailio 5.6.3, driven against signalbox, print and send what was recorded.
import { execFile, spawn } from 'node:child_process'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'

const folder = fileURLToPath(new URL('../../../shared/kamailio/probe/', import.meta.url))
const root = fileURLToPath(new URL('../..', import.meta.url))
const present = existsSync(join(folder, 'drive.log'))
if (!present) process.stderr.write(`SKIPPED the recorded probe: ${folder} is not there\n`)

/** Ports of the recording, and those that stand in their place: as long, so that lengths stay. */
const PORTS: Readonly<Record<string, string>> = { 15998: '49598', 15990: '49590', 15991: '49591', 15997: '49597' }
const moved = (text: string) => text.replace(/\b1599[0178]\b/g, (port) => PORTS[port] ?? port)

const read = (name: string) => moved(readFileSync(join(folder, name), 'latin1'))
const printedBy = (log: string) => [...log.matchAll(/ERROR: (P\| .*)$/gm)].map((match) => match[1]!.trimEnd())

/** Lines of the recording that signalbox says otherwise, and why. */
const OTHERWISE: readonly { readonly line: RegExp; readonly reason: string }[] = [
  {
    line: /^P\| R1 200 .* T_req ru=/,
    reason: '$T_req($ru) after a serial search: the R-URI of the last branch, not of the request',
  },
]
const stands = (line: string) => !OTHERWISE.some((entry) => entry.line.test(line))

interface Running {
  printed(): string[]
  stop(): Promise<void>
}

async function run(text: string): Promise<Running> {
  const scratch = mkdtempSync(join(tmpdir(), 'probe-'))
  const file = join(scratch, 'probe.cfg')
  writeFileSync(file, text, 'latin1')
  const args = ['--no-node-snapshot', join(root, 'bin/signalbox.mjs'), 'run', file, '--log-format', 'json']
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk
    })
  }
  const stop = async () => {
    if (child.exitCode === null) {
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
    }
    rmSync(scratch, { recursive: true, force: true })
  }
  while (!output.includes('"event":"ready"')) {
    if (child.exitCode !== null) throw new Error(output.slice(0, 4000))
    await pause(50)
  }
  const lines = () => output.split('\n').filter((line) => line.startsWith('{') && line.endsWith('}'))
  return {
    printed: () =>
      lines()
        .map((line) => JSON.parse(line) as { script?: boolean; msg: string })
        .flatMap((line) => (line.script === true && line.msg.startsWith('P| ') ? [line.msg.trimEnd()] : [])),
    stop,
  }
}

async function bound(port: string): Promise<Socket> {
  const socket = createSocket('udp4')
  socket.bind(Number(port), '127.0.0.1')
  await once(socket, 'listening')
  return socket
}

describe.skipIf(!present)('the recorded probe', () => {
  test('every line that the first file printed', { timeout: 30_000 }, async () => {
    const running = await run(read('probe.cfg'))
    const sender = await bound('49597')
    try {
      const message = read('opt.sip').replaceAll('\r\n', '\n').replaceAll('\n', '\r\n')
      const answer = once(sender, 'message')
      sender.send(Buffer.from(message, 'latin1'), 49598, '127.0.0.1')
      await answer
      await pause(400)
      const expected = printedBy(read('out.log')).filter(stands)
      expect(running.printed()).toEqual(expected)
    } finally {
      sender.close()
      await running.stop()
    }
  })

  /** What each request printed; a request or reply that came again when time was up prints again. */
  function sectionsOf(lines: readonly string[]): string[][] {
    const sections: Set<string>[] = []
    for (const line of lines) {
      if (line.startsWith('P| ==== ')) sections.push(new Set())
      sections.at(-1)?.add(line)
    }
    return sections.map((section) => [...section].sort())
  }

  interface Case {
    readonly title: string
    /** What was sent again when time was up is kept once. */
    readonly lines: Set<string>
  }

  const isFinal = (line: string) => /^ {2}UAC<- SIP\/2\.0 [2-6]/.test(line)

  /** What two sockets hear is not in one order. */
  const sorted = (cases: readonly Case[]) => cases.map(({ title, lines }) => ({ title, lines: [...lines].sort() }))

  /**
   * The recording by case. A 408 is made when `fr_timer` (a second) has passed, and the driver waits less for most
   * cases: the first 408 that a case heard answers the case before, where that had no final reply and had its request
   * relayed. (Its own would come as late, and so after it.)
   */
  function recordedCases(log: string): Case[] {
    const cases: Case[] = []
    let late: Case | undefined
    for (const line of log.split('\n').map((text) => text.trimEnd())) {
      if (line.startsWith('CASE ')) {
        const before = cases.at(-1)
        late = before && before.lines.size > 0 && ![...before.lines].some(isFinal) ? before : undefined
        cases.push({ title: line.slice(5), lines: new Set() })
      } else if (late && line.startsWith('  UAC<- SIP/2.0 408 ')) {
        late.lines.add(line)
        late = undefined
      } else if (line !== '') cases.at(-1)?.lines.add(line)
    }
    return cases
  }

  /** The driver, saying of each message that it hears which Call-ID (`c` and the number of the case) it has. */
  function namingCalls(driver: string): string {
    const named = driver
      .replace("log.append('  UAS<- '", "log.append(hdrs(m,'Call-ID')[0]+'  UAS<- '")
      .replace("log.append('  UAC<- '", "log.append(hdrs(r,'Call-ID')[0]+'  UAC<- '")
    expect(named.match(/hdrs\([mr],'Call-ID'\)\[0\]\+' {2}UA/g)).toHaveLength(2)
    return named
  }

  /** What that driver heard, by case: each message belongs to the case whose request it is or answers, however late. */
  function heardCases(log: string): Case[] {
    const cases = [...log.matchAll(/^CASE (.*)$/gm)].map(([, title]): Case => ({ title: title!, lines: new Set() }))
    for (const line of log.split('\n').filter((text) => text !== '' && !text.startsWith('CASE '))) {
      const [, number, message] = /^Call-ID: c(\d+)@x( {2}UA.*)$/.exec(line) ?? []
      const own = cases[Number(number) - 1]
      if (!own) throw new Error(`of no case: ${line}`)
      own.lines.add(message!.trimEnd())
    }
    return cases
  }

  test('every line that the driver of the second file heard, and that the file printed', {
    timeout: 90_000,
  }, async () => {
    const running = await run(read('probe2.cfg'))
    const scratch = mkdtempSync(join(tmpdir(), 'probe-'))
    try {
      const script = join(scratch, 'drive.py')
      writeFileSync(script, namingCalls(read('drive.py')), 'latin1')
      const { stdout } = await promisify(execFile)('python3', [script])
      await pause(300)
      expect(sorted(heardCases(stdout))).toEqual(sorted(recordedCases(read('drive.log'))))
      expect(sectionsOf(running.printed().filter(stands))).toEqual(
        sectionsOf(printedBy(read('out2.log')).filter(stands)),
      )
    } finally {
      await running.stop()
      rmSync(scratch, { recursive: true, force: true })
    }
  })
})
