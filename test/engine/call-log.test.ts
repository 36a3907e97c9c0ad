// Owns the tests of what a call leaves behind: how its media was heard, in its line and in the metrics.
import { expect, test } from 'vitest'
import { logCall } from '../../src/engine/call-log.ts'
import { createCounters } from '../../src/engine/counters.ts'
import type { EngineLog } from '../../src/engine/logger.ts'
import type { MediaServices } from '../../src/engine/media-services.ts'
import type { MediaStreamStats } from '../../src/media/index.ts'
import type { CallSummary } from '../../src/proxy/index.ts'

const NONE = { packets: 0, bytes: 0, errors: 0 }
const stream = (more: Partial<MediaStreamStats>): MediaStreamStats => ({
  tag: 'a',
  index: 1,
  type: 'audio',
  protocol: 'RTP/AVP',
  localAddress: '10.0.0.5',
  localPort: 30_000,
  rtpIn: { ...NONE, packets: 500 },
  rtpOut: NONE,
  rtcpIn: NONE,
  rtcpOut: NONE,
  lost: 0,
  jitterMillis: 0,
  srtpFailures: {},
  ssrcChanges: 0,
  ...more,
})

test('how media was heard stands in the line and is added up', async () => {
  const counters = createCounters()
  const lines: Record<string, unknown>[] = []
  const log = { enabled: () => true, info: (fields: Record<string, unknown>) => lines.push(fields) }
  const streams = [
    stream({ mos: 4.4, jitterMillis: 20, roundTripMillis: 60, ssrcChanges: 2 }),
    stream({ tag: 'b', mos: 2.9, jitterMillis: 30, lost: 40 }),
    stream({ tag: 'c', type: 'video' }),
  ]
  const media = { callEnded: async () => ({ callId: 'c', created: 0, streams }), untracked: () => undefined }
  const call = { callId: 'c', startedAt: 0, setupMillis: 0, ringMillis: 0, talkMillis: 0, status: 200, reason: 'bye' }
  await logCall(
    call as unknown as CallSummary,
    media as unknown as MediaServices,
    counters,
    log as unknown as EngineLog,
  )
  expect(lines[0]!.media).toMatchObject([
    { mos: 4.4, jitterMillis: 20, roundTripMillis: 60, ssrcChanges: 2 },
    { mos: 2.9, lost: 40 },
    { type: 'video' },
  ])
  const text = await counters.metrics.text()
  for (const line of [
    'signalbox_media_mos_streams_total{mos="4"} 1',
    'signalbox_media_mos_streams_total{mos="2"} 1',
    'signalbox_media_mos_sum 7.3',
    'signalbox_media_jitter_seconds_sum 0.05',
    'signalbox_media_round_trip_streams_total 1',
    'signalbox_media_round_trip_seconds_sum 0.06',
    'signalbox_media_lost_packets_total 40',
  ])
    expect(text.split('\n')).toContainEqual(expect.stringMatching(new RegExp(`^${line.replace(/[{}.]/g, '\\$&')}`)))
})
