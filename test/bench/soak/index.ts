// Owns the soak: calls at 70 % of what the engine holds for as long as asked, with a reload a minute. Fails when a call fails, memory grows
// or the delay that the proxy adds is too long.
// usage: npm run soak -- [--minutes 30] [--rate CALLS A SECOND] [--workers N] [--json FILE]
// Needs Debian's sipp and dumpcap; Kamailio is measured beside it where it is installed. Runs in a network namespace of its own.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { ProxyProcess, treeKeptMegabytes, treeMegabytes, treeMicros } from '../proxy-process.ts'
import { type AddedDelay, addedDelays, summaryOf } from './added-delay.ts'

const root = new URL('../../..', import.meta.url).pathname
const BENCH = join(root, '../shared/bench')
const METRICS = '127.0.0.1:9790'
const WINDOW_SECONDS = 5
const P99_MILLIS = 5
/** Growth that is no leak: pages that the collector has not given back. Mapped files are left out: how much of them counts here changes with what else runs. */
const GROWTH = 1.15

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    rate: { type: 'string' },
    workers: { type: 'string', default: '1' },
    json: { type: 'string' },
    inside: { type: 'boolean', default: false },
  },
})

if (!existsSync(BENCH)) {
  console.error(`The soak needs the scenarios of ${BENCH}, which is not there.`)
  process.exit(2)
}
if (!values.inside) {
  const again = [process.execPath, ...process.execArgv, ...process.argv.slice(1), '--inside']
  const inner = spawnSync('unshare', ['-n', 'sh', '-c', 'ip link set lo up; exec "$0" "$@"', ...again], {
    stdio: 'inherit',
  })
  process.exit(inner.status ?? 1)
}

const folder = mkdtempSync(join(tmpdir(), 'signalbox-soak-'))
const script = join(folder, 'proxy.cfg')
const routes = readFileSync(join(BENCH, 'proxy.cfg'), 'utf8')
writeFileSync(script, routes)
const minutes = Number(values.minutes)

interface Calls {
  readonly made: number
  readonly failed: number
}

/** sipp's callers; resolves with what its statistics say. */
function call(rate: number, calls: number, name: string): Promise<Calls> {
  const statistics = join(folder, `${name}.csv`)
  const args = [
    '-sf',
    `${BENCH}/uac.xml`,
    '-i',
    '127.0.0.1',
    '-p',
    '5090',
    '127.0.0.1:5060',
    '-t',
    'u1',
    '-d',
    '200',
    '-l',
    '20000',
  ]
  const run = [
    ...args,
    '-nostdin',
    '-r',
    String(rate),
    '-m',
    String(calls),
    '-timeout',
    String(Math.ceil(calls / rate) + 60),
  ]
  const sipp = spawn('sipp', [...run, '-trace_stat', '-stf', statistics, '-fd', '10'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let screen = ''
  sipp.stdout.on('data', (chunk) => {
    screen = (screen + String(chunk)).slice(-20_000)
  })
  // A call that waits for what never comes keeps sipp for ever, whatever its own time-out says.
  const late = setTimeout(() => sipp.kill('SIGKILL'), (calls / rate + 100) * 1000)
  return new Promise((resolve) => {
    sipp.once('exit', () => {
      clearTimeout(late)
      const last = [...screen.matchAll(/Successful call\s+\|\s+\d+\s+\|\s+(\d+)/g)].at(-1)?.[1]
      resolve({ made: calls, failed: calls - Number(last ?? 0) })
    })
  })
}

async function capture(name: string): Promise<number[]> {
  const file = join(folder, `${name}.pcap`)
  const args = [
    '-i',
    'lo',
    '-P',
    '-q',
    '-s',
    '600',
    '-B',
    '64',
    '-f',
    'udp port 5060',
    '-a',
    `duration:${WINDOW_SECONDS}`,
    '-w',
    file,
  ]
  const dumpcap = spawn('dumpcap', args, { stdio: 'ignore' })
  await new Promise((resolve) => dumpcap.once('exit', resolve))
  const found = addedDelays(file, 5060)
  rmSync(file, { force: true })
  return found
}

function answering(): { stop(): void } {
  const sipp = spawn('sipp', ['-sf', `${BENCH}/uas.xml`, '-i', '127.0.0.1', '-p', '5080', '-t', 'u1', '-nostdin'], {
    stdio: 'ignore',
  })
  return { stop: () => sipp.kill() }
}

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`http://${METRICS}/metrics`)).text()
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN)
}

const shown = (d: AddedDelay) =>
  `median ${d.medianMillis.toFixed(2)} ms, p99 ${d.p99Millis.toFixed(2)} ms, greatest ${d.greatestMillis.toFixed(1)} ms of ${d.messages} messages`

async function besideKamailio(rate: number): Promise<AddedDelay | undefined> {
  if (spawnSync('kamailio', ['-v']).error) return undefined
  const kamailio = await ProxyProcess.start(['kamailio', '-f', script, '-DD', '-E', '-m', '512', '-M', '32'], 5060)
  try {
    const calls = call(rate, rate * (WINDOW_SECONDS + 7), 'kamailio')
    await delay(4000)
    const found = await capture('kamailio')
    await calls
    return summaryOf(found)
  } finally {
    await kamailio.stop()
  }
}

async function soak(): Promise<number> {
  const far = answering()
  const command = [process.execPath, '--no-node-snapshot', join(root, 'bin/signalbox.mjs'), 'run', script]
  const options = [
    '--log-level',
    'warn',
    '--metrics',
    METRICS,
    '--control',
    join(folder, 'ctl'),
    '--workers',
    values.workers,
  ]
  const engine = await ProxyProcess.start([...command, ...options], 5060)
  try {
    await call(200, 2000, 'warm')
    const before = treeMicros(engine.pid)
    await call(200, 2000, 'measure')
    const microsPerCall = (treeMicros(engine.pid) - before) / 2000
    const rate = values.rate ? Number(values.rate) : Math.floor((0.7 * 1e6 * Number(values.workers)) / microsPerCall)
    console.log(
      `${microsPerCall.toFixed(0)} us of processor a call; the soak is at ${rate} calls a second for ${minutes} minutes`,
    )
    const calls = call(rate, Math.round(rate * minutes * 60), 'soak')
    const megabytes: number[] = []
    const kept: number[] = []
    const delays: AddedDelay[] = []
    const ofAll: number[] = []
    let reloads = 0
    for (let minute = 1; minute <= minutes; minute++) {
      const next = delay(60_000)
      await delay(20_000)
      const found = await capture(`minute-${minute}`)
      delays.push(summaryOf(found))
      for (const millis of found) ofAll.push(millis)
      writeFileSync(
        script,
        routes.replace('request_route {', `modparam("tm", "fr_timer", ${30_000 + minute})\nrequest_route {`),
      )
      await next
      const version = await metric('signalbox_program_version')
      reloads = version - 1
      megabytes.push(treeMegabytes(engine.pid))
      kept.push(treeKeptMegabytes(engine.pid))
      console.log(
        `minute ${minute}: ${megabytes.at(-1)?.toFixed(0)} MB (${kept.at(-1)?.toFixed(0)} without files), added delay ${shown(delays.at(-1)!)}, program ${version}`,
      )
    }
    const { made, failed } = await calls
    const stallSeconds = await metric('signalbox_event_loop_stall_max_seconds')
    const restarts = await metric('signalbox_worker_restarts_total')
    await engine.stop()
    const kamailio = await besideKamailio(rate)
    far.stop()
    const worst = delays.reduce((a, b) => (b.p99Millis > a.p99Millis ? b : a))
    const growth = kept.length > 4 ? Math.max(...kept.slice(-2)) / Math.max(...kept.slice(1, 3)) : 1
    console.log(`calls: ${made} made, ${failed} failed; reloads ${reloads}; workers restarted ${restarts}`)
    console.log(`memory: x ${growth.toFixed(3)} from minute 3 to the end`)
    console.log(`longest stall of an event loop: ${(stallSeconds * 1000).toFixed(0)} ms`)
    const whole = summaryOf(ofAll)
    console.log(`all minutes: ${shown(whole)}`)
    console.log(`worst minute: ${shown(worst)}`)
    if (kamailio) console.log(`kamailio at the same rate: ${shown(kamailio)}`)
    if (values.json)
      writeFileSync(
        values.json,
        `${JSON.stringify({ rate, minutes, microsPerCall, made, failed, reloads, restarts, growth, megabytes, kept, stallSeconds, whole, delays, kamailio }, null, 2)}\n`,
      )
    const wrong = [
      failed > 0 && 'calls failed',
      growth > GROWTH && 'memory grew',
      worst.p99Millis > P99_MILLIS && `p99 of the added delay is above ${P99_MILLIS} ms in a minute`,
    ].filter((one) => one !== false)
    for (const why of wrong) console.log(`NOT MET: ${why}`)
    return wrong.length > 0 ? 1 : 0
  } finally {
    far.stop()
    await engine.stop()
  }
}

try {
  process.exitCode = await soak()
} finally {
  rmSync(folder, { recursive: true, force: true })
}
