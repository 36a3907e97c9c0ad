// Owns a batch of cases: one file with a route for each, run by both proxies at once, outcomes compared.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expand, type Outcome, type ParityCase, PROXY } from './case.ts'
import { nearTens, once, wholeTens } from './mask.ts'
import {
  type ProxyProcess,
  type Refusal,
  RefusedAtStart,
  refusedByKamailio,
  refusedBySignalbox,
  startKamailio,
  startSignalbox,
} from './proxies.ts'

const MODULES =
  'tm tmx sl rr pv xlog textops textopsx siputils corex kex maxfwd sanity sdpops ipops cfgutils avpops debugger regex usrloc registrar nathelper path auth'.split(
    ' ',
  )
const HEAD = `#!KAMAILIO
debug=0
log_stderror=yes
children=1
disable_tcp=yes
server_signature=no
sip_warning=0
auto_aliases=no
dns=no
rev_dns=no
listen=udp:${PROXY}
alias="my.example.com"
alias="other.example.com:5090"
mpath="/usr/lib/x86_64-linux-gnu/kamailio/modules/"
#!define DEFNUM 7
#!define DEFSTR "dstr"
#!define DEFTWO 2 + 3
#!define DEFEMPTY
#!substdef "/SUBME/subval/"
#!substdefs "/QSUBME/qval/"
flags named_flag:7, other_flag
shop.number = 42 desc "a number"
shop.text = "a text"
${MODULES.map((name) => `loadmodule "${name}.so"`).join('\n')}
modparam("xlog", "prefix", "")
modparam("tm", "fr_timer", 1500)
modparam("tm", "fr_inv_timer", 2500)
modparam("pv", "varset", "preset=i:12")
modparam("nathelper|registrar", "received_avp", "$avp(RECEIVED)")
`
const MAIN = `request_route {
  if ($ci == "ping") {
    if ($hdr(X-Last) != $null) xlog("L_ERR", "P|last|said|E\\n");
    sl_send_reply("200", "OK");
    exit;
  }
  if ($hdr(X-Case) == $null) exit;
  $var(case) = $hdr(X-Case);
  route($var(case));
  exit;
}
reply_route {
  switch ($hdr(X-Core)) {
    case "say": xlog("L_ERR", "P|$ci|core $rs [$avp(a)] $rm|E\\n"); break;
    case "exit": exit;
    case "drop": drop;
    case "return0": return 0;
    case "returnneg": return -1;
    case "edit": append_hf("X-Edit: $rs\\r\\n"); remove_hf("X-Core"); break;
  }
}
route[R5] { return 5; }
route[RNEG] { return -3; }
route[RTRUE] { return 1; }
route[RNONE] { is_method("NOTIFY"); }
`

export interface Compared {
  readonly name: string
  readonly parity: ParityCase
  readonly kamailio: Outcome
  readonly signalbox: Outcome
  readonly agrees: boolean
  /** Why one of them refused it. */
  readonly reasons: string
}

interface Part {
  readonly name: string
  readonly parity: ParityCase
  readonly text: string
}

const blocks = (part: Part) => part.text.split('\n').length

/** The file of these cases, and the line after the last of each. */
function fileOf(parts: readonly Part[], more: string): { text: string; ends: number[] } {
  const head = `${HEAD}${more}${MAIN}`
  let line = head.split('\n').length - 1
  const ends = parts.map((part) => {
    line += blocks(part)
    return line
  })
  return { text: `${head}${parts.map((part) => `${part.text}\n`).join('')}`, ends }
}

/** Parts of one file that is only checked: a parser that stops at the first error of a file is asked about few at a time. */
const CHECKED = 60
/** Checks at once. */
const CHECKERS = 2

type Check = (text: string) => Refusal[] | Promise<Refusal[]>

/** What `check` refuses of these parts; the names, with reasons. */
async function refusals(parts: readonly Part[], check: Check, more: string): Promise<Map<string, string>> {
  const refused = new Map<string, string>()
  const queue: Part[][] = []
  for (let from = 0; from < parts.length; from += CHECKED) queue.push(parts.slice(from, from + CHECKED))
  const checker = async () => {
    for (let few = queue.shift(); few !== undefined; few = queue.shift()) await refuse(few, check, more, refused)
  }
  await Promise.all(Array.from({ length: CHECKERS }, checker))
  return refused
}

/** Takes out of `parts` what `check` refuses until it refuses nothing. */
async function refuse(parts: readonly Part[], check: Check, more: string, refused: Map<string, string>): Promise<void> {
  for (;;) {
    const left = parts.filter((part) => !refused.has(part.name))
    const { text, ends } = fileOf(left, more)
    const found = await check(text)
    if (found.length === 0) return
    for (const { line, reason } of found) {
      const part = left[ends.findIndex((end) => line <= end)]
      if (part !== undefined && line > fileOf([], more).text.split('\n').length - 1)
        refused.set(part.name, refused.get(part.name) ?? reason)
    }
    if (!left.some((part) => refused.has(part.name)))
      throw new Error(`the head of the file is refused: ${JSON.stringify(found[0])}`)
  }
}

/** Cases at once, and the milliseconds between the first messages of two of them. */
const WIDTH = 64
const LANE_MILLIS = 3
/** How long the last word is waited for. */
const SAID_MILLIS = 20_000
const NOTHING: Outcome = { refused: true, said: [], replies: [], forwarded: [] }

async function outcomes(proxy: ProxyProcess, parts: readonly Part[], width: number): Promise<Map<string, Outcome>> {
  const raw = new Map<string, { replies: string[]; forwarded: string[] }>()
  const queue = [...parts]
  // One lane after the other, or their first messages together would be more than a socket keeps.
  const lane = async (_: unknown, number: number) => {
    await pause(number * LANE_MILLIS)
    for (let part = queue.shift(); part !== undefined; part = queue.shift()) {
      const { replies, forwarded } = await proxy.farEnd.run(part.parity, part.name)
      raw.set(part.name, { replies: replies.map(part.parity.tens ? wholeTens : nearTens), forwarded })
    }
  }
  await Promise.all(Array.from({ length: Math.min(width, parts.length) }, lane))
  if (await proxy.farEnd.hasRead(['X-Last: 1'], () => !proxy.alive()))
    // What was printed comes by another way than what was sent.
    for (let waited = 0; waited < SAID_MILLIS && !proxy.printed().includes('P|last|said|E'); waited += 50)
      await pause(50)
  const said = new Map<string, string[]>()
  for (const [, name, text] of proxy.printed().matchAll(/P\|(\w+)\|([\s\S]*?)\|E/g)) {
    const list = said.get(name!) ?? []
    // One entry of our log is one line: what breaks lines becomes a space there.
    const line = text!.replace(/[\r\n]/g, ' ')
    // Retransmissions come when they like, and reply_route sees each.
    if (!line.startsWith('core ') || !list.includes(line)) list.push(line)
    said.set(name!, list)
  }
  return new Map(
    [...raw].map(([name, { replies, forwarded }]) => {
      const seen = once(forwarded)
      const acks = seen.filter((text) => text.startsWith('ACK '))
      // An ACK races the next request of a serial search.
      return [
        name,
        {
          refused: false,
          said: said.get(name) ?? [],
          replies: once(replies),
          forwarded: [...seen.filter((text) => !text.startsWith('ACK ')), ...acks.sort()],
        },
      ]
    }),
  )
}

/** Starts Kamailio; what it refuses only then is taken out. */
async function startRefusals(
  folder: string,
  left: () => Part[],
  byThem: Map<string, string>,
  more: string,
): Promise<ProxyProcess> {
  for (;;) {
    const parts = left()
    const { text, ends } = fileOf(parts, more)
    try {
      return await startKamailio(folder, text)
    } catch (error) {
      if (!(error instanceof RefusedAtStart)) throw error
      const found = error.refusals.flatMap(({ line, reason }) => {
        const part = parts[ends.findIndex((end) => line <= end)]
        return part === undefined ? [] : [{ part, reason }]
      })
      if (found.length === 0) throw error
      for (const { part, reason } of found) byThem.set(part.name, reason)
    }
  }
}

/** Starts both with what neither refuses. */
async function startBoth(
  folder: string,
  left: () => Part[],
  byThem: Map<string, string>,
  more: string,
): Promise<ProxyProcess[]> {
  // Both at once; where Kamailio refuses more of it at its start, ours begins again without that.
  for (;;) {
    const parts = left()
    const started = await Promise.allSettled([
      startRefusals(folder, left, byThem, more),
      startSignalbox(folder, fileOf(parts, more).text),
    ])
    const running = started.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
    const failed = started.find((each) => each.status === 'rejected')
    if (failed === undefined && left().length === parts.length) return running
    await Promise.all(running.map((proxy) => proxy.stop()))
    if (failed !== undefined) throw failed.reason
  }
}

/** One of the two did not live to the end of a batch. */
export class Died extends Error {
  /** Kamailio, by a signal of the kernel: what one case left in its memory. */
  readonly crashed: boolean

  constructor(proxy: ProxyProcess) {
    super(`${proxy.title} died:\n${proxy.complaints().slice(-3000)}`)
    this.crashed = proxy.title === 'kamailio' && / exited by a signal (?:6|11)\b/.test(proxy.complaints())
  }
}

/** Runs these cases in both proxies. Throws {@link Died}. */
export async function runBatch(
  cases: readonly ParityCase[],
  options: { prefix: string; width?: number; more?: string },
): Promise<Compared[]> {
  const folder = mkdtempSync(join(tmpdir(), 'parity-'))
  const more = options.more ?? ''
  const proxies: ProxyProcess[] = []
  try {
    const parts = cases.map((parity, i): Part => {
      const name = `${options.prefix}${i}`
      return {
        name,
        parity,
        text: `route[${name}] {\n${expand(parity.route, name)}\n;}\n${expand(parity.blocks ?? '', name)}`,
      }
    })
    const [byThem, byUs] = await Promise.all([
      refusals(parts, (text) => refusedByKamailio(folder, text), more),
      refusals(parts, refusedBySignalbox, more),
    ])
    // What only we refuse may be refused by Kamailio when it starts.
    const doubtful = () => parts.filter((part) => byUs.has(part.name) && !byThem.has(part.name))
    if (doubtful().length > 0) await (await startRefusals(folder, doubtful, byThem, more)).stop()
    const left = () => parts.filter((part) => !byThem.has(part.name) && !byUs.has(part.name))
    const first = await startBoth(folder, left, byThem, more)
    proxies.push(...first)
    const runnable = left()
    const [theirs, ours] = await Promise.all(proxies.map((proxy) => outcomes(proxy, runnable, options.width ?? WIDTH)))
    for (const proxy of proxies) if (!proxy.alive()) throw new Died(proxy)
    if (process.env.PARITY_TRACE) process.stderr.write(proxies.map((proxy) => proxy.complaints()).join('\n'))
    return parts.map(({ name, parity }): Compared => {
      const kamailio = byThem.has(name) ? NOTHING : (theirs!.get(name) ?? { ...NOTHING, refused: false })
      const signalbox = byUs.has(name) ? NOTHING : (ours!.get(name) ?? { ...NOTHING, refused: false })
      const refused = byThem.has(name) || byUs.has(name)
      return {
        name,
        parity,
        kamailio,
        signalbox,
        agrees: refused ? byThem.has(name) === byUs.has(name) : JSON.stringify(kamailio) === JSON.stringify(signalbox),
        reasons: [byThem.get(name) && `kamailio: ${byThem.get(name)}`, byUs.get(name) && `signalbox: ${byUs.get(name)}`]
          .filter(Boolean)
          .join('\n'),
      }
    })
  } finally {
    await Promise.all(proxies.map((proxy) => proxy.stop()))
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Of two long lists, what stands around the first place where they differ. */
const AROUND = 12

/** A difference as a person reads it: what came of it in both, line by line where they differ. */
export function explain(compared: Compared): string {
  const { kamailio, signalbox, parity } = compared
  const parts = [`case ${compared.name}: ${parity.title}`, parity.route.trim(), parity.blocks ?? '']
  if (parity.answers !== undefined) parts.push(`  answers: ${JSON.stringify(parity.answers)}`)
  parts.push(compared.reasons)
  for (const key of ['said', 'replies', 'forwarded'] as const) {
    if (compared.reasons !== '' || JSON.stringify(kamailio[key]) === JSON.stringify(signalbox[key])) continue
    const same = kamailio[key].findIndex((text, i) => text !== signalbox[key][i])
    const from = Math.max(0, (same < 0 ? kamailio[key].length : same) - AROUND)
    for (const proxy of ['kamailio', 'signalbox'] as const) {
      const list = compared[proxy][key]
      const shown = list.slice(from, from + 2 * AROUND).map((text) => `    ${JSON.stringify(text)}`)
      parts.push(`  ${key}, ${proxy}, ${list.length} in all${from > 0 ? `, from ${from}` : ''}:`, ...shown)
    }
  }
  return parts.filter((part) => part !== '').join('\n')
}
