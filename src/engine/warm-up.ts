// Owns the warming of a new engine: synthetic calls on a network in memory, in short turns, so that the first real ones find compiled code.
import { ManualClock } from '../clock.ts'
import { silentLog } from '../log.ts'
import { ProxyCore } from '../proxy/index.ts'
import type { HostOps, RehearsedProgram } from '../script/index.ts'
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

/** Calls in one turn of the event loop. */
const CALLS_A_TURN = 8

/** How much is rehearsed. */
export interface RehearsalBounds {
  /** Calls that go their whole way. */
  readonly calls: number
  /** Milliseconds after which no further turn begins. */
  readonly millis: number
  /** Milliseconds between turns, in which others have the processor. */
  readonly pauseMillis: number
}

/** Before a worker serves: its sockets are bound already, and whoever sends waits for half a second (T1) before he sends again. */
export const BEFORE_READY: RehearsalBounds = { calls: 2000, millis: 700, pauseMillis: 0 }
/** From then on until the first message comes: V8 has compiled most of what it will after so many calls. */
export const UNTIL_TRAFFIC: RehearsalBounds = { calls: 4000, millis: 3000, pauseMillis: 0 }
/** Beside one that serves: turns of a few milliseconds, and no more of them than make the first calls of a successor bearable. */
export const BESIDE_TRAFFIC: RehearsalBounds = { calls: 160, millis: 10_000, pauseMillis: 10 }

/** Turns after which all transactions have run out. */
const TURNS_A_WHILE = 8

const US = '10.255.0.1'
const CALLER = '10.255.0.2'
const CALLEE = '10.255.0.3'
const SDP =
  'v=0\r\no=- 85 0 IN IP4 10.255.0.3\r\ns=-\r\nc=IN IP4 10.255.0.3\r\nt=0 0\r\nm=audio 54532 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n'

/** A program that can be rehearsed where it lives, see LoadedProgram. */
export interface Rehearsable {
  rehearsal(host: HostOps): RehearsedProgram
}

/**
 * Resolves, when the engine is warm, to how many calls went their whole way. Never rejects: cold code works as well, only slower.
 * The calls go through the production path and through `engine`'s program where it lives, to the library's warming routes: nothing of the program
 * runs, nothing is logged or counted, no packet leaves. `goesOn` is asked before each turn.
 */
export async function rehearse(
  engine: Rehearsable,
  bounds: RehearsalBounds,
  goesOn: () => boolean = () => true,
): Promise<number> {
  const until = performance.now() + bounds.millis
  let whole = 0
  let rig: WarmRig | undefined
  try {
    rig = new WarmRig(engine)
    await rig.start()
    for (let calls = 0; calls < bounds.calls && performance.now() < until && goesOn(); calls += CALLS_A_TURN) {
      whole += await rig.calls(calls)
      rig.passTime()
      await turn(bounds.pauseMillis)
    }
  } catch {
    // Nothing depends on it.
  } finally {
    await rig?.close().catch(() => undefined)
  }
  return whole
}

function turn(millis: number): Promise<void> {
  return new Promise((resolve) => {
    if (millis > 0) setTimeout(resolve, millis)
    else setImmediate(resolve)
  })
}

/** The engine's own parts, between two parties, around a program. */
class WarmRig {
  readonly #clock = new ManualClock()
  readonly #network: MemoryNetwork = createMemoryNetwork(this.#clock)
  readonly #transport: TransportLayer
  readonly #proxy: ProxyCore
  readonly #transactions: TransactionLayer
  readonly #program: RehearsedProgram
  readonly #caller: MemoryEndpoint
  readonly #callee: MemoryEndpoint
  /** Call-IDs of this turn of which the party called has the ACK. */
  readonly #acknowledged = new Set<string>()
  #turns = 0

  constructor(engine: Rehearsable) {
    // Times have fractions, as those of the system's clock: V8 lays fields out, and compiles, for the numbers that it has seen.
    this.#clock.advance(0.375)
    const log = asEngineLog(silentLog)
    const counters = createCounters()
    const runs = new RunTable()
    const [clock, network] = [this.#clock, this.#network]
    this.#transport = network.transport({ listen: [`udp:${US}:5060`], clock, log })
    this.#transactions = new TransactionLayer({ clock, transport: this.#transport, log })
    const host = new HostServices({
      runs,
      media: new MediaServices({
        clock,
        relay: undefined,
        counters,
        log,
        moving: () => false,
        reoffer: async () => undefined,
      }),
      services: () => new ServiceTable([]),
      transport: () => this.#transport,
      slot: noRunSlot,
      log,
      env: {},
      transactions: new TransactionOperations(() => ({ find: () => undefined, continue: async () => false })),
    })
    const program = engine.rehearsal(host)
    this.#program = program
    const router = new ScriptRouter({
      clock,
      active: () => program,
      fatal: new Set(),
      runs,
      slot: noRunSlot,
      counters,
      log,
      replyEdits: () => undefined,
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
      if (!(message instanceof SipRequest)) return
      if (message.method === 'ACK') {
        this.#acknowledged.add(message.callId)
        return
      }
      const headers = `Contact: <sip:bob@${CALLEE}>\r\nServer: signalbox\r\nSupported: timer\r\n`
      if (message.method === 'INVITE')
        this.#callee.answer(received, withViasOfMake(message, buildReply(message, 180, '', { toTag: 'b', headers })))
      const body = message.method === 'INVITE' ? { body: SDP } : {}
      this.#callee.answer(
        received,
        withViasOfMake(message, buildReply(message, 200, '', { toTag: 'b', headers, ...body })),
      )
    }
  }

  async start(): Promise<void> {
    await this.#transport.start(this.#transactions)
  }

  /** A turn of calls side by side: INVITE, 180, 200, ACK, BYE, 200 each. Resolves to how many were whole. */
  async calls(first: number): Promise<number> {
    const answered = new Set<string>()
    const ended = new Set<string>()
    this.#acknowledged.clear()
    this.#caller.onMessage = ({ message }) => {
      if (!(message instanceof SipReply) || message.status !== 200) return
      if (message.cseqMethod === 'BYE') ended.add(message.callId)
      else answered.add(message.callId)
    }
    for (const [cseq, method] of ['INVITE', 'ACK', 'BYE'].entries()) {
      if (cseq === 1 && answered.size === 0) return 0
      for (let n = 0; n < CALLS_A_TURN; n++)
        this.#caller.send(request(method, first + n, cseq), { address: US, port: 5060 })
      await this.#network.settle()
    }
    return [...ended].filter((call) => answered.has(call) && this.#acknowledged.has(call)).length
  }

  /** Goes on a little, and now and then so far that all transactions run out. */
  passTime(): void {
    this.#turns++
    this.#clock.advance(this.#turns % TURNS_A_WHILE === 0 ? 40_000 : 3.125)
  }

  async close(): Promise<void> {
    try {
      this.#proxy.close()
      await this.#transport.close()
    } finally {
      this.#program.end()
    }
  }
}

/** Every other call is written as other makes of phones write: V8 compiles for what it has seen, and begins anew where something else comes. */
function isOtherMake(call: number): boolean {
  return call % 2 === 1
}

/** A reply to this request with the Via values as the make of phone in its call writes them: in a line each, or all in one. */
function withViasOfMake(request: SipRequest, reply: string): string {
  return isOtherMake(Number.parseInt(request.callId.slice(5), 10)) ? reply.replaceAll(VIA_AFTER_VIA, '$1, ') : reply
}

/** All Via values in one line. */
const VIA_AFTER_VIA = /(\r\nVia: [^\r]*)\r\nVia: /g

function request(method: string, call: number, cseq: number): string {
  const inDialog = cseq > 0
  const other = isOtherMake(call)
  return [
    `${method} sip:bob@${inDialog ? CALLEE : US}${other ? ':5060' : ''} SIP/2.0`,
    `Via: SIP/2.0/UDP ${other ? 'phone.invalid' : `${CALLER}:5060`};branch=z9hG4bKwarm${call}x${cseq}${other ? '' : ';rport'}`,
    ...(inDialog ? [`Route: <sip:${US};lr>`] : []),
    `From: ${other ? 'alice' : '"Alice"'} <sip:alice@${CALLER}${other ? ':5060' : ''}>;tag=a${call}`,
    `To: bob <sip:bob@${US}${other ? ':5060' : ''}>${inDialog ? ';tag=b' : ''}`,
    `Call-ID: warm-${call}@${CALLER}`,
    `CSeq: ${method === 'ACK' ? 0 : cseq} ${method === 'ACK' ? 'ACK' : method}`,
    `Contact: ${other ? `sip:alice@${CALLER}:5060` : `<sip:alice@${CALLER}>`}`,
    'Max-Forwards: 70',
    ...(other
      ? ['Subject: a call', 'X-Make: other']
      : ['User-Agent: signalbox', 'Allow: INVITE, ACK, CANCEL, BYE, OPTIONS', 'Supported: timer,replaces']),
    ...(method === 'INVITE' ? ['Content-Type: application/sdp'] : []),
    `${other ? 'l' : 'Content-Length'}: ${method === 'INVITE' ? SDP.length : 0}`,
    '',
    method === 'INVITE' ? SDP : '',
  ].join('\r\n')
}
