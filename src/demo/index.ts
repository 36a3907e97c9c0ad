// Owns the demo: certificates, a call manager, Office 365 as Microsoft runs it, one call between them through
// routes/o365.ts with audio both ways, and then each of Microsoft's rules broken in turn.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { CallManager, type CertificateAuthority, createAuthority, Office365FarEnd } from '../testkit/index.ts'
import { EngineProcess, type LogLine } from './engine-process.ts'
import { Ladder } from './ladder.ts'

const ROUTE = fileURLToPath(new URL('../../routes/o365.ts', import.meta.url))
const GUID = 'df6b236d-056d-416a-8f5f-f2e8e1a0238d'
const HOST = `${GUID}.um.outlook.com`
const GATEWAY = 'sbc.example.com'
const INSIDE = '127.0.25.5'
const OUTSIDE = '127.0.25.25'
const CALL_MANAGER = '127.0.25.6'
const OFFICE_365 = '127.0.25.124'
const TALK_MILLIS = 3000
const ICE_LINES =
  'a=ice-ufrag:F7gI\r\na=ice-pwd:x9cml/YzichV2+XlhiMu8g\r\na=candidate:1 1 UDP 2130706431 127.0.25.6 24580 typ host\r\n'

/** One rule broken on purpose: how, and what Microsoft answers. */
interface Break {
  readonly title: string
  readonly rule: string
  readonly status: number
  /** Changes the script; the engine reloads it when it is saved. */
  readonly edit?: (script: string) => string
  readonly certificate?: 'wildcard'
  readonly extraSdp?: string
}

const BREAKS: readonly Break[] = [
  { title: 'a wildcard certificate', rule: 'U01', status: 403, certificate: 'wildcard' },
  {
    title: 'the To header left as it came',
    rule: 'U02',
    status: 488,
    edit: (script) => script.replace(/^ *removeHf\('To'\)\n *insertHf\(.*\n/m, ''),
  },
  {
    title: 'no SRTP offered',
    rule: 'U03',
    status: 488,
    edit: (script) => script.replace("'SRTP DTLS=off", "'RTP DTLS=off"),
  },
  {
    title: 'rtcp-mux offered',
    rule: 'U04',
    status: 488,
    edit: (script) => script.replace('ICE=remove rtcp-mux-demux', 'ICE=remove rtcp-mux-offer'),
    extraSdp: 'a=rtcp-mux\r\n',
  },
  {
    title: 'ICE left in',
    rule: 'U05',
    status: 488,
    // The relay takes ICE out whatever the flags say, for it would lead around it; so the script puts it back.
    edit: (script) =>
      script
        .replace('  xlog,\n', '  xlog,\n  msgApplyChanges,\n  substBody,\n')
        .replace(
          /^ *recordRouteAdvertised\(/m,
          "  msgApplyChanges()\n  substBody('/^(a=ptime:20)/a=ice-ufrag:F7gI\\r\\n\\\\1/')\n$&",
        ),
    extraSdp: ICE_LINES,
  },
]

function say(text = ''): void {
  process.stdout.write(`${text}\n`)
}

function verdict(good: boolean): string {
  return good ? 'ok  ' : 'FAIL'
}

class Demo {
  readonly #folder: string
  readonly #authority: CertificateAuthority
  readonly #farEnd: Office365FarEnd
  readonly #ladder = new Ladder()
  #failures = 0

  constructor(folder: string, authority: CertificateAuthority, farEnd: Office365FarEnd) {
    this.#folder = folder
    this.#authority = authority
    this.#farEnd = farEnd
    farEnd.onTrace = (direction, wire) => this.#ladder.add('outside', direction === 'in', wire)
  }

  get failures(): number {
    return this.#failures
  }

  #check(good: boolean, text: string): void {
    if (!good) this.#failures++
    say(`  ${verdict(good)} ${text}`)
  }

  async certificates(commonName: string): Promise<void> {
    const pair = await this.#authority.issue({ commonName })
    await writeFile(join(this.#folder, 'key.pem'), pair.key, { mode: 0o600 })
    await writeFile(join(this.#folder, 'cert.pem'), pair.cert)
  }

  async start(script: string): Promise<EngineProcess> {
    const engine = new EngineProcess([script], {
      O365_GUID: GUID,
      O365_ADDRESS: OFFICE_365,
      INSIDE_ADDRESS: INSIDE,
      OUTSIDE_ADDRESS: OUTSIDE,
      OUTSIDE_ADVERTISED: OUTSIDE,
      INSIDE_NETWORKS: '127.0.25.0/24',
      CERTIFICATES: this.#folder,
    })
    try {
      await engine.line((line) => line.event === 'ready', 'it was ready')
    } catch (error) {
      await engine.stop()
      throw error
    }
    return engine
  }

  async callManager(): Promise<CallManager> {
    const manager = new CallManager({
      border: { address: INSIDE, port: 5060 },
      address: CALL_MANAGER,
      target: 'sbc-o365.example.com',
    })
    manager.onTrace = (direction, wire) => this.#ladder.add('inside', direction === 'out', wire)
    await manager.open()
    return manager
  }

  /** The main job: one call, heard on both sides, and hung up. */
  async goodCall(engine: EngineProcess): Promise<void> {
    const manager = await this.callManager()
    try {
      const call = await manager.call()
      if (call.final.status === 200) await delay(TALK_MILLIS)
      const office = this.#farEnd.call(call.callId)
      const bye = call.final.status === 200 ? await manager.hangUp(call) : 0
      say(`\nThe call, both legs:\n\n${this.#ladder.take()}\n`)
      say('What Office 365 checked:')
      for (const finding of office?.findings ?? [])
        this.#check(finding.kept, `${finding.rule.padEnd(16)} ${finding.saw}`)
      if (!office) this.#check(false, 'no INVITE arrived')
      const theirs = this.#farEnd.audio(call.callId)
      const ours = call.audio.report()
      say('\nWhat was heard:')
      this.#check(
        ours.tone === 1000 && ours.refused === 0,
        `call manager   sent ${ours.sent} RTP packets of 440 Hz, heard ${ours.received} of ${ours.tone ?? 'no'} Hz`,
      )
      this.#check(
        theirs?.tone === 440 && theirs.refused === 0,
        `Office 365     sent ${theirs?.sent ?? 0} SRTP packets of 1000 Hz, heard ${theirs?.received ?? 0} of ${theirs?.tone ?? 'no'} Hz, ${theirs?.refused ?? 0} refused`,
      )
      this.#check(bye === 200, `hung up: ${bye || 'never'}`)
      const line = await engine.line(
        (entry) => entry.event === 'call' && entry.callId === call.callId,
        'the line of the call',
      )
      say('\nWhat the relay counted, as the line says that the call leaves in the log:')
      for (const text of mediaCounters(line)) say(`  ${text}`)
      call.audio.close()
      office?.audio?.close()
    } finally {
      manager.close()
    }
  }

  /** Each rule broken in turn, on a running engine: the script or the certificate is saved, a call is refused, and all is mended. */
  async brokenCalls(): Promise<void> {
    const script = join(this.#folder, 'o365.ts')
    const good = await readFile(ROUTE, 'utf8')
    await writeFile(script, good)
    const engine = await this.start(script)
    const manager = await this.callManager()
    try {
      say('\nEach rule broken in turn, by saving the script or the certificate under the running engine:')
      for (const broken of BREAKS) await this.#brokenCall(engine, manager, script, good, broken)
      const call = await manager.call()
      this.#check(call.final.status === 200, `mended again: ${call.final.status} ${call.final.reason}`)
      if (call.final.status === 200) await manager.hangUp(call)
      call.audio.close()
      this.#farEnd.call(call.callId)?.audio?.close()
    } finally {
      manager.close()
      await engine.stop()
    }
  }

  async #brokenCall(
    engine: EngineProcess,
    manager: CallManager,
    script: string,
    good: string,
    broken: Break,
  ): Promise<void> {
    const saved = async (event: string, save: () => Promise<void>): Promise<void> => {
      const from = engine.lines.length
      await save()
      await engine.line((line) => line.event === event, `${event} was logged`, 10_000, from)
    }
    if (broken.edit) {
      const edited = broken.edit(good)
      if (edited === good) throw new Error(`the demo found nothing to change in ${ROUTE} for ${broken.rule}`)
      await saved('reload', () => writeFile(script, edited))
    }
    if (broken.certificate) await saved('certificates', () => this.certificates('*.example.com'))
    const call = await manager.call(broken.extraSdp)
    const finding = this.#farEnd.call(call.callId)?.findings.find((each) => !each.kept && each.status > 0)
    this.#check(
      call.final.status === broken.status && finding?.rule.startsWith(broken.rule) === true,
      `${broken.title.padEnd(32)} ${call.final.status} ${call.final.reason}: ${finding ? `${finding.rule}: ${finding.saw}` : 'no rule was broken'}`,
    )
    call.audio.close()
    if (broken.edit) await saved('reload', () => writeFile(script, good))
    if (broken.certificate) await saved('certificates', () => this.certificates(GATEWAY))
  }
}

/** The counters of each stream, from the line of the call. */
function mediaCounters(line: LogLine): string[] {
  const streams = (line.media ?? []) as {
    local: string
    suite?: string
    packetsIn: number
    packetsOut: number
    lost: number
    jitterMillis: number
    srtpFailures?: Record<string, number>
  }[]
  return streams.map((stream) => {
    const failures = Object.values(stream.srtpFailures ?? {}).reduce((sum, count) => sum + count, 0)
    const counted = `in ${stream.packetsIn}, out ${stream.packetsOut}, lost ${stream.lost}, jitter ${stream.jitterMillis} ms`
    return `${stream.local.padEnd(20)} ${(stream.suite ?? 'plain RTP').padEnd(24)} ${counted}, SRTP failures ${failures}`
  })
}

/** Runs the demo; resolves with the exit status: 0 only if all of it was so. */
export async function demoCommand(): Promise<number> {
  const began = performance.now()
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-demo-'))
  await mkdir(folder, { recursive: true })
  const authority = await createAuthority()
  await writeFile(join(folder, 'ca.pem'), authority.cert)
  const pair = await authority.issue({ commonName: HOST })
  const farEnd = new Office365FarEnd({
    address: OFFICE_365,
    port: 5061,
    host: HOST,
    gateway: GATEWAY,
    ca: authority.cert,
    ...pair,
  })
  try {
    await farEnd.listen()
    const demo = new Demo(folder, authority, farEnd)
    await demo.certificates(GATEWAY)
    say(
      `signalbox demo: ${CALL_MANAGER} (TCP, RTP) -> ${INSIDE} signalbox ${OUTSIDE} -> ${HOST} at ${OFFICE_365} (TLS, SRTP)`,
    )
    const engine = await demo.start(ROUTE)
    try {
      await demo.goodCall(engine)
    } finally {
      await engine.stop()
    }
    await demo.brokenCalls()
    const seconds = ((performance.now() - began) / 1000).toFixed(1)
    say(`\n${demo.failures === 0 ? 'All of it was so' : `${demo.failures} things were not so`}, in ${seconds} s.`)
    return demo.failures === 0 ? 0 : 1
  } catch (error) {
    say(`\nThe demo stopped: ${error instanceof Error ? error.message : String(error)}`)
    return 1
  } finally {
    await farEnd.close()
    await rm(folder, { recursive: true, force: true })
  }
}
