// Owns the comparison over TCP and TLS: processor time of one call through signalbox and through Kamailio, on the same routing file.
// usage: node test/bench/streams/index.ts [--rate N] [--seconds N] [--rounds N] [--transport tcp|tls|both] [--only signalbox|kamailio]
//          [--callers N] [--connections N] [--quota SHARE] [--json FILE] [-- OPTIONS of signalbox run]
//        node test/bench/streams/index.ts --transport border: TCP in and TLS out, with the embedded relay between RTP and SRTP beside without.
// Run it where port 5060 and 5080 of 127.0.0.1 are free: unshare -n sh -c 'ip link set lo up; exec "$0" "$@"' node ...
import { fork } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createAuthority } from '../../../src/testkit/certificates.ts'
import { limitedGroup } from '../limited-group.ts'
import { ProxyProcess, processTree, treeMegabytes, treeMicros } from '../proxy-process.ts'
import type { AnswerOrder, CallOrder, CallReport } from './far-ends.ts'

const root = new URL('../../..', import.meta.url).pathname
const FAR_ENDS = new URL('./far-ends.ts', import.meta.url)
const ADDRESS = '127.0.0.1'
const RELAY = ['--interface', 'inside/127.0.0.1', '--interface', 'outside/127.0.0.2']

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rate: { type: 'string', default: '400' },
    seconds: { type: 'string', default: '8' },
    rounds: { type: 'string', default: '2' },
    transport: { type: 'string', default: 'both' },
    only: { type: 'string' },
    callers: { type: 'string', default: '1' },
    connections: { type: 'string', default: '4' },
    cfg: { type: 'string', default: join(root, '../shared/bench/proxy.cfg') },
    json: { type: 'string' },
    /** Share of a processor that the proxy gets; needs a cgroup that may be made. */
    quota: { type: 'string' },
  },
})
const rate = Number(values.rate)
const seconds = Number(values.seconds)
const callers = Number(values.callers)

/** `border`: TCP from the caller, TLS to whoever answers. */
type Transport = 'tcp' | 'tls' | 'border'
/** `media`: signalbox with rtpengine_manage both ways on its embedded relay. */
type Side = 'kamailio' | 'signalbox' | 'media'

/** One run of one proxy. */
interface Run {
  readonly transport: Transport
  readonly side: Side
  readonly microsPerCall: number
  readonly completed: number
  readonly failed: number
  readonly refused: number
  readonly setupMillis: readonly [number, number]
  readonly megabytes: number
}

const folder = mkdtempSync(join(tmpdir(), 'signalbox-streams-'))
const authority = await createAuthority()
const { cert, key } = await authority.issue({ commonName: 'localhost', names: ['localhost', ADDRESS] })
for (const [name, text] of Object.entries({ cert, key, ca: authority.cert })) writeFileSync(join(folder, name), text)

/** The same job with streams on both sides. */
const callerTransport = (transport: Transport): 'tcp' | 'tls' => (transport === 'border' ? 'tcp' : transport)
const answerTransport = (transport: Transport): 'tcp' | 'tls' => (transport === 'border' ? 'tls' : transport)

function routingFile(transport: Transport, side: Side): string {
  const [inside, outside] = [callerTransport(transport), answerTransport(transport)]
  let text = readFileSync(values.cfg, 'utf8')
    .replace('disable_tcp=yes', 'tcp_children=2')
    .replace('listen=udp:127.0.0.1:5060', `listen=${inside}:127.0.0.1:5060`)
    .replace('transport=udp', `transport=${outside}`)
  if (transport === 'border') text = text.replace('listen=', 'listen=tls:127.0.0.1:5061\nlisten=')
  if (side === 'media')
    text = text
      .replace('loadmodule "tm.so"', 'loadmodule "rtpengine.so"\nloadmodule "tm.so"')
      .replace(
        'remove_hf("To")',
        'rtpengine_manage("SRTP DTLS=off ICE=remove SDES-only-AES_CM_128_HMAC_SHA1_80 direction=inside direction=outside");\n        remove_hf("To")',
      )
      .replace(
        'if (has_body("application/sdp")) sdp',
        'if (has_body("application/sdp")) rtpengine_manage("RTP DTLS=off ICE=remove direction=outside direction=inside");\n    if (has_body("application/sdp")) sdp',
      )
  if (outside === 'tls') {
    text = text
      .replace('tcp_children=2', 'tcp_children=2\nenable_tls=yes')
      .replace(
        'loadmodule "tm.so"',
        `loadmodule "tls.so"\nmodparam("tls", "config", "${join(folder, 'tls.cfg')}")\nloadmodule "tm.so"`,
      )
    const files = `certificate = ${join(folder, 'cert')}\nprivate_key = ${join(folder, 'key')}\nca_list = ${join(folder, 'ca')}`
    const common = `method = TLSv1.2+\nverify_certificate = no\nrequire_certificate = no\n${files}\n`
    writeFileSync(join(folder, 'tls.cfg'), `[server:default]\n${common}\n[client:default]\n${common}`)
  }
  const file = join(folder, `proxy-${transport}-${side}.cfg`)
  writeFileSync(file, text)
  return file
}

function caller(order: CallOrder): Promise<CallReport> {
  return new Promise((resolve, reject) => {
    const child = fork(FAR_ENDS, ['call', JSON.stringify(order)])
    child.once('message', (report) => resolve(report as CallReport))
    child.once('exit', (code) => reject(new Error(`a caller ended with ${code}`)))
  })
}

async function callAll(transport: Transport, calls: number, atRate: number): Promise<CallReport[]> {
  const order: CallOrder = {
    transport: callerTransport(transport),
    address: ADDRESS,
    port: 5060,
    ca: authority.cert,
    connections: Number(values.connections),
    rate: atRate / callers,
    calls: Math.ceil(calls / callers),
    holdMillis: 200,
    patienceMillis: 10_000,
  }
  return await Promise.all(Array.from({ length: callers }, () => caller(order)))
}

async function run(transport: Transport, side: Side): Promise<Run> {
  const file = routingFile(transport, side)
  const command =
    side === 'kamailio'
      ? ['kamailio', '-f', file, '-DD', '-E', '-m', '512', '-M', '32']
      : [
          process.execPath,
          '--no-node-snapshot',
          join(root, 'bin/signalbox.mjs'),
          'run',
          file,
          '--log-level',
          'warn',
          ...(side === 'media' ? RELAY : []),
          ...positionals,
        ]
  const media = side === 'media' ? ('srtp' as const) : ('rtp' as const)
  const order: AnswerOrder = { transport: answerTransport(transport), media, address: ADDRESS, port: 5080, key, cert }
  const answering = fork(FAR_ENDS, ['answer', JSON.stringify(order)])
  await new Promise((resolve) => answering.once('message', resolve))
  const proxy = await ProxyProcess.start(command, 5060)
  const group = values.quota ? limitedGroup() : undefined
  try {
    await callAll(transport, 400, 200)
    if (group) {
      group.join(processTree(proxy.pid))
      group.limit(Number(values.quota))
    }
    const before = treeMicros(proxy.pid)
    const reports = await callAll(transport, rate * seconds, rate)
    const micros = treeMicros(proxy.pid) - before
    const sum = (pick: (report: CallReport) => number) => reports.reduce((total, report) => total + pick(report), 0)
    const completed = sum((report) => report.completed)
    return {
      transport,
      side,
      microsPerCall: Math.round(micros / completed),
      completed,
      failed: sum((report) => report.failed),
      refused: sum((report) => report.refused),
      setupMillis: [Math.max(...reports.map((r) => r.setup[0])), Math.max(...reports.map((r) => r.setup[1]))],
      megabytes: Math.round(treeMegabytes(proxy.pid)),
    }
  } finally {
    group?.limit(4)
    await proxy.stop()
    group?.remove()
    answering.kill()
  }
}

const transports: Transport[] = values.transport === 'both' ? ['tcp', 'tls'] : [values.transport as Transport]
const sides: Side[] = values.only
  ? [values.only as Side]
  : values.transport === 'border'
    ? ['signalbox', 'media']
    : ['kamailio', 'signalbox']
const runs: Run[] = []
try {
  for (let round = 1; round <= Number(values.rounds); round++) {
    for (const transport of transports) {
      for (const side of sides) {
        const one = await run(transport, side)
        runs.push(one)
        console.log(
          `round ${round} ${transport} ${side.padEnd(9)} ${String(one.microsPerCall).padStart(6)} us CPU/call  completed ${one.completed} failed ${one.failed} refused ${one.refused}  set-up ${one.setupMillis.join('/')} ms (median/p99)  ${one.megabytes} MB`,
        )
      }
    }
  }
  const median = (transport: Transport, side: Side) => {
    const all = runs.filter((one) => one.transport === transport && one.side === side).map((one) => one.microsPerCall)
    return all.sort((a, b) => a - b)[all.length >> 1]
  }
  for (const transport of transports) {
    const [ours, theirs, media] = (['signalbox', 'kamailio', 'media'] as const).map((side) => median(transport, side))
    if (ours !== undefined && media !== undefined)
      console.log(`${transport}: with media ${media} us, without ${ours} us, ratio ${(media / ours).toFixed(2)}`)
    if (ours !== undefined && theirs !== undefined)
      console.log(`${transport}: signalbox ${ours} us, kamailio ${theirs} us, ratio ${(ours / theirs).toFixed(2)}`)
  }
  if (values.json) writeFileSync(values.json, `${JSON.stringify({ rate, seconds, runs }, null, 2)}\n`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
