// Owns the engine's own counters: which families there are and what they are called.
import { ROUTE_KINDS } from '../script/index.ts'
import { type Family, Metrics, type Tally } from './metrics.ts'

/** How streams of ended calls were heard: sums beside the number of streams that they are over. */
export interface MediaQuality {
  /** Audio streams by the whole part of their mean opinion score, `1` to `4`. */
  readonly streams: Family
  readonly mos: Tally
  readonly jitterSeconds: Tally
  readonly roundTripStreams: Tally
  readonly roundTripSeconds: Tally
}

/** What routes, calls and media count. Kept as plain numbers until the metrics are asked for. */
export interface EngineCounters {
  readonly metrics: Metrics
  /** By the number of their kind. */
  readonly runs: readonly Tally[]
  readonly scriptErrors: Family
  readonly calls: Family
  readonly callSetupSeconds: Tally
  readonly callTalkSeconds: Tally
  readonly mediaOperations: Family
  readonly mediaPackets: Family
  readonly mediaLost: Tally
  readonly mediaQuality: MediaQuality
  readonly srtpFailures: Family
  readonly reloads: Family
}

/** Declares the families. */
export function createCounters(): EngineCounters {
  const metrics = new Metrics()
  const runs = metrics.counter('signalbox_route_runs_total', 'Route blocks run, by kind.', ['kind'])
  return {
    metrics,
    runs: ROUTE_KINDS.map((kind) => runs.with({ kind })),
    scriptErrors: metrics.counter('signalbox_route_errors_total', 'Runs that threw or hit a limit, by error code.', [
      'code',
    ]),
    calls: metrics.counter('signalbox_calls_total', 'Calls that ended, by final status and by how they ended.', [
      'status',
      'reason',
    ]),
    callSetupSeconds: metrics
      .counter('signalbox_call_setup_seconds_total', 'Time from INVITE to final reply, all calls together.')
      .with({}),
    callTalkSeconds: metrics
      .counter('signalbox_call_talk_seconds_total', 'Time from 2xx to the end, all calls together.')
      .with({}),
    mediaOperations: metrics.counter('signalbox_media_operations_total', 'Operations asked of the media relay.', [
      'operation',
      'result',
    ]),
    mediaPackets: metrics.counter('signalbox_media_packets_total', 'Media packets of calls that ended.', [
      'protocol',
      'direction',
    ]),
    mediaLost: metrics
      .counter('signalbox_media_lost_packets_total', 'Packets missing by their sequence numbers, of calls that ended.')
      .with({}),
    mediaQuality: {
      streams: metrics.counter(
        'signalbox_media_mos_streams_total',
        'Audio streams of calls that ended, by the whole part of their estimated MOS.',
        ['mos'],
      ),
      mos: metrics.counter('signalbox_media_mos_sum', 'Estimated MOS of those streams, added up.').with({}),
      jitterSeconds: metrics
        .counter('signalbox_media_jitter_seconds_sum', 'Interarrival jitter of those streams, added up.')
        .with({}),
      roundTripStreams: metrics
        .counter('signalbox_media_round_trip_streams_total', 'Streams of calls that ended whose round trip RTCP told.')
        .with({}),
      roundTripSeconds: metrics
        .counter('signalbox_media_round_trip_seconds_sum', 'Mean round trip of those streams, added up.')
        .with({}),
    },
    srtpFailures: metrics.counter('signalbox_srtp_failures_total', 'Packets that SRTP refused, of calls that ended.', [
      'reason',
    ]),
    reloads: metrics.counter('signalbox_program_reloads_total', 'Reloads of the routing script, by result.', [
      'result',
    ]),
  }
}
