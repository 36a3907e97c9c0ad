// Owns the benchmark of the relay's density: CPU time a packet at one total rate, spread over few calls and over many.
// usage: node --no-node-snapshot test/bench/relay-density.ts [rtp|srtp] [50x200,200x50,2000x5] [rounds], in a namespace with
// `lo` up. Prints the median of each point, and what it costs beside the first. The load is ../shared/bench/rtpgen.c.
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { root } from '../interop/engine.ts'
import { NgAsker } from '../interop/ng-peers.ts'

const GENERATOR = join(root, '../shared/bench/rtpgen.c')
const NG_PORT = 22_222
const SECONDS = 4
const KEY = 'FHoHEZk7wM6b/frTeX+fzQ/K0PtuAvfIzRqjol9K'

const [mode = 'rtp', points = '50x200,2000x5', rounds = '3'] = process.argv.slice(2)
if (!existsSync(GENERATOR)) {
  process.stderr.write(`SKIPPED: ${GENERATOR} is not here\n`)
  process.exit(0)
}
const folder = mkdtempSync(join(tmpdir(), 'density-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
const generator = join(folder, 'rtpgen')
execFileSync('gcc', ['-O2', '-o', generator, GENERATOR])

/** Microseconds of user and system time of a process. */
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/.*\) /, '').split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10_000
}

const sdp = (port: number, profile: string, crypto = ''): string =>
  `v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio ${port} ${profile} 0\r\n${crypto}`
const portOf = (reply: { sdp?: unknown }): string => /^m=audio (\d+)/m.exec(String(reply.sdp))![1]!

/** Sends to the pairs of ports, and counts what comes back to them. */
async function load(
  pairs: readonly string[],
  seconds: number,
  rate: number,
): Promise<{ sent: number; received: number }> {
  const child = spawn(generator, [String(seconds), String(rate), '160'], { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.end(`${pairs.join('\n')}\n`)
  let text = ''
  for await (const chunk of child.stdout) text += String(chunk)
  return { sent: Number(/sent=(\d+)/.exec(text)![1]), received: Number(/received=(\d+)/.exec(text)![1]) }
}

async function measure(calls: number, rate: number): Promise<number> {
  const relay = spawn(
    process.execPath,
    [
      ...['--no-node-snapshot', join(root, 'bin/signalbox.mjs'), 'relay', '--interface=127.0.0.1'],
      ...[`--listen-ng=127.0.0.1:${NG_PORT}`, '--port-min=40000', '--port-max=59000'],
    ],
    { stdio: 'ignore' },
  )
  const asker = new NgAsker(NG_PORT)
  try {
    await asker.ask({ command: 'ping' })
    const [near, far]: [string[], string[]] = [[], []]
    for (let i = 0; i < calls; i++) {
      const [a, b] = [10_000 + 4 * i, 10_002 + 4 * i]
      const call = {
        'call-id': `density-${i}`,
        'from-tag': 'A',
        ICE: 'remove',
        DTLS: 'off',
        SDES: ['only-AES_CM_128_HMAC_SHA1_80'],
      }
      const secure = mode === 'srtp' ? { 'transport-protocol': 'RTP/SAVP' } : {}
      const offer = await asker.ask({ ...call, ...secure, command: 'offer', sdp: sdp(a, 'RTP/AVP') })
      const answered =
        mode === 'srtp' ? sdp(b, 'RTP/SAVP', `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${KEY}\r\n`) : sdp(b, 'RTP/AVP')
      const answer = await asker.ask({ ...call, command: 'answer', 'to-tag': 'B', sdp: answered })
      near.push(`${a} ${portOf(answer)}`)
      far.push(`${b} ${portOf(offer)}`)
    }
    const sink = mode === 'srtp' ? load(far, SECONDS + 2, 0) : undefined
    await pause(500)
    const before = cpuOf(relay.pid!)
    const { sent, received } = await load(sink ? near : [...near, ...far], SECONDS, rate)
    const spent = cpuOf(relay.pid!) - before
    const back = sink ? (await sink).received : received
    process.stdout.write(
      `${mode} ${calls} calls at ${rate}: ${(spent / sent).toFixed(2)} us a packet, ${sent - back} of ${sent} lost\n`,
    )
    return spent / sent
  } finally {
    asker.close()
    const ended = new Promise((resolve) => relay.once('exit', resolve))
    relay.kill('SIGTERM')
    await ended
  }
}

const wanted = points.split(',').map((point) => point.split('x').map(Number) as [number, number])
const costs = wanted.map((): number[] => [])
for (let round = 0; round < Number(rounds); round++)
  for (const [index, [calls, rate]] of wanted.entries()) costs[index]!.push(await measure(calls, rate))
const medians = costs.map((each) => each.toSorted((x, y) => x - y)[Math.floor(each.length / 2)]!)
for (const [index, median] of medians.entries())
  process.stdout.write(
    `${wanted[index]![0]} calls: ${median.toFixed(2)} us, ${(median / medians[0]!).toFixed(2)} of the first\n`,
  )
