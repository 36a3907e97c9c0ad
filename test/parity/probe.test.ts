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

  /** Lines by case; what was sent again when time was up is kept once. */
  function casesOf(log: string): { title: string; lines: string[] }[] {
    const cases: { title: string; lines: Set<string> }[] = []
    for (const line of log.split('\n')) {
      // Cases of one name are one: what comes late for the first comes as the second ends, sooner or later.
      if (line.startsWith('CASE ')) {
        if (cases.at(-1)?.title !== line.slice(5)) cases.push({ title: line.slice(5), lines: new Set() })
      } else if (line.trim() !== '') cases.at(-1)?.lines.add(line.trimEnd())
    }
    // What two sockets hear is not in one order.
    return cases.map(({ title, lines }) => ({ title, lines: [...lines].sort() }))
  }

  /** A case sends one request, which has one final reply: what else it heard was sent again for a case before. */
  function withoutRepeats(cases: { title: string; lines: string[] }[]): { title: string; lines: string[] }[] {
    const earlier = new Set<string>()
    return cases.map(({ title, lines }) => {
      const finals = lines.filter((line) => /UAC<- SIP\/2\.0 [2-6]/.test(line))
      const own = finals.some((line) => !earlier.has(line))
      const kept = lines.filter((line) => !own || !finals.includes(line) || !earlier.has(line))
      for (const line of lines) earlier.add(line)
      return { title, lines: kept }
    })
  }

  test('every line that the driver of the second file heard, and that the file printed', {
    timeout: 90_000,
  }, async () => {
    const running = await run(read('probe2.cfg'))
    const scratch = mkdtempSync(join(tmpdir(), 'probe-'))
    try {
      const script = join(scratch, 'drive.py')
      writeFileSync(script, read('drive.py'), 'latin1')
      const { stdout } = await promisify(execFile)('python3', [script])
      await pause(300)
      const recorded = withoutRepeats(casesOf(read('drive.log')))
      const earlier = new Set<string>()
      // The driver sends no ACK: we repeat a final reply until timer H (RFC 3261 17.2.1), Kamailio until its fr_timer.
      const heard = withoutRepeats(casesOf(stdout)).map(({ title, lines }, i) => {
        const own = lines.filter((line) => recorded[i]?.lines.includes(line) || !earlier.has(line))
        for (const line of lines) earlier.add(line)
        return { title, lines: own }
      })
      expect(heard).toEqual(recorded)
      expect(sectionsOf(running.printed().filter(stands))).toEqual(
        sectionsOf(printedBy(read('out2.log')).filter(stands)),
      )
    } finally {
      await running.stop()
      rmSync(scratch, { recursive: true, force: true })
    }
  })
})
