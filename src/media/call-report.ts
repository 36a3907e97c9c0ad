// Owns the counters of a call in two shapes: the engine's MediaStats, and the dictionary that rtpengine's query and delete return.
import type { Call, Party, PartyMedia } from './call.ts'
import { iceConfig } from './ice-negotiation.ts'
import { estimateMos } from './mos.ts'
import type { NativeRelay, SourceStats, StreamStats } from './native-relay.ts'
import { dictionary, type NgDictionary, type NgValue } from './ng/bencode.ts'
import type { MediaStats, MediaStreamStats } from './relay.ts'

/** Everything that is known of a call at one moment. */
export interface CallReport {
  readonly call: Call
  /** Counters by stream id. */
  readonly stats: ReadonlyMap<number, StreamStats>
  /** Milliseconds since 1970. */
  readonly now: number
}

export function reportOf(native: NativeRelay, call: Call, now: number): CallReport {
  const stats = new Map<number, StreamStats>()
  for (const party of call.parties)
    for (const { stream } of party.media)
      if (stream && !stats.has(stream.id)) stats.set(stream.id, native.stats(stream.id))
  return { call, stats, now }
}

/** Why packets did not pass as SRTP, or who did not prove to be the far end: the counter of each reason. */
const SRTP_FAILURES = [
  ['authentication', 'srtpAuthFailures'],
  ['replay', 'srtpReplays'],
  ['short', 'srtpShort'],
  ['mki', 'srtpWrongMki'],
  ['ssrcLimit', 'srtpSsrcLimit'],
  ['unsent', 'srtpUnsent'],
  ['fingerprint', 'dtlsWrongFingerprints'],
  ['handshake', 'dtlsFailures'],
] as const

function srtpFailures(stats: StreamStats): Record<string, number> {
  const failures: Record<string, number> = {}
  for (const [reason, counter] of SRTP_FAILURES) if (stats[counter] > 0) failures[reason] = stats[counter]
  return failures
}

/** Packets that arrived here and were not passed on. */
function errorsIn(stats: StreamStats): number {
  const srtp = stats.srtpAuthFailures + stats.srtpReplays + stats.srtpShort + stats.srtpWrongMki + stats.srtpSsrcLimit
  return srtp + stats.malformed + stats.rateLimited
}

/** The engine's shape: one entry a party and m-line; streams that a fork shares are told once, for the party that took part last. */
export function mediaStats({ call, stats }: CallReport): MediaStats {
  const streams: MediaStreamStats[] = []
  const told = new Set<number>()
  const talking = call.parties.filter((party) => party.peer?.peer === party)
  for (const party of [...talking, ...call.parties]) {
    for (const [index, media] of party.media.entries()) {
      const counters = media.stream && stats.get(media.stream.id)
      if (!media.stream || !counters || told.has(media.stream.id)) continue
      told.add(media.stream.id)
      streams.push(streamStats(party, index, media, counters))
    }
  }
  return { callId: call.id, created: Math.floor(call.created / 1000), streams }
}

function streamStats(party: Party, index: number, media: PartyMedia, counters: StreamStats): MediaStreamStats {
  const stated = media.stated ?? media.pending
  const stream = media.stream!
  const told: { -readonly [Name in keyof MediaStreamStats]: MediaStreamStats[Name] } = {
    tag: party.tag,
    index: index + 1,
    type: stated?.kind ?? '',
    protocol: media.protocol || (stated?.protocol ?? ''),
    localAddress: stream.local.address,
    localPort: stream.rtpPort,
    rtpIn: { packets: counters.rtpPacketsIn, bytes: counters.rtpBytesIn, errors: errorsIn(counters) },
    rtpOut: { packets: counters.rtpPacketsOut, bytes: counters.rtpBytesOut, errors: counters.sendErrors },
    rtcpIn: { packets: counters.rtcpPacketsIn, bytes: counters.rtcpBytesIn, errors: 0 },
    rtcpOut: { packets: counters.rtcpPacketsOut, bytes: counters.rtcpBytesOut, errors: 0 },
    lost: counters.lost,
    jitterMillis: counters.jitterMillis,
    srtpFailures: srtpFailures(counters),
    ssrcChanges: counters.ssrcChanges,
  }
  if (stated?.address !== undefined) {
    told.remoteAddress = stated.address
    told.remotePort = stated.port
  }
  if (media.agreed) told.suite = media.agreed.local.suite
  if (counters.roundTrips > 0) told.roundTripMillis = counters.roundTripMeanMillis
  if (stated?.kind === 'audio' && counters.rtpPacketsIn > 0) told.mos = mosOf(counters, totalOf(counters))
  if (counters.lastPacketAgeMillis >= 0) told.lastPacketMillis = counters.lastPacketAgeMillis
  return told
}

/** rtpengine's shape, of the parties given (all, where a query names no tag). */
export function ngReport(report: CallReport, parties: readonly Party[]): NgDictionary {
  const { call, stats } = report
  const tags = dictionary()
  let untagged = 0
  for (const party of parties) tags[party.tag || `<untagged ${++untagged}>`] = ngParty(report, party)
  const total = { rtp: { packets: 0, bytes: 0, errors: 0 }, rtcp: { packets: 0, bytes: 0, errors: 0 } }
  for (const counters of stats.values()) {
    total.rtp.packets += counters.rtpPacketsIn
    total.rtp.bytes += counters.rtpBytesIn
    total.rtp.errors += errorsIn(counters)
    total.rtcp.packets += counters.rtcpPacketsIn
    total.rtcp.bytes += counters.rtcpBytesIn
  }
  return dictionary({
    created: Math.floor(call.created / 1000),
    created_us: Math.floor((call.created % 1000) * 1000),
    'last signal': Math.floor(call.lastSignal / 1000),
    SSRC: ssrcReport(stats.values()),
    tags,
    totals: dictionary({ RTP: dictionary(total.rtp), RTCP: dictionary(total.rtcp) }),
  })
}

type Received = Pick<SourceStats, 'packets' | 'lost' | 'jitterMillis'>

function totalOf({ rtpPacketsIn, duplicates, lost, jitterMillis }: StreamStats): Received {
  return { packets: Math.max(0, rtpPacketsIn - duplicates), lost, jitterMillis }
}

function mosOf({ roundTrips, roundTripMeanMillis }: StreamStats, { packets, lost, jitterMillis }: Received): number {
  const loss = lost > 0 ? lost / (packets + lost) : 0
  return estimateMos({ loss, jitterMillis, roundTripMillis: roundTrips > 0 ? roundTripMeanMillis : undefined })
}

/** Who was heard, by SSRC. rtpengine tells the score tenfold, jitter in milliseconds, loss in percent. */
function ssrcReport(streams: Iterable<StreamStats>): NgDictionary {
  const report = dictionary()
  for (const stats of streams) {
    for (const source of stats.sources) {
      const { packets, bytes, lost, jitterMillis } = source
      report[String(source.ssrc)] = dictionary({
        packets,
        bytes,
        'cumulative loss': lost,
        'average MOS': dictionary({
          MOS: Math.round(10 * mosOf(stats, source)),
          'round-trip time': stats.roundTrips > 0 ? Math.round(1000 * stats.roundTripMeanMillis) : undefined,
          jitter: Math.round(jitterMillis),
          'packet loss': lost > 0 ? Math.round((100 * lost) / (packets + lost)) : 0,
          samples: 1,
        }),
      })
    }
  }
  return report
}

function ngParty(report: CallReport, party: Party): NgDictionary {
  const others = (relation: (other: Party) => boolean): NgValue[] =>
    report.call.parties.filter(relation).map((other) => dictionary({ tag: other.tag, type: 'offer/answer' }))
  return dictionary({
    tag: party.tag || undefined,
    'via-branch': party.viaBranch || undefined,
    label: party.label || undefined,
    created: Math.floor(party.created / 1000),
    subscriptions: others((other) => party.peer === other),
    subscribers: others((other) => other.peer === party),
    medias: party.media.map((media, index) => ngMedia(report, media, index)),
  })
}

function ngMedia(report: CallReport, media: PartyMedia, index: number): NgDictionary {
  const stated = media.stated ?? media.pending
  const direction = stated?.direction ?? 'sendrecv'
  const flags = ['initialized']
  if (direction === 'sendrecv' || direction === 'sendonly') flags.push('send')
  if (direction === 'sendrecv' || direction === 'recvonly') flags.push('recv')
  if (media.mux) flags.push('rtcp-mux')
  if (media.dtls.agreed) flags.push('DTLS-SRTP', `DTLS role ${media.dtls.agreed.role}`)
  if (media.agreed) flags.push('SDES')
  const ice = iceConfig(media)
  if (ice) flags.push('ICE')
  if (ice && stated?.ice?.trickle) flags.push('trickle ICE')
  if (ice?.role === 'controlling') flags.push('ICE controlling')
  return dictionary({
    index: index + 1,
    type: stated?.kind ?? '',
    protocol: media.protocol || (stated?.protocol ?? ''),
    streams: media.stream ? [ngStream(report, media, 'RTP'), ngStream(report, media, 'RTCP')] : [],
    flags,
  })
}

function ngStream(report: CallReport, media: PartyMedia, kind: 'RTP' | 'RTCP'): NgDictionary {
  const stream = media.stream!
  const counters = report.stats.get(stream.id)
  const stated = media.stated ?? media.pending
  const family = stream.local.family === 'IP6' ? 'IPv6' : 'IPv4'
  const learned = kind === 'RTP' ? counters?.learnedRtp : counters?.learnedRtcp
  const signalled =
    stated?.address === undefined
      ? undefined
      : { family, address: stated.address, port: kind === 'RTP' ? stated.port : stated.rtcpPort }
  const age = counters?.lastPacketAgeMillis ?? -1
  return dictionary({
    'local port': kind === 'RTP' ? stream.rtpPort : stream.rtcpPort,
    'local address': stream.local.address,
    family,
    endpoint: endpointOf(learned, family) ?? (signalled && dictionary(signalled)),
    'advertised endpoint': signalled && dictionary(signalled),
    'crypto suite': media.agreed?.local.suite,
    'last packet': Math.floor((age < 0 ? report.call.created : report.now - age) / 1000),
    SSRC: kind === 'RTP' && counters?.ssrc ? counters.ssrc : undefined,
    flags: [kind, ...(signalled ? ['filled'] : []), ...(learned ? ['confirmed'] : [])],
    stats: dictionary(
      kind === 'RTP'
        ? {
            packets: counters?.rtpPacketsIn ?? 0,
            bytes: counters?.rtpBytesIn ?? 0,
            errors: counters ? errorsIn(counters) : 0,
          }
        : { packets: counters?.rtcpPacketsIn ?? 0, bytes: counters?.rtcpBytesIn ?? 0, errors: 0 },
    ),
  })
}

function endpointOf(text: string | undefined, family: string): NgDictionary | undefined {
  const match = /^\[?([^\]]+)\]?:(\d+)$/.exec(text ?? '')
  return match ? dictionary({ family, address: match[1]!, port: Number(match[2]) }) : undefined
}
