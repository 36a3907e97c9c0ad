// Owns a native relay that opens no socket: ports in order, what was configured kept for tests to look at.
import { SignalboxError } from '../errors.ts'
import { type DtlsIdentity, FINGERPRINT_BYTES } from './connection-settings.ts'
import { createFakeAudio, type FakeAudio } from './fake-audio.ts'
import type { NativeRelay, StreamConfig, StreamStats, TimeoutEvent } from './native-relay.ts'

export interface FakeStream {
  readonly id: number
  readonly address: string
  readonly rtpPort: number
  config: StreamConfig | undefined
  /** Id of the stream that its packets leave by. */
  peer: number | undefined
  stats: StreamStats
}

export interface FakeNative extends NativeRelay, FakeAudio {
  readonly open: ReadonlyMap<number, FakeStream>
  /** Reports a stream as silent. */
  fallSilent(id: number): void
}

export const NO_PACKETS: StreamStats = {
  rtpPacketsIn: 0,
  rtpBytesIn: 0,
  rtpPacketsOut: 0,
  rtpBytesOut: 0,
  rtcpPacketsIn: 0,
  rtcpBytesIn: 0,
  rtcpPacketsOut: 0,
  rtcpBytesOut: 0,
  lost: 0,
  jitter: 0,
  jitterMillis: 0,
  duplicates: 0,
  ssrc: 0,
  ssrcChanges: 0,
  srtpAuthFailures: 0,
  srtpReplays: 0,
  srtpShort: 0,
  srtpWrongMki: 0,
  srtpSsrcLimit: 0,
  srtpUnsent: 0,
  unknownSource: 0,
  malformed: 0,
  discarded: 0,
  rateLimited: 0,
  sendErrors: 0,
  relearned: 0,
  blocked: 0,
  silenced: 0,
  dtmfEvents: 0,
  dtmfPackets: 0,
  dtmfBlocked: 0,
  stunPacketsIn: 0,
  stunRefused: 0,
  dtlsPacketsIn: 0,
  dtlsWrongFingerprints: 0,
  dtlsFailures: 0,
  sources: [],
  reports: [],
  roundTrips: 0,
  roundTripMillis: -1,
  roundTripMinMillis: -1,
  roundTripMaxMillis: -1,
  roundTripMeanMillis: -1,
  learnedRtp: '',
  learnedRtcp: '',
  lastPacketAgeMillis: -1,
}

const FAKE_IDENTITY: DtlsIdentity = {
  handle: undefined,
  fingerprints: Object.fromEntries(
    Object.entries(FINGERPRINT_BYTES).map(([hash, bytes]) => [hash, new Uint8Array(bytes).fill(0xab)]),
  ) as DtlsIdentity['fingerprints'],
}

/** Ports go up in pairs and are used again once closed, the lowest first. */
export function createFakeNative(options: { onEvent(event: TimeoutEvent): void }): FakeNative {
  const open = new Map<number, FakeStream>()
  let next = 1
  const known = (id: number): FakeStream => {
    const stream = open.get(id)
    if (!stream) throw new SignalboxError('ERR_MEDIA', `There is no media stream ${id}.`)
    return stream
  }
  return {
    ...createFakeAudio(),
    open,
    openStream({ address, portMin, portMax }) {
      const taken = new Set(
        [...open.values()].filter((other) => other.address === address).map((other) => other.rtpPort),
      )
      let rtpPort = portMin + (portMin % 2)
      while (taken.has(rtpPort)) rtpPort += 2
      if (rtpPort + 1 > portMax)
        throw new SignalboxError(
          'ERR_MEDIA_PORTS',
          `No pair of ports is free on ${address} between ${portMin} and ${portMax}.`,
        )
      const id = next++
      open.set(id, { id, address, rtpPort, config: undefined, peer: undefined, stats: { ...NO_PACKETS } })
      return { id, rtpPort, rtcpPort: rtpPort + 1 }
    },
    link(a, b) {
      for (const id of [a, b]) {
        const former = known(id).peer
        const other = former === undefined ? undefined : open.get(former)
        if (other?.peer === id) other.peer = undefined
      }
      known(a).peer = b
      known(b).peer = a
    },
    configure(id, config) {
      known(id).config = config
    },
    close(id) {
      known(id)
      open.delete(id)
    },
    together: (work) => work(),
    stats: (id) => known(id).stats,
    sharesSockets: () => false,
    makeIdentity: () => FAKE_IDENTITY,
    shutdown: () => open.clear(),
    fallSilent(id) {
      const held = known(id).config?.send === false || known(id).config?.receive === false
      options.onEvent({ type: 'timeout', stream: id, silent: held })
    },
  }
}
