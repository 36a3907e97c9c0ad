// Owns what a call leaves behind: one log line at its end, and its share of the metrics.
import type { MediaStats, MediaStreamStats } from '../media/index.ts'
import type { CallSummary } from '../proxy/index.ts'
import type { EngineCounters, MediaQuality } from './counters.ts'
import type { EngineLog } from './logger.ts'
import type { MediaServices } from './media-services.ts'

/** Writes the line once the media session is closed and its counters are final. Never rejects. */
export async function logCall(
  call: CallSummary,
  media: MediaServices,
  counters: EngineCounters,
  log: EngineLog,
): Promise<void> {
  // A dialog that the script did not record-route goes on without us: its media ends by the relay's time-out.
  if (call.reason === 'untracked') media.untracked(call.callId)
  const stats = call.reason === 'untracked' ? undefined : await media.callEnded(call.callId)
  count(call, stats, counters)
  if (!log.enabled('info')) return
  log.info(
    {
      event: 'call',
      callId: call.callId,
      from: call.from,
      to: call.to,
      uri: call.requestUri,
      source: call.source,
      destination: call.destination,
      program: call.label,
      status: call.status,
      statusReason: call.statusReason,
      endedBy: call.endedBy,
      reason: call.reason,
      started: new Date(call.startedAt).toISOString(),
      setupMillis: Math.round(call.setupMillis),
      ringMillis: Math.round(call.ringMillis),
      talkMillis: Math.round(call.talkMillis),
      hops: call.hops,
      fromTag: call.fromTag,
      toTag: call.toTag,
      ...(stats ? { media: stats.streams.map(shown) } : {}),
    },
    'call ended',
  )
}

function shown(stream: MediaStreamStats) {
  const failures = Object.values(stream.srtpFailures).reduce((sum, n) => sum + n, 0)
  return {
    tag: stream.tag,
    type: stream.type,
    local: `${stream.localAddress}:${stream.localPort}`,
    ...(stream.remoteAddress === undefined ? {} : { remote: `${stream.remoteAddress}:${stream.remotePort}` }),
    ...(stream.suite === undefined ? {} : { suite: stream.suite }),
    packetsIn: stream.rtpIn.packets,
    packetsOut: stream.rtpOut.packets,
    lost: stream.lost,
    jitterMillis: Math.round(stream.jitterMillis * 10) / 10,
    ...(stream.roundTripMillis === undefined ? {} : { roundTripMillis: Math.round(stream.roundTripMillis) }),
    ...(stream.mos === undefined ? {} : { mos: stream.mos }),
    ...(stream.ssrcChanges === 0 ? {} : { ssrcChanges: stream.ssrcChanges }),
    ...(failures === 0 ? {} : { srtpFailures: stream.srtpFailures }),
  }
}

function count(call: CallSummary, stats: MediaStats | undefined, counters: EngineCounters): void {
  counters.calls.add({ status: String(call.status), reason: call.reason })
  counters.callSetupSeconds.value += call.setupMillis / 1000
  counters.callTalkSeconds.value += call.talkMillis / 1000
  for (const stream of stats?.streams ?? []) {
    counters.mediaPackets.add({ protocol: 'rtp', direction: 'in' }, stream.rtpIn.packets)
    counters.mediaPackets.add({ protocol: 'rtp', direction: 'out' }, stream.rtpOut.packets)
    counters.mediaPackets.add({ protocol: 'rtcp', direction: 'in' }, stream.rtcpIn.packets)
    counters.mediaPackets.add({ protocol: 'rtcp', direction: 'out' }, stream.rtcpOut.packets)
    counters.mediaLost.value += stream.lost
    countQuality(stream, counters.mediaQuality)
    for (const [reason, n] of Object.entries(stream.srtpFailures)) counters.srtpFailures.add({ reason }, n)
  }
}

function countQuality({ mos, jitterMillis, roundTripMillis }: MediaStreamStats, quality: MediaQuality): void {
  if (mos !== undefined) {
    quality.streams.add({ mos: String(Math.floor(mos)) })
    quality.mos.value += mos
    quality.jitterSeconds.value += jitterMillis / 1000
  }
  if (roundTripMillis === undefined) return
  quality.roundTripStreams.value++
  quality.roundTripSeconds.value += roundTripMillis / 1000
}
