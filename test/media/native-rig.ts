// Owns a running native relay with far ends around it, for tests: calls of two sides, each with its stream and sockets.
import { expect } from 'vitest'
import {
  type ConnectionEvent,
  createNativeRelay,
  type NativeRelay,
  SRTP_KEY_BYTES,
  type SrtpKey,
  type StreamConfig,
  type StreamStats,
  type TimeoutEvent,
} from '../../src/media/native-relay.ts'
import { RtpPeer } from './rtp-peer.ts'

export const PORTS = { portMin: 41000, portMax: 41799 }

/** One side of a call: its stream in the relay, its far end's two sockets. */
export interface Side {
  id: number
  rtpPort: number
  rtcpPort: number
  rtp: RtpPeer
  rtcp: RtpPeer
  remote: { address: string; rtpPort: number; rtcpPort: number }
}

export function key(seed: number, suite: SrtpKey['suite'] = 'AES_CM_128_HMAC_SHA1_80'): SrtpKey {
  return { suite, key: Uint8Array.from({ length: SRTP_KEY_BYTES[suite] }, (_, i) => (seed * 31 + i * 7) & 0xff) }
}

export class NativeRig {
  readonly relay: NativeRelay
  readonly events: TimeoutEvent[] = []
  readonly connections: ConnectionEvent[] = []
  readonly #peers: RtpPeer[] = []

  constructor(threads = 1, sockets: 'shared' | 'own' = 'shared') {
    this.relay = createNativeRelay({
      onEvent: (event) => this.events.push(event),
      onConnection: (event) => this.connections.push(event),
      threads,
      sockets,
    })
  }

  async peer(address = '127.0.0.1'): Promise<RtpPeer> {
    const opened = await RtpPeer.open(address)
    this.#peers.push(opened)
    return opened
  }

  async side(address = '127.0.0.1'): Promise<Side> {
    const stream = this.relay.openStream({ address, ...PORTS })
    const [media, control] = [await this.peer(address), await this.peer(address)]
    return { ...stream, rtp: media, rtcp: control, remote: { address, rtpPort: media.port, rtcpPort: control.port } }
  }

  async call(
    a: Partial<StreamConfig> = {},
    b: Partial<StreamConfig> = {},
    addresses: [string, string] = ['127.0.0.1', '127.0.0.1'],
  ): Promise<[Side, Side]> {
    const sides: [Side, Side] = [await this.side(addresses[0]), await this.side(addresses[1])]
    this.relay.link(sides[0].id, sides[1].id)
    this.relay.configure(sides[0].id, { latching: 'learn', remote: sides[0].remote, ...a })
    this.relay.configure(sides[1].id, { latching: 'learn', remote: sides[1].remote, ...b })
    return sides
  }

  /** Waits until the counters of a stream are as wanted: packets that go nowhere leave no other trace. */
  async counted(id: number, wanted: Partial<StreamStats>): Promise<void> {
    await expect.poll(() => this.relay.stats(id), { interval: 5, timeout: 3000 }).toMatchObject(wanted)
  }

  close(): void {
    this.relay.shutdown()
    for (const each of this.#peers) each.close()
  }
}
