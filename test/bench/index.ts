// Owns `npm run bench`: all benchmarks, each in a process of its own, each peer beside ours in the same run; figures to docs/performance.json, then the page.
// usage: node test/bench/index.ts [--only micro|macro] [--rates 200,800,1500] [--seconds S] [--rounds N] [--stateless RATE]
// The macro part runs in a network namespace of its own where the system allows one.
import { fork, spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { writePage } from './document.ts'
import { type Figure, report } from './figures.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const SHARED = fileURLToPath(new URL('../../../shared/bench', import.meta.url))
const RESULTS = fileURLToPath(new URL('../../docs/performance.json', import.meta.url))

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    rates: { type: 'string', default: '200,800,1500' },
    seconds: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '3' },
    stateless: { type: 'string', default: '2000' },
    help: { type: 'boolean', short: 'h' },
  },
})
if (values.help) {
  process.stdout.write(
    'usage: npm run bench -- [--only micro|macro] [--rates 200,800,1500] [--seconds S] [--rounds N] [--stateless RATE]\n',
  )
  process.exit(0)
}
const rounds = Number(values.rounds)
const seconds = Number(values.seconds)

const MICRO: readonly (readonly string[])[] = [
  ['sip.bench.ts'],
  ['route-run.ts'],
  ['transaction.bench.ts'],
  ['call.bench.ts'],
  ['call.bench.ts', '', '30', '0', '12'],
  ['dialogs.bench.ts'],
  ['reload.bench.ts'],
]

const figures: Figure[] = []

/** Runs one of the scripts here and takes its figures. */
function bench(script: string, args: readonly string[]): Promise<void> {
  process.stdout.write(`-- ${script} ${args.join(' ')}\n`)
  return new Promise((resolve) => {
    const child = fork(new URL(script, import.meta.url), args, { execArgv: ['--no-node-snapshot', '--expose-gc'] })
    child.on('message', (figure) => figures.push(figure as Figure))
    child.on('exit', (code) => {
      if (code !== 0) process.stdout.write(`${script} ended with ${code}: its figures are missing\n`)
      resolve()
    })
  })
}

/** Runs one of the two of ../shared/bench and reads the line that compares. */
function compared(script: string, args: readonly string[], group: string, name: string, unit: string): Promise<void> {
  const command = ['python3', `${SHARED}/${script}`, ...args]
  process.stdout.write(`-- ${command.join(' ')}\n`)
  return new Promise((resolve) => {
    const child = spawn(command[0]!, command.slice(1), { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] })
    let text = ''
    child.stdout.on('data', (chunk) => {
      text += chunk
      process.stdout.write(chunk)
    })
    child.on('close', () => {
      const found = /engine ([\d.]+) us, (\w+) ([\d.]+) us, ratio/.exec(text)
      if (found) {
        const peer = { name: found[2]!, value: Number(found[3]) }
        const figure: Figure = { group, name, unit, value: Number(found[1]), peer }
        figures.push(figure)
        report(figure)
      } else process.stdout.write(`${script} compared nothing: its figure is missing\n`)
      resolve()
    })
  })
}

async function micro(): Promise<void> {
  for (const [script, ...args] of MICRO) await bench(script!, args)
}

async function macro(): Promise<void> {
  if (!existsSync(SHARED)) {
    process.stdout.write(`the macro part is left out: there is no ${SHARED}\n`)
    return
  }
  const times = ['--seconds', `${seconds}`, '--rounds', `${rounds}`]
  const run = ['--', 'npx', 'signalbox', 'run', '{cfg}']
  for (const transport of ['u1', 't1'])
    for (const rate of values.rates.split(',')) {
      const args = ['--rate', rate, '--transport', transport, ...times, ...run]
      const name = `${transport === 'u1' ? 'UDP' : 'TCP'}, ${rate} calls a second`
      await compared('signalling.py', args, 'signalling', name, 'us')
    }
  await bench('stateless.ts', [values.stateless, `${seconds}`, `${rounds}`])
  const relay =
    'npx signalbox relay --listen-ng=127.0.0.1:22222 --interface=127.0.0.1 --port-min=40000 --port-max=59000'
  for (const mode of ['rtp', 'srtp'])
    await compared(
      'media.py',
      ['--mode', mode, ...times, '--', ...relay.split(' ')],
      'media',
      `${mode}, 200 calls`,
      'us',
    )
}

/** The same command in a namespace whose ports are free; undefined where the system allows none. */
function inNamespace(): Promise<boolean> {
  const again = [process.execPath, fileURLToPath(import.meta.url), ...process.argv.slice(2)]
  const child = spawn('unshare', ['-n', 'sh', '-c', 'ip link set lo up && exec "$0" "$@"', ...again], {
    stdio: 'inherit',
    env: { ...process.env, BENCH_NAMESPACE: '1' },
  })
  return new Promise((resolve) => {
    child.on('error', () => resolve(false))
    child.on('exit', (code) => resolve(code === 0))
  })
}

if (!process.env.BENCH_NAMESPACE && (await inNamespace())) process.exit(0)
if (values.only !== 'macro') await micro()
if (values.only !== 'micro') await macro()
const before = existsSync(RESULTS) ? (JSON.parse(readFileSync(RESULTS, 'utf8')) as { figures: Figure[] }).figures : []
const measured = new Set(figures.map(({ group }) => group))
const results = {
  date: new Date().toISOString().slice(0, 10),
  processor: `${cpus()[0]?.model.trim()}, ${cpus().length} cores`,
  node: process.version,
  // Groups that were left out this time keep their figures.
  figures: [...before.filter(({ group }) => !measured.has(group)), ...figures],
}
writeFileSync(RESULTS, `${JSON.stringify(results, null, 2)}\n`)
writePage(results)
