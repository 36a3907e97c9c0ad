// Owns the reading of rtpengine's query and delete replies into the engine's counters.
import type { MediaCounters, MediaStats, MediaStreamStats } from '../relay.ts'
import type { NgDictionary, NgValue } from './bencode.ts'

const NONE: MediaCounters = { packets: 0, bytes: 0, errors: 0 }

/** What rtpengine does not tell (loss, jitter, packets sent) is 0. */
export function statsFromNg(callId: string, reply: NgDictionary): MediaStats {
  const streams: MediaStreamStats[] = []
  for (const [tag, party] of Object.entries(asDictionary(reply.tags))) {
    for (const media of asList(asDictionary(party).medias).map(asDictionary)) {
      const [rtp, rtcp] = asList(media.streams).map(asDictionary)
      if (!rtp) continue
      const endpoint = asDictionary(rtp.endpoint)
      streams.push({
        tag: tag.startsWith('<untagged') ? '' : tag,
        index: asNumber(media.index),
        type: asText(media.type),
        protocol: asText(media.protocol),
        localAddress: asText(rtp['local address']),
        localPort: asNumber(rtp['local port']),
        ...(endpoint.address === undefined
          ? {}
          : { remoteAddress: asText(endpoint.address), remotePort: asNumber(endpoint.port) }),
        ...(rtp['crypto suite'] === undefined ? {} : { suite: asText(rtp['crypto suite']) }),
        rtpIn: asCounters(rtp.stats),
        rtpOut: NONE,
        rtcpIn: asCounters(rtcp?.stats),
        rtcpOut: NONE,
        lost: 0,
        jitterMillis: 0,
        srtpFailures: {},
        ssrcChanges: 0,
      })
    }
  }
  return { callId, created: asNumber(reply.created), streams }
}

function asDictionary(value: NgValue | undefined): NgDictionary {
  return typeof value === 'object' && !Array.isArray(value) ? value : {}
}

function asList(value: NgValue | undefined): NgValue[] {
  return Array.isArray(value) ? value : []
}

function asText(value: NgValue | undefined): string {
  return typeof value === 'string' ? value : ''
}

function asNumber(value: NgValue | undefined): number {
  return typeof value === 'number' ? value : 0
}

function asCounters(value: NgValue | undefined): MediaCounters {
  const { packets, bytes, errors } = asDictionary(value)
  return { packets: asNumber(packets), bytes: asNumber(bytes), errors: asNumber(errors) }
}
