// Owns the measuring of one route run: an INVITE into the isolate, its decisions, and out again. Run by hand:
// node --no-node-snapshot test/bench/route-run.ts [FILE]
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compileScript, loadProgram, type RunInput, type RunMeta } from '../../src/script/index.ts'
import { report } from './figures.ts'

const RUNS = 2_000
const ROUNDS = 60

const INVITE = [
  'INVITE sip:87000@127.0.0.1:5060 SIP/2.0',
  'Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK-1-0',
  'From: sipp <sip:sipp@127.0.0.1:5070>;tag=1',
  'To: <sip:87000@127.0.0.1:5060>',
  'Call-ID: 1-1@127.0.0.1',
  'CSeq: 1 INVITE',
  'Contact: sip:sipp@127.0.0.1:5070',
  'Max-Forwards: 70',
  'Subject: Performance Test',
  'Content-Type: application/sdp',
  'Content-Length: 129',
  '',
  'v=0\r\no=user1 53655765 2353687637 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n',
].join('\r\n')
const OK = INVITE.replace(/^.*\r\n/, 'SIP/2.0 200 OK\r\n').replace(
  'Via:',
  'Record-Route: <sip:127.0.0.1:5060;ftag=1;lr>\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKx\r\nVia:',
)

const TYPESCRIPT = `
import { insertHf, isMethod, mfProcessMaxfwdHeader, recordRouteAdvertised, removeHf, rewriteHostPortTrans, sanityCheck,
         hasBody, sdpRemoveLineByPrefix, subst, slSendReply, tOnReply, tRelay, hasTotag } from 'signalbox'
export function request_route() {
  if (!mfProcessMaxfwdHeader(10)) { slSendReply(483, 'Too Many Hops'); return }
  if (!sanityCheck(17895, 7)) return
  if (hasTotag()) return
  if (isMethod('INVITE')) {
    recordRouteAdvertised('127.0.0.1:5060')
    rewriteHostPortTrans('127.0.0.1:5080;transport=udp')
    removeHf('To')
    insertHf('To: <sip:87000@127.0.0.1:5080>\\r\\n')
    tOnReply('O365')
  }
  void tRelay()
}
export const onreply_route = { O365() {
  if (hasBody('application/sdp')) sdpRemoveLineByPrefix('c=IN IP4 25')
  subst('/^(Record-Route.*)25[.]25[.]25[.]5(.*)$/\\\\110.0.0.5\\\\2/g')
} }
`

const meta: RunMeta = {
  srcIp: '127.0.0.1',
  srcPort: 5070,
  dstIp: '127.0.0.1',
  dstPort: 5060,
  proto: 'udp',
  listener: { id: 1, address: '127.0.0.1', port: 5060 },
  transactionId: 0,
  transactionMatch: 0,
  branch: -1,
  messageNumber: 1,
}

let transactions = 0

async function measure(name: string, file: string): Promise<void> {
  const compiled = await compileScript(file)
  if (!compiled.ok) {
    process.stdout.write(`${name}: does not compile: ${compiled.diagnostics[0]?.message}\n`)
    return
  }
  const program = await loadProgram(compiled.script, { version: 1, host: { call: () => 1 as never } })
  const kinds: [string, Omit<RunInput, 'runId'>][] = [
    ['request', { kind: 'request', name: '', raw: INVITE, meta }],
    ['reply', { kind: 'reply', name: 'O365', raw: OK, meta: { ...meta, branch: 0 } }],
  ]
  for (const [what, input] of kinds) {
    const figures: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const started = process.cpuUsage()
      for (let run = 1; run <= RUNS; run++) {
        const transactionId = ++transactions
        void program.run({ ...input, runId: run, meta: { ...input.meta, transactionId } })
        program.releaseTransaction(transactionId)
      }
      const { user, system } = process.cpuUsage(started)
      figures.push((user + system) / RUNS)
    }
    figures.sort((a, b) => a - b)
    report({ group: 'route run', name: `${name} ${what}`, unit: 'us', value: figures[ROUNDS >> 1]!, best: figures[0]! })
  }
  program.release()
}

const folder = mkdtempSync(join(tmpdir(), 'signalbox-bench-'))
const given = process.argv[2]
const proxy = fileURLToPath(new URL('../../../shared/bench/proxy.cfg', import.meta.url))
const typescript = join(folder, 'proxy.ts')
writeFileSync(typescript, TYPESCRIPT)
if (given) await measure(given, given)
else {
  await measure('proxy.ts', typescript)
  if (existsSync(proxy)) await measure('proxy.cfg', proxy)
}
rmSync(folder, { recursive: true })
