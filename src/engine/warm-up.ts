// Owns the warming of a new engine: synthetic calls on a network in memory, in short turns, so that the first real ones find compiled code.
import { ManualClock } from '../clock.ts'
import { silentLog } from '../log.ts'
import { ProxyCore } from '../proxy/index.ts'
import type { RouteLanguage, RouteProgram, RunInput, RunOutcome } from '../script/index.ts'
import { ServiceTable } from '../services/index.ts'
import { buildReply, createIds, SipReply, SipRequest } from '../sip/index.ts'
import { TransactionLayer } from '../transaction/index.ts'
import {
  createMemoryNetwork,
  type MemoryEndpoint,
  type MemoryNetwork,
  type TransportLayer,
} from '../transport/index.ts'
import { createCounters } from './counters.ts'
import { HostServices } from './host-services.ts'
import { asEngineLog } from './logger.ts'
import { MediaServices } from './media-services.ts'
import { randomHex } from './random-hex.ts'
import { noRunSlot } from './run-slot.ts'
import { ScriptRouter } from './script-router.ts'
import { RunTable } from './script-run.ts'
import { TransactionOperations } from './transaction-operations.ts'

/** Calls in one turn: a few milliseconds, so that traffic that comes meanwhile hardly waits. */
const CALLS_A_TURN = 4
/** Milliseconds between turns. */
const PAUSE_MILLIS = 10
/** Compiling ends to pay after about so many calls. */
const CALLS = 400

const US = '10.255.0.1'
const CALLER = '10.255.0.2'
const CALLEE = '10.255.0.3'

/**
 * Resolves, when the engine is warm, to how many calls went their whole way. Never rejects: cold code works as well, only slower.
 * `engine` takes its own program through the library's warming routes; nothing of the program runs.
 */
export async function rehearse(engine: { exercise(): void }, language: RouteLanguage): Promise<number> {
  let whole = 0
  const rig = new WarmRig(language)
  try {
    await rig.start()
    for (let calls = 0; calls < CALLS; calls += CALLS_A_TURN) {
      for (let n = 0; n < CALLS_A_TURN; n++) {
        if (await rig.call(calls + n)) whole++
        engine.exercise()
      }
      rig.passTime()
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MILLIS).unref())
    }
  } catch {
    // Nothing depends on it.
  } finally {
    await rig.close().catch(() => undefined)
  }
  return whole
}

/** The engine's own parts, between two parties, around a program that needs no isolate. */
class WarmRig {
  readonly #clock = new ManualClock()
  readonly #network: MemoryNetwork = createMemoryNetwork(this.#clock)
  readonly #transport: TransportLayer
  readonly #proxy: ProxyCore
  readonly #transactions: TransactionLayer
  readonly #caller: MemoryEndpoint
  readonly #callee: MemoryEndpoint

  constructor(language: RouteLanguage) {
    const log = asEngineLog(silentLog)
    const counters = createCounters()
    const runs = new RunTable()
    const [clock, network] = [this.#clock, this.#network]
    this.#transport = network.transport({ listen: [`udp:${US}:5060`], clock, log })
    this.#transactions = new TransactionLayer({ clock, transport: this.#transport, log })
    const host = new HostServices({
      runs,
      media: new MediaServices({ clock, relay: undefined, counters, log }),
      services: () => new ServiceTable([]),
      transport: () => this.#transport,
      slot: noRunSlot,
      log,
      env: {},
      transactions: new TransactionOperations(() => ({ find: () => undefined, continue: async () => false })),
    })
    const program = new WarmProgram(host, language)
    const router = new ScriptRouter({
      clock,
      active: () => program,
      fatal: new Set(),
      runs,
      slot: noRunSlot,
      counters,
      log,
      requestBegan() {},
      requestAnswered() {},
      requestEnded() {},
      callEnded() {},
    })
    this.#proxy = new ProxyCore({ transactions: this.#transactions, router, clock, log, ids: createIds(randomHex) })
    this.#caller = network.endpoint('udp', CALLER, 5060)
    this.#callee = network.endpoint('udp', CALLEE, 5060)
    this.#callee.onMessage = (received) => {
      const { message } = received
      if (!(message instanceof SipRequest) || message.method === 'ACK') return
      const headers = `Contact: <sip:bob@${CALLEE}>\r\n`
      if (message.method === 'INVITE')
        this.#callee.answer(received, buildReply(message, 180, '', { toTag: 'b', headers }))
      this.#callee.answer(received, buildReply(message, 200, '', { toTag: 'b', headers }))
    }
  }

  async start(): Promise<void> {
    await this.#transport.start(this.#transactions)
  }

  /** INVITE, 180, 200, ACK, BYE, 200. */
  async call(n: number): Promise<boolean> {
    let answers = 0
    this.#caller.onMessage = ({ message }) => {
      if (message instanceof SipReply && message.status === 200) answers++
    }
    for (const [cseq, method] of ['INVITE', 'ACK', 'BYE'].entries()) {
      if (cseq === 1 && answers === 0) return false
      this.#caller.send(request(method, n, cseq), { address: US, port: 5060 })
      await this.#network.settle()
    }
    return answers === 2
  }

  /** Lets the transactions of the last calls run out. */
  passTime(): void {
    this.#clock.advance(40_000)
  }

  async close(): Promise<void> {
    this.#proxy.close()
    await this.#transport.close()
  }
}

function request(method: string, call: number, cseq: number): string {
  const inDialog = cseq > 0
  return [
    `${method} sip:bob@${US} SIP/2.0`,
    `Via: SIP/2.0/UDP ${CALLER}:5060;branch=z9hG4bKwarm${call}x${cseq};rport`,
    ...(inDialog ? [`Route: <sip:${US};lr>`] : []),
    `From: "Alice" <sip:alice@${CALLER}>;tag=a${call}`,
    `To: <sip:bob@${US}>${inDialog ? ';tag=b' : ''}`,
    `Call-ID: warm-${call}@${CALLER}`,
    `CSeq: ${method === 'ACK' ? 0 : cseq} ${method === 'ACK' ? 'ACK' : method}`,
    `Contact: <sip:alice@${CALLER}>`,
    'Max-Forwards: 70',
    'User-Agent: signalbox',
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n')
}

/** Relays everything, by the host operations that any script uses. */
class WarmProgram implements RouteProgram {
  readonly version = 0
  readonly file = ''
  readonly language: RouteLanguage
  readonly files: readonly string[] = []
  readonly config = undefined
  readonly #host: HostServices

  constructor(host: HostServices, language: RouteLanguage) {
    this.#host = host
    this.language = language
  }

  has(): boolean {
    return true
  }

  run({ runId, kind, name }: RunInput): RunOutcome {
    if (kind === 'request') {
      const branch = { uri: `sip:bob@${CALLEE}:5060`, edits: [], flags: 0 }
      void this.#host.call(runId, 'relay', { branches: [branch], onReply: 'W' })
    }
    return { exit: 'done', code: name === '' ? 1 : -1, edits: [] }
  }

  releaseTransaction(): void {}
  retain(): void {}
  release(): void {}
}
