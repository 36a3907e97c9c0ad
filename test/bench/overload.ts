// Owns the proof of overload control: the engine under a quota of processor time, offered more than it can hold.
// usage: node test/bench/overload.ts [--quota 0.25] [--times 1,2,3] [--seconds 20] [--workers N] [--json FILE]
// Needs Debian's sipp and a cgroup that may be made (version 1 or 2). Run it in a network namespace of its own:
//   unshare -n sh -c 'ip link set lo up; exec node test/bench/overload.ts'
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { limitedGroup } from './limited-group.ts'
import { ProxyProcess, processTree, treeMicros } from './proxy-process.ts'

const root = new URL('../..', import.meta.url).pathname
const { values } = parseArgs({
  options: {
    quota: { type: 'string', default: '0.25' },
    times: { type: 'string', default: '1,2,3' },
    seconds: { type: 'string', default: '20' },
    workers: { type: 'string', default: '1' },
    bench: { type: 'string', default: join(root, '../shared/bench') },
    json: { type: 'string' },
  },
})
/** Under a quota the engine sends what piled up in one go: that a far end loses some of it must not be the limit. */
const FAR_BUFFERS = ['-buff_size', '4194304']
/** How many times more than a call's cost promises is offered to find what can be held, and for how long. */
const PLENTY = 5
const PLENTY_SECONDS = 20
const METRICS = '127.0.0.1:9791'
const folder = mkdtempSync(join(tmpdir(), 'signalbox-overload-'))

/** The scenario of the benchmark, in which 503 is an end in order that is counted, and only the answer to BYE ends a call. */
function scenario(): string {
  const text = readFileSync(join(values.bench, 'uac.xml'), 'utf8')
  const acknowledge = `<send next="over"><![CDATA[

ACK sip:87000@[remote_ip]:[remote_port] SIP/2.0
[last_Via:]
From: "10048 - Armstrong, Clint" <sip:10048@[local_ip]:[local_port]>;tag=[pid]a[call_number]
[last_To:]
Call-ID: [call_id]
CSeq: 101 ACK
Max-Forwards: 70
Content-Length: 0

]]></send>`
  const file = join(folder, 'uac.xml')
  writeFileSync(
    file,
    text
      .replace(
        '<recv response="200" rtd',
        '<recv response="503" optional="true" next="refused" counter="1"/>\n  <recv response="200" rtd',
      )
      .replace('<send retrans="500"><![CDATA[\n\nBYE', '<send retrans="500" start_txn="bye"><![CDATA[\n\nBYE')
      .replace(
        '<recv response="200" crlf="true"/>',
        '<recv response="200" crlf="true" response_txn="bye" next="over"/>',
      )
      .replace('</scenario>', `<label id="refused"/>\n${acknowledge}\n<label id="over"/>\n</scenario>`),
  )
  return file
}

interface Outcome {
  readonly rate: number
  readonly offered: number
  readonly refused: number
  readonly completed: number
  /** Accepted and not completed. */
  readonly broken: number
  /** Completed calls a second. */
  readonly goodput: number
  readonly retransmissions: number
}

async function call(uac: string, rate: number, calls: number): Promise<Outcome> {
  const statistics = join(folder, `stat-${rate}-${calls}.csv`)
  const args = [
    '-sf',
    uac,
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
    '-nostdin',
    ...FAR_BUFFERS,
  ]
  const run = ['-r', String(rate), '-m', String(calls), '-timeout', String(Math.ceil(calls / rate) + 50)]
  const sipp = spawn('sipp', [...args, ...run, '-trace_stat', '-stf', statistics, '-fd', '1'], { stdio: 'ignore' })
  const began = performance.now()
  // A call that waits for what never comes keeps sipp for ever, whatever its own time-out says.
  const late = setTimeout(() => sipp.kill('SIGKILL'), (calls / rate + 90) * 1000)
  await new Promise((resolve) => sipp.once('exit', resolve))
  clearTimeout(late)
  const seconds = Math.min((performance.now() - began) / 1000, calls / rate)
  const [names = '', ...rows] = readFileSync(statistics, 'utf8').trim().split('\n')
  const last = rows.at(-1)?.split(';') ?? []
  const column = (name: string) => Number(last[names.split(';').indexOf(name)] ?? Number.NaN)
  const refused = column('GenericCounter1(C)') || column('GenericCounter(C)') || 0
  const successful = column('SuccessfulCall(C)')
  const completed = successful - refused
  return {
    rate,
    offered: calls,
    refused,
    completed,
    broken: calls - successful,
    goodput: Math.round(completed / seconds),
    retransmissions: column('Retransmissions(C)'),
  }
}

const group = limitedGroup()
const uas = [
  '-sf',
  join(values.bench, 'uas.xml'),
  '-i',
  '127.0.0.1',
  '-p',
  '5080',
  '-t',
  'u1',
  '-nostdin',
  ...FAR_BUFFERS,
]
const far = spawn('sipp', uas, { stdio: 'ignore' })
const script = join(values.bench, 'proxy.cfg')
const engine = await ProxyProcess.start(
  [
    ...[process.execPath, '--no-node-snapshot', join(root, 'bin/signalbox.mjs'), 'run', script],
    ...['--log-level', 'warn', '--metrics', METRICS, '--workers', values.workers],
  ],
  5060,
)
const outcomes: Outcome[] = []
try {
  const uac = scenario()
  await call(uac, 250, 4000)
  const before = treeMicros(engine.pid)
  await call(uac, 250, 2000)
  const microsPerCall = (treeMicros(engine.pid) - before) / 2000
  const quota = Number(values.quota)
  group.join(processTree(engine.pid))
  group.limit(quota)
  // A call costs less the more there are: what can be held shows where far more is offered.
  const plenty = Math.ceil((PLENTY * quota * 1e6) / microsPerCall)
  const { goodput: sustainable, broken } = await call(uac, plenty, plenty * PLENTY_SECONDS)
  console.log(
    `with ${quota} of a processor ${sustainable} calls a second are completed where ${plenty} are offered (${broken} broke)`,
  )
  for (const times of values.times.split(',').map(Number)) {
    const rate = Math.max(1, Math.round(sustainable * times))
    const outcome = await call(uac, rate, rate * Number(values.seconds))
    outcomes.push(outcome)
    const share = ((100 * outcome.completed) / Math.max(1, outcome.completed + outcome.broken)).toFixed(2)
    console.log(
      `x ${times} (${rate} cps): completed ${outcome.completed} (${outcome.goodput} a second), refused ${outcome.refused}, broken ${outcome.broken}: ${share} % of the accepted completed; retransmissions ${outcome.retransmissions}`,
    )
  }
  const text = await (await fetch(`http://${METRICS}/metrics`)).text()
  console.log(text.match(/^signalbox_(requests_refused|overload|queue|event_loop|datagrams)\S* \S+$/gm)?.join('\n'))
  if (values.json)
    writeFileSync(values.json, `${JSON.stringify({ quota, microsPerCall, sustainable, outcomes }, null, 2)}\n`)
} finally {
  group.limit(4)
  far.kill()
  await engine.stop()
  group.remove()
  rmSync(folder, { recursive: true, force: true })
}
