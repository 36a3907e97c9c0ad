// Owns the comparison on stateless work: OPTIONS answered by sl_send_reply, processor time of one beside Kamailio's on the same file.
// usage: node test/bench/stateless.ts [RATE] [SECONDS] [ROUNDS]; ports 5060 and 5090 of 127.0.0.1 must be free.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { median, report } from './figures.ts'
import { ProxyProcess, treeMicros } from './proxy-process.ts'

const CFG = `#!KAMAILIO
debug=0
log_stderror=yes
fork=yes
children=2
disable_tcp=yes
auto_aliases=no
listen=udp:127.0.0.1:5060
mpath="/usr/lib/x86_64-linux-gnu/kamailio/modules/"
loadmodule "sl.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
request_route {
    if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
    if (is_method("OPTIONS")) { sl_send_reply("200", "OK"); exit; }
    sl_send_reply("405", "Method Not Allowed");
}
`
const SCENARIO = `<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="options">
<send retrans="500"><![CDATA[
OPTIONS sip:[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:probe@[local_ip]:[local_port]>;tag=[pid]o[call_number]
To: <sip:[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 OPTIONS
Max-Forwards: 70
Contact: <sip:probe@[local_ip]:[local_port]>
Content-Length: 0

]]></send>
<recv response="200"></recv>
</scenario>
`

const [rate = 2000, seconds = 5, rounds = 3] = process.argv.slice(2).map(Number)
const root = new URL('../..', import.meta.url).pathname
const folder = mkdtempSync(join(tmpdir(), 'signalbox-stateless-'))
const cfg = join(folder, 'options.cfg')
const scenario = join(folder, 'options.xml')
writeFileSync(cfg, CFG)
writeFileSync(scenario, SCENARIO)

const sides = {
  kamailio: ['kamailio', '-f', cfg, '-DD', '-E', '-m', '512', '-M', '32'],
  signalbox: [process.execPath, '--no-node-snapshot', join(root, 'bin/signalbox.mjs'), 'run', cfg],
}

function send(count: number): void {
  const args = ['-sf', scenario, '-i', '127.0.0.1', '-p', '5090', '127.0.0.1:5060', '-r', `${rate}`, '-m', `${count}`]
  const { status } = spawnSync('sipp', [...args, '-nostdin', '-timeout', '60'], { stdio: 'ignore' })
  if (status !== 0) throw new Error(`sipp ended with ${status}`)
}

const figures: Record<string, number[]> = { kamailio: [], signalbox: [] }
try {
  for (let round = 0; round < rounds; round++) {
    for (const [name, command] of Object.entries(sides)) {
      const proxy = await ProxyProcess.start(command, 5060)
      try {
        send(1000)
        const before = treeMicros(proxy.child.pid!)
        send(rate * seconds)
        figures[name]!.push((treeMicros(proxy.child.pid!) - before) / (rate * seconds))
      } finally {
        await proxy.stop()
      }
    }
  }
} finally {
  rmSync(folder, { recursive: true })
}
report({
  group: 'stateless',
  name: `OPTIONS answered by sl_send_reply, ${rate} a second`,
  unit: 'us',
  value: median(figures.signalbox!),
  peer: { name: 'Kamailio', value: median(figures.kamailio!) },
})
