// Owns the benchmark of the relay's density: CPU time a packet at one total rate, spread over few calls and over many.
// usage: node --no-node-snapshot test/bench/relay-density.ts [rtp|srtp] [50x200,2000x5] [rounds], in namespaces of its own:
// unshare -n -m sh -c 'mount -t sysfs none /sys; ip link set lo up; ...'.
//
// One relay a point, all at once, their turns one after the other: what else the machine does meets all alike. The relays
// run on processor 0; the far ends, and the delivery to their sockets, which loopback does in the sender's time unless it
// is steered away, on processor 1. Without a writable /sys all of it is in the relay's time, and that is said.
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { root } from '../interop/engine.ts'
import { NgAsker } from '../interop/ng-peers.ts'

const NG_PORT = 22_222
const STEERING = '/sys/class/net/lo/queues/rx-0/rps_cpus'
const SECONDS = 2
const PORTS_EACH = 9_000
const KEY = 'FHoHEZk7wM6b/frTeX+fzQ/K0PtuAvfIzRqjol9K'

const [mode = 'rtp', points = '50x200,2000x5', rounds = '8'] = process.argv.slice(2)
const folder = mkdtempSync(join(tmpdir(), 'density-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
const generator = join(folder, 'spread-load')
execFileSync('gcc', ['-O2', '-o', generator, join(root, 'test/bench/spread-load.c')])
try {
  writeFileSync(STEERING, '2')
} catch {
  process.stdout.write('far ends in the time of the relay: /sys is not to be written to\n')
}

/** Microseconds that the threads of a process ran. */
function cpuOf(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`)
  const run = (thread: string) => Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ')[0])
  return threads.reduce((sum, thread) => sum + run(thread), 0) / 1000
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
  const args = ['-c', '1', generator, String(seconds), String(rate), '160']
  const child = spawn('taskset', args, { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.end(`${pairs.join('\n')}\n`)
  let text = ''
  for await (const chunk of child.stdout) text += String(chunk)
  return { sent: Number(/sent=(\d+)/.exec(text)![1]), received: Number(/received=(\d+)/.exec(text)![1]) }
}

/** A relay with its calls. */
class Rig {
  readonly calls: number
  readonly costs: number[] = []
  readonly #rate: number
  readonly #relay: ReturnType<typeof spawn>
  readonly #asker: NgAsker
  readonly #near: string[] = []
  readonly #far: string[] = []

  constructor(index: number, calls: number, rate: number) {
    this.calls = calls
    this.#rate = rate
    const portMin = 40_000 + index * PORTS_EACH
    const args = [
      ...['-c', '0', process.execPath, '--no-node-snapshot', join(root, 'bin/signalbox.mjs'), 'relay'],
      ...['--interface=127.0.0.1', `--listen-ng=127.0.0.1:${NG_PORT + index}`],
      ...[`--port-min=${portMin}`, `--port-max=${portMin + PORTS_EACH - 1}`],
    ]
    this.#relay = spawn('taskset', args, { stdio: ['ignore', 'ignore', 'inherit'] })
    this.#asker = new NgAsker(NG_PORT + index)
  }

  async establish(): Promise<void> {
    await this.#asker.ask({ command: 'ping' })
    for (let i = 0; i < this.calls; i++) {
      const [a, b] = [10_000 + 4 * i, 10_002 + 4 * i]
      const suites = { ICE: 'remove', DTLS: 'off', SDES: ['only-AES_CM_128_HMAC_SHA1_80'] }
      const call = { 'call-id': `density-${i}`, 'from-tag': 'A', ...suites }
      const secure = mode === 'srtp' ? { 'transport-protocol': 'RTP/SAVP' } : {}
      const offer = await this.#asker.ask({ ...call, ...secure, command: 'offer', sdp: sdp(a, 'RTP/AVP') })
      const answered =
        mode === 'srtp' ? sdp(b, 'RTP/SAVP', `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${KEY}\r\n`) : sdp(b, 'RTP/AVP')
      const answer = await this.#asker.ask({ ...call, command: 'answer', 'to-tag': 'B', sdp: answered })
      this.#near.push(`${a} ${portOf(answer)}`)
      this.#far.push(`${b} ${portOf(offer)}`)
    }
  }

  async measure(): Promise<string> {
    const secured = mode === 'srtp'
    const sink = secured ? load(this.#far, SECONDS + 1, 0) : undefined
    if (sink) await pause(300)
    const before = cpuOf(this.#relay.pid!)
    const pairs = secured ? this.#near : [...this.#near, ...this.#far]
    const { sent, received } = await load(pairs, SECONDS, 2 * this.calls * this.#rate)
    const cost = (cpuOf(this.#relay.pid!) - before) / sent
    const lost = sent - (sink ? (await sink).received : received)
    this.costs.push(cost)
    return `${this.calls} calls ${cost.toFixed(2)} us${lost > 0 ? ` (${lost} of ${sent} lost)` : ''}`
  }

  async stop(): Promise<void> {
    this.#asker.close()
    if (this.#relay.exitCode !== null) return
    const ended = new Promise((resolve) => this.#relay.once('exit', resolve))
    this.#relay.kill('SIGTERM')
    await ended
  }
}

const rigs = points.split(',').map((point, index) => {
  const [calls, rate] = point.split('x').map(Number)
  return new Rig(index, calls!, rate!)
})
try {
  for (const rig of rigs) await rig.establish()
  // What a relay does for the first time is no part of its steady cost.
  for (const rig of rigs) await rig.measure()
  for (const rig of rigs) rig.costs.length = 0
  for (let round = 0; round < Number(rounds); round++) {
    const told: string[] = []
    for (const rig of rigs) told.push(await rig.measure())
    process.stdout.write(`${mode}: ${told.join(', ')}\n`)
  }
} finally {
  for (const rig of rigs) await rig.stop()
}
const median = (values: readonly number[]) => values.toSorted((x, y) => x - y)[Math.floor(values.length / 2)]!
for (const { calls, costs } of rigs) {
  const ratios = costs.map((cost, round) => cost / rigs[0]!.costs[round]!)
  process.stdout.write(
    `${calls} calls: median ${median(costs).toFixed(2)} us, ${median(ratios).toFixed(2)} of the first in the same round\n`,
  )
}
