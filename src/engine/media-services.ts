// Owns the media of calls: what rtpengine_manage and its like ask of the relay, and that no session outlives its call.
import type { Clock } from '../clock.ts'
import { SignalboxError } from '../errors.ts'
import {
  decideRtpOperation,
  type MediaCounters,
  type MediaRelay,
  type MediaRequest,
  type MediaStats,
  type RtpOperation,
  rtpFlags,
} from '../media/index.ts'
import type { RequestContext } from '../proxy/index.ts'
import type { RtpResult } from '../script/index.ts'
import type { ReofferReply } from '../services/index.ts'
import { type SipMessage, SipReply, SipRequest } from '../sip/index.ts'
import type { EngineCounters } from './counters.ts'
import { text, wholeNumber, wrongArguments } from './host-arguments.ts'
import { LogBudget } from './log-budget.ts'
import type { EngineLog } from './logger.ts'
import { MediaMoves } from './media-moves.ts'
import type { ScriptRun } from './script-run.ts'
import { findSdp } from './sdp-body.ts'

const OPERATIONS: readonly string[] = ['manage', 'offer', 'answer', 'delete', 'query', 'control', 'info']
/** Commands of `control`; what concerns other calls or nobody is not a script's to ask. */
const CONTROLS =
  /^(?:query|(?:play|stop) media|play DTMF|(?:start|stop|pause) recording|(?:start|stop) forwarding|(?:un)?block (?:DTMF|media)|(?:un)?silence media)$/

type Asked = RtpOperation | 'query' | 'control'

interface MediaOfCall {
  /** A session is open at the relay. */
  open: boolean
  fromTag: string
  set: number
  /** Final counters, where the script ended the session itself. */
  stats: MediaStats | undefined
}

/** Of failing operations. */
const LINES_A_SECOND = 20

export interface MediaServicesOptions {
  readonly clock: Clock
  /** Undefined where neither an embedded nor a remote relay is configured. */
  readonly relay: MediaRelay | undefined
  readonly counters: EngineCounters
  readonly log: EngineLog
  /** Whether calls are to leave a relay that died at once (rtpengine's `move_calls`). */
  readonly moving: () => boolean
  /** Offers the party of a tag another session; undefined: nobody follows the call. */
  readonly reoffer: (callId: string, tag: string, sdp: string) => Promise<ReofferReply | undefined>
}

/** Media sessions by Call-ID, kept until the call ends. */
export class MediaServices {
  readonly #options: MediaServicesOptions
  readonly #calls = new Map<string, MediaOfCall>()
  readonly #failures: LogBudget
  readonly #moves: MediaMoves | undefined

  constructor(options: MediaServicesOptions) {
    this.#options = options
    this.#failures = new LogBudget(options.clock, LINES_A_SECOND)
    const { clock, relay, log, reoffer } = options
    this.#moves =
      relay && new MediaMoves({ clock, relay, log, reoffer, counted: (result) => this.#counted('move', result) })
  }

  /** Call-IDs with an open session. */
  get openCalls(): number {
    let open = 0
    for (const call of this.#calls.values()) if (call.open) open++
    return open
  }

  /** Takes over sessions that a worker before this one opened: their BYE will come here. */
  adopt(callIds: Iterable<string>): void {
    for (const callId of callIds) {
      if (!this.#calls.has(callId)) this.#calls.set(callId, { open: true, fromTag: '', set: 0, stats: undefined })
    }
  }

  /** The relay ended a session by itself because no media flowed. Its counters are kept for the end of a call that is known here. */
  timedOut(callId: string, stats?: MediaStats): void {
    this.#moves?.forget(callId)
    const call = this.#calls.get(callId)
    if (!call || call.fromTag === '' || !stats) {
      this.#calls.delete(callId)
      return
    }
    call.open = false
    call.stats = stats
  }

  /** The relay that these calls were on is gone. */
  lost(callIds: readonly string[]): void {
    if (this.#options.moving()) this.#moves?.lost(callIds)
  }

  /** The dialog of a call goes on without this engine: nothing will tell of its end. */
  untracked(callId: string): void {
    const call = this.#calls.get(callId)
    if (call) call.fromTag = ''
  }

  /** Host operation `rtp`. A relay that fails answers -1, for the script to decide on, and the reason is logged. */
  operate(run: ScriptRun, args: unknown): RtpResult | Promise<RtpResult> {
    const given = (args ?? {}) as { operation?: unknown; control?: unknown; flags?: unknown; set?: unknown }
    if (!OPERATIONS.includes(String(given.operation))) throw wrongArguments('rtp operation')
    const control = given.operation === 'control' ? text(given.control, 'rtp control', 40) : undefined
    if (control !== undefined && !CONTROLS.test(control)) throw wrongArguments('rtp control')
    const flags = text(given.flags ?? '', 'rtp flags', 4096)
    const set = wholeNumber(given.set ?? 0, 'rtp set', 0, 0x7fffffff)
    const asked = String(given.operation)
    if (asked === 'info') return this.#fragment(run, flags, set)
    const sdp = findSdp(run.message)
    const operation = asked === 'manage' ? this.#decide(run, sdp !== undefined) : (asked as Asked)
    if (operation === 'none') return { code: 1 }
    if (!this.#options.relay)
      return this.#refused(
        run,
        operation,
        new SignalboxError(
          'ERR_MEDIA_UNREACHABLE',
          'no media relay is configured: start one by --interface or config.media, or name one by rtpengine_sock',
        ),
      )
    if ((operation === 'offer' || operation === 'answer') && !sdp)
      return this.#refused(run, operation, new SignalboxError('ERR_MEDIA', 'the message carries no SDP'))
    const request = { ...mediaRequest(run, operation, flags, set, sdp?.text), ...(control ? { control } : {}) }
    return this.#perform(run, operation, request, sdp)
  }

  /** rtpengine_info: the candidates of an INFO, whose body goes nowhere else (RFC 8840 9). */
  #fragment(run: ScriptRun, flags: string, set: number): RtpResult | Promise<RtpResult> {
    const { message } = run
    const isFragment = /^application\/trickle-ice-sdpfrag\b/i.test(message.contentType)
    const { relay } = this.#options
    if (!isFragment || !relay)
      return this.#refused(
        run,
        'offer',
        new SignalboxError('ERR_MEDIA', relay ? 'the message carries no trickle-ice-sdpfrag' : 'no media relay'),
      )
    return relay.offer(mediaRequest(run, 'offer', `${flags} fragment`.trim(), set, message.body)).then(
      ({ warnings }) => {
        this.#warned(message.callId, warnings)
        this.#counted('offer', 'ok')
        return { code: 1 }
      },
      (error: unknown) => this.#refused(run, 'offer', error),
    )
  }

  /** Ends what a call still has open. Resolves to its final counters; never rejects. */
  async callEnded(callId: string): Promise<MediaStats | undefined> {
    this.#moves?.forget(callId)
    const call = this.#calls.get(callId)
    if (!call) return undefined
    this.#calls.delete(callId)
    if (!call.open) return call.stats
    return (await this.#deleteSession(callId, call)) ?? call.stats
  }

  /** A request is over. A BYE whose dialog this worker does not know ends the media all the same. */
  requestEnded(context: RequestContext): void {
    if (this.#calls.size === 0 || context.method !== 'BYE') return
    const { callId } = context.request
    const call = this.#calls.get(callId)
    if (!call) return
    // A call of this engine ends with its dialog; one that was adopted has no dialog here.
    if (call.fromTag !== '') return
    this.#calls.delete(callId)
    this.#moves?.forget(callId)
    if (call.open) void this.#deleteSession(callId, call)
  }

  /** Ends every session: the program is going down. */
  async closeAll(): Promise<void> {
    this.#moves?.close()
    await Promise.all([...this.#calls.keys()].map((callId) => this.callEnded(callId)))
  }

  #decide(run: ScriptRun, hasSdp: boolean): RtpOperation {
    const message = run.message
    const request = run.context?.request
    return decideRtpOperation({
      kind: run.kind === 'event' ? 'request' : run.kind,
      method: message instanceof SipRequest ? message.method : message.cseqMethod,
      status: message instanceof SipReply ? message.status : 0,
      hasSdp,
      requestHadSdp: request === undefined || findSdp(request) !== undefined,
      inDialog: (request ?? message).toTag !== '' && (request !== undefined || message instanceof SipRequest),
    })
  }

  async #perform(
    run: ScriptRun,
    operation: Exclude<Asked, 'none'>,
    request: MediaRequest,
    sdp: ReturnType<typeof findSdp>,
  ): Promise<RtpResult> {
    const relay = this.#options.relay!
    const { callId } = request
    try {
      switch (operation) {
        case 'offer':
        case 'answer': {
          const before = this.#calls.get(callId)
          if (operation === 'offer' && !before?.open)
            this.#calls.set(callId, { open: true, fromTag: request.fromTag, set: request.set ?? 0, stats: undefined })
          const moves = this.#options.moving() ? this.#moves : undefined
          const asked = moves?.prepared(request) ?? request
          const answer = await (operation === 'offer' ? relay.offer(asked) : relay.answer(asked)).catch((error) => {
            if (!before) this.#calls.delete(callId)
            throw error
          })
          moves?.note(operation, asked)
          this.#warned(callId, answer.warnings)
          this.#counted(operation, 'ok')
          return { code: 1, sdp: sdp!.replace(answer.sdp) }
        }
        case 'delete': {
          const call = this.#calls.get(callId)
          // The script ended it already, or the call never had media: nothing to do, as rtpengine answers too.
          if (!call?.open) return { code: 1 }
          if (endsSession(run, request)) call.open = false
          call.stats = await relay.delete(request)
          this.#counted(operation, 'ok')
          return { code: 1, statistics: statisticsOf(call.stats) }
        }
        case 'query': {
          const stats = await relay.query(request)
          this.#counted(operation, 'ok')
          return { code: 1, statistics: statisticsOf(stats) }
        }
        case 'control': {
          const { durationMillis, report, warnings } = await relay.control(request)
          this.#warned(callId, warnings)
          this.#counted(request.control ?? operation, 'ok')
          return {
            code: 1,
            ...(durationMillis === undefined ? {} : { durationMillis }),
            ...(report === undefined ? {} : { report }),
          }
        }
      }
    } catch (error) {
      return this.#refused(run, operation, error)
    }
  }

  async #deleteSession(callId: string, call: MediaOfCall): Promise<MediaStats | undefined> {
    const { relay, log } = this.#options
    try {
      const stats = await relay?.delete({ callId, fromTag: call.fromTag, flags: '', set: call.set })
      this.#counted('delete', 'ok')
      return stats
    } catch (error) {
      // What a branch's delete left of it may have been nothing.
      if (!call.stats) this.#counted('delete', 'failed')
      log.debug({ callId, error: messageOf(error) }, 'the media session was gone already')
      return undefined
    }
  }

  #refused(run: ScriptRun, operation: string, error: unknown): RtpResult {
    this.#counted(operation, 'failed')
    const leftOut = this.#failures.take()
    if (leftOut === undefined) return { code: -1 }
    const code = error instanceof SignalboxError ? error.code : 'ERR_MEDIA'
    this.#options.log.error(
      { callId: run.message.callId, code, operation, error: messageOf(error), ...(leftOut > 0 ? { leftOut } : {}) },
      'a media operation failed',
    )
    return { code: -1 }
  }

  #warned(callId: string, warnings: readonly string[] | undefined): void {
    if (warnings?.length) this.#options.log.warn({ callId, warnings }, 'the media relay did otherwise than asked')
  }

  #counted(operation: string, result: 'ok' | 'failed'): void {
    this.#options.counters.mediaOperations.add({ operation, result })
  }
}

/** Whether a delete leaves nothing open: one that names a branch of a fork leaves the others. The Via of a BYE names none. */
function endsSession({ message }: ScriptRun, { flags, viaBranch }: MediaRequest): boolean {
  return !rtpFlags(flags).toTag && (viaBranch === undefined || message.cseqMethod === 'BYE')
}

/** The words of $rtpstat (rtpengine module's manual, 6.1). */
function statisticsOf({ streams }: MediaStats): string {
  const line = (name: string, counters: readonly MediaCounters[]): string => {
    const sum = (key: keyof MediaCounters): number => counters.reduce((total, each) => total + each[key], 0)
    return `${name}: ${sum('bytes')} bytes, ${sum('packets')} packets, ${sum('errors')} errors`
  }
  const rtp = streams.map((stream) => stream.rtpIn)
  const rtcp = streams.map((stream) => stream.rtcpIn)
  return `${line('RTP', rtp)}; ${line('RTCP', rtcp)}`
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function mediaRequest(
  run: ScriptRun,
  operation: string,
  flags: string,
  set: number,
  sdp: string | undefined,
): MediaRequest {
  const { message } = run
  const reply = message instanceof SipReply
  // RFC 3264 with a late offer: the reply offers and the ACK answers, so that the sides change their tags.
  const swapped = (reply && operation === 'offer') || (!reply && operation === 'answer')
  const [fromTag, toTag] = swapped ? [message.toTag, message.fromTag] : [message.fromTag, message.toTag]
  const viaBranch = /(?:^|\s)via-branch=(\S+)/.exec(flags)?.[1]
  const branch = viaBranch === undefined ? undefined : branchOfVia(message, viaBranch, reply)
  return {
    callId: message.callId,
    fromTag,
    flags,
    set,
    receivedFrom: run.flow.remoteAddress,
    ...(toTag === '' ? {} : { toTag }),
    ...(sdp === undefined ? {} : { sdp }),
    ...(branch === undefined ? {} : { viaBranch: branch }),
  }
}

/** rtpengine module, `via-branch`: 1 the topmost Via, 2 the one below, `auto` 1 in a request and 2 in a reply. */
function branchOfVia(message: SipMessage, which: string, reply: boolean): string | undefined {
  const index = which === '2' || (which !== '1' && reply) ? 1 : 0
  return message.vias()[index]?.branch
}
