// Owns the relay inside this process: NG requests answered from a call table over the native relay.
import { randomBytes } from 'node:crypto'
import { type Clock, systemClock } from '../clock.ts'
import { SignalboxError } from '../errors.ts'
import { type Log, silentLog } from '../log.ts'
import { type Call, type Party, partyByTag } from './call.ts'
import { controlCall, controlOf } from './call-control.ts'
import { type CallReport, mediaStats, ngReport, reportOf } from './call-report.ts'
import { CallServices } from './call-services.ts'
import { CallTable } from './call-table.ts'
import { DtlsIdentities } from './dtls-negotiation.ts'
import { MediaInterfaces } from './interfaces.ts'
import { type ConnectionEvent, createNativeRelay, type NativeRelay, type TimeoutEvent } from './native-relay.ts'
import { dictionary, type NgDictionary } from './ng/bencode.ts'
import { controlled } from './ng/controlled.ts'
import { ngOwn, ngRequest } from './ng/request.ts'
import { randomKeys } from './random-keys.ts'
import { recordingKinds } from './recordings.ts'
import type { MediaAnswer, MediaRelay, MediaRequest, MediaStats } from './relay.ts'
import { RelayStatistics } from './relay-statistics.ts'
import { rtpFlags } from './rtp-flags.ts'
import { canonicalRequest, type SessionDefaults, type SessionOptions } from './session-options.ts'
import { type ReadRequest, SessionReader } from './session-reader.ts'
import { takeFragment } from './trickle.ts'

export interface EmbeddedRelayOptions extends SessionDefaults {
  /** `[NAME/]ADDRESS[!ADVERTISED]`; the first is the default. */
  readonly interfaces: readonly string[]
  /** Default 30000. */
  readonly portMin?: number
  /** Default 40000. */
  readonly portMax?: number
  /** Seconds without media before a call ends; default 60. */
  readonly timeout?: number
  /** The same where media is on hold; default 3600. */
  readonly silentTimeout?: number
  /** Seconds that an offer may go unanswered; default 3600. */
  readonly offerTimeout?: number
  /** Seconds that any call may last; default 0, no limit. */
  readonly finalTimeout?: number
  /** Seconds between a delete and the end of the media; default 0. */
  readonly deleteDelay?: number
  /** Default 100000. */
  readonly maxSessions?: number
  /** TOS byte of packets sent; default: left alone. */
  readonly tos?: number
  readonly threads?: number
  /** Folders whose files may be played, with all below them; default none. */
  readonly mediaFolders?: readonly string[]
  /** Where calls are recorded; default: they are not. */
  readonly recordingDir?: string
  /** `pcap`, `wav`, `wav-stereo`, or several of them parted by commas; default `pcap`. */
  readonly recordingMethod?: string
  /** Of pcap: `raw` IP packets, or in `eth` frames; default `raw`. */
  readonly recordingFormat?: string
  /** `ADDRESS:PORT` that is told of keys, in rtpengine's JSON. */
  readonly dtmfLogDest?: string
  readonly log?: Log
  readonly clock?: Clock
  /** Bytes for keys; default random ones. */
  readonly randomKey?: (bytes: number) => Uint8Array
  /** Another packet relay (tests). */
  readonly native?: (options: {
    onEvent(event: TimeoutEvent): void
    onConnection?(event: ConnectionEvent): void
    threads?: number
  }) => NativeRelay
}

/** Bytes of one recorded file. */
const LARGEST_RECORDING = 4 * 2 ** 30
const UNKNOWN_CALL = 'Unknown call-ID'

/** Commands that concern one call. */
const COMMANDS: ReadonlySet<string> = new Set(['offer', 'answer', 'delete', 'query'])

/** A relay that also answers NG requests, which is what an NG server serves. */
export interface EmbeddedRelay extends MediaRelay {
  /** Answers one request; errors become `result: error` with their reason. */
  perform(request: NgDictionary): NgDictionary
  readonly sessions: number
  /** Open native streams. */
  readonly streams: number
}

/** Whether who asks says so (`supports`). */
function understands({ supports }: NgDictionary, what: string): boolean {
  return [supports].flat().some((each) => typeof each === 'string' && each.replace(/[-_]/g, ' ') === what)
}

/**
 * Starts the native relay on these interfaces.
 * @throws SignalboxError ERR_CONFIG for a wrong option, ERR_NATIVE where the addon is missing
 */
export function createEmbeddedRelay(options: EmbeddedRelayOptions): EmbeddedRelay {
  const { clock = systemClock, log = silentLog, portMin = 30_000, portMax = 40_000 } = options
  if (
    !(
      Number.isInteger(portMin) &&
      Number.isInteger(portMax) &&
      portMin >= 1024 &&
      portMax <= 65_535 &&
      portMin < portMax
    )
  )
    throw new SignalboxError(
      'ERR_CONFIG',
      `media ports ${portMin} to ${portMax}: a range within 1024 to 65535 is needed`,
    )
  const interfaces = new MediaInterfaces(options.interfaces)
  const native = (options.native ?? createNativeRelay)({
    onEvent: (event) => table.streamTimedOut(event.stream),
    onConnection: (event) => noteConnection(event),
    onAudio: (event) => services.heard(event, table.callOf(event.stream)),
    ...(options.threads === undefined ? {} : { threads: options.threads }),
  })
  const identities = new DtlsIdentities(
    () => native.makeIdentity(),
    () => clock.now(),
  )
  const randomKey = options.randomKey ?? randomKeys()
  const statistics = new RelayStatistics(clock.wallclock())
  const table = new CallTable({
    native,
    interfaces,
    portMin,
    portMax,
    timeout: options.timeout ?? 60,
    silentTimeout: options.silentTimeout ?? 3_600,
    offerTimeout: options.offerTimeout ?? 3_600,
    finalTimeout: options.finalTimeout ?? 0,
    deleteDelay: options.deleteDelay ?? 0,
    learningMillis: options.endpointLearning === 'immediate' ? 0 : undefined,
    maxSessions: options.maxSessions ?? 100_000,
    tos: options.tos,
    clock,
    randomKey,
    identities,
    mark: randomBytes(6).toString('hex'),
    onEnd(call, end, final) {
      services.ended(call)
      statistics.ended(end, final ?? report(call))
    },
    onTimeout(call, reason) {
      const stats = mediaStats(report(call))
      log.warn({ callId: call.id, reason, media: stats.streams }, 'media ended the call')
      relay.onTimeout?.(call.id, reason, stats)
    },
  })
  const services = new CallServices(
    native,
    { pool: table.pool, interfaces, tos: options.tos, randomKey },
    {
      mediaFolders: options.mediaFolders ?? [],
      recording: {
        directory: options.recordingDir,
        kinds: recordingKinds(options.recordingMethod, options.recordingFormat),
        largestFile: LARGEST_RECORDING,
      },
      dtmfDestination: options.dtmfLogDest,
      onDtmf: (event) => relay.onDtmf?.(event),
      clock,
      log,
    },
  )
  const reader = new SessionReader(options)
  const report = (call: Call) => reportOf(native, call, clock.wallclock())
  let closed = false

  /** What the log says of a far end that could not be met, or is not who it said it was. */
  function noteConnection({ stream, outcome }: ConnectionEvent): void {
    const callId = table.callOf(stream)?.id
    if (callId === undefined) return
    if (outcome === 'dtls-connected') log.debug({ callId, stream }, 'DTLS has given the keys')
    else if (outcome === 'dtls-wrong-fingerprint')
      log.error({ callId, stream }, 'the far end has another certificate than its SDP told: no media passes')
    else if (outcome === 'dtls-failed') log.warn({ callId, stream }, 'the DTLS handshake failed: no media passes')
    else log.warn({ callId, stream }, 'ICE found no way to the far end, or lost it')
  }

  function warnAboutInterfaces(session: SessionOptions): string[] {
    return session.direction
      .filter((name) => name !== undefined && !interfaces.has(name))
      .map((name) => `there is no interface ${JSON.stringify(name)}; the default is used`)
  }

  /** Further candidates of a party; nothing is told to the other side. */
  function trickle(command: 'offer' | 'answer', session: SessionOptions): MediaAnswer {
    const call = table.find(session.callId)
    if (!call) throw new SignalboxError('ERR_MEDIA', UNKNOWN_CALL)
    const warnings = [...session.warnings, ...takeFragment(call, command, session)]
    table.refresh(call)
    return { sdp: session.sdp ?? '', ...(warnings.length > 0 ? { warnings } : {}) }
  }

  function negotiate(command: 'offer' | 'answer', { session, words }: ReadRequest): MediaAnswer {
    if (session.fragment) return trickle(command, session)
    const sdp = native.together(() => (command === 'offer' ? table.offer(session) : table.answer(session)))
    const call = table.find(session.callId)
    if (call && session.dropTraffic) {
      call.dropsTraffic = session.dropTraffic === 'start'
      table.refresh(call)
    }
    const warnings = [
      ...session.warnings,
      ...(command === 'offer' ? warnAboutInterfaces(session) : []),
      ...(call ? services.exchanged(call, command, words, session, sdp) : []),
    ]
    log.debug({ callId: session.callId, warnings }, `media ${command}`)
    return { sdp, ...(warnings.length > 0 ? { warnings } : {}) }
  }

  const NOTHING = "Call-ID not found or tags didn't match"

  /** Ends the media of those meant; `tell` makes the answer of what is known of the call before that. */
  function remove<Told>(
    session: SessionOptions,
    tell: (final: CallReport, stats: MediaStats, parties: readonly Party[]) => Told,
  ): Told | undefined {
    const call = table.find(session.callId)
    const parties = table.matching(session)
    if (!call || parties.length === 0) return undefined
    const final = report(call)
    const stats = mediaStats(final)
    const told = tell(final, stats, parties)
    native.together(() => table.remove(call, parties, session, final))
    log.info({ callId: call.id, media: stats.streams }, 'media deleted')
    return told
  }

  function execute(request: NgDictionary): NgDictionary {
    if (closed) throw new SignalboxError('ERR_MEDIA', 'the relay has been closed')
    const command = request.command
    if (typeof command !== 'string') throw new SignalboxError('ERR_PARSE', 'Dictionary contains no key "command"')
    statistics.asked(command)
    if (command === 'ping') return dictionary({ result: 'pong' })
    if (command === 'list') {
      const limit = Number(request.limit ?? 32)
      return dictionary({ calls: table.callIds.slice(0, limit > 0 ? Math.min(limit, 1_000) : 32), result: 'ok' })
    }
    if (command === 'statistics') {
      const used = interfaces.all.map((local) => ({ ...local, used: table.portsOn(local) }))
      const situation = { sessions: table.size, interfaces: used, portMin, portMax, now: clock.wallclock() }
      return dictionary({ statistics: statistics.report(situation), result: 'ok' })
    }
    const control = controlOf(command)
    if (control) {
      const { session } = reader.read(request)
      const call = table.find(session.callId)
      if (!call) throw new SignalboxError('ERR_MEDIA', UNKNOWN_CALL)
      controlCall(call, control, session)
      table.refresh(call)
      return dictionary({ warning: session.warnings.join('; ') || undefined, result: 'ok' })
    }
    const service = services.commandOf(command)
    if (service) {
      const { session } = reader.read(request)
      const call = table.find(session.callId)
      if (!call) throw new SignalboxError('ERR_MEDIA', UNKNOWN_CALL)
      const answer = service(call, canonicalRequest(request), session)
      const warning = [...session.warnings, ...(answer.warning === undefined ? [] : [answer.warning])].join('; ')
      return dictionary({ ...answer, warning: warning || undefined })
    }
    if (!COMMANDS.has(command)) throw new SignalboxError('ERR_PARSE', 'Unrecognized command')
    const read = reader.read(request)
    const { session } = read
    if (command === 'offer' || command === 'answer') {
      const { sdp, warnings } = negotiate(command, read)
      return dictionary({ sdp: session.fragment ? undefined : sdp, warning: warnings?.join('; '), result: 'ok' })
    }
    if (session.callId === '') throw new SignalboxError('ERR_PARSE', 'No call-id in message')
    if (command === 'delete') {
      const document = remove(session, (final, _, parties) => ngReport(final, parties))
      if (document) return dictionary({ ...document, result: 'ok' })
      if (session.fatal) throw new SignalboxError('ERR_MEDIA', NOTHING)
      return dictionary({ warning: NOTHING, result: 'ok' })
    }
    const call = table.find(session.callId)
    if (!call) throw new SignalboxError('ERR_MEDIA', 'Unknown call-id')
    const known = session.fromTag === '' || partyByTag(call, session.fromTag) !== undefined
    return dictionary({ ...ngReport(report(call), known ? call.parties : []), result: 'ok' })
  }

  function readRequest(command: 'offer' | 'answer' | 'delete' | 'query', request: MediaRequest): ReadRequest {
    if (closed) throw new SignalboxError('ERR_MEDIA', 'the relay has been closed')
    const flags = rtpFlags(request.flags)
    const raw = (): NgDictionary => ngRequest(command, request).message
    const read = reader.readOwn(command, flags.dictionary, ngOwn(command, request, flags), raw)
    const { warnings } = flags
    const { session, words } = read
    if (warnings.length === 0 && session.warnings.length === 0) return read
    // Words that only the flag string has are told by its own reader.
    const told = new Set(warnings.map((warning) => /"(.*)"/.exec(warning)?.[1]))
    const rest = session.warnings.filter((warning) => !told.has(/"(.*)"/.exec(warning)?.[1]))
    return { words, session: { ...session, warnings: [...warnings, ...rest] } }
  }

  const relay: EmbeddedRelay = {
    async offer(request) {
      return negotiate('offer', readRequest('offer', request))
    },
    async answer(request) {
      return negotiate('answer', readRequest('answer', request))
    },
    async delete(request) {
      const stats = remove(readRequest('delete', request).session, (_, told) => told)
      if (!stats) throw new SignalboxError('ERR_MEDIA', `${NOTHING}: ${request.callId}`)
      return stats
    },
    async query(request) {
      const call = table.find(readRequest('query', request).session.callId)
      if (!call) throw new SignalboxError('ERR_MEDIA', `Unknown call-id: ${request.callId}`)
      return mediaStats(report(call))
    },
    async control(request) {
      const { message, warnings } = ngRequest('control', request)
      const reply = relay.perform(message)
      if (reply.result === 'ok') return controlled(reply, warnings)
      throw new SignalboxError('ERR_MEDIA', `${request.control} of ${request.callId}: ${String(reply['error-reason'])}`)
    },
    async ping() {
      if (closed) throw new SignalboxError('ERR_MEDIA_UNREACHABLE', 'the relay has been closed')
    },
    async close() {
      if (closed) return
      table.close()
      closed = true
      services.close()
      native.shutdown()
    },
    perform(request) {
      try {
        return execute(request)
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error)
        statistics.failed()
        if (error instanceof SignalboxError && /^ERR_(LIMIT|MEDIA_PORTS)$/.test(error.code)) statistics.rejected()
        // A proxy that knows the words goes to the next relay of its set.
        if (error instanceof SignalboxError && error.code === 'ERR_LIMIT' && understands(request, 'load limit'))
          return dictionary({ result: 'load limit', message: reason })
        if (!(error instanceof SignalboxError)) log.error({ error }, 'an NG request failed')
        return dictionary({ result: 'error', 'error-reason': Buffer.from(reason, 'utf8').toString('latin1') })
      }
    },
    get sessions() {
      return table.size
    },
    get streams() {
      return table.streams
    },
  }
  return relay
}
